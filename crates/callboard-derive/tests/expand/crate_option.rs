//! A `callboard` that is somewhere else.

mod vendored {
    pub(super) use callboard as bus;
}

#[derive(Debug, vendored::bus::Event)]
#[event(crate = vendored::bus, type = "moved.in")]
struct Moved;

#[derive(Debug, vendored::bus::Request)]
#[request(crate = self::vendored::bus, response = Moved)]
struct Move;

#[derive(Debug, vendored::bus::EventSet)]
#[event_set(crate = crate::crate_option::vendored::bus)]
enum Inbox {
    Moved(vendored::bus::Delivery<Moved>),
    Move(vendored::bus::Call<Move>),
}

#[test]
fn crate_may_be_anywhere() {
    use vendored::bus::{Event as _, EventSet};

    fn set<S: EventSet>() {}
    set::<Inbox>();
    assert_eq!(Moved::TYPE, "moved.in");
    assert_eq!(Move::TYPE, "move");
}
