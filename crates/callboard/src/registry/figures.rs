//! How a subscription stands.

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
    pub(crate) bytes: usize,
    /// When the oldest event queued was published.
    pub(crate) oldest: Option<std::time::Instant>,
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
            bytes: inbox.entries().map(|entry| entry.envelope.footprint()).sum(),
            oldest: inbox
                .entries()
                .filter_map(|entry| entry.envelope.held.stamp().published_at())
                .min(),
            accounts: inbox.accounts.clone(),
        };
        drop(inbox);
        if let (Some(gauge), [account]) = (mailbox.gauge(), &mut figures.accounts[..])
            && let Some(entry) = self.find(account.info)
        {
            let standing = entry.feed.add_standing(gauge.place(), account);
            let waiting = usize::try_from(standing.waiting).unwrap_or(usize::MAX);
            figures.queued += waiting;
            figures.bytes += waiting * entry.info.size;
            figures.missed += gauge.lost();
            figures.high_water = figures.high_water.max(gauge.high_water()).max(figures.queued);
            let demand = usize::try_from(standing.demand).unwrap_or(usize::MAX);
            figures.demand = figures.demand.max(demand).max(figures.high_water);
        }
        figures
    }
}
