//! `interval`: ticks at a regular pace, in virtual time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt};
use trine_core::{interval, now, sleep};

use crate::support::{ms, run};

/// The first tick comes at once, the others once a period, however long the work in between takes,
/// as long as it is less.
#[test]
fn does_not_drift() {
    run(async {
        let start = now();
        let mut ticks = interval(ms(10));
        for (work, expected) in [(3, 0), (9, 10), (0, 20), (10, 30), (1, 40)] {
            assert_eq!(ticks.tick().await - start, ms(expected));
            assert_eq!(now() - start, ms(expected));
            sleep(ms(work)).await;
        }
    });
}

/// Whoever comes late gets the tick at once, with the time at which it was due. What was missed
/// meanwhile is skipped, and the schedule stays what it was.
#[test]
fn skips_what_was_missed() {
    run(async {
        let start = now();
        let mut ticks = interval(ms(10));
        ticks.tick().await;
        sleep(ms(37)).await;
        assert_eq!((ticks.tick().await - start, now() - start), (ms(10), ms(37)));
        assert_eq!((ticks.tick().await - start, now() - start), (ms(40), ms(40)));
        assert_eq!((ticks.tick().await - start, now() - start), (ms(50), ms(50)));
    });
}

/// A wait that is dropped has taken no tick; the next one waits for the same.
#[test]
fn loses_no_tick_that_was_dropped() {
    run(async {
        let start = now();
        let mut ticks = interval(ms(10));
        ticks.tick().await;
        match select(pin!(ticks.tick()), pin!(sleep(ms(4)))).await {
            Either::Left(_) => panic!("it is not due yet"),
            Either::Right(_) => {}
        }
        assert_eq!(ticks.tick().await - start, ms(10));
    });
}

/// It is a stream without end.
#[test]
fn is_a_stream() {
    run(async {
        let start = now();
        let ticks: Vec<_> = interval(ms(5)).take(3).map(|tick| tick - start).collect().await;
        assert_eq!(ticks, [ms(0), ms(5), ms(10)]);
    });
}

/// A period beyond what the clock can tell ticks once, and then never.
#[test]
fn may_be_endless() {
    run(async {
        let mut ticks = interval(Duration::MAX);
        ticks.tick().await;
        assert!(ticks.tick().now_or_never().is_none());
    });
}

/// Without a period there would be no end of ticks, and without a run no clock.
// rule: L-10
#[test]
fn misuse_is_told() {
    let message = |misuse: fn()| {
        let payload = catch_unwind(AssertUnwindSafe(misuse)).expect_err("it should have panicked");
        payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .unwrap_or_else(|| payload.downcast_ref::<String>().expect("a message").clone())
    };
    let text = message(|| drop(interval(ms(0))));
    assert_eq!(text, "`interval` was called with a period of zero: give a longer one");
    let text = message(|| assert!(interval(ms(1)).tick().now_or_never().is_none()));
    assert!(text.starts_with("`sleep` was polled outside of a run"), "{text}");
}
