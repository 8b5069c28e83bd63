//! Items that a macro writes, with its fragments in our attributes.

use callboard::{Delivery, Event, EventSet, Request};

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

#[test]
fn macro_fragments_are_understood() {
    fn set<S: EventSet>() {}
    set::<Inbox>();
    assert_eq!(Ask::TYPE, "macro.ask");
    assert_eq!(<Ask as Request>::Response::TYPE, Answer::TYPE);
}
