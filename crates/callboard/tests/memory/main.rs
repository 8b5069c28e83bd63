//! Memory is bounded by what is held: churn leaves nothing behind.
//!
//! A binary of its own, since it replaces the allocator by one that counts, for each thread, what
//! it allocates and frees; so a test that keeps to its thread counts exactly its own.
#![cfg(feature = "derive")]
#![expect(unsafe_code, reason = "a global allocator can't be written without")]

mod blocks;
mod keys;
mod many;
mod reuse;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use callboard::{AnyEvent, Bus, Coalesce, Event, Overflow, Request};

struct Counting;

thread_local! {
    /// The bytes and blocks that this thread has allocated and not freed.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
    /// How often this thread has allocated.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: usize, sign: isize) {
    // A thread that ends may free after its counters are gone.
    let _ = HELD.try_with(|held| {
        let (all, blocks) = held.get();
        held.set((all + sign * isize::try_from(bytes).unwrap_or(0), blocks + sign));
    });
}

// SAFETY: every method hands on to the system's allocator, and counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Debug, Event)]
struct Tick(#[expect(dead_code, reason = "only allocated")] Box<u64>);

#[derive(Debug, Event)]
struct Keyed(u64);

impl Coalesce for Keyed {
    type Key = u64;

    fn key(&self) -> u64 {
        self.0
    }
}

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Ask;

fn tick() -> Tick {
    Tick(Box::new(1))
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// How often something is done that must leave nothing: a million times where the code is
/// optimised, as under `cargo xtask proof --only heap`.
const MANY: usize = match (cfg!(debug_assertions), cfg!(any(callboard_asan, callboard_tsan))) {
    (false, _) => 1_000_000,
    (true, false) => 10_000,
    // A sanitizer makes everything slow.
    (true, true) => 1_000,
};

/// How often a round is run to let everything reach its size: a log keeps a few blocks of events
/// to use again.
const WARM_UP: usize = 300;

/// Runs `round` some times to let everything reach its size, then `rounds` times more, and
/// checks that this leaves nothing behind.
fn assert_no_growth(what: &str, rounds: usize, mut round: impl FnMut()) {
    (0..WARM_UP).for_each(|_| round());
    let (bytes_before, blocks_before) = HELD.get();
    (0..rounds).for_each(|_| round());
    let (bytes, blocks) = HELD.get();
    let grown = (bytes - bytes_before, blocks - blocks_before);
    // A table may be resized once more, but not once per round.
    assert!(grown.0 < 2_048 && grown.1 < 10, "{what}: {} bytes in {} blocks", grown.0, grown.1);
}

/// As [`assert_no_growth`], to the block, [`MANY`] times.
fn assert_nothing_left(what: &str, mut round: impl FnMut()) {
    (0..WARM_UP).for_each(|_| round());
    let before = HELD.get();
    (0..MANY).for_each(|_| round());
    assert_eq!(HELD.get(), before, "{what}: bytes and blocks");
}

#[test]
fn million_publishes_leave_no_growth() {
    let bus = Bus::new();
    let mut quick = bus.subscribe::<Tick>("quick");
    let lossy = bus.subscriber("all").capacity(5).overflow(Overflow::DropOldest).lossy();
    let _all = lossy.subscribe::<AnyEvent>();
    let _stalled = bus.subscriber("stalled").capacity(7).subscribe::<Tick>();
    bus.start();
    assert_no_growth("publishing", 1_000_000, || {
        bus.publish(tick());
        assert!(quick.try_recv().is_ok());
    });
}

#[test]
fn subscribing_and_leaving_leaves_no_growth() {
    let bus = Bus::new();
    bus.start();
    let _stays = bus.subscriber("stays").late().capacity(3).lossy().subscribe::<AnyEvent>();
    assert_no_growth("subscribing", 100_000, || {
        let ticks = bus.subscriber("visitor").late().subscribe::<Tick>();
        bus.publish(tick());
        drop(ticks);
        drop(bus.subscriber("visitor").late().with_retained().subscribe_matching("t*.>"));
        drop(bus.subscriber("visitor").late().subscribe_matching("*"));
    });
}

#[test]
fn asking_leaves_no_growth() {
    let bus = Bus::new();
    let mut responders = ["a", "b"].map(|name| bus.responder::<Ask>(name));
    bus.start();
    assert_no_growth("asking", 100_000, || {
        let mut gather = bus.request(Ask).expect(["a", "b"]).gather();
        assert!(poll(&mut gather).is_pending());
        for responder in &mut responders {
            responder.try_recv().unwrap().respond(tick());
        }
        assert!(poll(&mut gather).is_ready());
    });
}

#[derive(Debug, Event)]
struct Answer(u64);

#[derive(Debug, Request)]
#[request(response = Answer)]
struct Question(u64);

/// Asks three responders `rounds` times, after a warm-up; how often that allocated.
fn allocations_of_asking_three(bus: &Bus, rounds: usize) -> usize {
    let names = ["template", "schema", "haproxy"];
    let mut responders = names.map(|name| bus.subscriber(name).late().responder::<Question>());
    let mut ask = |number| {
        let mut gather = bus.request(Question(number)).expect(names).gather();
        assert!(poll(&mut gather).is_pending());
        for responder in &mut responders {
            let call = responder.try_recv().unwrap();
            let answer = Answer(call.0 + 1);
            call.respond(answer);
        }
        let Poll::Ready(Ok(gathered)) = poll(&mut gather) else { panic!("all have answered") };
        assert!(gathered.responses().all(|(_, answer)| answer.0 == number + 1));
    };
    (0..WARM_UP as u64).for_each(&mut ask);
    let before = ALLOCATIONS.get();
    (0..rounds as u64).for_each(&mut ask);
    ALLOCATIONS.get() - before
}

#[test]
fn asking_three_allocates_at_most_four_times() {
    let bus = Bus::new();
    bus.start();
    let allocations = allocations_of_asking_three(&bus, 10_000);
    assert!(allocations <= 4 * 10_000, "{allocations} allocations of 10,000 requests");
}

#[test]
fn asking_allocates_no_more_while_thousands_of_requests_are_open() {
    let bus = Bus::new();
    let _holder = bus.subscriber("holder").capacity(10_000).responder::<Ask>();
    bus.start();
    // Without timeouts: all tests share the timer, and its table would grow under the others.
    let ask = || bus.request(Ask).expect(["holder"]).timeout(Duration::MAX).gather();
    let mut open: Vec<_> = (0..10_000).map(|_| ask()).collect();
    open.iter_mut().for_each(|gather| assert!(poll(gather).is_pending()));
    let allocations = allocations_of_asking_three(&bus, 1_000);
    assert!(allocations <= 4 * 1_000, "{allocations} allocations of 1,000 requests");
}

#[test]
fn withdrawing_and_failing_leaves_no_growth() {
    let bus = Bus::new();
    let mut responder = bus.responder::<Ask>("a");
    bus.start();
    assert_no_growth("withdrawing", 100_000, || {
        let mut gather = bus.request(Ask).expect(["a"]).gather();
        assert!(poll(&mut gather).is_pending());
        drop(gather);
        let mut gather = bus.request(Ask).expect(["a", "ghost"]).gather();
        assert!(poll(&mut gather).is_ready());
        let mut gather = bus.request(Ask).expect(["a"]).gather();
        assert!(poll(&mut gather).is_pending());
        let late = responder.try_recv().unwrap();
        let cycle = late.request(Ask).expect(["a"]).gather_blocking();
        assert!(cycle.is_err());
        drop(gather);
        late.respond(tick());
    });
}

#[test]
fn polled_and_dropped_futures_leave_no_growth() {
    let bus = Bus::builder().expect_subscribers(["nobody"]).build().unwrap();
    let mut ticks = bus.subscribe::<Tick>("clock");
    assert_no_growth("cancelling", 300_000, || {
        assert!(poll(&mut ticks.recv()).is_pending());
        let mut ready = Box::pin(bus.start_when_ready(std::time::Duration::from_secs(60)));
        assert!(poll(&mut ready).is_pending());
    });
}

#[test]
fn starting_and_pausing_leaves_no_growth() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    let mut keyed = bus.subscriber("keyed").overflow(Overflow::Coalesce).subscribe::<Keyed>();
    let mut key = 0;
    assert_no_growth("starting and pausing", 30_000, || {
        for _ in 0..4 {
            key += 1;
            bus.publish(Keyed(key / 2));
            bus.publish(tick());
        }
        bus.start();
        bus.publish(Keyed(key / 2));
        bus.pause();
        ticks.try_iter().for_each(drop);
        keyed.try_iter().for_each(drop);
    });
}

#[test]
fn buses_that_come_and_go_leave_no_growth() {
    assert_no_growth("buses", 10_000, || {
        let bus = Bus::new();
        let mut ticks = bus.subscribe::<Tick>("clock");
        bus.publish(tick());
        bus.start();
        bus.publish(tick());
        drop(bus);
        assert_eq!(ticks.iter().count(), 2);
    });
}

#[test]
fn burst_gives_its_memory_back() {
    let bus = Bus::builder().pre_start_capacity(usize::MAX).build().unwrap();
    let mut ticks = bus.subscriber("clock").capacity(usize::MAX).subscribe::<Tick>();
    let keyed = bus.subscriber("keyed").capacity(usize::MAX).overflow(Overflow::Coalesce);
    let mut keyed = keyed.subscribe::<Keyed>();
    let mut burst = move |size: u64| {
        (0..size).for_each(|key| {
            bus.publish(Keyed(key));
            bus.publish(tick());
        });
        bus.start();
        (0..size).for_each(|key| {
            bus.publish(Keyed(key));
            bus.publish(tick());
        });
        assert_eq!(ticks.try_iter().count() as u64, 2 * size);
        assert_eq!(keyed.try_iter().count() as u64, size);
        // Keys are forgotten as more events arrive.
        (0..100).for_each(|_| assert!(!bus.publish(Keyed(0)).closed()));
        assert_eq!(keyed.try_iter().count(), 1);
        bus.pause();
    };
    assert_no_growth("a burst after small ones", 1, {
        let mut round = 0;
        move || {
            round += 1;
            // One like it is part of the warm-up: what a burst leaves, it leaves once.
            burst(if round > WARM_UP || round == 10 { 20_000 } else { 3 });
        }
    });
}

/// What a burst may leave behind: blocks of its logs, and lists of the thread, to be used again.
const LEFT_BY_A_BURST: isize = 300_000;

#[test]
fn burst_leaves_little_behind() {
    const BURST: u64 = 20_000;
    let bus = Bus::builder().pre_start_capacity(usize::MAX).build().unwrap();
    let mut ticks = bus.subscriber("clock").capacity(usize::MAX).subscribe::<Tick>();
    let all = bus.subscriber("all").capacity(usize::MAX).overflow(Overflow::DropOldest);
    let mut all = all.subscribe::<AnyEvent>();
    let keyed = bus.subscriber("keyed").capacity(usize::MAX).overflow(Overflow::Coalesce);
    let mut keyed = keyed.subscribe::<Keyed>();
    let before = HELD.get().0;
    for key in 0..BURST {
        bus.publish(tick());
        bus.publish(Keyed(key));
    }
    bus.start();
    let counts = [ticks.try_iter().count(), keyed.try_iter().count(), all.try_iter().count() / 2];
    assert_eq!(counts.map(|count| count as u64), [BURST; 3]);
    // Keys are forgotten as more events arrive.
    (0..100).for_each(|key| assert!(!bus.publish(Keyed(key)).closed()));
    assert_eq!((keyed.try_iter().count(), all.try_iter().count()), (100, 100));
    let left = HELD.get().0 - before;
    assert!(left < LEFT_BY_A_BURST, "{left} bytes are left");
}

/// The memory of events scattered over many blocks, a byte more than which fails.
const SCATTERED: isize = 700_000;

#[test]
fn reader_that_is_always_late_does_not_keep_whole_blocks() {
    const CAPACITY: usize = 1_000;
    let bus = Bus::new();
    let mut quick = bus.subscribe::<Keyed>("quick");
    let mut late = bus.subscriber("late").capacity(CAPACITY).lossy().subscribe::<Keyed>();
    bus.start();
    let before = HELD.get().0;
    for number in 0..300_000 {
        bus.publish(Keyed(number));
        assert!(quick.try_recv().is_ok());
        if number % 100 == 0 {
            assert!(late.try_recv().is_ok());
        }
    }
    assert_eq!(late.len(), CAPACITY);
    let kept = HELD.get().0 - before;
    assert!(kept < SCATTERED, "{kept} bytes are kept");
}

#[test]
fn deliveries_that_are_kept_do_not_keep_whole_blocks() {
    let bus = Bus::new();
    let mut reader = bus.subscribe::<Keyed>("reader");
    bus.start();
    let before = HELD.get().0;
    let mut kept = Vec::with_capacity(1_000);
    for number in 0..100_000 {
        bus.publish(Keyed(number));
        let event = reader.try_recv().unwrap();
        if number % 100 == 0 {
            kept.push(event);
        }
    }
    let held = HELD.get().0 - before;
    assert!(held < SCATTERED, "{held} bytes are kept");
    assert_eq!(kept.len(), 1_000);
}
