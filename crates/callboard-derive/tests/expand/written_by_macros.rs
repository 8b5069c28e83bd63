//! Items that a macro writes, with its fragments in our attributes.

use callboard::{Call, Delivery, Event, EventRef, EventSet, Request};

macro_rules! protocol {
    ($question:ident asks $name:literal for $answer:ident: $response:ty, in $set:ident: $member:ty) => {
        #[derive(Debug, Event)]
        #[event(priority = low)]
        struct $answer;

        #[derive(Debug, Request)]
        #[request(type = $name, response = $response)]
        struct $question;

        #[derive(Debug, EventSet)]
        enum $set {
            Answer($member),
        }
    };
}

protocol!(Ask asks "macro.ask" for Answer: Answer, in Inbox: Delivery<Answer>);

macro_rules! set_of {
    ($set:ident { $($members:tt)* }) => {
        #[derive(Debug, EventSet)]
        enum $set { $($members)* }
    };
}

set_of!(Members { Answer(Delivery<Answer>), Asked(Call<Ask>) });

#[test]
fn set_written_by_a_macro_is_lent() {
    fn keep(lent: InboxRef<'_>, other: MembersRef<'_>) -> (Inbox, Members) {
        (lent.keep(), other.keep())
    }
    fn is_lent(lent: MembersRef<'_>) -> Option<EventRef<'_, Answer>> {
        if let MembersRef::Answer(answer) = lent { Some(answer) } else { None }
    }
    fn set<S: EventSet>() {}
    set::<Members>();
    let _ = (keep, is_lent);
}

#[test]
fn macro_fragments_are_understood() {
    fn set<S: EventSet>() {}
    set::<Inbox>();
    assert_eq!(Ask::TYPE, "macro.ask");
    assert_eq!(<Ask as Request>::Response::TYPE, Answer::TYPE);
}
