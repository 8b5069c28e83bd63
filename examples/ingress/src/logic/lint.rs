//! What can be said about a template and its result without HAProxy.

use std::collections::BTreeSet;

use super::model::Model;
use super::problem::Problem;
use super::render::{Rendered, Template, VARIABLES, environment, problem};

/// Problems of `template`, in branches that were rendered and in those that were not.
pub(crate) fn check(template: &Template, rendered: &Rendered, model: &Model) -> Vec<Problem> {
    let mut problems = names(template);
    let words: Vec<Vec<&str>> =
        rendered.text.lines().map(|line| line.split_whitespace().collect()).collect();
    let missing = |reason: String| Problem::fatal(&template.file, None, reason);
    let sections: BTreeSet<_> =
        words.iter().filter(|line| line.len() >= 2).map(|line| (line[0], line[1])).collect();
    for name in model.backends.keys() {
        if !sections.contains(&("backend", name.as_str())) {
            problems.push(missing(format!("the template leaves out backend {name}")));
        }
    }
    if !words.iter().any(|line| line.first() == Some(&"bind")) {
        problems.push(missing("the template binds no port".to_owned()));
    }
    let hands_over = words.iter().any(|line| {
        line.starts_with(&["stats", "socket"]) && line.ends_with(&["expose-fd", "listeners"])
    });
    if !hands_over {
        let reason = "no `stats socket … expose-fd listeners`: a reload would lose connections";
        problems.push(Problem::warning(&template.file, None, reason));
    }
    problems
}

/// Names the template mentions that nobody gives it.
fn names(template: &Template) -> Vec<Problem> {
    let env = environment();
    let compiled = match env.template_from_str(&template.source) {
        Ok(compiled) => compiled,
        Err(error) => return vec![problem(template, &error)],
    };
    let globals: BTreeSet<_> = env.globals().map(|(name, _)| name.to_owned()).collect();
    let mut unknown: Vec<_> = compiled
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !VARIABLES.contains(&name.as_str()) && !globals.contains(name))
        .collect();
    unknown.sort();
    unknown
        .into_iter()
        .map(|name| {
            let line = template.source.lines().position(|line| line.contains(&name));
            let reason = format!("`{name}` is none of {}", VARIABLES.join(", "));
            Problem::fatal(&template.file, line.map(|line| line + 1), reason)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::super::layout::Layout;
    use super::super::{render, settings};
    use super::*;

    const GOOD: &str = "stats socket /s expose-fd listeners\nbind :1\n";

    fn check_str(source: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let text = "listen: {address: 127.0.0.1, http: 8080}\n";
        let settings = settings::parse(Path::new("controller.yaml"), text).unwrap();
        let template = Template { file: PathBuf::from("t.j2"), source: source.to_owned() };
        let mut model = Model::default();
        let rendered = render::render(&settings, &template, &model, &layout).unwrap();
        if source.contains("backend") {
            model.backends.insert("web_a_80".to_owned(), backend());
        }
        check(&template, &rendered, &model).iter().map(ToString::to_string).collect()
    }

    fn backend() -> super::super::model::Backend {
        super::super::model::Backend {
            name: "web_a_80".to_owned(),
            balance: "roundrobin".to_owned(),
            check: false,
            servers: Vec::new(),
            external: false,
        }
    }

    #[test]
    fn a_good_template_has_no_problem() {
        assert_eq!(check_str(GOOD), [""; 0]);
        assert_eq!(check_str(&format!("{GOOD}backend web_a_80\n")), [""; 0]);
    }

    #[test]
    fn a_name_in_a_branch_that_was_not_taken_is_found() {
        let source = format!("{GOOD}{{% if certificate_list %}}\n{{{{ certs }}}}\n{{% endif %}}\n");
        let problems = check_str(&source);
        assert!(problems[0].starts_with("t.j2:4: `certs` is none of listen"), "{problems:?}");
    }

    #[test]
    fn what_the_template_forgets_is_named() {
        let problems = check_str("# backend\n");
        let text = problems.join("\n");
        for part in ["leaves out backend web_a_80", "binds no port", "would lose connections"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
