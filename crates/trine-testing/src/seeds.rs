//! Seeds: which schedules a test is run under, and how a failure is replayed.

use std::env;
use std::ops::RangeInclusive;

/// The environment variable that names the one seed to run.
const VARIABLE: &str = "TRINE_SEED";

/// The seeds of a test.
#[derive(Debug, Clone)]
pub(crate) struct Seeds(RangeInclusive<u64>);

impl Seeds {
    /// So many, beginning with 1.
    pub(crate) fn upto(count: u64) -> Self {
        Self(1..=count)
    }
}

impl Iterator for Seeds {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0.next()
    }
}

/// The one seed that the environment asks for.
#[track_caller]
pub(crate) fn from_environment() -> Option<Seeds> {
    let text = env::var(VARIABLE).ok()?;
    match text.trim().parse() {
        Ok(seed) => Some(Seeds(seed..=seed)),
        Err(_) => panic!("{VARIABLE} is `{text}`, but a seed is a whole number, as in {VARIABLE}=17"),
    }
}

/// Tells how to have a failure again.
pub(crate) fn report(name: &str, seed: u64, count: u64) {
    eprintln!("{name} failed under seed {seed} of {count}; to replay it: {VARIABLE}={seed}");
}
