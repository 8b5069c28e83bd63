//! Access control: loopback names without a token, or any name with one; never pages of other
//! sites.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{AUTHORIZATION, COOKIE, HOST, HeaderValue, ORIGIN};
use hyper::{HeaderMap, Request, StatusCode};
use subtle::ConstantTimeEq;

/// Decides which requests are answered.
pub(super) struct Access {
    ip: IpAddr,
    token: Option<String>,
    cookie: String,
}

/// The decision about a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The request is answered.
    Granted,
    /// The request is answered, and the answer sets this cookie.
    GrantedWith(String),
    /// The request is refused with this status and reason.
    Refused(StatusCode, &'static str),
}

impl Access {
    pub(super) fn new(address: SocketAddr, token: Option<String>) -> Self {
        // Cookies are shared by all ports of a host, so the name contains the port.
        let cookie = format!("callboard_console_{}", address.port());
        Self { ip: address.ip(), token, cookie }
    }

    pub(super) fn token_required(&self) -> bool {
        self.token.is_some()
    }

    /// Decides about a request.
    pub(super) fn check<B>(&self, request: &Request<B>) -> Verdict {
        let host = match host(request) {
            Ok(host) => host,
            Err(problem) => return Verdict::Refused(StatusCode::BAD_REQUEST, problem),
        };
        if is_foreign(request.headers(), host) {
            let problem = "the console answers its own page only, not other sites";
            return Verdict::Refused(StatusCode::FORBIDDEN, problem);
        }
        let Some(token) = &self.token else {
            if self.is_ours(host) {
                return Verdict::Granted;
            }
            // DNS rebinding: a page of another site resolves its own name to this machine.
            let problem = "the console answers to `localhost` and its own address only: see \
                           `Host` in the request";
            return Verdict::Refused(StatusCode::MISDIRECTED_REQUEST, problem);
        };
        if let Some(given) = query_token(request.uri().query()) {
            return if matches(given, token) {
                let cookie = &self.cookie;
                let cookie = format!("{cookie}={token}; Path=/; HttpOnly; SameSite=Strict");
                Verdict::GrantedWith(cookie)
            } else {
                Verdict::Refused(StatusCode::UNAUTHORIZED, "that is not the token")
            };
        }
        let given = bearer(request.headers()).or_else(|| self.cookie(request.headers()));
        match given {
            Some(given) if matches(given, token) => Verdict::Granted,
            Some(_) => Verdict::Refused(StatusCode::UNAUTHORIZED, "that is not the token"),
            None => Verdict::Refused(
                StatusCode::UNAUTHORIZED,
                "the console wants a token: `Authorization: Bearer …`, or once `?token=…`",
            ),
        }
    }

    /// Whether a `Host` is a loopback name or the bound address.
    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host);
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip == self.ip)
    }

    fn cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).map(str::trim);
        pairs.find_map(|pair| pair.strip_prefix(self.cookie.as_str())?.strip_prefix('='))
    }
}

/// The request's only `Host`.
fn host<B>(request: &Request<B>) -> Result<&str, &'static str> {
    let mut named = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else {
        return Err("a request has one `Host`");
    };
    let host = host.to_str().map_err(|_| "`Host` is no text")?;
    match request.uri().authority() {
        Some(other) if !other.as_str().eq_ignore_ascii_case(host) => {
            Err("the request's address and its `Host` differ")
        }
        _ => Ok(host),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // In `[::1]` the text after the last colon is not a port.
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether, according to the browser's headers, a page of another site made the request. Following
/// a link to the console is allowed.
fn is_foreign(headers: &HeaderMap, host: &str) -> bool {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let said = |name: &str| headers.get(name).map(text);
    if let Some(origin) = headers.get(ORIGIN).map(text) {
        let own = origin.split_once("://").is_some_and(|(_, of)| of.eq_ignore_ascii_case(host));
        if !own {
            return true;
        }
    }
    let elsewhere =
        said("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site");
    elsewhere && said("sec-fetch-mode").is_none_or(|mode| mode != "navigate")
}

/// The token in a query. Tokens consist of characters that are never percent-encoded.
fn query_token(query: Option<&str>) -> Option<&str> {
    query?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares in constant time.
fn matches(given: &str, token: &str) -> bool {
    given.as_bytes().ct_eq(token.as_bytes()).into()
}
