//! Validator `schema`: do the resources fit together?

use std::future::Future;

use callboard::{Bus, Call};

use crate::events::{ValidateConfig, Verdict};
use crate::logic::count::count;
use crate::logic::model::{self, UNAVAILABLE};

/// Its name on the bus.
pub(crate) const NAME: &str = "schema";

/// Signs in.
pub(crate) fn run(bus: &Bus) -> impl Future<Output = ()> + Send + use<> {
    bus.responder::<ValidateConfig>(NAME).serve(|call: Call<ValidateConfig>| async move {
        let (model, problems) = model::build(&call.inputs.config.settings, &call.inputs.inventory);
        let served = model.routes.iter().filter(|route| route.backend != UNAVAILABLE).count();
        let looked_at = format!("{} with a Service and its port", count(served, "route"));
        call.respond(Verdict { validator: NAME.into(), looked_at, problems, passing: false });
    })
}
