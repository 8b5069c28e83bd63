//! Taking snapshots.

use std::any::TypeId;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::links;
use super::{
    AccountSnapshot, BlockingCall, BufferSnapshot, EndingsSnapshot, FailedTicks, HandlerTimes,
    InterestSnapshot, NameClash, PublisherSnapshot, RequestsSnapshot, Snapshot, SubscriberSnapshot,
    TypeSnapshot,
};
use crate::bus::Bus;
use crate::engine::{Account, Envelope, Origin};
use crate::overflow::Ledger;
use crate::registry::{Core, Listener, Registry, TypeEntry, Wanted};
use crate::sync::Ordering;

impl Bus {
    /// Returns the state of the whole bus. Types, subscribers and the buffer are read at one
    /// moment; each queue at its own, since its reader may be active.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    ///
    /// #[derive(Debug, Event)]
    /// struct Tick;
    ///
    /// let bus = Bus::new();
    /// let _ticks = bus.subscribe::<Tick>("clock");
    /// bus.start();
    /// bus.publish(Tick);
    ///
    /// let snapshot = bus.snapshot();
    /// let clock = snapshot.subscriber("clock").unwrap();
    /// assert_eq!((clock.queued, clock.high_water), (1, 1));
    /// assert_eq!(snapshot.event_type("tick").unwrap().published, 1);
    /// assert!(snapshot.balances());
    /// ```
    pub fn snapshot(&self) -> Snapshot {
        let core = self.core();
        let now = core.settings.clock.now();
        let tickets = core.requests.list();
        let requests = RequestsSnapshot {
            open: tickets.iter().map(|ticket| ticket.status(now)).collect(),
            ended: core.requests.endings.all(),
            endings: EndingsSnapshot::of(&core.requests),
            late: core.requests.late.load(Ordering::Relaxed),
            duplicate: core.requests.duplicate.load(Ordering::Relaxed),
            troubled: core.requests.troubles(),
            traced: core.requests.traces.load(Ordering::Relaxed),
            recent: core.requests.recent(),
        };
        drop(tickets);
        let links = links::links(core);
        let missing = core.missing();
        let mut totals = Totals::new();
        let registry = core.registry();
        let subscribers: Vec<_> = registry
            .listeners
            .values()
            .map(|listener| subscriber(&registry, listener, now, &mut totals))
            .collect();
        let types = registry
            .types
            .iter()
            .enumerate()
            .map(|(number, entry)| event_type(number, entry, &registry, &totals))
            .collect();
        let retained: usize = registry
            .types
            .iter()
            .filter(|entry| entry.retained.is_some())
            .map(|entry| entry.info.size)
            .sum();
        let buffer = buffer(&registry);
        let queues: usize = subscribers.iter().map(|subscriber| subscriber.bytes).sum();
        Snapshot {
            phase: registry.phase,
            started: registry.first_start.is_some(),
            draining: registry.draining,
            started_after: registry.first_start.as_ref().and_then(|start| start.after),
            age: now.saturating_duration_since(core.built_at),
            timestamps: core.settings.timestamps,
            sequence: registry.sequence,
            refused: registry.refused,
            cut_off: registry.cut_off,
            missing,
            types,
            requests,
            panicked: registry.panicked.iter().cloned().collect(),
            blocking_calls: blocking_calls(core),
            links,
            failed_ticks: failed_ticks(core),
            name_clashes: registry
                .clashes
                .iter()
                .map(|(first, second)| NameClash {
                    event_type: first.name.into(),
                    first: first.rust_name().into(),
                    second: second.rust_name().into(),
                })
                .collect(),
            bytes: buffer.bytes + queues + retained,
            buffer,
            subscribers,
        }
    }
}

/// The combined accounts of all subscriptions, by `TypeId`, since two types may share a name.
type Totals = HashMap<TypeId, Ledger>;

fn buffer(registry: &Registry) -> BufferSnapshot {
    let buffer = &registry.buffer;
    BufferSnapshot {
        queued: buffer.len(),
        capacity: buffer.capacity,
        high_water: buffer.high_water,
        overflowed: buffer.overflowed(),
        held: registry.first_start.as_ref().map(|start| start.held.clone()).unwrap_or_default(),
        bytes: buffer.bytes(|number| registry.types[number].info.size),
    }
}

fn event_type(
    number: usize,
    entry: &TypeEntry,
    registry: &Registry,
    totals: &Totals,
) -> TypeSnapshot {
    let (published, unheard) = registry.published(entry);
    let mut ledger = totals.get(&entry.info.id()).copied().unwrap_or_default();
    ledger.add(&entry.departed);
    TypeSnapshot {
        coalesces: entry.info.coalesces(),
        event_type: entry.info.name.into(),
        rust_type: entry.info.rust_name().into(),
        request: entry.info.is_request(),
        of_the_bus: entry.info.of_the_bus,
        subscribers: entry.feed.mailboxes().len(),
        responders: entry.responders.mailboxes().count(),
        publishers: publishers(entry, registry),
        published,
        unheard,
        retained: entry.retained.as_ref().map(Envelope::sequence),
        memory: entry.feed.log.bytes(),
        buffered: registry.buffer.inbox.accounts[number].ledger,
        ledger,
    }
}

fn blocking_calls(core: &Core) -> Vec<BlockingCall> {
    let calls = core.blocking_calls.lock();
    let calls = calls.iter().map(|((call, site), times)| BlockingCall {
        call: (*call).to_owned(),
        call_site: site.to_string(),
        times: *times,
    });
    calls.collect()
}

fn failed_ticks(core: &Core) -> Vec<FailedTicks> {
    let failed = core.failed_ticks.lock();
    let failed = failed.iter().map(|((event_type, site), (times, message))| FailedTicks {
        event_type: (*event_type).to_owned(),
        call_site: site.to_string(),
        times: *times,
        message: message.clone(),
    });
    failed.collect()
}

fn publishers(entry: &TypeEntry, registry: &Registry) -> Vec<PublisherSnapshot> {
    let mut all: Vec<PublisherSnapshot> = Vec::new();
    for (publisher, published) in entry.publishers.iter() {
        let (number, handled) = Origin::split(publisher);
        let Some(name) = registry.publishers.name(number) else { continue };
        let known = all.iter().position(|known| *known.name == **name).unwrap_or_else(|| {
            let name = name.to_string();
            all.push(PublisherSnapshot { name, published: 0, handling: Vec::new() });
            all.len() - 1
        });
        all[known].published += published;
        if let Some(handled) = handled.and_then(|handled| registry.types.get(handled)) {
            all[known].handling.push((handled.info.name.to_owned(), published));
        }
    }
    all
}

fn subscriber(
    registry: &Registry,
    listener: &Listener,
    now: Instant,
    totals: &mut Totals,
) -> SubscriberSnapshot {
    let settings = &listener.mailbox.settings;
    let since = |moment: Instant| now.saturating_duration_since(moment);
    let figures = registry.figures(&listener.mailbox);
    let (handler_stats, in_hand) = listener.mailbox.handler_stats();
    let account = |account: &Account| {
        totals.entry(account.info.id()).or_default().add(&account.ledger);
        AccountSnapshot { event_type: account.info.name.into(), ledger: account.ledger }
    };
    SubscriberSnapshot {
        name: settings.name.to_string(),
        call_site: settings.call_site.to_string(),
        interest: match &listener.wanted {
            Wanted::Everything => InterestSnapshot::Everything,
            Wanted::Matching(pattern) => InterestSnapshot::Matching(pattern.to_string()),
            Wanted::Members(members) => {
                let names = members.iter().map(|member| member.info.name.to_owned());
                InterestSnapshot::Types(names.collect())
            }
            Wanted::Nothing(error) => InterestSnapshot::BadPattern(error.to_string()),
        },
        responder: listener.wanted.responds(),
        answers: listener.wanted.answers().map(|info| info.name.to_owned()).collect(),
        late: listener.late,
        signed_in: Duration::from_nanos(listener.signed_in),
        replayed: listener.replayed,
        capacity: settings.capacity,
        overflow: settings.overflow,
        importance: settings.importance,
        queued: figures.queued,
        high_water: figures.high_water,
        demand: figures.demand,
        oldest: registry.oldest(&listener.mailbox).map(since),
        waiting: listener.mailbox.sleeps(),
        handling: handler_stats.handling,
        in_hand,
        handling_for: handler_stats.began().map(since),
        handled: handler_stats.handled,
        busy: handler_stats.busy(),
        longest: handler_stats.longest(),
        handler_times: HandlerTimes::of(&handler_stats.times, handler_stats.longest()),
        panics: handler_stats.panics,
        last_panic: handler_stats.last_panic,
        bytes: figures.bytes(&listener.mailbox),
        ledger: figures.ledger(),
        accounts: figures.accounts.iter().map(account).collect(),
    }
}
