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
use count::Tools;

/// # Errors
/// When an operation takes more than its bound, or has none, unless the bounds are renewed; or an argument that is not `--renew`.
pub(crate) fn main(args: &[String]) -> Result<String> {
    let renewing = match args {
        [] => false,
        [arg] if arg == "--renew" => true,
        args => return Err(format!("there is only `--renew`, not `{}`", args.join(" ")).into()),
    };
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        println!("nothing is checked: the figures in {PATH} are those of x86-64 and Linux");
        return Ok(String::new());
    }
    let tools = Tools::find()?;
    let program = count::build()?;
    let operations = count::operations(&program)?;
    let bounds = match bounds::read(&std::fs::read_to_string(PATH).unwrap_or_default()) {
        // Renewing mends a file that can't be read.
        Err(_) if renewing => bounds::Bounds::default(),
        bounds => bounds?,
    };
    let mut renewed = Vec::new();
    let mut problems = Vec::new();
    println!("{:<15}{:>9}{:>9}{:>8}", "instructions", "now", "then", "bound");
    for operation in &operations {
        let name = &*operation.name;
        let figure = count::measure(&program, operation)?;
        let bound = bounds.operations.get(name);
        let (then, most) = bound.map_or_else(Default::default, |it| (it.measured, it.bound));
        println!("{name:<15}{figure:>9.1}{then:>9.1}{most:>8}  {}", operation.about);
        renewed.push((name, bounds::roomy(figure)));
        problems.extend(problem(name, figure, bound));
    }
    if renewing {
        std::fs::write(PATH, bounds::write(&tools, &renewed))?;
        println!("{PATH} is renewed");
        return Ok(String::new());
    }
    let known = |name: &String| operations.iter().any(|operation| operation.name == *name);
    let strangers = bounds.operations.keys().filter(|name| !known(name));
    problems.extend(strangers.map(|name| format!("{PATH} bounds `{name}`, no operation")));
    if bounds.tools != tools {
        let Tools { rustc, valgrind } = bounds.tools;
        println!("note: the figures in {PATH} are those of `{rustc}` and `{valgrind}`");
    }
    if problems.is_empty() {
        return Ok(String::new());
    }
    problems.push(format!(
        "make it cheaper again; or, if it is worth that, `cargo xtask instructions --renew` writes \
         the figures and bounds in {PATH} anew"
    ));
    Err(problems.join("\n").into())
}

/// What is wrong with a figure, if anything. (A bound that is far away is only told of.)
fn problem(name: &str, figure: f64, bound: Option<&Bound>) -> Option<String> {
    let Some(Bound { measured, bound }) = bound else {
        return Some(format!("`{name}` has no bound in {PATH}"));
    };
    if figure * 2.0 < *bound as f64 {
        println!("note: that is under half of the bound, which `--renew` makes a real one again");
    }
    (figure > *bound as f64).then(|| {
        format!(
            "`{name}` takes {figure:.1} instructions, more than its bound of {bound}: \
             it took {measured:.1} when that was set"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{Bound, problem};

    #[test]
    fn an_excess_names_the_operation_the_figure_and_the_bound() {
        let bound = Bound { measured: 100.5, bound: 130 };
        assert_eq!(problem("nap", 130.0, Some(&bound)), None);
        assert_eq!(
            problem("nap", 130.1, Some(&bound)).unwrap(),
            "`nap` takes 130.1 instructions, more than its bound of 130: \
             it took 100.5 when that was set"
        );
        assert_eq!(
            problem("nap", 1.0, None).unwrap(),
            "`nap` has no bound in bench/instructions.toml"
        );
    }
}
