//! `kanal`, bounded; what is there is taken with `drain_into`, and only when there is nothing is a
//! single message waited for, as its documentation shows.

use kanal::{AsyncReceiver, Receiver, Sender, bounded};

use crate::events::Message;
use crate::flow::Sink;
use crate::harness::{CAPACITY, Channel, TaskChannel, ThreadChannel};

#[derive(Debug)]
pub(crate) struct Kanal;

/// A receiver, for tasks and for threads, and the buffer for its batches.
#[derive(Debug)]
pub(crate) struct Reader<M> {
    tasks: AsyncReceiver<M>,
    threads: Receiver<M>,
    batch: Vec<M>,
}

impl<M: Message> Reader<M> {
    /// Whether anything was there.
    #[inline]
    fn drain<S: Sink<M>>(&mut self, sink: &mut S) -> bool {
        let count = self.threads.drain_into(&mut self.batch).expect("the sender is there");
        self.batch.drain(..).for_each(|message| sink.take(&message));
        count > 0
    }
}

impl Channel for Kanal {
    const NAME: &'static str = "kanal";
    const NOTE: &'static str = "spins a while before it parks a thread";

    type Sender<M: Message> = Sender<M>;
    type Receiver<M: Message> = Reader<M>;

    fn open<M: Message>(capacity: usize) -> (Sender<M>, Reader<M>) {
        let (sender, threads) = bounded(capacity);
        let batch = Vec::with_capacity(CAPACITY);
        (sender, Reader { tasks: threads.clone_async(), threads, batch })
    }

    #[inline]
    fn try_send<M: Message>(sender: &Sender<M>, message: M) -> bool {
        sender.try_send(message).is_ok_and(|sent| sent)
    }

    #[inline]
    fn try_recv<M: Message>(receiver: &mut Reader<M>) -> Option<M> {
        receiver.threads.try_recv().ok().flatten()
    }
}

impl TaskChannel for Kanal {
    #[inline]
    async fn send<M: Message>(sender: &Sender<M>, message: M) {
        let _ = sender.as_async().send(message).await;
    }

    #[inline]
    async fn recv<M: Message, S: Sink<M>>(receiver: &mut Reader<M>, sink: &mut S) {
        if !receiver.drain(sink) {
            sink.take(&receiver.tasks.recv().await.expect("the sender is there"));
        }
    }
}

impl ThreadChannel for Kanal {
    #[inline]
    fn blocking_send<M: Message>(sender: &Sender<M>, message: M) {
        let _ = sender.send(message);
    }

    #[inline]
    fn blocking_recv<M: Message, S: Sink<M>>(receiver: &mut Reader<M>, sink: &mut S) {
        if !receiver.drain(sink) {
            sink.take(&receiver.threads.recv().expect("the sender is there"));
        }
    }
}
