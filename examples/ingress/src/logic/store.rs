//! The configuration in force, on disk, and the way back from one that was not to be.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::files::{self, Access};
use super::layout::Layout;
use super::render::Rendered;

/// Knows what is in force.
#[derive(Debug)]
pub(crate) struct Store {
    layout: Layout,
    text: Option<String>,
    /// The files the text refers to; not known of a text that was found on disk.
    extras: Option<HashSet<PathBuf>>,
}

/// A configuration that was written and is not in force yet.
#[derive(Debug)]
#[must_use = "an attempt is kept or taken back"]
pub(crate) struct Attempt(());

impl Store {
    /// What `layout` holds from an earlier time, if anything.
    pub(crate) fn open(layout: &Layout) -> Self {
        Self { text: files::read_text(&layout.config).ok(), extras: None, layout: layout.clone() }
    }

    /// Whether nothing is in force.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_none()
    }

    /// Whether `rendered` is in force, and on disk.
    pub(crate) fn holds(&self, rendered: &Rendered) -> bool {
        self.text.as_ref() == Some(&rendered.text)
            && files::read_text(&self.layout.config).is_ok_and(|text| text == rendered.text)
    }

    /// Writes `rendered` where HAProxy reads it.
    ///
    /// # Errors
    ///
    /// The file that could not be written; what was there before is there still.
    pub(crate) fn put(&self, rendered: &Rendered) -> Result<Attempt, (PathBuf, io::Error)> {
        files::write_extras(&rendered.extras)?;
        // A second name for the old one: going back must not need room on a full disk.
        let _ = fs::remove_file(&self.layout.previous);
        let _ = fs::hard_link(&self.layout.config, &self.layout.previous);
        files::write_atomic(&self.layout.config, rendered.text.as_bytes(), Access::Public)
            .map_err(|error| (self.layout.config.clone(), error))?;
        Ok(Attempt(()))
    }

    /// `rendered`, which was written, is in force. Files that only its predecessors needed go.
    pub(crate) fn keep(&mut self, attempt: Attempt, rendered: &Arc<Rendered>) {
        let Attempt(()) = attempt;
        let extras: HashSet<_> = rendered.extras.iter().map(|extra| extra.path.clone()).collect();
        if let Some(before) = &self.extras {
            // A worker that still finishes requests has read its files, but a master that starts
            // it again reads them anew: the predecessor's stay for one more turn.
            let needed = extras.union(before).cloned().collect();
            files::sweep(&[&self.layout.maps, &self.layout.certs], &needed);
        }
        self.extras = Some(extras);
        self.text = Some(rendered.text.clone());
    }

    /// Puts back what was in force before `attempt`, and says what that is.
    pub(crate) fn restore(&mut self, attempt: Attempt) -> io::Result<String> {
        let Attempt(()) = attempt;
        match &self.text {
            Some(text) => {
                let previous = &self.layout.previous;
                if files::read_text(previous).is_ok_and(|there| there == *text) {
                    fs::rename(previous, &self.layout.config)?;
                } else {
                    files::write_atomic(&self.layout.config, text.as_bytes(), Access::Public)?;
                }
                Ok("the configuration before".to_owned())
            }
            None => {
                fs::remove_file(&self.layout.config)?;
                Ok("no configuration".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::render::{Template, render};
    use super::super::{model::Model, settings};
    use super::*;

    fn rendered(layout: &Layout, source: &str) -> Arc<Rendered> {
        let text = "listen: {address: 127.0.0.1, http: 8080}\n";
        let settings = settings::parse(Path::new("controller.yaml"), text).unwrap();
        let template = Template { file: PathBuf::from("t.j2"), source: source.to_owned() };
        Arc::new(render(&settings, &template, &Model::default(), layout).unwrap())
    }

    #[test]
    fn a_refused_attempt_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let mut store = Store::open(&layout);
        assert!(store.is_empty());
        let (good, bad) = (rendered(&layout, "good"), rendered(&layout, "bad"));

        let attempt = store.put(&bad).unwrap();
        assert_eq!(store.restore(attempt).unwrap(), "no configuration");
        assert!(!layout.config.exists());

        let attempt = store.put(&good).unwrap();
        store.keep(attempt, &good);
        let attempt = store.put(&bad).unwrap();
        assert!(!store.holds(&good), "the disk holds the attempt");
        assert_eq!(store.restore(attempt).unwrap(), "the configuration before");
        assert!(store.holds(&good));
        assert!(Store::open(&layout).holds(&good), "and it outlives the controller");
    }
}
