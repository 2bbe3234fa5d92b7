//! The command line: what can be asked for, and how it is written.

use std::ffi::OsString;

use lexopt::{Arg, Parser, ValueExt};

/// What `cargo xtask --help` prints.
pub(crate) const HELP: &str = "\
The chores of the workspace.

Usage: cargo xtask <COMMAND>

Commands:
  ci                 everything that must hold before a change lands: tidy, fmt, clippy, docs,
                     each crate by itself with its tests and doctests, heavy tests, examples,
                     counts
  tidy [--strict]    the rules of the house that no compiler knows; --strict turns warnings
                     into errors
  examples [--bless] [NAME...]
                     builds the examples, runs the short ones (or those named) and compares what
                     they print with examples/expected; --bless writes down what they print now
  counts [--bless]   counts the instructions of trine's paths under valgrind and compares them with
                     crates/trine-bench/counts.txt; --bless writes down what is counted now
  sanitize           the tests under AddressSanitizer with leak detection (needs nightly)
  loom               the loom models, which try every interleaving of a few threads
  bench [ARGS...]    the benchmarks, in release; everything after `bench` is passed on. With nothing
                     after it: all of them, and the tables go into crates/trine-bench/README.md

Options:
  -h, --help         this text
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chore {
    Help,
    Ci,
    Tidy { strict: bool },
    Examples { bless: bool, names: Vec<String> },
    Counts { bless: bool },
    Sanitize,
    Loom,
    Bench { args: Vec<OsString> },
}

/// Reads the command line.
pub(crate) fn parse(mut args: Parser) -> Result<Chore, lexopt::Error> {
    let chore = match args.next()? {
        None | Some(Arg::Short('h') | Arg::Long("help")) => return Ok(Chore::Help),
        Some(Arg::Value(name)) => match name.to_str() {
            Some("help") => Chore::Help,
            Some("ci") => Chore::Ci,
            Some("tidy") => Chore::Tidy { strict: false },
            Some("examples") => Chore::Examples { bless: false, names: vec![] },
            Some("counts") => Chore::Counts { bless: false },
            Some("sanitize") => Chore::Sanitize,
            Some("loom") => Chore::Loom,
            Some("bench") => return Ok(Chore::Bench { args: args.raw_args()?.collect() }),
            _ => return Err(format!("there is no command {name:?}").into()),
        },
        Some(other) => return Err(other.unexpected()),
    };
    options(chore, args)
}

fn options(mut chore: Chore, mut args: Parser) -> Result<Chore, lexopt::Error> {
    while let Some(arg) = args.next()? {
        match (&mut chore, arg) {
            (_, Arg::Short('h') | Arg::Long("help")) => return Ok(Chore::Help),
            (Chore::Tidy { strict }, Arg::Long("strict")) => *strict = true,
            (Chore::Examples { bless, .. } | Chore::Counts { bless }, Arg::Long("bless")) => {
                *bless = true;
            }
            (Chore::Examples { names, .. }, Arg::Value(name)) => names.push(name.string()?),
            (_, other) => return Err(other.unexpected()),
        }
    }
    Ok(chore)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Chore, String> {
        parse(Parser::from_args(line.split_whitespace())).map_err(|misuse| misuse.to_string())
    }

    #[test]
    fn each_command_has_its_options() {
        assert_eq!(parsed("ci"), Ok(Chore::Ci));
        assert_eq!(parsed("tidy"), Ok(Chore::Tidy { strict: false }));
        assert_eq!(parsed("tidy --strict"), Ok(Chore::Tidy { strict: true }));
        assert_eq!(parsed("counts --bless"), Ok(Chore::Counts { bless: true }));
    }

    #[test]
    fn examples_can_be_named() {
        let chore = |bless, names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Ok(Chore::Examples { bless, names })
        };
        assert_eq!(parsed("examples"), chore(false, &[]));
        assert_eq!(parsed("examples --bless"), chore(true, &[]));
        assert_eq!(parsed("examples --bless tour race"), chore(true, &["tour", "race"]));
    }

    #[test]
    fn help_can_be_asked_for_anywhere() {
        for line in ["", "-h", "--help", "help", "ci --help"] {
            assert_eq!(parsed(line), Ok(Chore::Help), "{line:?}");
        }
    }

    #[test]
    fn the_benchmarks_get_all_that_follows() {
        let args = ["--filter", "spawn", "--help"].map(OsString::from).to_vec();
        assert_eq!(parsed("bench --filter spawn --help"), Ok(Chore::Bench { args }));
    }

    #[test]
    fn what_is_not_known_is_named() {
        assert_eq!(parsed("tdiy"), Err("there is no command \"tdiy\"".into()));
        assert_eq!(parsed("ci --strict"), Err("invalid option '--strict'".into()));
        assert_eq!(parsed("--fast"), Err("invalid option '--fast'".into()));
    }

    #[test]
    fn the_help_names_every_command() {
        for name in ["ci", "tidy", "examples", "counts", "sanitize", "loom", "bench"] {
            let listed = HELP.lines().any(|l| l.trim_start().starts_with(name));
            assert!(listed, "{name} is missing");
        }
    }
}
