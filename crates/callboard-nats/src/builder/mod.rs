//! Putting a link together.

mod connect;
mod lane;
mod types;

use std::fmt;
use std::time::Duration;

use async_nats::ConnectOptions;
use callboard::Bus;
use tracing::Span;

use self::types::Types;
use crate::propagation::Propagation;
use crate::wire::Codec;

/// Puts a [`NatsLink`](crate::NatsLink) together. Get one from
/// [`NatsLink::builder`](crate::NatsLink::builder).
#[must_use = "a link is made only by `connect`"]
pub struct LinkBuilder {
    bus: Bus,
    url: String,
    namespace: String,
    node: Option<String>,
    codec: Codec,
    ring: usize,
    lifetime: Duration,
    beat: Duration,
    retry: bool,
    #[cfg(feature = "jetstream")]
    replicas: usize,
    options: ConnectOptions,
    credentials: Option<String>,
    propagation: Propagation,
    types: Types,
}

impl LinkBuilder {
    pub(crate) fn new(bus: &Bus, url: String) -> Self {
        Self {
            bus: bus.clone(),
            url,
            namespace: "callboard".to_owned(),
            node: None,
            codec: Codec::default(),
            ring: 64 * 1024 * 1024,
            lifetime: Duration::from_secs(60),
            beat: Duration::from_millis(400),
            retry: false,
            #[cfg(feature = "jetstream")]
            replicas: 1,
            options: ConnectOptions::new(),
            credentials: None,
            propagation: Propagation::default(),
            types: Types::default(),
        }
    }

    /// The namespace: links of one namespace hear each other. Default: `callboard`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The name of this node, which no other link of the namespace may have. Default: a random one.
    pub fn node(mut self, node: impl Into<String>) -> Self {
        self.node = Some(node.into());
        self
    }

    /// How events and requests are written. Nodes read both. Default: [`Codec::MessagePack`].
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// How many bytes of events may wait to be sent, in each of three rings: one for each
    /// [priority](crate::Export::priority). As many may be sent and unconfirmed. Default: 64 MiB.
    pub fn ring_bytes(mut self, bytes: usize) -> Self {
        self.ring = bytes;
        self
    }

    /// How long an event may wait to be sent. Default: 60 seconds.
    pub fn ring_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How often this node shows that it is there. One that was silent for a little more than three
    /// times as long is gone: all nodes of a namespace should agree. Default: 400 ms.
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.beat = every;
        self
    }

    /// If there is no server, `connect` succeeds nevertheless, and the link connects when there is
    /// one. Default: it fails.
    pub fn retry_on_initial_connect(mut self) -> Self {
        self.retry = true;
        self
    }

    /// Credentials as NATS's tools write them, with a JWT and an NKEY, from this file.
    pub fn credentials_file(mut self, path: impl Into<String>) -> Self {
        self.credentials = Some(path.into());
        self
    }

    /// The client's own options, for TLS, an NKEY, a password and so on. What the link depends on (the
    /// times, capacities and callbacks) it sets itself.
    ///
    /// This is async-nats's type: a new major version of that is one of this crate.
    pub fn options(mut self, options: ConnectOptions) -> Self {
        self.options = options;
        self
    }

    /// Carries trace contexts: `inject` is called within the span of an event or a request that
    /// leaves and returns what is to travel, a `traceparent` for example; `extract` is given that
    /// where it arrives, and returns the span in which the event is published or the request made.
    pub fn propagate(
        mut self,
        inject: impl Fn() -> Option<String> + Send + Sync + 'static,
        extract: impl Fn(&str) -> Span + Send + Sync + 'static,
    ) -> Self {
        let (inject, extract) = (Some(Box::new(inject) as _), Some(Box::new(extract) as _));
        self.propagation = Propagation { inject, extract };
        self
    }

    /// On how many servers the stream of the durable lanes is stored, if this link makes it. Default: 1.
    #[cfg(feature = "jetstream")]
    pub fn durable_replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }
}

impl fmt::Debug for LinkBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkBuilder")
            .field("url", &self.url)
            .field("namespace", &self.namespace)
            .field("node", &self.node)
            .field("types", &self.types)
            .finish_non_exhaustive()
    }
}
