//! Traces of recent requests, for a waterfall diagram.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Request;
use super::exchange::Exchange;
use super::parts::{Part, Parts, Stage};
use crate::bus::Bus;
use crate::engine::Mailbox;
use crate::event::Delivery;
use crate::outcome::{End, RequestTrace, ResponderTrace};
use crate::registry::Slot;
use crate::sync::{Mutex, Ordering};

impl Bus {
    /// Makes the bus record requests made from now on, with the times at which each responder took
    /// and finished the request. [`RequestsSnapshot::recent`](crate::RequestsSnapshot::recent) has
    /// the last 64. Default: off, since it reads the clock twice for each responder and allocates.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event, Request};
    ///
    /// #[derive(Debug, Event)]
    /// struct Answer;
    ///
    /// #[derive(Debug, Request)]
    /// #[request(response = Answer)]
    /// struct Question;
    ///
    /// let bus = Bus::new();
    /// bus.trace_requests(true);
    /// let mut oracle = bus.responder::<Question>("oracle");
    /// bus.start();
    /// std::thread::spawn(move || oracle.iter().for_each(|call| call.respond(Answer)));
    /// bus.request(Question).expect(["oracle"]).gather_blocking()?;
    ///
    /// let trace = &bus.snapshot().requests.recent[0];
    /// assert_eq!((&*trace.event_type, &*trace.rule), ("question", "all of 1"));
    /// let oracle = &trace.responders[0];
    /// assert_eq!((&*oracle.name, &*oracle.outcome), ("oracle", "responded"));
    /// assert!(oracle.taken <= oracle.ended && oracle.ended <= trace.took);
    /// # Ok::<(), callboard::RequestError>(())
    /// ```
    pub fn trace_requests(&self, on: bool) {
        self.core().requests.traces.store(on, Ordering::Relaxed);
    }
}

/// When the responders of a request took and finished it.
#[derive(Default)]
pub(super) struct Trace(Mutex<Vec<Stretch>>);

/// The time span in which one responder had the request.
#[derive(Clone)]
struct Stretch {
    mailbox: u64,
    responder: Arc<str>,
    taken: Option<Instant>,
    ended: Option<Instant>,
}

/// An answer of a responder that was not expected.
type Answered<R> = (Arc<str>, Delivery<R>);

impl<Q: Request> Exchange<Q> {
    /// Records that a responder took a traced request.
    #[cold]
    pub(super) fn note_taken(&self, responder: &Mailbox) {
        let Some(trace) = &self.trace else { return };
        let (mailbox, taken) = (responder.id, self.core.now());
        let responder = Arc::clone(&responder.settings.name);
        trace.0.lock().push(Stretch { mailbox, responder, taken, ended: None });
    }

    /// Records that a responder answered, declined or dropped a traced request.
    #[cold]
    pub(super) fn note_ended(&self, mailbox: u64) {
        let Some(trace) = &self.trace else { return };
        let now = self.core.now();
        let mut stretches = trace.0.lock();
        if let Some(stretch) = stretches.iter_mut().find(|it| it.mailbox == mailbox) {
            stretch.ended = now;
        }
    }

    /// The trace of a request whose asker still waits; `None` if the asker has its result.
    pub(super) fn trace_so_far(&self) -> Option<RequestTrace> {
        let state = self.state.lock();
        if state.parts.len() == 0 {
            return None;
        }
        let sequence = state.sequence;
        let parts: Vec<_> = state.stages().map(|(name, stage)| (name, so_far(stage))).collect();
        Some(self.trace_of(sequence, &parts, &state.unexpected))
    }

    /// Records the trace of a request that has ended.
    #[cold]
    pub(super) fn remember(
        &self,
        slot: Option<Slot>,
        sequence: u64,
        (parts, unexpected): (&Parts<Q::Response>, &[Answered<Q::Response>]),
        end: (End, &str),
    ) {
        let (end, text) = end;
        let outcome = |(name, part): (_, &Part<_>)| (name, part.outcome(end).to_string());
        let parts: Vec<_> = parts.named().map(outcome).collect();
        let mut trace = self.trace_of(sequence, &parts, unexpected);
        let now = self.core.now();
        trace.took = Some(now.map_or(Duration::ZERO, |now| self.after(now)));
        trace.end = Some(text.to_owned());
        self.core.requests.remember_trace(slot, trace);
    }

    fn after(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.began)
    }

    fn trace_of(
        &self,
        sequence: u64,
        parts: &[(&str, String)],
        unexpected: &[Answered<Q::Response>],
    ) -> RequestTrace {
        let stretches = self.trace.as_ref().map(|trace| trace.0.lock().clone());
        let stretches = stretches.unwrap_or_default();
        // Among namesakes, the first that finished, or else the first that took the request.
        let of = |name: &str| {
            let named = stretches.iter().filter(|stretch| *stretch.responder == *name);
            named.min_by_key(|stretch| (stretch.ended.is_none(), stretch.ended, stretch.taken))
        };
        let responder = |name: &str, outcome: String, expected| ResponderTrace {
            name: name.to_owned(),
            outcome,
            expected,
            taken: of(name).and_then(|it| it.taken).map(|moment| self.after(moment)),
            ended: of(name).and_then(|it| it.ended).map(|moment| self.after(moment)),
        };
        let expected = parts.iter().map(|(name, outcome)| responder(name, outcome.clone(), true));
        let mut responders: Vec<_> = expected.collect();
        for Stretch { responder: name, .. } in &stretches {
            if responders.iter().all(|known| *known.name != **name) {
                let answered = unexpected.iter().any(|(other, _)| other == name);
                let outcome = if answered { "responded" } else { "not awaited" };
                responders.push(responder(name, outcome.to_owned(), false));
            }
        }
        RequestTrace {
            event_type: Q::TYPE.to_owned(),
            sequence: (sequence != 0).then_some(sequence),
            asker: self.asker.as_ref().map(|asker| asker.name.to_string()),
            parent: self.nested().map(|asker| asker.sequence),
            rule: self.rule.describe(parts.len()),
            began: self.began.saturating_duration_since(self.core.built_at),
            took: None,
            timeout: self.deadline.map(|deadline| self.after(deadline)),
            end: None,
            responders,
        }
    }
}

/// Describes the stage of a responder of an open request.
fn so_far(stage: &Stage) -> String {
    match stage {
        Stage::Waiting => "waits for the start".to_owned(),
        Stage::Queued => "queued".to_owned(),
        Stage::Handling => "being handled".to_owned(),
        over => over.outcome(End::TimedOut).to_string(),
    }
}
