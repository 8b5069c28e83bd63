//! The charts: bars for each row, curves over the number of subscribers, latencies.

use super::svg::{Anchor, LogAxis, Svg};
use super::table::{figure, grouped};
use crate::measure::{Measured, Score};
use crate::row::Side;
use crate::statistics::Spread;

const WIDTH: f64 = 680.0;
/// Where names end and drawing begins.
const LEFT: f64 = 258.0;
const LINE: f64 = 25.0;

/// How far the axis of a bar chart goes, in medians of what it shows: one that is far off must not
/// flatten the rest. The bus's own bars are never cut.
const AXIS: f64 = 3.0;

/// How large the dots of the percentiles are.
pub(super) const DOTS: [f64; 3] = [5.5, 4.0, 2.8];

/// How far apart the lines of a contestant's percentiles are.
const SUBLINE: f64 = 11.0;

/// One bar.
struct Bar {
    name: String,
    side: Side,
    spread: Spread,
}

/// Bars, with a line from the least to the most of the rounds: the contestants, best first, or
/// what one contestant's time is made of.
pub(super) fn bars(row: &Measured) -> String {
    let mut bars = Vec::new();
    for (index, column) in row.columns.iter().enumerate() {
        bars.extend(row.ranked(index).into_iter().map(|score| Bar {
            name: match column.name {
                "" => score.name.clone(),
                part => format!("{}, {part}", score.name),
            },
            side: score.side,
            spread: score.spread(index),
        }));
    }
    let mut medians: Vec<f64> = bars.iter().map(|bar| bar.spread.median).collect();
    medians.sort_by(f64::total_cmp);
    let ours = bars.iter().filter(|bar| bar.side == Side::Ours).map(|bar| bar.spread.median);
    let limit = ours.fold(AXIS * medians[medians.len() / 2], f64::max);
    let most = medians[medians.len() - 1];
    let end = if most > limit && limit > 0.0 { limit } else { most.max(f64::MIN_POSITIVE) };
    let right = WIDTH - 92.0;
    let at = |value: f64| LEFT + (value / end).min(1.0) * (right - LEFT);

    let mut svg = Svg::new(WIDTH, bars.len() as f64 * LINE + 4.0);
    for (index, bar) in bars.iter().enumerate() {
        let Bar { spread, .. } = bar;
        let top = index as f64 * LINE + 2.0;
        let middle = top + LINE / 2.0;
        name(&mut svg, bar.side, &bar.name, middle);
        let width = (at(spread.median) - LEFT).max(1.5);
        svg.rect(class(bar.side), [LEFT, top + 4.0, width, LINE - 8.0]);
        svg.line("range", (at(spread.least), middle), (at(spread.most), middle));
        let mut label = figure(spread.median);
        if spread.median > end {
            // Torn where the bar goes on.
            svg.line("tear", (right - 9.0, top + LINE - 2.0), (right - 3.0, top + 2.0));
            label = format!("» {label}");
        }
        let behind = at(spread.most).max(LEFT + width) + 7.0;
        svg.text("figure", (behind, middle + 4.5), Anchor::Start, &label);
    }
    svg.finish(&format!("{}, {}", row.name, row.columns[0].unit))
}

/// A dot on a logarithmic axis for each percentile of each contestant, with a line from the least to
/// the most of the rounds.
pub(super) fn latencies(row: &Measured) -> String {
    let ranked = row.ranked(0);
    let columns = 0..row.columns.len();
    let spreads = |score: &Score| -> Vec<Spread> {
        columns.clone().map(|column| score.spread(column)).collect()
    };
    let all = ranked.iter().flat_map(|score| spreads(score)).flat_map(|it| [it.least, it.most]);
    let axis = LogAxis::over(all, (LEFT + 8.0, WIDTH - 16.0));
    let line = SUBLINE * columns.len() as f64 + 7.0;
    let height = ranked.len() as f64 * line + 26.0;
    let mut svg = Svg::new(WIDTH, height);
    for tick in axis.ticks() {
        let x = axis.at(tick);
        svg.line("grid", (x, 4.0), (x, height - 20.0));
        svg.text("tick", (x, height - 5.0), Anchor::Middle, &time(tick));
    }
    for (index, score) in ranked.iter().enumerate() {
        let top = index as f64 * line + 2.0;
        name(&mut svg, score.side, &score.name, top + line / 2.0);
        let class = class(score.side);
        for (column, (spread, radius)) in spreads(score).into_iter().zip(DOTS).enumerate() {
            if spread.median.is_nan() {
                continue;
            }
            let y = top + 3.5 + SUBLINE * (column as f64 + 0.5);
            svg.line(
                &format!("{class} reach"),
                (axis.at(spread.least), y),
                (axis.at(spread.most), y),
            );
            svg.dot(class, (axis.at(spread.median), y), radius);
        }
    }
    svg.finish(&format!("{}, percentiles, logarithmic", row.name))
}

/// A curve for each contestant over the rows' deliveries, on logarithmic axes.
pub(super) fn curves(rows: &[&Measured]) -> String {
    let (bottom, right) = (380.0, WIDTH - 250.0);
    let cost = |row: &Measured, score: &Score| score.spread(0).median / row.deliveries as f64;
    let all = rows.iter().flat_map(|row| row.scores.iter().map(|score| cost(row, score)));
    let y = LogAxis::over(all, (bottom, 12.0));
    let x = LogAxis::over(rows.iter().map(|row| row.deliveries as f64), (44.0, right));

    let mut svg = Svg::new(WIDTH, bottom + 40.0);
    for tick in y.ticks() {
        svg.line("grid", (44.0, y.at(tick)), (right, y.at(tick)));
        svg.text("tick", (38.0, y.at(tick) + 4.0), Anchor::End, &short(tick));
    }
    for row in rows {
        let place = x.at(row.deliveries as f64);
        svg.line("grid", (place, 12.0), (place, bottom));
        let label = grouped(row.deliveries as usize);
        svg.text("tick", (place, bottom + 17.0), Anchor::Middle, &label);
    }
    svg.text("tick", (right / 2.0 + 22.0, bottom + 34.0), Anchor::Middle, "subscribers");

    let Some(last) = rows.last() else {
        return String::new();
    };
    let mut labels = Vec::new();
    for (index, score) in last.scores.iter().enumerate() {
        let line = curve_class(score, index);
        let points: Vec<(f64, f64)> = rows
            .iter()
            .filter_map(|row| {
                let same = row.scores.iter().find(|it| it.name == score.name)?;
                Some((x.at(row.deliveries as f64), y.at(cost(row, same))))
            })
            .collect();
        svg.path(&format!("curve {line}"), &points);
        points.iter().for_each(|point| svg.dot(&format!("knot {line}"), *point, 3.0));
        labels.extend(points.last().map(|(_, y)| (*y, line, score.name.as_str())));
    }
    // Labels that would cover each other move apart.
    labels.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = 12.0;
    for (place, line, name) in labels {
        let label = place.max(free);
        free = label + 16.0;
        svg.line(&format!("leader {line}"), (right + 4.0, place), (right + 18.0, label));
        svg.text(&format!("end {line}"), (right + 22.0, label + 4.0), Anchor::Start, name);
    }
    svg.finish("cost of a delivery over the number of subscribers")
}

fn name(svg: &mut Svg, side: Side, name: &str, middle: f64) {
    let class = match side {
        Side::Ours => "name ours-name",
        _ => "name",
    };
    svg.text(class, (LEFT - 10.0, middle + 4.5), Anchor::End, name);
}

fn class(side: Side) -> &'static str {
    match side {
        Side::Ours => "ours",
        Side::Peer => "peer",
        Side::Shown | Side::Limit | Side::Baseline => "shown",
    }
}

/// The colour of a curve; ours have one of their own.
fn curve_class(score: &Score, index: usize) -> &'static str {
    const OTHERS: [&str; 8] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];
    match score.side {
        Side::Ours => "c-ours",
        _ => OTHERS[index % OTHERS.len()],
    }
}

/// Nanoseconds in the unit that suits them.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        it if it < 1e3 => format!("{it:.0} ns"),
        it if it < 1e6 => format!("{:.0} µs", it / 1e3),
        it => format!("{:.0} ms", it / 1e6),
    }
}

/// A round number without needless digits.
fn short(value: f64) -> String {
    if value < 1.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::{short, time};

    #[test]
    fn times_have_the_unit_that_suits_them() {
        assert_eq!([200.0, 5_000.0, 2e6].map(time), ["200 ns", "5 µs", "2 ms"]);
        assert_eq!([0.5, 20.0].map(short), ["0.5", "20"]);
    }
}
