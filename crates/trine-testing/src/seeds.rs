//! Seeds: which schedules a test is run under, and what is told of one under which it fails.
//!
//! A failure is run again, silently:
//!
//! 1. under the same seed, watched: if it does not fail in the same way, the test is not deterministic;
//! 2. under fewer and fewer of its choices, to find those that matter (`shrink.rs`);
//! 3. under these, watched: the trace of the last moments before the failure.

use std::any::Any;
use std::cell::RefCell;
use std::env;
use std::fmt::Write as _;
use std::future::Future;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::outcome::TestOutput;
use crate::runner::TestRunner;
use crate::schedule::{Choices, Log, Recorded, Who};
use crate::shrink::shrink;
use crate::silence::silently;
use crate::trace::Trace;

/// The environment variable that names the one seed to run.
const VARIABLE: &str = "TRINE_SEED";

/// The environment variable that says how many seeds to run instead of what tests ask for.
const COUNT_VARIABLE: &str = "TRINE_SEEDS";

/// So many lines of a trace are shown: those before the failure matter most.
const SHOWN: usize = 60;

/// How a run ended: with what the test returned, or with a panic.
pub(crate) type Ended<T> = Result<T, Box<dyn Any + Send>>;

/// The seeds to run, of so many: all, or what the environment asks for.
#[track_caller]
pub(crate) fn wanted(count: u64) -> Range<u64> {
    let from_environment = |name| env::var(name).ok().map(|text| number(name, &text));
    match (from_environment(VARIABLE), from_environment(COUNT_VARIABLE)) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(count)) => 0..count.max(1),
        (None, None) => 0..count,
    }
}

#[track_caller]
fn number(name: &str, text: &str) -> u64 {
    match text.trim().parse::<u64>() {
        Ok(number) if number < u64::MAX => number,
        _ => panic!("{name} is `{text}`, but must be a whole number, as in {name}=17"),
    }
}

/// Whether a run has failed, and the first line of what it said.
pub(crate) fn failure_of<T: TestOutput>(ended: &Ended<T>) -> Option<String> {
    let text = all_of_failure(ended)?;
    Some(text.lines().next().unwrap_or_default().to_owned())
}

/// Whether a run has failed, and all that it said.
pub(crate) fn all_of_failure<T: TestOutput>(ended: &Ended<T>) -> Option<String> {
    match ended {
        Ok(output) => output.failure(),
        Err(payload) => Some(text_of(payload.as_ref())),
    }
}

/// The message of a panic.
pub(crate) fn text_of(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => (*text).to_owned(),
        (None, None) => String::from("a panic without text"),
    }
}

/// What is told of a test that has failed under a seed.
pub(crate) fn explain<T: TestOutput, F: Future<Output = T>>(
    runner: &TestRunner,
    seed: u64,
    failure: &str,
    make: &mut impl FnMut() -> F,
) -> String {
    let name = runner.name_of_test();
    let mut text =
        format!("{name} failed under seed {seed}: {failure}\nTo replay it: {VARIABLE}={seed}\n");
    if runner.is_swept() {
        return text;
    }
    let mut again = |schedule: Recorded, trace: Option<Trace>| -> (bool, Rc<RefCell<Log>>) {
        let log = schedule.log.clone();
        let run = || runner.watched(schedule, trace, make());
        let ended = silently(|| catch_unwind(AssertUnwindSafe(run)));
        (failure_of(&ended).as_deref() == Some(failure), log)
    };
    let (failed, log) = again(Recorded::of(seed), None);
    if !failed {
        text.push_str(
            "The same seed did not fail in the same way a second time: the test depends on something \
             that is not of the run, such as the real time, threads, or the order of a hash map.\n",
        );
        return text;
    }
    let choices = log.borrow().choices.clone();
    let few =
        shrink(choices, |choices: &Choices| again(Recorded::replayed(choices.clone()), None).0);
    let trace = Trace::new();
    let (_, log) = again(Recorded::replayed(few.clone()), Some(trace.clone()));
    tell_choices(&mut text, &few, &log.borrow(), &trace);
    tell_trace(&mut text, &trace);
    text
}

fn tell_choices(text: &mut String, few: &Choices, log: &Log, trace: &Trace) {
    if few.is_empty() {
        text.push_str("It fails in the usual order of tasks, too.\n");
        return;
    }
    text.push_str("It fails when tasks run in another order than they were woken in:\n");
    let name = |who: &Who| match &who.place {
        Some(place) => format!("{} ({place})", trace.name_of(who.id)),
        None => trace.name_of(who.id),
    };
    for overtake in few.keys().filter_map(|number| log.overtakes.get(number)).flatten() {
        let overtaken: Vec<String> = overtake.overtaken.iter().map(name).collect();
        let _ = writeln!(text, "  {} before {}", name(&overtake.task), overtaken.join(" and "));
    }
}

fn tell_trace(text: &mut String, trace: &Trace) {
    let lines = trace.lines();
    let hidden = lines.len().saturating_sub(SHOWN);
    text.push_str("What happens then:\n");
    if hidden > 0 {
        let _ = writeln!(text, "  … {hidden} lines before");
    }
    for line in &lines[hidden..] {
        let _ = writeln!(text, "  {line}");
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::number;

    /// Variables hold whole numbers.
    #[test]
    fn variables_are_numbers() {
        assert_eq!(number("TRINE_SEED", " 17 "), 17);
        for text in ["", "x", "-1", "1.5", "18446744073709551615"] {
            assert!(catch_unwind(|| number("TRINE_SEED", text)).is_err(), "{text}");
        }
    }
}
