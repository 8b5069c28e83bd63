//! Inboxes.

use callboard::{Call, Delivery, Event, EventSet, Request};

#[derive(Debug, Event)]
struct Parsed;

#[derive(Debug, Request)]
#[request(response = Parsed)]
struct Parse;

type Aliased = Delivery<Parsed>;

#[derive(Debug, EventSet)]
enum Inbox {
    Config(Aliased),
    Ask(Call<Parse>),
    #[cfg(any())]
    Absent(Delivery<Missing>),
    #[expect(non_camel_case_types, reason = "a raw identifier is the point")]
    r#final(Delivery<inner::Stopped>),
}

mod inner {
    use super::{Delivery, Event, EventSet};

    #[derive(Debug, Event)]
    pub(super) struct Stopped;

    #[derive(Debug, EventSet)]
    pub(super) enum One {
        Only(Delivery<Stopped>),
    }
}

const fn items_of_themselves<S: EventSet<Item = S>>() {}

#[test]
fn set_is_its_own_item() {
    items_of_themselves::<Inbox>();
    items_of_themselves::<inner::One>();
}
