//! `Event`: something that happens once, and that any number of tasks may wait for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use trine_core::lowlevel::{WaitCell, WaitLine, Wakes};

use crate::turn::{Grants, Turn};

/// Something that happens once, and that any number of tasks may wait for (trio: `Event`).
///
/// It is never unset, on purpose: whoever waits may rely on it for good. For something that happens
/// again, make a new event each time, or use a channel or a `watch`.
///
/// # Examples
///
/// A server says when it is ready:
///
/// ```
/// use trine_nursery::open_nursery;
/// use trine_sync::Event;
///
/// trine_core::run(async {
///     let ready = Event::new();
///     open_nursery(async |nursery| {
///         nursery.start_soon(async {
///             // bind, load, warm up ..
///             ready.set();
///         });
///         ready.wait().await;
///         // connect
///     })
///     .await;
/// });
/// ```
pub struct Event {
    cell: WaitCell<EventState>,
}

struct EventState {
    set: bool,
    line: WaitLine<()>,
}

impl Grants for EventState {
    type Want = ();

    fn line(&mut self) -> &mut WaitLine<()> {
        &mut self.line
    }

    fn try_now(&mut self, _want: &mut (), _wakes: &mut Wakes) -> bool {
        self.set
    }

    fn settle(&mut self, wakes: &mut Wakes) {
        if self.set {
            self.line.grant_all(wakes);
        }
    }

    fn give_back(&mut self, _want: (), _wakes: &mut Wakes) {}
}

impl Event {
    /// An event that has not happened.
    ///
    /// # Examples
    ///
    /// See [`Event`].
    #[must_use]
    pub const fn new() -> Self {
        Self { cell: WaitCell::new(EventState { set: false, line: WaitLine::new() }) }
    }

    /// It has happened: all who wait go on, in the order in which they came. Again does nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// let event = trine_sync::Event::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    pub fn set(&self) {
        self.cell.with(|state, wakes| {
            state.set = true;
            state.settle(wakes);
        });
    }

    /// Whether it has happened.
    ///
    /// # Examples
    ///
    /// See [`set`](Self::set).
    pub fn is_set(&self) -> bool {
        self.cell.read(|state| state.set)
    }

    /// Waits until it has happened; returns at once if it has.
    ///
    /// # Cancellation
    ///
    /// A checkpoint, also if the event is set. If it is cancelled, nothing has changed.
    ///
    /// # Examples
    ///
    /// See [`Event`].
    pub fn wait(&self) -> EventWait<'_> {
        EventWait { turn: Turn::new(&self.cell, ()) }
    }

    /// How many tasks wait; those from where a cancel is visible do not count (trio:
    /// `statistics().tasks_waiting`).
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(trine_sync::Event::new().tasks_waiting(), 0);
    /// ```
    pub fn tasks_waiting(&self) -> usize {
        self.cell.read(|state| state.line.waiting())
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut event = f.debug_struct("Event");
        event.field("set", &self.is_set()).field("tasks_waiting", &self.tasks_waiting()).finish()
    }
}

/// The future of [`Event::wait`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct EventWait<'a> {
    turn: Turn<'a, EventState>,
}

impl Future for EventWait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.turn.poll(cx)
    }
}

impl fmt::Debug for EventWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWait")
            .field("in_line", &self.turn.is_in_line())
            .finish_non_exhaustive()
    }
}
