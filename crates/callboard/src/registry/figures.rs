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
    /// What it has lost since the last event queued.
    pub(crate) missed: u64,
    /// How many of those queued are in the log, and how large one is.
    in_log: (usize, usize),
    /// One per member.
    pub(crate) accounts: Vec<Account>,
}

impl Figures {
    /// The account of all members together.
    pub(crate) fn ledger(&self) -> Ledger {
        let mut total = Ledger::default();
        self.accounts.iter().for_each(|account| total.add(&account.ledger));
        total
    }

    /// What the subscription that has them holds. It goes through all that is queued.
    pub(crate) fn holdings(&self, mailbox: &Mailbox) -> Holdings {
        let inbox = mailbox.inbox();
        let (waiting, size) = self.in_log;
        let queued: usize = inbox.entries().map(|entry| entry.envelope.footprint()).sum();
        let times = inbox.entries().filter_map(|entry| entry.envelope.held.stamp().published_at());
        Holdings { bytes: queued + waiting * size, oldest: times.min() }
    }
}

/// What a subscription holds.
pub(crate) struct Holdings {
    pub(crate) bytes: usize,
    /// When the oldest event queued was published.
    pub(crate) oldest: Option<Instant>,
}

impl Registry {
    /// How a subscription stands: what its queue and, if it reads one, its log know of it.
    pub(crate) fn figures(&self, mailbox: &Mailbox) -> Figures {
        let inbox = mailbox.inbox();
        let mut figures = Figures {
            queued: inbox.len(),
            high_water: inbox.high_water,
            demand: inbox.demand,
            missed: inbox.gap,
            in_log: (0, 0),
            accounts: inbox.accounts.clone(),
        };
        drop(inbox);
        if let (Some(gauge), [account]) = (mailbox.gauge(), &mut figures.accounts[..])
            && let Some(entry) = self.find(account.info)
        {
            let standing = entry.feed.add_standing(gauge.place(), account);
            let waiting = usize::try_from(standing.waiting).unwrap_or(usize::MAX);
            figures.queued += waiting;
            figures.in_log = (waiting, entry.info.size);
            figures.missed += gauge.lost();
            figures.high_water = figures.high_water.max(gauge.high_water()).max(figures.queued);
            let demand = usize::try_from(standing.demand).unwrap_or(usize::MAX);
            figures.demand = figures.demand.max(demand).max(figures.high_water);
        }
        figures
    }
}
