//! What a program may be, and random ones.

use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::*;

/// The payload of a panic that is part of a program.
pub(super) struct Planned;

/// A part of a program, which runs its operations one after the other.
pub(super) type Block = Rc<[Op]>;

#[derive(Debug, Clone)]
pub(super) enum Op {
    Note,
    Checkpoint,
    Sleep(u8),
    /// Ends the task with an error.
    Fail,
    Panic,
    Scope {
        timeout: Option<u8>,
        shielded: bool,
        grace: Option<u8>,
        body: Block,
    },
    /// Cancels a scope around, or one that is over: so many further out.
    Cancel(u8),
    ToggleShield(u8),
    Finally {
        body: Block,
        cleanup: Block,
    },
    Nursery(Block),
    /// Starts a task in a nursery around: so many further out.
    StartSoon(u8, Block),
    Spawn(u8, Block),
    Service(u8, Block),
    /// The block before `started`, and the one after.
    Start(u8, Block, Block),
    CancelTasks(u8),
    /// Both, side by side in one task, and both to their end.
    Join(Block, Block),
    /// Both, side by side; when one ends the other is dropped.
    Select(Block, Block),
    /// Polled so often, and then dropped.
    Drop(u8, Block),
    /// Polled once here, and then by a new task of a nursery around.
    Move(u8, Block),
}

fn block(op: BoxedStrategy<Op>, most: usize) -> BoxedStrategy<Block> {
    vec(op, 0..most).prop_map(Rc::from).boxed()
}

pub(super) fn program() -> impl Strategy<Value = Vec<Op>> {
    let leaf = prop_oneof![
        3 => Just(Op::Note),
        4 => Just(Op::Checkpoint),
        6 => (0..6_u8).prop_map(Op::Sleep),
        1 => Just(Op::Fail),
        1 => Just(Op::Panic),
        2 => (0..3_u8).prop_map(Op::Cancel),
        1 => (0..3_u8).prop_map(Op::ToggleShield),
        2 => (0..3_u8).prop_map(Op::CancelTasks),
    ];
    let op = leaf.prop_recursive(5, 48, 4, |op| {
        let inner = block(op.boxed(), 4);
        let (a, b) = (inner.clone(), inner.clone());
        let up = 0..3_u8;
        prop_oneof![
            3 => (any::<Option<u8>>(), any::<bool>(), any::<Option<u8>>(), inner.clone())
                .prop_map(|(timeout, shielded, grace, body)| Op::Scope {
                    timeout: timeout.map(|ms| ms % 8),
                    shielded: shielded && timeout.is_some(),
                    grace: grace.map(|ms| ms % 4),
                    body,
                }),
            3 => (a.clone(), b.clone()).prop_map(|(body, cleanup)| Op::Finally { body, cleanup }),
            4 => inner.clone().prop_map(Op::Nursery),
            4 => (up.clone(), inner.clone()).prop_map(|(up, task)| Op::StartSoon(up, task)),
            3 => (up.clone(), inner.clone()).prop_map(|(up, task)| Op::Spawn(up, task)),
            1 => (up.clone(), inner.clone()).prop_map(|(up, task)| Op::Service(up, task)),
            2 => (up.clone(), a.clone(), b.clone())
                .prop_map(|(up, before, after)| Op::Start(up, before, after)),
            1 => (a.clone(), b.clone()).prop_map(|(a, b)| Op::Join(a, b)),
            1 => (a, b).prop_map(|(a, b)| Op::Select(a, b)),
            1 => (0..4_u8, inner.clone()).prop_map(|(polls, body)| Op::Drop(polls, body)),
            1 => (up, inner).prop_map(|(up, body)| Op::Move(up, body)),
        ]
    });
    let inner = vec(op, 1..5);
    // A nursery around all of it, so that there is something to start tasks in.
    inner.prop_map(|ops| vec![Op::Nursery(ops.into())])
}

/// How long a program can take, in milliseconds, if every part of it runs after the other.
pub(super) fn longest(ops: &[Op]) -> u64 {
    ops.iter().map(longest_op).sum()
}

fn longest_op(op: &Op) -> u64 {
    match op {
        Op::Sleep(ms) => u64::from(*ms),
        _ => blocks(op).into_iter().map(|block| longest(block)).sum(),
    }
}

/// Whether nothing in it is dropped but by scopes and nurseries: then every cleanup runs.
pub(super) fn is_whole(ops: &[Op]) -> bool {
    ops.iter().all(|op| match op {
        Op::Select(..) | Op::Drop(..) | Op::Move(..) => false,
        // A panic on one side drops the other.
        Op::Join(..) if panics(std::slice::from_ref(op)) => false,
        _ => blocks(op).into_iter().all(|block| is_whole(block)),
    })
}

fn panics(ops: &[Op]) -> bool {
    ops.iter()
        .any(|op| matches!(op, Op::Panic) || blocks(op).into_iter().any(|block| panics(block)))
}

fn blocks(op: &Op) -> Vec<&Block> {
    match op {
        Op::Scope { body, .. } | Op::Nursery(body) => vec![body],
        Op::StartSoon(_, task) | Op::Spawn(_, task) | Op::Service(_, task) => vec![task],
        Op::Drop(_, body) | Op::Move(_, body) => vec![body],
        Op::Finally { body: a, cleanup: b } | Op::Start(_, a, b) => vec![a, b],
        Op::Join(a, b) | Op::Select(a, b) => vec![a, b],
        Op::Note
        | Op::Checkpoint
        | Op::Sleep(_)
        | Op::Fail
        | Op::Panic
        | Op::Cancel(_)
        | Op::ToggleShield(_)
        | Op::CancelTasks(_) => vec![],
    }
}
