//! The page: one document, put together from `assets/`, without anything to load.

use std::sync::OnceLock;

const INDEX: &str = include_str!("../assets/index.html");

/// What the document names, as it names it, and what stands there instead: the element that is
/// opened and closed, and the text in it.
const PARTS: [(&str, &str, &str); 2] = [
    (
        r#"<link rel="stylesheet" href="console.css">"#,
        "style",
        include_str!("../assets/console.css"),
    ),
    (r#"<script src="console.js"></script>"#, "script", include_str!("../assets/console.js")),
];

/// Stands for the nonce of each response. It is in no text of the page.
const NONCE: &str = "@@nonce@@";

/// The page, with a nonce for its own style and script.
pub(crate) fn with_nonce(nonce: &str) -> String {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(assemble).replace(NONCE, nonce)
}

fn assemble() -> String {
    PARTS.iter().fold(INDEX.to_owned(), |page, (named, element, text)| {
        page.replacen(named, &format!("<{element} nonce=\"{NONCE}\">{text}</{element}>"), 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_in_the_page() {
        for (named, element, text) in PARTS {
            assert!(INDEX.contains(named), "index.html has no {named}");
            assert!(!text.contains(NONCE), "the {element} names the nonce");
            assert!(!text.contains(&format!("</{element}")), "the {element} ends itself");
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let page = with_nonce("n");
        for loads in [" src=\"", "href=\"http", "@import", "url(http", "//cdn"] {
            assert!(!page.contains(loads), "the page has {loads}");
        }
        assert_eq!(page.matches("nonce=\"n\"").count(), PARTS.len());
    }
}
