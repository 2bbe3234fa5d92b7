//! `#[main]`.

use crate::trine;

/// What it is put on becomes a function that runs the future to its end.
#[test]
fn runs_the_future() {
    #[trine::main]
    async fn main() -> u32 {
        trine_core::checkpoint().await;
        7
    }

    assert_eq!(main(), 7);
}

/// It may return a `Result`, and use `?`.
#[test]
fn may_fail() {
    #[trine::main]
    async fn main() -> Result<(), std::num::ParseIntError> {
        trine_core::checkpoint().await;
        "no number".parse::<u32>()?;
        Ok(())
    }

    assert!(main().is_err());
}

/// Attributes and visibility stay on the function.
mod elsewhere {
    use crate::trine;

    #[trine::main]
    #[must_use]
    pub(super) async fn main() -> bool {
        true
    }
}

#[test]
fn keeps_the_visibility() {
    assert!(elsewhere::main());
}

/// A path may be named at which trine is found, as a macro of the user would do.
#[test]
fn takes_a_path() {
    mod kit {
        pub(crate) mod lib {
            pub(crate) use trine_core::run;
        }
    }

    #[trine::main(crate = kit::lib)]
    async fn main() -> u32 {
        1
    }

    #[trine::main(crate = "kit::lib")]
    async fn other() -> u32 {
        2
    }

    assert_eq!(main() + other(), 3);
}
