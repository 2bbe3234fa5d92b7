//! Memory channels between tasks, and channels between threads, for trine.
//!
//! | to pass                                       | use                                        |
//! |-----------------------------------------------|--------------------------------------------|
//! | items to one of several tasks, with back-pressure | [`open_memory_channel`]                |
//! | the same between threads                      | [`open_thread_channel`]                    |
//! | one value, once                               | [`oneshot`]                                |
//! | the latest value to whoever looks             | [`watch`]                                  |
//! | every item to every receiver                  | [`broadcast`]                              |
//! | whatever comes first from several channels    | [`recv_any`]                               |
//!
//! Everything works under any executor; without a trine run it is simply never cancelled.
#![forbid(unsafe_code)]

mod awaited;
pub mod broadcast;
mod capacity;
mod closed;
mod drain;
mod error;
mod line;
mod news;
pub mod oneshot;
mod quick;
mod receiver;
mod recv;
mod recv_any;
mod reserve;
mod send;
mod sender;
mod serve;
mod sink;
mod state;
mod statistics;
mod stream;
mod thread;
mod thread_line;
mod thread_receiver;
mod thread_sender;
mod thread_statistics;
pub mod watch;

use std::rc::Rc;

use trine_core::lowlevel::WaitCell;

pub use crate::capacity::Capacity;
pub use crate::closed::Closed;
pub use crate::drain::Drain;
pub use crate::error::{
    RecvError, ReserveError, SendError, TryRecvError, TryReserveError, TrySendError,
};
pub use crate::receiver::Receiver;
pub use crate::recv::Recv;
pub use crate::recv_any::{RecvAny, recv_any};
pub use crate::reserve::{Reserve, Slot};
pub use crate::send::SendItem;
pub use crate::sender::Sender;
pub use crate::sink::SinkError;
pub use crate::statistics::Statistics;
pub use crate::stream::Next;
pub use crate::thread::open_thread_channel;
pub use crate::thread_receiver::{ThreadNext, ThreadReceiver, ThreadRecv};
pub use crate::thread_sender::{ThreadSend, ThreadSender};
pub use crate::thread_statistics::ThreadStatistics;

/// Opens a channel between tasks of one thread (trio: `open_memory_channel`).
///
/// It buffers up to `max_buffer_size` items; with 0 a send completes when a receiver takes the
/// item. Each item is delivered exactly once, in order per sender, and who waits is served strictly
/// first come first served. Neither a send nor a receive that need not wait allocates, once the
/// buffer has grown to its use.
///
/// # Examples
///
/// A pipeline: each stage ends when the one before it has, and a slow stage slows those before it.
///
/// ```
/// use std::cell::Cell;
/// use trine_channel::open_memory_channel;
/// use trine_nursery::open_nursery;
///
/// let sum = Cell::new(0);
/// trine_core::run(async {
///     let (raw, lines) = open_memory_channel(2);
///     let (parsed, numbers) = open_memory_channel(2);
///     open_nursery(async |nursery| {
///         nursery.start_soon(async move {
///             for line in ["1", "2", "x", "3"] {
///                 raw.send(line).await.expect("the parser stays");
///             }
///         });
///         nursery.start_soon(async move {
///             while let Some(line) = lines.next().await {
///                 if let Ok(number) = line.parse::<u32>() {
///                     parsed.send(number).await.expect("the adder stays");
///                 }
///             }
///         });
///         while let Some(number) = numbers.next().await {
///             sum.set(sum.get() + number);
///         }
///     })
///     .await;
/// });
/// assert_eq!(sum.get(), 6);
/// ```
pub fn open_memory_channel<T>(max_buffer_size: impl Into<Capacity>) -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(WaitCell::new(state::State::new(max_buffer_size.into())));
    (Sender::open(&shared), Receiver::open(&shared))
}
