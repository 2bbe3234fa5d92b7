//! The report: medians and ratios as a table, or every reading as JSON.

use std::fmt::Write as _;

use crate::cell::Cell;
use crate::peers::{PEERS, Role};
use crate::workload::{WORKLOADS, Workload};

/// The readings of one cell.
#[derive(Debug)]
pub(crate) struct Row {
    workload: &'static Workload,
    peer: &'static str,
    role: Role,
    unit: &'static str,
    readings: Vec<f64>,
}

impl Row {
    /// What was read at `cell`, in `unit` per operation.
    pub(crate) fn new(cell: &Cell, unit: &'static str, mut readings: Vec<f64>) -> Self {
        readings.sort_by(f64::total_cmp);
        Self { workload: cell.workload, peer: cell.peer.name, role: cell.peer.role, unit, readings }
    }

    fn median(&self) -> f64 {
        self.readings[self.readings.len() / 2]
    }
}

/// What `--list` prints.
pub(crate) fn list() -> String {
    let mut text = String::new();
    for workload in WORKLOADS {
        let peers: Vec<_> = PEERS
            .iter()
            .filter(|peer| (peer.program)(workload).is_some())
            .map(|peer| match (peer.refused)() {
                None => peer.name.to_owned(),
                Some(_) => format!("{} (not available here)", peer.name),
            })
            .collect();
        writeln!(
            text,
            "{:17} {} (per {}): {}",
            workload.name,
            workload.what,
            workload.per,
            peers.join(", ")
        )
        .expect("a string grows");
    }
    text
}

/// The report of a run.
pub(crate) fn format(rows: &[Row], as_json: bool) -> String {
    if as_json { json(rows) } else { table(rows) }
}

/// A table, readable as it is and as Markdown: a line a workload, a column a peer. Behind each
/// median stands how many times that of trine it is; the last column has the best peer, and trine
/// as a share of it (below 1: trine is ahead).
fn table(rows: &[Row]) -> String {
    let peers: Vec<_> =
        PEERS.iter().filter(|peer| rows.iter().any(|row| row.peer == peer.name)).collect();
    let mut lines = vec![vec!["workload".to_owned(), "per operation".to_owned()]];
    lines[0].extend(peers.iter().map(|peer| peer.name.to_owned()));
    lines[0].push("trine / best peer".to_owned());
    for group in rows.chunk_by(|a, b| std::ptr::eq(a.workload, b.workload)) {
        let trine = group.iter().find(|row| row.role == Role::Trine).map(Row::median);
        let best = group
            .iter()
            .filter(|row| row.role == Role::Peer)
            .min_by(|a, b| a.median().total_cmp(&b.median()));
        let mut line = vec![
            group[0].workload.name.to_owned(),
            format!("{} / {}", group[0].unit, group[0].workload.per),
        ];
        line.extend(peers.iter().map(
            |peer| match group.iter().find(|row| row.peer == peer.name) {
                None => "–".to_owned(),
                Some(row) if row.role == Role::Trine => number(row.median()),
                Some(row) => match trine {
                    Some(trine) => {
                        format!("{} ({})", number(row.median()), ratio(row.median(), trine))
                    }
                    None => number(row.median()),
                },
            },
        ));
        line.push(match (trine, best) {
            (Some(trine), Some(best)) => {
                format!("{} of {}", ratio(trine, best.median()), best.peer)
            }
            (None, Some(best)) => best.peer.to_owned(),
            _ => "–".to_owned(),
        });
        lines.push(line);
    }
    let mut text = aligned(&lines);
    for derived in per_level(rows) {
        writeln!(text, "{derived}").expect("a string grows");
    }
    text
}

/// A table of what idle tasks cost: each reading beside many of them, and in brackets how many times
/// the reading beside one it is.
pub(crate) fn beside(few: &[Row], many: &[Row]) -> String {
    let peers: Vec<_> =
        PEERS.iter().filter(|peer| many.iter().any(|row| row.peer == peer.name)).collect();
    let mut lines = vec![vec!["workload".to_owned(), "per operation".to_owned()]];
    lines[0].extend(peers.iter().map(|peer| peer.name.to_owned()));
    let at = |rows: &'_ [Row], workload: &str, peer: &str| {
        let found = rows.iter().find(|row| row.workload.name == workload && row.peer == peer);
        found.map(Row::median)
    };
    for group in many.chunk_by(|a, b| std::ptr::eq(a.workload, b.workload)) {
        let (name, per) = (group[0].workload.name, group[0].workload.per);
        let mut line = vec![name.to_owned(), format!("{} / {per}", group[0].unit)];
        line.extend(peers.iter().map(|peer| {
            match (at(few, name, peer.name), at(many, name, peer.name)) {
                (Some(few), Some(many)) => format!("{} ({})", number(many), ratio(many, few)),
                _ => "–".to_owned(),
            }
        }));
        lines.push(line);
    }
    aligned(&lines)
}

/// Lines of cells as a Markdown table with straight columns.
fn aligned(lines: &[Vec<String>]) -> String {
    let widths: Vec<_> = (0..lines[0].len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            write!(text, "| {cell:width$} ").expect("a string grows");
        }
        text.push_str("|\n");
        if at == 0 {
            for width in &widths {
                write!(text, "|{:-<1$}", "", width + 2).expect("a string grows");
            }
            text.push_str("|\n");
        }
    }
    text
}

/// What a level of nesting costs each peer: the slope between the shallowest and the deepest that
/// were measured, alone and with something else to do.
fn per_level(rows: &[Row]) -> Vec<String> {
    ["nested", "nested-busy"].into_iter().filter_map(|kind| per_level_of(kind, rows)).collect()
}

fn per_level_of(kind: &str, rows: &[Row]) -> Option<String> {
    const LEVELS: f64 = 63.0;
    let (shallow, deep) = (format!("{kind}-1"), format!("{kind}-64"));
    let at = |workload: &str, peer: &str| {
        rows.iter().find(|row| row.workload.name == workload && row.peer == peer)
    };
    let slope = |peer: &str| {
        let (shallow, deep) = (at(&shallow, peer)?, at(&deep, peer)?);
        Some(format!(
            "{peer} {} {}",
            number((deep.median() - shallow.median()) / LEVELS),
            deep.unit
        ))
    };
    let slopes: Vec<_> = PEERS.iter().filter_map(|peer| slope(peer.name)).collect();
    (!slopes.is_empty())
        .then(|| format!("\nper level of nesting, {shallow} to {deep}: {}", slopes.join(", ")))
}

/// Every reading, sorted, and the median.
fn json(rows: &[Row]) -> String {
    let object = |row: &Row| {
        let readings: Vec<_> = row.readings.iter().map(|reading| format!("{reading:.2}")).collect();
        format!(
            "  {{\"workload\": \"{}\", \"peer\": \"{}\", \"unit\": \"{}\", \"per\": \"{}\", \"median\": {:.2}, \"readings\": [{}]}}",
            row.workload.name,
            row.peer,
            row.unit,
            row.workload.per,
            row.median(),
            readings.join(", ")
        )
    };
    format!("[\n{}\n]\n", rows.iter().map(object).collect::<Vec<_>>().join(",\n"))
}

/// Three digits or so: more is noise.
fn number(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn ratio(of: f64, to: f64) -> String {
    format!("{:.2}x", of / to)
}
