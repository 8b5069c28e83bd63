//! What the options become.

use callboard::{Abilities, Coalesce, Event, Priority, Request};

fn abilities<E: Event>() -> String {
    format!("{:?}", E::ABILITIES)
}

#[derive(Debug, Event)]
struct Plain;

#[derive(Debug, Event)]
#[event(priority = high)]
struct High;

#[derive(Debug, Event)]
#[event(priority = normal, retain)]
struct Normal;

#[derive(Debug, Event)]
#[event(priority = low,)]
#[event(retain, type = "low.tide")]
struct Low;

#[test]
fn options_become_abilities() {
    assert_eq!(abilities::<Plain>(), format!("{:?}", Abilities::<Plain>::new()));
    let high = Abilities::<High>::new().priority(Priority::High);
    assert_eq!(abilities::<High>(), format!("{high:?}"));
    let normal = Abilities::<Normal>::new().retain();
    assert_eq!(abilities::<Normal>(), format!("{normal:?}"));
    let low = Abilities::<Low>::new().priority(Priority::Low).retain();
    assert_eq!(abilities::<Low>(), format!("{low:?}"));
    assert_eq!(Low::TYPE, "low.tide", "options may be spread over attributes");
}

#[derive(Debug, Event)]
#[event(priority = Self::urgency)]
struct Alarm {
    level: u8,
}

impl Alarm {
    const fn urgency(&self) -> Priority {
        if self.level > 3 { Priority::High } else { Priority::Normal }
    }
}

#[derive(Debug, Event)]
#[event(priority = rules::always_low)]
struct Chatter;

mod rules {
    use super::{Chatter, Priority};

    pub(super) const fn always_low(_: &Chatter) -> Priority {
        Priority::Low
    }
}

trait Urgent {
    fn urgency(&self) -> Priority;
}

#[derive(Debug, Event)]
#[event(priority = <Self as Urgent>::urgency)]
struct Fire;

impl Urgent for Fire {
    fn urgency(&self) -> Priority {
        Priority::High
    }
}

#[test]
fn priority_may_be_a_method_a_function_or_a_trait_method() {
    let alarm = Abilities::<Alarm>::new().priority_by(Alarm::urgency);
    assert_eq!(abilities::<Alarm>(), format!("{alarm:?}"));
    let chatter = Abilities::<Chatter>::new().priority_by(rules::always_low);
    assert_eq!(abilities::<Chatter>(), format!("{chatter:?}"));
    let fire = Abilities::<Fire>::new().priority_by(Urgent::urgency);
    assert_eq!(abilities::<Fire>(), format!("{fire:?}"));
    assert_eq!(Alarm { level: 4 }.urgency(), Priority::High);
}

#[derive(Debug, Event)]
struct Found;

impl Coalesce for Found {
    type Key = ();

    fn key(&self) -> Self::Key {}
}

#[derive(Debug, Event)]
#[event(coalesce, priority = high, retain)]
struct Asserted;

impl Coalesce for Asserted {
    type Key = ();

    fn key(&self) -> Self::Key {}
}

#[test]
fn coalescing_is_found_or_asserted() {
    let found = Abilities::<Found>::new().coalesce();
    assert_eq!(abilities::<Found>(), format!("{found:?}"));
    let asserted = Abilities::<Asserted>::new().coalesce().priority(Priority::High).retain();
    assert_eq!(abilities::<Asserted>(), format!("{asserted:?}"));
    assert_ne!(abilities::<Found>(), abilities::<Plain>());
}

#[derive(Debug, Request)]
#[request(type = "plain.check", response = Plain, priority = high)]
#[event(retain)]
struct CheckPlain;

#[test]
fn request_has_its_options_in_either_attribute() {
    let check = Abilities::<CheckPlain>::new().priority(Priority::High).retain();
    assert_eq!(abilities::<CheckPlain>(), format!("{check:?}"));
    assert_eq!(CheckPlain::TYPE, "plain.check");
}
