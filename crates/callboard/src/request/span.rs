//! The tracing span of a request.

use std::fmt::Display;
use std::task::Poll;

use super::Gathered;
use crate::error::RequestError;
use crate::event::Event;
use crate::outcome::{End, Outcome};
use crate::trace::Inquiry;

/// Polls a request within its span.
#[cold]
pub(super) fn poll<R: Event>(
    inquiry: &mut Inquiry,
    poll: impl FnOnce() -> Poll<Result<Gathered<R>, RequestError>>,
) -> Poll<Result<Gathered<R>, RequestError>> {
    let polled = inquiry.enter(poll);
    if let Poll::Ready(gathered) = &polled {
        describe(inquiry, gathered);
    }
    polled
}

/// Records the result of a request in its span.
fn describe<R: Event>(inquiry: &mut Inquiry, gathered: &Result<Gathered<R>, RequestError>) {
    let gathered = match gathered {
        Ok(gathered) => gathered,
        Err(error) => return inquiry.end(0, Some(&error.kind())),
    };
    if gathered.sequence() != 0 {
        inquiry.number(gathered.sequence());
    }
    for (responder, _) in gathered.responses() {
        inquiry.outcome(responder, &Outcome::Responded);
    }
    for (responder, outcome) in gathered.missing() {
        inquiry.outcome(responder, &outcome);
    }
    let end = gathered.end();
    let failed = (end != End::Met).then_some(&end as &dyn Display);
    inquiry.end(gathered.responses().len(), failed);
}
