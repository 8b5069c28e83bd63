//! What the writer asks of readers that it can't judge by their place in its log.

/// The readers of a log that have a window: what waits for them lies in several logs, or they make
/// room for an event by dropping an older one. Whoever holds the writer's lock has their windows.
pub(crate) trait Windows {
    /// Whether the reader in this place gets the event of this number: for how many events, that
    /// one included, it has room; 0 if it loses the event. It is asked again when so many events
    /// were published on the whole bus.
    fn admit(&mut self, place: usize, sequence: u64) -> u64;
}

/// For a log whose readers have no windows.
#[cfg(all(test, callboard_loom))]
impl Windows for () {
    fn admit(&mut self, _: usize, _: u64) -> u64 {
        u64::MAX
    }
}
