//! The maps that send a request to its backend in two look-ups, however many routes there are.
//!
//! Keys are host and path in one string. A prefix ends in `/` and is compared with the request's
//! path plus `/`, so that `/shop` takes `/shop` and `/shop/cart` and leaves `/shopping` alone, as
//! Kubernetes asks; HAProxy's `map_beg` finds the longest.

use std::fmt::Write;

use super::model::{Certificate, PathKind, Route};

/// The map of routes whose path must match exactly.
pub(crate) fn exact(routes: &[Route]) -> String {
    lines(routes, PathKind::Exact, |route| format!("{}{}", route.host, route.path))
}

/// The map of routes that match by prefix.
pub(crate) fn prefix(routes: &[Route]) -> String {
    lines(routes, PathKind::Prefix, |route| {
        format!("{}{}/", route.host, route.path.trim_end_matches('/'))
    })
}

/// HAProxy's list of certificates and the hosts each is shown for.
pub(crate) fn certificate_list<'a>(
    certificates: impl Iterator<Item = (&'a Certificate, String)>,
) -> String {
    let mut text = String::new();
    for (certificate, path) in certificates {
        let _ = write!(text, "{path}");
        for host in &certificate.hosts {
            let _ = write!(text, " {host}");
        }
        text.push('\n');
    }
    text
}

fn lines(routes: &[Route], kind: PathKind, key: impl Fn(&Route) -> String) -> String {
    let mut text = String::new();
    for route in routes.iter().filter(|route| route.kind == kind) {
        let _ = writeln!(text, "{} {}", key(route), route.backend);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(host: &str, path: &str, kind: PathKind) -> Route {
        Route {
            host: host.to_owned(),
            path: path.to_owned(),
            kind,
            backend: "web_shop_80".to_owned(),
            ingress: "web/shop".to_owned(),
        }
    }

    #[test]
    fn prefixes_end_in_one_slash() {
        let routes = [
            route("a.example.com", "/", PathKind::Prefix),
            route("a.example.com", "/shop", PathKind::Prefix),
            route("*", "/shop/", PathKind::Prefix),
            route("a.example.com", "/exact", PathKind::Exact),
        ];
        assert_eq!(
            prefix(&routes),
            "a.example.com/ web_shop_80\na.example.com/shop/ web_shop_80\n*/shop/ web_shop_80\n"
        );
        assert_eq!(exact(&routes), "a.example.com/exact web_shop_80\n");
    }

    #[test]
    fn a_certificate_is_listed_with_its_hosts() {
        let certificate = Certificate {
            secret: "web/tls".to_owned(),
            hosts: vec!["a.example.com".to_owned(), "*.b.example.com".to_owned()],
            pem: String::new(),
        };
        let list = certificate_list(std::iter::once((&certificate, "/certs/x.pem".to_owned())));
        assert_eq!(list, "/certs/x.pem a.example.com *.b.example.com\n");
    }
}
