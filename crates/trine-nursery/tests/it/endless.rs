//! Tasks that start tasks that start tasks, while their nursery is being cancelled.

use std::cell::Cell;
use std::rc::Rc;

use trine_cancel::CancelScope;
use trine_core::lowlevel::checkpoints_passed;
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, open_nursery};

use crate::support::{WAYS, Way, run};

/// Starts another like itself as long as `more` says so, and then goes on to its first checkpoint.
fn breed(nursery: Nursery<'static>, way: Way, begun: Rc<Cell<u32>>, more: Rc<dyn Fn() -> bool>) {
    let same = nursery.clone();
    way.start(&nursery, async move {
        begun.set(begun.get() + 1);
        if more() {
            breed(same, way, begun.clone(), more);
        }
        checkpoint().await;
        unreachable!("a cancelled task has passed a checkpoint");
    });
}

/// However many generations there are, each task runs to its first checkpoint.
// rule: D-7
#[test]
fn each_generation_has_its_poll() {
    const GENERATIONS: u32 = 1_000;
    for way in WAYS {
        for by_scope in [true, false] {
            run(async move {
                let begun = Rc::new(Cell::new(0));
                let scope = CancelScope::new();
                let result = scope.run(open_nursery(async |nursery: Nursery<'static>| {
                    let count = begun.clone();
                    let more = Rc::new(move || count.get() < GENERATIONS);
                    if by_scope {
                        scope.cancel();
                    } else {
                        nursery.cancel_tasks();
                    }
                    breed(nursery.clone(), way, begun.clone(), more);
                }));
                assert_eq!(result.await.is_none(), by_scope);
                assert_eq!(begun.get(), GENERATIONS, "{way:?}");
            });
        }
    }
}

/// Without an end, too, they leave the others their turns.
// rule: D-7, L-2
#[test]
fn an_endless_line_of_tasks_starves_nobody() {
    for way in WAYS {
        run(async move {
            let (begun, enough) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
            open_nursery(async |outside| {
                outside.start_soon(async {
                    for _ in 0..5 {
                        checkpoint().await;
                    }
                    enough.set(true);
                });
                let scope = CancelScope::new();
                let result = scope.run(open_nursery(async |nursery: Nursery<'static>| {
                    let enough = enough.clone();
                    scope.cancel();
                    breed(nursery.clone(), way, begun.clone(), Rc::new(move || !enough.get()));
                    sleep_forever().await;
                }));
                assert!(result.await.is_none());
            })
            .await;
            assert!(
                begun.get() > 5,
                "{way:?}: {} in a run of {}",
                begun.get(),
                checkpoints_passed()
            );
        });
    }
}

/// When the grace of the cancel is over nobody waits for them any more.
// rule: D-10
#[test]
fn an_endless_line_of_tasks_ends_with_the_grace() {
    for way in WAYS {
        run(async move {
            let begun = Rc::new(Cell::new(0));
            let scope = CancelScope::new();
            scope.set_grace(Some(std::time::Duration::ZERO));
            let result = scope.run(open_nursery(async |nursery: Nursery<'static>| {
                scope.cancel();
                breed(nursery.clone(), way, begun.clone(), Rc::new(|| true));
                sleep_forever().await;
            }));
            assert!(result.await.is_none());
            assert!(begun.get() > 0);
        });
    }
}
