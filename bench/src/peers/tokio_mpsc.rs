//! `tokio::sync::mpsc`, bounded; received with `recv_many`.

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::events::Message;
use crate::flow::Sink;
use crate::harness::{BATCH, Channel, TaskChannel, ThreadChannel};

#[derive(Debug)]
pub(crate) struct TokioMpsc;

/// A receiver and the buffer for its batches.
#[derive(Debug)]
pub(crate) struct Reader<M>(Receiver<M>, Vec<M>);

impl Channel for TokioMpsc {
    const NAME: &'static str = "tokio mpsc";

    type Sender<M: Message> = Sender<M>;
    type Receiver<M: Message> = Reader<M>;

    fn open<M: Message>(capacity: usize) -> (Sender<M>, Reader<M>) {
        let (sender, receiver) = channel(capacity);
        (sender, Reader(receiver, Vec::with_capacity(BATCH)))
    }

    #[inline]
    fn try_send<M: Message>(sender: &Sender<M>, message: M) -> bool {
        sender.try_send(message).is_ok()
    }

    #[inline]
    fn try_recv<M: Message>(receiver: &mut Reader<M>) -> Option<M> {
        receiver.0.try_recv().ok()
    }
}

impl TaskChannel for TokioMpsc {
    #[inline]
    async fn send<M: Message>(sender: &Sender<M>, message: M) {
        let _ = sender.send(message).await;
    }

    #[inline]
    async fn recv<M: Message, S: Sink<M>>(receiver: &mut Reader<M>, sink: &mut S) {
        let Reader(receiver, batch) = receiver;
        receiver.recv_many(batch, BATCH).await;
        batch.drain(..).for_each(|message| sink.take(&message));
    }
}

impl ThreadChannel for TokioMpsc {
    #[inline]
    fn blocking_send<M: Message>(sender: &Sender<M>, message: M) {
        let _ = sender.blocking_send(message);
    }

    #[inline]
    fn blocking_recv<M: Message, S: Sink<M>>(receiver: &mut Reader<M>, sink: &mut S) {
        let Reader(receiver, batch) = receiver;
        receiver.blocking_recv_many(batch, BATCH);
        batch.drain(..).for_each(|message| sink.take(&message));
    }
}
