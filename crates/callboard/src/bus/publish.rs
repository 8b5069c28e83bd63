//! Publishing an event by the shortest path that its type allows.

use std::sync::Arc;

use crate::engine::Origin;
use crate::event::{Event, Priority, key_of};
use crate::published::Published;
use crate::registry::{Core, Mode, Publication};
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
        let accepted = core.with(|registry, deferred| {
            registry.accept_by_log(handle.number, priority, origin, &mut event, deferred)
        });
        accepted.map(|(sequence, routed)| Published::routed(sequence, routed))
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

/// Publishes several events, as many as possible in one critical section.
pub(crate) fn publish_batch<E: Event>(
    core: &Arc<Core>,
    batch: Vec<E>,
    origin: Origin,
    mut each: impl FnMut(Published),
) {
    // Computing a priority may run user code, so it is done before locking.
    let ranked = batch.into_iter().map(|event| (E::ABILITIES.rank(&event), Some(event)));
    let mut ranked: Vec<_> = ranked.collect();
    let mut rest = 0;
    if let Some(handle) = core.directory.find_event::<E>().filter(|handle| handle.is(Mode::LogOnly))
    {
        core.with(|registry, deferred| {
            for (priority, event) in &mut ranked {
                let accepted =
                    registry.accept_by_log(handle.number, *priority, origin, event, deferred);
                let Some((sequence, routed)) = accepted else { break };
                each(Published::routed(sequence, routed));
                rest += 1;
            }
        });
    }
    for (place, (priority, event)) in ranked.into_iter().enumerate() {
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
