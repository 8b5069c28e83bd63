//! CloudEvents in and out, for programs that are not nodes.
//!
//! Events go out in the structured content mode, which every version of the [NATS
//! binding](https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/nats-protocol-binding.md)
//! has. They are read in that mode and, if there is a header `ce-specversion`, in the binary mode,
//! whose attributes are headers. The data is JSON.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::{HeaderMap, Message, Subscriber};
use callboard::{Event, Subscription};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::inbound::publish;
use crate::outbound::Echoes;
use crate::shared::Shared;
use crate::snapshot::CloudEventsSnapshot;
use crate::wire::Codec;

/// The version of CloudEvents.
const SPECVERSION: &str = "1.0";

/// How many events a reader remembers, to detect duplicates.
const REMEMBERED: usize = 16_384;

/// The accounts, by subject and direction.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<BTreeMap<(String, bool), CloudEventsSnapshot>>);

impl Accounts {
    fn all(&self) -> MutexGuard<'_, BTreeMap<(String, bool), CloudEventsSnapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn declare(&self, subject: &str, event_type: &str, outgoing: bool) {
        let account = CloudEventsSnapshot {
            subject: subject.to_owned(),
            event_type: event_type.to_owned(),
            outgoing,
            events: 0,
            duplicates: 0,
            refused: 0,
        };
        self.all().insert((subject.to_owned(), outgoing), account);
    }

    fn change(&self, subject: &str, outgoing: bool, change: impl FnOnce(&mut CloudEventsSnapshot)) {
        let key = (subject.to_owned(), outgoing);
        if let Some(account) = self.all().get_mut(&key) {
            change(account);
        }
    }

    pub(crate) fn list(&self) -> Vec<CloudEventsSnapshot> {
        self.all().values().cloned().collect()
    }
}

#[derive(Serialize)]
struct Outgoing<'a, E> {
    specversion: &'a str,
    id: String,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    datacontenttype: &'a str,
    data: &'a E,
}

#[derive(Deserialize)]
struct Structured<'a> {
    specversion: Option<String>,
    id: Option<String>,
    source: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The parts of a received event.
struct Incoming<'a> {
    id: String,
    source: String,
    event_type: String,
    data: &'a [u8],
}

/// The state of a sender.
pub(crate) struct Sending<E: Event> {
    pub(crate) inbox: Subscription<E>,
    pub(crate) subject: String,
    /// The echoes of the type's import from CloudEvents, if there is one.
    pub(crate) echoes: Option<Arc<Echoes>>,
    /// True once the link ends; queued events are still sent.
    pub(crate) ending: watch::Receiver<bool>,
}

/// Sends the events of a subscription to a subject. Without a connection they wait in the
/// subscription's own queue.
pub(crate) async fn send<E: Event + Serialize>(sending: Sending<E>, shared: Arc<Shared>) {
    let Sending { mut inbox, subject, echoes, mut ending } = sending;
    let source = format!("/{}/{}", shared.subjects.namespace(), shared.subjects.node());
    loop {
        let event = tokio::select! {
            biased;
            event = inbox.recv() => event,
            _ = ending.wait_for(|ending| *ending) => inbox.try_recv().ok(),
        };
        let Some(event) = event else { return };
        let taken = echoes.as_ref().map(|echoes| echoes.take(event.sequence()));
        let (is_echo, lost_echoes) = taken.unwrap_or_default();
        let lost = event.missed().saturating_sub(lost_echoes);
        if is_echo {
            shared.cloudevents.change(&subject, true, |account| account.refused += lost);
            continue;
        }
        let message = Outgoing {
            specversion: SPECVERSION,
            id: format!("{:x}-{}", shared.incarnation, event.sequence()),
            source: &source,
            event_type: E::TYPE,
            datacontenttype: "application/json",
            data: &*event,
        };
        let mut bytes = Vec::new();
        let sent = match Codec::Json.encode(&message, &mut bytes) {
            Ok(()) => {
                let sent = shared.client.publish(subject.clone(), bytes.into()).await;
                sent.map_err(|error| error.to_string())
            }
            Err(problem) => Err(problem),
        };
        let refused = lost + u64::from(sent.is_err());
        let events = u64::from(sent.is_ok());
        shared.cloudevents.change(&subject, true, |account| {
            account.events += events;
            account.refused += refused;
        });
        if let Err(problem) = sent {
            shared.problem(format!("`{}` can't be sent to `{subject}`: {problem}", E::TYPE));
        }
    }
}

/// Publishes the events received on a subject.
pub(crate) async fn receive<E: Event + DeserializeOwned>(
    mut messages: Subscriber,
    subject: String,
    echoes: Option<Arc<Echoes>>,
    shared: Arc<Shared>,
) {
    let (mut known, mut order) = (HashSet::new(), VecDeque::new());
    while let Some(message) = messages.next().await {
        let Some(bus) = shared.bus.upgrade() else { return };
        let event = read(&message).and_then(|of| {
            if of.event_type != E::TYPE {
                return Err(format!("its type is `{}`, not `{}`", of.event_type, E::TYPE));
            }
            let event: E = Codec::Json.decode(of.data)?;
            Ok(((of.source, of.id), event))
        });
        let (id, event) = match event {
            Ok(event) => event,
            Err(why) => {
                shared.cloudevents.change(&subject, false, |account| account.refused += 1);
                shared.problem(format!("a CloudEvent on `{}` was dropped: {why}", message.subject));
                continue;
            }
        };
        if !known.insert(id.clone()) {
            shared.cloudevents.change(&subject, false, |account| account.duplicates += 1);
            continue;
        }
        order.push_back(id);
        if order.len() > REMEMBERED {
            order.pop_front().map(|oldest| known.remove(&oldest));
        }
        let publisher = bus.publisher::<E>(&*shared.name);
        let taken = publish(&publisher, event, echoes.as_deref());
        shared.cloudevents.change(&subject, false, |account| {
            account.events += u64::from(taken);
            account.refused += u64::from(!taken);
        });
    }
}

/// Reads a message in either mode.
fn read(message: &Message) -> Result<Incoming<'_>, String> {
    let binary = message.headers.as_ref().filter(|of| of.get("ce-specversion").is_some());
    let (specversion, id, source, event_type, data) = match binary {
        Some(headers) => (
            attribute(headers, "ce-specversion"),
            attribute(headers, "ce-id"),
            attribute(headers, "ce-source"),
            attribute(headers, "ce-type"),
            &message.payload[..],
        ),
        None => {
            let read: Structured<'_> =
                serde_json::from_slice(&message.payload).map_err(|error| error.to_string())?;
            let data = read.data.map_or("null", RawValue::get).as_bytes();
            (read.specversion, read.id, read.source, read.event_type, data)
        }
    };
    match specversion.as_deref() {
        Some(SPECVERSION) => {}
        Some(other) => return Err(format!("`{other}` is no known specversion")),
        None => return Err("it has no specversion".to_owned()),
    }
    let required = |name: &str, value: Option<String>| {
        value.filter(|value| !value.is_empty()).ok_or_else(|| format!("it has no {name}"))
    };
    let (id, source) = (required("id", id)?, required("source", source)?);
    Ok(Incoming { id, source, event_type: required("type", event_type)?, data })
}

fn attribute(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(percent_decode_str(value.as_str()).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(headers: &[(&str, &str)], payload: &str) -> Message {
        let mut map = HeaderMap::new();
        headers.iter().for_each(|(name, value)| map.insert(*name, *value));
        Message {
            subject: "orders".into(),
            reply: None,
            payload: payload.to_owned().into(),
            headers: (!headers.is_empty()).then_some(map),
            status: None,
            description: None,
            length: 0,
        }
    }

    #[test]
    fn both_modes_are_read() {
        let structured = message(
            &[("content-type", "application/cloudevents+json")],
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","extra":1,"data":{"n":1}}"#,
        );
        let binary = message(
            &[
                ("ce-specversion", "1.0"),
                ("ce-id", "1"),
                ("ce-source", "%2Fs"),
                ("ce-type", "t"),
                ("content-type", "application/json"),
            ],
            r#"{"n":1}"#,
        );
        for message in [structured, binary] {
            let read = read(&message).unwrap();
            assert_eq!((&*read.id, &*read.source, &*read.event_type), ("1", "/s", "t"));
            assert_eq!(read.data, br#"{"n":1}"#);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (payload, problem) in [
            ("{", "EOF"),
            ("{}", "it has no specversion"),
            (r#"{"specversion":"2"}"#, "`2` is no known specversion"),
            (r#"{"specversion":"1.0","source":"/s","type":"t"}"#, "it has no id"),
            (r#"{"specversion":"1.0","id":"","source":"/s","type":"t"}"#, "it has no id"),
            (r#"{"specversion":"1.0","id":"1","type":"t"}"#, "it has no source"),
            (r#"{"specversion":"1.0","id":"1","source":"/s"}"#, "it has no type"),
        ] {
            let message = message(&[], payload);
            let error = read(&message).err().unwrap();
            assert!(error.contains(problem), "{payload}: {error}");
        }
    }
}
