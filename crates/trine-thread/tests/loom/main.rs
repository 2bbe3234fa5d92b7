//! What passes between a worker thread and its run, with every interleaving of the threads tried.
//!
//! Run by `cargo xtask loom`.
#![cfg(loom)]

#[expect(dead_code, reason = "the models use what they are about")]
#[path = "../../src/exchange.rs"]
mod exchange;
#[expect(dead_code, reason = "the models use what they are about")]
#[path = "../../src/oneshot.rs"]
mod oneshot;

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use exchange::{Exchange, News};
use loom::model;
use loom::thread::{self, Thread};
use oneshot::{Answer, oneshot};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls until there is something, parked in between.
fn wait_until<T>(mut poll: impl FnMut(&Context<'_>) -> Poll<T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = poll(&cx) {
            return value;
        }
        thread::park();
    }
}

/// A blocked thread gets the value, whenever it comes.
#[test]
fn a_value_given_is_received() {
    model(|| {
        let (answer, question) = oneshot();
        let giver = thread::spawn(move || answer.give(7));
        assert_eq!(question.wait(), Some(7));
        giver.join().unwrap();
    });
}

/// An answer that is dropped ends the waiting, too.
#[test]
fn a_dropped_answer_is_noticed() {
    model(|| {
        let (answer, question) = oneshot::<u8>();
        let dropper = thread::spawn(move || drop(answer));
        assert_eq!(question.wait(), None);
        dropper.join().unwrap();
    });
}

/// The host gets the request and the result, and sleeps on neither; the worker gets its answer.
#[test]
fn requests_and_results_arrive() {
    model(|| {
        let exchange = Arc::new(Exchange::<Answer<u8>, u8>::new());
        let worker = {
            let exchange = Arc::clone(&exchange);
            thread::spawn(move || {
                let (answer, question) = oneshot();
                assert!(exchange.submit(answer).is_ok());
                exchange.deliver(question.wait().unwrap() + 1);
            })
        };
        let result = wait_until(|cx| match exchange.look(cx) {
            News::Finished(result) => Poll::Ready(result),
            News::Requests(requests) => {
                requests.into_iter().for_each(|answer| answer.give(1));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            News::Nothing => Poll::Pending,
        });
        assert_eq!(result, 2);
        worker.join().unwrap();
    });
}

/// A host that goes away while a request comes in: the request is given back, or left to the host;
/// in both cases the worker hears of it.
#[test]
fn no_request_is_left_unanswered() {
    model(|| {
        let exchange = Arc::new(Exchange::<Answer<u8>, ()>::new());
        let worker = {
            let exchange = Arc::clone(&exchange);
            thread::spawn(move || {
                let (answer, question) = oneshot();
                drop(exchange.submit(answer));
                assert_eq!(question.wait(), None);
                exchange.deliver(());
            })
        };
        drop(exchange.abandon());
        wait_until(|cx| exchange.poll_ended(cx));
        worker.join().unwrap();
    });
}

/// A host that nobody polls: who looks after it hears of the request and of the end, and sleeps on
/// neither; the result is kept.
#[test]
fn a_watcher_hears_of_all_that_its_host_would() {
    model(|| {
        let exchange = Arc::new(Exchange::<Answer<u8>, u8>::new());
        let worker = {
            let exchange = Arc::clone(&exchange);
            thread::spawn(move || {
                let (answer, question) = oneshot();
                drop(exchange.submit(answer));
                assert_eq!(question.wait(), None);
                exchange.deliver(1);
            })
        };
        wait_until(|cx| {
            let found = exchange.watch(cx.waker());
            if found.ended {
                return Poll::Ready(());
            }
            if found.news {
                drop(exchange.take_requests()); // refused
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        });
        let cx = &Context::from_waker(Waker::noop());
        assert!(matches!(exchange.look(cx), News::Finished(1)));
        worker.join().unwrap();
    });
}

/// A host whose run is over while a request comes in: the request is given back, or was there to be
/// taken; the result is kept.
#[test]
fn a_deaf_host_leaves_no_request_unanswered() {
    model(|| {
        let exchange = Arc::new(Exchange::<Answer<u8>, u8>::new());
        let worker = {
            let exchange = Arc::clone(&exchange);
            thread::spawn(move || {
                let (answer, question) = oneshot();
                drop(exchange.submit(answer));
                assert_eq!(question.wait(), None);
                exchange.deliver(1);
            })
        };
        drop(exchange.deafen());
        let result = wait_until(|cx| match exchange.look(cx) {
            News::Finished(result) => Poll::Ready(result),
            News::Requests(_) => unreachable!("it is deaf"),
            News::Nothing => Poll::Pending,
        });
        assert_eq!(result, 1);
        worker.join().unwrap();
    });
}

/// A host that goes away while the result comes: it is dropped, once, and the end is noticed.
#[test]
fn no_result_is_kept_for_a_host_that_is_gone() {
    model(|| {
        let exchange = Arc::new(Exchange::<(), Arc<()>>::new());
        let result = Arc::new(());
        let worker = {
            let (exchange, result) = (Arc::clone(&exchange), Arc::clone(&result));
            thread::spawn(move || exchange.deliver(result))
        };
        if exchange.abandon().under_way {
            wait_until(|cx| exchange.poll_ended(cx));
        }
        worker.join().unwrap();
        assert_eq!(Arc::strong_count(&result), 1);
    });
}
