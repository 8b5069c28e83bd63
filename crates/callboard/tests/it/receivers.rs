//! Every way of receiving hands out the same events in the same order, in any runtime or none,
//! and they may be mixed on one bus and on one subscription.

use std::thread;
use std::time::Duration;

use callboard::testing::settle_within;
use callboard::{
    AnyEvent, Bus, Call, Event, RecvTimeoutError, Request, Subscription, TryRecvError,
};
use futures_lite::{StreamExt, future};

use crate::support::{Log, PATIENCE, Rng, in_time, poll, publish_all, soon};

#[derive(Debug, Event)]
struct Tick(u64);

#[derive(Debug, Request)]
#[request(response = Tick)]
struct Double(u64);

const COUNT: u64 = 2_000;

async fn by_recv(mut ticks: Subscription<Tick>) -> Vec<u64> {
    let mut seen = Vec::new();
    while let Some(tick) = ticks.recv().await {
        seen.push(tick.0);
    }
    seen
}

async fn by_stream(ticks: Subscription<Tick>) -> Vec<u64> {
    ticks.map(|tick| tick.0).collect().await
}

async fn by_batches(mut ticks: Subscription<Tick>) -> Vec<u64> {
    let (mut seen, mut batch) = (Vec::new(), Vec::new());
    while ticks.recv_many(&mut batch, 17).await > 0 {
        assert!(batch.len() <= 17);
        seen.extend(batch.drain(..).map(|tick| tick.0));
    }
    seen
}

async fn by_serving(ticks: Subscription<Tick>) -> Vec<u64> {
    let mut seen = Vec::new();
    ticks
        .serve(|tick| {
            seen.push(tick.0);
            future::yield_now()
        })
        .await;
    seen
}

async fn by_serving_many(ticks: Subscription<Tick>) -> Vec<u64> {
    let mut seen = Vec::new();
    ticks
        .serve_concurrent(8, |tick| {
            seen.push(tick.0);
            async move {
                for _ in 0..tick.0 % 3 {
                    future::yield_now().await;
                }
            }
        })
        .await;
    seen
}

fn by_iter(mut ticks: Subscription<Tick>) -> Vec<u64> {
    ticks.iter().map(|tick| tick.0).collect()
}

fn by_timeout(mut ticks: Subscription<Tick>) -> Vec<u64> {
    let mut seen = Vec::new();
    loop {
        match ticks.recv_timeout(Duration::from_millis(1)) {
            Ok(tick) => seen.push(tick.0),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Closed) => return seen,
        }
    }
}

fn by_trying(mut ticks: Subscription<Tick>) -> Vec<u64> {
    let mut seen = Vec::new();
    loop {
        match ticks.try_recv() {
            Ok(tick) => seen.push(tick.0),
            Err(TryRecvError::Empty) => thread::yield_now(),
            Err(TryRecvError::Closed) => return seen,
        }
    }
}

/// Another way for each event.
async fn by_all_in_turn(mut ticks: Subscription<Tick>) -> Vec<u64> {
    let (mut seen, mut batch, mut rng) = (Vec::new(), Vec::new(), Rng::new(70));
    loop {
        let tick = match rng.below(6) {
            0 => ticks.recv().await,
            1 => ticks.next().await,
            2 => ticks.blocking_recv(),
            3 => ticks.iter().next(),
            4 => match ticks.recv_timeout(PATIENCE) {
                Err(RecvTimeoutError::Timeout) => panic!("hangs: recv_timeout"),
                result => result.ok(),
            },
            _ => {
                ticks.recv_many(&mut batch, 1).await;
                batch.pop()
            }
        };
        let Some(tick) = tick else {
            return seen;
        };
        seen.push(tick.0);
        seen.extend(ticks.try_iter().take(rng.below(3)).map(|tick| tick.0));
    }
}

#[test]
fn all_receivers_see_the_same() {
    in_time("every receiver in every runtime", || {
        let bus = Bus::new();
        let open = |name: &str| bus.subscriber(name).capacity(usize::MAX).subscribe::<Tick>();
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let in_tokio = [
            tokio.spawn(by_recv(open("tokio recv"))),
            tokio.spawn(by_stream(open("tokio stream"))),
            tokio.spawn(by_batches(open("tokio batches"))),
            tokio.spawn(by_serving(open("tokio serve"))),
            tokio.spawn(by_serving_many(open("tokio serve_concurrent"))),
        ];
        let in_smol = [
            smol::spawn(by_recv(open("smol recv"))),
            smol::spawn(by_stream(open("smol stream"))),
            smol::spawn(by_batches(open("smol batches"))),
            smol::spawn(by_serving(open("smol serve"))),
        ];
        let [a, b, c, d] = ["iter", "timeout", "try", "in turn"].map(open);
        let in_threads = [
            thread::spawn(|| by_iter(a)),
            thread::spawn(|| by_timeout(b)),
            thread::spawn(|| by_trying(c)),
            thread::spawn(|| soon("mixed receivers", by_all_in_turn(d))),
        ];
        bus.start();
        for number in 0..COUNT {
            bus.publish(Tick(number));
            if number % 50 == 0 {
                thread::yield_now();
            }
        }
        bus.close();
        let whole = |seen: Vec<u64>, who: &str| assert!(seen.into_iter().eq(0..COUNT), "{who}");
        in_tokio.into_iter().for_each(|task| whole(tokio.block_on(task).unwrap(), "tokio"));
        in_smol.into_iter().for_each(|task| whole(smol::block_on(task), "smol"));
        in_threads.into_iter().for_each(|thread| whole(thread.join().unwrap(), "thread"));
    });
}

#[test]
fn subscription_may_move_between_runtimes() {
    in_time("a subscription that moves", || {
        let bus = Bus::new();
        let mut ticks = bus.subscribe::<Tick>("nomad");
        bus.start();
        let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for number in 0..30 {
            match number % 3 {
                0 => assert!(poll(&mut ticks.next()).is_pending()),
                1 => assert!(poll(&mut ticks.recv()).is_pending()),
                _ => {}
            }
            let publisher = thread::spawn({
                let bus = bus.clone();
                move || bus.publish(Tick(number))
            });
            let tick = match number % 4 {
                0 => tokio.block_on(ticks.recv()),
                1 => smol::block_on(ticks.next()),
                2 => ticks.blocking_recv(),
                _ => {
                    let (tick, back) =
                        thread::spawn(move || (ticks.blocking_recv(), ticks)).join().unwrap();
                    ticks = back;
                    tick
                }
            };
            assert_eq!(tick.unwrap().0, number);
            publisher.join().unwrap();
        }
    });
}

#[test]
fn tokio_tasks_and_threads_ask_each_other() {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    in_time("asking across runtimes", move || {
        let bus = Bus::new();
        let responder = bus.responder::<Double>("tokio");
        let mut in_thread = bus.responder::<Double>("thread");
        bus.start();
        let double = |call: Call<Double>| async move {
            let answer = Tick(call.0 * 2);
            future::yield_now().await;
            call.respond(answer);
        };
        let serving = tokio.spawn(responder.serve_concurrent(4, double));
        let thread = thread::spawn(move || {
            for call in in_thread.iter() {
                let answer = Tick(call.0 * 2);
                call.respond(answer);
            }
        });
        let asking: Vec<_> = (0..40)
            .map(|number| {
                let request = bus.request(Double(number)).expect(["tokio", "thread"]);
                match number % 2 {
                    0 => tokio.spawn(request.gather()),
                    _ => tokio.spawn_blocking(|| request.gather_blocking()),
                }
            })
            .collect();
        for (number, asked) in (0..).zip(asking) {
            let gathered = tokio.block_on(asked).unwrap().unwrap();
            assert!(gathered.is_complete());
            assert!(gathered.responses().all(|(_, answer)| answer.0 == number * 2));
        }
        bus.close();
        tokio.block_on(serving).unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn after_close_every_receiver_ends_once_it_is_empty() {
    in_time("after close every receiver ends once it is empty", || {
        let bus = Bus::new();
        let open = || bus.subscribe::<Tick>("clock");
        let (mut a, mut b, mut c, mut d, mut e) = (open(), open(), open(), open(), open());
        let (f, mut g) = (open(), open());
        bus.start();
        bus.publish(Tick(1));
        bus.close();
        assert_eq!(a.try_recv().unwrap().0, 1);
        assert_eq!(a.try_recv().unwrap_err(), TryRecvError::Closed);
        assert_eq!(b.blocking_recv().unwrap().0, 1);
        assert!(b.blocking_recv().is_none());
        assert_eq!(c.recv_timeout(Duration::ZERO).unwrap().0, 1);
        assert_eq!(c.recv_timeout(Duration::MAX).unwrap_err(), RecvTimeoutError::Closed);
        assert_eq!((d.iter().count(), d.iter().count()), (1, 0));
        let mut batch = Vec::new();
        assert_eq!(soon("a batch", e.recv_many(&mut batch, 10)), 1);
        assert_eq!(soon("the end", e.recv_many(&mut batch, 10)), 0);
        let handled = Log::new();
        soon("the service's end", f.serve(async |tick| handled.push(tick.0)));
        assert_eq!(handled.take(), [1]);
        assert!(soon("a stream", async { g.next().await.is_some() && g.next().await.is_none() }));
        assert!(soon("the end again", g.recv()).is_none(), "and it stays ended");
    });
}

#[test]
fn nothing_is_waited_for_where_nothing_is_asked() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    assert_eq!(ticks.try_recv().unwrap_err(), TryRecvError::Empty);
    assert_eq!(ticks.recv_timeout(Duration::ZERO).unwrap_err(), RecvTimeoutError::Timeout);
    assert_eq!(soon("a batch of none", ticks.recv_many(&mut Vec::new(), 0)), 0);
    assert_eq!(ticks.try_iter().count(), 0);
    bus.publish(Tick(1));
    assert_eq!(ticks.recv_timeout(Duration::MAX).unwrap().0, 1);
    bus.publish(Tick(2));
    assert_eq!(ticks.recv_timeout(Duration::ZERO).unwrap().0, 2, "what is there is given");
    // A reader yields now and then; not where that would be taken for the end.
    for number in 0..500 {
        bus.publish(Tick(number));
        assert_eq!(ticks.recv_timeout(Duration::ZERO).unwrap().0, number);
    }
}

#[test]
fn batch_has_no_limit_but_the_one_given() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    publish_all(&bus, (0..90).map(Tick));
    let mut batch = Vec::new();
    assert_eq!(soon("a batch", ticks.recv_many(&mut batch, 40)), 40);
    assert_eq!(soon("the rest", ticks.recv_many(&mut batch, usize::MAX)), 50);
    assert!(batch.iter().map(|tick| tick.0).eq(0..90));
}

#[test]
fn event_outlives_its_subscription_and_bus() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    bus.start();
    bus.publish(Tick(7));
    let tick = ticks.try_recv().unwrap();
    drop((ticks, bus));
    let copy = thread::spawn(move || tick.clone()).join().unwrap();
    assert_eq!(copy.0, 7);
}

#[test]
fn reader_of_many_has_them_in_hand() {
    let bus = Bus::new();
    let mut ticks = bus.subscribe::<Tick>("clock");
    let mut all = bus.subscribe::<AnyEvent>("all");
    bus.start();
    publish_all(&bus, (0..3).map(Tick));
    let (mut some, mut rest) = (Vec::new(), Vec::new());
    assert_eq!(soon("events", ticks.recv_many(&mut some, 10)), 3);
    assert_eq!(soon("events", all.recv_many(&mut rest, 10)), 3);
    let snapshot = bus.snapshot();
    assert!(snapshot.subscribers.iter().all(|subscriber| subscriber.in_hand));
    assert!(soon("settling", settle_within(&bus, Duration::ZERO)).is_err(), "two are at work");
    assert!(ticks.try_recv().is_err() && all.try_recv().is_err());
    assert!(soon("settling", settle_within(&bus, Duration::ZERO)).is_ok());
    assert_eq!(soon("nothing", ticks.recv_many(&mut some, 0)), 0);
    assert_eq!(soon("nothing", all.recv_many(&mut rest, 0)), 0);
    assert!(bus.snapshot().subscribers.iter().all(|subscriber| !subscriber.in_hand));
}
