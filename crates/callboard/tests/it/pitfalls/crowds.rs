//! Crowds: shared names, and findings by the ten thousands.

use callboard::{
    AnyEvent, Bus, Call, Delivery, Diagnosis, EventSet, Finding, FindingKind, InterestSnapshot,
};

use super::{Other, Question, Step, expect, found};
use crate::support::{in_time, publish_all};
use FindingKind::{
    CapacityTooSmall, DuplicateResponder, DuplicateSubscriber, NeverPublished, NotReading,
};

#[derive(Debug, EventSet)]
enum Inbox {
    Step(Delivery<Step>),
    Other(Delivery<Other>),
    Ask(Call<Question>),
}

#[test]
fn many_findings_of_one_kind_are_summed_up_behind_the_worst() {
    let bus = Bus::new();
    // The later a subscriber comes, the more it has lost.
    let mut crowd: Vec<_> = (0..1_234_usize)
        .map(|n| bus.subscriber(format!("{n}")).capacity(2_000 - n).subscribe::<Step>())
        .collect();
    bus.start();
    bus.publish(Step(0));
    assert!(crowd.iter_mut().all(|reader| reader.try_iter().count() == 1));
    publish_all(&bus, (0..2_000).map(Step));
    let diagnosis = bus.diagnose();
    let of_kind = |kind| {
        let culprits = diagnosis.findings.iter().filter(move |it: &&Finding| it.kind == kind);
        culprits.map(|it| it.culprit.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of_kind(NotReading).len(), crowd.len(), "the data is complete");
    assert_eq!(of_kind(CapacityTooSmall).len(), crowd.len() - 1);
    assert_eq!(of_kind(CapacityTooSmall)[..3], ["1233", "1232", "1231"], "the worst first");
    assert_eq!(of_kind(NotReading)[..3], ["0", "1", "2"], "with most to read first");
    let shown = diagnosis.to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 12, "{shown}");
    assert!(lines[0].starts_with("`0` is full with 2000 events"), "{shown}");
    assert_eq!(lines[5], "and 1,229 more `NotReading`: see `findings`");
    assert!(lines[6].starts_with("`1233` lost 1233 events"), "{shown}");
    assert_eq!(lines[11], "and 1,228 more `CapacityTooSmall`: see `findings`");
}

#[test]
fn few_findings_of_one_kind_are_all_shown() {
    let shown = |crowd: usize| {
        let bus = Bus::new();
        let open = |n| bus.subscriber(format!("{n}")).capacity(1).subscribe::<Step>();
        let _crowd: Vec<_> = (0..crowd).map(open).collect();
        bus.start();
        bus.publish(Step(0));
        bus.diagnose().to_string()
    };
    assert_eq!(shown(5).lines().count(), 5);
    assert!(shown(5).lines().all(|line| line.contains("is full with")));
    assert_eq!(shown(6).lines().last(), Some("and 1 more `NotReading`: see `findings`"));
}

#[test]
fn hundred_thousand_full_subscribers_are_a_page() {
    let bus = Bus::new();
    let open = |n| bus.subscriber(format!("{n}")).capacity(1).subscribe::<Step>();
    let _crowd: Vec<_> = (0..100_000).map(open).collect();
    bus.start();
    publish_all(&bus, (0..2).map(Step));
    let diagnosis = bus.diagnose();
    assert_eq!(diagnosis.findings.len(), 200_000);
    let shown = diagnosis.to_string();
    assert!(shown.contains("and 99,995 more `NotReading`"), "{shown}");
    assert!(shown.len() < 5_000, "{} bytes", shown.len());
}

/// Checking each subscriber for each type would take 10,000,000,000 checks.
#[test]
fn time_of_a_diagnosis_grows_with_the_bus_and_not_with_its_square() {
    const CROWD: usize = 100_000;
    let bus = Bus::new();
    let _step = bus.subscribe::<Step>("0");
    bus.start();
    let mut snapshot = bus.snapshot();
    let (subscriber, of_type) = (snapshot.subscribers.remove(0), snapshot.types.remove(0));
    for n in 0..CROWD {
        let mut of = subscriber.clone();
        of.name = n.to_string();
        (of.capacity, of.queued) = (1, 1);
        of.interest = InterestSnapshot::Types(vec![n.to_string()]);
        snapshot.subscribers.push(of);
        let mut of = of_type.clone();
        (of.event_type, of.published) = (n.to_string(), 0);
        snapshot.types.push(of);
    }
    let found = in_time("a diagnosis", move || Diagnosis::of(snapshot));
    let of_kind = |kind| found.findings.iter().filter(|finding| finding.kind == kind).count();
    assert_eq!((of_kind(NotReading), of_kind(NeverPublished)), (CROWD, CROWD));
}

#[test]
fn responders_of_one_request_that_share_a_name_are_named() {
    let bus = Bus::new();
    let one = bus.responder::<Question>("twin");
    assert_eq!(found(&bus, DuplicateResponder), None);
    let inbox = bus.subscribe::<Inbox>("twin");
    bus.start();
    let finding = expect(&bus, DuplicateResponder);
    assert_eq!(
        finding.to_string(),
        "`twin` is the name of 2 responders of `pit.question`, and only the first answer counts; \
         give each responder a name of its own"
    );
    assert_eq!(found(&bus, DuplicateSubscriber), None, "once is enough");
    let answers: Vec<_> = bus.snapshot().subscribers.into_iter().map(|it| it.answers).collect();
    assert_eq!(answers, [["pit.question"], ["pit.question"]]);
    drop(one);
    assert_eq!(found(&bus, DuplicateResponder), None);
    drop(inbox);
}

#[test]
fn observer_may_share_the_name_of_a_responder() {
    let bus = Bus::new();
    let _answers = bus.responder::<Question>("one");
    let _observes = bus.subscribe::<Question>("one");
    assert_eq!(found(&bus, DuplicateResponder), None);
    assert_eq!(found(&bus, DuplicateSubscriber), None);
    assert_eq!(bus.snapshot().subscribers[1].answers, [""; 0]);
}

#[test]
fn subscriptions_to_the_same_events_that_share_a_name_come_last() {
    let bus = Bus::new();
    let _twins = [1, 2, 3].map(|_| bus.subscriber("twin").capacity(1).subscribe::<Step>());
    let _all = [1, 2].map(|_| bus.subscribe::<AnyEvent>("all"));
    let _matching = [1, 2].map(|_| bus.subscriber("matching").subscribe_matching("pit.*"));
    let _several = (bus.subscribe::<Step>("several"), bus.subscribe::<Other>("several"));
    bus.start();
    bus.publish(Step(1));
    let findings = bus.diagnose().findings;
    let namesakes = findings.iter().filter(|it| it.kind == DuplicateSubscriber);
    assert!(namesakes.clone().map(|it| &*it.culprit).eq(["twin", "all", "matching"]));
    assert_eq!(findings.last().map(|it| it.kind), Some(DuplicateSubscriber));
    assert_eq!(
        namesakes.map(|it| it.seen.as_str()).collect::<Vec<_>>(),
        [
            "is the name of 3 subscriptions to `pit.step`",
            "is the name of 2 subscriptions to `>`",
            "is the name of 2 subscriptions to `pit.*`",
        ]
    );
}

#[test]
fn inboxes_that_share_a_name_and_many_types_are_named_once() {
    let bus = Bus::new();
    let _twins = [1, 2].map(|_| bus.subscribe::<Inbox>("twin"));
    let kinds: Vec<_> = bus.diagnose().findings.into_iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [DuplicateResponder, DuplicateSubscriber]);
}
