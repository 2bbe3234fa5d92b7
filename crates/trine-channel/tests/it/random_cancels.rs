//! Random cancels in a run, under random schedules: what was sent is received or left, once.

use std::cell::{Cell, RefCell};

use proptest::prelude::*;
use trine_cancel::CancelScope;
use trine_channel::{SendError, open_memory_channel};
use trine_core::{Runner, checkpoint};
use trine_nursery::open_nursery;

/// What one task does, and after how many steps of the test its scope is cancelled.
#[derive(Clone, Copy, Debug)]
struct Plan {
    kind: Kind,
    cancel_at: usize,
    shielded: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Send,
    Reserve,
    Receive,
}

const STEPS: usize = 12;

fn plan() -> impl Strategy<Value = Plan> {
    let kind = prop_oneof![Just(Kind::Send), Just(Kind::Reserve), Just(Kind::Receive)];
    let plan = (kind, 0..STEPS, prop::bool::weighted(0.2));
    plan.prop_map(|(kind, cancel_at, shielded)| Plan { kind, cancel_at, shielded })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Sent = received + left in the channel, wherever tasks are cancelled and whenever the
    /// receivers close; what comes back to its sender was neither. Nothing of the tasks stays
    /// behind.
    // rule: H-6
    #[test]
    fn nothing_is_lost_to_a_cancel(
        capacity in 0_usize..3,
        seed in any::<u64>(),
        close_at in prop::option::of(0..2 * STEPS),
        plans in prop::collection::vec(plan(), 1..8),
    ) {
        let (sender, receiver) = open_memory_channel(capacity);
        let next_item = Cell::new(0_u32);
        let (sent, received) = (RefCell::new(vec![]), RefCell::new(vec![]));
        let (returned, mut left) = (RefCell::new(vec![]), vec![]);
        let item = || next_item.replace(next_item.get() + 1);
        let work = async |kind| loop {
            match kind {
                Kind::Send => {
                    let item = item();
                    match sender.send(item).await {
                        Ok(()) => sent.borrow_mut().push(item),
                        Err(SendError::Broken(item) | SendError::Closed(item)) => {
                            returned.borrow_mut().push(item);
                            return;
                        }
                    }
                }
                Kind::Reserve => {
                    let Ok(slot) = sender.reserve().await else { return };
                    let item = item();
                    let into = if slot.send(item).is_ok() { &sent } else { &returned };
                    into.borrow_mut().push(item);
                }
                Kind::Receive => {
                    let Ok(item) = receiver.recv().await else { return };
                    received.borrow_mut().push(item);
                }
            }
        };
        Runner::new().shuffle(seed).run(async {
            open_nursery(async |nursery| {
                let scopes: Vec<_> = plans
                    .iter()
                    .map(|plan| (CancelScope::new(), CancelScope::new().shielded(plan.shielded)))
                    .collect();
                for (plan, (outer, inner)) in plans.iter().zip(&scopes) {
                    let (kind, outer, inner) = (plan.kind, outer.clone(), inner.clone());
                    let work = &work;
                    nursery.start_soon(async move {
                        outer.run(inner.run(work(kind))).await;
                    });
                }
                for step in 0..STEPS {
                    checkpoint().await;
                    if close_at == Some(step) {
                        left.extend(receiver.close_and_drain());
                    }
                    for (plan, (outer, _)) in plans.iter().zip(&scopes) {
                        if plan.cancel_at == step {
                            outer.cancel();
                        }
                    }
                }
                scopes.iter().for_each(|(_, inner)| inner.cancel());
            })
            .await;
        });
        let statistics = sender.statistics();
        prop_assert_eq!((statistics.tasks_waiting_send, statistics.tasks_waiting_receive), (0, 0));
        prop_assert_eq!(statistics.reserved_slots, 0);
        let mut out = received.into_inner();
        out.extend(left);
        out.extend(receiver.drain());
        out.sort_unstable();
        let came_back = returned.into_inner();
        prop_assert!(came_back.iter().all(|item| out.binary_search(item).is_err()));
        let mut sent = sent.into_inner();
        sent.sort_unstable();
        prop_assert_eq!(out, sent);
    }
}
