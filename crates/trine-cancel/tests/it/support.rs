//! What the tests share: runs in virtual time that must leave nothing behind, and traces.

use std::cell::RefCell;
use std::fmt::Display;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use trine_core::lowlevel::{Idle, Usage, usage, watch_idle};
use trine_core::{Runner, now, sleep_forever};
use trine_testing::MockClock;

/// Runs a program in virtual time. It must neither hang nor leave anything behind: rule D-13 is
/// looked at after each of them.
pub(crate) fn check<T>(program: impl AsyncFnOnce() -> T) -> T {
    let value = Runner::new().clock(MockClock::autojump()).run(async {
        watch_idle(
            Duration::ZERO,
            Rc::new(|idle| {
                assert_ne!(idle, Idle::Stuck, "the program hangs: everybody waits, for nothing");
            }),
        );
        program().await
    });
    assert_eq!(usage(), Usage::default(), "the program has left something behind");
    value
}

/// Like `check`, for a program that panics: gives the message.
#[track_caller]
pub(crate) fn check_panics<T>(program: impl AsyncFnOnce() -> T) -> String {
    let message = catch_panic(|| check(program));
    assert_eq!(usage(), Usage::default(), "the panic has left something behind");
    message
}

/// The message of the panic in which this ends.
#[track_caller]
pub(crate) fn catch_panic<T>(f: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => (*payload.downcast::<&str>().expect("a message")).to_owned(),
        },
    }
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Sleeps until it is cancelled, as something that could end.
pub(crate) async fn forever() {
    sleep_forever().await
}

/// What happened, and when: lines such as `5: woken`, in milliseconds since it was made.
#[derive(Clone)]
pub(crate) struct Trace {
    start: Instant,
    lines: Rc<RefCell<Vec<String>>>,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self { start: now(), lines: Rc::default() }
    }

    pub(crate) fn note(&self, what: impl Display) {
        let line = format!("{}: {what}", self.elapsed());
        self.lines.borrow_mut().push(line);
    }

    /// Notes something when what it gives is dropped.
    pub(crate) fn on_drop(&self, what: &'static str) -> NoteOnDrop {
        NoteOnDrop { trace: self.clone(), what }
    }

    /// Milliseconds since the trace began.
    pub(crate) fn elapsed(&self) -> u128 {
        (now() - self.start).as_millis()
    }

    #[track_caller]
    pub(crate) fn expect<const N: usize>(&self, lines: [&str; N]) {
        assert_eq!(*self.lines.borrow(), lines);
    }
}

/// Notes that it was dropped.
pub(crate) struct NoteOnDrop {
    trace: Trace,
    what: &'static str,
}

impl Drop for NoteOnDrop {
    fn drop(&mut self) {
        self.trace.note(self.what);
    }
}

/// Polls once, as a foreign combinator would.
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
}
