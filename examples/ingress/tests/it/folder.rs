//! Names in a site's folder that lead to no manifest.

use std::os::unix::fs::symlink;

use rustix::fs::{CWD, mkfifoat};

use crate::support::{Backend, Controller, Site, once, text};

fn site() -> (Backend, Backend, Site) {
    let (blue, green) = (Backend::start("blue"), Backend::start("green"));
    let site = Site::new(&blue, &green);
    (blue, green, site)
}

fn pipe(site: &Site, file: &str) {
    mkfifoat(CWD, site.path().join(file), 0o600.into()).expect("a pipe can be made");
}

#[test]
fn each_is_named_and_the_manifests_go_live() {
    let (_blue, _green, site) = site();
    let resources = site.path().join("resources");
    pipe(&site, "resources/pipe.yaml");
    symlink("/nowhere", resources.join("gone.yaml")).expect("a link can be made");
    symlink("/nowhere", resources.join("team-a")).expect("a link can be made");
    symlink(".", resources.join("loop")).expect("a link can be made");
    site.write("resources/.ingress.yaml.swp", "left by an editor");
    let output = once(&site.path(), &site.out(), &["--haproxy", "none"]);
    let told = text(&output.stdout);
    assert!(output.status.success(), "{told}{}", text(&output.stderr));
    for expected in [
        "schema: 1 route with a Service and its port; 3 errors, 1 warning",
        "x resources/pipe.yaml: a named pipe, not a regular file; it is not read",
        "x resources/gone.yaml: a link to /nowhere, which does not exist",
        "x resources/team-a: a link to /nowhere, which does not exist",
        "! resources/loop: the same folder as resources, read once",
        "resources.synced    3 files, 3 new or changed",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
    assert!(!told.contains("already defined") && !told.contains(".swp"), "{told}");
}

#[test]
fn a_pipe_holds_neither_the_controller_nor_its_end() {
    let (_blue, _green, site) = site();
    pipe(&site, "resources/early.yaml");
    let mut controller = Controller::start_only(&site);
    controller.wait("resource.rejected", "resources/early.yaml: a named pipe");
    controller.wait("reconcile.finished", "");
    pipe(&site, "resources/late.yaml");
    controller.wait("resource.rejected", "resources/late.yaml: a named pipe");
    controller.wait("reconcile.finished", "");
    pipe(&site, "templates/other.j2");
    controller.wait("settings.changed", "templates/other.j2");
    assert!(controller.terminate().success());
}

#[test]
fn settings_in_a_pipe_are_refused_at_once() {
    let (_blue, _green, site) = site();
    std::fs::remove_file(site.path().join("controller.yaml")).expect("it is there");
    pipe(&site, "controller.yaml");
    let output = once(&site.path(), &site.out(), &["--haproxy", "none"]);
    let reason = text(&output.stderr);
    let expected = "ingress: controller.yaml: cannot read it: it is a named pipe, not a regular";
    assert!(reason.starts_with(expected), "{reason}");
    assert_eq!(output.status.code(), Some(1));
}
