//! Batches and gaps: a batch goes on behind a gap that ends in its block.

use std::ops::Range;

use callboard::{AnyEvent, Bus, EventSet, Received, Subscription};

use super::{Counted, Inbox, Number, Text};
use crate::support::Census;

/// Each batch that ended at a gap made room for one event, behind which the next gap began.
#[test]
fn batch_goes_on_behind_a_gap() {
    fn lend<S: EventSet>(numbers: impl Fn(S::Ref<'_>) -> (u64, u64)) {
        let bus = Bus::new();
        let mut reader = bus.subscriber("slow").capacity(16).subscribe::<S>();
        let mut quick = bus.subscribe::<Number>("quick");
        bus.start();
        let mut publish = |range: Range<u64>| {
            for number in range {
                bus.publish(Number(number));
                assert!(quick.try_recv().is_ok());
            }
        };
        publish(0..16);
        // Room for one of two events, sixteen times.
        for number in 0..16 {
            assert!(reader.try_recv().is_ok());
            publish(16 + 2 * number..18 + 2 * number);
        }
        let mut sizes = Vec::new();
        let mut seen = Vec::new();
        while let Ok(batch) = reader.try_recv_batch() {
            let before = seen.len();
            seen.extend(batch.map(&numbers));
            sizes.push(seen.len() - before);
        }
        let expected = (0..16).map(|number| (16 + 2 * number, u64::from(number > 0)));
        assert!(seen.iter().copied().eq(expected), "{seen:?}");
        assert!(sizes.len() <= 2, "the gaps lie in one block, or two: {sizes:?}");
    }

    lend::<Number>(|note| (note.0, note.missed()));
    lend::<AnyEvent>(|any| (any.downcast_ref::<Number>().map_or(0, |note| note.0), any.missed()));
}

/// Behind a gap of one log there may be an earlier event than the next of the other. A batch goes on
/// behind a gap within a block, and ends at a wider one.
#[test]
fn batch_of_a_set_keeps_the_order_behind_gaps() {
    for (lost, text_first) in [(1, false), (1, true), (100, false), (100, true)] {
        let (bus, census) = (Bus::new(), Census::default());
        let mut set = bus.subscriber("set").capacity(4).subscribe::<Inbox>();
        let mut quick = bus.subscribe::<AnyEvent>("quick");
        bus.start();
        let mut publish = |texts: &[bool]| {
            for is_text in texts {
                let number = if *is_text {
                    bus.publish(Text(String::new()))
                } else {
                    bus.publish(Counted(0, census.token()))
                };
                assert!(number.delivered() > 0 && quick.try_recv().is_ok());
            }
        };
        let take = |set: &mut Subscription<Inbox>, most| {
            let batch = set.try_recv_batch().into_iter().flatten();
            batch.take(most).map(|item| (item.sequence(), item.missed())).collect::<Vec<_>>()
        };
        publish(&[false, false, true, true]);
        publish(&[true, false].repeat(lost));
        assert_eq!(take(&mut set, 2), [(1, 0), (2, 0)]);
        publish(&[text_first, !text_first]);
        let (losses, next) = (2 * lost as u64, 5 + 2 * lost as u64);
        let got: Vec<_> = (0..4).flat_map(|_| take(&mut set, 9)).collect();
        assert_eq!(got, [(3, 0), (4, 0), (next, losses), (next + 1, 0)]);
    }
}
