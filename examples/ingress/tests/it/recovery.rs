//! Bad input while watching: the last good configuration stays, the narrative names the place,
//! and mending the file is enough.

use std::fs;

use crate::support::controller::program;
use crate::support::{Backend, Controller, Site, get, serves};

fn site() -> (Backend, Backend, Site) {
    let (blue, green) = (Backend::start("blue"), Backend::start("green"));
    let site = Site::new(&blue, &green);
    (blue, green, site)
}

#[test]
fn yaml_that_does_not_parse_is_named_and_mended() {
    let (_blue, _green, site) = site();
    let mut controller = Controller::start(&site);
    site.write(
        "resources/ingress.yaml",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: [\n",
    );
    let told = controller.wait("resource.rejected", "");
    assert!(told.starts_with("resources/ingress.yaml:"), "{told}");
    controller.wait("reconcile.held", "whatever was in force stays in force");
    assert_eq!(get(site.port).as_deref(), Ok("blue"));
    site.route_to("green");
    controller.wait("reconcile.finished", "");
    serves(site.port, "green");
}

#[test]
fn a_missing_service_is_named_with_the_line_that_asks_for_it() {
    let (_blue, _green, site) = site();
    let mut controller = Controller::start(&site);
    site.route_to("red");
    let told = controller.wait("config.verdict", "schema: ");
    assert!(
        told.contains("resources/ingress.yaml:14: Ingress app/app: there is no Service app/red"),
        "{told}"
    );
    controller.wait("reconcile.failed", "app/red");
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
