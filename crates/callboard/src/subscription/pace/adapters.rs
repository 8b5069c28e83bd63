//! The methods that turn a subscription into a paced one.

use std::time::Duration;

use super::rule::Rule;
use super::{EventSet, Held, Paced, Subscription};

impl<S: EventSet> Subscription<S> {
    /// Returns the latest item once no item has arrived for `quiet`, or `at_most` after the first
    /// item of the burst, whichever is earlier. See [`Paced`] for the common behaviour of both
    /// adapters.
    ///
    /// `at_most` bounds the delay for a stream that is never quiet; [`Duration::MAX`] disables it.
    /// If it is shorter than `quiet`, the burst ends `at_most` after its first item. With zero for
    /// either, nothing waits and nothing is merged.
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

    /// Returns the latest item at most once per `period`: the first at once, and those that arrive
    /// within the following period merged into one, at its end. See [`Paced`] for the common
    /// behaviour of both adapters.
    ///
    /// A period begins whenever a burst is returned. Items that are already queued when the next
    /// burst may be returned form one burst: those of a replay, for example, or those that arrived
    /// while handling the last one took longer than a period. With a period of zero nothing waits
    /// and nothing is merged.
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
