//! A packet: one message on an event subject, with one or several events.
//!
//! ```text
//! version  kind  codec  incarnation  schema   first     then, for each event,
//! u8       u8    u8     u64 LE       varint   varint    metadata and body: varint length, bytes
//! ```
//!
//! Origin and event type are in the subject, so one event costs 15 bytes. `first` is the sequence
//! of the first event; the others follow consecutively. Several events per message make a busy link
//! fast, since the server and both clients have a cost per message.
//!
//! Numbers are in LEB128, as in the DWARF and Protocol Buffers formats.

use super::{Codec, VERSION};

/// The largest sequence: at a million events a second it is reached in 285 years. Sums of sequences
/// stay far below the maximum of their type.
pub(crate) const MOST_SEQUENCE: u64 = 1 << 53;

/// The header of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: PacketKind,
    pub(crate) codec: Codec,
    /// The incarnation of its node.
    pub(crate) incarnation: u64,
    /// The version of the event type.
    pub(crate) schema: u32,
    /// The sequence of the first event; for a probe, that of the next event to be sent.
    pub(crate) first: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PacketKind {
    Events,
    /// No events: asks which nodes hear this subject.
    Probe,
}

/// A packet that can't be read, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// A packet under construction.
#[derive(Debug)]
pub(crate) struct Packer(Vec<u8>);

impl Packer {
    pub(crate) fn new(header: &Header, room: usize) -> Self {
        let mut bytes = Vec::with_capacity(room + 32);
        let kind = match header.kind {
            PacketKind::Events => 0,
            PacketKind::Probe => 1,
        };
        bytes.extend([VERSION, kind, header.codec.number()]);
        bytes.extend(header.incarnation.to_le_bytes());
        put(&mut bytes, header.schema.into());
        put(&mut bytes, header.first);
        Self(bytes)
    }

    pub(crate) fn add(&mut self, metadata: &[u8], body: &[u8]) {
        for part in [metadata, body] {
            put(&mut self.0, part.len() as u64);
            self.0.extend(part);
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// A packet being read: an iterator over the metadata and the body of each event.
#[derive(Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) header: Header,
    rest: &'a [u8],
}

impl<'a> Packet<'a> {
    /// # Errors
    /// The problem of the header.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let [version, kind, codec, rest @ ..] = bytes else {
            return Err(Malformed("it is too short"));
        };
        if *version != VERSION {
            return Err(Malformed("it has another version of the format"));
        }
        let kind = match kind {
            0 => PacketKind::Events,
            1 => PacketKind::Probe,
            _ => return Err(Malformed("it is of an unknown kind")),
        };
        let codec = Codec::of(*codec).ok_or(Malformed("it has an unknown codec"))?;
        let (incarnation, mut rest) =
            rest.split_first_chunk().ok_or(Malformed("it is too short"))?;
        let incarnation = u64::from_le_bytes(*incarnation);
        let schema = take(&mut rest).and_then(|schema| u32::try_from(schema).ok());
        let schema = schema.ok_or(Malformed("its schema version is no number"))?;
        let first = take(&mut rest).ok_or(Malformed("its sequence is no number"))?;
        if first == 0 || first > MOST_SEQUENCE {
            return Err(Malformed("its sequence is out of range"));
        }
        Ok(Self { header: Header { kind, codec, incarnation, schema, first }, rest })
    }
}

impl<'a> Iterator for Packet<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let mut part = || {
            let length = usize::try_from(take(&mut self.rest)?).ok()?;
            let (part, rest) = self.rest.split_at_checked(length)?;
            self.rest = rest;
            Some(part)
        };
        let Some(parts) = part().and_then(|metadata| Some((metadata, part()?))) else {
            self.rest = &[];
            return Some(Err(Malformed("it ends within an event")));
        };
        Some(Ok(parts))
    }
}

fn put(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn take(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        kind: PacketKind::Events,
        codec: Codec::Json,
        incarnation: 0x0123_4567_89ab_cdef,
        schema: 300,
        first: MOST_SEQUENCE,
    };

    #[test]
    fn what_was_packed_is_read() {
        let long = vec![7; 1_000];
        let mut packer = Packer::new(&HEADER, 0);
        packer.add(b"", b"one");
        packer.add(b"trace", &long);
        packer.add(b"", b"");
        let bytes = packer.finish();
        let packet = Packet::read(&bytes).unwrap();
        assert_eq!(packet.header, HEADER);
        let events: Vec<_> = packet.map(Result::unwrap).collect();
        let expected: [(&[u8], &[u8]); 3] = [(b"", b"one"), (b"trace", &long), (b"", b"")];
        assert_eq!(events, expected);
    }

    #[test]
    fn no_bytes_make_a_reader_panic() {
        let mut packer = Packer::new(&HEADER, 0);
        packer.add(b"trace", b"body");
        let bytes = packer.finish();
        for length in 0..bytes.len() {
            if let Ok(packet) = Packet::read(&bytes[..length]) {
                assert!(packet.last().is_none_or(|event| event.is_err()), "{length}");
            }
        }
        // Each byte, replaced by every other value.
        for place in 0..bytes.len() {
            for byte in 0..=u8::MAX {
                let mut bytes = bytes.clone();
                bytes[place] = byte;
                if let Ok(packet) = Packet::read(&bytes) {
                    assert!(packet.count() <= bytes.len());
                }
            }
        }
        assert!(take(&mut &[0xff; 10][..]).is_none());
        assert_eq!(
            take(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1][..]),
            Some(u64::MAX)
        );
    }
}
