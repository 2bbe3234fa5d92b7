//! `cargo xtask tidy`: the rules of the house that no compiler knows, each a check of its own.
//!
//! A check is a module with a `CHECK`; it looks at the `Tree` and returns its `Finding`s. Its tests
//! show it a good and a bad sample, so that a check which finds nothing is known to be able to.

mod backticks;
mod dependencies;
mod doc_hidden;
mod file_sizes;
mod finding;
mod forgotten;
mod function_sizes;
mod headings;
mod ignored_tests;
mod lint_levels;
mod machine_traces;
mod manifests;
mod names;
mod paths;
mod purpose;
mod readable;
mod real_time;
mod rules;
mod test_binaries;
mod toolchains;
mod unsafe_code;

use std::path::Path;

use crate::failure::Failure;
use crate::tree::Tree;

use self::finding::{Check, Finding, Severity};

const CHECKS: [Check; 19] = [
    readable::CHECK,
    purpose::CHECK,
    file_sizes::CHECK,
    function_sizes::CHECK,
    unsafe_code::CHECK,
    doc_hidden::CHECK,
    lint_levels::CHECK,
    manifests::CHECK,
    dependencies::CHECK,
    toolchains::CHECK,
    headings::CHECK,
    names::CHECK,
    paths::CHECK,
    forgotten::CHECK,
    machine_traces::CHECK,
    test_binaries::CHECK,
    ignored_tests::CHECK,
    real_time::CHECK,
    rules::CHECK,
];

/// How much of what was found is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    Everything,
    /// Of warnings only how many there are.
    Errors,
}

/// Runs every check on the workspace at `root`; `strict` makes an error of what is a warning for
/// now.
pub(crate) fn run(root: &Path, strict: bool, show: Show) -> Result<(), Failure> {
    let tree = Tree::load(root)?;
    let (mut errors, mut warnings) = (0, 0);
    for check in &CHECKS {
        let mut findings = (check.find)(&tree);
        findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        let (fatal, mild): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.is_error(strict));
        println!("tidy {} ... {}", check.name, verdict(fatal.len(), mild.len()));
        errors += fatal.len();
        warnings += mild.len();
        let mild = if show == Show::Everything { mild } else { vec![] };
        print_all("error", &fatal);
        print_all("warning", &mild);
        if !fatal.is_empty() || !mild.is_empty() {
            println!("  the rule: {}", check.rule);
        }
    }
    println!("tidy: {} checks, {errors} error(s), {warnings} warning(s)", CHECKS.len());
    if warnings > 0 && show == Show::Errors {
        println!("`cargo xtask tidy` prints the warnings");
    }
    if errors == 0 { Ok(()) } else { Err(Failure::Untidy { errors }) }
}

fn verdict(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, 0) => "ok".into(),
        (0, _) => format!("ok, {warnings} warning(s)"),
        _ => format!("FAILED: {errors} error(s), {warnings} warning(s)"),
    }
}

fn print_all(label: &str, findings: &[Finding]) {
    for Finding { path, line, message, .. } in findings {
        println!("  {label}: {path}:{line}: {message}");
    }
}

impl Finding {
    fn is_error(&self, strict: bool) -> bool {
        self.severity == Severity::Error || (strict && self.severity == Severity::Strict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own_and_says_what_it_demands() {
        for (index, check) in CHECKS.iter().enumerate() {
            assert!(CHECKS[..index].iter().all(|other| other.name != check.name), "{}", check.name);
            assert!(check.rule.len() > 20, "{}", check.name);
        }
    }

    #[test]
    fn strict_makes_errors_of_what_is_a_warning_for_now() {
        let finding = |severity| Finding { severity, ..Finding::error("a.rs", 1, "") };
        let are_errors = |strict| {
            [Severity::Error, Severity::Strict, Severity::Warning]
                .map(|severity| finding(severity).is_error(strict))
        };
        assert_eq!(are_errors(false), [true, false, false]);
        assert_eq!(are_errors(true), [true, true, false]);
    }
}
