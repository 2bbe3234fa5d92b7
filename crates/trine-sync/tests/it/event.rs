//! `Event`.

use std::task::Poll::{Pending, Ready};

use trine_sync::Event;

use crate::support::{WakeCount, now, poll};

/// Setting wakes all who wait; later waits return at once.
// rule: Y-5
#[test]
fn set_wakes_all() {
    let event = Event::new();
    let woken = WakeCount::new();
    let mut waits = [0, 1, 2].map(|_| event.wait());
    for wait in &mut waits {
        assert_eq!(woken.poll(wait), Pending);
    }
    assert_eq!((event.is_set(), event.tasks_waiting()), (false, 3));
    event.set();
    event.set();
    assert_eq!((event.is_set(), event.tasks_waiting(), woken.get()), (true, 0, 3));
    assert_eq!(waits.each_mut().map(poll), [Ready(()); 3]);
    now(event.wait());
}

/// A wait that is dropped leaves as if it had never come.
// rule: Y-2
#[test]
fn a_dropped_wait_leaves() {
    let event = Event::new();
    let mut wait = event.wait();
    assert_eq!(poll(&mut wait), Pending);
    drop(wait);
    assert_eq!(event.tasks_waiting(), 0);
    event.set();
}
