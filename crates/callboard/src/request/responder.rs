//! Subscribing to the calls of a request type.

use std::iter::Empty;

use super::{Call, Request};
use crate::bus::Bus;
use crate::engine::{LentTaken, Scope, Taken};
use crate::event::{Metadata, Receipt, Received};
use crate::registry::{Interest, MemberInterest, Role};
use crate::subscription::{EventSet, Member, SubscriberBuilder, Subscription};

/// A responder's inbox: a subscription to the calls of one request type.
pub type Responder<Q> = Subscription<Call<Q>>;

impl<Q: Request> Member for Call<Q> {
    type Ref<'a> = Self;

    fn interest() -> MemberInterest {
        MemberInterest::of::<Q>(Role::Respond)
    }

    fn take(taken: Taken) -> Self {
        Self::new(taken)
    }

    fn lent(_: LentTaken<'_>) -> Self {
        unreachable!("a call comes by a queue, which lends nothing")
    }

    fn keep(lent: Self) -> Self {
        lent
    }

    fn scope(item: &Self) -> Scope {
        item.scope()
    }

    fn metadata(item: &Self) -> Metadata {
        Received::metadata(item)
    }

    fn receipt(item: &Self) -> Option<&Receipt> {
        Received::receipt(item)
    }
}

impl<Q: Request> EventSet for Call<Q> {
    type Item = Self;
    type Ref<'a> = Self;
    type Lent<'a> = Empty<Self>;

    fn interest() -> Interest {
        Interest::members([MemberInterest::of::<Q>(Role::Respond)])
    }

    fn item(taken: Taken) -> Self {
        Self::new(taken)
    }

    fn lent(taken: LentTaken<'_>) -> Self {
        <Self as Member>::lent(taken)
    }

    fn keep(lent: Self) -> Self {
        lent
    }

    fn scope(item: &Self) -> Scope {
        item.scope()
    }
}

impl Bus {
    /// Signs in as a responder with the same defaults as [`subscribe`](Self::subscribe).
    #[track_caller]
    pub fn responder<Q: Request>(&self, name: impl Into<String>) -> Responder<Q> {
        self.subscriber(name).responder()
    }
}

impl SubscriberBuilder {
    /// Signs in as a responder to requests of type `Q`.
    #[track_caller]
    pub fn responder<Q: Request>(&self) -> Responder<Q> {
        self.subscribe::<Call<Q>>()
    }
}
