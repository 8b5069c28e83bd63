//! A page of charts, self-contained, for the light and the dark scheme.

use std::fmt::Write as _;

use super::table::{figure, times};
use super::{Report, charts, svg::escape};
use crate::measure::Measured;
use crate::row::PERCENTILES;
use crate::verdict::{Verdict, verdicts};

const STYLE: &str = include_str!("page.css");

/// The headings, and the beginnings of the names of the rows under each.
const SECTIONS: &[(&str, &[&str])] = &[
    ("One thread", &["one-thread", "full", "beside", "unheard", "mixed", "replay", "churn"]),
    ("Fan-out", &["fanout", "many", "stalled"]),
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
         line goes from the least to the most. Contestants took turns within one run, lossless and \
         checked; only the proportions mean something.</p>\
         <p class=\"legend\"><span><i style=\"background:var(--ours)\"></i>Callboard</span>\
         <span><i style=\"background:var(--peer)\"></i>peers</span>\
         <span><i style=\"background:var(--shown)\"></i>shown to compare with</span></p>",
        report.context.rounds
    );
    summary(&report.verdicts, &mut page);
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
    let unit = if row.columns == PERCENTILES { "p50 ● p99 ● p99.9" } else { unit };
    let _ = write!(
        page,
        "<div class=\"card\"><span class=\"unit\">{unit}</span><h3>{}</h3><p>{}</p>",
        escape(&row.name),
        escape(&row.about)
    );
    if row.columns == PERCENTILES {
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
            "<div class=\"verdict\">{part}{separator}{}: {}</div>",
            escape(verdict.target),
            outcome(verdict)
        );
    }
    page.push_str("</div>");
}

fn summary(verdicts: &[Verdict], page: &mut String) {
    let targets: Vec<&Verdict> = verdicts.iter().filter(|it| it.met().is_some()).collect();
    if targets.is_empty() {
        return;
    }
    let met = targets.iter().filter(|it| it.met() == Some(true)).count();
    let _ = write!(
        page,
        "<h2>Targets: {met} of {} met</h2><div class=\"card scroll\"><table><tr><th>row<th class=\"number\">ours\
         <th>compared with<th class=\"number\">ours ÷ it<th>target<th></tr>",
        targets.len()
    );
    for verdict in targets {
        let other = verdict.other.as_ref();
        let other = other.map_or_else(String::new, |(name, median)| {
            escape(&format!("{}  {name}", figure(*median)))
        });
        let _ = write!(
            page,
            "<tr><td>{}</td><td class=\"number\">{} {}</td><td>{other}</td>\
             <td class=\"number\">{}</td><td>{}</td><td>{}</td></tr>",
            escape(&verdict.row),
            figure(verdict.ours.1),
            verdict.unit,
            verdict.ratio().map_or_else(String::new, times),
            escape(verdict.target),
            outcome(verdict)
        );
    }
    page.push_str("</table></div>");
}

fn outcome(verdict: &Verdict) -> String {
    let class = if verdict.met() == Some(true) { "met" } else { "missed" };
    format!("<span class=\"{class}\">{}</span>", escape(&verdict.outcome()))
}
