//! The model's accounts.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use callboard::{DropReason, Ledger};

use crate::events::Kind;

/// What became of the events offered to somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tally {
    pub(crate) offered: u64,
    pub(crate) delivered: u64,
    pub(crate) queued: u64,
    pub(crate) drops: BTreeMap<DropReason, u64>,
}

impl Tally {
    pub(crate) fn drop(&mut self, reason: DropReason) {
        *self.drops.entry(reason).or_default() += 1;
    }

    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign<&Self> for Tally {
    fn add_assign(&mut self, other: &Self) {
        self.offered += other.offered;
        self.delivered += other.delivered;
        self.queued += other.queued;
        for (reason, count) in &other.drops {
            *self.drops.entry(*reason).or_default() += count;
        }
    }
}

/// The bus's account, which must balance, and whose sums must be sums.
impl From<Ledger> for Tally {
    fn from(ledger: Ledger) -> Self {
        let Ledger { offered, delivered, queued, .. } = ledger;
        let drops: BTreeMap<DropReason, u64> = ledger.drops().collect();
        for reason in DropReason::ALL {
            let listed = drops.get(&reason).copied().unwrap_or_default();
            assert_eq!(ledger.dropped(reason), listed, "{reason}: {ledger:?}");
        }
        let losses =
            [DropReason::Full, DropReason::Oldest, DropReason::BufferFull, DropReason::Closed];
        let lost = losses.iter().filter_map(|reason| drops.get(reason));
        assert_eq!(ledger.lost(), lost.sum::<u64>(), "lost: {ledger:?}");
        assert_eq!(ledger.dropped_total(), drops.values().sum::<u64>(), "dropped: {ledger:?}");
        assert!(ledger.balances(), "{ledger:?}");
        assert_eq!(offered, delivered + queued + ledger.dropped_total(), "{ledger:?}");
        Self { offered, delivered, queued, drops }
    }
}

/// Accounts by kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tallies<K>(BTreeMap<K, Tally>);

/// What an account of a subscription is of: events, or the calls that it answers.
pub(crate) type Member = (Kind, bool);

impl<K: Ord + Copy> Tallies<K> {
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn of(&mut self, key: K) -> &mut Tally {
        self.0.entry(key).or_default()
    }

    pub(crate) fn get(&self, key: K) -> Tally {
        self.0.get(&key).cloned().unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &Tally)> {
        self.0.iter().map(|(key, tally)| (*key, tally))
    }
}
