//! Questions that lead to questions, some of them back to whoever waits for their answer.

use std::time::Duration;

use callboard::{Bus, Call, End, RequestError, Responder};

use super::props::{Answer, Consult, Question, Tally};
use super::stage::{Latch, Stage, give_way};

/// The clock stands still.
const EVER: Duration = Duration::from_secs(1);

/// What a responder that would have led to a cycle answers.
const CYCLE: usize = 100;

pub(crate) fn scenario(stage: &mut impl Stage) {
    let tally = Tally::default();
    let bus = stage.builder().build().expect("the settings are good");
    let askers = 2;
    // Whether the expert asks back, and whether the desk has a hand free for that.
    let (asks_back, hands) = (stage.once_in(2), [1, askers + 1][stage.choose(2)]);
    let desk = bus.responder::<Question>("desk");
    stage.play("desk", sit(desk, hands, bus.clone(), tally.clone()));
    let expert = bus.responder::<Consult>("expert");
    stage.play("expert", know(expert, asks_back, hands == 1, tally.clone()));
    if stage.once_in(2) {
        bus.start();
    } else {
        let starter = bus.clone();
        stage.play("starter", async move {
            starter.start();
        });
    }
    let expected = match (asks_back, hands) {
        (false, _) => 1,
        (true, 1) => CYCLE,
        (true, _) => 2,
    };
    let asked = Latch::new(askers);
    for _ in 0..askers {
        let (asked, bus) = (asked.clone(), bus.clone());
        let question = Question { depth: 0, token: tally.token() };
        stage.play("asker", async move {
            let gathered = bus.request(question).expect(["desk"]).timeout(EVER).await;
            let gathered = gathered.expect("the bus is open");
            assert_eq!(gathered.end(), End::Met, "{:?}", gathered.outcome("desk"));
            assert_eq!(gathered.get("desk").map(|answer| answer.depth), Some(expected));
            asked.arrive();
        });
    }
    let closer = bus.clone();
    stage.play("closer", async move {
        asked.wait().await;
        closer.close_and_drain(EVER).await.expect("every handler ends");
    });
    stage.finish();
    tally.settle(bus);
}

/// Asks the expert about whatever comes from outside, and answers what comes from the expert.
async fn sit(desk: Responder<Question>, hands: usize, bus: Bus, tally: Tally) {
    let handler = |call: Call<Question>| {
        let (bus, tally) = (bus.clone(), tally.clone());
        async move {
            call.token.read();
            give_way().await;
            let depth = call.depth + 1;
            if call.depth > 0 {
                return call.respond(Answer { depth, token: tally.token() });
            }
            let consult = Consult { depth, token: tally.token() };
            let gathered = bus.request(consult).expect(["expert"]).timeout(EVER).await;
            let depth = gathered.ok().and_then(|it| it.get("expert").map(|answer| answer.depth));
            let Some(depth) = depth else {
                return tally.fault("the expert does not answer");
            };
            call.respond(Answer { depth, token: tally.token() });
        }
    };
    desk.serve_concurrent(hands, handler).await;
}

/// Answers, after it has perhaps asked the desk, which may be waiting for it.
async fn know(mut expert: Responder<Consult>, asks_back: bool, in_a_cycle: bool, tally: Tally) {
    while let Some(call) = expert.recv().await {
        call.token.read();
        let mut depth = call.depth;
        if asks_back {
            let question = Question { depth, token: tally.token() };
            let asked = call.request(question).expect(["desk"]).timeout(EVER).await;
            depth = match asked {
                Ok(gathered) => gathered.get("desk").expect("it has a hand free").depth,
                Err(error) => {
                    let chain = ["desk", "expert", "desk"].map(String::from).to_vec();
                    assert_eq!(error, RequestError::Cycle { chain });
                    CYCLE
                }
            };
            assert_eq!(depth == CYCLE, in_a_cycle);
        }
        call.respond(Answer { depth, token: tally.token() });
    }
}
