//! Validator `haproxy`: what HAProxy itself says, with `haproxy -c`.
//!
//! What it says about a line of the configuration is told about the line of the template that
//! made it. Without a binary it answers that it did not look.
//!
//! In a cluster it is asked about the configuration of another replica, which it checks in a folder
//! of its own.

use std::borrow::Cow;
use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::path::Path;
use std::time::Duration;

use callboard::{Bus, Call};

use crate::events::{ValidateConfig, Verdict};
use crate::logic::files;
use crate::logic::haproxy::binary::Binary;
use crate::logic::haproxy::messages::Alert;
use crate::logic::layout::Layout;
use crate::logic::problem::{Problem, Severity};

/// Its name on the bus.
pub(crate) const NAME: &str = "haproxy";

/// A check that takes longer than this is stuck.
const LIMIT: Duration = Duration::from_secs(8);

/// Signs in.
pub(crate) fn run(
    bus: &Bus,
    layout: Layout,
    binary: Option<Binary>,
) -> impl Future<Output = ()> + Send + use<> {
    bus.responder::<ValidateConfig>(NAME).serve(move |call: Call<ValidateConfig>| {
        let (layout, binary) = (layout.clone(), binary.clone());
        async move {
            let verdict = check(&call, &layout, binary.as_ref()).await;
            call.respond(verdict);
        }
    })
}

async fn check(asked: &ValidateConfig, layout: &Layout, binary: Option<&Binary>) -> Verdict {
    let verdict = |looked_at: String, problems, passing| Verdict {
        validator: NAME.into(),
        looked_at,
        problems,
        passing,
    };
    let Some(binary) = binary else {
        return verdict("not checked, there is no haproxy here".to_owned(), Vec::new(), false);
    };
    let failed = |path: &Path, doing: &str, error: &io::Error| {
        verdict(String::new(), vec![Problem::io(path, doing, error)], true)
    };
    let mut rendered = asked.rendered.moved(layout);
    let mut apart = None;
    if matches!(rendered, Cow::Owned(_)) {
        // The deployer of this replica removes from its folder what the next configuration needs.
        let folder = layout.out.join("check");
        match Layout::create(&folder) {
            Ok(layout) => rendered = Cow::Owned(rendered.moved(apart.insert(layout)).into_owned()),
            Err(error) => return failed(&folder, "create it", &error),
        }
    }
    // Maps and certificates must be there to be checked. They are named by their content, so
    // nothing that is in force changes.
    if let Err((path, error)) = files::write_extras(&rendered.extras) {
        return failed(&path, "write it", &error);
    }
    let checked = binary.check(&rendered.text, LIMIT).await;
    if let Some(Layout { maps, certs, .. }) = &apart {
        files::sweep(&[maps, certs], &HashSet::new());
    }
    match checked {
        Ok(Ok(warnings)) => {
            let located = |alert| Problem { severity: Severity::Warning, ..locate(asked, alert) };
            let problems = warnings.into_iter().map(located).collect();
            verdict(format!("haproxy -c {} accepts it", binary.version), problems, false)
        }
        Ok(Err(alerts)) => {
            let problems = alerts.into_iter().map(|alert| locate(asked, alert)).collect();
            verdict(String::new(), problems, false)
        }
        Err(error) => failed(&binary.path, "run it", &error),
    }
}

fn locate(asked: &ValidateConfig, alert: Alert) -> Problem {
    let line = alert.line.and_then(|line| asked.rendered.template_line(line));
    Problem::fatal(&asked.inputs.config.template.file, line, alert.message)
}
