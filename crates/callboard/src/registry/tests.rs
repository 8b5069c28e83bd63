//! Short ways of publishing are for the types that they fit, whatever a publisher saw before it had
//! the lock.

use super::Mode;
use crate::event::Priority;
use crate::{AnyEvent, Bus, Event};

#[derive(Debug)]
struct Tick;

impl Event for Tick {
    const TYPE: &'static str = "tick";
}

/// Whether an event of the type, of the type's priority or another, may go by the plain way, by
/// the shared one, and by that if its publisher keeps it.
fn ways(bus: &Bus, mode: Mode, priority: Priority) -> [bool; 3] {
    let card = bus.core().directory.find_event::<Tick>().expect("it has been published");
    for other in [Mode::Quiet, Mode::Plain, Mode::Shared, Mode::Full] {
        assert_eq!(card.is(other), other == mode, "{other:?}");
    }
    bus.core().with(|registry, aftermath| {
        let plain =
            registry.accept_plain(card.number, priority, 0, &mut Some(Tick), aftermath).is_some();
        let mut shared = |keep| {
            let event = &mut Some(Tick);
            let accepted = registry.accept_shared(card.number, priority, 0, event, keep, aftermath);
            accepted.is_some_and(|(.., kept)| kept.is_some() || !keep)
        };
        [plain, shared(false), shared(true)]
    })
}

#[test]
fn each_way_is_taken_for_what_it_fits_and_nothing_else() {
    let bus = Bus::new();
    let usual = |mode| ways(&bus, mode, Priority::Normal);
    bus.publish(Tick);
    assert_eq!(usual(Mode::Full), [false; 3], "it has not started");
    bus.start();
    assert_eq!(usual(Mode::Quiet), [false, false, true], "nobody listens");
    let ticks = bus.subscriber("ticks").late().capacity(usize::MAX).subscribe::<Tick>();
    assert_eq!(usual(Mode::Plain), [true; 3]);
    let all = bus.subscriber("all").late().subscribe::<AnyEvent>();
    assert_eq!(usual(Mode::Shared), [false, true, true]);
    assert_eq!(ways(&bus, Mode::Shared, Priority::High), [false; 3]);
    drop(all);
    assert_eq!(ways(&bus, Mode::Plain, Priority::High), [false; 3]);
    bus.pause();
    assert_eq!(usual(Mode::Full), [false; 3]);
    bus.close();
    assert_eq!(usual(Mode::Full), [false; 3]);
    assert_eq!(ticks.len(), 3 + 2, "those that a way was taken for");
}
