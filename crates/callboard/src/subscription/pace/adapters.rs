//! From a subscription to one that is paced.

use std::time::Duration;

use super::rule::Rule;
use super::{EventSet, Held, Paced, Subscription};

impl<S: EventSet> Subscription<S> {
    /// Hands out the latest item once no item has come for `quiet`, or `at_most` after the first of
    /// the burst, whichever is earlier. See [`Paced`] for what both adapters do alike.
    ///
    /// With `at_most`, a stream that is never quiet is still handed out; [`Duration::MAX`]
    /// does without. If it is the shorter of the two, it is what counts: the burst ends that long
    /// after its first item. With zero for either, nothing waits and nothing is merged.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::testing::ManualClock;
    /// use callboard::{Bus, Event};
    /// use std::pin::pin;
    /// use std::task::{Context, Poll, Waker};
    /// use std::time::Duration;
    ///
    /// #[derive(Debug, Event)]
    /// struct Typed(&'static str);
    ///
    /// let clock = ManualClock::new();
    /// let bus = Bus::builder().clock(clock.clone()).build()?;
    /// let second = Duration::from_secs(1);
    /// let mut typed = bus.subscribe::<Typed>("search").debounce(second, 10 * second);
    /// bus.start();
    ///
    /// let mut context = Context::from_waker(Waker::noop());
    /// let mut recv = pin!(typed.recv());
    /// bus.publish(Typed("ca"));
    /// assert!(recv.as_mut().poll(&mut context).is_pending());
    /// clock.advance(second / 2);
    /// bus.publish(Typed("callboard"));
    /// assert!(recv.as_mut().poll(&mut context).is_pending());
    /// clock.advance(second);
    /// let Poll::Ready(Some(burst)) = recv.as_mut().poll(&mut context) else { panic!() };
    /// assert_eq!((burst.0, burst.merged()), ("callboard", 1));
    /// # Ok::<(), callboard::BuildError>(())
    /// ```
    pub fn debounce(self, quiet: Duration, at_most: Duration) -> Paced<S> {
        self.pace(Rule::debounce(quiet, at_most))
    }

    /// Hands out the latest item at most once per `period`: the first at once, and what comes
    /// within a period after that, as one, at the end of the period. See [`Paced`] for what both
    /// adapters do alike.
    ///
    /// The next period begins whenever a burst is handed out. Items that are queued already when
    /// the adapter may hand one out, such as those of a replay, or after the handling of the last
    /// one took longer than a period, are one burst. With a period of zero nothing waits and
    /// nothing is merged.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::testing::ManualClock;
    /// use callboard::{Bus, Event};
    /// use std::task::{Context, Poll, Waker};
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// #[derive(Debug, Event)]
    /// struct Progress { percent: u32 }
    ///
    /// let clock = ManualClock::new();
    /// let bus = Bus::builder().clock(clock.clone()).build()?;
    /// let mut progress = bus.subscribe::<Progress>("bar").throttle(Duration::from_secs(1));
    /// bus.start();
    ///
    /// let mut context = Context::from_waker(Waker::noop());
    /// let mut next = || match pin!(progress.recv()).poll(&mut context) {
    ///     Poll::Ready(Some(burst)) => Some(burst.percent),
    ///     _ => None,
    /// };
    /// bus.publish(Progress { percent: 1 });
    /// assert_eq!(next(), Some(1));
    /// bus.publish(Progress { percent: 2 });
    /// bus.publish(Progress { percent: 3 });
    /// assert_eq!(next(), None);
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(next(), Some(3));
    /// # Ok::<(), callboard::BuildError>(())
    /// ```
    pub fn throttle(self, period: Duration) -> Paced<S> {
        self.pace(Rule::throttle(period))
    }

    fn pace(self, rule: Rule) -> Paced<S> {
        Paced { subscription: self, rule, held: Held::Nothing, deadline: None }
    }
}
