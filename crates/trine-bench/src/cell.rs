//! `Cell`: one workload of one peer, a cell of the table.

use crate::args::Args;
use crate::bench::Bench;
use crate::peers::{PEERS, Peer, Program};
use crate::workload::{Scale, WORKLOADS, Workload};

/// One workload of one peer.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    /// What is done.
    pub(crate) workload: &'static Workload,
    /// Who does it.
    pub(crate) peer: &'static Peer,
    program: Program,
}

impl Cell {
    /// Runs the program once and gives its reading per operation.
    pub(crate) fn run(&self, scale: Scale, idle: u64) -> Result<f64, String> {
        let bench = Bench::new(self.workload, scale, idle);
        let checksum = (self.program)(&bench);
        let name = format!("{} {}", self.workload.name, self.peer.name);
        let expected = self.workload.checksum(scale);
        if checksum != expected {
            return Err(format!("{name} is wrong: its checksum is {checksum}, not {expected}"));
        }
        bench.reading().ok_or(format!("{name} did not mark the part to measure"))
    }
}

/// The cells that the command line names, workload by workload.
pub(crate) fn select(args: &Args) -> Result<Vec<Cell>, String> {
    let workloads = named(WORKLOADS, |w| w.name, &args.workloads, "workload")?;
    let mut peers = named(PEERS, |p| p.name, &args.peers, "peer")?;
    peers.retain(|peer| match (peer.refused)() {
        None => true,
        Some(why) => {
            eprintln!("{} is not available here: {why}", peer.name);
            false
        }
    });
    let cells: Vec<_> = workloads
        .into_iter()
        .flat_map(|workload| {
            let cell = move |peer: &'static Peer| {
                Some(Cell { workload, peer, program: (peer.program)(workload)? })
            };
            peers.iter().copied().filter_map(cell).collect::<Vec<_>>()
        })
        .collect();
    if cells.is_empty() {
        Err("no peer named has a program for a workload named, see --list".to_owned())
    } else {
        Ok(cells)
    }
}

/// The only cell that the command line names.
pub(crate) fn select_one(args: &Args) -> Result<Cell, String> {
    match select(args)?.as_slice() {
        [cell] => Ok(*cell),
        cells => {
            Err(format!("--alone needs one workload and one peer, not {} of them", cells.len()))
        }
    }
}

/// The items whose name is given, or contains what is given where no name is exactly that.
fn named<T>(
    items: &'static [T],
    name: fn(&T) -> &'static str,
    parts: &[String],
    what: &str,
) -> Result<Vec<&'static T>, String> {
    for part in parts {
        if !items.iter().any(|item| name(item).contains(part.as_str())) {
            return Err(format!("there is no {what} called {part}, see --list"));
        }
    }
    let matches = |item: &&T| {
        parts.is_empty()
            || parts.iter().any(|part| {
                let exact = items.iter().any(|other| name(other) == part);
                if exact { name(item) == part } else { name(item).contains(part.as_str()) }
            })
    };
    Ok(items.iter().filter(matches).collect())
}
