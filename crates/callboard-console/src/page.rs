//! The page: one self-contained document, assembled from `assets/`.
//!
//! In `assets/` the page is a document, a style sheet and JavaScript modules, as a browser would
//! load them. Here they become one: the style sheet and the modules replace the tags that refer to
//! them.

use std::fmt::Write as _;
use std::sync::OnceLock;

const DOCUMENT: &str = include_str!("../assets/index.html");
const STYLE: &str = include_str!("../assets/style.css");

/// The modules of `assets/`, each after those that it imports.
const MODULES: &[(&str, &str)] = &[
    ("dom", include_str!("../assets/dom.js")),
    ("format", include_str!("../assets/format.js")),
    ("history", include_str!("../assets/history.js")),
    ("live", include_str!("../assets/live.js")),
    ("layout", include_str!("../assets/layout.js")),
    ("chart", include_str!("../assets/chart.js")),
    ("condition", include_str!("../assets/condition.js")),
    ("detail", include_str!("../assets/detail.js")),
    ("verdict", include_str!("../assets/verdict.js")),
    ("subscribers", include_str!("../assets/subscribers.js")),
    ("graph", include_str!("../assets/graph.js")),
    ("links", include_str!("../assets/links.js")),
    ("findings", include_str!("../assets/findings.js")),
    ("requests", include_str!("../assets/requests.js")),
    ("startup", include_str!("../assets/startup.js")),
    ("tail", include_str!("../assets/tail.js")),
    ("main", include_str!("../assets/main.js")),
];

/// How the document names the style sheet and the script.
const STYLE_TAG: &str = r#"<link rel="stylesheet" href="style.css">"#;
const SCRIPT_TAG: &str = r#"<script type="module" src="main.js"></script>"#;

/// The placeholder for the nonce of each response. The page's text does not contain it.
const NONCE: &str = "@@nonce@@";

/// The page, with a nonce for its own style and script.
pub(crate) fn with_nonce(nonce: &str) -> String {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(assemble).replace(NONCE, nonce)
}

fn assemble() -> String {
    let script = script(MODULES);
    DOCUMENT
        .replacen(STYLE_TAG, &format!("<style nonce=\"{NONCE}\">\n{STYLE}</style>"), 1)
        .replacen(SCRIPT_TAG, &format!("<script nonce=\"{NONCE}\">\n{script}</script>"), 1)
}

/// The modules as one script: each becomes a function that is called at once and returns its
/// exports.
///
/// It supports only the JavaScript that the modules use: `import { … } from "./….js";` at the
/// beginning of a line, and `export` before a declaration at the beginning of a line.
fn script(modules: &[(&str, &str)]) -> String {
    let mut script = "\"use strict\";\n".to_owned();
    for (name, text) in modules {
        let mut exports = Vec::new();
        let _infallible = writeln!(script, "const module_{name} = (() => {{");
        let mut rest = *text;
        while !rest.is_empty() {
            if let Some((import, after)) = import(rest) {
                script += &import;
                rest = after;
                continue;
            }
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            let declared = line.strip_prefix("export ");
            exports.extend(declared.and_then(name_of));
            script += declared.unwrap_or(line);
            script.push('\n');
            rest = after;
        }
        let _infallible = writeln!(script, "return {{ {} }};\n}})();", exports.join(", "));
    }
    script
}

/// The import that a text begins with, as a declaration, and the text after it.
fn import(text: &str) -> Option<(String, &str)> {
    let (names, rest) = text.strip_prefix("import {")?.split_once('}')?;
    let (from, rest) = rest.split_once(';')?;
    let module = from.trim().strip_prefix("from \"./")?.strip_suffix(".js\"")?;
    let names = names.replace(" as ", ": ");
    Some((format!("const {{{names}}} = module_{module};"), rest))
}

/// The name that a line declares.
fn name_of(declaration: &str) -> Option<&str> {
    let words = ["async ", "function ", "class ", "const ", "let "];
    let strip = |text, word: &&str| str::strip_prefix(text, *word).unwrap_or(text);
    let named = words.iter().fold(declaration, strip);
    let end =
        named.find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '$');
    named.get(..end.unwrap_or(named.len())).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_document_names_its_parts() {
        for tag in [STYLE_TAG, SCRIPT_TAG] {
            assert_eq!(DOCUMENT.matches(tag).count(), 1, "index.html has no {tag}");
        }
        let script = script(MODULES);
        for (text, end) in [(STYLE, "</style"), (&script, "</script")] {
            assert!(!text.contains(NONCE) && !text.contains(end), "a part ends itself");
        }
    }

    #[test]
    fn every_asset_is_in_the_page() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let files = std::fs::read_dir(folder).unwrap().flatten();
        let files = files.filter(|file| file.file_type().unwrap().is_file());
        let names = files.map(|file| file.file_name().into_string().unwrap());
        let names: BTreeSet<_> = names.filter(|name| !name.ends_with(".md")).collect();
        let modules = MODULES.iter().map(|(name, _)| format!("{name}.js"));
        let known = modules.chain(["index.html".to_owned(), "style.css".to_owned()]);
        assert_eq!(names, known.collect());
    }

    #[test]
    fn modules_become_one_script_that_imports_nothing() {
        let script = script(MODULES);
        for line in script.lines() {
            let left = ["import ", "import{", "export "].iter().any(|word| line.starts_with(word));
            assert!(!left, "{line}");
        }
        for (number, (name, text)) in MODULES.iter().enumerate() {
            for used in text.split("from \"./").skip(1).filter_map(|rest| rest.split(".js").next())
            {
                let before = MODULES[..number].iter().any(|(earlier, _)| *earlier == used);
                assert!(before, "{name} imports {used}, which comes later or not at all");
            }
        }
    }

    #[test]
    fn an_import_is_what_the_other_module_returns() {
        let modules = [
            ("a", "// A.\nexport const one = 1;\nexport async function two(x) {\n}\nlet own;\n"),
            (
                "b",
                "import { one } from \"./a.js\";\nimport {\n  two as zwei,\n} from \"./a.js\";\none;",
            ),
        ];
        let expected = "\"use strict\";\nconst module_a = (() => {\n// A.\nconst one = 1;\nasync function \
                        two(x) {\n}\nlet own;\nreturn { one, two };\n})();\nconst module_b = (() => {\nconst { \
                        one } = module_a;\nconst {\n  two: zwei,\n} = module_a;\none;\nreturn {  };\n})();\n";
        assert_eq!(script(&modules), expected);
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let page = with_nonce("n");
        for loads in [" src=\"", "href=\"http", "@import", "url(http", "//cdn"] {
            assert!(!page.contains(loads), "the page has {loads}");
        }
        assert_eq!(page.matches("nonce=\"n\"").count(), 2);
    }
}
