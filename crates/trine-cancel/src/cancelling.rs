//! How cancelling works, and how to live with it. This module holds nothing but this page.
//!
//! - [Step by step](#step-by-step)
//! - [What is a checkpoint](#what-is-a-checkpoint)
//! - [What cannot be cancelled, and what to do about
//!   it](#what-cannot-be-cancelled-and-what-to-do-about-it)
//! - [Cleanup that waits](#cleanup-that-waits)
//! - [A future that is dropped from outside](#a-future-that-is-dropped-from-outside)
//! - [A future that is kept](#a-future-that-is-kept)
//! - [How deep](#how-deep)
//! - [For those who know tokio](#for-those-who-know-tokio)
//! - [For those who know trio](#for-those-who-know-trio)
//!
//! # Step by step
//!
//! A cancel is a property of a region of code, not an event that is sent to a task. A
//! [`CancelScope`](crate::CancelScope) marks the region; it covers the body given to
//! [`run`](crate::CancelScope::run), every future the body awaits or polls, and every task of the
//! nurseries opened inside. Somebody calls [`cancel`](crate::CancelScope::cancel), or the deadline
//! passes. Then:
//!
//! 1. At once, from everywhere inside, the cancel *is visible*; a shield hides it from what is
//!    inside the shield. No code runs yet. Nothing is handed to anybody who waits inside: an item
//!    goes to the next in line, a lock likewise.
//! 2. In the same or the next tick of the run the scope is polled, and polls its body a last time.
//!    An operation that had completed before the cancel delivers its result, and the code after it
//!    runs to the next checkpoint. A task that was just started runs to its first one. There they
//!    stay.
//! 3. What is shielded, and every cleanup given to [`finally`](crate::finally()), is *drained*:
//!    polled on until it ends. Code behind it runs to its next checkpoint, and stays there.
//!    Everything else makes no progress, but is not gone either if something beside it in the same
//!    future is being drained. Tasks of a nursery are dropped one by one, as soon as nothing in
//!    them is left to drain.
//! 4. In the very poll in which the last of these ends, the body is *dropped*, and with it all it
//!    owns.
//! 5. The scope returns `None`; its `cancelled_caught` is true. If a scope around it is cancelled,
//!    too, that one returns instead, and this one never does: the outermost catches, up to a
//!    shield.
//!
//! If the body ends at any point of this, then that is the result, `Some(value)`: it was finished,
//! not cancelled, and nobody needs to guess from `cancel_called`.
//!
//! ```
//! use std::time::Duration;
//! use trine_cancel::{finally, move_on_after, shield};
//! use trine_core::{Runner, checkpoint, now, sleep, sleep_forever};
//! use trine_nursery::open_nursery;
//! use trine_testing::MockClock;
//!
//! let ms = Duration::from_millis;
//! Runner::new().clock(MockClock::autojump()).run(async {
//!     let start = now();
//!     let result = move_on_after(ms(5), open_nursery(async |nursery| {
//!         nursery.start_soon(sleep_forever()); // dropped at 5 ms
//!         nursery.start_soon(finally(sleep_forever(), async || {
//!             sleep(ms(2)).await; // drained until 7 ms
//!         }));
//!         shield(sleep(ms(8))).await; // drained until 8 ms
//!         println!("this is reached");
//!         checkpoint().await;
//!         println!("this is not");
//!     }))
//!     .await;
//!     assert_eq!(result, None);
//!     assert_eq!(now() - start, ms(8));
//! });
//! ```
//!
//! # What is a checkpoint
//!
//! A checkpoint is where code can be cancelled. Every operation of these crates that is a future is
//! one, unless its `# Cancellation` section says otherwise, and whether or not it has to wait:
//! `sleep`, `recv`, `lock`, `acquire`, `run_sync`. So is [`checkpoint`](trine_core::checkpoint()),
//! which does nothing else.
//!
//! An operation has happened, or it was cancelled: never both, never half. Cancelled means it was
//! asked while the cancel was visible, and has done nothing: nothing was sent, nothing was taken.
//!
//! These are none:
//!
//! - code that does not await: between two checkpoints it is never interrupted;
//! - opening and leaving a nursery or a scope, and `shield`, `finally` and the timeouts by
//!   themselves;
//! - `cancel_shielded_checkpoint`, which only yields;
//! - futures of other libraries. They do not know of scopes, and need not: when the scope drops
//!   them they are gone. But until then they go on: one that is ready in the last poll delivers,
//!   and one that is polled beside something that drains makes progress. Put a checkpoint after it
//!   where that matters.
//!
//! # What cannot be cancelled, and what to do about it
//!
//! - **A loop that does not await.** Nothing on its thread can happen meanwhile. Put
//!   [`checkpoint`](trine_core::checkpoint()) into it, or move it to a thread.
//! - **A future that never returns from `poll`**: the same, in somebody else's code.
//! - **A function in a worker thread.** Threads cannot be stopped from outside:
//!   `to_thread::run_sync` waits for it, cancelled or not. Let the function ask
//!   `from_thread::check_cancelled` now and then, or allow it to be left behind with
//!   `abandon_on_cancel`.
//! - **A shield or a cleanup that does not end**, or that [nobody polls](#a-future-that-is-kept).
//!   It holds up the scope around it for as long as it likes. Give it a timeout inside
//!   (`shield(move_on_after(..))`), or bound all of them from outside with
//!   [`set_grace`](crate::CancelScope::set_grace): that long after the cancel, shields hold no
//!   longer.
//!
//! ```
//! use std::time::Duration;
//! use trine_cancel::{CancelScope, finally};
//! use trine_core::sleep_forever;
//!
//! trine_core::run(async {
//!     let scope = CancelScope::with_timeout(Duration::from_millis(1));
//!     scope.set_grace(Some(Duration::from_millis(1)));
//!     let stubborn = finally(sleep_forever(), async || sleep_forever().await);
//!     assert!(scope.run(stubborn).await.is_none()); // after 2 ms
//! });
//! ```
//!
//! # Cleanup that waits
//!
//! `Drop` cannot wait. So cleanup that has to, such as a goodbye to a peer, goes into
//! [`finally`](crate::finally()): it runs when the body has ended, has panicked, or was cancelled,
//! under a shield, while the scopes around wait. Nested ones run from the inside out, and each body
//! is dropped before its cleanup begins. Cleanup that does not wait is best left to `Drop`, which
//! also runs when a future is dropped from outside.
//!
//! # A future that is dropped from outside
//!
//! Scopes and nurseries drain before they drop. Other code does not: a `select!` of another library
//! drops the branches that lost, an aborted future is just dropped, and so is a box that goes out
//! of scope. Then everything inside goes at once: bodies, tasks, the newest first. `Drop` runs as
//! ever; cleanup given to `finally` does not, since nobody is there to poll it. No task outlives
//! that, nothing is lost (an item that was handed over goes back to the line), and nothing is left
//! behind.
//!
//! ```
//! use std::{cell::Cell, time::Duration};
//! use trine_cancel::{finally, move_on_after};
//! use trine_core::{sleep, sleep_forever};
//!
//! trine_core::run(async {
//!     let said_goodbye = Cell::new(false);
//!     let work = || finally(sleep_forever(), async || said_goodbye.set(true));
//!     tokio::select! {
//!         () = sleep(Duration::from_millis(1)) => {}
//!         _ = work() => {}
//!     }
//!     assert!(!said_goodbye.get());
//!
//!     move_on_after(Duration::from_millis(1), work()).await;
//!     assert!(said_goodbye.get());
//! });
//! ```
//!
//! So where cleanup counts, use `race` of `trine-nursery` instead of a `select!`, and scopes
//! instead of abort handles. To select in a loop without losing anything, keep the long-lived
//! futures outside the loop and pass them by reference.
//!
//! # A future that is kept
//!
//! A future may be polled by reference inside a scope, survive it, and be polled elsewhere. One
//! operation by itself, such as a `sleep`, then goes on as if nothing had happened. A scope,
//! `finally` or nursery of which something was dropped by that cancel cannot go on; to poll it
//! panics with a message that says so, rather than to wait for ever. It always follows the scopes
//! of the place where it was last polled.
//!
//! While it is kept without being polled, nothing in it can run, its cleanup no more than the rest.
//! Think of a `select!` in a loop that has a `finally` by reference, and of a handler in that loop
//! which awaits something else when the cancel comes: the handler is cancelled, so the loop never
//! comes back to the `finally`, and the scope waits for a cleanup that nobody can begin. So:
//!
//! - do the work of the handler in a nursery around the loop, where it keeps nobody from polling;
//! - or bound the wait with [`set_grace`](crate::CancelScope::set_grace): when the grace is over,
//!   what is polled is cut as ever, and what nobody polls is dropped with the rest, without its
//!   cleanup;
//! - a test that comes to rest over this fails, with the line of what is kept and the task that has
//!   it.
//!
//! A call of `to_thread::run_sync` that is kept needs none of this: its thread is told of the cancel, what
//! it asks of the run is refused, what was begun for it is drained, and the cancel waits until the thread
//! has ended, no longer.
//!
//! ```
//! use std::{cell::Cell, pin::pin, time::Duration};
//! use trine_cancel::{CancelScope, finally};
//! use trine_core::{Runner, sleep, sleep_forever};
//! use trine_testing::MockClock;
//!
//! Runner::new().clock(MockClock::autojump()).run(async {
//!     let cleaned_up = Cell::new(false);
//!     let scope = CancelScope::with_timeout(Duration::from_millis(2));
//!     scope.set_grace(Some(Duration::from_millis(1)));
//!     let result = scope.run(async {
//!         let mut work = pin!(finally(sleep_forever(), async || cleaned_up.set(true)));
//!         tokio::select! {
//!             _ = &mut work => {}
//!             // Meanwhile nobody polls `work`.
//!             () = sleep(Duration::from_millis(1)) => sleep_forever().await,
//!         }
//!     });
//!     assert!(result.await.is_none()); // after 3 ms, and not without the grace
//!     assert!(!cleaned_up.get());
//! });
//! ```
//!
//! # How deep
//!
//! Futures inside futures are polled, and dropped, by functions that call functions, so what bounds
//! the nesting is the stack; the scheduler itself uses none for it. Measured on x86-64 Linux with a
//! stack of 8 MiB, that of a main thread, each region in a box, polled, cancelled and dropped:
//!
//! | nested | without optimization | bytes each | with optimization | bytes each |
//! |---|---|---|---|---|
//! | [`CancelScope::run`](crate::CancelScope::run) | 7,200 | 1,150 | 30,000 | 280 |
//! | [`move_on_after`](crate::move_on_after) | 8,000 | 1,050 | 32,000 | 260 |
//! | [`shield`](crate::shield()) | 10,600 | 790 | 39,000 | 210 |
//! | [`finally`](crate::finally()) | 3,800 | 2,160 | 34,000 | 240 |
//! | a nursery and a task in it | 2,600 | 3,190 | 7,800 | 1,070 |
//!
//! So 5,000 nested scopes are safe in both, which is tested. Threads that the standard library
//! starts have 2 MiB unless told otherwise: a quarter of this. What is around a task that is
//! started with `spawn`, rather than `start_soon`, does not count for it: the run polls it itself.
//!
//! # For those who know tokio
//!
//! | tokio | here |
//! |---|---|
//! | `abort` of a task's handle: the task is dropped at some later time, perhaps; its children go on | the tasks of a nursery opened in a scope are covered by it, and gone when it returns |
//! | `timeout(d, future)`: drops the future, and no cleanup can wait | [`move_on_after`](crate::move_on_after), [`fail_after`](crate::fail_after): drain, then drop |
//! | a cancellation token: passed along by hand, and heeded only where somebody selects on it | nothing is passed, every checkpoint heeds it; [`remote`](crate::CancelScope::remote) is the handle for other threads |
//! | a child token | a scope inside a scope |
//! | a drop guard of a token | a scope ends with its region anyway |
//! | `select!` drops the losers | `race` drains them |
//! | whether a function is "cancel safe" is up to its author | every operation is: it happened, or was cancelled and has done nothing |
//!
//! The last line is about single operations. A function of yours that awaits twice can be cancelled
//! in between, here as there. But only by a scope that you can see, or by code that drops it; and
//! what has to be finished together can say so, with [`shield`](crate::shield()).
//!
//! # For those who know trio
//!
//! The rules are trio's: level-triggered, delivered at checkpoints, seen through the tree of scopes
//! and nurseries, caught by the outermost. What differs is the means. In Python a cancel is an
//! exception that travels up through the code; here it is the code that goes away:
//!
//! - There is no exception to catch, so none that anybody could swallow, and none that travels in
//!   groups with others. What a `finally:` clause with a shield would do,
//!   [`finally`](crate::finally()) does. What a context manager would do is in `Drop`.
//! - Code cannot refuse: a cancelled operation stays pending, and does not return an error that a
//!   loop could retry. What wants to go on shields itself.
//! - A checkpoint after a cleanup is not reached with "still cancelled" as an exception; it is not
//!   passed.
//! - A value that was computed is not lost by a cancel which comes while the scope is being left: a
//!   body that has ended returns it.
//! - A nursery that was cut short does not resolve, unless it has errors or a panic to tell of:
//!   then it resolves with these, as trio's group would have kept them after the cancel was taken
//!   out.
//! - Reasons are kept on the scope, [`reason`](crate::CancelScope::reason), by the first who gives
//!   one. Code that is cancelled cannot ask for them: it does not run.
