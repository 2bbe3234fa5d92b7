//! Random programs that use all of the crates together, under random cancels.
//!
//! `world.rs` is what a program works on, and what must hold of that at the end; `program.rs` makes programs from
//! a seed. One that comes to rest, because everybody waits for something that nobody will do, is cancelled from
//! the outside; then it must end.

mod program;
mod world;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use trine::lowlevel::{Idle, Usage, usage, watch_idle};
use trine::testing::MockClock;
use trine::{CancelScope, Runner};

use self::program::program;
use self::world::World;

/// How much a program does, more or less.
const STEPS: usize = 40;

fn check(seed: u64) {
    let world = Rc::new(World::new(seed, STEPS));
    let mut runner = Runner::new().clock(MockClock::autojump());
    if !seed.is_multiple_of(3) {
        runner = runner.shuffle(seed);
    }
    runner.run(async {
        let top = CancelScope::new();
        // What is shielded, and waits for something that nobody will do, ends by this.
        top.set_grace(Some(Duration::from_secs(3)));
        let (stop, stuck) = (top.clone(), Cell::new(false));
        let hook = move |idle| {
            if idle == Idle::Stuck {
                assert!(!stuck.replace(true), "it hangs, though it was cancelled");
                stop.cancel_because("everybody waits");
            }
        };
        watch_idle(Duration::ZERO, Rc::new(hook));
        top.run(program(world.clone(), 0)).await;
        world.forget_handles();
    });
    assert_eq!(usage(), Usage::default(), "something is left behind");
    world.check_end();
}

/// Tries these seeds, and names those that fail.
fn check_all(seeds: std::ops::Range<u64>) {
    let failed = seeds.filter(|&seed| catch_unwind(AssertUnwindSafe(|| check(seed))).is_err());
    let failed: BTreeSet<u64> = failed.collect();
    assert!(failed.is_empty(), "these seeds fail: {failed:?}");
}

// rule: D-13, L-7, H-1, H-6, Y-2
#[test]
fn programs_of_everything_leave_nothing() {
    check_all(0..150);
}

// rule: D-13, L-7, H-1, H-6, Y-2
#[test]
#[ignore = "many more programs, which take a while"]
fn many_programs_of_everything_leave_nothing() {
    check_all(0..30_000);
}
