//! How to test concurrent code, from the first test to a thousand seeds in CI.
//!
//! # The first test
//!
//! Put `#[trine::test]` on an `async fn`. It becomes a test like any other, which `cargo test`
//! runs, in a run of its own:
//!
//! ```test_harness
//! # mod trine { pub use {trine_core::*, trine_cancel::*, trine_nursery::*, trine_macros::*}; pub mod channel { pub use trine_channel::*; } pub mod testing { pub use trine_testing::*; } }
//! use trine::channel::open_memory_channel;
//! use trine::open_nursery;
//!
//! #[trine::test]
//! async fn a_question_is_answered() {
//!     let (ask, asked) = open_memory_channel(0);
//!     let (answer, answered) = open_memory_channel(0);
//!     open_nursery(async |nursery| {
//!         nursery.start_soon(async move {
//!             while let Ok(number) = asked.recv().await {
//!                 answer.send(number * 2).await.unwrap();
//!             }
//!         });
//!         ask.send(21).await.unwrap();
//!         assert_eq!(answered.recv().await, Ok(42));
//!         drop(ask); // no more questions: the task ends, and so does the nursery
//!     })
//!     .await;
//! }
//! ```
//!
//! It fails by a panic, its own or that of any of its tasks. It may also return a `Result`, and use
//! `?`. It never hangs: see below. The attribute takes options, all of which are told of in this
//! chapter. It expands to calls of a [`TestRunner`](crate::TestRunner), which you can use by hand
//! for tests that are no `async fn`:
//!
//! | attribute        | by hand                              | for                                      |
//! |------------------|--------------------------------------|------------------------------------------|
//! | `autojump`       | `.autojump()`                        | virtual time                             |
//! | `timeout = "5s"` | `.timeout(Duration::from_secs(5))`   | an end in real time, with all tasks told |
//! | `seeds = 200`    | `.seeds(200)`, and `run_each`        | many orders of tasks                     |
//! | `cancel_sweep`   | `.cancel_sweep()`, and `run_each`    | a cancel at each checkpoint              |
//!
//! With `#[rstest]`, `#[trine::test]` runs each of its cases.
//!
//! # Time
//!
//! A test that sleeps is slow, and one that sleeps too short is wrong now and then. On a clock that
//! jumps (`autojump`, which is [`MockClock::autojump`](crate::MockClock::autojump)) both are gone:
//! while anything is ready time stands still, and when nothing is it moves to the next deadline,
//! exactly. So compare times with `==`. The code under test must ask `trine::now()` for the time.
//!
//! ```test_harness
//! # mod trine { pub use {trine_core::*, trine_cancel::*, trine_nursery::*, trine_macros::*}; pub mod channel { pub use trine_channel::*; } pub mod testing { pub use trine_testing::*; } }
//! use std::time::Duration;
//! use trine::{now, sleep};
//!
//! async fn with_retry(mut attempt: impl AsyncFnMut() -> bool) -> bool {
//!     for pause in [1, 2, 4] {
//!         if attempt().await {
//!             return true;
//!         }
//!         sleep(Duration::from_secs(pause)).await;
//!     }
//!     false
//! }
//!
//! #[trine::test(autojump)]
//! async fn it_gives_up_after_seven_seconds() {
//!     let start = now();
//!     assert!(!with_retry(async || false).await);
//!     assert_eq!(now() - start, Duration::from_secs(7)); // in no time
//! }
//! ```
//!
//! Threads started by `to_thread` hold the clock until they are done. Sockets do not: there use
//! real time, or a clock with a [threshold](crate::MockClock::autojump_threshold). A clock that
//! only you move is [`MockClock::new`](crate::MockClock::new), given to `Runner::clock`.
//!
//! # Bringing tasks where you want them
//!
//! The question "is the other task waiting by now?" has an answer:
//! [`wait_all_tasks_blocked`](crate::wait_all_tasks_blocked) returns when every other task is
//! parked.
//!
//! ```test_harness
//! # mod trine { pub use {trine_core::*, trine_cancel::*, trine_nursery::*, trine_macros::*}; pub mod channel { pub use trine_channel::*; } pub mod testing { pub use trine_testing::*; } }
//! use trine::channel::open_memory_channel;
//! use trine::open_nursery;
//! use trine::testing::wait_all_tasks_blocked;
//!
//! #[trine::test]
//! async fn a_waiting_receiver_is_served_at_once() {
//!     let (sender, receiver) = open_memory_channel(0);
//!     open_nursery(async |nursery| {
//!         nursery.start_soon(async { assert_eq!(receiver.recv().await, Ok("hello")) });
//!         wait_all_tasks_blocked().await;
//!         sender.try_send("hello").unwrap(); // somebody is there to take it
//!     })
//!     .await;
//! }
//! ```
//!
//! Where steps of several tasks must come in one order, number them with a
//! [`Sequencer`](crate::Sequencer).
//!
//! # It hangs
//!
//! It does not. When nothing is ready, no deadline would come and nothing outside is at work, the
//! test fails, with the tasks, where each was spawned, the line at which each waits, who holds what
//! it waits for, and the circle that they wait in:
//!
//! ```text
//! deadlock: nothing is ready, no deadline would come, and nothing outside is known to be at work. The tasks:
//! main: parked
//! │  waits for what is in it
//! └─ nursery at src/lib.rs:35
//!    ├─ "left first", spawned at src/lib.rs:36: parked
//!    │     waits for mutex 1, at src/lib.rs:31 in shop::both
//!    │         held by "right first" since src/lib.rs:29
//!    └─ "right first", spawned at src/lib.rs:37: parked
//!          waits for mutex 2, at src/lib.rs:31 in shop::both
//!              held by "left first" since src/lib.rs:29
//! cycle:
//!   "left first" waits for mutex 1, held by "right first"
//!   "right first" waits for mutex 2, held by "left first"
//! ```
//!
//! Locks, semaphores and limiters know their holders while a test runs. Who has the other end of a
//! channel is known to nobody; told are its state and the tasks that have used that end so far.
//!
//! Give tasks names (`start_soon_named`) for reports that read well. A wake-up that was lost, by a
//! future of yours that keeps no waker, is told apart from a deadlock. A task that was woken and
//! that nobody polls, because its nursery is held in a `select!`, is reported as *snoozing*. What
//! goes on for ever without coming to rest is ended by `timeout`. A thread that trine did not start
//! may still come when the run looks stuck: it has one second
//! ([`patience`](crate::TestRunner::patience)).
//!
//! [`TaskTree::now`](crate::TaskTree::now) is the same tree at any time, for a program that wants
//! to show it.
//!
//! # A thousand schedules
//!
//! Tasks that are ready run in the order in which they were woken, which is one of many that may
//! happen when machines and networks change. `seeds = 200` tries as many: seed 0 is the usual
//! order, half of the others shuffle evenly, and half favour orders in which one task is far ahead
//! or behind. This bank loses money, and the test that is run once does not notice:
//!
//! ```
//! # mod trine { pub use {trine_core::*, trine_cancel::*, trine_nursery::*, trine_macros::*}; pub mod channel { pub use trine_channel::*; } pub mod testing { pub use trine_testing::*; } }
//! use std::cell::Cell;
//! use trine::testing::TestRunner;
//! use trine::{checkpoint, open_nursery};
//!
//! async fn deposit_and_audit() {
//!     let balance = Cell::new(100);
//!     open_nursery(async |nursery| {
//!         nursery.start_soon_named("deposit", async {
//!             checkpoint().await;
//!             balance.set(balance.get() + 50);
//!         });
//!         nursery.start_soon_named("audit", async {
//!             checkpoint().await;
//!             let seen = balance.get();
//!             checkpoint().await; // writes its report …
//!             balance.set(seen); // … and what it saw
//!         });
//!     })
//!     .await;
//!     assert_eq!(balance.get(), 150, "the deposit was lost");
//! }
//!
//! TestRunner::new().run(deposit_and_audit()); // passes
//!
//! // What `#[trine::test(seeds = 200)]` does, with the report as a value:
//! let runner = TestRunner::new().name("bank").seeds(200);
//! let report = runner.report_of_first_failure(deposit_and_audit).unwrap();
//! assert!(report.contains("audit before deposit"));
//! ```
//!
//! The failure prints the seed, the few things that must be other than usual for it to happen, and
//! a trace:
//!
//! ```text
//! bank failed under seed 2: assertion `left == right` failed: the deposit was lost
//! To replay it: TRINE_SEED=2
//! It fails when tasks run in another order than they were woken in:
//!   audit before deposit
//! What happens then:
//!   main runs
//!   main starts deposit
//!   main starts audit
//!   audit runs
//!   …
//! ```
//!
//! `TRINE_SEED=2 cargo test bank` replays exactly that run, under a debugger or with more printing.
//! For this a test must do the same each time: virtual time (`seeds` implies it), no threads that
//! race, no order of a hash map. [`check_determinism`](crate::TestRunner::check_determinism) tells
//! whether it does.
//!
//! # Cancelled anywhere
//!
//! Whatever a task awaits, a timeout can end it there. `cancel_sweep` runs a test again and again,
//! and cancels it at its first checkpoint, its second, and so on. Each time nothing may be left
//! behind. To check more than that, say which part is cancelled, and look afterwards:
//!
//! ```
//! # mod trine { pub use {trine_core::*, trine_cancel::*, trine_nursery::*, trine_macros::*}; pub mod channel { pub use trine_channel::*; } pub mod testing { pub use trine_testing::*; } }
//! use trine::channel::{Receiver, Sender, open_memory_channel};
//! use trine::testing::{TestRunner, cancellable};
//!
//! async fn forward(from: &Receiver<u32>, to: &Sender<u32>) {
//!     let item = from.recv().await.unwrap();
//!     to.send(item).await.unwrap(); // cancelled here, the item is gone
//! }
//!
//! async fn no_item_is_lost() {
//!     let (send, from) = open_memory_channel(1);
//!     let (to, receive) = open_memory_channel(1);
//!     send.send(7).await.unwrap();
//!     cancellable(forward(&from, &to)).await;
//!     assert!(from.try_recv().is_ok() || receive.try_recv().is_ok(), "the item is gone");
//! }
//!
//! TestRunner::new().run(no_item_is_lost()); // passes
//!
//! // What `#[trine::test(cancel_sweep)]` does:
//! let sweep = TestRunner::new().name("forward").cancel_sweep();
//! let report = sweep.report_of_first_failure(no_item_is_lost).unwrap();
//! assert!(report.starts_with("forward failed when it was cancelled at checkpoint 2"));
//! assert!(report.ends_with("the item is gone"));
//! ```
//!
//! The report names the await, with its line. The remedy here is to `reserve` room first, and then
//! to receive. With `seeds` and `cancel_sweep` both, each order is swept.
//!
//! # What happens, in order
//!
//! Where the order of events is the point, write it down. A [`Trace`](crate::Trace) is a run as
//! text, with the times at which the clock moved on:
//!
//! ```
//! # mod trine { pub use {trine_core::*, trine_cancel::*, trine_nursery::*, trine_macros::*}; pub mod channel { pub use trine_channel::*; } pub mod testing { pub use trine_testing::*; } }
//! use trine::testing::{MockClock, Trace};
//! use trine::{Runner, open_nursery};
//!
//! let trace = Trace::new();
//! let runner = Runner::new().clock(MockClock::autojump()).instrument(trace.clone());
//! runner.run(async {
//!     open_nursery(async |nursery| {
//!         nursery.start_soon_named("first", async {});
//!         nursery.start_soon_named("second", async {});
//!     })
//!     .await;
//! });
//! trace.assert_eq("
//!     main runs
//!     main starts first
//!     main starts second
//!     first runs
//!     first ends
//!     second runs
//!     second ends
//! ");
//! ```
//!
//! It is made of an `Instrument`, which is told of every step of a run; write your own for other
//! questions.
//!
//! # Around a test
//!
//! A server that runs while the test does, a directory that must be removed: these are fixtures.
//! Each is an async function that sets up, hands out a value, and tears down, and may keep tasks
//! running meanwhile:
//!
//! ```test_harness
//! # mod trine { pub use {trine_core::*, trine_cancel::*, trine_nursery::*, trine_macros::*}; pub mod channel { pub use trine_channel::*; } pub mod testing { pub use trine_testing::*; } }
//! use trine::channel::{Sender, open_memory_channel};
//! use trine::open_nursery;
//! use trine::testing::{Fixture, with_fixtures};
//!
//! async fn a_printer(fixture: Fixture<Sender<String>>) {
//!     let (sender, pages) = open_memory_channel::<String>(10);
//!     open_nursery(async |nursery| {
//!         nursery.start_soon_named("printer", async {
//!             while let Ok(page) = pages.recv().await {
//!                 println!("{page}");
//!             }
//!         });
//!         fixture.provide(sender).await; // until the test is over
//!         nursery.cancel_tasks();
//!     })
//!     .await;
//! }
//!
//! #[trine::test]
//! async fn prints() {
//!     with_fixtures(async |fixtures| {
//!         let printer = fixtures.start("printer", a_printer).await;
//!         printer.send(String::from("page 1")).await.unwrap();
//!     })
//!     .await;
//! }
//! ```
//!
//! One that needs another is started after it, with its value; those that do not may be started
//! side by side. They are torn down in reverse, whatever becomes of the test; one that fails, also
//! in the background, fails the test with its own error. The nursery that a test opens itself is
//! joined, not cancelled, so that a task which has not finished is seen.
//!
//! # Operations of your own
//!
//! Every async operation should be a checkpoint, also when it need not wait:
//! [`assert_checkpoints`](crate::assert_checkpoints) sees to it. A channel, yours or one of another
//! crate, can be held against all that trine's channels keep by
//! [`check_channel`](crate::check_channel), a stream by [`check_stream`](crate::check_stream).
//!
//! # In CI
//!
//! Give every test a `timeout`; it costs a thread that sleeps. A few hundred seeds for each change
//! find most of what seeds find, and take milliseconds, since time is virtual. Once a night run
//! more: `TRINE_SEEDS` sets the number for all tests that have `seeds`.
//!
//! ```yaml
//! on:
//!   pull_request:
//!   schedule: [{ cron: "0 3 * * *" }]
//! jobs:
//!   test:
//!     runs-on: ubuntu-latest
//!     steps:
//!       - uses: actions/checkout@v4
//!       - run: cargo test
//!       - run: cargo test
//!         if: github.event_name == 'schedule'
//!         env: { TRINE_SEEDS: "10000" }
//! ```
//!
//! A failure there is replayed on your machine by its seed: `TRINE_SEED=7313 cargo test
//! name_of_the_test`. Once it is mended, `seeds` finds it again should it come back; if it took
//! many, raise the number of that test.
