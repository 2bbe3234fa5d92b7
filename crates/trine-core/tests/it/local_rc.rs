//! Values with several owners in the memory that the thread recycles.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use trine_core::lowlevel::{LocalRc, Usage, usage};

/// Counts how often it is dropped.
struct CountDrop<'a>(&'a Cell<usize>);

impl Drop for CountDrop<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// The value goes with the last owner, whichever that is, and not before.
#[test]
fn the_last_owner_drops_the_value() {
    let drops = Cell::new(0);
    let owners: Vec<_> = {
        let first = LocalRc::new(CountDrop(&drops));
        (0..10).map(|_| first.clone()).collect()
    };
    assert_eq!(drops.get(), 0);
    for (before, owner) in owners.into_iter().enumerate() {
        assert_eq!(drops.get(), 0, "{before} owners are gone");
        drop(owner);
    }
    assert_eq!((drops.get(), usage()), (1, Usage::default()));
}

/// A value that panics as it is dropped is gone all the same, with its memory.
#[test]
fn a_panic_of_the_value_gives_the_memory_back() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("planned");
        }
    }
    let drops = Cell::new(0);
    let owner = LocalRc::new((Bomb, CountDrop(&drops)));
    catch_unwind(AssertUnwindSafe(|| drop(owner))).unwrap_err();
    assert_eq!((drops.get(), usage()), (1, Usage::default()));
}

/// Owners in a cycle that somebody opens: a value may drop owners of itself, and of others, as it goes.
#[test]
fn values_own_each_other() {
    #[derive(Default)]
    struct Node(RefCell<Vec<LocalRc<Node>>>);
    let (one, other) = (LocalRc::new(Node::default()), LocalRc::new(Node::default()));
    one.0.borrow_mut().extend([other.clone(), other.clone()]);
    other.0.borrow_mut().push(one.clone());
    let opened = other.0.take();
    drop((one, other));
    drop(opened);
    assert_eq!(usage(), Usage::default());
}

/// Large values, values of any alignment, and those without size.
#[test]
fn values_of_any_layout() {
    #[repr(align(128))]
    struct Aligned(u8);
    let large = LocalRc::new([7_u64; 1000]);
    let aligned = LocalRc::new(Aligned(7));
    let (nothing, shared) = (LocalRc::new(()), LocalRc::new(Rc::new(7)));
    assert!(large.iter().all(|number| *number == 7));
    assert_eq!((&raw const aligned.0).addr() % 128, 0);
    assert_eq!((*nothing, **shared, aligned.0), ((), 7, 7));
}
