//! The few shapes that the charts are drawn with, and their axes.
//!
//! Colours are classes: the page's style sheet gives them for the light and the dark scheme.

use std::fmt::Write as _;

/// A drawing.
#[derive(Debug)]
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// Where a text's position is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(super) fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4]) {
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\" rx=\"2\"/>"
        );
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _ = write!(
            self.body,
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        );
    }

    pub(super) fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let points = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}"));
        let points = points.collect::<Vec<_>>().join(" ");
        let _ = write!(self.body, "<polyline class=\"{class}\" points=\"{points}\"/>");
    }

    pub(super) fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        let _ = write!(
            self.body,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>"
        );
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    /// The drawing as an element; `label` says what it shows to who can't see it.
    pub(super) fn finish(self, label: &str) -> String {
        let Self { width, height, body } = self;
        let label = escape(label);
        format!(
            "<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{label}\">\
             {body}</svg>"
        )
    }
}

/// Text that no tag or attribute begins or ends in.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A logarithmic axis: from values to places.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogAxis {
    values: (f64, f64),
    places: (f64, f64),
}

impl LogAxis {
    /// An axis that has room for all the values, between two places.
    pub(super) fn over(values: impl IntoIterator<Item = f64>, places: (f64, f64)) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for value in values.into_iter().filter(|value| *value > 0.0) {
            (least, most) = (least.min(value), most.max(value));
        }
        if least > most {
            (least, most) = (1.0, 10.0);
        }
        Self { values: (least / 1.15, most * 1.15), places }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let (least, most) = self.values;
        let share = (value.max(least) / least).ln() / (most / least).ln();
        self.places.0 + share * (self.places.1 - self.places.0)
    }

    /// The round values on it: 1, 2 and 5 times the powers of ten, or the powers alone if there
    /// are many.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let (least, most) = self.values;
        let steps: &[f64] = if most / least > 300.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let powers = least.log10().floor() as i32..=most.log10().ceil() as i32;
        powers
            .flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)))
            .filter(|tick| (least..=most).contains(tick))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{LogAxis, escape};

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("Arc<\"E\"> & co"), "Arc&lt;&quot;E&quot;&gt; &amp; co");
    }

    #[test]
    fn a_logarithmic_axis_has_equal_steps_for_equal_factors() {
        let axis = LogAxis::over([1.0, 1_000.0], (0.0, 300.0));
        let step = axis.at(10.0) - axis.at(1.0);
        assert!((axis.at(100.0) - axis.at(10.0) - step).abs() < 1e-9);
        assert!(axis.at(1.0) > 0.0 && axis.at(1_000.0) < 300.0);
        assert_eq!(axis.ticks(), [1.0, 10.0, 100.0, 1_000.0]);
        assert_eq!(LogAxis::over([3.0, 30.0], (0.0, 1.0)).ticks(), [5.0, 10.0, 20.0]);
    }

    #[test]
    fn an_axis_over_nothing_is_still_one() {
        let axis = LogAxis::over([0.0], (0.0, 1.0));
        assert!(axis.at(5.0).is_finite() && !axis.ticks().is_empty());
    }
}
