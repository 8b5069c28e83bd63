//! Property tests: the bus against a simple reference model, and against its own promises when
//! many threads use it at once.
//!
//! - [`model`] is the reference: a sequential bus written from the contract, with plain vectors.
//! - [`sub`] is its part about one subscription, [`asking`] the one about requests.
//! - [`program`] makes random programs of operations.
//! - [`run`] executes one on the bus and on the model in lockstep and compares all there is to see.
//! - [`concurrent`] runs random publishers and readers in threads; [`contention`] has threads
//!   merge the same events and answer the same requests.
//! - [`regressions`] are the smallest programs that once told the two apart.
//!
//! `PROPTEST_CASES=100000 cargo test --test model` looks longer.

mod asking;
mod concurrent;
mod contention;
mod events;
mod model;
mod program;
mod reader;
mod regressions;
mod run;
mod run_asking;
mod sub;

use proptest::prelude::*;
use proptest::test_runner::Config;

/// `cases` by default, or `PROPTEST_CASES`; a failing one is made smaller in so many steps. Nothing is written to disk.
fn config(cases: u32, shrinking: u32) -> Config {
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default().cases,
        None => cases,
    };
    Config { cases, failure_persistence: None, max_shrink_iters: shrinking, ..Config::default() }
}

proptest! {
    #![proptest_config(config(1_500, 20_000))]

    #[test]
    fn the_bus_behaves_as_the_model(program in program::program(60)) {
        run::check(&program).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_program_of_one_subscription_behaves_as_the_model(program in program::narrow(40)) {
        run::check(&program).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_program_of_requests_behaves_as_the_model(program in program::asking(50)) {
        run::check(&program).map_err(TestCaseError::fail)?;
    }
}

proptest! {
    #![proptest_config(config(60, 200))]

    #[test]
    fn threads_see_one_order_and_exact_accounts(scene in concurrent::scene()) {
        concurrent::play(&scene);
    }

    #[test]
    fn merging_by_many_threads_loses_nothing(merging in contention::merging()) {
        contention::merge(&merging);
    }

    #[test]
    fn answers_reach_their_own_request(asking in contention::asking()) {
        contention::ask(&asking);
    }
}
