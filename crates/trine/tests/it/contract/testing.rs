//! The means of testing.

use trine::Runner;
use trine::testing::{MockClock, wait_all_tasks_blocked};

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
