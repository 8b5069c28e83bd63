//! Services outside the cluster, known by name.

use crate::support::{
    Backend, Controller, Load, NameServer, Site, ask, eventually, haproxy_accepts, ingress, once,
    require_haproxy, serves, text,
};

/// An ExternalName Service called `name`.
fn external(name: &str, dns_name: &str, port: u16) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: app}}\nspec:\n  \
         type: ExternalName\n  externalName: {dns_name}\n  ports:\n  - {{name: http, port: {port}}}\n"
    )
}

/// An Ingress for `host` to port `http` of `service`.
fn by_port_name(name: &str, host: &str, service: &str) -> String {
    ingress(name, host, service).replace("number: 80", "name: http")
}

#[test]
fn an_external_name_is_looked_up_while_requests_are_served() {
    let (blue, green) = (Backend::start("blue"), Backend::start("green"));
    let names = NameServer::start("blue.test");
    let site = Site::new(&blue, &green);
    let name_server = format!("nameserver test {}", names.address());
    site.edit_template("parse-resolv-conf", &name_server);
    let services = [
        external("outside", "blue.test", blue.port()),
        external("nowhere", "nobody.test", blue.port()),
    ];
    site.write("resources/outside.yaml", &services.concat());
    let ingress = by_port_name("app", "app.example.com", "outside");
    site.write("resources/ingress.yaml", &ingress);
    let nowhere = by_port_name("nowhere", "nowhere.example.com", "nowhere");
    site.write("resources/nowhere.yaml", &nowhere);
    let mut controller = Controller::start(&site);
    serves(site.port, "blue");
    // A name that nobody knows costs its own clients only.
    let status = |host| ask(site.port, host, "/").map(|(status, _)| status);
    assert_eq!(status("nowhere.example.com"), Ok(503));

    let load = Load::start(site.port);
    site.write(
        "resources/more.yaml",
        &crate::support::ingress("more", "more.example.com", "green"),
    );
    let told = controller.wait("config.verdict", "haproxy: ");
    assert!(told.ends_with("accepts it"), "{told}");
    controller.wait("deploy.succeeded", "reloaded");
    eventually("more.example.com", || status("more.example.com") == Ok(200));
    let seen = load.answers("blue");
    eventually("requests go on", || load.answers("blue") > seen + 20);
    load.finish_without_failure();
}

#[test]
fn an_external_name_is_valid_without_a_name_server() {
    require_haproxy();
    let (blue, green) = (Backend::start("blue"), Backend::start("green"));
    let site = Site::new(&blue, &green);
    let bare = external("outside", "no-such-name.invalid", 443)
        .replace("  ports:\n  - {name: http, port: 443}\n", "");
    site.write("resources/outside.yaml", &bare);
    let ingress =
        ingress("app", "app.example.com", "outside").replace("number: 80", "number: 8443");
    site.write("resources/ingress.yaml", &ingress);
    let output = once(&site.path(), &site.out(), &[]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    let config = std::fs::read_to_string(site.out().join("haproxy.cfg")).expect("a configuration");
    let server =
        "server no-such-name.invalid no-such-name.invalid:8443 resolvers dns init-addr last,none";
    assert!(config.contains(server), "{config}");
    assert!(haproxy_accepts(&site.out().join("haproxy.cfg")));
}

#[test]
fn an_external_name_that_is_none_is_an_error_with_its_place() {
    let (blue, green) = (Backend::start("blue"), Backend::start("green"));
    let site = Site::new(&blue, &green);
    site.write("resources/outside.yaml", &external("outside", "'no name'", 80));
    site.route_to("outside");
    let output = once(&site.path(), &site.out(), &["--haproxy", "none"]);
    let told = text(&output.stdout);
    let expected = "resources/ingress.yaml:14: Ingress app/app: Service app/outside: `no name` is not a DNS name; \
                    its clients get 503";
    assert!(told.contains(expected), "{told}");
}
