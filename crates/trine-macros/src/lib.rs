//! The attribute macros of trine: main and test.
//!
//! Use them as `trine::main` and `trine::test`; this crate is the place where they are made. What
//! they expand to calls `run` of `trine-core` and `TestRunner` of `trine-testing`, which can be
//! called by hand just as well.
#![forbid(unsafe_code)]

mod entry;
mod home;
mod options;
mod span_of_time;
mod test_fn;

use proc_macro::TokenStream;

/// Runs an `async fn main` by `trine::run`.
///
/// The function may return what any `main` may. The only option is `crate = path`, which says where
/// trine is found; it is needed if a macro of yours expands to this attribute, not if your manifest
/// renames the crate, which is noticed.
///
/// # Examples
///
/// ```
/// # use trine_macros as trine;
/// #[trine::main]
/// async fn main() {
///     trine_core::checkpoint().await;
/// }
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::expand(options.into(), item.into()).into()
}

/// Makes a test of an `async fn`: it is run by `trine::testing::TestRunner`, which fails it with
/// the task tree instead of hanging.
///
/// The function may return `()` or a `Result`. Options, in any order:
///
/// | option           | effect                                                                          |
/// |------------------|---------------------------------------------------------------------------------|
/// | `autojump`       | virtual time: the clock jumps to the next deadline whenever nothing is ready     |
/// | `timeout = "5s"` | fails the test when it has taken this long, in real time (`ms`, `s`, `m`)        |
/// | `seeds = 200`    | runs it under so many orders of ready tasks, in virtual time; `TRINE_SEED=n` replays one |
/// | `cancel_sweep`   | runs it over and over, cancelled at its 1st, 2nd, 3rd … checkpoint, in virtual time |
/// | `crate = path`   | where trine is found                                                            |
///
/// With `#[rstest]` write either of the two first; a test that is run many times clones its
/// arguments if `#[trine::test]` comes first.
///
/// # Examples
///
/// ```
/// # use trine_macros as trine;
/// # use std::time::Duration;
/// #[trine::test(autojump, timeout = "5s")]
/// async fn an_hour_passes_in_no_time() {
///     let before = trine_core::now();
///     trine_core::sleep(Duration::from_secs(3600)).await;
///     assert_eq!(trine_core::now() - before, Duration::from_secs(3600));
/// }
/// ```
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    test_fn::expand(options.into(), item.into()).into()
}
