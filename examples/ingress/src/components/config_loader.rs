//! Config loader: reads `controller.yaml` and the template it names, whenever one changes.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use callboard::{Bus, Delivery, Overflow};

use crate::events::{Config, ConfigLoaded, ConfigRejected, SettingsChanged};
use crate::logic::problem::Problem;
use crate::logic::render::Template;
use crate::logic::settings;

/// Its name on the bus.
pub(crate) const NAME: &str = "config-loader";

/// Subscribes.
pub(crate) fn run(bus: &Bus, site: PathBuf) -> impl Future<Output = ()> + Send + use<> {
    let inbox = bus.subscriber(NAME).overflow(Overflow::Coalesce).subscribe::<SettingsChanged>();
    publishes!(bus, NAME, ConfigLoaded, ConfigRejected);
    let bus = bus.clone();
    let mut last: Option<Result<Config, Problem>> = None;
    inbox.serve(move |changed: Delivery<SettingsChanged>| {
        if matters(&changed.file, last.as_ref()) {
            let now = load(&site);
            if last.as_ref() != Some(&now) {
                match &now {
                    Ok(config) => {
                        let config = Arc::new(config.clone());
                        bus.publish(ConfigLoaded { config });
                    }
                    Err(problem) => {
                        let problem = problem.clone();
                        bus.publish(ConfigRejected { problem });
                    }
                }
                last = Some(now);
            }
        }
        async {}
    })
}

/// Whether a change of `file` can change what was loaded; a template nobody uses cannot.
fn matters(file: &Path, last: Option<&Result<Config, Problem>>) -> bool {
    let used = match last {
        Some(Ok(config)) => Some(&config.template.file),
        Some(Err(problem)) => Some(&problem.file),
        None => None,
    };
    file == Path::new("controller.yaml") || used.is_some_and(|used| used == file)
}

fn load(site: &Path) -> Result<Config, Problem> {
    let read = |file: &Path| {
        std::fs::read_to_string(site.join(file))
            .map_err(|error| Problem::io(file, "read it", &error))
    };
    let file = Path::new("controller.yaml");
    let settings = settings::parse(file, &read(file)?)?;
    let template = Template {
        source: read(Path::new(&settings.template))?,
        file: PathBuf::from(&settings.template),
    };
    Ok(Config { settings, template })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = "listen: {address: 127.0.0.1, http: 8080}\n";
        std::fs::write(folder.path().join("controller.yaml"), text).unwrap();
        let problem = load(folder.path()).unwrap_err();
        assert_eq!(problem.file, Path::new("templates/haproxy.cfg.j2"));
    }
}
