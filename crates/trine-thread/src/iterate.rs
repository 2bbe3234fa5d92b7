//! `Iterate`: a stream of the run, gone through by a worker thread as a blocking iterator.
//!
//! The task that waits for the thread polls the stream and fills a bounded channel, beside whatever
//! else the thread asks of it. The thread takes from the channel what is there, and asks the task
//! to wait for more when there is nothing.

use std::fmt;
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::Pin;

use async_channel::{Receiver, Sender, TryRecvError};
use futures_core::Stream;

use crate::context::WorkerContext;
use crate::from_thread::{FromThreadError, run, why_cut};
use crate::oneshot::{Answer, Question, oneshot};
use crate::served::{Delivery, Outcome, Serve, Served, let_go_of};
use crate::task::Request;

/// Goes through a stream of the run in this thread, `buffer` items ahead at most, as a blocking
/// iterator.
///
/// `f` is called in the task that waits for this thread, which polls the stream, so neither need
/// the stream be `Send`. The scopes around that task apply to it. It is dropped at its end, when
/// the task is cancelled, and when the closure that the thread runs returns.
///
/// # Errors
///
/// [`FromThreadError::NotInTrineThread`] in a thread that does not run a closure for
/// [`to_thread`](crate::to_thread); [`FromThreadError::Cancelled`] if the task it works for is
/// gone. The iterator gives `Cancelled` once, and then ends, when the task is cancelled or gone
/// before the stream has ended; and [`FromThreadError::RunFinished`] if the run is over.
///
/// # Panics
///
/// If `buffer` is zero. The iterator panics if the stream has panicked.
///
/// # Examples
///
/// ```
/// use trine_channel::open_memory_channel;
/// use trine_thread::{from_thread, to_thread};
///
/// trine_core::run(async {
///     let sum = to_thread::run_sync(|| {
///         let numbers = from_thread::iterate(2, || {
///             // Made, and polled, in the run.
///             let (sender, receiver) = open_memory_channel(3);
///             (1..=3).for_each(|number| sender.try_send(number).unwrap());
///             receiver
///         })?;
///         numbers.sum::<Result<u32, _>>()
///     });
///     assert_eq!(sum.await, Ok(6));
/// });
/// ```
#[track_caller]
pub fn iterate<S>(
    buffer: usize,
    f: impl FnOnce() -> S + Send + 'static,
) -> Result<Iterate<S::Item>, FromThreadError>
where
    S: Stream<Item: Send> + 'static,
{
    assert!(buffer > 0, "a buffer of zero lets no item pass: give at least 1");
    let worker = WorkerContext::current().ok_or(FromThreadError::NotInTrineThread)?;
    let (sender, receiver) = async_channel::bounded(buffer);
    let (answer, question) = oneshot();
    if worker.caller().submit(Box::new(Pump { f, sender, answer })).is_err() {
        return Err(why_cut(&worker));
    }
    Ok(Iterate { receiver, question: Some(question) })
}

/// The items of a stream, from [`iterate`].
pub struct Iterate<T> {
    receiver: Receiver<T>,
    /// How the stream ended; gone when that was told.
    question: Option<Question<Delivery<()>>>,
}

/// The request to poll a stream until its end.
struct Pump<F, T> {
    f: F,
    sender: Sender<T>,
    answer: Answer<Delivery<()>>,
}

impl<F, S> Request for Pump<F, S::Item>
where
    F: FnOnce() -> S + Send + 'static,
    S: Stream<Item: Send> + 'static,
{
    fn begin(self: Box<Self>) -> Option<Box<dyn Serve>> {
        let Self { f, sender, answer } = *self;
        let pump = async move || {
            let mut stream = Box::pin(f());
            while let Some(item) = poll_fn(|cx| Pin::as_mut(&mut stream).poll_next(cx)).await {
                if sender.send(item).await.is_err() {
                    break;
                }
            }
        };
        Some(Box::new(Served::new(pump, answer)))
    }

    fn refuse(self: Box<Self>) {
        let Self { f, sender, answer } = *self;
        let outcome = let_go_of(f);
        drop(sender);
        answer.give(Delivery::to_stranger(outcome));
    }
}

impl<T: Send + 'static> Iterate<T> {
    /// The channel is closed: says how the stream ended.
    fn finish(&mut self) -> Option<FromThreadError> {
        match self.question.take()?.wait().map(|delivery| delivery.outcome) {
            Some(Outcome::Returned(())) => None,
            Some(Outcome::Panicked(payload)) => resume_unwind(payload),
            Some(Outcome::Cut) | None => Some(
                WorkerContext::current()
                    .map_or(FromThreadError::Cancelled, |worker| why_cut(&worker)),
            ),
        }
    }
}

impl<T: Send + 'static> Iterator for Iterate<T> {
    type Item = Result<T, FromThreadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.question.as_ref()?;
        match self.receiver.try_recv() {
            Ok(item) => return Some(Ok(item)),
            Err(TryRecvError::Closed) => return self.finish().map(Err),
            Err(TryRecvError::Empty) => {}
        }
        let receiver = self.receiver.clone();
        match run(async move || receiver.recv().await) {
            Ok(Ok(item)) => Some(Ok(item)),
            Ok(Err(async_channel::RecvError)) => self.finish().map(Err),
            Err(error) => {
                self.question = None;
                Some(Err(error))
            }
        }
    }
}

impl<T> fmt::Debug for Iterate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iterate").field("ended", &self.question.is_none()).finish_non_exhaustive()
    }
}
