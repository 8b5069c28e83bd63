//! The part of the wait-for graph reachable from one request, and the cycles in it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{Asked, Waiter, Waits};
use crate::engine::{Candidate, Invocation, Mailbox, Pending, Ticket};
use crate::sync::discard;

/// A snapshot of what one request can reach. Nodes refer to each other by index.
pub(super) struct Graph {
    /// The first is the request that the graph was built for.
    requests: Vec<RequestNode>,
    invocations: Vec<InvocationNode>,
    responders: Vec<ResponderNode>,
}

struct RequestNode {
    asked: Asked,
    /// Dropped while no lock is held, since it may be the last reference.
    ticket: Option<Arc<dyn Ticket>>,
    needs: usize,
    parts: Vec<Vec<Alternative>>,
    stuck: bool,
}

/// A candidate for one of a request's answers.
#[derive(Clone, Copy)]
enum Alternative {
    /// It is not known to wait.
    Free,
    Responder(usize),
    Invocation(usize),
}

struct InvocationNode {
    invocation: Arc<Invocation>,
    requests: Vec<usize>,
    stuck: bool,
}

/// A subscription with a request in its queue.
struct ResponderNode {
    mailbox: Arc<Mailbox>,
    /// Its waiting invocations.
    busy_with: Vec<usize>,
    stuck: bool,
}

/// A cycle of requests: each waits for the asker of the next, and the last for the asker of the
/// first.
pub(super) struct Circle<'a>(Vec<&'a RequestNode>);

impl Graph {
    /// Builds the graph reachable from this request.
    pub(super) fn of(waits: &Waits, asked: &Asked) -> Self {
        let mut graph =
            Self { requests: Vec::new(), invocations: Vec::new(), responders: Vec::new() };
        let mut known = Known::default();
        graph.request(asked, &mut known);
        let mut next = 0;
        while let Some(node) = graph.requests.get(next) {
            let pending = node.ticket.as_ref().map(|ticket| ticket.pending());
            if let (Some(Pending { needs, parts }), Some(ticket)) = (pending, node.ticket.clone()) {
                let parts = parts.into_iter().map(|candidates| {
                    let all = candidates.into_iter();
                    all.map(|it| graph.alternative(waits, &ticket, it, &mut known)).collect()
                });
                let parts = parts.collect();
                let node = &mut graph.requests[next];
                (node.needs, node.parts) = (needs, parts);
            }
            next += 1;
        }
        graph.mark();
        graph
    }

    fn request(&mut self, asked: &Asked, known: &mut Known) -> usize {
        *known.requests.entry(asked.number).or_insert_with(|| {
            let (asked, ticket) = (asked.clone(), asked.ticket.upgrade());
            self.requests.push(RequestNode { asked, ticket, needs: 0, parts: vec![], stuck: true });
            self.requests.len() - 1
        })
    }

    fn alternative(
        &mut self,
        waits: &Waits,
        ticket: &Arc<dyn Ticket>,
        candidate: Candidate,
        known: &mut Known,
    ) -> Alternative {
        match candidate {
            Candidate::Unknown => Alternative::Free,
            Candidate::Queued(mailbox) => self.responder(waits, mailbox, known),
            Candidate::Handling(mailbox) => {
                let handles = |waiter: &&Waiter| {
                    let Waiter { invocation, .. } = waiter;
                    // If it is answered, its answer is on the way.
                    invocation.handles(ticket) && invocation.occupies(false)
                };
                match waits.of(mailbox).find(handles) {
                    Some(waiter) => Alternative::Invocation(self.invocation(waiter, known)),
                    None => Alternative::Free,
                }
            }
        }
    }

    fn responder(
        &mut self,
        waits: &Waits,
        mailbox: Arc<Mailbox>,
        known: &mut Known,
    ) -> Alternative {
        if let Some(place) = known.responders.get(&mailbox.id) {
            return Alternative::Responder(*place);
        }
        let waiting = waits.of(mailbox.id);
        if waiting.len() < mailbox.concurrency() || mailbox.will_receive() {
            // Free regardless of how many invocations are stuck, so skip what they wait for.
            return Alternative::Free;
        }
        let place = self.responders.len();
        known.responders.insert(mailbox.id, place);
        self.responders.push(ResponderNode { mailbox, busy_with: Vec::new(), stuck: true });
        let served = self.responders[place].mailbox.is_served();
        let busy = waiting.filter(|waiter| waiter.invocation.occupies(served));
        let busy_with = busy.map(|waiter| self.invocation(waiter, known)).collect();
        self.responders[place].busy_with = busy_with;
        Alternative::Responder(place)
    }

    fn invocation(&mut self, waiter: &Waiter, known: &mut Known) -> usize {
        let address = Arc::as_ptr(&waiter.invocation);
        if let Some(place) = known.invocations.get(&address) {
            return *place;
        }
        let requests = waiter.requests.iter().map(|asked| self.request(asked, known)).collect();
        let invocation = Arc::clone(&waiter.invocation);
        self.invocations.push(InvocationNode { invocation, requests, stuck: true });
        known.invocations.insert(address, self.invocations.len() - 1);
        self.invocations.len() - 1
    }

    /// Marks every node that can make progress as not stuck.
    fn mark(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for place in 0..self.responders.len() {
                let free = self.responders[place].stuck && !self.is_responder_stuck(place);
                self.responders[place].stuck &= !free;
                changed |= free;
            }
            for place in 0..self.requests.len() {
                let free = self.requests[place].stuck && !self.is_request_stuck(place);
                self.requests[place].stuck &= !free;
                changed |= free;
            }
            for node in &mut self.invocations {
                let stuck = node.requests.iter().all(|request| self.requests[*request].stuck);
                changed |= node.stuck && !stuck;
                node.stuck &= stuck;
            }
        }
    }

    fn is_responder_stuck(&self, place: usize) -> bool {
        let ResponderNode { mailbox, busy_with, .. } = &self.responders[place];
        let stuck = busy_with.iter().filter(|place| self.invocations[**place].stuck).count();
        stuck >= mailbox.concurrency()
    }

    fn is_request_stuck(&self, place: usize) -> bool {
        let RequestNode { needs, parts, .. } = &self.requests[place];
        let hopeful = parts.iter().filter(|part| !self.is_hopeless(part)).count();
        // With fewer parts than it needs, the request ends by itself.
        hopeful < *needs && parts.len() >= *needs
    }

    /// Whether all candidates for an answer are stuck.
    fn is_hopeless(&self, part: &[Alternative]) -> bool {
        part.iter().all(|it| self.is_stuck(*it))
    }

    fn is_stuck(&self, alternative: Alternative) -> bool {
        match alternative {
            Alternative::Free => false,
            Alternative::Responder(place) => self.responders[place].stuck,
            Alternative::Invocation(place) => self.invocations[place].stuck,
        }
    }

    /// A shortest cycle through the request that the graph was built for, if that is stuck.
    pub(super) fn circle(&self) -> Option<Circle<'_>> {
        let first = self.requests.first().filter(|first| first.stuck)?;
        // The predecessor of each request in a breadth-first search from the first.
        let mut from: HashMap<usize, usize> = HashMap::new();
        let mut queue = VecDeque::from([0]);
        while let Some(place) = queue.pop_front() {
            for invocation in self.waits_for(place) {
                let node = &self.invocations[invocation];
                if Arc::ptr_eq(&node.invocation, &first.asked.asker) {
                    let back = std::iter::successors(Some(place), |place| from.get(place).copied());
                    let mut circle: Vec<_> = back.map(|place| &self.requests[place]).collect();
                    circle.reverse();
                    return Some(Circle(circle));
                }
                for request in node.requests.iter().copied() {
                    if request != 0 && !from.contains_key(&request) {
                        from.insert(request, place);
                        queue.push_back(request);
                    }
                }
            }
        }
        None
    }

    /// The stuck invocations that a request waits for, for the answers that can't arrive.
    fn waits_for(&self, place: usize) -> impl Iterator<Item = usize> {
        let parts = self.requests[place].parts.iter();
        let alternatives = parts.filter(|part| self.is_hopeless(part)).flatten();
        let invocations = alternatives.flat_map(|alternative| match alternative {
            Alternative::Free => &[],
            Alternative::Responder(place) => &self.responders[*place].busy_with[..],
            Alternative::Invocation(place) => std::slice::from_ref(place),
        });
        invocations.copied().filter(|place| self.invocations[*place].stuck)
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        self.requests.iter_mut().for_each(|node| discard(node.ticket.take()));
    }
}

/// The indices of visited nodes.
#[derive(Default)]
struct Known {
    requests: HashMap<u64, usize>,
    invocations: HashMap<*const Invocation, usize>,
    responders: HashMap<u64, usize>,
}

impl Circle<'_> {
    /// The request in the cycle that was made last.
    pub(super) fn youngest(&self) -> (Asked, Arc<dyn Ticket>) {
        let youngest = self.0.iter().max_by_key(|node| node.asked.number);
        let found = youngest.and_then(|node| Some((node.asked.clone(), node.ticket.clone()?)));
        found.unwrap_or_else(|| unreachable!("a stuck request is open, and a circle has one"))
    }

    /// The responders' names, from where the cycle is entered, preceded by those that lead to it:
    /// `x → a → b → a`. A cycle with no such entry begins with the responder whose event is the
    /// oldest.
    pub(super) fn names(&self) -> Vec<String> {
        let circle: Vec<&Arc<Invocation>> = self.0.iter().map(|node| &node.asked.asker).collect();
        let place = |invocation: &Arc<Invocation>| {
            circle.iter().position(|other| Arc::ptr_eq(other, invocation))
        };
        // Walk outwards from the youngest request, along the calls that it was made for.
        let (youngest, _) = self.youngest();
        let ancestors = std::iter::successors(Some(youngest.asker), |it| it.asker());
        let mut ancestors: Vec<Arc<Invocation>> = ancestors.take(MANY_ANCESTORS).collect();
        ancestors.reverse();
        let entered = ancestors.iter().position(|invocation| place(invocation).is_some());
        let leading = &ancestors[..entered.unwrap_or(0)];
        let oldest = || (0..circle.len()).min_by_key(|place| circle[*place].sequence);
        let first = if leading.is_empty() {
            oldest()
        } else {
            entered.and_then(|entered| place(&ancestors[entered]))
        };
        let first = first.unwrap_or(0);
        let (before, after) = circle.split_at(first);
        let around = after.iter().chain(before).copied().chain(circle.get(first).copied());
        leading.iter().chain(around).map(|invocation| invocation.name.to_string()).collect()
    }
}

/// Of a longer chain, only this many of the innermost calls are named.
const MANY_ANCESTORS: usize = 64;
