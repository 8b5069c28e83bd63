//! From a model and a template to HAProxy's configuration.
//!
//! Every line of the result remembers the line of the template that made it, so that what
//! HAProxy says about the one can be said about the other.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, OutputSpan, OutputSpanKind, UndefinedBehavior, context};
use serde::{Deserialize, Serialize};

use super::files::{Access, Extra};
use super::layout::{Layout, fingerprint};
use super::maps;
use super::model::Model;
use super::problem::Problem;
use super::settings::Settings;

/// Enough for a hundred thousand routes; a template that needs more does not end.
const FUEL: u64 = 500_000_000;

/// A template and where it is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Template {
    /// The file, relative to the site.
    pub(crate) file: PathBuf,
    /// Its text.
    pub(crate) source: String,
}

/// A configuration, ready to be checked and deployed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rendered {
    /// The text of `haproxy.cfg`.
    pub(crate) text: String,
    /// The files it refers to.
    pub(crate) extras: Vec<Extra>,
    /// The template's line for every line of `text`.
    lines: Vec<usize>,
    /// The output folder whose paths the text and the files have, and that of its sockets.
    folders: [PathBuf; 2],
}

impl Rendered {
    /// The line of the template that made `line` of the text, both counted from 1.
    pub(crate) fn template_line(&self, line: usize) -> Option<usize> {
        self.lines.get(line.checked_sub(1)?).copied()
    }

    /// The same configuration with the paths of `to`.
    pub(crate) fn moved(&self, to: &Layout) -> Cow<'_, Self> {
        let [out, run] = &self.folders;
        if (out, run) == (&to.out, &to.run) {
            return Cow::Borrowed(self);
        }
        let inside = |folder: &Path| format!("{}/", folder.display());
        // The sockets may be in a folder inside the other.
        let mark = "\0run/";
        let moved = |text: &str| {
            let text = text.replace(&inside(run), mark).replace(&inside(out), &inside(&to.out));
            text.replace(mark, &inside(&to.run))
        };
        let extra = |extra: &Extra| Extra {
            path: moved(&extra.path.to_string_lossy()).into(),
            content: moved(&extra.content),
            access: extra.access,
        };
        Cow::Owned(Self {
            text: moved(&self.text),
            extras: self.extras.iter().map(extra).collect(),
            lines: self.lines.clone(),
            folders: [to.out.clone(), to.run.clone()],
        })
    }
}

/// Renders `template` for `model`.
pub(crate) fn render(
    settings: &Settings,
    template: &Template,
    model: &Model,
    layout: &Layout,
) -> Result<Rendered, Problem> {
    let fail = |error: minijinja::Error| problem(template, &error);
    let env = environment();
    let compiled = env.template_from_str(&template.source).map_err(fail)?;
    let mut extras = Vec::new();
    let exact = add(&mut extras, layout, "exact.map", maps::exact(&model.routes));
    let prefix = add(&mut extras, layout, "prefix.map", maps::prefix(&model.routes));
    // HAProxy shows the first one of the list to clients that no other one fits.
    let is_default = |secret: &str| model.default_certificate.as_deref() == Some(secret);
    let (default, others): (Vec<_>, Vec<_>) =
        model.certificates.values().partition(|it| is_default(&it.secret));
    let certificates: Vec<_> = default
        .into_iter()
        .chain(others)
        .map(|certificate| {
            let name = certificate.secret.replace('/', "_");
            let path = layout
                .certs
                .join(format!("{name}-{}.pem", fingerprint(certificate.pem.as_bytes())));
            extras.push(Extra {
                path: path.clone(),
                content: certificate.pem.clone(),
                access: Access::Private,
            });
            (certificate, path.display().to_string())
        })
        .collect();
    let list = (!certificates.is_empty()).then(|| {
        let text = maps::certificate_list(certificates.into_iter());
        add(&mut extras, layout, "certificates.list", text)
    });
    let context = context! {
        listen => Value::from(Serde(&settings.listen)),
        options => Value::from(Serde(&model.options)),
        routes => Value::from(Serde(&model.routes)),
        backends => Value::from(Serde(model.backends.values().collect::<Vec<_>>())),
        default_backend => model.default_backend.clone(),
        maps => context! { exact, prefix },
        certificate_list => list,
        default_certificate => model.default_certificate.clone(),
        server_state => layout.server_state.display().to_string(),
        stats_socket => layout.stats_socket.display().to_string(),
    };
    let (text, spans) = compiled.render_with_spans(context).map_err(fail)?;
    let lines = template_lines(&text, &template.source, &spans);
    let folders = [layout.out.clone(), layout.run.clone()];
    Ok(Rendered { text, extras, lines, folders })
}

/// The names a template can use.
pub(crate) const VARIABLES: [&str; 10] = [
    "listen",
    "options",
    "routes",
    "backends",
    "default_backend",
    "maps",
    "certificate_list",
    "default_certificate",
    "server_state",
    "stats_socket",
];

/// How templates are read: undefined names are errors, blocks leave no blank lines.
pub(crate) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    // The delimiters are the usual ones, which is all that could be wrong.
    if let Ok(syntax) = syntax {
        env.set_syntax(syntax);
    }
    env.set_fuel(Some(FUEL));
    env
}

/// What minijinja says, as a problem of the template.
pub(crate) fn problem(template: &Template, error: &minijinja::Error) -> Problem {
    let reason = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    Problem::fatal(&template.file, error.line(), reason)
}

fn add(extras: &mut Vec<Extra>, layout: &Layout, name: &str, content: String) -> String {
    let (stem, end) = name.split_once('.').unwrap_or((name, ""));
    let file = format!("{stem}-{}.{end}", fingerprint(content.as_bytes()));
    let path = layout.maps.join(file);
    let text = path.display().to_string();
    extras.push(Extra { path, content, access: Access::Public });
    text
}

/// Which line of `source` made each line of `text`: the first span that touches the line.
fn template_lines(text: &str, source: &str, spans: &[OutputSpan]) -> Vec<usize> {
    let mut spans = spans.iter().peekable();
    let mut start = 0;
    let mut current = 1;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        // A directive starts behind the indentation; what made that is beside the point.
        let content = start + line.len() - line.trim_start_matches([' ', '\t']).len();
        while spans.next_if(|span| span.output_range().end <= content).is_some() {}
        if let Some(span) = spans.peek() {
            current = match span.kind() {
                OutputSpanKind::Raw => {
                    let into = content.saturating_sub(span.output_range().start);
                    let end = (span.source_range().start + into).min(source.len());
                    1 + source.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count()
                }
                _ => span.line(),
            };
        }
        lines.push(current);
        start += line.len();
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::settings;
    use super::*;

    fn render_str(source: &str) -> Result<Rendered, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let text = "listen: {address: 127.0.0.1, http: 8080}\n";
        let settings = settings::parse(Path::new("controller.yaml"), text).unwrap();
        let template =
            Template { file: PathBuf::from("templates/haproxy.cfg.j2"), source: source.to_owned() };
        render(&settings, &template, &Model::default(), &layout)
    }

    #[test]
    fn options_have_defaults_and_other_names_must_exist() {
        let source = "{{ options[\"timeout-client\"] | default(\"30s\") }}";
        assert_eq!(render_str(source).unwrap().text, "30s");
        let problem = render_str("one\ntwo {{ lisen.http }}\n").unwrap_err();
        assert_eq!(problem.line, Some(2));
        assert!(problem.reason.contains("undefined"), "{problem}");
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        let problem = render_str("one\n{% for x in %}\n").unwrap_err();
        assert_eq!(problem.line, Some(2), "{problem}");
        let problem = render_str("one\n\n{% if true %}\n").unwrap_err();
        assert!(problem.line.is_some_and(|line| line >= 3), "{problem}");
    }

    #[test]
    fn every_line_knows_the_template_line_that_made_it() {
        let source =
            "a\n{% for i in range(3) %}\n  b {{ i }}\n{% endfor %}\nc {{ listen.http }} d\ne\n";
        let rendered = render_str(source).unwrap();
        assert_eq!(rendered.text, "a\n  b 0\n  b 1\n  b 2\nc 8080 d\ne\n");
        let lines: Vec<_> = (1..=6).map(|line| rendered.template_line(line).unwrap()).collect();
        assert_eq!(lines, [1, 3, 3, 3, 5, 6]);
        assert_eq!(rendered.template_line(0), None);
        assert_eq!(rendered.template_line(7), None);
    }

    #[test]
    fn a_configuration_can_move_to_another_folder() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["a", "b"].map(|name| Layout::create(&folder.path().join(name)).unwrap());
        let text = "listen: {address: 127.0.0.1, http: 8080}\n";
        let settings = settings::parse(Path::new("controller.yaml"), text).unwrap();
        let source = "{{ stats_socket }} {{ maps.exact }}".to_owned();
        let template = Template { file: PathBuf::from("t.j2"), source };
        let for_layout = |layout| render(&settings, &template, &Model::default(), layout).unwrap();
        let (there, here) = (for_layout(&from), for_layout(&to));
        let moved = there.moved(&to).into_owned();
        assert_eq!((&moved.text, &moved.extras), (&here.text, &here.extras));
        assert!(matches!(moved.moved(&to), Cow::Borrowed(_)));
    }

    #[test]
    fn a_template_that_does_not_end_is_stopped() {
        let loops = "{% for a in range(100000) %}".repeat(3) + &"{% endfor %}".repeat(3);
        let mut env = environment();
        env.set_fuel(Some(10_000));
        assert!(env.render_str(&loops, context! {}).is_err());
    }
}
