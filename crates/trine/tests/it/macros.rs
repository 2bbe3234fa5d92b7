//! The attributes, as those use them who depend on the umbrella only.

use std::num::ParseIntError;
use std::time::Duration;

use trine::testing::{TaskTree, Trace};

const HOUR: Duration = Duration::from_secs(3600);

/// `#[trine::main]`, with a result.
#[test]
fn main_runs() {
    #[trine::main]
    async fn main() -> Result<u32, ParseIntError> {
        trine::checkpoint().await;
        "7".parse()
    }

    assert_eq!(main(), Ok(7));
}

/// `#[trine::test]`, with all its options, and a result.
#[trine::test(autojump, timeout = "5s", seeds = 5, cancel_sweep)]
async fn test_runs() -> Result<(), trine::TooSlow> {
    trine::fail_after(2 * HOUR, trine::sleep(HOUR)).await
}

/// What the attributes stand for is reached through the umbrella, too.
#[trine::test(crate = ::trine)]
async fn the_kit_is_in_the_umbrella() {
    assert!(TaskTree::now().to_string().starts_with("main"));
    assert!(Trace::new().lines().is_empty());
}
