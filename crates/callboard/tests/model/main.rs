//! Property tests: the bus against a simple reference model, and against its own promises when
//! many threads use it at once.
//!
//! - [`model`] is the reference: a sequential bus written from the contract, with plain vectors.
//! - [`sub`] is its part about one subscription, [`asking`] the one about requests, [`tally`] its
//!   accounts.
//! - [`program`] makes random programs of operations, with [`program_asking`] for requests, and
//!   [`print`] prints one as a test.
//! - [`run`] executes one on the bus and on the model in lockstep; [`receive`] is its part about
//!   receiving, [`run_asking`] the one about requests. After each operation [`watch`] compares all
//!   there is to see.
//! - [`concurrent`] runs random publishers and readers in threads; [`contention`] has threads
//!   merge the same events and answer the same requests.
//! - [`interrupted`] has user code run in the middle of an operation.
//! - [`deadlocks`] has handlers ask one another at random; [`mirror`] knows who is in a deadlock.
//! - [`wild`] has users' code panic and call back.
//! - [`regressions`] are the smallest programs that once told the two apart; [`circles`] are those
//!   about circles of nested requests.
//!
//! The programs use every operation there is, but for what takes threads or time of its own
//! (`concurrent` and `tests/it` have that), and handlers that wait.
//!
//! `PROPTEST_CASES=100000 cargo test --test model` looks longer.

mod asking;
mod circles;
mod concurrent;
mod contention;
mod deadlocks;
mod events;
mod interrupted;
mod mirror;
mod model;
mod print;
mod program;
mod program_asking;
mod reader;
mod receive;
mod regressions;
mod run;
mod run_asking;
mod sub;
mod tally;
mod watch;
mod wild;

use proptest::prelude::*;
use proptest::test_runner::Config;

/// `cases` by default, or `PROPTEST_CASES`; a failing one is made smaller in `steps`, or
/// `PROPTEST_MAX_SHRINK_ITERS`. Nothing is written to disk.
fn config(cases: u32, steps: u32) -> Config {
    let given = |variable| std::env::var_os(variable).is_some();
    let defaults = Config::default();
    Config {
        cases: if given("PROPTEST_CASES") { defaults.cases } else { cases },
        max_shrink_iters: if given("PROPTEST_MAX_SHRINK_ITERS") {
            defaults.max_shrink_iters
        } else {
            steps
        },
        failure_persistence: None,
        ..defaults
    }
}

proptest! {
    #![proptest_config(config(400, 20_000))]

    #[test]
    fn the_bus_behaves_as_the_model(program in program::program(60)) {
        run::check(&program).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_program_of_one_subscription_behaves_as_the_model(program in program::narrow(40)) {
        run::check(&program).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_program_of_one_log_behaves_as_the_model(program in program::logged(40)) {
        run::check(&program).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_program_of_latecomers_behaves_as_the_model(program in program::retained(30)) {
        run::check(&program).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn users_code_may_panic_and_call_back(ops in wild::ops()) {
        wild::play(&ops);
    }

    #[test]
    fn requests_fail_only_in_deadlocks_and_none_is_missed((places, ops) in deadlocks::program()) {
        deadlocks::play(&places, &ops);
    }

    #[test]
    fn a_program_of_requests_behaves_as_the_model(program in program_asking::asking(50)) {
        run::check(&program).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_program_of_crosswise_requests_behaves_as_the_model(program in program_asking::crosswise(40)) {
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
