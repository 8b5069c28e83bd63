//! The builder of links.

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

/// Builds a [`NatsLink`](crate::NatsLink). Created by
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

    /// The namespace: links of one namespace are connected. Default: `callboard`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The name of this node, which must be unique in the namespace. Default: a random one.
    pub fn node(mut self, node: impl Into<String>) -> Self {
        self.node = Some(node.into());
        self
    }

    /// The format of events and requests. Nodes read both. Default: [`Codec::MessagePack`].
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// How many bytes of events may wait to be sent, in each of three rings, one per
    /// [priority](crate::Export::priority). The same number of bytes may be sent and unconfirmed.
    /// Default: 64 MiB.
    pub fn ring_bytes(mut self, bytes: usize) -> Self {
        self.ring = bytes;
        self
    }

    /// How long an event may wait to be sent. Default: 60 seconds.
    pub fn ring_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The interval of this node's heartbeats. A node that is silent for slightly more than three
    /// intervals is considered gone, so all nodes of a namespace should use the same value.
    /// Default: 400 ms.
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.beat = every;
        self
    }

    /// If there is no server, `connect` succeeds anyway, and the link connects once there is one.
    /// Default: it fails.
    pub fn retry_on_initial_connect(mut self) -> Self {
        self.retry = true;
        self
    }

    /// Reads credentials from this file, in the format of NATS's tools, with a JWT and an NKEY.
    pub fn credentials_file(mut self, path: impl Into<String>) -> Self {
        self.credentials = Some(path.into());
        self
    }

    /// The client's own options, for TLS, an NKEY, a password and so on. The link overrides the
    /// options that it depends on (times, capacities and callbacks).
    ///
    /// This is async-nats's type, so a new major version of async-nats is one of this crate.
    pub fn options(mut self, options: ConnectOptions) -> Self {
        self.options = options;
        self
    }

    /// Propagates trace contexts. `inject` is called within the span of an outgoing event or
    /// request and returns the context to send, for example a `traceparent`; `extract` gets it on
    /// arrival, and returns the span in which the event is published or the request made.
    pub fn propagate(
        mut self,
        inject: impl Fn() -> Option<String> + Send + Sync + 'static,
        extract: impl Fn(&str) -> Span + Send + Sync + 'static,
    ) -> Self {
        let (inject, extract) = (Some(Box::new(inject) as _), Some(Box::new(extract) as _));
        self.propagation = Propagation { inject, extract };
        self
    }

    /// On how many servers the stream of the durable lanes is stored, if this link creates it.
    /// Default: 1.
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
