//! What passes between a worker thread and its run, with every interleaving of the threads tried.
//!
//! Run by `cargo xtask loom`.
#![cfg(loom)]

#[expect(dead_code, reason = "the models use what they are about")]
#[path = "../../src/exchange.rs"]
mod exchange;
#[path = "../../src/line.rs"]
mod line;
#[expect(dead_code, reason = "the models use what they are about")]
#[path = "../../src/oneshot.rs"]
mod oneshot;

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use exchange::{Exchange, News};
use line::Line;
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

/// The bells of a run: how many have rung, until no more are taken.
struct Bells(loom::sync::Mutex<(usize, bool)>);

impl Bells {
    fn ring(&self) -> bool {
        let mut bells = self.0.lock().unwrap();
        bells.0 += usize::from(!bells.1);
        !bells.1
    }

    /// Those that have rung since, the last ones if `close`.
    fn hear(&self, close: bool) -> usize {
        let mut bells = self.0.lock().unwrap();
        bells.1 |= close;
        std::mem::take(&mut bells.0)
    }
}

/// Calls into a run that ends meanwhile: each that was accepted is made, in order, or found at the end;
/// and each bell finds its call.
#[test]
fn a_call_is_made_or_found_at_the_end_or_refused() {
    model(|| {
        let run = Arc::new((Line::new(), Bells(loom::sync::Mutex::new((0, false)))));
        let caller = {
            let run = Arc::clone(&run);
            thread::spawn(move || {
                let call = |n| run.0.join(n, || run.1.ring()).is_ok();
                (call(1), call(2))
            })
        };
        let other = {
            let run = Arc::clone(&run);
            thread::spawn(move || run.0.join(3, || run.1.ring()).is_ok())
        };
        let mut made = vec![];
        for close in [false, true] {
            for _ in 0..run.1.hear(close) {
                made.push(run.0.next().expect("a bell has a call"));
            }
        }
        let undone = run.0.close();
        assert!(undone.is_empty(), "a bell was accepted and not heard");
        let (first, second) = caller.join().unwrap();
        let third = other.join().unwrap();
        assert!(first || !second);
        let accepted = [first.then_some(1), second.then_some(2), third.then_some(3)];
        let mut sorted = made.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, accepted.into_iter().flatten().collect::<Vec<_>>());
        let in_order: Vec<_> = made.into_iter().filter(|n| *n != 3).collect();
        assert!(in_order.is_sorted());
    });
}

/// A run that is ended at once hears no more bells: what it had accepted is found at the end.
#[test]
fn a_call_that_was_accepted_is_not_lost_when_nobody_hears_its_bell() {
    model(|| {
        let run = Arc::new((Line::new(), Bells(loom::sync::Mutex::new((0, false)))));
        let caller = {
            let run = Arc::clone(&run);
            thread::spawn(move || run.0.join(1, || run.1.ring()).is_ok())
        };
        let undone = run.0.close();
        let accepted = caller.join().unwrap();
        assert_eq!(!undone.is_empty(), accepted);
        assert!(run.0.next().is_none());
    });
}
