//! `crossbeam-channel`, bounded: threads only.

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::events::Message;
use crate::flow::Sink;
use crate::harness::{BATCH, Channel, ThreadChannel};

#[derive(Debug)]
pub(crate) struct Crossbeam;

impl Channel for Crossbeam {
    const NAME: &'static str = "crossbeam-channel";

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

impl ThreadChannel for Crossbeam {
    #[inline]
    fn blocking_send<M: Message>(sender: &Sender<M>, message: M) {
        let _ = sender.send(message);
    }

    #[inline]
    fn blocking_recv<M: Message, S: Sink<M>>(receiver: &mut Receiver<M>, sink: &mut S) {
        sink.take(&receiver.recv().expect("the sender is there"));
        receiver.try_iter().take(BATCH - 1).for_each(|message| sink.take(&message));
    }
}
