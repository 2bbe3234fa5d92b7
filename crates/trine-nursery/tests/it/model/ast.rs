//! The language of the model, and random programs in it.

use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::*;

/// A part of a program, which runs its operations one after the other.
pub(super) type Block = Rc<[Op]>;

/// A time in nanoseconds that no other one in the program is equal to, nor any sum of others.
pub(super) type Time = u64;

/// What may be done to what is around. Each comes after a sleep of its own, so that it is alone in
/// its instant.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Fail,
    Panic,
    /// Cancels a scope around, so many further out; from another thread's side or from this one's.
    Cancel(u8, bool),
    SetDeadline(u8, Option<Time>),
    SetGrace(u8, Option<Time>),
    /// Cancels the tasks of a nursery around, so many further out.
    CancelTasks(u8),
}

/// Through what of another library a block is polled. To the model they are all the same.
#[derive(Debug, Clone, Copy)]
pub(super) enum Through {
    Unordered,
    JoinAll,
    Select,
    Shared,
    Buffered,
}

#[derive(Debug, Clone)]
pub(super) enum Op {
    Note,
    Sleep(Time),
    Act(Time, Act),
    Scope {
        timeout: Option<Time>,
        shielded: bool,
        grace: Option<Time>,
        body: Block,
    },
    MoveOn(Time, Block),
    Shield(Block),
    Finally {
        body: Block,
        cleanup: Block,
    },
    Nursery(Block),
    /// Starts a task in a nursery around, so many further out; polled by the run itself, or not.
    StartSoon(u8, bool, Block),
    /// The block before `started`, and the one after.
    Start(u8, Block, Block),
    Foreign(Through, Block),
}

/// Not shrunk: times that are equal would have no order.
fn time() -> impl Strategy<Value = Time> + Clone {
    (1..1_u64 << 40).no_shrink()
}

fn block(op: BoxedStrategy<Op>, most: usize) -> BoxedStrategy<Block> {
    vec(op, 0..most).prop_map(Rc::from).boxed()
}

fn act() -> impl Strategy<Value = Act> {
    let up = 0..3_u8;
    prop_oneof![
        2 => Just(Act::Fail),
        1 => Just(Act::Panic),
        4 => (up.clone(), any::<bool>()).prop_map(|(up, remote)| Act::Cancel(up, remote)),
        2 => (up.clone(), proptest::option::of(time())).prop_map(|(up, at)| Act::SetDeadline(up, at)),
        1 => (up.clone(), proptest::option::of(time())).prop_map(|(up, at)| Act::SetGrace(up, at)),
        2 => up.prop_map(Act::CancelTasks),
    ]
}

pub(super) fn program() -> impl Strategy<Value = Vec<Op>> {
    let leaf = prop_oneof![
        2 => Just(Op::Note),
        4 => time().prop_map(Op::Sleep),
        3 => (time(), act()).prop_map(|(time, act)| Op::Act(time, act)),
    ];
    let op = leaf.prop_recursive(6, 64, 4, |op| {
        let inner = block(op.boxed(), 4);
        let (a, b) = (inner.clone(), inner.clone());
        let (up, through) = (
            0..3_u8,
            [
                Through::Unordered,
                Through::JoinAll,
                Through::Select,
                Through::Shared,
                Through::Buffered,
            ],
        );
        let limit = proptest::option::of(time());
        prop_oneof![
            4 => (limit.clone(), any::<bool>(), limit, inner.clone()).prop_map(
                |(timeout, shielded, grace, body)| Op::Scope { timeout, shielded, grace, body }
            ),
            2 => (time(), inner.clone()).prop_map(|(time, body)| Op::MoveOn(time, body)),
            2 => inner.clone().prop_map(Op::Shield),
            4 => (a.clone(), b.clone()).prop_map(|(body, cleanup)| Op::Finally { body, cleanup }),
            4 => inner.clone().prop_map(Op::Nursery),
            6 => (up.clone(), any::<bool>(), inner.clone())
                .prop_map(|(up, flat, task)| Op::StartSoon(up, flat, task)),
            2 => (up, a, b).prop_map(|(up, before, after)| Op::Start(up, before, after)),
            2 => (proptest::sample::select(through.to_vec()), inner)
                .prop_map(|(through, body)| Op::Foreign(through, body)),
        ]
    });
    // A nursery around all of it, so that there is something to start tasks in.
    vec(op, 1..5).prop_map(|ops| vec![Op::Nursery(ops.into())])
}

/// The operations of a program by their addresses, numbered from the top to the bottom.
pub(super) fn numbers(program: &[Op]) -> BTreeMap<*const Op, usize> {
    fn number(ops: &[Op], numbers: &mut BTreeMap<*const Op, usize>) {
        for op in ops {
            numbers.insert(op, numbers.len());
            blocks(op).into_iter().for_each(|block| number(block, numbers));
        }
    }
    let mut all = BTreeMap::new();
    number(program, &mut all);
    all
}

fn blocks(op: &Op) -> Vec<&Block> {
    match op {
        Op::Note | Op::Sleep(_) | Op::Act(..) => vec![],
        Op::Scope { body, .. } | Op::MoveOn(_, body) | Op::Shield(body) => vec![body],
        Op::Nursery(body) | Op::StartSoon(_, _, body) | Op::Foreign(_, body) => vec![body],
        Op::Finally { body: a, cleanup: b } | Op::Start(_, a, b) => vec![a, b],
    }
}
