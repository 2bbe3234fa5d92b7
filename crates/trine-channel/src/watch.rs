//! The latest value of something: whoever looks sees the newest, and may have missed those between.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_core::Stream;
use trine_core::lowlevel::{Place, WaitCell, WaitLine, Wakes, poll_checkpoint};

use crate::error::RecvError;
use crate::news::{Tells, leave, poll_news};

/// Opens a channel that shows the latest value.
///
/// Values are shared as `Rc<T>`, so reading one blocks nobody, and one that was read stays as it
/// was.
///
/// # Examples
///
/// A configuration that tasks follow:
///
/// ```
/// use futures_lite::future::{block_on, zip};
/// use trine_channel::watch;
///
/// let (level, mut changes) = watch::channel("info");
/// let logger = async move {
///     assert_eq!(*changes.latest(), "info");
///     let mut seen = vec![];
///     while let Ok(level) = changes.changed().await {
///         seen.push(*level);
///     }
///     seen
/// };
/// let operator = async move {
///     level.send("debug");
///     level.send("trace"); // the logger may never have seen "debug"
/// };
/// assert_eq!(block_on(zip(logger, operator)).0, ["trace"]);
/// ```
pub fn channel<T>(initial: T) -> (Sender<T>, Receiver<T>) {
    let line = WaitLine::new();
    let cell = WaitCell::new(State {
        value: Rc::new(initial),
        version: 0,
        senders: 1,
        receivers: 0,
        line,
    });
    let sender = Sender { shared: Rc::new(cell) };
    let receiver = sender.subscribe();
    (sender, receiver)
}

struct State<T> {
    value: Rc<T>,
    version: u64,
    senders: usize,
    receivers: usize,
    line: WaitLine<()>,
}

impl<T> State<T> {
    /// Drop what it returns outside of the borrow.
    fn set(&mut self, value: Rc<T>, wakes: &mut Wakes) -> Rc<T> {
        self.version += 1;
        self.line.grant_all(wakes);
        std::mem::replace(&mut self.value, value)
    }
}

impl<T> Tells for State<T> {
    type Seen = u64;
    type News = Result<Rc<T>, RecvError>;

    fn line(&mut self) -> &mut WaitLine<()> {
        &mut self.line
    }

    fn look(&mut self, seen: &mut u64) -> Option<Self::News> {
        if *seen != self.version {
            *seen = self.version;
            return Some(Ok(Rc::clone(&self.value)));
        }
        (self.senders == 0).then_some(Err(RecvError::EndOfChannel))
    }
}

/// The end that sets the value. Clones set the same one; when all are dropped, no further change
/// will come.
pub struct Sender<T> {
    shared: Rc<WaitCell<State<T>>>,
}

impl<T> Sender<T> {
    /// Sets the value, and wakes all who wait for a change; never waits.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = trine_channel::watch::channel(1);
    /// sender.send(2);
    /// assert_eq!(*receiver.latest(), 2);
    /// ```
    pub fn send(&self, value: T) {
        let value = Rc::new(value);
        let _before = self.shared.with(|state, wakes| state.set(value, wakes));
    }

    /// Changes the value, cloning it if somebody still looks at it, and wakes all who wait for a
    /// change.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = trine_channel::watch::channel(vec![1]);
    /// sender.send_modify(|numbers| numbers.push(2));
    /// assert_eq!(*receiver.latest(), [1, 2]);
    /// ```
    pub fn send_modify(&self, change: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        // The user's code runs on a copy, so that it may use this channel.
        let mut value = T::clone(&self.latest());
        change(&mut value);
        self.send(value);
    }

    /// The value as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = trine_channel::watch::channel(1);
    /// assert_eq!(*sender.latest(), 1);
    /// ```
    #[must_use]
    pub fn latest(&self) -> Rc<T> {
        self.shared.read(|state| Rc::clone(&state.value))
    }

    /// Another receiver, which has seen the value as it is now.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = trine_channel::watch::channel(1);
    /// let late = sender.subscribe();
    /// assert!(!late.has_changed());
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::open(&self.shared)
    }

    /// How many receivers there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = trine_channel::watch::channel(1);
    /// drop(receiver);
    /// assert_eq!(sender.receivers(), 0);
    /// ```
    #[must_use]
    pub fn receivers(&self) -> usize {
        self.shared.read(|state| state.receivers)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.with(|state, _| state.senders += 1);
        Self { shared: Rc::clone(&self.shared) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.with(|state, wakes| {
            state.senders -= 1;
            if state.senders == 0 {
                state.line.grant_all(wakes);
            }
        });
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("watch::Sender")
            .field("receivers", &self.receivers())
            .finish_non_exhaustive()
    }
}

/// The end that sees the value. A clone has seen what this one has. As a `Stream`, it yields the
/// changes.
pub struct Receiver<T> {
    shared: Rc<WaitCell<State<T>>>,
    seen: u64,
    place: Option<Place>,
}

impl<T> Receiver<T> {
    fn open(shared: &Rc<WaitCell<State<T>>>) -> Self {
        let seen = shared.with(|state, _| {
            state.receivers += 1;
            state.version
        });
        Self { shared: Rc::clone(shared), seen, place: None }
    }

    /// The value as it is; it does not count as seen.
    ///
    /// # Examples
    ///
    /// See [`channel`].
    #[must_use]
    pub fn latest(&self) -> Rc<T> {
        self.shared.read(|state| Rc::clone(&state.value))
    }

    /// Whether the value was set since this receiver last saw it.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = trine_channel::watch::channel(1);
    /// sender.send(2);
    /// assert!(receiver.has_changed());
    /// ```
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.shared.read(|state| state.version != self.seen)
    }

    /// Waits until the value was set since this receiver last saw it, and returns it as it then is.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, the change counts as not seen.
    ///
    /// # Errors
    ///
    /// [`RecvError::EndOfChannel`] if there is no change, and every sender is gone.
    ///
    /// # Examples
    ///
    /// See [`channel`].
    pub fn changed(&mut self) -> Changed<'_, T> {
        Changed { receiver: self }
    }

    /// Waits until the value is as wanted; looks at it as it is first. What it returns counts as
    /// seen.
    ///
    /// # Cancellation
    ///
    /// A checkpoint, also if the value is as wanted at once. If it is cancelled, values it has
    /// looked at count as seen.
    ///
    /// # Errors
    ///
    /// [`RecvError::EndOfChannel`] if the value is not as wanted, and every sender is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (progress, mut seen) = trine_channel::watch::channel(0);
    /// progress.send(70);
    /// assert_eq!(*seen.wait_for(|percent| *percent >= 50).await?, 70);
    /// # Ok::<(), trine_channel::RecvError>(())
    /// # }).unwrap();
    /// ```
    pub async fn wait_for(
        &mut self,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Result<Rc<T>, RecvError> {
        poll_fn(poll_checkpoint).await;
        let mut value = self.shared.with(|state, _| {
            self.seen = state.version;
            Rc::clone(&state.value)
        });
        while !wanted(&value) {
            value = self.changed().await?;
        }
        Ok(value)
    }

    fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Rc<T>, RecvError>> {
        poll_news(&self.shared, &mut self.seen, &mut self.place, cx)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        let mut receiver = Self::open(&self.shared);
        receiver.seen = self.seen;
        receiver
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        leave(&self.shared, &mut self.place);
        self.shared.with(|state, _| state.receivers -= 1);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("watch::Receiver")
            .field("has_changed", &self.has_changed())
            .finish_non_exhaustive()
    }
}

impl<T> Stream for Receiver<T> {
    type Item = Rc<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Rc<T>>> {
        self.poll_changed(cx).map(Result::ok)
    }
}

/// The future of [`Receiver::changed`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Changed<'a, T> {
    receiver: &'a mut Receiver<T>,
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<Rc<T>, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.receiver.poll_changed(cx)
    }
}

impl<T> Drop for Changed<'_, T> {
    fn drop(&mut self) {
        leave(&self.receiver.shared, &mut self.receiver.place);
    }
}

impl<T> fmt::Debug for Changed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changed").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}
