//! Whether something grows: the slope of a least-squares line over the second half of its samples.
//! The first half is for what grows once.

use super::{Checked, Fault};

/// Samples of a size over the time of the run.
#[derive(Debug)]
pub(crate) struct Series {
    what: &'static str,
    /// A line over fewer seconds says nothing.
    shortest: f64,
    /// By so many MiB the line may rise, however short the run.
    noise: f64,
    /// By so many MiB it may rise in an hour, beyond the noise.
    per_hour: f64,
    /// The times in seconds, and the sizes in MiB.
    samples: Vec<(f64, f64)>,
}

/// How the second half of a run went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Growth {
    /// MiB an hour.
    pub(crate) per_hour: f64,
    /// What may be, in MiB an hour, for a run of this length.
    pub(crate) bound: f64,
    /// The least and the most there was at any time, in MiB.
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// A line through fewer samples says nothing.
const FEWEST: usize = 5;

impl Series {
    pub(crate) fn new(what: &'static str, noise: f64, per_hour: f64) -> Self {
        Self { what, shortest: 0.0, noise, per_hour, samples: Vec::new() }
    }

    /// Says nothing of a line over less than so many seconds.
    pub(crate) fn over_at_least(self, shortest: f64) -> Self {
        Self { shortest, ..self }
    }

    pub(crate) fn add(&mut self, seconds: f64, size: f64) {
        self.samples.push((seconds, size));
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    pub(crate) fn growth(&self) -> Growth {
        let sizes = || self.samples.iter().map(|(_, size)| *size);
        let least = sizes().reduce(f64::min).unwrap_or_default();
        let most = sizes().reduce(f64::max).unwrap_or_default();
        let later = &self.samples[self.samples.len() / 2..];
        let (per_hour, bound) = match later {
            [(from, _), .., (to, _)] if later.len() >= FEWEST && to - from >= self.shortest => {
                (slope(later) * 3_600.0, self.per_hour + self.noise * 3_600.0 / (to - from))
            }
            _ => (0.0, f64::INFINITY),
        };
        Growth { per_hour, bound, least, most }
    }

    pub(crate) fn check(&self) -> Checked {
        let Growth { per_hour, bound, .. } = self.growth();
        if per_hour <= bound {
            return Ok(());
        }
        let expected = format!("at the most {bound:.1} MiB an hour in a run of this length");
        let samples = self.samples.iter().step_by(self.samples.len() / 24 + 1);
        let samples: Vec<String> =
            samples.map(|(at, size)| format!("{at:.0} s: {size:.2} MiB")).collect();
        let what = format!("the growth of {}", self.what);
        Err(Fault::new(what, expected, format!("{per_hour:.1} MiB an hour"))
            .with(format_args!("samples: {}", samples.join(", "))))
    }
}

/// The slope of the least-squares line.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len().max(1) as f64;
    let (mean_x, mean_y) =
        points.iter().fold((0.0, 0.0), |(xs, ys), (x, y)| (xs + x / count, ys + y / count));
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let common: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    if spread > 0.0 { common / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::{Series, slope};

    fn run(seconds: u32, size: impl Fn(f64) -> f64) -> Series {
        let mut series = Series::new("it", 2.0, 6.0);
        (0..seconds).map(f64::from).for_each(|second| series.add(second, size(second)));
        series
    }

    #[test]
    fn a_line_has_its_slope() {
        assert!((slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) - 2.0).abs() < 1e-9);
        assert!(slope(&[(1.0, 1.0)]).abs() < 1e-9);
    }

    #[test]
    fn growth_is_told_from_what_grows_once() {
        assert!(run(600, |second| if second < 250.0 { 20.0 } else { 60.0 }).check().is_ok());
        // 2 MiB and half of what an hour's twelfth may bring, in 300 seconds.
        assert!(run(600, |second| second * 2.4 / 300.0).check().is_ok());
        assert!(run(600, |second| second * 2.6 / 300.0).check().is_err());
        assert!(run(8, |second| second * 100.0).check().is_ok(), "too few to tell");
        let rises = |second| second * 100.0;
        assert!(run(600, rises).over_at_least(301.0).check().is_ok(), "too short to tell");
        assert!(run(600, rises).over_at_least(299.0).check().is_err());
    }
}
