//! Inboxes.

use callboard::{Call, Delivery, Event, EventRef, EventSet, Request};

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

trait Names {
    type Event;
}

impl Names for Own {
    type Event = Parsed;
}

/// Names its event by itself, and has attributes that its counterpart has as well.
#[derive(Debug, EventSet)]
#[non_exhaustive]
enum Own {
    Config(Delivery<<Self as Names>::Event>),
    #[doc(hidden)]
    Ask(Call<Parse>),
}

#[test]
fn set_with_an_event_has_a_counterpart_that_is_lent() {
    /// As the batch lends it.
    fn event(own: OwnRef<'_>) -> Option<EventRef<'_, Parsed>> {
        if let OwnRef::Config(config) = own { Some(config) } else { None }
    }
    fn kept(inbox: InboxRef<'_>, own: OwnRef<'_>) -> (Inbox, Own) {
        (inbox.keep(), own.keep())
    }
    let _ = (event, kept);
}

const fn items_of_themselves<S: EventSet<Item = S>>() {}

#[test]
fn set_is_its_own_item() {
    items_of_themselves::<Inbox>();
    items_of_themselves::<inner::One>();
}
