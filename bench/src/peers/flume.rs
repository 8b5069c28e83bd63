//! `flume`, bounded; after the first message the rest is taken with `drain`.

use flume::{Receiver, Sender, bounded};

use crate::events::Message;
use crate::flow::Sink;
use crate::harness::{Channel, TaskChannel, ThreadChannel};

#[derive(Debug)]
pub(crate) struct Flume;

impl Channel for Flume {
    const NAME: &'static str = "flume";

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

impl TaskChannel for Flume {
    #[inline]
    async fn send<M: Message>(sender: &Sender<M>, message: M) {
        let _ = sender.send_async(message).await;
    }

    #[inline]
    async fn recv<M: Message, S: Sink<M>>(receiver: &mut Receiver<M>, sink: &mut S) {
        sink.take(&receiver.recv_async().await.expect("the sender is there"));
        receiver.drain().for_each(|message| sink.take(&message));
    }
}

impl ThreadChannel for Flume {
    #[inline]
    fn blocking_send<M: Message>(sender: &Sender<M>, message: M) {
        let _ = sender.send(message);
    }

    #[inline]
    fn blocking_recv<M: Message, S: Sink<M>>(receiver: &mut Receiver<M>, sink: &mut S) {
        sink.take(&receiver.recv().expect("the sender is there"));
        receiver.drain().for_each(|message| sink.take(&message));
    }
}
