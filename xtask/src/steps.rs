//! `Steps`: runs one step after the other, says what it runs and how long it took, and stops at the
//! first that fails.

use std::time::{Duration, Instant};

use crate::command::Command;
use crate::failure::Failure;

/// The steps that have been done.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// Runs a command as the step `name`.
    pub(crate) fn command(
        &mut self,
        name: impl Into<String>,
        command: Command,
    ) -> Result<(), Failure> {
        let line = command.line();
        self.step(name, &line, || command.run())
    }

    /// Runs a function as the step `name`; `rerun` is the command that does only this.
    pub(crate) fn step(
        &mut self,
        name: impl Into<String>,
        rerun: &str,
        work: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let name = name.into();
        println!("\n==> {name}: {rerun}");
        let begin = Instant::now();
        let result = work();
        let took = begin.elapsed();
        let outcome = if result.is_ok() { "ok" } else { "FAILED" };
        println!("<== {name}: {outcome}, {}", seconds(took));
        self.done.push((name.clone(), took));
        result.map_err(|cause| {
            let cause = Box::new(cause);
            println!("\n{}", self.summary());
            Failure::Step { step: name, rerun: rerun.into(), cause }
        })
    }

    /// A table of what was done and how long each step took.
    pub(crate) fn summary(&self) -> String {
        let total: Duration = self.done.iter().map(|(_, took)| *took).sum();
        let rows = self.done.iter().map(|(name, took)| (name.as_str(), *took));
        let width =
            self.done.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max("total".len());
        rows.chain([("total", total)])
            .map(|(name, took)| format!("{name:width$}  {:>9}\n", seconds(took)))
            .collect()
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_step_and_how_to_run_it_again() {
        let mut steps = Steps::default();
        steps.step("first", "cargo one", || Ok(())).unwrap();
        let failure =
            steps.step("second", "cargo two", || Err(Failure::Untidy { errors: 2 })).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "second failed: tidy found 2 error(s)\nto run only this again: cargo two"
        );
    }

    #[test]
    fn the_summary_lists_every_step_and_the_total() {
        let done = vec![
            ("tidy".to_owned(), Duration::from_millis(1_250)),
            ("test trine-core".to_owned(), Duration::from_secs(61)),
        ];
        let expected =
            "tidy                 1.2 s\ntest trine-core     61.0 s\ntotal               62.2 s\n";
        assert_eq!(Steps { done }.summary(), expected);
    }
}
