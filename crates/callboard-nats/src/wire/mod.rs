//! The wire format: events in packets, and messages between nodes.

mod message;
mod packet;

pub(crate) use message::{Ask, Beat, Directed, Hello, Hop, Part, Reply, System, write};
pub(crate) use packet::{Header, MOST_SEQUENCE, Packer, Packet, PacketKind};

use crate::guard::fenced;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of the wire format. Messages of another version are refused and reported.
pub(crate) const VERSION: u8 = 1;

/// The format of the values of events and requests. Default: MessagePack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// MessagePack with field names: compact, and fields can be added and removed.
    #[default]
    MessagePack,
    /// JSON, for people and other languages.
    Json,
}

impl Codec {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::MessagePack => 0,
            Self::Json => 1,
        }
    }

    pub(crate) fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::MessagePack),
            1 => Some(Self::Json),
            _ => None,
        }
    }

    /// Appends a value.
    ///
    /// # Errors
    /// The error of its `Serialize`.
    pub(crate) fn encode<T: Serialize>(self, value: &T, to: &mut Vec<u8>) -> Result<(), String> {
        fenced(|| match self {
            Self::MessagePack => {
                rmp_serde::encode::write_named(to, value).map_err(|e| e.to_string())
            }
            Self::Json => serde_json::to_writer(to, value).map_err(|e| e.to_string()),
        })
    }

    /// # Errors
    /// The error of its `Deserialize`, or of the codec.
    pub(crate) fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, String> {
        fenced(|| match self {
            Self::MessagePack => rmp_serde::from_slice(bytes).map_err(|error| error.to_string()),
            Self::Json => serde_json::from_slice(bytes).map_err(|error| error.to_string()),
        })
    }
}
