//! Bad input while watching: one bad resource costs its own clients only, bad settings leave the
//! last good configuration in force; the narrative names the place, and mending the file is
//! enough.

use std::fs;

use crate::support::controller::program;
use crate::support::{Backend, Controller, Site, ask, eventually, get, ingress, serves};

/// Waits until the root of `host` answers with `status`: the worker that was replaced may take a
/// last request.
fn answers(site: &Site, host: &str, status: u16) {
    eventually(host, || ask(site.port, host, "/").is_ok_and(|(it, _)| it == status));
}

fn site() -> (Backend, Backend, Site) {
    let (blue, green) = (Backend::start("blue"), Backend::start("green"));
    let site = Site::new(&blue, &green);
    (blue, green, site)
}

/// An Ingress with nothing wrong in it, beside the one that is broken.
fn neighbour(site: &Site) {
    let text = ingress("neighbour", "neighbour.example.com", "blue");
    site.write("resources/neighbour.yaml", &text);
}

fn neighbour_is_served(site: &Site) {
    let answer = ask(site.port, "neighbour.example.com", "/");
    assert_eq!(answer, Ok((200, "blue".to_owned())));
}

#[test]
fn a_missing_service_costs_its_own_clients_only() {
    let (_blue, _green, site) = site();
    neighbour(&site);
    let mut controller = Controller::start(&site);
    site.route_to("red");
    let told = controller.wait("config.verdict", "schema: ");
    assert!(
        told.contains("resources/ingress.yaml:14: Ingress app/app: there is no Service app/red"),
        "{told}"
    );
    controller.wait("reconcile.finished", "1 error, what it concerns is left out");
    answers(&site, "app.example.com", 503);
    neighbour_is_served(&site);
    // What changes elsewhere does not wait.
    site.write("resources/more.yaml", &ingress("more", "more.example.com", "green"));
    controller.wait("reconcile.finished", "");
    answers(&site, "more.example.com", 200);
    site.route_to("green");
    controller.wait("reconcile.finished", "pass 4: done");
    serves(site.port, "green");
}

#[test]
fn an_ingress_that_cannot_be_read_costs_its_own_clients_only() {
    let (_blue, _green, site) = site();
    neighbour(&site);
    let mut controller = Controller::start(&site);
    let text =
        ingress("app", "app.example.com", "blue").replace("number: 80", "number: {{ .Port }}");
    site.write("resources/ingress.yaml", &text);
    let told = controller.wait("resource.rejected", "");
    let expected = "resources/ingress.yaml:16: spec.rules[0].http.paths[0].backend.service.port.number: \
                    `{{ .Port }}` looks like an unrendered template";
    assert!(told.starts_with(expected), "{told}");
    controller.wait("reconcile.finished", "");
    answers(&site, "app.example.com", 503);
    neighbour_is_served(&site);
}

#[test]
fn a_path_without_its_slash_costs_its_own_clients_only() {
    let (_blue, _green, site) = site();
    let more = "      - {path: api, pathType: Prefix, backend: {service: {name: green, port: {number: 80}}}}\n";
    let text = ingress("app", "app.example.com", "blue") + more;
    site.write("resources/ingress.yaml", &text);
    let _controller = Controller::start(&site);
    let status = |path| ask(site.port, "app.example.com", path).map(|(status, _)| status);
    assert_eq!((status("/"), status("/api/v1")), (Ok(200), Ok(503)));
}

#[test]
fn yaml_that_does_not_parse_is_named_and_mended() {
    let (_blue, _green, site) = site();
    neighbour(&site);
    let mut controller = Controller::start(&site);
    let broken = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: [\n";
    site.write("resources/ingress.yaml", broken);
    let told = controller.wait("resource.rejected", "");
    assert!(told.starts_with("resources/ingress.yaml:"), "{told}");
    controller.wait("reconcile.finished", "1 error, what it concerns is left out");
    // Nobody can say whose document it was.
    answers(&site, "app.example.com", 404);
    neighbour_is_served(&site);
    site.route_to("green");
    controller.wait("reconcile.finished", "pass 3: done");
    serves(site.port, "green");
}

#[test]
fn on_a_strict_site_one_error_changes_nothing_for_anybody() {
    let (_blue, _green, site) = site();
    site.set("strict: true");
    let mut controller = Controller::start(&site);
    site.route_to("red");
    controller.wait("reconcile.failed", "app/red; whatever was in force stays in force");
    assert_eq!(get(site.port).as_deref(), Ok("blue"));
    site.write("resources/ingress.yaml", "apiVersion: networking.k8s.io/v1\nspec: [\n");
    controller.wait("reconcile.failed", "resources/ingress.yaml:3");
    assert_eq!(get(site.port).as_deref(), Ok("blue"));
    site.route_to("green");
    controller.wait("reconcile.finished", "");
    serves(site.port, "green");
}

#[test]
fn settings_that_vanish_change_nothing_until_they_are_back() {
    let (_blue, _green, site) = site();
    let mut controller = Controller::start(&site);
    let file = site.path().join("controller.yaml");
    let text = fs::read_to_string(&file).expect("settings");
    fs::remove_file(&file).expect("they can be removed");
    controller.wait("config.rejected", "controller.yaml: cannot read it");
    site.route_to("green");
    controller.wait("reconcile.held", "controller.yaml");
    assert_eq!(get(site.port).as_deref(), Ok("blue"));
    site.write("controller.yaml", &text);
    controller.wait("reconcile.finished", "");
    serves(site.port, "green");
}

#[test]
fn a_folder_that_cannot_be_written_is_tried_again() {
    let (_blue, _green, site) = site();
    let mut controller = Controller::start(&site);
    // A file in the place of the folder: no map can be written, whoever runs the test.
    let maps = site.out().join("maps");
    fs::remove_dir_all(&maps).expect("it can be removed");
    fs::write(&maps, "").expect("a file can be written");
    site.route_to("green");
    controller.wait("reconcile.failed", "cannot write it");
    assert_eq!(get(site.port).as_deref(), Ok("blue"));
    fs::remove_file(&maps).expect("it can be removed");
    fs::create_dir(&maps).expect("a folder can be made");
    controller.wait("reconcile.triggered", "another attempt");
    controller.wait("reconcile.finished", "");
    serves(site.port, "green");
}

#[test]
fn a_second_controller_on_the_same_folder_is_turned_away() {
    let (_blue, _green, site) = site();
    let _controller = Controller::start(&site);
    let output = program()
        .arg("--site")
        .arg(site.path())
        .arg("--out")
        .arg(site.out())
        .output()
        .expect("the program runs");
    let reason = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && reason.contains("another controller works on"), "{reason}");
    assert_eq!(get(site.port).as_deref(), Ok("blue"));
}
