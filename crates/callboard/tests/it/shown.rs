//! How public types appear in a log: by `Debug` and by `Display`.

use std::fmt::{Debug, Display};
use std::time::Duration;

use callboard::testing::{ManualClock, Matcher, Recorder, Sim, settle_within};
use callboard::{
    Abilities, AnyEvent, Arrival, Bus, Call, Clock, Coalesce, Delivery, DropReason, End, Event,
    EventSet, FindingKind, Gathered, Importance, Ledger, Outcome, Overflow, Pattern, Phase,
    Priority, Published, RecvTimeoutError, Request, StartError, SystemClock, TryRecvError,
};

use crate::support::{Log, poll, publish_all, soon};

#[derive(Debug, Event)]
struct Job {
    #[expect(dead_code, reason = "only shown")]
    id: u64,
}

#[derive(Debug, Event)]
struct Verdict(#[expect(dead_code, reason = "only shown")] bool);

#[derive(Debug, Request)]
#[request(response = Verdict)]
struct Ask;

#[derive(Debug, EventSet)]
enum Inbox {
    Job(Delivery<Job>),
    Ask(Call<Ask>),
}

#[derive(Debug, Event)]
struct Urgent;

impl Coalesce for Urgent {
    type Key = ();

    fn key(&self) {}
}

/// Pins the output of each value.
#[track_caller]
fn table<const N: usize>(rows: [(String, &str); N]) {
    for (shown, expected) in rows {
        assert_eq!(shown, expected);
    }
}

fn debug(value: impl Debug) -> String {
    format!("{value:?}")
}

fn display(value: impl Display) -> String {
    value.to_string()
}

fn job(id: u64) -> Job {
    Job { id }
}

/// One publication for each possible result.
fn publications() -> [Published; 6] {
    let bus = Bus::builder().pre_start_capacity(1).build().unwrap();
    let _jobs = bus.subscriber("jobs").capacity(2).subscribe::<Job>();
    let _other = bus.subscriber("other").subscribe::<Job>();
    let buffered = bus.publish(job(1));
    let beyond = bus.publish(job(2));
    bus.start();
    let unheard = bus.publish(Urgent);
    let routed = bus.publish(job(3));
    let dropped = bus.publish(job(4));
    bus.close();
    [buffered, beyond, unheard, routed, dropped, bus.publish(job(5))]
}

#[test]
fn publication_shows_what_its_methods_return() {
    let [buffered, beyond, unheard, routed, dropped, closed] = publications();
    table([
        (debug(buffered), "Published { sequence: 1, buffered: true }"),
        (debug(beyond), "Published { delivered: 0, dropped: 1 }"),
        (debug(unheard), "Published { delivered: 0, dropped: 0 }"),
        (debug(routed), "Published { sequence: 3, delivered: 2, dropped: 0 }"),
        (debug(dropped), "Published { sequence: 4, delivered: 1, dropped: 1 }"),
        (debug(closed), "Published { closed: true }"),
        (display(buffered), "#1: buffered"),
        (display(beyond), "dropped: the start buffer is full"),
        (display(unheard), "nobody listens"),
        (display(routed), "#3: 2 delivered, 0 dropped"),
        (display(dropped), "#4: 1 delivered, 1 dropped"),
        (display(closed), "refused: the bus is closed"),
    ]);
}

#[test]
fn received_event_shows_itself_with_what_is_known_of_it() {
    let bus = Bus::new();
    let mut jobs = bus.subscriber("jobs").capacity(2).subscribe::<Job>();
    let mut all = bus.subscribe::<AnyEvent>("all");
    let mut inbox = bus.subscribe::<Inbox>("inbox");
    bus.start();
    publish_all(&bus, (1..=3).map(job));
    let lent = jobs.try_recv_batch().unwrap().next().map(debug);
    assert_eq!(lent.as_deref(), Some("EventRef { event: Job { id: 1 }, sequence: 1 }"));
    jobs.try_recv().unwrap();
    bus.publish_caused_by(job(4), 3);
    table([
        (
            debug(jobs.try_recv().unwrap()),
            "Delivery { event: Job { id: 4 }, sequence: 4, missed: 1, cause: 3 }",
        ),
        (debug(all.try_recv().unwrap()), "Job { id: 1 }"),
        (debug(inbox.try_recv().unwrap()), "Job(Delivery { event: Job { id: 1 }, sequence: 1 })"),
    ]);
}

/// One that answered, one that declined, an unexpected one that answered, and one that was absent.
fn gathered() -> Gathered<Verdict> {
    let bus = Bus::new();
    let mut responders = ["a", "b", "stranger"].map(|name| bus.responder::<Ask>(name));
    bus.start();
    let request = bus.request(Ask).expect(["b", "a", "absent"]).at_least(2);
    let mut gather = request.gather();
    assert!(poll(&mut gather).is_pending());
    let [a, b, stranger] = responders.each_mut().map(|inbox| inbox.try_recv().unwrap());
    assert_eq!(debug(&a), "Call { request: Ask, responder: \"a\", sequence: 1, .. }");
    stranger.respond(Verdict(false));
    a.respond(Verdict(true));
    b.decline("busy");
    soon("the request", gather).unwrap()
}

#[test]
fn request_shows_who_answered_and_who_did_not() {
    let bus = Bus::new();
    let request = bus.request(Ask).expect(["a"]);
    let request = (debug(&request), debug(request.gather()));
    let gathered = gathered();
    table([
        (
            request.0,
            "RequestBuilder { request: Ask, expect: [\"a\"], complete_with: All, timeout: 10s, .. }",
        ),
        (request.1, "Gather { request: \"ask\", .. }"),
        (
            debug(&gathered),
            "Gathered { end: Unreachable, sequence: 1, responses: {\"a\": Verdict(true)}, \
             unexpected: {\"stranger\": Verdict(false)}, \
             missing: {\"b\": Declined(\"busy\"), \"absent\": NoSuchResponder} }",
        ),
        (
            display(&gathered),
            "out of reach: 1 of 3 answered; `b` declined: busy, `absent` no such responder; \
             answered, but not expected: `stranger`",
        ),
    ]);
}

#[test]
fn handles_show_what_they_are_and_whose() {
    let bus = Bus::new();
    let phases = [debug(&bus), display(bus.phase())];
    let builder = bus.subscriber("jobs").capacity(2).overflow(Overflow::DropOldest).lossy();
    let mut jobs = builder.subscribe::<Job>();
    let responder = bus.responder::<Ask>("oracle");
    let shown = (debug(&jobs), debug(jobs.recv()));
    let started = [debug(bus.start()), display(bus.start())];
    let running = [debug(&bus), display(bus.phase())];
    bus.publish(job(1));
    let batch = debug(jobs.try_recv_batch().unwrap());
    bus.close();
    let settings = Bus::builder().clock(SystemClock).expect_subscribers(["a", "b"]);
    let settings = settings.expect_responders(["c"]).timestamps(true);
    table([
        (phases.concat(), "Bus { phase: Buffering, .. }buffering"),
        (running.concat(), "Bus { phase: Running, .. }running"),
        ([debug(&bus), display(bus.phase())].concat(), "Bus { phase: Closed, .. }closed"),
        (debug(Phase::Running), "Running"),
        (
            debug(settings),
            "BusBuilder { pre_start_capacity: 1000, expect_subscribers: [\"a\", \"b\"], \
             expect_responders: [\"c\"], timestamps: true, trace: false, clock: SystemClock, .. }",
        ),
        (
            debug(builder),
            "SubscriberBuilder { name: \"jobs\", capacity: 2, overflow: DropOldest, \
             importance: Lossy, .. }",
        ),
        (shown.0, "Subscription { name: \"jobs\", len: 0, capacity: 2, .. }"),
        (shown.1, "Recv { name: \"jobs\", .. }"),
        (debug(responder), "Subscription { name: \"oracle\", len: 0, capacity: 100, .. }"),
        (batch, "Batch { left_at_most: 32, .. }"),
        (started.concat(), "Started { replayed: 0, dropped: 0 }0 events replayed, 0 dropped"),
        (debug(SystemClock), "SystemClock"),
        (debug(SystemClock.sleep_until(SystemClock.now())), "Sleep { .. }"),
    ]);
}

#[test]
fn words_show_themselves_as_words() {
    let abilities = |abilities: Abilities<Urgent>| debug(abilities);
    table([
        (debug(Pattern::new("config.*").unwrap()), "Pattern(\"config.*\")"),
        (display(Pattern::new("config.*").unwrap()), "config.*"),
        (
            Overflow::DropNewest.to_string() + ", " + &Overflow::DropOldest.to_string(),
            "drop newest, drop oldest",
        ),
        (display(Overflow::Coalesce), "coalesce"),
        ([Importance::Critical, Importance::Lossy].map(display).join(", "), "critical, lossy"),
        (
            [Priority::Low, Priority::Normal, Priority::High].map(display).join(", "),
            "low, normal, high",
        ),
        (
            DropReason::ALL.map(display).join(", "),
            "full, oldest made room, buffer full before start, closed before start, coalesced, \
             unsubscribed, request withdrawn",
        ),
        (
            [End::Met, End::Unreachable, End::TimedOut, End::Closed].map(display).join(", "),
            "complete, out of reach, timed out, closed",
        ),
        (display(Outcome::Declined("busy".into())), "declined: busy"),
        (
            abilities(Abilities::new()),
            "Abilities { priority: Normal, retain: false, coalesce: false }",
        ),
        (
            abilities(Abilities::new().priority(Priority::High).retain().coalesce()),
            "Abilities { priority: High, retain: true, coalesce: true }",
        ),
        (
            abilities(Abilities::new().priority_by(|_| Priority::Low)),
            "Abilities { priority: \"by value\", retain: false, coalesce: false }",
        ),
    ]);
}

#[test]
fn accounts_show_what_is_in_them() {
    let bus = Bus::new();
    let dropped = Log::new();
    let log = dropped.clone();
    bus.on_drop(move |drop| log.push((debug(drop), display(drop))));
    let mut jobs = bus.subscriber("jobs").capacity(1).subscribe::<Job>();
    bus.start();
    publish_all(&bus, (1..=3).map(job));
    jobs.try_recv().unwrap();
    let snapshot = bus.snapshot();
    let diagnosis = bus.diagnose();
    let (dropped_debug, dropped_display) = dropped.take().swap_remove(0);
    let ledger = "Ledger { offered: 3, delivered: 1, queued: 0, dropped: {Full: 2} }";
    table([
        (debug(jobs.ledger()), ledger),
        (display(jobs.ledger()), "3 offered: 1 delivered, 0 queued, 2 dropped (2 full)"),
        (display(Ledger::default()), "0 offered: 0 delivered, 0 queued, 0 dropped"),
        (
            dropped_debug,
            "Dropped { event_type: \"job\", subscriber: \"jobs\", capacity: 1, reason: Full, \
             sequence: 2 }",
        ),
        (dropped_display, "`job` #2 for `jobs` dropped: full (capacity 1)"),
        (
            debug(&snapshot.buffer),
            "BufferSnapshot { queued: 0, capacity: 1000, high_water: 0, overflowed: 0, held: [], \
             bytes: 0 }",
        ),
        (
            debug(&snapshot.subscribers[0].accounts[0]),
            &format!("AccountSnapshot {{ event_type: \"job\", ledger: {ledger} }}"),
        ),
        (debug(&snapshot.subscribers[0].interest), "Types([\"job\"])"),
        (
            debug(&diagnosis),
            "Diagnosis { findings: [Finding { kind: CapacityTooSmall, culprit: \"jobs\", \
             seen: \"lost 2 events with capacity 1\", cure: \"use `.capacity(10)`\", \
             advice: Some(10) }], .. }",
        ),
        (display(&diagnosis), "`jobs` lost 2 events with capacity 1; use `.capacity(10)`"),
        (debug(FindingKind::NotReading), "NotReading"),
        (
            debug(Arrival::NotRead { queued: 1, handling: true }),
            "NotRead { queued: 1, handling: true }",
        ),
    ]);
}

#[test]
fn tools_for_tests_show_what_a_test_needs() {
    let clock = ManualClock::new();
    let _sleep = poll(&mut clock.sleep_until(clock.now() + Duration::from_secs(9)));
    clock.advance(Duration::from_secs(3));
    let mut sleep = clock.sleep_until(clock.now() + Duration::from_secs(9));
    assert!(poll(&mut sleep).is_pending());

    let bus = Bus::new();
    let mut recorder = Recorder::attach(&bus);
    bus.start();
    publish_all(&bus, (1..=2).map(job));
    recorder.events();
    bus.publish(job(3));

    let mut sim = Sim::new(7);
    sim.spawn("waits", std::future::pending());
    sim.spawn("ends", async {});
    sim.run_ready();
    table([
        (debug(&clock), "ManualClock { advanced: 3s, waiting: 1 }"),
        (debug(&recorder), "Recorder { events: [Job { id: 1 }, Job { id: 2 }], since: 1 }"),
        (
            display(&recorder),
            "recorded, 2 events:\n  0: job Job { id: 1 }\n  1: job Job { id: 2 }\n  \
             and 1 since; `events()` takes them in",
        ),
        (debug(Matcher::named("job")), "`job`"),
        (debug(Matcher::of(|_: &Job| true)), "`job` with a condition"),
        (
            debug(&sim),
            "Sim { seed: 7, polls: 2, clock: ManualClock { advanced: 0ns, waiting: 0 }, \
             running: [\"waits\"], .. }",
        ),
    ]);
}

#[test]
fn errors_of_receiving_say_whether_to_come_back() {
    let closed = "the bus is closed and every event was received";
    table([
        (display(TryRecvError::Empty), "no event is queued"),
        (display(RecvTimeoutError::Timeout), "no event came in time"),
        (display(TryRecvError::Closed), closed),
        (display(RecvTimeoutError::Closed), closed),
    ]);
}

#[test]
fn error_that_names_thousands_shows_the_first_ten() {
    let bus = Bus::new();
    let crowd = 12_345;
    let _idle: Vec<_> = (0..crowd).map(|n| bus.subscribe::<Job>(format!("{n}"))).collect();
    bus.start();
    bus.publish(job(1));
    let unsettled = soon("settling", settle_within(&bus, Duration::ZERO)).unwrap_err();
    assert_eq!(unsettled.busy().len(), crowd);
    let unsettled = unsettled.to_string();
    assert!(unsettled.starts_with("not settled: `0` has 1 event queued; `1` has"), "{unsettled}");
    assert!(unsettled.ends_with("`9` has 1 event queued and 12,335 more"), "{unsettled}");
    let undrained = soon("draining", bus.close_and_drain(Duration::ZERO)).unwrap_err();
    assert_eq!(undrained.unfinished().len(), crowd);
    let undrained = undrained.to_string();
    assert!(undrained.ends_with("`9` (1 queued, 0 in hand) and 12,335 more"), "{undrained}");
    let names: Vec<String> = (0..crowd).map(|n| n.to_string()).collect();
    let absent = Bus::builder().expect_subscribers(&names).build().unwrap();
    let absent = absent.start_when_ready_blocking(Duration::ZERO).unwrap_err();
    assert!(absent.to_string().ends_with("`8`, `9` and 12,335 more"), "{absent}");
    assert!(matches!(absent, StartError::NotReady { missing } if missing == names));
    let nobody = Bus::new();
    nobody.start();
    let gathered = soon("asking", nobody.request(Ask).expect(&names).gather()).unwrap();
    assert!(gathered.to_string().ends_with("`9` no such responder and 12,335 more"), "{gathered}");
    let found = nobody.diagnose().to_string();
    assert!(found.contains("`9` no such responder and 12,335 more"), "{found}");
}
