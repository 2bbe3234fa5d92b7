//! `bug!`: how the library says that it, not its user, is at fault.

/// Panics with a message that says that this is a bug in trine.
macro_rules! bug {
    ($($message:tt)*) => {
        panic!("this is a bug in trine, please report it: {}", format_args!($($message)*))
    };
}

pub(crate) use bug;
