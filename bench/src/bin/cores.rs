//! What the one order costs where many cores publish: a simulation, with the costs of this machine.
//!
//! `cores` measures how long a publication holds the lock of a bus, and how long a cache line takes
//! from one core to another. With these it simulates cores that work for a while, publish, and work
//! again. The lock is as std's: free for whoever comes first, so the core that has just had it may
//! have it again before another one sees that it is free. Parking is left out: a thread that parks
//! costs a wake besides. Two cores are measured too, beside their simulation.
//!
//! `cores HOLD TRANSFER` takes these costs, in nanoseconds, instead of measuring them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use callboard::{Bus, Event};

#[derive(Debug, Event)]
#[event(type = "cores.plain")]
struct Plain([u64; 4]);

/// What one publication does.
#[derive(Debug, Clone, Copy)]
struct Costs {
    /// Holding the lock, in nanoseconds, for one event.
    hold: f64,
    /// Bringing a cache line from another core.
    transfer: f64,
}

/// How a program publishes.
#[derive(Debug, Clone, Copy)]
struct Shape {
    cores: usize,
    /// What a core does between two publications, in nanoseconds for each event.
    work: f64,
    /// How many events it publishes at a time.
    batch: usize,
    /// How many buses there are; it chooses one by chance.
    buses: usize,
}

/// What comes of that.
#[derive(Debug)]
struct Outcome {
    /// Million events a second, of all cores.
    rate: f64,
    /// Of the rate that as many cores would have that never wait.
    share: f64,
    /// Nanoseconds from asking for the lock to giving it up.
    p50: f64,
    p99: f64,
}

const PUBLICATIONS: usize = 200_000;

/// Repeatable chance (xorshift64*; Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Exponentially distributed.
    fn around(&mut self, mean: f64) -> f64 {
        let unit = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        -mean * unit.ln()
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Lock {
    free_at: f64,
    last: Option<usize>,
}

fn simulate(shape: Shape, costs: Costs) -> Outcome {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut locks = vec![Lock::default(); shape.buses];
    // By time, in bits, which have the same order; at one moment the order is chance.
    let mut attempts = BinaryHeap::new();
    let begin = |core, now: f64, random: &mut Random, attempts: &mut BinaryHeap<_>| {
        let asked = now + random.around(shape.work * shape.batch as f64);
        let bus = (random.next() % shape.buses as u64) as usize;
        let (asked, waited) = (asked.to_bits(), false);
        attempts.push(Reverse((asked, random.next(), core, bus, asked, waited)));
    };
    (0..shape.cores).for_each(|core| begin(core, 0.0, &mut random, &mut attempts));
    let mut waits = Vec::with_capacity(PUBLICATIONS);
    let mut end = 0.0_f64;
    while waits.len() < PUBLICATIONS
        && let Some(Reverse((now, _, core, bus, asked, waited))) = attempts.pop()
    {
        let now = f64::from_bits(now);
        let lock: &mut Lock = &mut locks[bus];
        let away = if lock.last == Some(core) { 0.0 } else { costs.transfer };
        if now < lock.free_at {
            // It sees that the lock is free when the line has come.
            let again = (lock.free_at + away).to_bits();
            attempts.push(Reverse((again, random.next(), core, bus, asked, true)));
            continue;
        }
        let comes = if waited { 0.0 } else { away };
        let done = now + comes + costs.hold * shape.batch as f64;
        *lock = Lock { free_at: done, last: Some(core) };
        waits.push(done - f64::from_bits(asked));
        end = end.max(done);
        begin(core, done, &mut random, &mut attempts);
    }
    waits.sort_by(f64::total_cmp);
    let percentile = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    let rate = (waits.len() * shape.batch) as f64 / end * 1e3;
    let alone = 1e3 / (shape.work + costs.hold);
    let share = rate / (alone * shape.cores as f64);
    Outcome { rate, share, p50: percentile(0.5), p99: percentile(0.99) }
}

/// How long a publication takes whose lock is free.
fn measure_hold() -> f64 {
    let bus = Bus::new();
    let mut reader = bus.subscriber("reader").capacity(512).subscribe::<Plain>();
    bus.start();
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let begun = Instant::now();
        for value in 0..512 {
            bus.publish(black_box(Plain([value; 4])));
        }
        best = best.min(begun.elapsed().as_nanos() as f64 / 512.0);
        assert_eq!(reader.try_iter().map(|event| event.0[0]).sum::<u64>(), 511 * 256);
    }
    best
}

/// How long a cache line takes from one core to another: half of there and back.
fn measure_transfer() -> f64 {
    const TURNS: u64 = 1_000;
    const ROUNDS: u64 = 300;
    let turn = AtomicU64::new(0);
    let play = |mine: u64, mut each_round: Box<dyn FnMut() + '_>| {
        for value in (mine..ROUNDS * TURNS).step_by(2) {
            while turn.load(Ordering::Acquire) != value {
                spin_loop();
            }
            turn.store(value + 1, Ordering::Release);
            if value % TURNS == mine {
                each_round();
            }
        }
    };
    let (mut best, mut begun) = (f64::INFINITY, Instant::now());
    thread::scope(|scope| {
        scope.spawn(|| play(0, Box::new(|| {})));
        play(
            1,
            Box::new(|| {
                let now = Instant::now();
                best = best.min(now.duration_since(begun).as_nanos() as f64 / TURNS as f64);
                begun = now;
            }),
        );
    });
    best
}

/// Events a second, in millions, that so many threads publish with so much work between two.
fn measure_rate(cores: usize, work: Duration) -> f64 {
    let bus = Bus::new();
    let _reader = bus.subscriber("reader").capacity(1).lossy().subscribe::<Plain>();
    bus.start();
    let until = Instant::now() + Duration::from_millis(300);
    let published = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let mut count = 0;
                let mut next = Instant::now();
                while next < until {
                    bus.publish(Plain([count; 4]));
                    count += 1;
                    next = Instant::now() + work;
                    while Instant::now() < next {}
                }
                published.fetch_add(count, Ordering::Relaxed);
            });
        }
    });
    published.into_inner() as f64 / 0.3 / 1e6
}

fn main() -> Result<(), String> {
    let given: Vec<f64> = std::env::args()
        .skip(1)
        .map(|arg| {
            arg.parse().ok().filter(|nanos: &f64| nanos.is_finite() && *nanos > 0.0).ok_or(arg)
        })
        .collect::<Result<_, _>>()
        .map_err(|arg| format!("`{arg}` is not a positive number of nanoseconds"))?;
    let costs = match given[..] {
        [] => Costs { hold: measure_hold(), transfer: measure_transfer() },
        [hold, transfer] => Costs { hold, transfer },
        _ => return Err("give both HOLD and TRANSFER, or neither".to_owned()),
    };
    println!("hold {:.1} ns, transfer of a cache line {:.0} ns\n", costs.hold, costs.transfer);

    println!(
        "| two cores, work | measured, 1 core | measured, 2 cores | of twice one | simulated |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for micros in [1, 5] {
        let [one, two] = [1, 2].map(|cores| measure_rate(cores, Duration::from_micros(micros)));
        let shape = Shape { cores: 2, work: micros as f64 * 1e3, batch: 1, buses: 1 };
        let simulated = simulate(shape, costs).share;
        let share = two / (2.0 * one);
        println!("| {micros} µs | {one:.2} M/s | {two:.2} M/s | {share:.2} | {simulated:.2} |");
    }

    println!("\n| cores | work per event | way | million events/s | of no waiting | p50 | p99 |");
    println!("| ---: | ---: | --- | ---: | ---: | ---: | ---: |");
    for cores in [8, 16, 64] {
        for work in [500.0, 5_000.0] {
            for (way, batch, buses) in
                [("one by one", 1, 1), ("`publish_all` of 32", 32, 1), ("four buses", 1, 4)]
            {
                let Outcome { rate, share, p50, p99 } =
                    simulate(Shape { cores, work, batch, buses }, costs);
                println!(
                    "| {cores} | {} µs | {way} | {rate:.2} | {share:.2} | {p50:.0} ns | {p99:.0} ns |",
                    work / 1e3
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Costs, Shape, simulate};

    const COSTS: Costs = Costs { hold: 20.0, transfer: 80.0 };

    fn shape(cores: usize, work: f64) -> Shape {
        Shape { cores, work, batch: 1, buses: 1 }
    }

    #[test]
    fn one_core_waits_for_nobody() {
        let outcome = simulate(shape(1, 1_000.0), COSTS);
        assert!((outcome.share - 1.0).abs() < 0.02, "{outcome:?}");
        assert!(outcome.p99 < 21.0, "{outcome:?}");
    }

    #[test]
    fn a_lock_that_is_always_wanted_is_the_limit() {
        let outcome = simulate(shape(64, 100.0), COSTS);
        // At the best one core has it all the time, at the worst it moves for each event.
        assert!((9.9..=50.1).contains(&outcome.rate), "{outcome:?}");
    }

    #[test]
    fn several_buses_share_what_one_could_not_bear() {
        let one = simulate(shape(64, 1_000.0), COSTS);
        let four = simulate(Shape { buses: 4, ..shape(64, 1_000.0) }, COSTS);
        assert!(four.rate > 2.0 * one.rate, "{one:?} {four:?}");
    }
}
