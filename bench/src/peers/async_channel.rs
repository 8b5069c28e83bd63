//! `async-channel`, bounded; it has no batch form, so after the first message the rest is tried for.

use async_channel::{Receiver, Sender, bounded};

use crate::events::Message;
use crate::flow::Sink;
use crate::harness::{BATCH, Channel, TaskChannel, ThreadChannel};

#[derive(Debug)]
pub(crate) struct AsyncChannel;

#[inline]
fn take_rest<M: Message, S: Sink<M>>(receiver: &Receiver<M>, sink: &mut S) {
    let rest = std::iter::from_fn(|| receiver.try_recv().ok());
    rest.take(BATCH - 1).for_each(|message| sink.take(&message));
}

impl Channel for AsyncChannel {
    const NAME: &'static str = "async-channel";

    type Sender<M: Message> = Sender<M>;
    type Receiver<M: Message> = Receiver<M>;

    fn open<M: Message>(capacity: usize) -> (Sender<M>, Receiver<M>) {
        bounded(capacity)
    }

    #[inline]
    fn try_send<M: Message>(sender: &Sender<M>, message: M) -> bool {
        sender.try_send(message).is_ok()
    }

    #[inline]
    fn try_recv<M: Message>(receiver: &mut Receiver<M>) -> Option<M> {
        receiver.try_recv().ok()
    }
}

impl TaskChannel for AsyncChannel {
    #[inline]
    async fn send<M: Message>(sender: &Sender<M>, message: M) {
        let _ = sender.send(message).await;
    }

    #[inline]
    async fn recv<M: Message, S: Sink<M>>(receiver: &mut Receiver<M>, sink: &mut S) {
        sink.take(&receiver.recv().await.expect("the sender is there"));
        take_rest(receiver, sink);
    }
}

impl ThreadChannel for AsyncChannel {
    #[inline]
    fn blocking_send<M: Message>(sender: &Sender<M>, message: M) {
        let _ = sender.send_blocking(message);
    }

    #[inline]
    fn blocking_recv<M: Message, S: Sink<M>>(receiver: &mut Receiver<M>, sink: &mut S) {
        sink.take(&receiver.recv_blocking().expect("the sender is there"));
        take_rest(receiver, sink);
    }
}
