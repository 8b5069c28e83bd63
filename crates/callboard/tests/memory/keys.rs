//! The memory of keys, by which events coalesce.

use std::ops::Range;

use callboard::{Bus, DropReason, Overflow};

use crate::{HELD, Keyed};

/// A reader that is stopped refuses what others read: of the keys of that nothing is kept, and those
/// that wait are still known.
#[test]
fn keys_of_refused_events_are_not_kept() {
    const CAPACITY: u64 = 100;
    let bus = Bus::new();
    bus.start();
    let open = |name, capacity| {
        let keyed = bus.subscriber(name).late().lossy().capacity(capacity as usize);
        keyed.overflow(Overflow::Coalesce).subscribe::<Keyed>()
    };
    let (mut stopped, mut quick) = (open("stopped", CAPACITY), open("quick", 10));
    let mut publish = |keys: Range<u64>| {
        for key in keys {
            bus.publish(Keyed(key));
            assert!(quick.try_recv().is_ok());
        }
    };
    publish(0..1_000);
    let before = HELD.get().0;
    publish(1_000..100_000);
    let grown = HELD.get().0 - before;
    assert!(grown < 16_384, "{grown} bytes are left");
    publish(0..CAPACITY + 1);
    let ledger = stopped.ledger();
    assert_eq!(ledger.dropped(DropReason::Coalesced), CAPACITY, "each key that waits absorbs");
    assert!(stopped.try_iter().map(|keyed| keyed.0).eq(0..CAPACITY));
}
