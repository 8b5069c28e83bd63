//! Which nested requests wait for each other in a circle.
//!
//! A nested request waits for responders and for calls in hand, a call waits for the requests that
//! are made for it, and a responder is busy with its calls. Everything is looked up in the model's
//! state, each time anew: first what can make progress, by marking until nothing more can be, then
//! all circles among the rest.
//!
//! Time does not count: a request whose time is up, and whose asker has not looked, still waits.

use callboard::Phase;

use super::{Dispatch, Gather, Rule, Stage};
use crate::model::Model;

/// A call in hand: of which request, and of which subscription.
type Call = (usize, usize);

/// What a request waits for, for one of its answers.
#[derive(Debug, Clone, Copy)]
enum Candidate {
    /// A responder that has yet to sign in.
    Anyone,
    /// A subscription with the request in its queue, or soon.
    Sub(usize),
    Call(Call),
}

impl Gather {
    /// A candidate for an answer is lost, or an answer that a predicate may reject has come: if
    /// the request is a nested one, its asker is to look whether it is in a circle now.
    pub(super) fn lose(&mut self) {
        self.unchecked |= self.within.is_some();
    }

    /// Whether it counts as waiting, for the call that it was made for.
    fn waits(&self) -> bool {
        self.open && self.failed.is_none() && self.within.is_some()
    }

    /// How many of so many parts must still get an answer.
    fn needs(&self, parts: usize) -> usize {
        match self.rule {
            Rule::Until(_) => 1,
            Rule::Settled => parts,
            _ => self.needed().saturating_sub(self.responses.len()),
        }
    }
}

impl Model {
    /// If the request is in a circle of requests that wait for each other: the names along it.
    pub(super) fn cycle(&self, request: usize) -> Option<Vec<String>> {
        self.circle(request).map(|circle| self.names(&circle))
    }

    /// The youngest request of each circle that this one is in fails.
    pub(super) fn recheck(&mut self, request: usize) {
        while self.gathers[request].waits() {
            let Some(circle) = self.circle(request) else { return };
            self.gathers[youngest(&circle)].failed = Some(self.names(&circle));
        }
    }

    /// A request has ended: the askers of the others that were made for the same call are to look
    /// whether these are in a circle now.
    pub(super) fn recheck_others(&mut self, request: usize) {
        let Some(call) = self.gathers[request].within else { return };
        self.requests_of(call).into_iter().for_each(|other| self.gathers[other].lose());
    }

    /// The responder is done with its call.
    pub(crate) fn end_call(&mut self, request: usize, sub: usize) {
        self.gathers[request].done.push(sub);
    }

    /// The requests that wait, oldest first.
    fn waiting(&self) -> impl Iterator<Item = usize> {
        (0..self.gathers.len()).filter(|request| self.gathers[*request].waits())
    }

    /// The requests that a call waits for.
    fn requests_of(&self, call: Call) -> Vec<usize> {
        self.waiting().filter(|request| self.gathers[*request].within == Some(call)).collect()
    }

    /// The calls that a subscription is busy with and that wait, those of the oldest requests
    /// first.
    fn busy_with(&self, sub: usize) -> Vec<Call> {
        let calls = self.waiting().filter_map(|request| self.gathers[request].within);
        let in_hand =
            |(request, id): &Call| *id == sub && !self.gathers[*request].done.contains(id);
        let mut calls: Vec<Call> = calls.filter(in_hand).collect();
        calls.sort_by_key(|(request, _)| self.gathers[*request].sequence);
        calls.dedup();
        calls
    }

    /// For each answer that may still come: who may give it.
    fn parts(&self, request: usize) -> Vec<Vec<Candidate>> {
        let gather = &self.gathers[request];
        let part = |name: &&'static str| match gather.stage(name) {
            Some(Stage::Queued | Stage::Handling) => Some(gather.candidates(request, name)),
            None if gather.dispatch == Dispatch::Waiting => {
                let responders = self.subs.iter().filter(|sub| sub.opening.wants.answers());
                let namesakes = responders.filter(|sub| sub.opening.name == *name);
                let present: Vec<_> = namesakes.map(|sub| Candidate::Sub(sub.id)).collect();
                let absent = present.is_empty() && self.phase == Phase::Buffering;
                Some(if absent { vec![Candidate::Anyone] } else { present })
            }
            _ => None,
        };
        gather.expected.iter().filter_map(part).collect()
    }

    /// The requests that can make progress: those that do if these do, and so on.
    fn free(&self) -> Vec<usize> {
        let mut free = Vec::new();
        while let Some(next) =
            self.waiting().find(|it| !free.contains(it) && self.is_request_free(*it, &free))
        {
            free.push(next);
        }
        free
    }

    fn is_request_free(&self, request: usize, free: &[usize]) -> bool {
        let gather = &self.gathers[request];
        // A predicate that has not seen all there is may be content with it, and nothing waits for
        // long on a closed bus.
        if self.phase == Phase::Closed
            || gather.frozen.is_some()
            || gather.judged < gather.responses.len()
        {
            return true;
        }
        let parts = self.parts(request);
        let needs = gather.needs(parts.len());
        let hopeful = parts.iter().filter(|part| part.iter().any(|it| self.is_free(*it, free)));
        // With fewer than it needs it is about to end.
        hopeful.count() >= needs || parts.len() < needs
    }

    fn is_free(&self, candidate: Candidate, free: &[usize]) -> bool {
        match candidate {
            Candidate::Anyone => true,
            Candidate::Call(call) => self.is_call_free(call, free),
            Candidate::Sub(id) => {
                let Some(sub) = self.subs.iter().find(|sub| sub.id == id) else { return true };
                sub.opening.concurrent
                    || sub.will_receive()
                    || self.busy_with(id).into_iter().all(|call| self.is_call_free(call, free))
            }
        }
    }

    /// Whether the handler waits for nothing, or for something that makes progress.
    fn is_call_free(&self, call: Call, free: &[usize]) -> bool {
        let requests = self.requests_of(call);
        requests.is_empty() || requests.iter().any(|request| free.contains(request))
    }

    /// The calls that a request waits for in vain: those of the answers that can't come.
    fn waits_for(&self, request: usize, free: &[usize]) -> Vec<Call> {
        let parts = self.parts(request).into_iter();
        let hopeless = parts.filter(|part| part.iter().all(|it| !self.is_free(*it, free)));
        let calls = hopeless.flatten().flat_map(|candidate| match candidate {
            Candidate::Anyone => Vec::new(),
            Candidate::Sub(sub) => self.busy_with(sub),
            Candidate::Call(call) => vec![call],
        });
        calls.filter(|call| !self.is_call_free(*call, free)).collect()
    }

    /// A shortest circle through this request, the first of them in the order of what each request
    /// in it waits for.
    fn circle(&self, request: usize) -> Option<Vec<usize>> {
        let free = self.free();
        let mut shortest = None;
        if !free.contains(&request) {
            self.walk(&mut vec![request], &free, &mut shortest);
        }
        shortest
    }

    fn walk(&self, path: &mut Vec<usize>, free: &[usize], shortest: &mut Option<Vec<usize>>) {
        for call in self.waits_for(path[path.len() - 1], free) {
            if self.gathers[path[0]].within == Some(call) {
                if shortest.as_ref().is_none_or(|circle| path.len() < circle.len()) {
                    *shortest = Some(path.clone());
                }
                continue;
            }
            for next in self.requests_of(call) {
                if !path.contains(&next) {
                    path.push(next);
                    self.walk(path, free, shortest);
                    path.pop();
                }
            }
        }
    }

    /// The names along a circle, from where it is entered, with those that lead to it in front. If
    /// nothing leads to it, it begins with the call of the oldest request.
    fn names(&self, circle: &[usize]) -> Vec<String> {
        let mut around: Vec<Call> =
            circle.iter().filter_map(|request| self.gathers[*request].within).collect();
        let mut leading = self.ancestry(&self.gathers[youngest(circle)]);
        leading.reverse();
        let entered = leading.iter().position(|call| around.contains(call));
        let entered = entered.expect("its own call is in it");
        let oldest = around.iter().copied().min_by_key(|call| self.gathers[call.0].sequence);
        let first = if entered == 0 { oldest } else { Some(leading[entered]) };
        let place = around.iter().position(|call| Some(*call) == first).expect("it is in it");
        around.rotate_left(place);
        leading.truncate(entered);
        let calls = leading.iter().chain(&around).chain(&around[..1]);
        calls.map(|(request, sub)| self.gathers[*request].name_of(*sub).to_owned()).collect()
    }

    /// The calls that wait for a request, from the innermost outwards: as far as somebody waits.
    fn ancestry(&self, gather: &Gather) -> Vec<Call> {
        std::iter::successors(gather.within, |(request, id)| {
            let outer = &self.gathers[*request];
            outer.within.filter(|_| self.is_open(*request) && !outer.done.contains(id))
        })
        .collect()
    }
}

impl Gather {
    /// The responders of this name that may still answer.
    fn candidates(&self, request: usize, name: &str) -> Vec<Candidate> {
        let namesakes = self.slots.iter().filter(|slot| slot.name == name);
        let candidates = namesakes.filter_map(|slot| match slot.stage {
            Stage::Queued => Some(Candidate::Sub(slot.sub)),
            Stage::Handling => Some(Candidate::Call((request, slot.sub))),
            _ => None,
        });
        candidates.collect()
    }
}

fn youngest(circle: &[usize]) -> usize {
    circle.iter().copied().max().expect("a circle has a request")
}
