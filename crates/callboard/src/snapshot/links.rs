//! Links to other processes in snapshots; each link reports its own status.

use std::sync::{Arc, Weak};

use crate::bus::Bus;
use crate::link::LinkStatus;
use crate::registry::{Core, LinkProbe};
use crate::sync::{discard, isolate};

/// A link's entry in the [`Snapshot::links`](crate::Snapshot::links) of its bus, removed on drop.
/// Created by [`Bus::attach_link`].
#[must_use = "a link is shown until this is dropped"]
#[derive(Debug)]
pub struct AttachedLink {
    core: Weak<Core>,
    number: u64,
}

impl Bus {
    /// Shows a link to other processes in this bus's snapshots. Each snapshot calls `status`, with
    /// no lock held. For crates that link buses; applications don't need it.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, LinkStatus};
    ///
    /// let bus = Bus::new();
    /// let link = bus.attach_link(|| LinkStatus::new("pigeons", "on their way"));
    /// assert_eq!(bus.snapshot().links[0].state, "on their way");
    /// drop(link);
    /// assert!(bus.snapshot().links.is_empty());
    /// ```
    pub fn attach_link(
        &self,
        status: impl Fn() -> LinkStatus + Send + Sync + 'static,
    ) -> AttachedLink {
        let mut links = self.core().links.lock();
        let number = links.last().map_or(1, |(last, _)| last + 1);
        links.push((number, Arc::new(status)));
        AttachedLink { core: Arc::downgrade(self.core()), number }
    }
}

impl Drop for AttachedLink {
    fn drop(&mut self) {
        let Some(core) = self.core.upgrade() else { return };
        let mut links = core.links.lock();
        let place = links.iter().position(|(number, _)| *number == self.number);
        let link = place.map(|place| links.remove(place));
        drop(links);
        discard(link);
    }
}

/// The status of each link; a link that panics is left out.
pub(super) fn links(core: &Core) -> Vec<LinkStatus> {
    let links: Vec<_> = core.links.lock().iter().map(|(_, status)| Arc::clone(status)).collect();
    let status = |status: Arc<LinkProbe>| isolate("a link", "it is left out", || status());
    links.into_iter().filter_map(status).collect()
}
