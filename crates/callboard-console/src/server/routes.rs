//! The routes and their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};

use callboard::{CatalogueEntry, Wiring};

use super::access::Verdict;
use super::{Server, live};
use crate::builder::Options;
use crate::page;
use crate::watch::json;

/// The body of an answer.
pub(super) type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const DOT: &str = "text/vnd.graphviz; charset=utf-8";

#[cfg(feature = "metrics")]
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The answer after the bus was dropped.
const GONE: &str = "the bus is gone\n";

/// Answers a request. `streams` is set if the answer is an event stream.
pub(super) fn answer<B>(
    server: &Arc<Server>,
    request: &Request<B>,
    streams: &AtomicBool,
) -> Response<Body> {
    let mut answer = match server.access.check(request) {
        Verdict::Refused(status, problem) => {
            let mut refused = text(status, format!("{problem}\n"));
            if status == StatusCode::UNAUTHORIZED {
                set(&mut refused, WWW_AUTHENTICATE, "Bearer");
            }
            refused
        }
        _ if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            let mut refused = text(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("{} is not allowed: the console is read-only\n", request.method()),
            );
            set(&mut refused, ALLOW, "GET, HEAD");
            refused
        }
        Verdict::Granted => route(server, request, streams),
        Verdict::GrantedWith(cookie) => {
            let mut granted = if request.uri().path() == "/" {
                // Removes the token from the address bar and the browser's history.
                let mut moved = text(StatusCode::SEE_OTHER, "the page is at /\n");
                set(&mut moved, LOCATION, "/");
                moved
            } else {
                route(server, request, streams)
            };
            set(&mut granted, SET_COOKIE, &cookie);
            granted
        }
    };
    set(&mut answer, CACHE_CONTROL, "no-store");
    set(&mut answer, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut answer, REFERRER_POLICY, "no-referrer");
    set(&mut answer, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if !answer.headers().contains_key(CONTENT_SECURITY_POLICY) {
        let nothing = "default-src 'none'; frame-ancestors 'none'";
        set(&mut answer, CONTENT_SECURITY_POLICY, nothing);
    }
    answer
}

fn route<B>(server: &Arc<Server>, request: &Request<B>, streams: &AtomicBool) -> Response<Body> {
    let watch = &server.watch;
    let look = |show: fn(&callboard::Diagnosis) -> Bytes, kind| match watch.look() {
        Some(look) => whole(StatusCode::OK, kind, show(&look.diagnosis)),
        None => text(StatusCode::GONE, GONE),
    };
    let wiring = |show: &dyn Fn(&Wiring, &[CatalogueEntry]) -> String, kind| match watch.wiring() {
        Some((wiring, catalogue)) => whole(StatusCode::OK, kind, show(&wiring, &catalogue)),
        None => text(StatusCode::GONE, GONE),
    };
    match request.uri().path() {
        "/" => the_page(),
        "/live" => {
            let tail = request
                .uri()
                .query()
                .is_some_and(|query| query.split('&').any(|pair| pair == "tail=1"));
            match Arc::clone(&server.streams).try_acquire_owned() {
                Ok(permit) => {
                    streams.store(true, Ordering::Relaxed);
                    let head = *request.method() == Method::HEAD;
                    let body = if head { empty() } else { live::stream(server, tail, permit) };
                    respond(StatusCode::OK, EVENTS, body)
                }
                Err(_) => text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too many pages watch this bus already: close one\n",
                ),
            }
        }
        "/snapshot.json" => look(|diagnosis| json(&diagnosis.snapshot), JSON),
        "/history.json" => whole(StatusCode::OK, JSON, watch.history_json()),
        "/diagnosis.txt" => look(|diagnosis| format!("{diagnosis}\n").into(), TEXT),
        "/graph.dot" => wiring(&|wiring, _| wiring.to_dot(), DOT),
        "/graph.mmd" => wiring(&|wiring, _| wiring.to_mermaid(), TEXT),
        "/asyncapi.json" => {
            let Options { title, version, .. } = &watch.options;
            wiring(&|it, catalogue| it.asyncapi(catalogue, title, version).to_string(), JSON)
        }
        #[cfg(feature = "metrics")]
        "/metrics" => look(|diagnosis| super::metrics::text(&diagnosis.snapshot), PROMETHEUS),
        _ => text(StatusCode::NOT_FOUND, "there is nothing here; the page is at /\n"),
    }
}

fn the_page() -> Response<Body> {
    let mut random = [0; 16];
    if getrandom::fill(&mut random).is_err() {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "the system has no random numbers\n");
    }
    let nonce: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut page = whole(StatusCode::OK, HTML, page::with_nonce(&nonce));
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    set(&mut page, CONTENT_SECURITY_POLICY, &policy);
    page
}

fn text(status: StatusCode, said: impl Into<Bytes>) -> Response<Body> {
    whole(status, TEXT, said)
}

fn whole(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    respond(status, kind, Full::new(body.into()).boxed_unsync())
}

fn empty() -> Body {
    Full::default().boxed_unsync()
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    set(&mut answer, CONTENT_TYPE, kind);
    answer
}

/// Sets a header. Every value is valid: the builder has checked the token.
fn set(answer: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
