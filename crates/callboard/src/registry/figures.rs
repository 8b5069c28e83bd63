//! How a subscription stands.

use std::time::Instant;

use super::Registry;
use crate::engine::{Account, Mailbox};
use crate::overflow::Ledger;

/// How a subscription stands.
pub(crate) struct Figures {
    pub(crate) queued: usize,
    pub(crate) high_water: usize,
    pub(crate) demand: usize,
    /// Events lost since the last event queued.
    pub(crate) missed: u64,
    /// Bytes of queued events in logs.
    in_logs: usize,
    /// One account per member.
    pub(crate) accounts: Vec<Account>,
}

impl Figures {
    /// The account of all members together.
    pub(crate) fn ledger(&self) -> Ledger {
        let mut total = Ledger::default();
        self.accounts.iter().for_each(|account| total.add(&account.ledger));
        total
    }

    /// Bytes of all queued events of the mailbox that these figures are of.
    pub(crate) fn bytes(&self, mailbox: &Mailbox) -> usize {
        let inbox = mailbox.inbox();
        let queued: usize = inbox.entries().map(|entry| entry.envelope.footprint()).sum();
        queued + self.in_logs
    }
}

impl Registry {
    /// Like [`oldest`](Self::oldest), if the subscription is open.
    pub(super) fn oldest_of(&self, mailbox: &Mailbox) -> Option<Instant> {
        self.listeners.contains_key(&mailbox.id).then(|| self.oldest(mailbox))?
    }

    /// When the oldest event was published that waits for a subscription, if the bus keeps time.
    pub(crate) fn oldest(&self, mailbox: &Mailbox) -> Option<Instant> {
        let logs = mailbox.logs();
        let oldest =
            logs.filter_map(|(number, place, _)| self.types[number].feed.log.oldest(place));
        let oldest = oldest.min();
        oldest.into_iter().chain(mailbox.inbox().oldest()).min()
    }

    /// The figures of a subscription, from its queue and the logs it reads.
    pub(crate) fn figures(&self, mailbox: &Mailbox) -> Figures {
        let inbox = mailbox.inbox();
        let mut figures = Figures {
            queued: inbox.queued(),
            high_water: inbox.high_water,
            demand: inbox.demand,
            missed: inbox.gap,
            in_logs: 0,
            accounts: inbox.accounts.clone(),
        };
        for source in inbox.sources() {
            let entry = &self.types[source.type_number];
            let account = &mut figures.accounts[source.member];
            let stats = entry.feed.add_stats(source.place(), account);
            source.removed.correct(&mut account.ledger);
            let waiting = usize::try_from(stats.waiting).unwrap_or(usize::MAX);
            figures.queued += waiting;
            figures.in_logs += waiting * entry.info.size;
        }
        // An event that is being merged into another is queued, and takes no capacity.
        let seen = (figures.queued - inbox.merging()).max(mailbox.seen_waiting());
        figures.high_water = figures.high_water.max(seen);
        figures.demand = figures.demand.max(figures.high_water);
        drop(inbox);
        if let (Some(progress), [account]) = (mailbox.progress(), &mut figures.accounts[..])
            && let Some(entry) = self.find(account.info)
        {
            let stats = entry.feed.add_stats(progress.place(), account);
            let waiting = usize::try_from(stats.waiting).unwrap_or(usize::MAX);
            figures.queued += waiting;
            figures.in_logs = waiting * entry.info.size;
            figures.missed += progress.lost();
            figures.high_water = figures.high_water.max(progress.high_water()).max(figures.queued);
            let demand = usize::try_from(stats.demand).unwrap_or(usize::MAX);
            figures.demand = figures.demand.max(demand).max(figures.high_water);
        }
        figures
    }
}
