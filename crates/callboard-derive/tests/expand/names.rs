//! What an event is called.

use callboard::{Event, Request};

#[derive(Debug, Event)]
struct ConfigParsed {
    _version: u64,
}

#[derive(Debug, Event)]
struct HTTPRequest(#[expect(dead_code, reason = "only its type matters")] u16);

#[derive(Debug, Event)]
enum Http2Ready {}

#[derive(Debug, Event)]
#[event(type = "raft.leader_elected.v2")]
struct Elected;

#[derive(Debug, Event)]
#[expect(non_camel_case_types, reason = "a raw identifier is the point")]
struct r#type;

#[derive(Debug, Request)]
#[request(response = Elected)]
struct ElectLeader;

#[test]
fn derived_name_is_the_type_name_in_dotted_lower_case() {
    assert_eq!(ConfigParsed::TYPE, "config.parsed");
    assert_eq!(HTTPRequest::TYPE, "http.request");
    assert_eq!(Http2Ready::TYPE, "http2.ready");
    assert_eq!(ElectLeader::TYPE, "elect.leader");
}

#[test]
fn raw_identifier_is_named_without_its_prefix() {
    assert_eq!(r#type::TYPE, "type");
}

#[test]
fn explicit_name_is_taken_as_it_is() {
    assert_eq!(Elected::TYPE, "raft.leader_elected.v2");
}
