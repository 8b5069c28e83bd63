//! Renderer: from a pass's inputs to a configuration.

use std::future::Future;
use std::sync::Arc;

use callboard::{Bus, Delivery};

use crate::events::{ConfigRendered, ReconcileStarted, RenderFailed};
use crate::logic::layout::Layout;
use crate::logic::{model, render};

/// Its name on the bus.
pub(crate) const NAME: &str = "renderer";

/// Subscribes.
pub(crate) fn run(bus: &Bus, layout: Layout) -> impl Future<Output = ()> + Send + use<> {
    let inbox = bus.subscribe::<ReconcileStarted>(NAME);
    publishes!(bus, NAME, ConfigRendered, RenderFailed);
    let bus = bus.clone();
    inbox.serve(move |started: Delivery<ReconcileStarted>| {
        let inputs = Arc::clone(&started.inputs);
        let config = &inputs.config;
        // The schema validator tells the problems; here is only what the good part looks like.
        let (model, _) = model::build(&config.settings, &inputs.inventory);
        match render::render(&config.settings, &config.template, &model, &layout) {
            Ok(rendered) => {
                let servers = model.backends.values().map(|backend| backend.servers.len()).sum();
                bus.publish(ConfigRendered {
                    counts: [
                        model.routes.len(),
                        model.backends.len(),
                        servers,
                        model.certificates.len(),
                    ],
                    passed_over: model.passed_over,
                    rendered: Arc::new(rendered),
                    inputs,
                });
            }
            Err(problem) => {
                let pass = inputs.pass;
                bus.publish(RenderFailed { pass, problem });
            }
        }
        async {}
    })
}
