//! `Report`: what was found, for people and for programs.

use std::fmt;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use super::collect::{Findings, Group};
use super::problem::Problem;

/// What was found, and whether that is all.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) findings: Findings,
    pub(crate) ending: Ending,
}

/// How the search came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Complete,
    TimedOut(Duration),
    Interrupted,
}

/// The report as JSON. Names which are not Unicode are shown with a replacement character.
#[derive(Serialize)]
struct Json<'a> {
    partial: bool,
    /// Why it is partial.
    stopped_by: Option<&'static str>,
    files: usize,
    wasted_bytes: u64,
    groups: Vec<JsonGroup<'a>>,
    problems: Vec<JsonProblem<'a>>,
}

#[derive(Serialize)]
struct JsonGroup<'a> {
    size: u64,
    wasted_bytes: u64,
    paths: Vec<std::borrow::Cow<'a, str>>,
}

#[derive(Serialize)]
struct JsonProblem<'a> {
    path: std::borrow::Cow<'a, str>,
    why: &'a str,
}

impl Report {
    pub(crate) fn new(findings: Findings, ending: Ending) -> Self {
        Self { findings, ending }
    }

    /// The exit status, as the documentation of the program says.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.ending {
            Ending::Complete if self.findings.problems.is_empty() => 0,
            Ending::Complete => 1,
            Ending::TimedOut(_) | Ending::Interrupted => 3,
        }
    }

    /// The report for programs.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        let json = Json {
            partial: self.ending != Ending::Complete,
            stopped_by: match self.ending {
                Ending::Complete => None,
                Ending::TimedOut(_) => Some("timeout"),
                Ending::Interrupted => Some("interrupt"),
            },
            files: self.findings.files,
            wasted_bytes: self.wasted(),
            groups: self.findings.groups.iter().map(JsonGroup::from).collect(),
            problems: self.findings.problems.iter().map(JsonProblem::from).collect(),
        };
        Ok(serde_json::to_string_pretty(&json)? + "\n")
    }

    fn wasted(&self) -> u64 {
        self.findings.groups.iter().map(Group::wasted).sum()
    }
}

impl<'a> From<&'a Group> for JsonGroup<'a> {
    fn from(group: &'a Group) -> Self {
        let paths = group.paths.iter().map(|path| path.to_string_lossy()).collect();
        Self { size: group.size, wasted_bytes: group.wasted(), paths }
    }
}

impl<'a> From<&'a Problem> for JsonProblem<'a> {
    fn from(problem: &'a Problem) -> Self {
        Self { path: problem.path.to_string_lossy(), why: &problem.why }
    }
}

/// The report for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Findings { groups, problems, files } = &self.findings;
        for group in groups {
            let (wasted, size) = (HumanBytes(group.wasted()), HumanBytes(group.size));
            writeln!(f, "{wasted} wasted: {} files of {size}", group.paths.len())?;
            for path in &group.paths {
                writeln!(f, "  {}", path.display())?;
            }
            writeln!(f)?;
        }
        if !problems.is_empty() {
            writeln!(f, "not looked at:")?;
            for problem in problems {
                writeln!(f, "  {problem}")?;
            }
            writeln!(f)?;
        }
        let wasted = HumanBytes(self.wasted());
        let (groups, files) = (counted(groups.len(), "group"), counted(*files, "file"));
        writeln!(f, "{files} seen, {groups} of equal ones, {wasted} wasted")?;
        match self.ending {
            Ending::Complete => Ok(()),
            Ending::TimedOut(timeout) => {
                let timeout = timeout.as_secs_f64();
                writeln!(f, "PARTIAL: stopped after {timeout} s; there may be more")
            }
            Ending::Interrupted => writeln!(f, "PARTIAL: interrupted; there may be more"),
        }
    }
}

fn counted(count: usize, of: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {of}{plural}", HumanCount(count as u64))
}
