//! What no proper client sends.

use std::io::Write;

use callboard::Bus;
use proptest::prelude::*;

use crate::client::{ask, connect, console, exchange, get};

#[test]
fn paths_that_are_none_are_not_found() {
    let bus = Bus::new();
    let console = console(&bus);
    for path in
        ["/nowhere", "/snapshot.json/", "//", "/../etc/passwd", "/%2e%2e/x", "/LIVE", "/?x/../"]
    {
        let answer = get(&console, path);
        let expected = if path.starts_with("/?") { 200 } else { 404 };
        assert_eq!(answer.status, expected, "{path}");
    }
}

#[test]
fn nothing_can_be_changed() {
    let bus = Bus::new();
    let console = console(&bus);
    let address = console.address();
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "ODD"] {
        let target = if method == "CONNECT" { address.to_string() } else { "/".to_owned() };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Length: 3\r\n\r\nabc"
        );
        let answer = ask(address, &request);
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), "GET, HEAD");
    }
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let bus = Bus::new();
    let console = console(&bus);
    let address = console.address();
    let long = "x".repeat(20_000);
    let many: String = (0..100).map(|number| format!("X-{number}: 1\r\n")).collect();
    for (request, statuses) in [
        (format!("GET / HTTP/1.1\r\nHost: {address}\r\nX: {long}\r\n\r\n"), [431, 431]),
        (format!("GET / HTTP/1.1\r\nHost: {address}\r\n{many}\r\n"), [431, 431]),
        (format!("GET /{long} HTTP/1.1\r\nHost: {address}\r\n\r\n"), [414, 431]),
    ] {
        let answer = ask(address, &request);
        assert!(statuses.contains(&answer.status), "{}", answer.status);
    }
    assert_eq!(get(&console, "/").status, 200);
}

#[test]
fn what_is_no_http_is_refused() {
    let bus = Bus::new();
    let console = console(&bus);
    for nonsense in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "hello\r\n\r\n"] {
        let answer = exchange(console.address(), nonsense.as_bytes()).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{nonsense:?}: {answer}");
    }
    // One that begins a request, and does not go on, is in nobody's way.
    let mut begun = connect(console.address());
    begun.write_all(b"GET / HTTP/1.1\r\nHost: local").unwrap();
    assert_eq!(get(&console, "/").status, 200);
}

/// Bytes that are nonsense, or that nearly are a request.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::sample::select(vec![
            "GET ",
            "HEAD ",
            "POST ",
            "/",
            "/live",
            "/live?tail=1",
            "/snapshot.json",
            " HTTP/1.1\r\n",
            " HTTP/1.0\r\n",
            "Host: localhost\r\n",
            "Host: \r\n",
            "Content-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Connection: upgrade\r\nUpgrade: h2c\r\n",
            "\r\n",
            "\r\n\r\n",
            "Cookie: ;;=;\r\n",
            "Authorization: Bearer\r\n",
            "?token=",
            "5\r\nhello\r\n",
            "0\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[test]
fn whatever_is_sent_the_next_client_is_answered() {
    let bus = Bus::new();
    let console = console(&bus);
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() };
    proptest!(config, |(bytes in bytes())| {
        let mut socket = connect(console.address());
        let _closed_early = socket.write_all(&bytes);
        drop(socket);
        let answer = get(&console, "/snapshot.json");
        prop_assert_eq!(answer.status, 200);
        prop_assert_eq!(&answer.json()["phase"], "Buffering");
    });
}
