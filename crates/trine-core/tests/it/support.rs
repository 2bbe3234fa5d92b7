//! What the tests share: a virtual clock and a region that can be cancelled, made of the core
//! alone.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::{Duration, Instant};

use trine_core::lowlevel::ScopeFrame;
use trine_core::{Clock, Runner};

/// Stands still, and jumps to the next deadline when the run is idle.
#[derive(Debug)]
pub(crate) struct Virtual(Cell<Instant>);

impl Virtual {
    pub(crate) fn new() -> Self {
        // real time: the beginning of a virtual clock
        Self(Cell::new(Instant::now()))
    }
}

impl Clock for Virtual {
    fn now(&self) -> Instant {
        self.0.get()
    }

    fn wait_for(&self, deadline: Instant) -> Option<Duration> {
        (deadline <= self.0.get()).then_some(Duration::ZERO)
    }

    fn autojump_threshold(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    fn jump_to(&self, deadline: Instant) {
        self.0.set(deadline);
    }
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Runs a program on virtual time and checks that it leaves nothing behind.
pub(crate) fn run<T>(program: impl Future<Output = T>) -> T {
    let value = Runner::new().clock(Virtual::new()).run(program);
    assert_eq!(trine_core::lowlevel::usage(), trine_core::lowlevel::Usage::default());
    value
}

/// Runs a body in a region; `None` if the region's own cancel has cut it.
pub(crate) async fn in_region<T>(frame: &ScopeFrame, body: impl Future<Output = T>) -> Option<T> {
    let mut body = pin!(Some(body));
    poll_fn(|cx| frame.poll_body(body.as_mut(), cx)).await
}
