//! Priorities: a more urgent event overtakes less urgent ones in each queue.

use std::thread;

use callboard::{AnyEvent, Bus, DropReason, Event, Overflow, Priority, Subscription};

use crate::support::{in_time, publish_all};

#[derive(Debug, Event)]
#[event(type = "urgent", priority = high)]
struct Urgent(#[expect(dead_code, reason = "tells them apart in messages")] u64);

#[derive(Debug, Event)]
#[event(type = "usual")]
struct Usual(u64);

#[derive(Debug, Event)]
#[event(type = "idle", priority = low)]
struct Idle(#[expect(dead_code, reason = "tells them apart in messages")] u64);

#[derive(Debug, Event)]
#[event(priority = Self::urgency)]
struct Alarm(u64);

impl Alarm {
    fn urgency(&self) -> Priority {
        match self.0 {
            0..3 => Priority::Low,
            3..6 => Priority::Normal,
            _ => Priority::High,
        }
    }
}

fn types(all: &mut Subscription<AnyEvent>) -> Vec<&'static str> {
    all.try_iter().map(|event| event.event_type()).collect()
}

#[test]
fn urgent_events_overtake_in_every_queue() {
    let bus = Bus::new();
    let mut queues = ["a", "b"].map(|name| bus.subscribe::<AnyEvent>(name));
    bus.start();
    bus.publish(Idle(0));
    bus.publish(Usual(1));
    bus.publish(Urgent(2));
    bus.publish(Idle(3));
    bus.publish(Urgent(4));
    for queue in &mut queues {
        let order: Vec<u64> = queue.try_iter().map(|event| event.sequence() - 1).collect();
        assert_eq!(order, [2, 4, 1, 0, 3], "and keep their order among themselves");
    }
}

#[test]
fn urgent_events_overtake_those_of_a_log() {
    let bus = Bus::new();
    let mut usual = bus.subscribe::<Usual>("usual");
    bus.start();
    publish_all(&bus, [Usual(0), Usual(1)]);
    bus.publish_with(Usual(2), Priority::Low);
    bus.publish_with(Usual(3), Priority::High);
    bus.publish(Usual(4));
    assert!(usual.try_iter().map(|event| event.0).eq([3, 0, 1, 4, 2]));
}

#[test]
fn priority_may_depend_on_the_value_or_the_moment() {
    let bus = Bus::new();
    let mut alarms = bus.subscribe::<Alarm>("alarms");
    bus.start();
    crate::support::publish_all(&bus, [1, 4, 7, 2, 5, 8].map(Alarm));
    bus.publish_with(Alarm(0), Priority::High);
    bus.publish_with(Alarm(9), Priority::Low);
    assert!(alarms.try_iter().map(|alarm| alarm.0).eq([7, 8, 0, 4, 5, 1, 2, 9]));
}

#[test]
fn one_that_arrives_while_others_are_read_comes_next() {
    let bus = Bus::new();
    let mut all = bus.subscribe::<AnyEvent>("all");
    bus.start();
    publish_all(&bus, (0..3).map(Usual));
    assert_eq!(all.try_recv().unwrap().event_type(), "usual");
    bus.publish(Urgent(3));
    assert_eq!(types(&mut all), ["urgent", "usual", "usual"]);
}

#[test]
fn drop_newest_drops_the_newest_however_urgent() {
    let bus = Bus::new();
    let mut all = bus.subscriber("all").capacity(2).subscribe::<AnyEvent>();
    bus.start();
    bus.publish(Idle(0));
    bus.publish(Usual(1));
    assert_eq!(bus.publish(Urgent(2)).dropped(), 1);
    assert_eq!(types(&mut all), ["usual", "idle"]);
}

#[test]
fn drop_oldest_sheds_the_oldest_of_the_least_urgent() {
    let bus = Bus::new();
    let oldest = bus.subscriber("all").capacity(3).overflow(Overflow::DropOldest);
    let mut all = oldest.subscribe::<AnyEvent>();
    bus.start();
    let sequence = |published: callboard::Published| published.sequence().unwrap();
    let urgent = sequence(bus.publish(Urgent(0)));
    sequence(bus.publish(Idle(1)));
    let usual = sequence(bus.publish(Usual(2)));
    let another = sequence(bus.publish(Usual(3)));
    let last = sequence(bus.publish(Urgent(4)));
    assert_eq!(all.ledger().dropped(DropReason::Oldest), 2, "first the idle, then the usual one");
    let published = bus.publish(Idle(5));
    assert_eq!((published.delivered(), published.dropped()), (0, 1), "it is the least urgent");
    assert_eq!(all.ledger().dropped(DropReason::Full), 1);
    let order: Vec<(u64, u64)> =
        all.try_iter().map(|event| (event.sequence(), event.missed())).collect();
    assert!(!order.iter().any(|(sequence, _)| *sequence == usual));
    let expected = [urgent, last, another];
    assert!(order.iter().map(|(sequence, _)| *sequence).eq(expected));
    let told: u64 = order.iter().map(|(_, missed)| missed).sum();
    assert_eq!(told + all.pending_missed(), 3, "every loss is told of once");
}

#[test]
fn drop_oldest_of_equals_takes_turns() {
    let bus = Bus::new();
    let oldest = bus.subscriber("usual").capacity(1).overflow(Overflow::DropOldest);
    let mut usual = oldest.subscribe::<Usual>();
    bus.start();
    for number in 0..10 {
        assert_eq!(bus.publish(Usual(number)).delivered(), 1);
    }
    let last = usual.try_recv().unwrap();
    assert_eq!((last.0, last.missed()), (9, 9));
}

#[test]
fn order_within_a_priority_holds_among_threads() {
    in_time("publishers of every priority", || {
        let bus = Bus::builder().pre_start_capacity(usize::MAX).build().unwrap();
        let mut queues = ["a", "b"]
            .map(|name| bus.subscriber(name).capacity(usize::MAX).subscribe::<AnyEvent>());
        thread::scope(|scope| {
            for _ in 0..3 {
                let bus = &bus;
                scope.spawn(move || {
                    for number in 0..300 {
                        bus.publish(Urgent(number));
                        bus.publish(Usual(number));
                        bus.publish(Idle(number));
                    }
                });
            }
            bus.start();
        });
        let [a, b] = queues.each_mut().map(|queue| {
            let read: Vec<_> =
                queue.try_iter().map(|event| (event.event_type(), event.sequence())).collect();
            read
        });
        assert_eq!(a, b);
        for kind in ["urgent", "usual", "idle"] {
            let own: Vec<u64> = a.iter().filter(|read| read.0 == kind).map(|read| read.1).collect();
            assert_eq!(own.len(), 900);
            assert!(own.is_sorted());
        }
    });
}
