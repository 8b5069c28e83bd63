//! Asking some responders and waiting for all of them; alone, and while other requests are open.

use crate::harness::{self, Ask};
use crate::peers::{Actors, Asked, Places, Scatter};
use crate::report::grouped;
use crate::row::{Against, NS_PER_REQUEST, Row, Sample};

/// The same with one other request open.
const ONE_OPEN: &str = "callboard, 1 open";

pub(super) fn rows() -> Vec<Row> {
    let ask = [1, 3, 10].map(|responders| {
        Row::new(
            format!("ask-{responders}"),
            format!("a task asks responder tasks, {responders} of them, and waits for all"),
        )
        .columns(NS_PER_REQUEST)
        .ours("callboard", asker::<Asked>(responders))
        .peer("tokio mpsc + oneshot, by hand", asker::<Scatter>(responders))
        .peer("kameo ask", asker::<Actors>(responders))
        .limit(
            "a place for each answer, and the number of the request",
            asker::<Places>(responders),
        )
        .goal(
            "faster than tokio mpsc + oneshot by hand",
            Against::BestOf(&["tokio mpsc"]),
            1.0,
        )
    });
    let open = [100, 10_000].map(|open| {
        Row::new(
            format!("ask-open-{open}"),
            format!(
                "a task asks 3 responder tasks while {} other requests are open",
                grouped(open)
            ),
        )
        .columns(NS_PER_REQUEST)
        .ours(format!("callboard, {} open", grouped(open)), beside(open))
        .baseline(ONE_OPEN, "", beside(1))
        .goal("flat: within 10 % of one open", Against::BestOf(&[ONE_OPEN]), 1.1)
    });
    ask.into_iter().chain(open).collect()
}

fn asker<A: Ask>(responders: usize) -> impl FnMut(u64) -> Sample {
    move |events| harness::ask(A::open(responders), responders, events)
}

fn beside(open: usize) -> impl FnMut(u64) -> Sample {
    move |events| harness::ask(Asked::beside(3, open), 3, events)
}
