//! Requests that could only be answered by somebody who waits for them.

use std::sync::Arc;

use super::parts::Parts;
use crate::engine::{Link, Mailbox};
use crate::event::TypeInfo;
use crate::registry::{Core, Phase};
use crate::sync::Ordering;

/// If fewer than `needed` of the expected responders could ever answer, because the others are
/// handling, through `ancestry`, the very call that this request is made for: the chain of names.
pub(super) fn cycle<R>(
    core: &Core,
    info: &TypeInfo,
    ancestry: &Arc<Link>,
    expected: &Parts<R>,
    needed: usize,
) -> Option<Vec<String>> {
    let chain: Vec<Arc<Link>> = ancestry.chain().collect();
    let registry = core.registry();
    let responders = &registry.find(info)?.responders;
    // While the bus buffers, whoever is absent may still sign in.
    let (mut able, mut blocked) = (0, None);
    for (name, _) in expected.named() {
        let all = responders.mailboxes();
        let mut present = all.filter(|mailbox| *mailbox.settings.name == *name).peekable();
        let absent = present.peek().is_none();
        if (absent && registry.phase == Phase::Buffering)
            || present.any(|mailbox| !is_blocked(mailbox, &chain))
        {
            able += 1;
        } else if !absent {
            blocked = blocked.or(Some(name));
        }
    }
    let enough = if needed > expected.len() { 1 } else { needed };
    let last = blocked.filter(|_| able < enough)?;
    let names = chain.iter().rev().map(|link| &*link.responder).chain([last]);
    Some(names.map(str::to_owned).collect())
}

/// Whether the responder handles, in this chain alone, as many calls as it handles at once. One
/// that sleeps for its next event is not stuck, whatever it was said to be.
fn is_blocked(mailbox: &Mailbox, chain: &[Arc<Link>]) -> bool {
    let handling =
        chain.iter().filter(|link| link.mailbox == mailbox.id && link.occupies()).count();
    handling >= mailbox.concurrency.load(Ordering::Relaxed) && !mailbox.sleeps()
}
