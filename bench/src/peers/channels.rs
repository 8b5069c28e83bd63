//! Channels that have one receiver; for several subscribers there is one each. Every channel is a
//! table of its own calls, and receives as its own documentation advises.

use tokio::sync::mpsc;

use crate::events::Message;
use crate::flow::Sink;
use crate::harness::{BATCH, CAPACITY, Channel, TaskChannel, ThreadChannel};

/// Makes a [`Channel`] of its calls; each is the body of the method that it is named after. With
/// `send` and `recv` it is a [`TaskChannel`], with `blocking_send` and `blocking_recv` a
/// [`ThreadChannel`].
macro_rules! channel {
    (
        $(#[$about:meta])*
        $channel:ident: $name:literal $(, $note:literal)?;
        ends: $($sender:ident)::+, $($receiver:ident)::+;
        open: |$capacity:ident| $open:expr;
        try_send: |$try_sender:ident, $tried:ident| $try_send:expr;
        try_recv: |$try_receiver:ident| $try_recv:expr;
        $(
            send: |$task_sender:ident, $sent:ident| $send:expr;
            recv: |$task_receiver:ident, $task_sink:ident| $recv:expr;
        )?
        $(
            blocking_send: |$thread_sender:ident, $message:ident| $blocking_send:expr;
            blocking_recv: |$thread_receiver:ident, $thread_sink:ident| $blocking_recv:expr;
        )?
    ) => {
        $(#[$about])*
        #[derive(Debug)]
        pub(crate) struct $channel;

        impl Channel for $channel {
            const NAME: &'static str = $name;
            $(const NOTE: &'static str = $note;)?

            type Sender<M: Message> = $($sender)::+<M>;
            type Receiver<M: Message> = $($receiver)::+<M>;

            fn open<M: Message>($capacity: usize) -> (Self::Sender<M>, Self::Receiver<M>) {
                $open
            }

            #[inline]
            fn try_send<M: Message>($try_sender: &Self::Sender<M>, $tried: M) -> bool {
                $try_send
            }

            #[inline]
            fn try_recv<M: Message>($try_receiver: &mut Self::Receiver<M>) -> Option<M> {
                $try_recv
            }
        }

        $(impl TaskChannel for $channel {
            #[inline]
            async fn send<M: Message>($task_sender: &Self::Sender<M>, $sent: M) {
                let _ = $send;
            }

            #[inline]
            async fn recv<M: Message, S: Sink>(
                $task_receiver: &mut Self::Receiver<M>,
                $task_sink: &mut S,
            ) {
                $recv;
            }
        })?

        $(impl ThreadChannel for $channel {
            #[inline]
            fn blocking_send<M: Message>($thread_sender: &Self::Sender<M>, $message: M) {
                let _ = $blocking_send;
            }

            #[inline]
            fn blocking_recv<M: Message, S: Sink>(
                $thread_receiver: &mut Self::Receiver<M>,
                $thread_sink: &mut S,
            ) {
                $blocking_recv;
            }
        })?
    };
}

channel! {
    /// After the first message the rest is taken with `drain`.
    Flume: "flume";
    ends: flume::Sender, flume::Receiver;
    open: |capacity| flume::bounded(capacity);
    try_send: |sender, message| sender.try_send(message).is_ok();
    try_recv: |receiver| receiver.try_recv().ok();
    send: |sender, message| sender.send_async(message).await;
    recv: |receiver, sink| {
        sink.take(&receiver.recv_async().await.expect("the sender is there"));
        receiver.drain().for_each(|message| sink.take(&message));
    };
    blocking_send: |sender, message| sender.send(message);
    blocking_recv: |receiver, sink| {
        sink.take(&receiver.recv().expect("the sender is there"));
        receiver.drain().for_each(|message| sink.take(&message));
    };
}

channel! {
    /// It has no batch form, so after the first message the rest is tried for.
    AsyncChannel: "async-channel";
    ends: async_channel::Sender, async_channel::Receiver;
    open: |capacity| async_channel::bounded(capacity);
    try_send: |sender, message| sender.try_send(message).is_ok();
    try_recv: |receiver| receiver.try_recv().ok();
    send: |sender, message| sender.send(message).await;
    recv: |receiver, sink| {
        sink.take(&receiver.recv().await.expect("the sender is there"));
        rest(receiver).for_each(|message| sink.take(&message));
    };
    blocking_send: |sender, message| sender.send_blocking(message);
    blocking_recv: |receiver, sink| {
        sink.take(&receiver.recv_blocking().expect("the sender is there"));
        rest(receiver).for_each(|message| sink.take(&message));
    };
}

/// What else there is, up to the end of a batch.
#[inline]
fn rest<M: Message>(receiver: &async_channel::Receiver<M>) -> impl Iterator<Item = M> {
    std::iter::from_fn(|| receiver.try_recv().ok()).take(BATCH - 1)
}

channel! {
    /// Threads only.
    Crossbeam: "crossbeam-channel";
    ends: crossbeam_channel::Sender, crossbeam_channel::Receiver;
    open: |capacity| crossbeam_channel::bounded(capacity);
    try_send: |sender, message| sender.try_send(message).is_ok();
    try_recv: |receiver| receiver.try_recv().ok();
    blocking_send: |sender, message| sender.send(message);
    blocking_recv: |receiver, sink| {
        sink.take(&receiver.recv().expect("the sender is there"));
        receiver.try_iter().take(BATCH - 1).for_each(|message| sink.take(&message));
    };
}

channel! {
    /// Threads only.
    StdMpsc: "std mpsc";
    ends: std::sync::mpsc::SyncSender, std::sync::mpsc::Receiver;
    open: |capacity| std::sync::mpsc::sync_channel(capacity);
    try_send: |sender, message| sender.try_send(message).is_ok();
    try_recv: |receiver| receiver.try_recv().ok();
    blocking_send: |sender, message| sender.send(message);
    blocking_recv: |receiver, sink| {
        sink.take(&receiver.recv().expect("the sender is there"));
        receiver.try_iter().take(BATCH - 1).for_each(|message| sink.take(&message));
    };
}

channel! {
    /// Received with `recv_many`.
    TokioMpsc: "tokio mpsc";
    ends: mpsc::Sender, TokioReader;
    open: |capacity| {
        let (sender, receiver) = mpsc::channel(capacity);
        (sender, TokioReader { receiver, batch: Vec::with_capacity(BATCH) })
    };
    try_send: |sender, message| sender.try_send(message).is_ok();
    try_recv: |reader| reader.receiver.try_recv().ok();
    send: |sender, message| sender.send(message).await;
    recv: |reader, sink| {
        let TokioReader { receiver, batch } = reader;
        receiver.recv_many(batch, BATCH).await;
        batch.drain(..).for_each(|message| sink.take(&message));
    };
    blocking_send: |sender, message| sender.blocking_send(message);
    blocking_recv: |reader, sink| {
        let TokioReader { receiver, batch } = reader;
        receiver.blocking_recv_many(batch, BATCH);
        batch.drain(..).for_each(|message| sink.take(&message));
    };
}

/// A receiver and the buffer for its batches.
#[derive(Debug)]
pub(crate) struct TokioReader<M> {
    receiver: mpsc::Receiver<M>,
    batch: Vec<M>,
}

channel! {
    /// What is there is taken with `drain_into`, and only when there is nothing is a single message
    /// waited for, as its documentation shows.
    Kanal: "kanal", "spins a while before it parks a thread";
    ends: kanal::Sender, KanalReader;
    open: |capacity| {
        let (sender, threads) = kanal::bounded(capacity);
        let batch = Vec::with_capacity(CAPACITY);
        (sender, KanalReader { tasks: threads.clone_async(), threads, batch })
    };
    try_send: |sender, message| sender.try_send(message).is_ok_and(|sent| sent);
    try_recv: |reader| reader.threads.try_recv().ok().flatten();
    send: |sender, message| sender.as_async().send(message).await;
    recv: |reader, sink| if !reader.drain(sink) {
        sink.take(&reader.tasks.recv().await.expect("the sender is there"));
    };
    blocking_send: |sender, message| sender.send(message);
    blocking_recv: |reader, sink| if !reader.drain(sink) {
        sink.take(&reader.threads.recv().expect("the sender is there"));
    };
}

/// A receiver, for tasks and for threads, and the buffer for its batches.
#[derive(Debug)]
pub(crate) struct KanalReader<M> {
    tasks: kanal::AsyncReceiver<M>,
    threads: kanal::Receiver<M>,
    batch: Vec<M>,
}

impl<M: Message> KanalReader<M> {
    /// Whether anything was there.
    #[inline]
    fn drain<S: Sink>(&mut self, sink: &mut S) -> bool {
        let count = self.threads.drain_into(&mut self.batch).expect("the sender is there");
        self.batch.drain(..).for_each(|message| sink.take(&message));
        count > 0
    }
}
