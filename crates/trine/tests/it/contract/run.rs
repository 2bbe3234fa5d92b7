//! Run, time, checkpoints.

use std::time::Instant;

use trine::{Clock, Instrument, Runner};

use super::ms;

/// A clock with nothing but what a clock must have.
struct Bare;

impl Clock for Bare {
    fn now(&self) -> Instant {
        // real time: this is what the simplest clock does.
        Instant::now()
    }
}

struct Silent;

impl Instrument for Silent {}

#[test]
fn a_run_returns_what_its_main_future_does_and_may_borrow() {
    let text = String::from("borrowed");
    let length: usize = trine::run(async { text.len() });
    assert_eq!(length, 8);
}

#[test]
fn a_runner_is_built_step_by_step() {
    let runner: Runner = Runner::new().clock(Bare).instrument(Silent).shuffle(7);
    let answer: i32 = runner.run(async { 42 });
    assert_eq!(answer, 42);
}

#[test]
fn time_is_that_of_the_run() {
    super::run(async {
        let before: Instant = trine::now();
        let (): () = trine::sleep(ms(10)).await;
        let (): () = trine::sleep_until(before + ms(15)).await;
        assert_eq!(trine::now() - before, ms(15));
    });
}

#[test]
fn checkpoints_are_at_the_root_and_in_lowlevel() {
    super::run(async {
        let (): () = trine::checkpoint().await;
        let (): () = trine::lowlevel::checkpoint().await;
        let (): () = trine::lowlevel::checkpoint_if_cancelled().await;
        let (): () = trine::lowlevel::cancel_shielded_checkpoint().await;
    });
}

#[test]
fn sleeping_forever_never_returns() {
    async fn never() -> u8 {
        trine::sleep_forever().await
    }
    let woke: Option<u8> = super::run(trine::move_on_after(ms(1), never()));
    assert_eq!(woke, None);
}
