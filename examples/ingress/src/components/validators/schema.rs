//! Validator `schema`: do the resources fit together?

use std::future::Future;

use callboard::{Bus, Call};

use crate::events::{ValidateConfig, Verdict};
use crate::logic::model;

/// Its name on the bus.
pub(crate) const NAME: &str = "schema";

/// Signs in.
pub(crate) fn run(bus: &Bus) -> impl Future<Output = ()> + Send + use<> {
    bus.responder::<ValidateConfig>(NAME).serve(|call: Call<ValidateConfig>| async move {
        let (model, problems) = model::build(&call.inputs.config.settings, &call.inputs.inventory);
        let looked_at = format!("{} routes lead to services with ports", model.routes.len());
        call.respond(Verdict { validator: NAME, looked_at, problems, passing: false });
    })
}
