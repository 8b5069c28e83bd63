//! The lockstep runner's part about what there is to see of a bus: compares it with the model.

use std::time::Duration;

use callboard::{
    Bus, Delivery, Event, Importance, InterestSnapshot, Snapshot, SubscriberSnapshot, Troubled,
    TroubledRequest, TypeSnapshot,
};

use crate::asking::Wrong;
use crate::events::{
    Ask, Change, Got, Kept, Kind, Plain, Ranked, Reply, Seen, Status, Urgent, Valued, Wants,
};
use crate::run::{Runner, Step, same};
use crate::sub::{Item, Sub};
use crate::tally::Tally;

impl Runner {
    /// What each subscription says of itself.
    pub(crate) fn compare_subscriptions(&self) -> Step {
        for handle in &self.handles {
            let sub = self.model.subs.iter().find(|sub| sub.id == handle.id).expect("it is there");
            let reader = &handle.reader;
            let check = || -> Step {
                same("the name", reader.name(), sub.opening.name)?;
                same("the capacity", reader.capacity(), sub.opening.capacity)?;
                same("the queue", reader.len(), sub.queue.len())?;
                same("whether it is empty", reader.is_empty(), sub.queue.is_empty())?;
                same("the gap", reader.pending_missed(), sub.gap)?;
                same("the ledger", Tally::from(reader.ledger()), sub.account())?;
                let woken = handle.waiting.then(|| handle.flag.raised());
                same("whether it was woken", woken, handle.waiting.then_some(!sub.asleep))
            };
            check().map_err(|fault| of(sub, &fault))?;
        }
        self.compare_kept()
    }

    /// What the askers and the responders see.
    pub(crate) fn compare_requests(&self) -> Step {
        for gather in &self.gathers {
            let woken = self.model.is_woken(gather.request);
            if woken || self.model.gathers[gather.request].sleeps_soundly() {
                same("whether the asker was woken", gather.flag.raised(), woken)?;
            }
        }
        for open in &self.calls {
            let request = &self.model.gathers[open.request];
            same("whether a call is open", open.call.is_open(), self.model.is_open(open.request))?;
            same("the deadline of a call", open.call.deadline(), request.deadline)?;
            let name = request.name_of(open.sub);
            same("the name that a call was given to", open.call.responder(), name)?;
            same("the question", &open.call.value(), &*open.question)?;
        }
        Ok(())
    }

    /// What the bus says of itself.
    pub(crate) fn compare_pictures(&self, bus: &Bus) -> Step {
        let model = &self.model;
        same("the phase", bus.phase(), model.phase)?;
        self.compare_retained(bus)?;
        let picture = bus.snapshot();
        same("whether the snapshot balances", picture.balances(), true)?;
        let whole = (picture.phase, picture.started, picture.sequence, picture.refused);
        let expected = (model.phase, model.ever_started, model.sequence, model.refused);
        same("phase, started, sequence, refused", whole, expected)?;
        let keeps_time = model.timestamp().is_some();
        same("whether it keeps time", picture.timestamps, keeps_time)?;
        same(
            "who is missing",
            picture.missing.iter().map(String::as_str).collect(),
            model.missing(),
        )?;
        let buffer = &picture.buffer;
        let figures = (buffer.queued, buffer.capacity, buffer.high_water, buffer.overflowed);
        let expected = (
            model.buffer.len(),
            model.buffer_capacity,
            model.buffer_high_water,
            model.overflowed.len(),
        );
        same("the buffer: queued, capacity, high water, overflowed", figures, expected)?;
        same("whether the buffer has bytes", buffer.bytes > 0, !model.buffer.is_empty())?;
        for kind in Kind::ALL {
            let type_of = picture.event_type(kind.name());
            self.compare_type(kind, type_of).map_err(|fault| format!("{kind:?}: {fault}"))?;
        }
        let all = (picture.types.len(), picture.name_clashes.len());
        let named = Kind::ALL.iter().filter(|kind| picture.event_type(kind.name()).is_some());
        same("types, and clashes of their names", all, (named.count(), 0))?;
        same("subscriptions", picture.subscribers.len(), model.subs.len())?;
        for (subscriber, sub) in picture.subscribers.iter().zip(&model.subs) {
            self.compare_subscriber(subscriber, sub).map_err(|fault| of(sub, &fault))?;
        }
        let held = model.subs.iter().any(|sub| !sub.queue.is_empty());
        let holds = held || !model.buffer.is_empty() || !model.retained.is_empty();
        same("whether the bus holds bytes", picture.bytes > 0, holds)?;
        self.compare_open_requests(&picture)
    }

    fn compare_retained(&self, bus: &Bus) -> Step {
        fn got<E: Event + Valued>(bus: &Bus) -> Option<Got> {
            bus.retained::<E>().map(|latest: Delivery<E>| latest.seen(false).0)
        }
        for kind in Kind::ALL {
            let got = match kind {
                Kind::Plain => got::<Plain>(bus),
                Kind::Change => got::<Change>(bus),
                Kind::Status => got::<Status>(bus),
                Kind::Kept => got::<Kept>(bus),
                Kind::Ranked => got::<Ranked>(bus),
                Kind::Urgent => got::<Urgent>(bus),
                Kind::Ask => got::<Ask>(bus),
                Kind::Reply => got::<Reply>(bus),
            };
            let latest = self.retained(kind).map(|item| item.got(None));
            same("what is retained", got, latest)?;
        }
        Ok(())
    }

    fn retained(&self, kind: Kind) -> Option<&Item> {
        self.model.retained.iter().find(|item| item.value.kind == kind)
    }

    fn compare_type(&self, kind: Kind, picture: Option<&TypeSnapshot>) -> Step {
        let model = &self.model;
        let readers = model.subs.iter().filter(|sub| sub.opening.wants.reads(kind)).count();
        let responders = model.subs.iter().filter(|sub| sub.opening.wants.answers()).count();
        let responders = if kind == Kind::Ask { responders } else { 0 };
        let count = |counts: &std::collections::BTreeMap<Kind, u64>| {
            counts.get(&kind).copied().unwrap_or_default()
        };
        let counts = (count(&model.published), count(&model.unheard));
        let ledgers = (model.buffered(kind), model.ledger(kind));
        let Some(picture) = picture else {
            // The bus has not met it.
            same("its counts", (0, 0), counts)?;
            return same("its accounts", Default::default(), ledgers);
        };
        same("whether it is a request", picture.request, kind == Kind::Ask)?;
        same("who reads it", picture.subscribers, readers)?;
        same("who answers it", picture.responders, responders)?;
        same("published and unheard", (picture.published, picture.unheard), counts)?;
        let retained = self.retained(kind).map(|item| item.sequence);
        same("the number retained", picture.retained, retained)?;
        same("the account of the buffer", Tally::from(picture.buffered), ledgers.0)?;
        same("the account of all", Tally::from(picture.ledger), ledgers.1)
    }

    fn compare_subscriber(&self, picture: &SubscriberSnapshot, sub: &Sub) -> Step {
        let opening = sub.opening;
        let settings = (picture.name.as_str(), picture.capacity, picture.overflow);
        let expected = (opening.name, opening.capacity, opening.overflow);
        same("name, capacity, overflow", settings, expected)?;
        let lossy = picture.importance == Importance::Lossy;
        let flags = (lossy, picture.late, picture.responder);
        let expected = (opening.lossy, sub.late, opening.wants.answers());
        same("lossy, late, responder", flags, expected)?;
        same("what it wants", &picture.interest, &interest(opening.wants))?;
        same("the queue", picture.queued, sub.queue.len())?;
        same("whether it has bytes", picture.bytes > 0, !sub.queue.is_empty())?;
        same("the high water", picture.high_water, sub.high_water)?;
        same("the demand", picture.demand, sub.demand)?;
        let now = self.model.now;
        let oldest = sub.queue.iter().filter_map(|item| item.published_at).min();
        same("the oldest", picture.oldest, oldest.map(|published| now - published))?;
        same("whether it waits", picture.waiting, sub.asleep)?;
        same("whether it has one in hand", picture.in_hand, sub.work.in_hand)?;
        let work = &sub.work;
        let figures = (picture.handling, picture.handled, picture.busy, picture.longest);
        same("its work", figures, (0, work.handled, work.busy, work.longest))?;
        same("its work in hand", picture.handling_for, work.handling_for(now))?;
        same("the ledger", Tally::from(picture.ledger), sub.account())?;
        let accounts = picture.accounts.iter();
        let accounts =
            accounts.map(|account| (account.event_type.clone(), Tally::from(account.ledger)));
        let mut accounts: Vec<_> = accounts.filter(|(_, tally)| !tally.is_zero()).collect();
        let expected = sub.accounts();
        let mut expected: Vec<_> =
            expected.iter().map(|((kind, _), tally)| (kind.name().into(), tally.clone())).collect();
        accounts.sort();
        expected.sort();
        same("its accounts", accounts, expected)
    }

    fn compare_open_requests(&self, picture: &Snapshot) -> Step {
        let (model, requests) = (&self.model, &picture.requests);
        let record = &model.record;
        let counts = (requests.ended, requests.late, requests.duplicate);
        let expected = (record.ended, record.late, record.duplicate);
        same("requests ended, answers late and duplicate", counts, expected)?;
        let troubled: Vec<_> = requests.troubled.iter().map(trouble).collect();
        let expected: Vec<_> = record.troubled.iter().cloned().collect();
        same("troubled requests", troubled, expected)?;
        let open = requests.open.iter().map(|request| {
            let (sequence, remaining) = (request.sequence, request.remaining);
            (request.event_type.as_str(), sequence, request.age, remaining, &request.outcomes[..])
        });
        let asked = model.gathers.iter().enumerate().filter(|(_, request)| request.open);
        let expected: Vec<_> = asked
            .map(|(number, request)| {
                let remaining = |deadline: std::time::Instant| {
                    deadline.checked_duration_since(model.now).unwrap_or(Duration::ZERO)
                };
                let outcomes = model.outcomes(number, callboard::End::TimedOut);
                let age = model.now - request.began;
                (request.sequence, age, request.deadline.map(remaining), outcomes)
            })
            .collect();
        let expected = expected.iter().map(|(sequence, age, remaining, outcomes)| {
            (Ask::TYPE, *sequence, *age, *remaining, &outcomes[..])
        });
        same("open requests", open.collect::<Vec<_>>(), expected.collect())
    }
}

fn of(sub: &Sub, fault: &str) -> String {
    format!("{fault}\n    of subscription {} ({:?})", sub.id, sub.opening)
}

fn interest(wants: Wants) -> InterestSnapshot {
    let types = |kinds: &[Kind]| {
        InterestSnapshot::Types(kinds.iter().map(|kind| kind.name().to_owned()).collect())
    };
    match wants {
        Wants::One(kind) => types(&[kind]),
        Wants::Trio => types(&[Kind::Plain, Kind::Change, Kind::Kept]),
        Wants::Desk => types(&[Kind::Plain, Kind::Ask, Kind::Ask]),
        Wants::Calls => types(&[Kind::Ask]),
        Wants::Everything => InterestSnapshot::Everything,
        Wants::Matching(pattern) => InterestSnapshot::Matching(pattern.to_owned()),
    }
}

fn trouble(request: &TroubledRequest) -> (Option<u64>, Wrong) {
    let wrong = match &request.kind {
        Troubled::Ended { end, outcomes } => Wrong::Ended(*end, outcomes.clone()),
        Troubled::Cycle { chain } => Wrong::Cycle(chain.clone()),
        other => panic!("say what {other:?} is"),
    };
    (request.sequence, wrong)
}
