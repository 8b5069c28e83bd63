//! When a request leads back to somebody who waits for it.

use callboard::Phase;

use super::Gather;
use crate::model::Model;

impl Model {
    /// If fewer than it needs of the expected could ever answer, because the others wait for it
    /// in its own ancestry: the chain of names that leads to the first of those.
    pub(super) fn cycle(&self, gather: &Gather) -> Option<Vec<String>> {
        let ancestry = self.ancestry(gather);
        let stuck = |name: &str| {
            let mut present = self.subs.iter().filter(|sub| sub.opening.wants.answers());
            let handles = |(request, handler): &(usize, usize), id| {
                *handler == id && !self.gathers[*request].done.contains(&id)
            };
            let by_itself = |id: usize| ancestry.iter().any(|call| handles(call, id));
            self.has_responder(name)
                && present.all(|sub| {
                    let free = sub.opening.concurrent || sub.asleep || !by_itself(sub.id);
                    sub.opening.name != name || !free
                })
        };
        // Who is absent can't answer either, once the bus runs.
        let absent = |name: &str| self.phase != Phase::Buffering && !self.has_responder(name);
        let able = gather.expected.iter().filter(|name| !stuck(name) && !absent(name)).count();
        let needed = if gather.sleeps_soundly() { gather.needed() } else { 1 };
        let first = gather.expected.iter().find(|name| stuck(name)).filter(|_| able < needed)?;
        let names = ancestry.iter().rev().map(|(request, id)| self.gathers[*request].name_of(*id));
        Some(names.chain([*first]).map(str::to_owned).collect())
    }

    /// The calls that wait for a request, from the innermost outwards: as far as somebody waits.
    fn ancestry(&self, gather: &Gather) -> Vec<(usize, usize)> {
        std::iter::successors(gather.within, |(request, id)| {
            let outer = &self.gathers[*request];
            outer.within.filter(|_| self.is_open(*request) && !outer.done.contains(id))
        })
        .collect()
    }

    /// The responder is done with its call.
    pub(crate) fn end_call(&mut self, request: usize, sub: usize) {
        self.gathers[request].done.push(sub);
    }
}
