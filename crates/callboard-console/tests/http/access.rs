//! Who may look, and from where.

use std::net::TcpListener;

use callboard::Bus;
use callboard_console::Console;

use crate::client::{ask, console, get, get_with, start};

const TOKEN: &str = "Ooyahp3ohb7Ahgae";

#[test]
fn an_address_for_others_needs_a_token() {
    let bus = Bus::new();
    for bind in ["0.0.0.0:0", "[::]:0"] {
        let error = Console::builder(&bus).bind(bind).spawn().unwrap_err();
        assert!(error.is_remote(), "{error}");
        assert!(error.to_string().contains("allow_remote"), "{error}");
        assert!(error.to_string().contains(bind), "{error}");
    }
    let console = Console::builder(&bus).bind("0.0.0.0:0").allow_remote(TOKEN).spawn().unwrap();
    assert!(console.url().starts_with("http://127.0.0.1:"), "{}", console.url());
}

#[test]
fn tokens_are_long_and_plain() {
    let bus = Bus::new();
    for (token, problem) in [
        ("", "has 0 characters"),
        ("short", "has 5 characters"),
        ("has a blank in it, this", "has the character ' '"),
        ("semicolon;semicolon", "has the character ';'"),
        ("line\r\nline\r\nline\r\n", "has the character '\\r'"),
    ] {
        let builder = Console::builder(&bus).bind("127.0.0.1:0").allow_remote(token);
        let error = builder.spawn().unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
        assert!(token.is_empty() || !error.contains(token), "a token is not for logs: {error}");
    }
}

#[test]
fn settings_out_of_range_are_named() {
    use std::time::Duration;
    let bus = Bus::new();
    let builder = || Console::builder(&bus).bind("127.0.0.1:0");
    for (builder, problem) in [
        (builder().history(Duration::ZERO), "history of 0ns"),
        (builder().history(Duration::from_secs(3_601)), "history of 3601s"),
        (builder().payload_limit(5_000), "limit of 5000 characters"),
        (builder().tail_limit(0), "limit of 0 events"),
        (builder().tail_limit(1_025), "limit of 1025 events"),
        (builder().bind("nonsense"), "`nonsense` is no address"),
        (builder().bind("127.0.0.1:99999"), "`127.0.0.1:99999` is no address"),
    ] {
        let error = builder.spawn().unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn an_address_in_use_is_told_apart() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let bus = Bus::new();
    let error = Console::builder(&bus).bind(&bind).spawn().unwrap_err();
    assert!(error.is_address_in_use() && error.to_string().contains(&bind), "{error}");
}

#[test]
fn only_loopback_names_are_answered() {
    let bus = Bus::new();
    let console = console(&bus);
    let port = console.address().port();
    for host in ["127.0.0.1", "localhost", "LOCALHOST:1", "[::1]", "127.0.0.9"] {
        for host in [host.to_owned(), format!("{}:{port}", host.trim_end_matches(":1"))] {
            let answer = get_with(&console, "/snapshot.json", &[&format!("Host: {host}")]);
            assert_eq!(answer.status, 200, "{host}");
        }
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""]
    {
        let host = format!("Host: {host}");
        for path in ["/", "/live", "/snapshot.json", "/history.json"] {
            let answer = get_with(&console, path, &[&host]);
            assert_eq!(answer.status, 421, "{host} {path}");
            assert!(!answer.body.contains("{"), "{}", answer.body);
        }
    }
}

#[test]
fn a_request_names_one_host() {
    let bus = Bus::new();
    let console = console(&bus);
    assert_eq!(get_with(&console, "/", &[]).status, 400);
    assert_eq!(get_with(&console, "/", &["Host: localhost", "Host: localhost"]).status, 400);
    let absolute =
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(ask(console.address(), absolute).status, 400);
}

#[test]
fn pages_of_other_sites_get_nothing() {
    let bus = Bus::new();
    let console = console(&bus);
    let host = format!("Host: {}", console.address());
    let own = format!("Origin: http://{}", console.address());
    for (headers, status) in [
        (vec!["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"], 403),
        (vec!["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"], 403),
        (vec!["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"], 200),
        (vec!["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"], 200),
        (vec!["Origin: http://evil.example"], 403),
        (vec!["Origin: null"], 403),
        (vec![&own], 200),
    ] {
        let mut all = vec![host.as_str()];
        all.extend(&headers);
        assert_eq!(get_with(&console, "/history.json", &all).status, status, "{headers:?}");
    }
}

#[test]
fn with_a_token_nothing_is_answered_without() {
    let bus = Bus::new();
    let console = start(Console::builder(&bus).allow_remote(TOKEN));
    for path in ["/", "/live", "/snapshot.json", "/history.json", "/graph.dot", "/nowhere"] {
        let answer = get(&console, path);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"), "{path}");
        assert!(!answer.body.contains(TOKEN));
    }
    let host = "Host: any.example";
    for wrong in
        ["Ooyahp3ohb7Ahgaf", "Ooyahp3ohb7Ahga", "Ooyahp3ohb7Ahgaee", "", "ooyahp3ohb7ahgae"]
    {
        let bearer = format!("Authorization: Bearer {wrong}");
        assert_eq!(get_with(&console, "/", &[host, &bearer]).status, 401, "{wrong}");
        let query = format!("/snapshot.json?token={wrong}");
        assert_eq!(get_with(&console, &query, &[host]).status, 401, "{wrong}");
    }
}

#[test]
fn a_token_opens_by_header_query_and_cookie() {
    let bus = Bus::new();
    let console = start(Console::builder(&bus).allow_remote(TOKEN));
    let host = "Host: any.example";
    let bearer = format!("authorization: bearer {TOKEN}");
    assert_eq!(get_with(&console, "/snapshot.json", &[host, &bearer]).status, 200);

    let moved = get_with(&console, &format!("/?token={TOKEN}"), &[host]);
    assert_eq!((moved.status, moved.header("location")), (303, "/"), "out of the address bar");
    let cookie = moved.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let cookies = format!("Cookie: other=1; {pair}");
    assert_eq!(get_with(&console, "/snapshot.json", &[host, &cookies]).status, 200);
    let odd = format!("Cookie: x{pair}");
    assert_eq!(get_with(&console, "/snapshot.json", &[host, &odd]).status, 401);

    let direct = get_with(&console, &format!("/snapshot.json?token={TOKEN}"), &[host]);
    assert_eq!(direct.status, 200, "a program gets what it asked for");
}

#[test]
fn debug_keeps_the_token() {
    let bus = Bus::new();
    let builder = Console::builder(&bus).allow_remote(TOKEN);
    assert!(!format!("{builder:?}").contains(TOKEN));
}
