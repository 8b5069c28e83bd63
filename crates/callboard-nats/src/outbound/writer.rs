//! The one task that sends events.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Subject};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::shared::Shared;

/// How long after a packet its mark is sent, at the latest.
const MARK_AFTER: Duration = Duration::from_millis(5);

/// After this many bytes without a mark, one is sent.
const MARK_BYTES: usize = 256 * 1024;

/// The number of the connection over which the writer may send, from 1; 0 for none.
pub(crate) type Gate = watch::Receiver<u64>;

/// Sends the events of the outbox while the gate is open, until the gate is dropped.
pub(crate) async fn write(
    shared: Arc<Shared>,
    client: Client,
    subjects: Vec<Subject>,
    mut gate: Gate,
) {
    let mut writer = Writer { shared, client, subjects, session: 0, unmarked: 0, mark_at: None };
    loop {
        let Ok(connection) = gate.wait_for(|connection| *connection > 0).await.map(|it| *it) else {
            return;
        };
        let mut closed = gate.clone();
        tokio::select! {
            _ = closed.wait_for(|now| *now != connection) => {}
            () = writer.run() => {}
        }
        if gate.has_changed().is_err() {
            return;
        }
    }
}

struct Writer {
    shared: Arc<Shared>,
    client: Client,
    subjects: Vec<Subject>,
    /// The connection over which all unconfirmed packets were sent, or a later one.
    session: u64,
    unmarked: usize,
    mark_at: Option<Instant>,
}

impl Writer {
    async fn run(&mut self) {
        self.session = self.shared.session();
        let (mut unmarked, subjects) = (0, self.subjects.clone());
        for (of, bytes) in self.shared.outbox.again() {
            unmarked += bytes.len();
            self.send(subjects[of].clone(), bytes).await;
        }
        self.unmarked = unmarked;
        self.mark_at = (unmarked > 0).then(Instant::now);
        loop {
            // Registered before the check, so that no change in between is missed.
            let shared = Arc::clone(&self.shared);
            let changed = shared.outbox.changed.notified();
            if let Some((of, bytes)) = shared.outbox.pack(self.largest()) {
                self.unmarked += bytes.len();
                self.mark_at.get_or_insert_with(|| Instant::now() + MARK_AFTER);
                self.send(subjects[of].clone(), bytes).await;
                if self.unmarked >= MARK_BYTES {
                    self.mark().await;
                }
                continue;
            }
            match self.mark_at {
                None => changed.await,
                Some(at) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(at) => self.mark().await,
                },
            }
        }
    }

    async fn mark(&mut self) {
        (self.unmarked, self.mark_at) = (0, None);
        let mark = self.shared.outbox.mark();
        let subject = self.shared.marks.clone();
        let mark = self.shared.mark(mark, self.session);
        self.send(subject, Bytes::copy_from_slice(&mark)).await;
    }

    /// The largest body that the server accepts, with its header.
    fn largest(&self) -> usize {
        self.client.max_payload().saturating_sub(128).max(128)
    }

    async fn send(&self, subject: Subject, bytes: Bytes) {
        // A message refused by the client counts as sent and lost: its receivers detect the gap.
        if let Err(error) = self.client.publish(subject, bytes).await {
            self.shared.problem(format!("the client refused to send: {error}"));
        }
    }
}
