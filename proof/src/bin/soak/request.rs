//! Requests: how they are made, and what must hold of their results.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use callboard::{End, Gathered, Outcome, RequestBuilder, RequestError};

use crate::actor::Actor;
use crate::events::{Inquiry, Kind, Sent, Verdict};
use crate::stage::Cue;
use crate::{Checked, check};

/// A request as it is made.
#[derive(Debug)]
struct Plan {
    /// Its asker and its number.
    question: (u32, u32),
    expected: Vec<String>,
    rule: Rule,
    timeout: Duration,
    /// It is made in order to answer another one.
    nested: bool,
    began: Instant,
}

/// When a request is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    All,
    First,
    AtLeast(usize),
    Until(usize),
}

impl Actor {
    /// Makes a request, waits for its result, perhaps only for a time, and checks it.
    pub(crate) async fn gather(
        &mut self,
        request: impl FnOnce(Inquiry) -> RequestBuilder<Inquiry>,
        nested: bool,
        gives_up: Option<Duration>,
    ) {
        let (kind, origin) = (Kind::Inquiry, self.origin(Kind::Inquiry, (0, 0)));
        let plan = self.plan((origin.publisher, origin.number), nested);
        let builder = request(Inquiry::new(origin, self.stage.census));
        let builder = builder.expect(&plan.expected).timeout(plan.timeout);
        let builder = match plan.rule {
            Rule::All => builder,
            Rule::First => builder.first(),
            Rule::AtLeast(answers) => builder.at_least(answers),
            Rule::Until(answers) => builder.until(move |so_far| so_far.len() >= answers),
        };
        self.part.asked.fetch_add(1, Ordering::SeqCst);
        self.part.published.count(kind);
        // From here to the first poll nothing else of this component is published.
        let result = if self.part.on_thread && self.random.one_in(2) {
            builder.gather_blocking()
        } else if let Some(time) = gives_up {
            tokio::select! {
                biased;
                result = builder.gather() => result,
                () = tokio::time::sleep(time) => return,
            }
        } else {
            builder.gather().await
        };
        match result {
            Ok(_) => {}
            // A later request may have closed the cycle: then the bus had taken this one.
            Err(RequestError::Cycle { .. }) => self.part.unsure.count(kind),
            Err(_) => self.part.published.uncount(kind),
        }
        let closing = self.stage.cue() >= Cue::Closing;
        if let Err(fault) = plan.check(&result, closing) {
            self.stage.run.blame(format!("`{}`: {fault}\n{plan:?}\n{result:?}", self.part.name));
        }
    }

    fn plan(&mut self, question: (u32, u32), nested: bool) -> Plan {
        let random = &mut self.random;
        let responders = self.stage.responders();
        let mut expected: Vec<String> = (0..random.between(1, 4))
            .filter(|_| !responders.is_empty())
            .map(|_| responders[random.below(responders.len())].clone())
            .collect();
        if expected.is_empty() || random.one_in(20) {
            expected.push("nobody".to_owned());
        }
        expected.sort();
        expected.dedup();
        let rule = match random.below(6) {
            0..=2 => Rule::All,
            3 => Rule::First,
            4 => Rule::AtLeast(random.between(0, expected.len())),
            _ => Rule::Until(random.between(1, expected.len())),
        };
        let timeout = if nested { random.between(2, 30) } else { random.between(5, 100) };
        let timeout = Duration::from_millis(timeout as u64);
        Plan { question, expected, rule, timeout, nested, began: Instant::now() }
    }
}

impl Plan {
    /// Checks a result; `closing` says that the bus may be closed.
    fn check(&self, result: &Result<Gathered<Verdict>, RequestError>, closing: bool) -> Checked {
        let took = self.began.elapsed();
        let gathered = match result {
            Ok(gathered) => gathered,
            Err(RequestError::Closed) if closing => return Ok(()),
            Err(RequestError::Cycle { .. }) if self.nested => return Ok(()),
            Err(_) => return Err("a request fails for no reason".to_owned()),
        };
        for (name, answer) in gathered.responses().chain(gathered.unexpected()) {
            let question = Sent::origin(&**answer).question;
            check!(question == self.question, "`{name}` answers another question: {question:?}");
        }
        let mut names = gathered.responses().map(|(name, _)| name);
        let expected = names.all(|name| self.expected.iter().any(|it| it == name));
        check!(expected, "an answer that is not expected counts");
        let (answers, missing) = (gathered.responses().len(), gathered.missing().len());
        check!(answers + missing == self.expected.len(), "{answers} answers, {missing} missing");
        let needed = match self.rule {
            Rule::All => self.expected.len(),
            Rule::First => 1,
            Rule::AtLeast(answers) | Rule::Until(answers) => answers,
        };
        let timed_out =
            |outcome| matches!(outcome, Outcome::TimedOutQueued | Outcome::TimedOutHandling);
        let fits = match gathered.end() {
            End::Met => answers >= needed,
            End::Unreachable => answers < needed && !gathered.missing().any(|it| timed_out(it.1)),
            End::TimedOut => answers < needed && took >= self.timeout,
            End::Closed => closing,
        };
        check!(fits, "the end of a request does not fit its rule after {took:?}");
        Ok(())
    }
}
