//! What was made room for is used again, and given back where it has grown large or is not used.

use callboard::{AnyEvent, Bus, Overflow};

use super::{ALLOCATIONS, Answer, HELD, Tick, WARM_UP, assert_nothing_left, poll, tick};

/// Runs `round` some times to let everything reach its size, then many times more, which must not
/// allocate.
fn assert_no_allocation(what: &str, mut round: impl FnMut()) {
    (0..WARM_UP).for_each(|_| round());
    let before = ALLOCATIONS.get();
    (0..1_000).for_each(|_| round());
    assert_eq!(ALLOCATIONS.get() - before, 0, "{what}");
}

#[test]
#[cfg_attr(callboard_asan, ignore = "under AddressSanitizer no block is used again")]
fn blocking_on_a_future_allocates_nothing() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Answer>("clock");
    bus.start();
    assert_no_allocation("blocking", || {
        bus.publish(Answer(1));
        assert!(ticks.blocking_recv().is_some());
    });
}

#[test]
#[cfg_attr(callboard_asan, ignore = "under AddressSanitizer no block is used again")]
fn waking_a_reader_allocates_nothing() {
    let bus = Bus::new();
    let (mut log, mut queue) = (bus.subscribe::<Answer>("log"), bus.subscribe::<AnyEvent>("queue"));
    bus.start();
    assert_no_allocation("waking", || {
        let (mut one, mut other) = (log.recv(), queue.recv());
        assert!(poll(&mut one).is_pending() && poll(&mut other).is_pending());
        bus.publish(Answer(1));
        assert!(poll(&mut one).is_ready() && poll(&mut other).is_ready());
    });
}

/// Neither is what waits scattered, nor is it when another stretch of events waits beside it.
#[test]
#[cfg_attr(callboard_asan, ignore = "under AddressSanitizer no block is used again")]
fn reader_that_lags_beside_a_stalled_one_allocates_nothing() {
    const LAG: u64 = 4_000;
    let bus = Bus::new();
    let mut lags = bus.subscriber("lags").capacity(usize::MAX).subscribe::<Answer>();
    bus.start();
    (0..LAG).for_each(|number| assert_eq!(bus.publish(Answer(number)).dropped(), 0));
    let mut round = || {
        for number in 0..64 {
            bus.publish(Answer(number));
        }
        assert_eq!(lags.try_iter().take(64).count(), 64);
    };
    assert_no_allocation("alone", &mut round);
    let stalled = bus.subscriber("stalled").capacity(LAG as usize).late().lossy();
    let stalled = stalled.subscribe::<Answer>();
    // Until it is full, and the other one far behind it.
    (0..2 * LAG / 64).for_each(|_| round());
    assert_no_allocation("beside the stalled one", &mut round);
    drop(stalled);
    assert_no_allocation("after it has left", &mut round);
}

/// What waits in a queue lies in the log's blocks, and the log doesn't know of it.
#[test]
#[cfg_attr(callboard_asan, ignore = "under AddressSanitizer no block is used again")]
fn queue_that_lags_allocates_nothing() {
    let bus = Bus::new();
    let queued = bus.subscriber("queued").capacity(2_000).overflow(Overflow::Coalesce);
    let mut queued = queued.subscribe::<Answer>();
    bus.start();
    (0..1_500).for_each(|number| assert_eq!(bus.publish(Answer(number)).dropped(), 0));
    assert_no_allocation("queued", || {
        for number in 0..64 {
            bus.publish(Answer(number));
        }
        assert_eq!(queued.try_iter().take(64).count(), 64);
    });
}

#[test]
#[cfg_attr(callboard_asan, ignore = "under AddressSanitizer no block is used again")]
fn queue_that_never_holds_many_allocates_nothing() {
    let bus = Bus::new();
    let mut all = bus.subscribe::<AnyEvent>("all");
    let oldest = bus.subscriber("oldest").capacity(64).overflow(Overflow::DropOldest).lossy();
    let _oldest = oldest.subscribe::<Answer>();
    bus.start();
    for few in [1, 64] {
        assert_no_allocation("queueing", || {
            (0..few).for_each(|_| {
                bus.publish(Answer(1));
            });
            assert_eq!(all.try_iter().count(), few);
        });
    }
}

#[test]
fn burst_of_reports_gives_its_memory_back() {
    let bus = Bus::new();
    bus.on_drop(|_| {});
    bus.start();
    let full = || bus.subscriber("full").late().capacity(0).subscribe::<Tick>();
    let full: Vec<_> = (0..10_000).map(|_| full()).collect();
    let before = HELD.get().0;
    assert_eq!(bus.publish(tick()).dropped(), full.len());
    let kept = HELD.get().0 - before;
    assert!(kept < 200_000, "{kept} bytes are kept");
}

#[test]
fn moments_of_what_nobody_waits_for_are_not_kept() {
    let bus = Bus::builder().timestamps(true).build().unwrap();
    let open = |name, capacity| bus.subscriber(name).capacity(capacity).lossy();
    let stuck = open("stuck", 1).subscribe::<Tick>();
    let without_capacity = open("without", 0).subscribe::<Tick>();
    let mut quick = open("quick", 100).subscribe::<Tick>();
    bus.start();
    let mut round = |events: u32| {
        for _ in 0..events {
            bus.publish(tick());
            assert!(quick.try_recv().is_ok());
        }
    };
    round(1_000);
    let before = HELD.get().0;
    round(100_000);
    let kept = HELD.get().0 - before;
    assert!(kept < 10_000, "{kept} bytes are kept for two that read nothing");
    drop((stuck, without_capacity));
}

#[test]
fn crowd_that_was_woken_gives_its_list_back() {
    const CROWD: usize = 10_000;
    let bus = Bus::new();
    bus.start();
    let one = |_| bus.subscriber("one of many").late().subscribe::<Answer>();
    let mut crowd: Vec<_> = (0..CROWD).map(one).collect();
    bus.publish(Answer(1));
    let before = HELD.get().0;
    for reader in &mut crowd {
        assert!(reader.try_recv().is_ok());
        let mut recv = reader.recv();
        assert!(poll(&mut recv).is_pending());
        std::mem::forget(recv);
    }
    assert!(HELD.get().0 - before > (CROWD * size_of::<usize>()) as isize, "they are on a list");
    bus.publish(Answer(2));
    let kept = HELD.get().0 - before;
    assert!(kept < 20_000, "{kept} bytes are kept");
}

#[test]
fn readers_that_leave_in_their_sleep_leave_nothing() {
    let bus = Bus::new();
    bus.start();
    let sleeper = || {
        let mut reader = bus.subscriber("sleeper").late().subscribe::<Answer>();
        assert!(poll(&mut reader.recv()).is_pending());
        reader
    };
    let mut stay = Vec::new();
    // Each is on the list of who is to be woken; as many as stay may be left on it.
    for count in [1, 4] {
        stay.resize_with(count, sleeper);
        assert_nothing_left("sleepers", || (0..count).for_each(|_| drop(sleeper())));
    }
    bus.publish(Answer(1));
    assert!(stay.iter_mut().all(|reader| reader.try_recv().is_ok()));
}
