//! `std::sync::mpsc::sync_channel`: threads only.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::events::Message;
use crate::flow::Sink;
use crate::harness::{BATCH, Channel, ThreadChannel};

#[derive(Debug)]
pub(crate) struct StdMpsc;

impl Channel for StdMpsc {
    const NAME: &'static str = "std mpsc";

    type Sender<M: Message> = SyncSender<M>;
    type Receiver<M: Message> = Receiver<M>;

    fn open<M: Message>(capacity: usize) -> (SyncSender<M>, Receiver<M>) {
        sync_channel(capacity)
    }

    #[inline]
    fn try_send<M: Message>(sender: &SyncSender<M>, message: M) -> bool {
        sender.try_send(message).is_ok()
    }

    #[inline]
    fn try_recv<M: Message>(receiver: &mut Receiver<M>) -> Option<M> {
        receiver.try_recv().ok()
    }
}

impl ThreadChannel for StdMpsc {
    #[inline]
    fn blocking_send<M: Message>(sender: &SyncSender<M>, message: M) {
        let _ = sender.send(message);
    }

    #[inline]
    fn blocking_recv<M: Message, S: Sink<M>>(receiver: &mut Receiver<M>, sink: &mut S) {
        sink.take(&receiver.recv().expect("the sender is there"));
        receiver.try_iter().take(BATCH - 1).for_each(|message| sink.take(&message));
    }
}
