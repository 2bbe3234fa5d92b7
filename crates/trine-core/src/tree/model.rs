//! The tree against a model that computes everything from its definition.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::frame::Poller;

/// A frame as the model keeps it. All that follows from it is computed when it is asked for.
#[derive(Debug, Clone)]
struct Node {
    id: FrameId,
    outer: Option<usize>,
    kind: Kind,
    live: bool,
    cancelled: bool,
    hard: bool,
    shield: bool,
    holds: bool,
    guards: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Scope,
    /// With its ready list, and the task that polls it.
    Group(VecDeque<usize>, Option<usize>),
    /// A task of this group.
    Task(usize),
}

#[derive(Debug, Clone)]
enum Change {
    OpenScope(Index),
    OpenGroup(Index),
    OpenTask(Index, Index),
    Release(Index),
    Cancel(Index),
    Harden(Index),
    Shield(Index, bool),
    Hold(Index, bool),
    AddGuard(Index),
    RemoveGuard(Index),
    Move(Index, Index),
    Wake(Index),
    Pop(Index),
    Reverse(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let any = any::<Index>;
    prop_oneof![
        3 => any().prop_map(Change::OpenScope),
        2 => any().prop_map(Change::OpenGroup),
        4 => (any(), any()).prop_map(|(outer, home)| Change::OpenTask(outer, home)),
        3 => any().prop_map(Change::Release),
        1 => any().prop_map(Change::Cancel),
        1 => any().prop_map(Change::Harden),
        2 => (any(), proptest::bool::ANY).prop_map(|(frame, on)| Change::Shield(frame, on)),
        2 => (any(), proptest::bool::ANY).prop_map(|(frame, on)| Change::Hold(frame, on)),
        3 => any().prop_map(Change::AddGuard),
        3 => any().prop_map(Change::RemoveGuard),
        2 => (any(), any()).prop_map(|(frame, outer)| Change::Move(frame, outer)),
        4 => any().prop_map(Change::Wake),
        4 => any().prop_map(Change::Pop),
        1 => any().prop_map(Change::Reverse),
    ]
}

/// The tree and its model, changed together.
struct Both {
    tree: Tree,
    nodes: Vec<Node>,
}

impl Both {
    fn new() -> Self {
        let mut both = Self { tree: Tree::new(), nodes: Vec::new() };
        both.open_group(None);
        both
    }

    fn add(&mut self, role: Role, outer: Option<usize>, kind: Kind) -> usize {
        let around = outer.map_or(FrameId::NONE, |at| self.nodes[at].id);
        let id = self.tree.open(role, around, None);
        let (cancelled, hard, shield, holds) = (false, false, false, false);
        let live = true;
        self.nodes.push(Node { id, outer, kind, live, cancelled, hard, shield, holds, guards: 0 });
        self.nodes.len() - 1
    }

    fn open_group(&mut self, outer: Option<usize>) {
        let role = Role::group(Poller::NOBODY);
        let poller = outer.and_then(|at| self.task_around(at));
        let at = self.add(role, outer, Kind::Group(VecDeque::new(), poller));
        if let Some(poller) = poller {
            self.tree.set_task_poller(self.nodes[at].id, self.nodes[poller].id);
        }
    }

    fn open_task(&mut self, outer: usize, home: usize) {
        let role = Role::task(self.nodes[home].id);
        self.add(role, Some(outer), Kind::Task(home));
    }

    /// The task that polls what is at this place.
    fn task_around(&self, at: usize) -> Option<usize> {
        match self.nodes[at].kind {
            Kind::Task(_) => Some(at),
            _ => self.task_around(self.nodes[at].outer?),
        }
    }

    /// A live frame that fits, of those there are.
    fn choose(&self, index: Index, fits: impl Fn(&Node) -> bool) -> Option<usize> {
        let fitting: Vec<_> = (0..self.nodes.len())
            .filter(|&at| self.nodes[at].live && fits(&self.nodes[at]))
            .collect();
        (!fitting.is_empty()).then(|| fitting[index.index(fitting.len())])
    }

    fn is_inside(&self, at: usize, around: usize) -> bool {
        at == around || self.nodes[at].outer.is_some_and(|outer| self.is_inside(outer, around))
    }

    /// Whether nothing that is live needs this frame, but for its place on a ready list.
    fn is_leaf(&self, at: usize) -> bool {
        at != 0
            && self.nodes.iter().filter(|node| node.live).all(|node| {
                let needs = match node.kind {
                    Kind::Task(home) => home == at,
                    Kind::Group(_, poller) => poller == Some(at),
                    Kind::Scope => false,
                };
                node.outer != Some(at) && !needs
            })
    }

    /// Whether all could still be released, one after the other, if a frame hung under another one:
    /// a task does not come to be inside a group that it polls.
    fn is_sound_after(&self, at: usize, outer: usize) -> bool {
        let mut after = Self { tree: Tree::new(), nodes: self.nodes.clone() };
        after.nodes[at].outer = Some(outer);
        while let Some(leaf) = after.choose_leaf() {
            after.nodes[leaf].live = false;
        }
        after.nodes.iter().skip(1).all(|node| !node.live)
    }

    fn choose_leaf(&self) -> Option<usize> {
        (1..self.nodes.len()).rev().find(|&at| self.nodes[at].live && self.is_leaf(at))
    }

    fn hardened(&self, at: usize) -> bool {
        self.nodes[at].hard || self.nodes[at].outer.is_some_and(|outer| self.hardened(outer))
    }

    fn visible(&self, at: usize) -> bool {
        let node = &self.nodes[at];
        node.cancelled
            || node
                .outer
                .is_some_and(|outer| self.hardened(outer) || (!node.shield && self.visible(outer)))
    }

    fn contributes(&self, at: usize) -> bool {
        self.nodes[at].holds || self.nodes[at].shield || self.guards(at) > 0
    }

    fn guards(&self, at: usize) -> u32 {
        let inside = (0..self.nodes.len()).filter(|&inner| {
            self.nodes[inner].live && self.nodes[inner].outer == Some(at) && self.contributes(inner)
        });
        self.nodes[at].guards + inside.count() as u32
    }

    fn is_queued(&self, at: usize) -> bool {
        match self.nodes[at].kind {
            Kind::Task(home) => self.list(home).contains(&at),
            _ => false,
        }
    }

    fn list(&self, group: usize) -> &VecDeque<usize> {
        match &self.nodes[group].kind {
            Kind::Group(list, _) => list,
            other => panic!("{other:?} has no list"),
        }
    }

    fn list_mut(&mut self, group: usize) -> &mut VecDeque<usize> {
        match &mut self.nodes[group].kind {
            Kind::Group(list, _) => list,
            other => panic!("{other:?} has no list"),
        }
    }

    /// What a wake of a task does: it and those who poll the groups around it, up to the first
    /// group that had something ready.
    fn wake(&mut self, task: usize) {
        let Kind::Task(home) = self.nodes[task].kind else { return };
        if self.is_queued(task) {
            return;
        }
        let first = self.list(home).is_empty();
        self.list_mut(home).push_back(task);
        if let Kind::Group(_, Some(poller)) = self.nodes[home].kind
            && first
        {
            self.wake(poller);
        }
    }

    fn apply(&mut self, change: &Change) {
        match *change {
            Change::OpenScope(outer) => {
                let outer = self.choose(outer, |_| true);
                let role = Role::Scope { poller: Poller::NOBODY, deadline: None };
                self.add(role, outer, Kind::Scope);
            }
            Change::OpenGroup(outer) => {
                let outer = self.choose(outer, |_| true);
                self.open_group(outer);
            }
            Change::OpenTask(outer, home) => {
                let Some(home) = self.choose(home, |node| matches!(node.kind, Kind::Group(..)))
                else {
                    return;
                };
                // Under its group, as most are, or somewhere else.
                let outer = self.choose(outer, |_| true).filter(|at| at % 2 == 0).unwrap_or(home);
                self.open_task(outer, home);
            }
            Change::Release(frame) => self.release(frame),
            Change::Wake(task) => {
                let Some(at) = self.choose(task, |node| matches!(node.kind, Kind::Task(_))) else {
                    return;
                };
                let id = self.nodes[at].id;
                let generation = self.tree.generation(id);
                self.tree.wake(id, generation);
                self.wake(at);
            }
            Change::Pop(group) => self.pop(group),
            Change::Reverse(group) => {
                let Some(at) = self.choose(group, |node| matches!(node.kind, Kind::Group(..)))
                else {
                    return;
                };
                self.tree.reorder_ready(self.nodes[at].id, <[_]>::reverse);
                self.list_mut(at).make_contiguous().reverse();
            }
            _ => self.apply_to_region(change),
        }
    }

    /// The changes of what is visible and what is guarded. They wake, which is not modelled: that
    /// each list is in order is, so the lists are emptied first.
    fn apply_to_region(&mut self, change: &Change) {
        self.drain();
        match *change {
            Change::Cancel(frame) => {
                let Some(at) = self.choose(frame, |_| true) else { return };
                let first = self.tree.cancel(self.nodes[at].id);
                assert_eq!(first, !std::mem::replace(&mut self.nodes[at].cancelled, true));
            }
            Change::Harden(frame) => {
                let Some(at) = self.choose(frame, |node| node.cancelled) else { return };
                self.tree.harden(self.nodes[at].id);
                self.nodes[at].hard = true;
            }
            Change::Shield(frame, on) => {
                let Some(at) = self.choose(frame, |node| node.kind == Kind::Scope) else { return };
                self.tree.set_shield(self.nodes[at].id, on);
                self.nodes[at].shield = on;
            }
            Change::Hold(frame, on) => {
                let Some(at) = self.choose(frame, |_| true) else { return };
                self.tree.set_holds(self.nodes[at].id, on);
                self.nodes[at].holds = on;
            }
            Change::AddGuard(frame) => {
                let Some(at) = self.choose(frame, |_| true) else { return };
                self.tree.add_guard(self.nodes[at].id);
                self.nodes[at].guards += 1;
            }
            Change::RemoveGuard(frame) => {
                let Some(at) = self.choose(frame, |node| node.guards > 0) else { return };
                self.tree.remove_guard(self.nodes[at].id);
                self.nodes[at].guards -= 1;
            }
            Change::Move(frame, outer) => {
                let Some(at) = self.choose(frame, |node| node.outer.is_some()) else { return };
                let Some(outer) = self.choose(outer, |_| true) else { return };
                if !self.is_inside(outer, at) && self.is_sound_after(at, outer) {
                    self.tree.move_under(self.nodes[at].id, self.nodes[outer].id);
                    self.nodes[at].outer = Some(outer);
                }
            }
            _ => unreachable!("it changes no region"),
        }
        self.drain();
    }

    fn release(&mut self, frame: Index) {
        let Some(at) = self.choose(frame, |_| true).filter(|&at| self.is_leaf(at)) else { return };
        // Its guard wakes those who drain what is around it.
        if self.contributes(at) {
            self.drain();
        }
        let contributed = self.contributes(at);
        self.tree.release(self.nodes[at].id);
        self.nodes[at].live = false;
        if let Kind::Group(list, _) = &mut self.nodes[at].kind {
            list.clear();
        }
        if contributed {
            self.drain();
        }
    }

    fn pop(&mut self, group: Index) {
        let Some(at) = self.choose(group, |node| match &node.kind {
            Kind::Group(list, _) => !list.is_empty(),
            _ => false,
        }) else {
            return;
        };
        let task = self.list_mut(at).pop_front().expect("it is not empty");
        let group = self.nodes[at].id;
        let id = self.tree.begin_turn(group);
        assert_eq!(id, self.nodes[task].id);
        let (rest, popped) = self.tree.next_ready(id);
        assert_eq!(popped.is_some(), self.nodes[task].live);
        let poller = self.tree.end_turn(group, rest);
        self.tree.wake_poller(poller);
        // A turn that leaves something asks for another.
        if let Kind::Group(list, Some(poller)) = &self.nodes[at].kind
            && !list.is_empty()
        {
            self.wake(*poller);
        }
    }

    /// Polls all that is ready, in the tree and in the model. A poll also answers who was asked for one
    /// (`kept.rs`).
    fn drain(&mut self) {
        for at in 0..self.nodes.len() {
            if let (true, Kind::Group(_, poller)) = (self.nodes[at].live, &self.nodes[at].kind) {
                if let Some(poller) = *poller {
                    self.tree.set_task_poller(self.nodes[at].id, self.nodes[poller].id);
                }
                let mut ready = self.tree.take_ready(self.nodes[at].id);
                while ready.is_some() {
                    (ready, _) = self.tree.next_ready(ready);
                }
                self.list_mut(at).clear();
            }
        }
    }

    fn agree(&mut self) {
        #[cfg(debug_assertions)]
        self.tree.check();
        let mut queued = 0;
        for at in 0..self.nodes.len() {
            queued += usize::from(self.is_queued(at));
            if !self.nodes[at].live {
                continue;
            }
            let id = self.nodes[at].id;
            assert_eq!(self.tree.is_visible(id), self.visible(at), "visible from {id:?}");
            assert_eq!(self.tree.has(id, Flags::HARDENED), self.hardened(at), "{id:?} hardened");
            assert_eq!(self.tree.guard_count(id), self.guards(at), "guards in {id:?}");
            assert_eq!(self.tree.contributes(id), self.contributes(at), "{id:?} contributes");
            assert_eq!(self.tree.has(id, Flags::QUEUED), self.is_queued(at), "{id:?} queued");
            if let Kind::Group(list, _) = &self.nodes[at].kind {
                assert_eq!(self.tree.has_ready(id), !list.is_empty());
            }
        }
        assert_eq!(self.tree.queued as usize, queued);
    }
}

/// Makes the changes, comparing after each, and then releases all of it.
fn compare(changes: &[Change]) {
    let mut both = Both::new();
    for change in changes {
        both.apply(change);
        both.agree();
    }
    both.drain();
    while let Some(at) = both.choose_leaf() {
        both.tree.release(both.nodes[at].id);
        both.nodes[at].live = false;
        both.drain();
    }
    both.tree.release(both.nodes[0].id);
    assert_eq!(both.tree.live(), 0);
    assert_eq!(both.tree.guard_nodes(), 0);
    assert_eq!(both.tree.queued, 0);
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(20))]

    /// From where a cancel is visible, what guards what, who is ready in which order: as by
    /// definition, after every change. And when all is released nothing is left.
    // rule: D-13
    #[test]
    fn the_tree_does_as_its_model(changes in vec(change(), 0..80)) {
        compare(&changes);
    }
}

proptest! {
    #![proptest_config(config(4_000))]

    // rule: D-13
    #[test]
    #[ignore = "the model is slow, and this is many times more"]
    fn the_tree_does_as_its_model_at_length(changes in vec(change(), 0..120)) {
        compare(&changes);
    }
}

/// A waker names every generation that a frame can have.
// rule: L-9
#[test]
fn generations_fit_into_a_waker() {
    let mut tree = Tree::new();
    let role = Role::Scope { poller: Poller::NOBODY, deadline: None };
    for _ in 0..3 * usize::from(LAST_GENERATION) {
        let id = tree.open(role, FrameId::NONE, None);
        let generation = tree.generation(id);
        assert_eq!(crate::waker::Word::new(1, generation, id).generation(), generation);
        tree.release(id);
    }
}
