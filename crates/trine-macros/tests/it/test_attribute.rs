//! `#[test]`.

use std::cell::Cell;
use std::num::ParseIntError;
use std::time::Duration;

use rstest::rstest;

use crate::trine;

const HOUR: Duration = Duration::from_secs(3600);

/// Without options: a run in real time, FIFO.
#[trine::test]
async fn is_in_a_run() {
    trine_core::checkpoint().await;
    assert_eq!(trine_core::lowlevel::checkpoints_passed(), 1);
}

/// `autojump`: an hour takes no time.
#[trine::test(autojump)]
async fn jumps() {
    let before = trine_core::now();
    trine_core::sleep(HOUR).await;
    assert_eq!(trine_core::now() - before, HOUR);
}

/// `timeout` bounds the real time, so virtual hours are no matter to it.
#[trine::test(autojump, timeout = "5s")]
async fn in_time() {
    trine_core::sleep(HOUR).await;
}

/// A test may return a `Result`, and use `?`.
#[trine::test]
async fn may_return_a_result() -> Result<(), ParseIntError> {
    trine_core::checkpoint().await;
    assert_eq!("7".parse::<u32>()?, 7);
    Ok(())
}

/// The harness sees the panic of the test.
#[trine::test(seeds = 3)]
#[should_panic(expected = "the test's own words")]
async fn panics_go_on() {
    trine_core::checkpoint().await;
    panic!("the test's own words");
}

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

fn counted() -> u32 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

/// `seeds = n` runs the test n times, in virtual time.
// rule: K-7
#[test]
fn seeds_repeat() {
    mod hidden {
        use crate::trine;

        #[trine::test(seeds = 12)]
        pub(super) async fn many() {
            trine_core::sleep(super::HOUR).await;
            super::counted();
        }
    }
    hidden::many();
    assert_eq!(RUNS.get(), 12);
}

/// `cancel_sweep` runs it once for each of its checkpoints, and once more untouched.
// rule: K-8
#[test]
fn sweeps_repeat() {
    mod hidden {
        use crate::trine;

        #[trine::test(cancel_sweep)]
        pub(super) async fn swept() {
            super::counted();
            trine_core::checkpoint().await;
            trine_core::sleep(super::HOUR).await;
        }
    }
    hidden::swept();
    assert_eq!(RUNS.get(), 3);
}

/// `#[rstest]` before it: each case is a test of ours.
#[rstest]
#[case(2, 4)]
#[case(3, 9)]
#[trine::test(autojump)]
async fn after_rstest(#[case] n: u64, #[case] square: u64) {
    trine_core::sleep(HOUR).await;
    assert_eq!(n * n, square);
}

/// It before `#[rstest]`, with arguments that are cloned for each run.
#[trine::test(seeds = 2)]
#[rstest]
#[case(String::from("a"), (1, 1))]
#[case(String::from("bb"), (1, 2))]
async fn before_rstest(#[case] mut text: String, #[case] (less, len): (usize, usize)) {
    trine_core::checkpoint().await;
    assert_eq!(text.len(), len);
    text.push('c');
    assert!(less < text.len());
}

/// Fixtures of `rstest` are handed over by value if the test is run once.
#[rstest]
#[trine::test]
async fn takes_fixtures(#[from(cell)] cell: Box<Cell<u32>>) {
    trine_core::checkpoint().await;
    assert_eq!(cell.get(), 7);
}

#[rstest::fixture]
fn cell() -> Box<Cell<u32>> {
    Box::new(Cell::new(7))
}
