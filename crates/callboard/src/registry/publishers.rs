//! Named publishers and the events they publish.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::{Invocation, Origin};

/// The names of publishers, each with a number that its publications carry. Number 0 stands for all
/// unnamed publishers.
#[derive(Default)]
pub(crate) struct Publishers {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

/// Further names count as unnamed, so that a program that generates names does not grow the bus.
const MANY_NAMES: usize = 10_000;

impl Publishers {
    /// The number of a name, which is added if it is new.
    pub(crate) fn number(&mut self, name: &Arc<str>) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        if self.names.len() >= MANY_NAMES {
            return 0;
        }
        self.names.push(Arc::clone(name));
        let number = u32::try_from(self.names.len()).unwrap_or(0);
        self.numbers.insert(Arc::clone(name), number);
        number
    }

    /// The number of the component that asks. A name given to a request is not added: it may be
    /// another for each request.
    pub(crate) fn number_of_asker(&mut self, asker: &Arc<Invocation>) -> u32 {
        if asker.is_handling() {
            return self.number(&asker.node().name);
        }
        self.numbers.get(&asker.name).copied().unwrap_or(0)
    }

    pub(crate) fn name(&self, number: u32) -> Option<&Arc<str>> {
        self.names.get((number as usize).checked_sub(1)?)
    }
}

/// How many events of one type each named publisher has published, and while handling which event
/// type.
#[derive(Default)]
pub(crate) struct Tally(Vec<(u32, u64)>);

impl Tally {
    /// Declares that the publisher may publish events of the type.
    pub(super) fn declare(&mut self, publisher: u32) {
        if publisher != 0 && self.iter().all(|(other, _)| Origin::split(other).0 != publisher) {
            self.0.push((publisher, 0));
        }
    }

    #[inline]
    pub(super) fn count(&mut self, publisher: u32) {
        if publisher != 0 {
            self.count_named(publisher);
        }
    }

    // Few components publish the same type.
    fn count_named(&mut self, publisher: u32) {
        match self.0.iter_mut().find(|(number, _)| *number == publisher) {
            Some((_, count)) => *count += 1,
            None => self.0.push((publisher, 1)),
        }
    }

    /// The numbers of the publishers, each with its count of events.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        self.0.iter().copied()
    }
}
