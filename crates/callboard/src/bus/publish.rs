//! Publishing an event by the shortest path that its type allows.

use std::sync::Arc;

use crate::engine::Origin;
use crate::event::{Event, Priority, key_of};
use crate::log::Moment;
use crate::published::Published;
use crate::registry::{Core, Heading, Mode, Publication};
use crate::sync::{discard, discard_any};
use crate::trace::PublishSpan;

/// Publishes an event through a `Core`, which may outlive its [`Bus`](super::Bus).
#[inline]
pub(crate) fn publish<E: Event>(
    core: &Arc<Core>,
    event: E,
    priority: Priority,
    origin: Origin,
) -> Published {
    let mut event = Some(event);
    let Some(handle) = core.directory.find_event::<E>() else {
        return publish_in_full(core, event, priority, origin);
    };
    let published = if handle.is(Mode::LogOnly) {
        publish_by_log(core, handle.number, priority, origin, Moment::NONE, &mut event)
    } else if handle.is(Mode::LogTimed) {
        return publish_timed(core, handle.number, event, priority, origin);
    } else if origin.publisher() == 0 && handle.is(Mode::NoSubscribers) {
        handle.count();
        Some(Published::unheard())
    } else {
        None
    };
    let Some(published) = published else {
        return publish_in_full(core, event, priority, origin);
    };
    if std::mem::needs_drop::<E>() && event.is_some() {
        discard(event);
    }
    published
}

/// Publishes an event to the log of its type, if it only goes there; otherwise it stays in `event`.
#[inline(always)]
fn publish_by_log<E: Event>(
    core: &Core,
    number: usize,
    priority: Priority,
    origin: Origin,
    published_at: Moment,
    event: &mut Option<E>,
) -> Option<Published> {
    // A constant, so that the event is not put in memory for a function that is never called.
    let has_key = const { E::ABILITIES.coalescing.is_some() };
    let key = if has_key { event.as_ref().and_then(key_of) } else { None };
    let heading = Heading { priority, key, origin, published_at };
    let accepted =
        core.with(|registry, deferred| registry.accept_by_log(number, heading, event, deferred));
    accepted.map(|(sequence, routed)| Published::routed(sequence, routed))
}

/// Publishes an event to the log of its type, on a bus that keeps time.
// Not inlined: elsewhere the time is a constant, and the code shorter.
#[inline(never)]
fn publish_timed<E: Event>(
    core: &Arc<Core>,
    number: usize,
    mut event: Option<E>,
    priority: Priority,
    origin: Origin,
) -> Published {
    match publish_by_log(core, number, priority, origin, core.moment(), &mut event) {
        Some(published) => {
            discard_any(event);
            published
        }
        None => publish_in_full(core, event, priority, origin),
    }
}

/// Publishes several events, as many as possible in one critical section.
pub(crate) fn publish_batch<E: Event>(
    core: &Arc<Core>,
    batch: Vec<E>,
    origin: Origin,
    mut each: impl FnMut(Published),
) {
    let by_log = if core.settings.timestamps { Mode::LogTimed } else { Mode::LogOnly };
    let handle = core.directory.find_event::<E>().filter(|handle| handle.is(by_log));
    // Priorities and keys may run user code, and so may the clock: before locking. The general path
    // asks for the latter two itself.
    let published_at = handle.map_or(Moment::NONE, |_| core.moment());
    let headed = batch.into_iter().map(|event| {
        let (priority, key) = (E::ABILITIES.rank(&event), handle.and_then(|_| key_of(&event)));
        (Heading { priority, key, origin, published_at }, Some(event))
    });
    let mut headed: Vec<_> = headed.collect();
    let mut rest = 0;
    if let Some(handle) = handle {
        core.with(|registry, deferred| {
            for (heading, event) in &mut headed {
                let accepted = registry.accept_by_log(handle.number, *heading, event, deferred);
                let Some((sequence, routed)) = accepted else { break };
                each(Published::routed(sequence, routed));
                rest += 1;
            }
        });
    }
    for (place, (Heading { priority, .. }, event)) in headed.into_iter().enumerate() {
        match event {
            Some(event) if place < rest => discard(event),
            Some(event) => each(publish(core, event, priority, origin)),
            None => {}
        }
    }
}

/// The general path of [`publish`].
#[inline(never)]
fn publish_in_full<E: Event>(
    core: &Arc<Core>,
    event: Option<E>,
    priority: Priority,
    origin: Origin,
) -> Published {
    let Some(event) = event else { unreachable!("the short path leaves what it does not accept") };
    let span = PublishSpan::begin(core.settings.trace, E::TYPE);
    let mut publication = Publication {
        key: key_of(&event),
        context: span.context(),
        ..Publication::new(event, priority, origin, core.moment())
    };
    let accepted = core.accept(&mut publication);
    // It was not delivered.
    discard_any(publication.event);
    discard_any(publication.kept);
    let published = Published::of(accepted);
    let (delivered, dropped) = (published.delivered(), published.dropped());
    span.end(published.number(), delivered, dropped, published.closed());
    published
}
