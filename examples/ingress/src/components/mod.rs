//! The components. Each knows the bus, its events and the logic; none knows another.
//!
//! A component is a function that subscribes and hands back its loop. The loop ends when the bus
//! is closed and everything was handled. What it publishes it publishes under its name: by a served
//! handler, or by a publisher.

/// Says which events a component publishes, before it does: the wiring then shows them, also those
/// that only come when something goes wrong.
macro_rules! publishes {
    ($bus:expr, $name:expr, $($event:ty),+ $(,)?) => {
        $($bus.publisher::<$event>($name);)+
    };
}

pub(crate) mod commentator;
pub(crate) mod config_loader;
pub(crate) mod deployer;
pub(crate) mod executor;
pub(crate) mod metrics;
pub(crate) mod reconciler;
pub(crate) mod renderer;
pub(crate) mod validators;
pub(crate) mod watcher;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn no_component_imports_another() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/components");
        for file in [folder.clone(), folder.join("validators")] {
            for entry in fs::read_dir(file).unwrap().flatten() {
                let path = entry.path();
                if path.extension().is_none_or(|end| end != "rs") || path.ends_with("mod.rs") {
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                for import in text.lines().filter(|line| line.trim_start().starts_with("use ")) {
                    // A file's own tests import the file.
                    let other = import.contains("components") || import.contains("super::super");
                    let sibling = import.contains("super::") && !import.contains("super::*");
                    assert!(!other && !sibling, "{}: {import}", path.display());
                }
            }
        }
    }
}
