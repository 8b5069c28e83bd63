//! From this bus to the server: a pump per exported type encodes its events, which wait in the
//! outbox until a single writer packs and sends them. The publisher does not wait for any of this.

mod export;
mod outbox;
mod writer;

pub use export::Export;
pub(crate) use export::{Echoes, Pump, pump};
#[cfg(feature = "jetstream")]
pub(crate) use outbox::Offline;
pub(crate) use outbox::{Limits, Outbox};
pub(crate) use writer::write as run_writer;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::outbox::{Offline, Outgoing};
    use super::{Limits, Outbox};
    use crate::wire::Codec;

    #[test]
    fn a_tail_is_what_the_server_has_and_a_mark_under_way_confirms_nothing_sent_again() {
        let limits = Limits { bytes: 10_000, lifetime: Duration::from_secs(60), packet: 100 };
        let outbox = Outbox::new(limits, Codec::MessagePack, 1);
        let of = outbox.declare("t", 1, Offline::Keep);
        let event = || Outgoing { metadata: Box::default(), body: Box::from([1]), key: None };
        (0..2).for_each(|_| outbox.add(of, 1, event()));
        outbox.pack(1_000).unwrap();
        assert_eq!(outbox.tails(), [("t", 0)], "packed, and on its way");
        let first = outbox.mark();
        outbox.confirm(first);
        assert_eq!(outbox.tails(), [("t", 1)]);
        outbox.pack(1_000).unwrap();
        let lost = outbox.mark();
        assert_eq!(outbox.again().len(), 1);
        outbox.confirm(lost);
        assert_eq!(outbox.tails(), [("t", 1)], "it is to be sent again");
        let next = outbox.mark();
        outbox.confirm(next);
        assert_eq!(outbox.tails(), [("t", 2)]);
        assert!(outbox.is_empty());
    }
}
