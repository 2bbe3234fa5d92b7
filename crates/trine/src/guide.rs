//! The guide: from the first nursery to a service, in short chapters. This module holds nothing
//! else.
//!
//! 1. [Tasks and lifetimes](tasks): nurseries, and what their tasks may borrow
//! 2. [Errors](errors): groups, panics, and when one failure should not stop the rest
//! 3. [Cancellation and timeouts](cancellation): scopes, checkpoints and shields
//! 4. [Cleanup](cleanup): what happens to what is open when code is cut short
//! 5. [Channels](channels): pipelines, worker pools and back-pressure
//! 6. [Limits](limits): how many at a time, how many a second, one at a time
//! 7. [Threads](threads): blocking code, calls from other threads, programs that are not async
//! 8. [Time and testing](testing): virtual time, every order, every cancel
//! 9. [Performance](performance): what costs something, and what to do about it
//! 10. [What not to do](pitfalls): the mistakes that compile
//! 11. [A service](service): all of it together
//!
//! For those who know another library: [coming from trio](from_trio), [from tokio](from_tokio), and
//! [from Kotlin or Go](from_kotlin_and_go).
//!
//! The folder `examples` of the repository has a small program for each pattern, with what it
//! prints.
//!
//! Every program here is run as a test. Sleeps stand for requests and other work, and those
//! programs in which time matters run on a clock of virtual time, on which sleeps take no time and
//! last exactly as long as they say; the line that arranges this is hidden. How to use such a clock
//! is told in [time and testing](testing).

pub mod cancellation;
pub mod channels;
pub mod cleanup;
pub mod errors;
pub mod from_kotlin_and_go;
pub mod from_tokio;
pub mod from_trio;
pub mod limits;
pub mod performance;
pub mod pitfalls;
pub mod service;
pub mod tasks;
pub mod testing;
pub mod threads;
