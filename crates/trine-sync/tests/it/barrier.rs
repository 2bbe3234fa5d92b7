//! `Barrier`.

use trine_sync::Barrier;

use crate::support::{now, poll};

/// Nobody goes on before all are there; one of them leads; then it starts again.
// rule: Y-1
#[test]
fn all_go_on_together() {
    let barrier = Barrier::new(3);
    for _round in 0..2 {
        let mut waits = [barrier.wait(), barrier.wait()];
        assert!(waits.iter_mut().all(|wait| poll(wait).is_pending()));
        assert_eq!(barrier.tasks_waiting(), 2);
        assert!(now(barrier.wait()).is_leader());
        assert_eq!(barrier.tasks_waiting(), 0);
        for mut wait in waits {
            assert!(!now(&mut wait).is_leader());
        }
    }
}

/// One who is dropped before all are there has not arrived.
// rule: Y-2
#[test]
fn a_dropped_wait_has_not_arrived() {
    let barrier = Barrier::new(2);
    let mut gone = barrier.wait();
    assert!(poll(&mut gone).is_pending());
    drop(gone);
    let mut wait = barrier.wait();
    assert!(poll(&mut wait).is_pending());
    assert!(now(barrier.wait()).is_leader());
    assert!(poll(&mut wait).is_ready());
}
