//! Readers whose free capacity doesn't follow from their position in one log.

/// The readers of a log that also read other logs, or that drop an older event to make room.
/// Implemented by the log's owner, and called under its lock.
pub(crate) trait Windows {
    /// Whether the reader in this place gets the event of this number: returns its free capacity,
    /// at least 1, or 0 if it loses the event. The log asks again after that many more events were
    /// published on the whole bus.
    fn admit(&mut self, place: usize, sequence: u64) -> u64;
}

/// For a log whose readers have no windows.
#[cfg(all(test, callboard_loom))]
impl Windows for () {
    fn admit(&mut self, _: usize, _: u64) -> u64 {
        u64::MAX
    }
}
