//! A simulation of the cost of presence: the figures of DESIGN.md.

use std::collections::BTreeMap;

use super::Times;
use crate::wire::{self, Beat, System};

/// A pseudorandom number generator: splitmix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A beat of a node that sends `active` of its types at the moment.
fn beat(active: usize) -> usize {
    let tails: BTreeMap<String, u64> =
        (0..active).map(|of| (format!("orders.placed.{of:02}"), 1_000_000)).collect();
    let beat = Beat { incarnation: u64::MAX, generation: 12, tails, heard_by: Vec::new() };
    wire::write(&System::Beat(beat)).len()
}

/// What NATS adds to a message on its way to a subscriber: `MSG`, subject, subscription, length.
const ENVELOPE: usize = "MSG cb.shop.s.node-0001 12 120\r\n\r\n".len();

/// Messages and bytes a second that each node receives, and messages a second that the servers
/// deliver.
fn load(nodes: usize, beat_seconds: f64, active: usize) -> (f64, f64, f64) {
    let received = nodes as f64 / beat_seconds;
    (received, received * (beat(active) + ENVELOPE) as f64, received * nodes as f64)
}

/// The share of hours in which a live node is considered gone by another, if each beat is lost or
/// late with this probability.
fn false_alarms(times: &Times, lost: f64, hours: usize) -> f64 {
    let (mut random, mut alarms) = (Random(1), 0);
    let beats = 3_600.0 / times.beat.as_secs_f64();
    let patience = times.gone.as_secs_f64() / times.beat.as_secs_f64();
    for _ in 0..hours {
        let mut missed = 0.0;
        for _ in 0..beats as usize {
            missed = if random.unit() < lost { missed + 1.0 } else { 0.0 };
            if missed + 1.0 > patience {
                alarms += 1;
                break;
            }
        }
    }
    f64::from(alarms) / hours as f64
}

/// Seconds until a node that disappears at any moment is considered gone: mean and maximum.
fn notice(times: &Times) -> (f64, f64) {
    let mut random = Random(2);
    let tick = super::TICK.as_secs_f64();
    let all: Vec<f64> = (0..10_000)
        .map(|_| {
            // The last beat was up to one beat ago.
            times.gone.as_secs_f64() - random.unit() * times.beat.as_secs_f64()
                + random.unit() * tick
        })
        .collect();
    let most = all.iter().copied().fold(0.0, f64::max);
    (all.iter().sum::<f64>() / all.len() as f64, most)
}

#[test]
fn presence_of_a_thousand_nodes_costs_what_design_says() {
    let times = Times::of(std::time::Duration::from_millis(400));
    let slow = Times::of(std::time::Duration::from_secs(4));
    println!("| nodes | beat | a node receives | | the servers deliver |");
    for (nodes, times) in [(10, &times), (100, &times), (1_000, &times), (1_000, &slow)] {
        let seconds = times.beat.as_secs_f64();
        for active in [0, 10] {
            let (messages, bytes, delivered) = load(nodes, seconds, active);
            println!(
                "| {nodes} | {seconds} s, {active} active types | {messages:.0} messages/s \
                 | {:.1} kB/s | {delivered:.0} messages/s |",
                bytes / 1e3
            );
        }
    }
    for (lost, times) in [(0.001, &times), (0.01, &times), (0.01, &slow)] {
        let (mean, most) = notice(times);
        println!(
            "beat {:?}, {} % lost: {:.4} of the hours with a false alarm; gone after {mean:.2} s, {most:.2} s at most",
            times.beat,
            lost * 100.0,
            false_alarms(times, lost, 2_000)
        );
    }

    // The figures of DESIGN, with a margin for other names.
    assert!(beat(0) < 60 && beat(10) < 350, "{} {}", beat(0), beat(10));
    let (messages, bytes, _) = load(1_000, 0.4, 10);
    assert!((messages - 2_500.0).abs() < 1.0 && bytes < 1e6, "{messages} {bytes}");
    let (messages, _, delivered) = load(1_000, 4.0, 10);
    assert!(messages < 251.0 && delivered < 251_000.0);
    let (_, most) = notice(&times);
    assert!(most <= 1.5, "a dead node is noticed within 1.5 s: {most}");
    assert!(false_alarms(&times, 0.001, 2_000) < 0.01);
}
