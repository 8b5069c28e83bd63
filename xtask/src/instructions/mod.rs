//! `cargo xtask instructions`: how many instructions each hot operation takes, against its bound.
//!
//! Instructions are [counted](count), under valgrind's callgrind, because a count comes out the
//! same every time, on a busy machine too, where a time does not. The figures and their bounds are
//! in a [file](bounds), which `--renew` writes anew. They are those of one compiler and one kind of
//! machine: a bound leaves room for the next compiler, and on another kind of machine nothing is
//! checked.

mod bounds;
mod count;

use crate::Result;
use bounds::{Bound, PATH};
use count::{Operation, Tools};

/// Holds every operation to its bound, as a step of `ci`.
///
/// # Errors
/// When an operation takes more than its bound, or has none.
pub(crate) fn run() -> Result {
    main(&[])
}

/// # Errors
/// As [`run`], unless the bounds are renewed; or an argument that is not `--renew`.
pub(crate) fn main(args: &[String]) -> Result {
    let renewing = match args {
        [] => false,
        [arg] if arg == "--renew" => true,
        args => return Err(format!("there is only `--renew`, not `{}`", args.join(" ")).into()),
    };
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        println!("nothing is checked: the figures in {PATH} are those of x86-64 and Linux");
        return Ok(());
    }
    let tools = Tools::find()?;
    let program = count::build()?;
    let listed = count::list(&program)?;
    let operations = count::operations(&listed)?;
    let text = std::fs::read_to_string(PATH).unwrap_or_default();
    let bounds = match bounds::read(&text) {
        // Renewing mends a file that can't be read.
        Err(_) if renewing => Vec::new(),
        bounds => bounds?,
    };
    if renewing {
        renew(&program, &operations, &bounds, &tools)
    } else {
        check(&program, &operations, &bounds, bounds::of_other_tools(&text, &tools))
    }
}

fn check(
    program: &str,
    operations: &[Operation<'_>],
    bounds: &[Bound<'_>],
    of_other_tools: Option<String>,
) -> Result {
    println!("{:<15}{:>9}{:>9}{:>8}", "instructions", "now", "then", "bound");
    let mut problems = Vec::new();
    let mut notes = Vec::new();
    for operation in operations {
        let figure = count::measure(program, operation)?;
        let bound = find(bounds, operation.name);
        println!("{:<15}{figure:>9.1}{}  {}", operation.name, columns(bound), operation.about);
        problems.extend(excess(operation.name, figure, bound));
        notes.extend(bound.and_then(|bound| looseness(figure, bound)));
    }
    problems.extend(strangers(operations, bounds));
    notes.extend(of_other_tools);
    for note in notes {
        println!("note: {note}");
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.push(format!(
        "make it cheaper again; or, if it is worth that, `cargo xtask instructions --renew` writes \
         the figures and bounds in {PATH} anew"
    ));
    Err(problems.join("\n").into())
}

fn renew(
    program: &str,
    operations: &[Operation<'_>],
    bounds: &[Bound<'_>],
    tools: &Tools,
) -> Result {
    println!("{:<15}{:>9}{:>8}{:>9}{:>8}", "instructions", "now", "bound", "then", "bound");
    let mut renewed = Vec::new();
    for operation in operations {
        let Operation { name, about, .. } = operation;
        let old = find(bounds, name);
        let new = bounds::roomy(name, count::measure(program, operation)?);
        println!("{name:<15}{}{}  {about}", columns(Some(&new)), columns(old));
        renewed.push(new);
    }
    for stranger in strangers(operations, bounds) {
        println!("note: {stranger}; it is left out now");
    }
    std::fs::write(PATH, bounds::write(tools, &renewed))?;
    println!("{PATH} is renewed");
    Ok(())
}

fn find<'a, 'b>(bounds: &'a [Bound<'b>], name: &str) -> Option<&'a Bound<'b>> {
    bounds.iter().find(|bound| bound.name == name)
}

/// What the file says, as two columns.
fn columns(bound: Option<&Bound<'_>>) -> String {
    match bound {
        Some(Bound { measured, bound, .. }) => format!("{measured:>9.1}{bound:>8}"),
        None => format!("{:>9}{:>8}", "-", "-"),
    }
}

/// What is wrong with a figure, if anything.
fn excess(name: &str, figure: f64, bound: Option<&Bound<'_>>) -> Option<String> {
    let Some(Bound { measured, bound, .. }) = bound else {
        return Some(format!("`{name}` has no bound in {PATH}"));
    };
    (figure > *bound as f64).then(|| {
        format!(
            "`{name}` takes {figure:.1} instructions, more than its bound of {bound}: \
             it took {measured:.1} when that was set"
        )
    })
}

/// That a bound is so far away that it holds nothing any more, if it is.
fn looseness(figure: f64, bound: &Bound<'_>) -> Option<String> {
    let Bound { name, bound, .. } = bound;
    (figure * 2.0 < *bound as f64).then(|| {
        format!(
            "`{name}` takes {figure:.1} instructions, under half of its bound of {bound}: \
             `cargo xtask instructions --renew` makes that a real one again"
        )
    })
}

/// What the file bounds, though it is no operation.
fn strangers(operations: &[Operation<'_>], bounds: &[Bound<'_>]) -> Vec<String> {
    let known = |name| operations.iter().any(|operation| operation.name == name);
    let strangers = bounds.iter().filter(|bound| !known(bound.name));
    strangers.map(|Bound { name, .. }| format!("{PATH} bounds `{name}`, no operation")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Bound, Operation, excess, looseness, main, strangers};

    const BOUND: Bound<'_> = Bound { name: "nap", measured: 100.5, bound: 130 };

    #[test]
    fn an_excess_names_the_operation_the_figure_and_the_bound() {
        assert_eq!(excess("nap", 130.0, Some(&BOUND)), None);
        assert_eq!(
            excess("nap", 130.1, Some(&BOUND)).unwrap(),
            "`nap` takes 130.1 instructions, more than its bound of 130: \
             it took 100.5 when that was set"
        );
        assert_eq!(
            excess("nap", 1.0, None).unwrap(),
            "`nap` has no bound in bench/instructions.toml"
        );
    }

    #[test]
    fn a_bound_is_loose_from_twice_the_figure_on() {
        assert_eq!(looseness(65.0, &BOUND), None);
        let note = looseness(64.9, &BOUND).unwrap();
        let begin = "`nap` takes 64.9 instructions, under half of its bound of 130: ";
        assert!(note.starts_with(begin), "{note}");
    }

    #[test]
    fn the_file_bounds_only_operations() {
        let nap = Operation { name: "nap", deliveries: 1, about: "" };
        assert!(strangers(&[nap], &[BOUND]).is_empty());
        assert_eq!(
            strangers(&[], &[BOUND]),
            ["bench/instructions.toml bounds `nap`, no operation"]
        );
    }

    #[test]
    fn there_is_one_option() {
        let args = ["--renew", "--fast"].map(str::to_owned);
        let error = main(&args).unwrap_err().to_string();
        assert_eq!(error, "there is only `--renew`, not `--renew --fast`");
    }
}
