//! Who waits for whom: locks, permits, tokens and channels with a number each, and the cycles among
//! them.
//!
//! | a task waits for | so it waits for these tasks |
//! |---|---|
//! | a mutex, a read-write lock | those who hold it |
//! | a permit of a semaphore, a token of a limiter | those who hold one |
//! | room in a channel, an item of it | those who have used its other end so far: who has it now is not known |
//! | a nursery whose body is over | the tasks of the nursery |
//!
//! In a run that is stuck nobody goes on, so each cycle is a reason for it. In one that has timed
//! out others may go on: there a cycle through what several hold is a hint only. The body of a
//! nursery is part of the task that it is in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::thread;

use trine_core::lowlevel::{Awaited, Holder};

use crate::task_tree::TaskTree;
use crate::waits::Known;

/// So many cycles are told of at most.
const SHOWN: usize = 5;

/// What tasks of a run that is stuck wait for, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Awaits {
    /// The numbers by which things are told apart in the report.
    numbers: BTreeMap<(&'static str, usize), usize>,
    edges: BTreeMap<u64, Vec<Edge>>,
}

/// One task waits for another one.
#[derive(Debug, Clone)]
struct Edge {
    to: u64,
    /// What stands between the names of the two.
    how: String,
}

impl Awaits {
    pub(crate) fn of(tree: &TaskTree, waits: &BTreeMap<u64, Vec<Known>>) -> Self {
        let mut awaits = Self::default();
        for task in tree.tasks() {
            let from = tree.owner(task);
            let known = waits.get(&task).into_iter().flatten();
            for awaited in known.filter_map(|known| known.awaited.as_ref()) {
                awaits.number(awaited);
                let thing = awaits.name(awaited);
                for holder in &awaited.by {
                    let Some(to) = live_task(holder).filter(|id| tree.has(*id)) else { continue };
                    let how = format!("waits for {thing}, {}", awaited.relation);
                    awaits.add(from, Edge { to: tree.owner(to), how });
                }
            }
            for to in tree.joined_by(task) {
                awaits.add(from, Edge { to, how: String::from("waits for its task") });
            }
        }
        awaits
    }

    fn add(&mut self, from: u64, edge: Edge) {
        self.edges.entry(from).or_default().push(edge);
    }

    fn number(&mut self, awaited: &Awaited) {
        let before = self.numbers.keys().filter(|(what, _)| *what == awaited.what).count();
        self.numbers.entry((awaited.what, awaited.key)).or_insert(before + 1);
    }

    /// What is wanted: "mutex 2", "room in channel 1".
    pub(crate) fn name(&self, awaited: &Awaited) -> String {
        let number = self.numbers.get(&(awaited.what, awaited.key)).copied().unwrap_or_default();
        let gap = if awaited.wish.is_empty() { "" } else { " " };
        format!("{}{gap}{} {number}", awaited.wish, awaited.what)
    }

    /// What is known of something that is waited for.
    pub(crate) fn facts(tree: &TaskTree, awaited: &Awaited) -> String {
        let mut facts = Vec::new();
        if !awaited.state.is_empty() {
            facts.push(awaited.state.clone());
        }
        let names: BTreeSet<String> = awaited.by.iter().map(|by| name_of(tree, by)).collect();
        let names: Vec<String> = names.into_iter().collect();
        if awaited.not_picked_up {
            facts.push(String::from(
                "granted to a future that was not polled since: it is held without being polled, as in a `select!`",
            ));
        } else if names.is_empty() && !awaited.relation.is_empty() {
            facts.push(format!("{} nobody that is known", awaited.relation));
        }
        if !names.is_empty() {
            facts.push(format!("{} {}", awaited.relation, names.join(" and ")));
        }
        facts.join("; ")
    }

    /// The cycles, with a line for each of their steps.
    pub(crate) fn cycles(&self, tree: &TaskTree) -> Vec<Vec<String>> {
        let mut told = BTreeSet::new();
        let mut cycles = Vec::new();
        for task in tree.tasks() {
            if told.contains(&task) || cycles.len() == SHOWN {
                continue;
            }
            let Some(steps) = self.way_back(task) else { continue };
            let mut lines = Vec::new();
            let mut from = task;
            for edge in steps {
                told.insert(from);
                let to = if edge.to == from { String::from("itself") } else { tree.name(edge.to) };
                lines.push(format!("{} {} {to}", tree.name(from), edge.how));
                from = edge.to;
            }
            cycles.push(lines);
        }
        cycles
    }

    /// The shortest way from a task to itself.
    fn way_back(&self, task: u64) -> Option<Vec<&Edge>> {
        let mut ways: VecDeque<Vec<&Edge>> = VecDeque::from([Vec::new()]);
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop_front() {
            let at = way.last().map_or(task, |edge| edge.to);
            for edge in self.edges.get(&at).into_iter().flatten() {
                let mut longer = way.clone();
                longer.push(edge);
                if edge.to == task {
                    return Some(longer);
                }
                if seen.insert(edge.to) {
                    ways.push_back(longer);
                }
            }
        }
        None
    }
}

/// The number of the task that holds something, if it is one of this thread's.
fn live_task(holder: &Holder) -> Option<u64> {
    let task = holder.task.as_ref().filter(|_| holder.thread == thread::current().id());
    task.map(|task| task.id)
}

fn name_of(tree: &TaskTree, holder: &Holder) -> String {
    let since = holder.site.map(|site| format!(" since {}:{}", site.file(), site.line()));
    let since = since.unwrap_or_default();
    match (live_task(holder), &holder.task) {
        (Some(id), _) if tree.has(id) => format!("{}{since}", tree.name(tree.owner(id))),
        (Some(_), Some(task)) => format!("\"{task}\"{since}, which is over"),
        (None, Some(task)) => format!("\"{task}\" of another thread{since}"),
        (_, None) => format!("code outside of a task{since}"),
    }
}
