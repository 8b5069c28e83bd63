//! Registered handlers, with the feature `tokio`.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::bus::Bus;
use crate::engine::Mailbox;
use crate::registry::Core;
use crate::subscription::EventSet;

/// A closure from an item to a future, both of which are `Send`, as registered by [`Bus::on`].
/// Implemented for all such closures.
pub trait SendHandler<T>: FnMut(T) -> Self::Handling + Send + 'static {
    /// The future that handles one item.
    type Handling: Future<Output = ()> + Send + 'static;
}

impl<T, F, H> SendHandler<T> for F
where
    F: FnMut(T) -> H + Send + 'static,
    H: Future<Output = ()> + Send + 'static,
{
    type Handling = H;
}

/// A registered handler. Returned by [`Bus::on`].
///
/// Dropping it unsubscribes as soon as the runtime runs the task; a running handler is cancelled at
/// its current await point.
#[must_use = "a registration that is dropped unsubscribes"]
pub struct Registration {
    core: Arc<Core>,
    mailbox: Arc<Mailbox>,
    task: AbortHandle,
    detached: bool,
}

impl Bus {
    /// Registers a handler for the events of a type, or of any other [`EventSet`](crate::EventSet),
    /// and runs it on a task of the current tokio runtime: what [`subscribe`](Self::subscribe),
    /// [`serve`](crate::Subscription::serve) and `tokio::spawn` do together. For another capacity
    /// or policy, use those.
    ///
    /// Register handlers before the start, like every subscription. The handler captures its state;
    /// each of its futures owns its data, so a closure clones its captures for each event. An async
    /// closure must name the type of its argument, as in `async |order: Delivery<OrderPlaced>| …`.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, as `tokio::spawn` does.
    ///
    /// # Examples
    ///
    /// ```
    /// use callboard::{Bus, Event};
    ///
    /// #[derive(Debug, Event)]
    /// struct OrderPlaced { total: u32 }
    /// #[derive(Debug, Event)]
    /// struct InvoiceSent { total: u32 }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let bus = Bus::new();
    /// let mut invoices = bus.subscribe::<InvoiceSent>("archive");
    /// let billing = bus.on::<OrderPlaced>("billing", {
    ///     let bus = bus.clone();
    ///     move |order| {
    ///         let bus = bus.clone();
    ///         async move {
    ///             bus.publish(InvoiceSent { total: order.total });
    ///         }
    ///     }
    /// });
    /// bus.start();
    /// bus.publish(OrderPlaced { total: 40 });
    /// assert_eq!(invoices.recv().await.unwrap().total, 40);
    /// assert_eq!(billing.panics(), 0);
    ///
    /// drop(billing);
    /// # }
    /// ```
    #[track_caller]
    pub fn on<S: EventSet>(
        &self,
        name: impl Into<String>,
        handler: impl SendHandler<S::Item>,
    ) -> Registration {
        let subscription = self.subscribe::<S>(name);
        let mailbox = Arc::clone(subscription.mailbox());
        let task = tokio::spawn(subscription.serve(handler)).abort_handle();
        Registration { core: Arc::clone(self.core()), mailbox, task, detached: false }
    }
}

impl Registration {
    /// The subscriber's name.
    pub fn name(&self) -> &str {
        &self.mailbox.settings.name
    }

    /// How many times the handler has panicked. It continues with the next event each time.
    pub fn panics(&self) -> u64 {
        self.mailbox.inbox().handler_stats().panics
    }

    /// The message of the handler's last panic, if there was one.
    pub fn last_panic(&self) -> Option<String> {
        let inbox = self.mailbox.inbox();
        Some(inbox.handler_stats().last_panic.as_ref()?.message.clone())
    }

    /// Waits until the handler has panicked, and returns the message; at once if it already has.
    /// Returns `None` once it has ended without a panic: the bus is closed and everything was
    /// handled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future only stops waiting.
    pub async fn panicked(&self) -> Option<String> {
        let ended = || match self.last_panic() {
            Some(message) => Ok(Some(message)),
            None if self.is_finished() => Ok(None),
            None => Err(()),
        };
        self.core.wait_until(Duration::MAX, ended).await.unwrap_or(None)
    }

    /// Whether the handler will receive no more events: the bus is closed and it has handled
    /// everything, or its runtime has ended.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished() || self.mailbox.is_gone()
    }

    /// Drops the registration and keeps the handler running until the bus is closed.
    pub fn detach(mut self) {
        self.detached = true;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if !self.detached {
            self.task.abort();
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("name", &self.name())
            .field("panics", &self.panics())
            .finish_non_exhaustive()
    }
}
