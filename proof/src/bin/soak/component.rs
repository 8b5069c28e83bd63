//! Components, and what others may know of them.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::events::Kind;
use crate::seat::Seat;
use crate::stage::Stage;

/// What others may know of a component.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Its name, which no other component of the bus has.
    pub(crate) name: String,
    /// Its number, by which its events name it; from 1.
    pub(crate) number: u32,
    pub(crate) role: Role,
    /// Whether it runs on a thread of its own, so that it may block.
    pub(crate) on_thread: bool,
    /// How many things it is busy with, for a component that publishes, asks or has helpers.
    pub(crate) busy: AtomicU32,
    /// It is to do nothing for a while.
    pub(crate) stalled: AtomicBool,
    /// It is to end.
    pub(crate) dismissed: AtomicBool,
    /// It has ended, and dropped all that it had.
    pub(crate) gone: AtomicBool,
    /// The number of its last event or question.
    pub(crate) last_number: AtomicU32,
    pub(crate) received: PerKind,
    /// What it published, asked or answered, as far as it can know that the bus took it.
    pub(crate) published: PerKind,
    /// How many of those the bus may not have taken: requests that failed as a cycle.
    pub(crate) unsure: PerKind,
    /// How many events it was told that it missed.
    pub(crate) missed: AtomicU64,
    /// How many requests it made.
    pub(crate) asked: AtomicU64,
}

/// What a component is on the bus.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum Role {
    #[default]
    Director,
    Publisher,
    Asker,
    /// A reader, or a responder.
    Subscriber(Seat),
}

impl Part {
    pub(crate) fn seat(&self) -> Option<Seat> {
        if let Role::Subscriber(seat) = self.role { Some(seat) } else { None }
    }

    /// Waits while it is to do nothing.
    pub(crate) async fn stall(&self) {
        while self.stalled.load(Ordering::SeqCst) && !self.is_dismissed() {
            self.rest(Duration::from_millis(2)).await;
        }
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::SeqCst)
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.busy.load(Ordering::SeqCst) == 0
    }

    /// It is busy until the result is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(self))
    }

    /// Waits for a time, or lets others run if that is 0.
    pub(crate) async fn rest(&self, time: Duration) {
        match (self.on_thread, time) {
            (true, Duration::ZERO) => std::thread::yield_now(),
            (true, _) => std::thread::sleep(time),
            (false, Duration::ZERO) => tokio::task::yield_now().await,
            (false, _) => tokio::time::sleep(time).await,
        }
    }
}

/// Something that a component is busy with.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Part>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A count for each kind of event.
#[derive(Debug, Default)]
pub(crate) struct PerKind([AtomicU64; Kind::COUNT]);

impl PerKind {
    pub(crate) fn count(&self, kind: Kind) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back a count.
    pub(crate) fn uncount(&self, kind: Kind) {
        self.0[kind as usize].fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize].load(Ordering::SeqCst)
    }

    pub(crate) fn all(&self) -> u64 {
        Kind::ALL.into_iter().map(|kind| self.of(kind)).sum()
    }
}

/// A component that runs.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) part: Arc<Part>,
    task: tokio::task::JoinHandle<()>,
}

impl Component {
    /// Runs a component, as a task or on a thread of its own.
    pub(crate) fn start(
        stage: &Stage,
        part: &Arc<Part>,
        run: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let presence = Presence(Arc::clone(part));
        let run = async move {
            let _presence = presence;
            run.await;
        };
        let runtime = stage.run.runtime.clone();
        let task = if part.on_thread {
            let on = runtime.clone();
            runtime.spawn_blocking(move || on.block_on(run))
        } else {
            runtime.spawn(run)
        };
        Self { part: Arc::clone(part), task }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Ends it: a task where it awaits, a thread as soon as it looks.
    pub(crate) fn dismiss(&self) {
        self.part.dismissed.store(true, Ordering::SeqCst);
        self.task.abort();
    }
}

/// Notes that a component has ended, after all that it had was dropped.
#[derive(Debug)]
struct Presence(Arc<Part>);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::SeqCst);
    }
}

/// A panic that a component is meant to have, and that the panic hook does not see.
pub(crate) fn die() -> ! {
    std::panic::resume_unwind(Box::new("planned"))
}
