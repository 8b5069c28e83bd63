//! The components of a bus: who publishes, reads, asks and answers.
//!
//! | component | what it does |
//! | --- | --- |
//! | [`publisher`] | bursts of events of a few kinds, at the tempo of the phase |
//! | [`reader`] | one subscription, read in one of [nine manners](reader::Manner), at its own pace |
//! | [`responder`] | answers calls: at once, late, not at all, by asking others, with a panic |
//! | [`asker`] | makes requests, waits for what they bring, or does not |
//!
//! Each runs as a task or as a thread, and each has a [`Part`]: what others may know of it. The
//! director of the stage tells it there to stop or to go; otherwise it only obeys the stage's cue.

mod asker;
mod conduct;
mod part;
mod publisher;
mod reader;
mod reading;
mod responder;
mod wants;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use asker::Rule;
pub(crate) use part::{Doing, Part, Role, Seat};
pub(crate) use publisher::Publisher;
pub(crate) use wants::Wants;

use crate::events::Kind;
use crate::phases::Stage;
use crate::random::Random;

/// A component and what runs it.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) part: Arc<Part>,
    hands: Hands,
}

/// What runs a component.
#[derive(Debug)]
enum Hands {
    Thread(std::thread::JoinHandle<()>),
    Task(tokio::task::JoinHandle<()>),
}

/// The panic of a component that is meant to die.
#[derive(Debug)]
pub(crate) struct Planned;

/// Dies by a panic that no panic hook hears of.
pub(crate) fn die() -> ! {
    std::panic::resume_unwind(Box::new(Planned))
}

impl Component {
    pub(crate) fn publisher(stage: &Arc<Stage>, random: &mut Random) -> Self {
        publisher::start(stage, random.fork())
    }

    pub(crate) fn reader(stage: &Arc<Stage>, random: &mut Random) -> Option<Self> {
        reader::start(stage, random.fork())
    }

    pub(crate) fn responder(stage: &Arc<Stage>, random: &mut Random) -> Option<Self> {
        let to = if random.one_in(3) { Kind::Detail } else { Kind::Inquiry };
        responder::start(stage, to, random.fork())
    }

    pub(crate) fn asker(stage: &Arc<Stage>, random: &mut Random) -> Self {
        asker::start(stage, random.fork())
    }

    /// Runs a component as a thread.
    fn thread(stage: &Stage, part: Arc<Part>, run: impl FnOnce() + Send + 'static) -> Self {
        let presence = Presence(Arc::clone(&part));
        part.beat(stage.run.nanos());
        let body = move || {
            let _presence = presence;
            run();
        };
        let thread = std::thread::Builder::new().name(part.name.clone()).spawn(body);
        Self { part, hands: Hands::Thread(thread.expect("the system gives a thread")) }
    }

    /// Runs a component as a task.
    fn task(
        stage: &Stage,
        part: Arc<Part>,
        run: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let presence = Presence(Arc::clone(&part));
        part.beat(stage.run.nanos());
        let body = async move {
            let _presence = presence;
            run.await;
        };
        Self { part, hands: Hands::Task(stage.run.runtime.spawn(body)) }
    }

    pub(crate) fn is_finished(&self) -> bool {
        match &self.hands {
            Hands::Thread(thread) => thread.is_finished(),
            Hands::Task(task) => task.is_finished(),
        }
    }

    /// Has it go: a task dies where it is, a thread as soon as it looks.
    pub(crate) fn dismiss(&self) {
        self.part.dismissed.store(true, std::sync::atomic::Ordering::SeqCst);
        if let Hands::Task(task) = &self.hands {
            task.abort();
        }
    }
}

/// Says that a component is gone, once all it held is.
#[derive(Debug)]
struct Presence(Arc<Part>);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.set_doing(Doing::Gone);
    }
}

/// How a thread or a task waits.
#[derive(Debug, Clone, Copy)]
enum Rest {
    Yield,
    For(Duration),
}

impl Rest {
    fn of_thread(self) {
        match self {
            Self::Yield => std::thread::yield_now(),
            Self::For(time) => std::thread::sleep(time),
        }
    }

    async fn of_task(self) {
        match self {
            Self::Yield => tokio::task::yield_now().await,
            Self::For(time) => tokio::time::sleep(time).await,
        }
    }
}
