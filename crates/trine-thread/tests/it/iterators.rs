//! Blocking iterators as streams, and streams as blocking iterators.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use futures_lite::{Stream, StreamExt, stream};
use trine_cancel::{CancelScope, move_on_after};
use trine_channel::open_memory_channel;
use trine_core::{checkpoint, now, sleep};
use trine_limiter::CapacityLimiter;
use trine_nursery::open_nursery;
use trine_thread::from_thread::{self, FromThreadError};
use trine_thread::to_thread::{self, Options};

use crate::{message, run, secs};

/// A stream of the numbers below `count`, one a second.
fn ticks(count: u32) -> impl Stream<Item = u32> {
    stream::unfold(0, move |n| async move {
        sleep(secs(1)).await;
        (n < count).then_some((n, n + 1))
    })
}

#[test]
fn a_blocking_iterator_is_a_stream_of_its_items() {
    let items = run(to_thread::stream(3, 0..100).collect::<Vec<_>>());
    assert_eq!(items, (0..100).collect::<Vec<_>>());
}

#[test]
fn the_thread_is_never_further_ahead_than_its_buffer() {
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    run(async move {
        let mut items = to_thread::stream(
            2,
            (0..10).inspect(move |_| _ = counter.fetch_add(1, Ordering::SeqCst)),
        );
        for taken in 1..=10 {
            assert!(items.next().await.is_some());
            // Those in the buffer, and the one it cannot put there.
            assert!(made.load(Ordering::SeqCst) <= taken + 2 + 1);
        }
        assert_eq!((items.next().await, items.next().await), (None, None));
    });
}

// rule: K-2
#[test]
fn a_thread_whose_buffer_is_full_does_not_stop_virtual_time() {
    run(async {
        let start = now();
        let mut items = to_thread::stream(1, 0..5);
        while items.next().await.is_some() {
            sleep(secs(10)).await;
        }
        assert_eq!(now() - start, secs(50));
    });
}

// rule: T-3
#[test]
fn a_dropped_stream_ends_its_iterator_and_gives_the_token_back() {
    let limiter = Arc::new(CapacityLimiter::new(1));
    run(async {
        let mut items = Options::new().limiter(&limiter).stream(1, 0..);
        assert_eq!((items.next().await, items.next().await), (Some(0), Some(1)));
        drop(items);
        drop(limiter.acquire().await);
    });
}

// rule: T-3
#[test]
fn a_cancel_does_not_wait_for_an_iterator_that_blocks() {
    let (go, gate) = mpsc::channel::<()>();
    run(async {
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let stuck = to_thread::stream(1, std::iter::from_fn(move || gate.recv().ok()));
                assert!(scope.run(stuck.collect::<Vec<()>>()).await.is_none());
            });
            checkpoint().await;
            scope.cancel();
        })
        .await;
        drop(go);
    });
}

// rule: T-4
#[test]
fn a_panic_of_the_iterator_resumes_after_the_items_before_it() {
    let seen = RefCell::new(vec![]);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        run(async {
            let failing = (0..5)
                .map(|n| if n < 3 { n } else { std::panic::resume_unwind(Box::new("item 3")) });
            let mut items = to_thread::stream(10, failing);
            while let Some(item) = items.next().await {
                seen.borrow_mut().push(item);
            }
        })
    }));
    assert_eq!(message(panicked.unwrap_err()), "item 3");
    assert_eq!(*seen.borrow(), [0, 1, 2]);
}

#[test]
fn an_iterator_may_call_its_run() {
    let threads = run(async {
        let here = thread::current().id();
        let calls =
            std::iter::repeat_with(|| from_thread::run_sync(|| thread::current().id())).take(3);
        (here, to_thread::stream(1, calls).collect::<Vec<_>>().await)
    });
    assert_eq!(threads.1, [Ok(threads.0); 3]);
}

#[test]
#[should_panic(expected = "a buffer of zero lets no item pass: give at least 1")]
fn a_buffer_of_zero_is_refused() {
    let _ = to_thread::stream(0, 0..1);
}

#[test]
fn a_stream_of_the_run_is_a_blocking_iterator_in_a_thread() {
    let start_to_end = run(async {
        let start = now();
        let items = to_thread::run_sync(|| {
            from_thread::iterate(2, || ticks(5))?.collect::<Result<Vec<_>, _>>()
        });
        (items.await, now() - start)
    });
    assert_eq!(start_to_end, (Ok(vec![0, 1, 2, 3, 4]), secs(6)));
}

#[test]
fn the_stream_need_not_be_send_and_the_thread_may_call_the_run_beside_it() {
    let sum = run(to_thread::run_sync(|| {
        let numbers = from_thread::iterate(1, || {
            let (sender, receiver) = open_memory_channel(10);
            (1..=4).for_each(|number| sender.try_send(number).unwrap());
            receiver
        })?;
        let mut sum = 0;
        for number in numbers {
            let number = number?;
            sum += from_thread::run(async move || {
                checkpoint().await;
                number
            })?;
        }
        Ok::<_, FromThreadError>(sum)
    }));
    assert_eq!(sum, Ok(10));
}

// rule: T-5
#[test]
fn a_timeout_around_the_thread_ends_its_iterator_with_an_error() {
    run(async {
        let closure = to_thread::run_sync(|| {
            from_thread::iterate(1, || ticks(100)).unwrap().collect::<Vec<_>>()
        });
        let items = move_on_after(secs(3), closure).await.unwrap();
        // The third second belongs to the deadline.
        assert_eq!(items, [Ok(0), Ok(1), Err(FromThreadError::Cancelled)]);
    });
}

// rule: N-4
#[test]
fn a_panic_of_the_stream_goes_on_in_the_thread() {
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        drop(run(to_thread::run_sync(|| {
            let failing = || stream::poll_fn(|_| std::panic::resume_unwind(Box::new("broken")));
            from_thread::iterate(1, failing).unwrap().collect::<Result<Vec<u8>, _>>()
        })));
    }));
    assert_eq!(message(panicked.unwrap_err()), "broken");
}

#[test]
fn an_iterator_that_is_not_finished_leaves_nothing_behind() {
    let first = run(to_thread::run_sync(|| from_thread::iterate(1, || ticks(100)).unwrap().next()));
    assert_eq!(first, Some(Ok(0)));
}

// rule: T-6
#[test]
fn elsewhere_there_is_nothing_to_iterate() {
    let refused = from_thread::iterate(1, || ticks(1));
    assert_eq!(refused.map(drop), Err(FromThreadError::NotInTrineThread));
}
