//! User code that uses the bus while the bus runs it, against another thread that does the same.

use loom::thread;

use super::bus::started;
use super::harness::Model;
use super::watched::{Note, Plain};
use crate::event::Event;
use crate::{Bus, Subscription};

/// An event whose destructor publishes.
#[derive(Debug)]
struct Farewell(Bus);

impl Event for Farewell {
    const TYPE: &'static str = "farewell";
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.publish(Plain(2));
    }
}

fn numbers(reader: &mut Subscription<Plain>) -> String {
    reader.try_iter().map(|plain| plain.0.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn drop_callback_publishes_beside_another() {
    Model::new("calling.callback", &["1 2", "2 1"]).at_least(10).check(|| {
        let bus = started();
        let _full = bus.subscriber("full").capacity(0).subscribe::<Note>();
        let mut reader = bus.subscribe::<Plain>("reader");
        let calling = bus.clone();
        bus.on_drop(move |_| {
            calling.publish(Plain(2));
        });
        let publisher = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Plain(1)).delivered()
        });
        assert_eq!(bus.publish(Note::new(1)).dropped(), 1);
        publisher.join().unwrap();
        // The callback holds the bus that holds the callback.
        bus.on_drop(|_| {});
        numbers(&mut reader)
    });
}

#[test]
fn destructor_publishes_where_the_last_reader_is() {
    Model::new("calling.destructor", &["1 2", "2 1"]).at_least(10).check(|| {
        let bus = started();
        let [mut one, mut two] = ["one", "two"].map(|name| bus.subscribe::<Farewell>(name));
        let mut reader = bus.subscribe::<Plain>("reader");
        bus.publish(Farewell(bus.clone()));
        let other = thread::spawn({
            let bus = bus.clone();
            move || {
                assert!(one.try_recv().is_ok());
                bus.publish(Plain(1));
            }
        });
        assert!(two.try_recv().is_ok());
        other.join().unwrap();
        numbers(&mut reader)
    });
}
