//! Validator `haproxy`: what HAProxy itself says, with `haproxy -c`.
//!
//! What it says about a line of the configuration is told about the line of the template that
//! made it. Without a binary it answers that it did not look.

use std::future::Future;
use std::time::Duration;

use callboard::{Bus, Call};

use crate::events::{ValidateConfig, Verdict};
use crate::logic::files;
use crate::logic::haproxy::binary::Binary;
use crate::logic::haproxy::messages::Alert;
use crate::logic::problem::{Problem, Severity};

/// Its name on the bus.
pub(crate) const NAME: &str = "haproxy";

/// A check that takes longer than this is stuck.
const LIMIT: Duration = Duration::from_secs(8);

/// Signs in.
pub(crate) fn run(bus: &Bus, binary: Option<Binary>) -> impl Future<Output = ()> + Send + use<> {
    bus.responder::<ValidateConfig>(NAME).serve(move |call: Call<ValidateConfig>| {
        let binary = binary.clone();
        async move {
            let verdict = check(&call, binary.as_ref()).await;
            call.respond(verdict);
        }
    })
}

async fn check(asked: &ValidateConfig, binary: Option<&Binary>) -> Verdict {
    let verdict = |looked_at: String, problems, passing| Verdict {
        validator: NAME,
        looked_at,
        problems,
        passing,
    };
    let Some(binary) = binary else {
        return verdict("not checked, there is no haproxy here".to_owned(), Vec::new(), false);
    };
    // Maps and certificates must be there to be checked. They are named by their content, so
    // nothing that is in force changes.
    if let Err((path, error)) = files::write_extras(&asked.rendered.extras) {
        return verdict(String::new(), vec![Problem::io(&path, "write it", &error)], true);
    }
    match binary.check(&asked.rendered.text, LIMIT).await {
        Ok(Ok(warnings)) => {
            let located = |alert| Problem { severity: Severity::Warning, ..locate(asked, alert) };
            let problems = warnings.into_iter().map(located).collect();
            verdict(format!("haproxy -c {} accepts it", binary.version), problems, false)
        }
        Ok(Err(alerts)) => {
            let problems = alerts.into_iter().map(|alert| locate(asked, alert)).collect();
            verdict(String::new(), problems, false)
        }
        Err(error) => {
            verdict(String::new(), vec![Problem::io(&binary.path, "run it", &error)], true)
        }
    }
}

fn locate(asked: &ValidateConfig, alert: Alert) -> Problem {
    let line = alert.line.and_then(|line| asked.rendered.template_line(line));
    Problem::fatal(&asked.inputs.config.template.file, line, alert.message)
}
