//! Closing a bus: at once, once every subscriber has drained, or once the bus is idle.

use std::time::Duration;

use crate::bus::Bus;
use crate::engine::Deferred;
use crate::error::{DrainError, Unfinished};
use crate::registry::{Core, Registry};

impl Bus {
    /// Closes the bus immediately and permanently: later publications report
    /// [`closed`](crate::Published::closed); subscribers receive their queued events, then `None`;
    /// open requests end with [`End::Closed`](crate::End::Closed). Events still buffered are
    /// dropped, counted and reported. Closing twice does nothing.
    ///
    /// | | refuses publications | waits | for |
    /// | --- | --- | --- | --- |
    /// | `close` | all, at once | no | |
    /// | [`close_and_drain`](Self::close_and_drain) | all, at once | yes | subscribers to handle what they hold |
    /// | [`drain`](Self::drain) | from outside handlers at once, all in the end | yes | everything that follows from what was published |
    pub fn close(&self) {
        self.core().close();
    }

    /// Closes the bus and waits until every subscriber has drained: it has taken all its events,
    /// and the handlers run by [`serve`](crate::Subscription::serve) have ended. A dropped
    /// subscription counts as drained.
    ///
    /// # Errors
    ///
    /// If `timeout` passes first: the subscribers that did not finish, and their remaining work.
    /// Fails at once if a served handler of this bus calls it, since it would wait for that
    /// handler; the bus is closed all the same.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops waiting; the bus stays closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event};
    /// # use std::time::Duration;
    /// # #[derive(Debug, Event)]
    /// # struct Tick;
    /// # callboard::testing::block_on(async {
    /// let bus = Bus::new();
    /// let stuck = bus.subscribe::<Tick>("stuck");
    /// bus.start();
    /// bus.publish(Tick);
    /// let error = bus.close_and_drain(Duration::from_millis(1)).await.unwrap_err();
    /// assert_eq!(error.unfinished()[0].subscriber, "stuck");
    /// drop(stuck);
    /// assert!(bus.close_and_drain(Duration::from_millis(1)).await.is_ok());
    /// # });
    /// ```
    pub async fn close_and_drain(&self, timeout: Duration) -> Result<(), DrainError> {
        self.close();
        let core = self.core();
        if let Some(handler) = core.calling_handler() {
            return Err(DrainError { calling_handler: Some(handler), ..unfinished(core) });
        }
        core.wait_until(timeout, || finished(unfinished(core))).await
    }

    /// Shuts the bus down gracefully. From now on it refuses publications and requests from outside
    /// handlers; handlers may still publish and make requests that follow from their event, until
    /// the bus is idle: nothing is queued or waits for the start, no served handler runs and no
    /// request is open. Then the bus closes.
    ///
    /// "Inside a handler" means code that [`serve`](crate::Subscription::serve) runs on this bus,
    /// [`Call::request`](crate::Call::request) and every answer. A hand-written loop names the
    /// event that it handles with [`publish_caused_by`](Self::publish_caused_by); its other
    /// publications are refused.
    ///
    /// **A hand-written loop gets 100 ms for its last event**, once all else is idle: the bus can't
    /// know whether the loop is done with it until it asks for the next. Later publications are
    /// refused, and [`diagnose`](Self::diagnose) reports them
    /// ([`CutOff`](crate::FindingKind::CutOff)). If the work takes longer, use `serve` or
    /// [`serve_async`](crate::Subscription::serve_async), whose handlers `drain` waits for.
    ///
    /// [Debounced and throttled](crate::Paced) items are returned at once.
    /// [Scheduled](crate::Scheduled) events are not waited for.
    ///
    /// # Errors
    ///
    /// If `timeout` passes first: what held it up. The bus is then closed all the same, so that
    /// subscribers still receive their queued events. Fails at once, without changing the bus, if a
    /// served handler of this bus calls it, since it would wait for that handler: spawn it, or call
    /// [`close`](Self::close).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops waiting; the bus continues to refuse publications from outside
    /// handlers. Call `drain` again or [`close`](Self::close).
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    /// use std::time::Duration;
    ///
    /// #[derive(Debug, Event)]
    /// struct Order(u32);
    /// #[derive(Debug, Event)]
    /// struct Shipped(u32);
    ///
    /// # callboard::testing::block_on(async {
    /// let bus = Bus::new();
    /// let orders = bus.subscribe::<Order>("warehouse");
    /// let mut shipped = bus.subscribe::<Shipped>("ledger");
    /// bus.start();
    /// bus.publish(Order(7));
    ///
    /// let warehouse = bus.clone();
    /// std::thread::spawn(move || {
    ///     callboard::testing::block_on(orders.serve(|order| {
    ///         warehouse.publish(Shipped(order.0));
    ///         async {}
    ///     }))
    /// });
    /// std::thread::spawn(move || assert!(shipped.iter().map(|it| it.0).eq([7])));
    ///
    /// bus.drain(Duration::from_secs(5)).await?;
    /// assert!(bus.publish(Order(8)).closed());
    /// # Ok::<(), callboard::DrainError>(())
    /// # }).unwrap();
    /// ```
    pub async fn drain(&self, timeout: Duration) -> Result<(), DrainError> {
        let core = self.core();
        if let Some(handler) = core.calling_handler() {
            return Err(DrainError { calling_handler: Some(handler), ..outstanding(core) });
        }
        core.with(Registry::refuse_outsiders);
        // Open requests may only have been waiting for the start.
        core.changed.notify_all();
        let drained = quiet(core, timeout).await;
        self.close();
        drained
    }
}

/// How long `drain` waits for a hand-written loop to ask for another event, once all else is quiet.
/// A loop that publishes follow-up events without waiting needs microseconds; a component that took
/// an event and never asks for another must not delay `drain` for long.
const GRACE: Duration = Duration::from_millis(100);

/// Waits until the bus is idle.
async fn quiet(core: &Core, timeout: Duration) -> Result<(), DrainError> {
    let began = core.now();
    let left = || match (began, core.now()) {
        (Some(began), Some(now)) => timeout.saturating_sub(now.saturating_duration_since(began)),
        _ => timeout,
    };
    loop {
        core.wait_until(left(), || finished(outstanding(core))).await?;
        let idle = || {
            let busy = core.registry().busy();
            if busy.is_empty() {
                Ok(Idle::All)
            } else if outstanding(core).is_empty() {
                Err(())
            } else {
                Ok(Idle::NotAnyMore)
            }
        };
        match core.wait_until(GRACE.min(left()), idle).await {
            Ok(Idle::NotAnyMore) => {}
            Ok(Idle::All) if !outstanding(core).is_empty() => {}
            Ok(Idle::All) | Err(()) => return Ok(()),
        }
    }
}

/// The result of waiting for hand-written loops.
enum Idle {
    /// Each has asked for its next event.
    All,
    /// One of them has published an event that must be handled.
    NotAnyMore,
}

fn finished(error: DrainError) -> Result<(), DrainError> {
    if error.is_empty() { Ok(()) } else { Err(error) }
}

/// The subscribers' unfinished work, as an error.
fn unfinished(core: &Core) -> DrainError {
    let busy = core.registry().busy().into_iter().map(|busy| Unfinished {
        subscriber: busy.name.to_string(),
        queued: busy.queued as u64,
        in_hand: busy.served_in_hand(),
    });
    let unfinished = busy.filter(|it| it.queued + it.in_hand > 0).collect();
    DrainError { unfinished, ..DrainError::default() }
}

/// The work that could still lead to an event, as an error.
fn outstanding(core: &Core) -> DrainError {
    let mut error = unfinished(core);
    error.buffered = core.registry().buffered();
    // Checked after the queues: a request that was in none of them then is still open now.
    error.requests = core.open_requests().into_iter().map(str::to_owned).collect();
    error
}

impl Registry {
    /// From now on only accepts publications and requests of handlers.
    fn refuse_outsiders(&mut self, deferred: &mut Deferred<'_>) {
        self.draining = true;
        self.refresh_modes();
        self.listeners.values().for_each(|listener| listener.mailbox.hurry(deferred));
    }
}
