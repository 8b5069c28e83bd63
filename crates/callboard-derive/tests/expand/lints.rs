//! Lints that an application may deny; see the crate root.

use callboard::{Delivery, Event, EventSet, Request};

#[derive(Debug, Event)]
#[deprecated = "publish `Parsed` instead"]
#[event(priority = high)]
struct Old;

#[derive(Debug, Request)]
#[deprecated = "ask with `Check` instead"]
#[request(response = New)]
struct OldCheck;

#[derive(Debug, Event)]
struct New;

#[derive(Debug, EventSet)]
enum Inbox {
    Old(#[allow(deprecated, reason = "said here, and here only")] Delivery<Old>),
}

#[test]
#[expect(deprecated, reason = "using it is what is deprecated, not deriving for it")]
fn deriving_is_no_use_of_a_deprecated_event() {
    const fn set<S: EventSet>() {}
    set::<Inbox>();
    assert_eq!(Old::TYPE, "old");
    assert_eq!(OldCheck::TYPE, "old.check");
    assert_eq!(New::TYPE, "new");
}
