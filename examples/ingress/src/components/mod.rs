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
pub(crate) use publishes;

pub(crate) mod commentator;
pub(crate) mod config_loader;
pub(crate) mod deployer;
pub(crate) mod executor;
pub(crate) mod metrics;
pub(crate) mod reconciler;
pub(crate) mod renderer;
pub(crate) mod validators;
pub(crate) mod watcher;

use std::pin::Pin;

use callboard::Bus;

use crate::logic::haproxy::binary::Binary;
use crate::logic::layout::Layout;

/// A component's loop.
pub(crate) type Part = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The components of which a cluster runs one each, wherever that is; without a cluster, here.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) bus: Bus,
    pub(crate) layout: Layout,
    pub(crate) binary: Option<Binary>,
}

impl Parts {
    /// The components that decide what goes live.
    pub(crate) const DECIDING: [&str; 3] = [reconciler::NAME, renderer::NAME, executor::NAME];

    /// Begins those.
    pub(crate) fn deciding(&self) -> [Part; 3] {
        let Self { bus, layout, .. } = self;
        [
            Box::pin(reconciler::run(bus)),
            Box::pin(renderer::run(bus, layout.clone())),
            Box::pin(executor::run(bus)),
        ]
    }

    /// Begins the validator of this name.
    pub(crate) fn validator(&self, name: &str) -> Part {
        let Self { bus, layout, binary } = self;
        match name {
            validators::schema::NAME => Box::pin(validators::schema::run(bus)),
            validators::template::NAME => Box::pin(validators::template::run(bus)),
            _ => Box::pin(validators::haproxy::run(bus, layout.clone(), binary.clone())),
        }
    }
}

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
