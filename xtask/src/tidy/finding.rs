//! `Finding`: one place that breaks a rule; `Check`: what looks for such places.

use crate::tree::Tree;

/// Looks for places that break one rule.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// What it demands, in a sentence.
    pub(crate) rule: &'static str,
    pub(crate) find: fn(&Tree) -> Vec<Finding>,
}

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    /// What is wrong, and what to do about it.
    pub(crate) message: String,
    pub(crate) severity: Severity,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Fails the run.
    Error,
    /// Fails the run with `--strict`; a warning otherwise.
    Strict,
    /// Is printed only.
    Warning,
}

impl Finding {
    pub(crate) fn error(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into(), severity: Severity::Error }
    }

    pub(crate) fn strict(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { severity: Severity::Strict, ..Self::error(path, line, message) }
    }
}

#[cfg(test)]
impl Check {
    /// Where this check finds something in files made up for a test, as `path:line`.
    pub(crate) fn places(&self, files: &[(&str, &str)]) -> Vec<String> {
        let findings = (self.find)(&Tree::fixture(files));
        findings.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }
}
