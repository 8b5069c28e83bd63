//! Serving a subscription: running a handler for each event.

mod handlers;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::{EventSet, Subscription};
use crate::engine::Serving;
use crate::sync::discard;
use handlers::Handlers;

impl<S: EventSet> Subscription<S> {
    /// Runs `handler` for each event, one at a time, until the bus is closed and everything was
    /// handled.
    ///
    /// The bus tracks which event a running handler handles: events it publishes carry that event
    /// as their [`cause`](crate::Delivery::cause), and a plain
    /// [`Bus::request`](crate::Bus::request) is a nested one. The handler's time appears in
    /// [`Bus::snapshot`](crate::Bus::snapshot). A panic ends the handling of that event only (a
    /// call the handler held is abandoned). A handler that waits until its own bus has drained or
    /// settled would wait for itself, so [`drain`](crate::Bus::drain),
    /// [`close_and_drain`](crate::Bus::close_and_drain) and [`settle`](crate::testing::settle())
    /// fail there at once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future unsubscribes and drops the running handler with its event.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event, Request};
    /// #[derive(Debug, Event)]
    /// struct Sum(u32);
    ///
    /// #[derive(Debug, Request)]
    /// #[request(response = Sum)]
    /// struct Add(u32, u32);
    ///
    /// let bus = Bus::new();
    /// bus.start();
    /// let adder = bus.subscriber("adder").late().responder::<Add>();
    /// std::thread::spawn(move || {
    ///     callboard::testing::block_on(adder.serve(|call| async move {
    ///         let sum = call.0 + call.1;
    ///         call.respond(Sum(sum));
    ///     }))
    /// });
    /// let gathered = bus.request(Add(1, 2)).expect(["adder"]).gather_blocking()?;
    /// let (responder, sum) = gathered.responses().next().unwrap();
    /// assert_eq!((responder, sum.0), ("adder", 3));
    /// # Ok::<(), callboard::RequestError>(())
    /// ```
    ///
    /// A handler that changes its component's state between awaits can borrow it with
    /// [`serve_async`](Self::serve_async).
    pub async fn serve<F, H>(mut self, mut handler: F)
    where
        F: FnMut(S::Item) -> H,
        H: Future<Output = ()>,
    {
        let publisher = self.begin_serving(1);
        while let Some(item) = self.recv().await {
            let (mut serving, began) = self.begin_handling(&item, publisher);
            let future = serving.run(|| handler(item));
            handle(future, serving).await;
            self.end_handling(began, None);
        }
    }

    /// Like [`serve`](Self::serve), for an async closure that borrows from its captures, such as
    /// the state of its component. No `Arc<Mutex<_>>` is needed, since one handler runs at a time.
    ///
    /// To spawn such a service, move the state into the closure with `async move`. (The compiler
    /// can't yet prove `Send` for a closure that borrows from the surrounding task.)
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event};
    /// #[derive(Debug, Event)]
    /// struct Deposit(u32);
    ///
    /// # callboard::testing::block_on(async {
    /// let bus = Bus::new();
    /// let deposits = bus.subscribe::<Deposit>("account");
    /// bus.start();
    /// bus.publish(Deposit(2));
    /// bus.publish(Deposit(3));
    /// bus.close();
    ///
    /// let mut balance = 0;
    /// deposits
    ///     .serve_async(async |deposit| {
    ///         balance += deposit.0;
    ///     })
    ///     .await;
    /// assert_eq!(balance, 5);
    /// # });
    /// ```
    pub async fn serve_async<F>(mut self, mut handler: F)
    where
        F: AsyncFnMut(S::Item),
    {
        let publisher = self.begin_serving(1);
        while let Some(item) = self.recv().await {
            let (mut serving, began) = self.begin_handling(&item, publisher);
            let future = serving.run(|| handler(item));
            handle(future, serving).await;
            self.end_handling(began, None);
        }
    }

    /// Runs `handler` for each event, up to `limit` at a time, until the bus is closed and
    /// everything was handled. Handlers start in the order of the events and all run on the task
    /// that polls this future. A `limit` of 0 counts as 1.
    ///
    /// Otherwise as [`serve`](Self::serve).
    pub async fn serve_concurrent<F, H>(mut self, limit: usize, mut handler: F)
    where
        F: FnMut(S::Item) -> H,
        H: Future<Output = ()>,
    {
        let limit = limit.max(1);
        let publisher = self.begin_serving(limit);
        let mut running = Handlers::new();
        std::future::poll_fn(|context| {
            running.set_parent(context.waker());
            loop {
                running.poll(context, |began, oldest| self.end_handling(began, oldest));
                if running.len() >= limit {
                    return Poll::Pending;
                }
                match self.poll_recv(context) {
                    Poll::Ready(Some(item)) => {
                        let (mut serving, began) = self.begin_handling(&item, publisher);
                        let future = serving.run(|| handler(item));
                        match future {
                            Some(future) => running.add(handle(Some(future), serving), began),
                            None => self.end_handling(began, running.oldest()),
                        }
                    }
                    Poll::Ready(None) if running.len() == 0 => return Poll::Ready(()),
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
    }

    /// Like [`serve_concurrent`](Self::serve_concurrent), for an async closure that borrows from
    /// its captures. The handlers share them, so mutable state needs a `RefCell` or a lock.
    ///
    /// # Examples
    ///
    /// ```
    /// # use callboard::{Bus, Event};
    /// # use std::cell::Cell;
    /// #[derive(Debug, Event)]
    /// struct Deposit(u32);
    ///
    /// # callboard::testing::block_on(async {
    /// let bus = Bus::new();
    /// let deposits = bus.subscribe::<Deposit>("account");
    /// bus.start();
    /// bus.publish(Deposit(2));
    /// bus.publish(Deposit(3));
    /// bus.close();
    ///
    /// let balance = Cell::new(0);
    /// deposits
    ///     .serve_async_concurrent(8, async |deposit| balance.set(balance.get() + deposit.0))
    ///     .await;
    /// assert_eq!(balance.get(), 5);
    /// # });
    /// ```
    pub async fn serve_async_concurrent<F>(self, limit: usize, handler: F)
    where
        F: AsyncFn(S::Item),
    {
        self.serve_concurrent(limit, |item| handler(item)).await;
    }

    /// Declares that up to `limit` handlers run at a time. Returns the publisher number under which
    /// the registry counts their publications.
    fn begin_serving(&self, limit: usize) -> u32 {
        self.reader.mailbox.serve(limit);
        self.core.registry().publishers.number(&self.reader.mailbox.settings.name)
    }

    /// Begins handling the event taken last. Returns the handler's scope and the time, unless the
    /// clock panics.
    fn begin_handling(&mut self, item: &S::Item, publisher: u32) -> (Serving, Option<Instant>) {
        let (scope, now) = (S::scope(item), self.core.now());
        let context = self.reader.hand.take();
        let mailbox = &self.reader.mailbox;
        let info = scope.info();
        let card = info.and_then(|info| self.core.directory.find(info.id()));
        mailbox.begin_handling(info.map_or("", |it| it.name), now.unwrap_or(self.core.built_at));
        let (bus, number) = (self.core.identity(), card.map(|card| card.number));
        (scope.serve(bus, mailbox, publisher, context, number), now)
    }

    /// Records that a handler ended; `oldest` is when the longest-running one began.
    fn end_handling(&self, began: Option<Instant>, oldest: Option<Instant>) {
        let times = self.core.now().zip(began);
        let time =
            times.map_or(Duration::ZERO, |(now, began)| now.saturating_duration_since(began));
        self.reader.mailbox.inbox().handler_stats_mut().end(time, oldest);
        self.core.changed.notify_all();
    }
}

/// A running handler. Each poll, and its destructor, runs in its scope, with panics caught.
struct Handling<H> {
    /// `Some` until the handler has ended.
    future: Option<Pin<Box<H>>>,
    serving: Serving,
}

/// Wraps a handler's future; `None` if the handler panicked before returning one.
fn handle<H>(future: Option<H>, serving: Serving) -> Handling<H> {
    Handling { future: future.map(Box::pin), serving }
}

impl<H: Future<Output = ()>> Future for Handling<H> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { future, serving } = &mut *self;
        let Some(running) = future else {
            return Poll::Ready(());
        };
        if let Some(Poll::Pending) = serving.run(|| running.as_mut().poll(context)) {
            return Poll::Pending;
        }
        // The handler's remaining state is dropped in its scope, too: a destructor may make
        // requests.
        serving.enter(|| discard(future.take()));
        Poll::Ready(())
    }
}

impl<H> Drop for Handling<H> {
    fn drop(&mut self) {
        let Self { future, serving } = self;
        if future.is_some() {
            serving.enter(|| discard(future.take()));
        }
    }
}
