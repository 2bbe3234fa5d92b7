//! Random cancels in a run, under random schedules: nobody is let in too many, and all is given
//! back.

use std::cell::Cell;

use proptest::prelude::*;
use trine_cancel::CancelScope;
use trine_core::{Runner, checkpoint};
use trine_nursery::open_nursery;
use trine_sync::{Condition, Mutex, RwLock, Semaphore};

/// What one task does over and over, and after how many steps of the test its scope is cancelled.
#[derive(Clone, Copy, Debug)]
struct Plan {
    kind: Kind,
    cancel_at: usize,
    shielded: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Permits(usize),
    Lock,
    Read,
    Write,
    WaitAndNotify,
}

const STEPS: usize = 12;
const PERMITS: usize = 3;

fn plan() -> impl Strategy<Value = Plan> {
    let kind = prop_oneof![
        2 => (0..=PERMITS).prop_map(Kind::Permits),
        1 => Just(Kind::Lock),
        1 => Just(Kind::Read),
        1 => Just(Kind::Write),
        2 => Just(Kind::WaitAndNotify),
    ];
    let plan = (kind, 0..STEPS, prop::bool::weighted(0.2));
    plan.prop_map(|(kind, cancel_at, shielded)| Plan { kind, cancel_at, shielded })
}

/// Who is inside, of all that is guarded.
#[derive(Default)]
struct Inside {
    permits: Cell<usize>,
    locked: Cell<usize>,
    readers: Cell<usize>,
    writers: Cell<usize>,
}

impl Inside {
    /// Is inside for one checkpoint; also if it is cancelled there, it leaves.
    async fn stay(&self, what: &Cell<usize>, weight: usize) {
        struct Leave<'a>(&'a Cell<usize>, usize);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() - self.1);
            }
        }
        what.set(what.get() + weight);
        let _leave = Leave(what, weight);
        assert!(self.permits.get() <= PERMITS);
        assert!(self.locked.get() <= 1);
        assert!(self.writers.get() <= 1 && (self.writers.get() == 0 || self.readers.get() == 0));
        checkpoint().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Wherever tasks are cancelled, never more are inside than may be, and in the end all is free
    /// and nobody waits.
    // rule: Y-2
    #[test]
    fn all_is_given_back(seed in any::<u64>(), plans in prop::collection::vec(plan(), 1..10)) {
        let (semaphore, mutex, rw_lock) = (Semaphore::new(PERMITS), Mutex::new(()), RwLock::new(()));
        let condition = Condition::new();
        let inside = Inside::default();
        let work = async |kind| loop {
            match kind {
                Kind::Permits(permits) => {
                    let _permits = semaphore.acquire_many(permits).await;
                    inside.stay(&inside.permits, permits).await;
                }
                Kind::Lock => {
                    let _guard = mutex.lock().await;
                    inside.stay(&inside.locked, 1).await;
                }
                Kind::Read => {
                    let _guard = rw_lock.read().await;
                    inside.stay(&inside.readers, 1).await;
                }
                Kind::Write => {
                    let _guard = rw_lock.write().await;
                    inside.stay(&inside.writers, 1).await;
                }
                Kind::WaitAndNotify => {
                    let guard = mutex.lock().await;
                    inside.stay(&inside.locked, 1).await;
                    condition.notify(1);
                    let _guard = condition.wait(guard).await;
                    inside.stay(&inside.locked, 1).await;
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
        prop_assert_eq!((semaphore.value(), semaphore.tasks_waiting()), (PERMITS, 0));
        let lock = mutex.statistics();
        prop_assert_eq!((lock.locked, lock.tasks_waiting), (false, 0));
        prop_assert!(rw_lock.try_write().is_some());
    }
}
