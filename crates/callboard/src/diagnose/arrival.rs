//! Why one subscriber did or did not receive the events of one type.

use std::fmt;

use crate::event::Pattern;
use crate::overflow::Ledger;
use crate::snapshot::{InterestSnapshot, Snapshot, SubscriberSnapshot};

/// Why a subscriber did or did not receive the events of a type; the first reason that applies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Arrival {
    /// There is no subscriber with that name.
    NoSuchSubscriber,
    /// The subscriber named other types.
    NotSubscribed {
        /// The types that it named.
        subscribed: Vec<String>,
    },
    /// The subscriber's pattern does not match the type.
    Filtered {
        /// The pattern, or its error.
        pattern: String,
    },
    /// No event of the type was published.
    NeverPublished,
    /// The events wait for the start.
    Buffered {
        /// How many.
        waiting: u64,
    },
    /// Events were dropped.
    Dropped {
        /// The account, with the counts by reason.
        ledger: Ledger,
        /// How many the start buffer dropped, before they reached any subscriber.
        before_start: u64,
    },
    /// Events wait in the subscriber's queue.
    NotRead {
        /// How many.
        queued: u64,
        /// Whether it is still handling an earlier event.
        handling: bool,
    },
    /// All events were published before the subscriber subscribed.
    CameLate {
        /// Where it subscribed.
        call_site: String,
    },
    /// The subscriber answers requests of the type, and none was made with
    /// [`Bus::request`](crate::Bus::request) since it subscribed. A request that is published only
    /// reaches subscribers to the type, not its responders.
    NotAsked {
        /// Where it subscribed.
        call_site: String,
    },
    /// All offered events were delivered.
    Delivered {
        /// How many.
        delivered: u64,
    },
}

pub(super) fn arrival(snapshot: &Snapshot, subscriber: &str, event_type: &str) -> Arrival {
    let mut of_that_name = snapshot.subscribers.iter().filter(|other| other.name == subscriber);
    let Some(first) = of_that_name.clone().next() else {
        return Arrival::NoSuchSubscriber;
    };
    let wants = |interest: &InterestSnapshot| match interest {
        InterestSnapshot::Everything => true,
        InterestSnapshot::Types(types) => types.iter().any(|name| name == event_type),
        InterestSnapshot::Matching(pattern) => {
            Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(event_type))
        }
        InterestSnapshot::BadPattern(_) => false,
    };
    let Some(subscriber) = of_that_name.find(|other| wants(&other.interest)) else {
        return match &first.interest {
            InterestSnapshot::Types(types) => Arrival::NotSubscribed { subscribed: types.clone() },
            InterestSnapshot::Matching(pattern) | InterestSnapshot::BadPattern(pattern) => {
                Arrival::Filtered { pattern: pattern.clone() }
            }
            InterestSnapshot::Everything => unreachable!("it wants every type"),
        };
    };
    let Some(of_type) = snapshot.event_type(event_type).filter(|of_type| of_type.published > 0)
    else {
        return Arrival::NeverPublished;
    };
    let mut ledger = Ledger::default();
    for account in subscriber.accounts.iter().filter(|other| other.event_type == event_type) {
        ledger.add(&account.ledger);
    }
    let before_start = of_type.buffered.lost();
    // Of the requests that wait for the start, those that are open were made by `request`.
    let asked = || snapshot.requests.open.iter().any(|open| open.event_type == event_type);
    if of_type.buffered.queued > 0 && (!only_answers(subscriber, event_type) || asked()) {
        Arrival::Buffered { waiting: of_type.buffered.queued }
    } else if ledger.lost() > 0 || before_start > 0 {
        Arrival::Dropped { ledger, before_start }
    } else if ledger.queued > 0 {
        let handling = subscriber.in_hand || subscriber.handling > 0;
        Arrival::NotRead { queued: ledger.queued, handling }
    } else if ledger.offered == 0 {
        let call_site = subscriber.call_site.clone();
        if only_answers(subscriber, event_type) {
            Arrival::NotAsked { call_site }
        } else {
            Arrival::CameLate { call_site }
        }
    } else {
        Arrival::Delivered { delivered: ledger.delivered }
    }
}

/// Whether the subscriber answers requests of a type, and does not observe them.
fn only_answers(subscriber: &SubscriberSnapshot, event_type: &str) -> bool {
    let count = |names: &[String]| names.iter().filter(|name| *name == event_type).count();
    let InterestSnapshot::Types(types) = &subscriber.interest else { return false };
    count(types) == count(&subscriber.answers)
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchSubscriber => f.write_str("nobody of that name is subscribed"),
            Self::NotSubscribed { subscribed } => {
                write!(f, "not subscribed: it named `{}`", subscribed.join("`, `"))
            }
            Self::Filtered { pattern } => write!(f, "filtered out: {pattern}"),
            Self::NeverPublished => f.write_str("never published"),
            Self::Buffered { waiting } => {
                write!(f, "buffered: {waiting} waiting for the start; call `start`")
            }
            Self::Dropped { ledger, before_start } => {
                write!(f, "dropped:")?;
                if *before_start > 0 {
                    write!(f, " {before_start} before start;")?;
                }
                for (reason, count) in ledger.drops() {
                    write!(f, " {count} {reason};")?;
                }
                write!(f, " {} delivered", ledger.delivered)
            }
            Self::NotRead { queued, handling: true } => {
                write!(f, "not read: {queued} waiting while it handles an earlier event")
            }
            Self::NotRead { queued, .. } => write!(f, "not read: {queued} waiting in its queue"),
            Self::CameLate { call_site } => write!(
                f,
                "it subscribed, at {call_site}, after all of them had been published; subscribe \
                 before `start`, or ask for `.with_retained()`"
            ),
            Self::NotAsked { call_site } => write!(
                f,
                "it answers `Bus::request`, and was not asked since it subscribed, at {call_site}; a \
                 request that is published only reaches subscribers to the type"
            ),
            Self::Delivered { delivered } => write!(f, "delivered: {delivered}"),
        }
    }
}
