//! Background work that ends with the bus.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::sync::Mutex;

/// Something that ends when the bus closes.
pub(crate) trait OnClose: Send + Sync {
    /// Called once, with no lock held, by the thread that closes the bus. It does not panic.
    fn on_close(&self);
}

/// The list of work that ends with the bus.
#[derive(Default)]
pub(crate) struct CloseList {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    next_id: u64,
    entries: BTreeMap<u64, Arc<dyn OnClose>>,
}

impl CloseList {
    /// Reserves a number for an entry that is about to be added.
    pub(crate) fn reserve(&self) -> u64 {
        let mut state = self.state.lock();
        state.next_id += 1;
        state.next_id
    }

    /// Adds an entry under its [reserved](Self::reserve) number. Returns `false`, and does not keep
    /// the entry, if the bus is closed.
    pub(crate) fn add(&self, id: u64, entry: Arc<dyn OnClose>) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            return false;
        }
        state.entries.insert(id, entry);
        true
    }

    /// Removes an entry that ended by itself.
    pub(crate) fn remove(&self, id: u64) {
        let removed = self.state.lock().entries.remove(&id);
        drop(removed);
    }

    /// Ends all entries. Nothing can be added afterwards.
    pub(super) fn close(&self) {
        let entries = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.entries)
        };
        entries.into_values().for_each(|entry| entry.on_close());
    }

    /// How many entries have not ended.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.state.lock().entries.len()
    }
}
