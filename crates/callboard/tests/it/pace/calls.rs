//! Calls among debounced or throttled events: none is merged away, and none waits.

use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use callboard::{Bus, Call, Delivery, Event, EventSet, Gather, Outcome, Paced, Request};

use super::{SECOND, Tick, buses, now};
use crate::support::{poll, soon};

#[derive(Debug, Request)]
#[request(type = "pace.ask", response = Answer)]
struct Ask(u64);

#[derive(Debug, Event)]
#[event(type = "pace.answer")]
struct Answer(u64);

#[derive(Debug, EventSet)]
enum Inbox {
    Tick(Delivery<Tick>),
    Ask(Call<Ask>),
}

fn inbox(bus: &Bus) -> callboard::Subscription<Inbox> {
    bus.subscriber("oracle").late().subscribe()
}

fn ask(bus: &Bus, number: u64) -> Gather<Ask> {
    let mut gather = bus.request(Ask(number)).expect(["oracle"]).timeout(Duration::MAX).gather();
    assert!(poll(&mut gather).is_pending());
    gather
}

/// The call that is available now.
fn next_call(paced: &mut Paced<Inbox>) -> Option<Call<Ask>> {
    match now(paced)?.unwrap().into_item() {
        Inbox::Ask(call) => Some(call),
        Inbox::Tick(tick) => panic!("{tick:?}"),
    }
}

/// The number of the tick that is available now, and how many were merged.
fn tick(paced: &mut Paced<Inbox>) -> Option<(u64, u64)> {
    let burst = now(paced)?.unwrap();
    match &*burst {
        Inbox::Tick(tick) => Some((tick.0, burst.merged())),
        Inbox::Ask(call) => panic!("{call:?}"),
    }
}

#[test]
fn call_is_handed_out_at_once_behind_what_came_before_it() {
    for (clock, bus) in buses() {
        for mut paced in [inbox(&bus).debounce(SECOND, SECOND), inbox(&bus).throttle(SECOND)] {
            bus.publish(Tick(0));
            if tick(&mut paced).is_none() {
                clock.advance(SECOND);
                assert_eq!(tick(&mut paced), Some((0, 0)));
            }
            bus.publish(Tick(1));
            bus.publish(Tick(2));
            let asked = [ask(&bus, 3), ask(&bus, 4)];
            bus.publish(Tick(5));
            assert_eq!(tick(&mut paced), Some((2, 1)), "the call ends the burst");
            for number in [3, 4] {
                let call = next_call(&mut paced).expect("no call waits");
                assert_eq!(call.0, number);
                call.respond(Answer(number));
            }
            for (gather, number) in asked.into_iter().zip([3, 4]) {
                let gathered = soon("the answer", gather).unwrap();
                assert_eq!(gathered.get("oracle").unwrap().0, number);
            }
            assert_eq!(tick(&mut paced), None, "the next burst waits");
            clock.advance(SECOND);
            assert_eq!(tick(&mut paced), Some((5, 0)));
        }
    }
}

#[test]
fn call_begins_no_period() {
    for (_clock, bus) in buses() {
        let mut paced = inbox(&bus).throttle(SECOND);
        let _asked = ask(&bus, 1);
        let call = next_call(&mut paced).expect("at once");
        bus.publish(Tick(2));
        assert_eq!(tick(&mut paced), Some((2, 0)));
        call.decline("tested");
    }
}

#[test]
fn call_that_waits_behind_a_burst_is_lost_by_nobody() {
    for (_clock, bus) in buses() {
        let behind_a_burst = || {
            let mut paced = inbox(&bus).debounce(SECOND, SECOND);
            bus.publish(Tick(1));
            let asked = ask(&bus, 2);
            assert_eq!(tick(&mut paced), Some((1, 0)));
            (paced, asked)
        };
        // It is returned with the subscription.
        let (paced, asked) = behind_a_burst();
        let (subscription, held) = paced.into_inner();
        let Inbox::Ask(call) = held.unwrap().into_item() else { panic!("it is the call") };
        call.respond(Answer(7));
        assert_eq!(soon("the answer", asked).unwrap().get("oracle").unwrap().0, 7);
        drop(subscription);
        // If the adapter is dropped, it is abandoned at once.
        let (paced, asked) = behind_a_burst();
        drop(paced);
        let gathered = soon("the end", asked).unwrap();
        assert_eq!(gathered.outcome("oracle"), Some(Outcome::Abandoned));

        // It is handed out after the bus has closed.
        let (mut paced, asked) = behind_a_burst();
        bus.close();
        let call = next_call(&mut paced).unwrap();
        assert_eq!(call.0, 2);
        drop(call);
        assert!(matches!(now(&mut paced), Some(None)));
        drop(asked);
    }
}

#[test]
fn responder_that_is_paced_answers_each_call() {
    for (_clock, bus) in buses() {
        let mut paced = bus.subscriber("oracle").late().responder::<Ask>().throttle(SECOND);
        let asked: Vec<_> = (0..5).map(|number| ask(&bus, number)).collect();
        for number in 0..5 {
            let burst = now(&mut paced).unwrap().unwrap();
            assert_eq!((burst.0, burst.merged()), (number, 0));
            burst.into_item().respond(Answer(number));
        }
        for gather in asked {
            assert!(soon("the answer", gather).unwrap().is_complete());
        }
    }
}

/// It is withdrawn from the queue, between two polls.
#[test]
fn call_that_is_withdrawn_ends_no_burst() {
    for (clock, bus) in buses() {
        let mut paced = inbox(&bus).debounce(SECOND, SECOND);
        bus.publish(Tick(1));
        drop(ask(&bus, 2));
        bus.publish(Tick(3));
        let mut recv = Box::pin(paced.recv());
        let mut context = Context::from_waker(Waker::noop());
        assert!(recv.as_mut().poll(&mut context).is_pending());
        clock.advance(SECOND);
        let Poll::Ready(Some(burst)) = recv.as_mut().poll(&mut context) else { panic!("due") };
        assert_eq!(burst.merged(), 1);
    }
}
