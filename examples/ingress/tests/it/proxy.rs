//! What clients of the proxy see while the controller works.

use std::net::TcpListener;

use rustix::process::{Signal, kill_process};

use crate::support::controller::gone;
use crate::support::{Backend, Controller, Load, Site, eventually, get, serves};

fn backends() -> (Backend, Backend) {
    (Backend::start("blue"), Backend::start("green"))
}

#[test]
fn an_edited_ingress_moves_the_traffic_without_a_failed_request() {
    let (blue, green) = backends();
    let site = Site::new(&blue, &green);
    let mut controller = Controller::start(&site);
    assert_eq!(get(site.port).as_deref(), Ok("blue"));
    let load = Load::start(site.port);
    for service in ["green", "blue", "green", "blue", "green"] {
        site.route_to(service);
        controller.wait("deploy.succeeded", "reloaded");
        serves(site.port, service);
        let seen = load.answers(service);
        eventually("the load follows", || load.answers(service) > seen + 20);
    }
    load.finish_without_failure();
}

#[test]
fn a_broken_template_changes_nothing_for_the_clients() {
    let (blue, green) = backends();
    let site = Site::new(&blue, &green);
    let mut controller = Controller::start(&site);
    let load = Load::start(site.port);

    site.edit_template("{{ listen.http }}", "{{ lisen.http }}");
    let told = controller.wait("render.failed", "");
    assert!(told.contains("templates/haproxy.cfg.j2:26: undefined"), "{told}");
    site.edit_template("    use_backend ", "    use_backnd ");
    let told = controller.wait("config.verdict", "haproxy: ");
    assert!(told.contains("templates/haproxy.cfg.j2:46: unknown keyword 'use_backnd'"), "{told}");
    controller.wait("reconcile.failed", "whatever was in force stays in force");
    // What changes elsewhere waits for the template.
    site.route_to("green");
    controller.wait("reconcile.failed", "use_backnd");
    let seen = load.answers("blue");
    eventually("requests go on", || load.answers("blue") > seen + 20);
    assert_eq!(load.answers("green"), 0);

    site.mend_template();
    controller.wait("reconcile.finished", "");
    serves(site.port, "green");
    load.finish_without_failure();
}

#[test]
fn a_haproxy_that_is_killed_comes_back() {
    let (blue, green) = backends();
    let site = Site::new(&blue, &green);
    let mut controller = Controller::start(&site);
    let first = controller.haproxy();
    kill_process(first, Signal::KILL).expect("it runs");
    controller.wait("haproxy.exited", &first.as_raw_nonzero().to_string());
    controller.wait("haproxy.restarted", "");
    assert_ne!(controller.haproxy(), first);
    serves(site.port, "blue");
    // And it takes orders as the first one did.
    site.route_to("green");
    controller.wait("deploy.succeeded", "reloaded");
    serves(site.port, "green");
}

#[test]
fn a_refused_reload_is_rolled_back() {
    let (blue, green) = backends();
    let site = Site::new(&blue, &green);
    let mut controller = Controller::start(&site);
    let before = std::fs::read_to_string(site.out().join("haproxy.cfg")).expect("a configuration");
    // `haproxy -c` cannot know that somebody has this port.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address");
    let bind = "    bind {{ listen.address }}:{{ listen.http }}\n";
    site.edit_template(bind, &format!("{bind}    bind {address}\n"));
    let told = controller.wait("deploy.refused", "");
    assert!(told.contains("templates/haproxy.cfg.j2:27: binding for frontend ingress"), "{told}");
    controller.wait("deploy.rolled_back", "the configuration before");
    controller.wait("reconcile.failed", "stays in force");
    assert_eq!(get(site.port).as_deref(), Ok("blue"));
    let after = std::fs::read_to_string(site.out().join("haproxy.cfg")).expect("a configuration");
    assert_eq!(after, before);

    site.mend_template();
    site.route_to("green");
    controller.wait("deploy.succeeded", "reloaded");
    serves(site.port, "green");
}

#[test]
fn a_new_controller_takes_over_what_a_crashed_one_left() {
    let (blue, green) = backends();
    let site = Site::new(&blue, &green);
    let controller = Controller::start(&site);
    let old = controller.haproxy();
    let load = Load::start(site.port);
    controller.crash();
    let seen = load.answers("blue");
    eventually("its proxy goes on", || load.answers("blue") > seen + 20);

    site.route_to("green");
    let mut controller = Controller::start_only(&site);
    controller.wait("haproxy.started", "as it was left");
    controller.wait("deploy.succeeded", "reloaded");
    gone(old);
    let seen = load.answers("green");
    eventually("the load follows", || load.answers("green") > seen + 20);
    load.finish_without_failure();
}

#[test]
fn ending_the_controller_ends_its_proxy() {
    let (blue, green) = backends();
    let site = Site::new(&blue, &green);
    let controller = Controller::start(&site);
    let haproxy = controller.haproxy();
    let status = controller.terminate();
    assert!(status.success(), "{status}");
    gone(haproxy);
    assert!(get(site.port).is_err());
}
