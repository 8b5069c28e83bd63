//! Storing the events of a durable lane.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::message::PublishMessage;

use super::Stored;
use crate::outbound::Outbox;
use crate::shared::Shared;

/// How long the stream may take to confirm a message, and how long to wait before the next try.
const TIMEOUT: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_millis(100);

/// Stores the events of the outbox, in order, until the link is dropped. A message that the stream
/// does not confirm is sent again under the same number, which lets the stream detect duplicates.
pub(crate) async fn store(
    outbox: Arc<Outbox>,
    subject: String,
    stream: Stored,
    shared: Arc<Shared>,
) {
    stream.in_time(&shared).await;
    let context = jetstream::new(shared.client.clone());
    loop {
        let changed = outbox.changed.notified();
        let largest = shared.client.max_payload().saturating_sub(512).max(128);
        let Some((_, bytes)) = outbox.pack(largest) else {
            changed.await;
            continue;
        };
        let number = outbox.mark();
        let id = format!("{}/{:x}/{number}/{subject}", shared.subjects.node(), shared.incarnation);
        loop {
            let message = PublishMessage::build().payload(bytes.clone()).message_id(&id);
            let stored = async {
                let sent = context.send_publish(subject.clone(), message).await;
                sent.map_err(|error| error.to_string())?.await.map_err(|error| error.to_string())
            };
            match tokio::time::timeout(TIMEOUT, stored).await {
                Ok(Ok(_)) => break outbox.confirm(number),
                Ok(Err(problem)) => {
                    shared.problem(format!("`{subject}` was not stored: {problem}"))
                }
                Err(_) => shared.problem(format!("`{subject}` was not stored within {TIMEOUT:?}")),
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}
