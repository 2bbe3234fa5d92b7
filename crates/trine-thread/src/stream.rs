//! `ThreadStream`: a blocking iterator that a worker thread goes through, as a stream.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use trine_core::lowlevel::poll_checkpoint;

use crate::buffer::Buffer;
use crate::context::WorkerContext;
use crate::task::Finished;
use crate::to_thread::Options;

/// The items of a blocking iterator, from [`to_thread::stream`](crate::to_thread::stream).
///
/// A panic of the iterator resumes in the poll that finds it, after the items before it.
#[must_use = "streams do nothing unless polled"]
pub struct ThreadStream<T> {
    buffer: Arc<Buffer<T>>,
    /// The call of the thread; gone when it is over.
    worker: Option<Pin<Box<dyn Future<Output = Finished<()>>>>>,
    /// How the iterator has ended, until that was told.
    panic: Option<Box<dyn Any + Send>>,
    ended: bool,
}

/// Ends the buffer also if the iterator panics.
struct EndsBuffer<T>(Arc<Buffer<T>>);

impl<T> Drop for EndsBuffer<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<T: Send + 'static> ThreadStream<T> {
    pub(crate) fn new<I>(options: Options, capacity: usize, iterator: I) -> Self
    where
        I: IntoIterator<Item = T> + Send + 'static,
    {
        let buffer = Arc::new(Buffer::new(capacity));
        let ends = EndsBuffer(Arc::clone(&buffer));
        let worker = options.run_sync(move || {
            let context = WorkerContext::current();
            // Unwind safety: nothing is left of the iterator. The panic goes on in the run, after
            // the items before it.
            catch_unwind(AssertUnwindSafe(move || {
                for item in iterator {
                    if ends.0.push(item, context.as_ref()).is_err() {
                        break;
                    }
                }
            }))
        });
        Self { buffer, worker: Some(Box::pin(worker)), panic: None, ended: false }
    }
}

impl<T> ThreadStream<T> {
    /// The next item; `None` when the iterator has ended.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. Cancelled or dropped, it has taken no item.
    ///
    /// # Panics
    ///
    /// If the iterator has panicked: the panic resumes here.
    ///
    /// # Examples
    ///
    /// See [`to_thread::stream`](crate::to_thread::stream).
    pub async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T> Stream for ThreadStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.ended {
            return Poll::Ready(None);
        }
        ready!(poll_checkpoint(cx));
        let polled = self.buffer.poll_pop(cx);
        if let Poll::Ready(Some(item)) = polled {
            return Poll::Ready(Some(item));
        }
        // Starts the thread at the first poll, serves its calls back, and at the end brings out a
        // panic.
        if let Some(worker) = &mut self.worker {
            let result = ready!(worker.as_mut().poll(cx));
            self.worker = None;
            self.panic = result.err();
        }
        // The thread is gone, so what is in the buffer is all there will be.
        let polled = self.buffer.poll_pop(cx);
        self.ended = matches!(polled, Poll::Ready(None));
        if self.ended
            && let Some(payload) = self.panic.take()
        {
            resume_unwind(payload);
        }
        polled
    }
}

impl<T> FusedStream for ThreadStream<T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<T> Drop for ThreadStream<T> {
    fn drop(&mut self) {
        self.buffer.close();
    }
}

impl<T> fmt::Debug for ThreadStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}
