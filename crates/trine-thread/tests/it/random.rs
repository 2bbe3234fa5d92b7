//! Random programs of closures in threads, their calls back, cancels, drops and panics, and of
//! plain threads that call in: whatever happens, every run ends, every result is the right one, and
//! everything is given back.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

use futures_lite::future::{block_on, or, poll_once};
use futures_util::FutureExt;
use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::lowlevel::{Usage, usage};
use trine_core::{Runner, checkpoint, sleep, sleep_forever};
use trine_limiter::CapacityLimiter;
use trine_nursery::open_nursery;
use trine_testing::MockClock;
use trine_thread::RunHandle;
use trine_thread::from_thread::{self, FromThreadError};
use trine_thread::to_thread::{self, Options};

use crate::secs;

/// How many tasks a program has.
const TASKS: u64 = 6;

/// How many closures each has run, one after the other.
const CLOSURES: u64 = 3;

/// The panic of those closures that panic.
struct Deliberate;

/// Numbers that are the same for the same seed (splitmix64).
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// Counts how many there are of something, by living.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a program is counted by.
#[derive(Clone, Default)]
struct Counts {
    /// Closures and results that exist.
    things: Arc<AtomicUsize>,
    /// Closures that run and may not be abandoned.
    held: Arc<AtomicUsize>,
}

/// One call back into the run. It may be cut short by a cancel, and by the end of the run if it was
/// abandoned.
fn call_back(random: &mut Random) {
    let n = random.below(4);
    let (answer, expected) = match random.below(7) {
        0 => (from_thread::run_sync(move || n), n),
        1 => (from_thread::run(async move || n), n),
        2 => {
            let yields = async move || {
                for _ in 0..n {
                    checkpoint().await;
                }
                n
            };
            (from_thread::run(yields), n)
        }
        3 => {
            let cleaned = async move || {
                finally(sleep(secs(n)), async || shield(checkpoint()).await).await;
                n
            };
            (from_thread::run(cleaned), n)
        }
        4 => {
            let nested = async move || {
                let deeper = to_thread::run_sync(move || from_thread::run_sync(move || n));
                deeper.await.unwrap_or(n)
            };
            (from_thread::run(nested), n)
        }
        5 => {
            let numbers = from_thread::iterate(1, move || futures_lite::stream::iter(0..n));
            (
                numbers.and_then(|numbers| numbers.sum::<Result<u64, _>>()),
                n * n.saturating_sub(1) / 2,
            )
        }
        _ => (from_thread::check_cancelled().map(|()| n), n),
    };
    match answer {
        Ok(value) => assert_eq!(value, expected),
        Err(error) => assert_ne!(error, FromThreadError::NotInTrineThread),
    }
}

/// A closure in a thread, run in one of many ways.
async fn one_closure(random: &mut Random, limiter: &Arc<CapacityLimiter>, counts: &Counts) {
    let id = random.below(u64::MAX);
    let abandoned = random.below(4) == 0;
    let options = Options::new().limiter(limiter).abandon_on_cancel(abandoned);
    let (mut inside, count) = (random.clone(), counts.clone());
    let thing = Counted::new(&counts.things);
    let closure = options.run_sync(move || {
        let _held = (!abandoned).then(|| Counted::new(&count.held));
        for _ in 0..inside.below(4) {
            call_back(&mut inside);
        }
        if inside.below(8) == 0 {
            resume_unwind(Box::new(Deliberate));
        }
        (id, thing)
    });
    let closure = async move {
        match AssertUnwindSafe(closure).catch_unwind().await {
            Ok((seen, _thing)) => assert_eq!(seen, id),
            Err(payload) => assert!(payload.is::<Deliberate>()),
        }
    };
    let n = random.below(4);
    match random.below(7) {
        0 => closure.await,
        1 => drop(move_on_after(secs(n), closure).await),
        2 => shield(closure).await,
        3 => {
            let some_yields = async {
                for _ in 0..n {
                    checkpoint().await;
                }
            };
            or(closure, some_yields).await;
        }
        4 => {
            // Kept by a handler that is cancelled.
            let mut closure = pin!(closure);
            let kept = async {
                if poll_once(&mut closure).await.is_none() {
                    sleep_forever().await;
                }
            };
            let _cancelled_or_not = move_on_after(secs(n + 1), kept).await;
        }
        5 => {
            // Kept for a while, and then polled again.
            let mut closure = pin!(closure);
            if poll_once(&mut closure).await.is_none() {
                shield(sleep(secs(n))).await;
                closure.await;
            }
        }
        _ => {
            // Polled a few times, then dropped. Shielded in between: a cancelled task does not get
            // to polling it again, and waits for it.
            let mut closure = pin!(closure);
            for _ in 0..n {
                let polled = poll_fn(|cx| Poll::Ready(closure.as_mut().poll(cx))).await;
                if polled.is_ready() {
                    break;
                }
                shield(checkpoint()).await;
            }
        }
    }
}

/// A plain thread that calls in until the run is over, or it has had enough.
fn stranger(run: RunHandle, mut random: Random) {
    for n in 0..random.below(12) {
        let yields = random.below(3);
        let work = async move || {
            for _ in 0..yields {
                checkpoint().await;
            }
            n
        };
        let answer = match random.below(5) {
            0 => run.run_sync(move || n),
            1 => run.run(work),
            2 => block_on(run.call(work)),
            3 => run.run_sync_soon(|| ()).map(|()| n),
            _ => {
                // Dropped after a poll or two, so cancelled in the run.
                let call = run.call(async || pending::<u64>().await);
                let given_up = async {
                    for _ in 0..yields {
                        futures_lite::future::yield_now().await;
                    }
                    Ok(n)
                };
                block_on(or(call, given_up))
            }
        };
        match answer {
            Ok(value) => assert_eq!(value, n),
            Err(error) => {
                assert_eq!(error, FromThreadError::RunFinished);
                return;
            }
        }
    }
}

/// One program. All that is random in it but for the threads' pace comes from the seed.
fn program(seed: u64) {
    let mut random = Random(seed);
    let limiter = Arc::new(CapacityLimiter::new(1 + random.below(4) as usize));
    let tokens = limiter.total_tokens();
    let counts = Counts::default();
    let strangers: Vec<_> = Runner::new().clock(MockClock::autojump()).run(async {
        let strangers = (0..random.below(3))
            .map(|_| {
                let (run, random) = (RunHandle::current(), Random(random.below(u64::MAX)));
                thread::spawn(move || stranger(run, random))
            })
            .collect();
        let scope = CancelScope::new();
        let cancel_after = random.below(40);
        let tasks = open_nursery(async |nursery| {
            for _ in 0..TASKS {
                let mut random = Random(random.below(u64::MAX));
                let (limiter, counts) = (&limiter, &counts);
                nursery.start_soon(async move {
                    for _ in 0..CLOSURES {
                        one_closure(&mut random, limiter, counts).await;
                    }
                });
            }
            if cancel_after.is_multiple_of(2) {
                for _ in 0..cancel_after {
                    checkpoint().await;
                }
                scope.cancel();
            }
        });
        let _cancelled_or_not = scope.run(tasks).await;
        strangers
    });
    // No closure that may not be abandoned outlives its run, and nothing at all is left of a run.
    assert_eq!(counts.held.load(Ordering::SeqCst), 0, "seed {seed}");
    assert_eq!(usage(), Usage::default(), "seed {seed}");
    for stranger in strangers {
        stranger.join().unwrap();
    }
    // Those who were abandoned end, too: then every token is back, and every closure and result is
    // gone.
    while counts.things.load(Ordering::SeqCst) > 0 || limiter.available_tokens() < tokens {
        thread::yield_now();
    }
}

// rule: T-2, T-3, T-4, T-6, T-9, D-13
#[test]
fn every_program_ends_and_leaves_nothing_behind() {
    (0..60).for_each(program);
}

// rule: T-2, T-3, T-4, T-6, T-9, D-13
#[test]
#[ignore = "takes a minute"]
fn every_one_of_many_programs_ends_and_leaves_nothing_behind() {
    (0..5_000).for_each(program);
}
