//! Who waits for whom, and a detector of deadlocks that is as simple as can be.

use std::collections::{BTreeMap, BTreeSet};

/// When a request is complete.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// With so many answers, or all if there are fewer targets.
    AtLeast(usize),
    /// With so many answers, which the bus does not know.
    Until(usize),
    Settled,
}

/// How far a responder has come with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Queued,
    Handling,
    Answered,
    Declined,
}

/// An open request.
#[derive(Debug, Clone)]
struct Asked {
    asker: Option<(usize, usize)>,
    rule: Rule,
    fates: BTreeMap<usize, Fate>,
}

/// Responders, their handlers and the open requests.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    /// How many calls each responder handles at once.
    places: Vec<usize>,
    /// The handlers that run: the request and the responder.
    handlers: BTreeSet<(usize, usize)>,
    open: BTreeMap<usize, Asked>,
    asked: usize,
    /// The targets of each request there was.
    targets: Vec<BTreeSet<usize>>,
}

/// The nested requests that will never end, and whom each waits for in vain.
#[derive(Debug)]
pub(crate) struct Deadlock {
    pub(crate) requests: BTreeSet<usize>,
    /// From the responder that asks to the one that is asked.
    waits: BTreeSet<(usize, usize)>,
}

impl Mirror {
    pub(crate) fn new(places: Vec<usize>) -> Self {
        let (handlers, open, targets) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
        Self { places, handlers, open, asked: 0, targets }
    }

    /// Opens a request and returns its number.
    pub(crate) fn ask(
        &mut self,
        asker: Option<(usize, usize)>,
        targets: BTreeSet<usize>,
        rule: Rule,
    ) -> usize {
        let number = self.asked;
        self.asked += 1;
        let fates = targets.iter().map(|target| (*target, Fate::Queued)).collect();
        self.targets.push(targets);
        self.open.insert(number, Asked { asker, rule, fates });
        number
    }

    pub(crate) fn targets(&self, number: usize) -> BTreeSet<usize> {
        self.targets[number].clone()
    }

    /// The open requests that handlers have made.
    pub(crate) fn nested(&self) -> Vec<usize> {
        let nested = self.open.iter().filter(|(_, asked)| asked.asker.is_some());
        nested.map(|(number, _)| *number).collect()
    }

    pub(crate) fn asked_by(&self, held: (usize, usize)) -> Vec<usize> {
        let own = self.open.iter().filter(|(_, asked)| asked.asker == Some(held));
        own.map(|(number, _)| *number).collect()
    }

    /// A responder takes a call.
    pub(crate) fn take(&mut self, held: (usize, usize)) {
        self.handlers.insert(held);
        self.set(held, Fate::Handling);
    }

    pub(crate) fn set(&mut self, (number, responder): (usize, usize), fate: Fate) {
        if let Some(asked) = self.open.get_mut(&number) {
            let old = asked.fates.insert(responder, fate);
            if let Some(old @ (Fate::Answered | Fate::Declined)) = old {
                asked.fates.insert(responder, old);
            }
        }
    }

    /// A handler ends.
    pub(crate) fn end(&mut self, held: (usize, usize)) {
        self.handlers.remove(&held);
    }

    /// A request ends.
    pub(crate) fn close(&mut self, number: usize) {
        self.open.remove(&number);
    }

    /// Lets the best happen until nothing more can: handlers end as soon as anything that they wait
    /// for has ended, and answer; whoever has a place answers; a predicate is content with the next
    /// answer.
    pub(crate) fn deadlock(&self) -> Deadlock {
        let mut mirror = self.clone();
        let asking: BTreeSet<_> = self.open.values().filter_map(|asked| asked.asker).collect();
        let mut freed = BTreeSet::new();
        loop {
            let before = (mirror.handlers.len(), mirror.waiting(), mirror.open.len());
            for held in self.handlers.iter().copied() {
                if !asking.contains(&held) || freed.contains(&held) {
                    mirror.end(held);
                    mirror.set(held, Fate::Answered);
                }
            }
            for responder in 0..mirror.places.len() {
                let busy = mirror.handlers.iter().filter(|(_, by)| *by == responder).count();
                if busy < mirror.places[responder] {
                    let fates =
                        mirror.open.values_mut().filter_map(|it| it.fates.get_mut(&responder));
                    fates.filter(|fate| **fate == Fate::Queued).for_each(|it| *it = Fate::Answered);
                }
            }
            for (number, asked) in mirror.open.clone() {
                if asked.ends(&self.open[&number]) {
                    mirror.close(number);
                    freed.extend(asked.asker);
                }
            }
            if before == (mirror.handlers.len(), mirror.waiting(), mirror.open.len()) {
                break;
            }
        }
        mirror.open.retain(|_, asked| asked.asker.is_some());
        let waits = mirror.open.values().flat_map(Asked::waits).collect();
        Deadlock { requests: mirror.open.into_keys().collect(), waits }
    }

    /// How many answers may still come.
    fn waiting(&self) -> usize {
        self.open.values().map(Asked::pending).sum()
    }

    /// A chain leads along requests that wait, and ends in a circle of such as wait in vain.
    pub(crate) fn check_chain(&self, chain: &[String], deadlock: &Deadlock) {
        let chain: Vec<usize> = chain.iter().map(|name| name.parse().unwrap()).collect();
        let waits: BTreeSet<_> = self.open.values().flat_map(Asked::waits).collect();
        let Some((last, rest)) = chain.split_last() else { panic!("it is empty") };
        let circle = rest.iter().rposition(|name| name == last);
        assert!(circle.is_some(), "{chain:?} is no circle");
        for (place, pair) in chain.windows(2).enumerate() {
            let pair = (pair[0], pair[1]);
            assert!(waits.contains(&pair), "{chain:?}: nobody waits so: {pair:?}");
            if Some(place) >= circle {
                assert!(deadlock.waits.contains(&pair), "{chain:?}: not in vain: {pair:?}");
            }
        }
    }
}

impl Asked {
    fn answered(&self) -> usize {
        self.fates.values().filter(|fate| **fate == Fate::Answered).count()
    }

    fn pending(&self) -> usize {
        let open = [Fate::Queued, Fate::Handling];
        self.fates.values().filter(|fate| open.contains(fate)).count()
    }

    /// Whether it ends, if it began like that.
    fn ends(&self, begun: &Self) -> bool {
        let (answered, pending) = (self.answered(), self.pending());
        match self.rule {
            Rule::AtLeast(needed) => {
                let needed = needed.min(self.fates.len());
                answered >= needed || answered + pending < needed
            }
            Rule::Until(_) => answered > begun.answered() || pending == 0,
            Rule::Settled => pending == 0,
        }
    }

    /// Whom it waits for: pairs of who asks and who is asked.
    fn waits(&self) -> Vec<(usize, usize)> {
        let open = [Fate::Queued, Fate::Handling];
        let asked = self.fates.iter().filter(|(_, fate)| open.contains(fate));
        let asker = self.asker.map(|(_, asker)| asker);
        asked.filter_map(|(asked, _)| Some((asker?, *asked))).collect()
    }
}
