//! Asking the responders of other nodes: a task per request type, with a proxy for each responder.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use callboard::{Call, Outcome, Request, Responder};
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::chains::{Left, MOST_HOPS};
use crate::shared::Shared;
use crate::wire::{self, Ask, Codec, Directed, Hop, Part, Reply};

/// How often to check whether askers still wait.
const SWEEP: Duration = Duration::from_millis(50);

/// How many calls may wait for a proxy.
const CAPACITY: usize = 10_000;

/// How many calls are taken in a row.
const BATCH: usize = 256;

/// A message to the task.
#[derive(Debug)]
pub(crate) enum AskCommand {
    /// A node is present and has these responders.
    Present {
        node: Arc<str>,
        names: Vec<String>,
    },
    /// A node is gone.
    Gone {
        node: Arc<str>,
    },
    /// There has been no connection for too long.
    Unreachable,
    Reply {
        node: String,
        reply: Reply,
    },
}

/// The number of proxies on this bus, by request type and name. They don't count as this node's own
/// responders.
#[derive(Debug, Default)]
pub(crate) struct Standins(Mutex<BTreeMap<(&'static str, String), usize>>);

impl Standins {
    fn change(&self, request_type: &'static str, name: &str, change: impl FnOnce(&mut usize)) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (request_type, name.to_owned());
        let count = counts.entry(key.clone()).or_default();
        change(count);
        if *count == 0 {
            counts.remove(&key);
        }
    }

    pub(crate) fn count(&self, request_type: &'static str, name: &str) -> usize {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&(request_type, name.to_owned())).copied().unwrap_or(0)
    }
}

/// The state of the task.
pub(crate) struct Asks<Q: Request> {
    pub(crate) commands: mpsc::UnboundedReceiver<AskCommand>,
    pub(crate) standins: Arc<Standins>,
    proxies: Vec<Standin<Q>>,
    open: HashMap<(Arc<str>, u64), Open<Q>>,
}

/// A proxy on this bus for a responder of another node.
struct Standin<Q: Request> {
    node: Arc<str>,
    name: String,
    inbox: Responder<Q>,
}

/// A request to a node, with its open calls.
struct Open<Q: Request> {
    calls: NamedCalls<Q>,
}

impl<Q: Request> fmt::Debug for Asks<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asks").field("open", &self.open.len()).finish_non_exhaustive()
    }
}

/// Calls that are sent in one message, and its trace context.
type Message<Q> = (NamedCalls<Q>, Box<[u8]>);

/// Calls, each with the name of its responder.
type NamedCalls<Q> = Vec<(String, Call<Q>)>;

/// Asks until the link is dropped.
pub(crate) async fn ask<Q>(mut asks: Asks<Q>, shared: Arc<Shared>)
where
    Q: Request + Serialize,
    Q::Response: DeserializeOwned,
{
    let mut sweep = tokio::time::interval(SWEEP);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let Asks { commands, proxies, open, .. } = &mut asks;
        tokio::select! {
            command = commands.recv() => match command {
                Some(command) => asks.obey(command, &shared),
                None => return,
            },
            calls = poll_fn(|context| take(proxies, &shared, context)) => {
                asks.send(calls, &shared);
            }
            _ = sweep.tick(), if !open.is_empty() => asks.sweep(&shared),
        }
    }
}

/// A call that a proxy has taken.
struct Taken<Q: Request> {
    /// The index of the proxy.
    place: usize,
    call: Call<Q>,
    /// Its trace context, which must be read before the proxy takes another call.
    metadata: Box<[u8]>,
}

/// Takes the calls that wait for the proxies.
fn take<Q: Request>(
    proxies: &mut [Standin<Q>],
    shared: &Shared,
    context: &mut Context<'_>,
) -> Poll<Vec<Taken<Q>>> {
    let mut calls = Vec::new();
    for (place, standin) in proxies.iter_mut().enumerate() {
        while calls.len() < BATCH {
            match standin.inbox.poll_next_unpin(context) {
                Poll::Ready(Some(call)) => {
                    let metadata = shared.propagation.inject(|| callboard::Received::span(&call));
                    calls.push(Taken { place, call, metadata });
                }
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
    }
    if calls.is_empty() { Poll::Pending } else { Poll::Ready(calls) }
}

impl<Q> Asks<Q>
where
    Q: Request + Serialize,
    Q::Response: DeserializeOwned,
{
    pub(crate) fn new(
        commands: mpsc::UnboundedReceiver<AskCommand>,
        standins: Arc<Standins>,
    ) -> Self {
        Self { commands, standins, proxies: Vec::new(), open: HashMap::new() }
    }

    fn obey(&mut self, command: AskCommand, shared: &Shared) {
        match command {
            AskCommand::Present { node, names } => self.present(&node, names, shared),
            AskCommand::Gone { node } => {
                self.leave(|standin| standin.node == node);
                self.conclude(|of| *of == node, &Outcome::Gone, shared);
            }
            AskCommand::Unreachable => self.conclude(|_| true, &Outcome::Unreachable, shared),
            AskCommand::Reply { node, reply } => self.reply(node.into(), reply, shared),
        }
    }

    /// Updates the responders of a node.
    fn present(&mut self, node: &Arc<str>, names: Vec<String>, shared: &Shared) {
        self.leave(|standin| standin.node == *node && !names.contains(&standin.name));
        let Some(bus) = shared.bus.upgrade() else { return };
        for name in names {
            if self.proxies.iter().any(|of| of.node == *node && of.name == name) {
                continue;
            }
            self.standins.change(Q::TYPE, &name, |count| *count += 1);
            let inbox = bus.subscriber(&*name).capacity(CAPACITY).late().responder::<Q>();
            self.proxies.push(Standin { node: Arc::clone(node), name, inbox });
        }
    }

    /// Removes matching proxies from the bus.
    fn leave(&mut self, such: impl Fn(&Standin<Q>) -> bool) {
        let (leaving, staying) = std::mem::take(&mut self.proxies).into_iter().partition(such);
        self.proxies = staying;
        for Standin { name, mut inbox, .. } in leaving {
            // Its waiting calls are not abandoned: its node has gone.
            while let Ok(call) = inbox.try_recv() {
                call.conclude(Outcome::Gone);
            }
            drop(inbox);
            self.standins.change(Q::TYPE, &name, |count| *count -= 1);
        }
    }

    /// Ends the requests to matching nodes with this outcome.
    fn conclude(&mut self, such: impl Fn(&Arc<str>) -> bool, outcome: &Outcome, shared: &Shared) {
        let ended: Vec<_> = self.open.keys().filter(|(node, _)| such(node)).cloned().collect();
        for key in ended {
            let open = self.open.remove(&key);
            shared.chains.end(key.1);
            let calls = open.into_iter().flat_map(|open| open.calls);
            calls.for_each(|(_, call)| call.conclude(outcome.clone()));
        }
    }

    /// Sends calls to their nodes: those of one request to one node in one message.
    fn send(&mut self, calls: Vec<Taken<Q>>, shared: &Shared) {
        let mut messages: BTreeMap<(u64, Arc<str>), Message<Q>> = BTreeMap::new();
        for Taken { place, call, metadata } in calls {
            let Standin { node, name, .. } = &self.proxies[place];
            // A request travels only to responders that it expects; and requests from other nodes
            // are only for the responders of this one.
            let own = || call.askers().first().is_some_and(|asker| shared.is_own(&asker.name));
            if !call.is_expected() || own() {
                call.conclude(Outcome::NotAwaited);
                continue;
            }
            let message = messages.entry((call.sequence(), Arc::clone(node)));
            let (calls, _) = message.or_insert_with(|| (Vec::new(), metadata));
            calls.push((name.clone(), call));
        }
        let mut written: Option<(u64, Result<Bytes, String>)> = None;
        for ((sequence, node), (calls, metadata)) in messages {
            let Some((_, first)) = calls.first() else { continue };
            // The same request goes to several nodes.
            if written.as_ref().is_none_or(|(of, _)| *of != sequence) {
                written = Some((sequence, self.write(first, shared)));
            }
            let body = written.as_ref().map_or(Ok(Bytes::new()), |(_, body)| body.clone());
            self.send_one(node, calls, (metadata, body), shared);
        }
    }

    fn write(&self, request: &Q, shared: &Shared) -> Result<Bytes, String> {
        let mut body = Vec::with_capacity(64);
        shared.codec.encode(request, &mut body)?;
        let (size, most) = (body.len(), shared.client.max_payload().saturating_sub(4_096));
        if most > 0 && size > most {
            return Err(format!("it takes {size} bytes, the server allows {most}"));
        }
        Ok(body.into())
    }

    fn send_one(
        &mut self,
        node: Arc<str>,
        calls: NamedCalls<Q>,
        (metadata, body): (Box<[u8]>, Result<Bytes, String>),
        shared: &Shared,
    ) {
        let Some((_, first)) = calls.first() else { return };
        let refuse = |calls: NamedCalls<Q>, outcome: &Outcome| {
            calls.into_iter().for_each(|(_, call)| call.conclude(outcome.clone()));
        };
        let body = match body {
            Ok(body) => body,
            Err(problem) => {
                shared.problem(format!("`{}` can't be sent: {problem}", Q::TYPE));
                let reason = format!("the link can't send it: {problem}");
                return refuse(calls, &Outcome::Declined(reason.into()));
            }
        };
        let waiting = first.askers();
        let askers: Vec<String> = waiting.iter().map(|asker| asker.name.to_string()).collect();
        let names: Vec<String> = calls.iter().map(|(name, _)| name.clone()).collect();
        let id = shared.chains.number();
        let (own, incarnation) = (shared.subjects.node().to_owned(), shared.incarnation);
        let mut chain = vec![Hop { node: own, incarnation, id }];
        chain.extend(shared.chains.beyond(&waiting));
        if chain.len() > MOST_HOPS {
            let reason = format!("more than {MOST_HOPS} requests wait for it across nodes");
            return refuse(calls, &Outcome::Declined(reason.into()));
        }
        let budget = first.deadline().map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
        });
        let message = Directed::Ask(Ask {
            incarnation,
            id,
            request_type: Q::TYPE.to_owned(),
            names: names.clone(),
            budget,
            chain,
            askers: askers.clone(),
            codec: shared.codec.number(),
            metadata: metadata.into_vec().into(),
            body,
        });
        if shared.is_unreachable()
            || !shared.send(shared.subjects.directed(&node).into(), wire::write(&message))
        {
            return refuse(calls, &Outcome::Unreachable);
        }
        let circle = shared.serving.crossing(&node, &askers, &names);
        let contexts = calls.iter().map(|(_, call)| call.context()).collect();
        let left = Left { node: Arc::clone(&node), names, contexts, askers, circle };
        shared.chains.leave(id, left);
        self.open.insert((node, id), Open { calls });
    }

    /// Handles a node's reply with the outcomes of its responders.
    fn reply(&mut self, node: Arc<str>, reply: Reply, shared: &Shared) {
        let key = (node, reply.id);
        let Some(open) = self.open.get_mut(&key) else { return };
        let mut late = false;
        for (name, part) in reply.parts {
            let Some(place) = open.calls.iter().position(|(of, _)| *of == name) else { continue };
            let (_, call) = open.calls.swap_remove(place);
            late |= matches!(part, Part::TimedOutQueued | Part::TimedOutHandling);
            answer(call, part, shared);
        }
        if open.calls.is_empty() {
            self.open.remove(&key);
            let circle = shared.chains.end(key.1).filter(|_| late);
            circle.into_iter().for_each(|circle| shared.circle(Q::TYPE, &circle));
        }
    }

    /// Withdraws requests that no asker waits for any more.
    fn sweep(&mut self, shared: &Shared) {
        let over = |open: &Open<Q>| open.calls.iter().all(|(_, call)| !call.is_open());
        let over: Vec<_> = self.open.iter().filter(|(_, open)| over(open)).collect();
        let over: Vec<_> = over.into_iter().map(|(key, _)| key.clone()).collect();
        for (node, id) in over {
            let withdraw = Directed::Withdraw { incarnation: shared.incarnation, id };
            shared.send(shared.subjects.directed(&node).into(), wire::write(&withdraw));
            self.open.remove(&(node, id));
            if let Some(circle) = shared.chains.end(id) {
                shared.circle(Q::TYPE, &circle);
            }
        }
        if self.open.is_empty() {
            self.open.shrink_to(1_024);
        }
    }
}

/// Passes the reply of the responder's node to the asker.
fn answer<Q: Request>(call: Call<Q>, part: Part, shared: &Shared)
where
    Q::Response: DeserializeOwned,
{
    let (codec, body) = match part {
        Part::Answer { codec, body } => (codec, body),
        part => return call.conclude(part.outcome()),
    };
    let read = Codec::of(codec).ok_or_else(|| format!("codec {codec} is unknown"));
    match read.and_then(|codec| codec.decode(&body)) {
        Ok(answer) => call.respond(answer),
        Err(problem) => {
            shared.problem(format!("an answer to `{}` can't be read: {problem}", Q::TYPE));
            call.decline(format!("its answer can't be read: {problem}"));
        }
    }
}
