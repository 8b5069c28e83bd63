//! Promise 3, continued: events that wait for the start in logs and in queues are one replay.

use std::thread;

use callboard::{AnyEvent, Bus, Delivery, Event, EventSet, Overflow};

use crate::support::{in_time, publish_all};

#[derive(Debug, Event)]
struct Config(u64);

#[derive(Debug, Event)]
struct Change(#[expect(dead_code, reason = "only published")] u64);

/// An event that waits for the start in a queue, where others wait in the log of their type.
#[derive(Debug, Event)]
#[event(retain)]
struct Setting(u64);

#[derive(Debug, EventSet)]
enum Both {
    Config(Delivery<Config>),
    Setting(Delivery<Setting>),
}

#[test]
fn what_waits_in_logs_and_in_queues_is_replayed_in_one_order() {
    let bus = Bus::new();
    let mut by_logs = bus.subscribe::<Both>("by logs");
    let by_queue = bus.subscriber("by queue").overflow(Overflow::Coalesce);
    let mut by_queue = by_queue.subscribe::<Both>();
    for round in 0..2 {
        for number in 0..10 {
            let _ = if number % 3 == 0 {
                bus.publish(Setting(number))
            } else {
                bus.publish(Config(number))
            };
        }
        assert_eq!(bus.start().replayed, 10, "round {round}");
        for inbox in [&mut by_logs, &mut by_queue] {
            let numbers = inbox.try_iter().map(|item| match item {
                Both::Config(config) => config.0,
                Both::Setting(setting) => setting.0,
            });
            assert!(numbers.eq(0..10), "round {round}");
        }
        bus.pause();
    }
}

/// Readers that look repeatedly while another thread starts the bus.
#[test]
fn loss_before_a_pause_is_told_by_the_first_event_that_is_replayed() {
    in_time("readers that poll while the bus starts", || {
        for _ in 0..300 {
            let bus = Bus::new();
            let one = |name| bus.subscriber(name).capacity(1).lossy();
            let mut by_log = one("by log").subscribe::<Config>();
            let mut by_logs = one("by logs").subscribe::<AnyEvent>();
            let _flowing: Vec<_> = (0..20).map(|_| bus.subscribe::<AnyEvent>("flows")).collect();
            bus.start();
            bus.publish(Config(0));
            bus.publish(Config(1));
            assert_eq!(
                (by_log.try_recv().unwrap().0, by_logs.try_recv().unwrap().missed()),
                (0, 0)
            );
            bus.pause();
            publish_all(&bus, (0..50).map(Change));
            bus.publish(Config(2));
            thread::scope(|scope| {
                let starts = scope.spawn(|| bus.start());
                let poll = std::iter::repeat_with(|| by_logs.try_recv().ok());
                assert_eq!(poll.flatten().next().map(|event| event.missed()), Some(1));
                let poll = std::iter::repeat_with(|| by_log.try_recv().ok());
                assert_eq!(poll.flatten().next().map(|config| config.missed()), Some(1));
                assert_eq!(starts.join().unwrap().replayed, 51);
            });
        }
    });
}
