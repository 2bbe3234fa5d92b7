//! The means of testing.

use trine::Runner;
use trine::testing::{MockClock, Sequencer, SequencerGuard, wait_all_tasks_blocked};

use super::ms;

#[test]
fn a_clock_that_stands_still_until_it_is_moved() {
    let clock: MockClock = MockClock::new().rate(0.0);
    let handle: MockClock = clock.clone();
    Runner::new().clock(clock).run(async {
        let start = trine::now();
        handle.jump(ms(5));
        trine::sleep_until(start + ms(5)).await;
        assert_eq!(trine::now() - start, ms(5));
    });
}

#[test]
fn a_clock_that_jumps() {
    for clock in [MockClock::autojump(), MockClock::new().autojump_threshold(ms(0))] {
        Runner::new().clock(clock).run(async {
            let start = trine::now();
            trine::sleep(ms(60_000)).await;
            assert_eq!(trine::now() - start, ms(60_000));
        });
    }
}

#[test]
fn waiting_until_every_other_task_is_parked() {
    trine::run(trine::open_nursery(async |nursery| {
        nursery.start_soon(trine::sleep_forever());
        let (): () = wait_all_tasks_blocked().await;
        nursery.cancel_tasks();
    }));
}

#[test]
fn a_sequencer_orders_steps_across_tasks() {
    super::run(trine::open_nursery(async |nursery| {
        let sequencer = Sequencer::new();
        for step in [1, 0] {
            let sequencer = sequencer.clone();
            nursery.start_soon(async move {
                let guard: SequencerGuard = sequencer.step(step).await;
                drop(guard);
            });
        }
    }));
}

#[trine::test]
async fn a_test_is_an_async_function() {
    trine::checkpoint().await;
}

#[trine::test(autojump, timeout = "5s", seeds = 3)]
async fn a_test_has_options() -> Result<(), trine::TooSlow> {
    trine::fail_after(ms(60_000), trine::sleep(ms(30_000))).await
}

#[trine::main]
async fn main_returns_something() -> Result<u8, trine::TooSlow> {
    trine::checkpoint().await;
    Ok(7)
}

#[test]
fn a_main_function_is_async() {
    assert_eq!(main_returns_something(), Ok(7));
}
