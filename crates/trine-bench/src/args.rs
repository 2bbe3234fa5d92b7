//! The command line of the benchmarks.

use std::str::FromStr;

use crate::workload::Scale;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Benchmarks of trine beside its peers.

usage: trine-bench [WORKLOAD] [PEER] [options]

WORKLOAD and PEER are names from --list, or parts of names; several are joined by commas. Without them: all.

  --rounds N     interleaved rounds to take the medians of (default 7)
  --scale S      full, counted (what --callgrind runs) or small (to see that everything works)
  --idle N       with N parked tasks beside the measured ones
  --beside N     everything twice, with 1 and with N parked tasks beside, and the ratio of the two
  --callgrind    count user-space instructions per operation instead of time (needs valgrind)
  --top N        with --callgrind: print the N functions with the most instructions per operation
  --json         print every reading as JSON
  --list         print the workloads and which peer takes part in which
  --alone        run one workload of one peer once, print the bare reading (what --callgrind runs)
";

/// How many rounds a run has unless told: odd, so that the median is a reading, and enough to
/// outvote two bad ones.
const DEFAULT_ROUNDS: usize = 7;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Print the help text.
    Help,
    /// Print the workloads and peers.
    List,
    /// Run one cell once and print the bare reading.
    Alone,
    /// Measure in interleaved rounds.
    Rounds,
    /// Count instructions.
    Callgrind,
}

/// A parsed command line.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    /// What to do.
    pub(crate) mode: Mode,
    /// Parts of workload names; empty for all.
    pub(crate) workloads: Vec<String>,
    /// Parts of peer names; empty for all.
    pub(crate) peers: Vec<String>,
    /// How many rounds.
    pub(crate) rounds: usize,
    /// How many functions of each profile to print.
    pub(crate) top: usize,
    /// How large.
    pub(crate) scale: Scale,
    /// How many idle tasks beside.
    pub(crate) idle: u64,
    /// With how many idle tasks beside to measure again, if so.
    pub(crate) beside: Option<u64>,
    /// Whether to print JSON.
    pub(crate) json: bool,
}

/// Parses the arguments after the program's name.
pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut parsed = Args {
        mode: Mode::Rounds,
        workloads: Vec::new(),
        peers: Vec::new(),
        rounds: DEFAULT_ROUNDS,
        top: 0,
        scale: Scale::Full,
        idle: 0,
        beside: None,
        json: false,
    };
    let mut scale = None;
    let mut positional = 0;
    let mut args = args;
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--help" | "-h" => parsed.mode = Mode::Help,
            "--list" => parsed.mode = Mode::List,
            "--alone" => parsed.mode = Mode::Alone,
            "--callgrind" => parsed.mode = Mode::Callgrind,
            "--json" => parsed.json = true,
            "--rounds" => parsed.rounds = number::<usize>(&value()?)?.max(1),
            "--top" => parsed.top = number(&value()?)?,
            "--idle" => parsed.idle = number(&value()?)?,
            "--beside" => parsed.beside = Some(number(&value()?)?),
            "--scale" => scale = Some(Scale::from_name(&value()?)?),
            option if option.starts_with('-') => {
                return Err(format!("unknown option {option}, see --help"));
            }
            names => {
                let into = match positional {
                    0 => &mut parsed.workloads,
                    1 => &mut parsed.peers,
                    _ => {
                        return Err(format!(
                            "what is {names}? At most a workload and a peer are expected"
                        ));
                    }
                };
                into.extend(names.split(',').map(str::to_owned));
                positional += 1;
            }
        }
    }
    let counting = parsed.mode == Mode::Callgrind;
    parsed.scale = scale.unwrap_or(if counting { Scale::Counted } else { Scale::Full });
    Ok(parsed)
}

/// A count, with or without separators.
fn number<N: FromStr>(text: &str) -> Result<N, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | '_')).collect();
    digits.parse().map_err(|_| format!("{text} is not a count"))
}
