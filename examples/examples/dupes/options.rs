//! `Options`: what the command line asks for.

use std::ffi::OsString;
use std::num::{NonZero, ParseIntError};
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

pub(crate) const HELP: &str = "\
Finds files with equal contents.

usage: dupes [options] PATH...

  --jobs N       read and hash in N threads (default: one for each core)
  --timeout 5s   stop then, and report what was found so far (ms, s, m, h)
  --json         report as JSON
  --help         show this
";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Search(Options),
    Help,
}

/// How to search.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) paths: Vec<PathBuf>,
    /// How many threads read and hash at a time.
    pub(crate) jobs: NonZero<usize>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) json: bool,
}

/// What is wrong with a duration.
#[derive(Debug, thiserror::Error)]
#[error("a duration is a number and one of ms, s, m, h, such as 500ms or 5s")]
struct BadDuration(#[source] Option<ParseIntError>);

/// Reads the arguments; the first is the name of the program.
pub(crate) fn parse<A: Into<OsString>>(
    arguments: impl IntoIterator<Item = A>,
) -> Result<Command, lexopt::Error> {
    let jobs = available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let mut options = Options { paths: vec![], jobs, timeout: None, json: false };
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let mut parser = Parser::from_iter(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(path) => options.paths.push(path.into()),
            Arg::Long("jobs") | Arg::Short('j') => options.jobs = parser.value()?.parse()?,
            Arg::Long("timeout") => {
                options.timeout = Some(parser.value()?.parse_with(duration)?);
            }
            Arg::Long("json") => options.json = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            _ => return Err(argument.unexpected()),
        }
    }
    if options.paths.is_empty() {
        return Err("which folders are to be searched? see dupes --help".into());
    }
    Ok(Command::Search(options))
}

/// A whole number and a unit.
fn duration(text: &str) -> Result<Duration, BadDuration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u32 = number.parse().map_err(|error| BadDuration(Some(error)))?;
    let unit = match unit {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_mins(1),
        "h" => Duration::from_hours(1),
        _ => return Err(BadDuration(None)),
    };
    Ok(unit * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_with_everything() {
        let words = ["dupes", "a", "--jobs=3", "--timeout", "1500ms", "--json", "b"];
        let expected = Options {
            paths: vec!["a".into(), "b".into()],
            jobs: NonZero::new(3).unwrap(),
            timeout: Some(Duration::from_millis(1500)),
            json: true,
        };
        assert_eq!(parse(words).unwrap(), Command::Search(expected));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_reason() {
        for (words, expected) in [
            (&["dupes"][..], "which folders are to be searched? see dupes --help"),
            (
                &["dupes", "--timeout", "soon", "a"],
                "cannot parse argument \"soon\": a duration is a number and one of ms, s, m, h, such as 500ms or 5s",
            ),
            (
                &["dupes", "--jobs", "0", "a"],
                "cannot parse argument \"0\": number would be zero for non-zero type",
            ),
            (&["dupes", "--sort"], "invalid option '--sort'"),
        ] {
            assert_eq!(parse(words.iter().copied()).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in
            [("0s", Some(0)), ("250ms", Some(250)), ("2m", Some(120_000)), ("1h", Some(3_600_000))]
        {
            assert_eq!(duration(text).ok(), expected.map(Duration::from_millis), "{text}");
        }
        for text in ["", "5", "s", "-1s", "5 s", "99999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
