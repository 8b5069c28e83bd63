//! Scenarios run by [`Sim`]: parts are interrupted where they await.

use std::time::Instant;

use callboard::BusBuilder;
use callboard::testing::{ManualClock, Sim};

use super::stage::Stage;

/// Runs by default.
const SEEDS: u64 = 200;

pub(crate) struct Seeded<'a> {
    sim: &'a mut Sim,
    random: u64,
}

/// Runs a scenario with many seeds, or with that in `CALLBOARD_SEED`.
pub(crate) fn perform(name: &str, scenario: impl Fn(&mut Seeded<'_>)) {
    let begun = Instant::now();
    let mut runs = 0;
    Sim::for_each_seed(0..super::runs(SEEDS), |sim| {
        runs += 1;
        let random = sim.seed();
        scenario(&mut Seeded { sim, random });
    });
    super::report(name, "seeded", runs, begun, true);
}

impl Stage for Seeded<'_> {
    fn builder(&mut self) -> BusBuilder {
        // Where a bus keeps time, nobody reads a log.
        let timestamps = self.choose(2) == 0;
        self.sim.builder().timestamps(timestamps)
    }

    fn clock(&self) -> ManualClock {
        self.sim.clock().clone()
    }

    fn choose(&mut self, below: usize) -> usize {
        // Knuth's MMIX generator; its high bits are good.
        const FACTOR: u64 = 6_364_136_223_846_793_005;
        const STEP: u64 = 1_442_695_040_888_963_407;
        self.random = self.random.wrapping_mul(FACTOR).wrapping_add(STEP);
        (self.random >> 33) as usize % below
    }

    fn play(&mut self, name: &str, part: impl Future<Output = ()> + Send + 'static) {
        self.sim.spawn(name, part);
    }

    fn finish(&mut self) {
        self.sim.run_ready();
        let waiting: Vec<_> = self.sim.running().collect();
        assert!(waiting.is_empty(), "{waiting:?} wait for ever");
    }
}
