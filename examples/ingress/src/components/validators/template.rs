//! Validator `template`: does the template use names that exist, and leave nothing out?

use std::future::Future;

use callboard::{Bus, Call};

use crate::events::{ValidateConfig, Verdict};
use crate::logic::count::count;
use crate::logic::{lint, model};

/// Its name on the bus.
pub(crate) const NAME: &str = "template";

/// Signs in.
pub(crate) fn run(bus: &Bus) -> impl Future<Output = ()> + Send + use<> {
    bus.responder::<ValidateConfig>(NAME).serve(|call: Call<ValidateConfig>| async move {
        let config = &call.inputs.config;
        let (model, _) = model::build(&config.settings, &call.inputs.inventory);
        let problems = lint::check(&config.template, &call.rendered, &model);
        call.respond(Verdict {
            validator: NAME.into(),
            looked_at: format!(
                "every name is known, {} in place",
                count(model.backends.len(), "backend")
            ),
            problems,
            passing: false,
        });
    })
}
