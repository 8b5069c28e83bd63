//! Links to other processes are shown in snapshots, and their problems are findings.

use callboard::{Bus, FindingKind, LinkStatus};

#[test]
fn links_are_shown_until_they_are_detached() {
    let bus = Bus::new();
    let first = bus.attach_link(|| LinkStatus::new("first", "online"));
    let second = bus.attach_link(|| panic!("a link that can't say how it is"));
    let third = bus.attach_link(|| LinkStatus::new("third", "online"));
    let shown = || bus.snapshot().links.into_iter().map(|link| link.name).collect::<Vec<_>>();
    assert_eq!(shown(), ["first", "third"]);
    drop((first, second));
    assert_eq!(shown(), ["third"]);
    drop(third);
    assert!(shown().is_empty());
}

#[test]
fn a_link_in_trouble_is_a_finding_and_so_is_what_it_lost() {
    let bus = Bus::new();
    let _link = bus.attach_link(|| {
        let mut link = LinkStatus::new("nats:eu-1", "disconnected");
        link.trouble = Some("for 2 s".to_owned());
        link.dropped =
            vec![("ring full".to_owned(), 3), ("offline".to_owned(), 0), ("gap".to_owned(), 1)];
        link
    });
    let found = bus.diagnose().findings;
    let of = |kind| found.iter().find(|found| found.kind == kind).unwrap().to_string();
    assert!(of(FindingKind::LinkInTrouble).contains("`nats:eu-1` is disconnected: for 2 s"));
    assert!(of(FindingKind::LinkLost).contains("lost 4 events: 3 ring full, 1 gap"));
}

#[test]
fn a_link_may_ask_the_bus_while_it_is_asked() {
    let bus = Bus::new();
    let weak = bus.downgrade();
    let _link = bus.attach_link(move || {
        let types = weak.upgrade().map_or(0, |bus| bus.catalogue().len());
        LinkStatus::new(format!("of {types} types"), "online")
    });
    assert_eq!(bus.snapshot().links[0].name, "of 0 types");
}
