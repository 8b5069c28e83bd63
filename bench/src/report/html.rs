//! A page of charts, self-contained, for the light and the dark scheme.

use std::fmt::Write as _;

use super::grid::{self, Grid};
use super::svg::{Svg, escape};
use super::{Report, charts};
use crate::measure::Measured;
use crate::row::PERCENTILES;
use crate::verdict::{Behind, Count, Outcome, Verdict, verdicts};

const STYLE: &str = include_str!("page.css");

/// The headings, and the beginnings of the names of the rows under each.
const SECTIONS: &[(&str, &[&str])] = &[
    ("One thread", &["one-thread", "full", "beside", "unheard", "mixed", "replay", "churn"]),
    ("Fan-out", &["fanout", "many", "stalled", "prompt"]),
    ("Sets, everything, policies, time", &["set", "any", "oldest", "keyed", "timed"]),
    ("Wake latency", &["wake"]),
    ("Asking", &["ask"]),
    ("Event sizes", &["size"]),
    ("Memory", &["memory"]),
];

/// The rows that make the curves.
const CURVES: &str = "fanout-tasks-";

/// The whole page.
pub(super) fn render(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Callboard: benchmark</title><style>{STYLE}</style></head><body>\
         <h1>Callboard beside its peers</h1>\
         <p class=\"lead\">Shorter is better everywhere. Bars are medians of {} rounds; the thin \
         line goes from the least to the most. A bar with a slanted cut, its figure behind a », \
         goes on beyond the axis; Callboard's are never cut. Contestants took turns within one \
         run; only the proportions mean something. What is received is counted and checked, and \
         nothing may be lost, but for rows where losing is what is measured: <code>full</code>, \
         and the reader that is stalled or slow in <code>stalled</code>, \
         <code>memory-stalled</code> and <code>memory-slow</code>.</p>\
         <p class=\"legend\"><span><i style=\"background:var(--ours)\"></i>Callboard</span>\
         <span><i style=\"background:var(--peer)\"></i>peers</span>\
         <span><i style=\"background:var(--shown)\"></i>shown to compare with</span></p>",
        report.context.rounds
    );
    summary(&report.verdicts, &mut page);
    behind(&report.behind, &mut page);
    for (title, beginnings) in SECTIONS {
        let rows: Vec<&Measured> = beginnings
            .iter()
            .flat_map(|it| report.rows.iter().filter(move |row| row.name.starts_with(it)))
            .collect();
        if rows.is_empty() {
            continue;
        }
        let _ = write!(page, "<h2>{title}</h2><div class=\"grid\">");
        let curve: Vec<&Measured> =
            rows.iter().copied().filter(|row| row.name.starts_with(CURVES)).collect();
        if curve.len() > 1 {
            let _ = write!(
                page,
                "<div class=\"card\"><span class=\"unit\">ns/delivery, logarithmic</span>\
                 <h3>fanout-tasks</h3><p>What one delivery costs, over the number of subscriber \
                 tasks.</p>{}</div>",
                charts::curves(&curve)
            );
        }
        rows.iter().for_each(|row| card(row, &mut page));
        page.push_str("</div>");
    }
    page.push_str("<h2>Where and with what</h2><div class=\"card scroll\"><table>");
    for (name, value) in report.context.lines() {
        let _ = write!(page, "<tr><th>{name}</th><td>{}</td></tr>", escape(&value));
    }
    page.push_str("</table></div></body></html>\n");
    page
}

fn card(row: &Measured, page: &mut String) {
    let unit = row.columns[0].unit;
    let unit = if row.columns == PERCENTILES { "logarithmic" } else { unit };
    let _ = write!(
        page,
        "<div class=\"card\"><span class=\"unit\">{unit}</span><h3>{}</h3><p>{}</p>",
        escape(&row.name),
        escape(&row.about)
    );
    if row.columns == PERCENTILES {
        key(page);
        page.push_str(&charts::latencies(row));
    } else {
        page.push_str(&charts::bars(row));
    }
    let noted = row.scores.iter().filter(|score| !score.note.is_empty());
    let notes: Vec<String> =
        noted.map(|score| escape(&format!("{}: {}", score.name, score.note))).collect();
    if !notes.is_empty() {
        let _ = write!(page, "<p class=\"notes\">{}</p>", notes.join("<br>"));
    }
    for verdict in verdicts(row).iter().filter(|verdict| !verdict.target.is_empty()) {
        // Which of the row's figures it is about, if there are several.
        let part = verdict.row.strip_prefix(row.name.as_str()).unwrap_or_default().trim_start();
        let separator = if part.is_empty() { "" } else { ": " };
        let _ = write!(
            page,
            "<div class=\"verdict\">{part}{separator}{}: {}, by {}</div>",
            escape(verdict.target),
            outcome(verdict),
            escape(&verdict.ours.name)
        );
    }
    page.push_str("</div>");
}

/// What the dots of the percentiles mean.
fn key(page: &mut String) {
    page.push_str("<p class=\"key\">");
    for (column, radius) in PERCENTILES.iter().zip(charts::DOTS) {
        let mut dot = Svg::new(14.0, 14.0);
        dot.dot("peer", (7.0, 7.0), radius);
        let _ = write!(page, "<span>{} {}</span>", dot.finish(column.name), column.name);
    }
    page.push_str(
        "The line behind a dot goes from the least to the most of the rounds. The axis is \
         logarithmic. A percentile of too few events is left out.</p>",
    );
}

fn summary(verdicts: &[Verdict], page: &mut String) {
    let targets: Vec<&Verdict> = verdicts.iter().filter(|it| it.outcome().is_some()).collect();
    if targets.is_empty() {
        return;
    }
    let _ = write!(
        page,
        "<h2>{}</h2><p>Met or missed: in every round; undecided: in some. Of several ways to \
         receive the best counts, and is named.</p>",
        Count::of(verdicts)
    );
    table(&grid::summary(targets), page);
}

fn behind(behind: &[Behind], page: &mut String) {
    if behind.is_empty() {
        return;
    }
    page.push_str("<h2>Who is ahead</h2>");
    table(&grid::behind(behind), page);
}

fn table(Grid { heads, lines }: &Grid, page: &mut String) {
    page.push_str("<div class=\"card scroll\"><table>");
    let names: Vec<String> = heads.iter().map(|(name, _)| (*name).to_owned()).collect();
    for (tag, cells) in [("th", &names)].into_iter().chain(lines.iter().map(|it| ("td", it))) {
        page.push_str("<tr>");
        for ((_, stands), text) in heads.iter().zip(cells) {
            let class = match text.split(' ').next() {
                _ if *stands == grid::NUMBER => "number",
                Some(outcome @ ("met" | "missed" | "undecided")) => outcome,
                _ => "",
            };
            let _ = write!(page, "<{tag} class=\"{class}\">{}</{tag}>", escape(text));
        }
        page.push_str("</tr>");
    }
    page.push_str("</table></div>");
}

fn outcome(verdict: &Verdict) -> String {
    let class = match verdict.outcome() {
        Some(Outcome::Met) => "met",
        Some(Outcome::Missed) => "missed",
        Some(Outcome::Undecided) | None => "undecided",
    };
    format!("<span class=\"{class}\">{}</span>", escape(&verdict.told()))
}
