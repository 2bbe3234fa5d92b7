//! Random programs of nurseries, scopes, shields, cleanups, failures and drops, under several
//! schedules.
//!
//! `ast.rs` says what a program may be and makes random ones; `world.rs` is what a running program
//! leaves behind and is checked against; `interpreter.rs` turns it into futures.

mod ast;
mod interpreter;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use trine_core::lowlevel::{Idle, Usage, usage, watch_idle};
use trine_core::{Instrument, Runner};
use trine_testing::MockClock;

use self::ast::Op;
use self::interpreter::interpret;
use self::world::World;

/// Runs a program to its end and checks what must hold of all of them. Gives its trace.
fn run_program(program: &[Op], runner: Runner) -> Vec<String> {
    let world = Rc::new(World::default());
    let main = interpret(program.into(), world.root());
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runner.clock(MockClock::autojump()).run(async {
            let hook = |idle| assert_ne!(idle, Idle::Stuck, "nobody will ever wake it");
            watch_idle(Duration::ZERO, Rc::new(hook));
            world.begin();
            main.await
        })
    }));
    assert_eq!(usage(), Usage::default(), "something is left behind");
    world.note(&match ended {
        Ok(Ok(())) => "main: done".into(),
        Ok(Err(error)) => format!("main: error {error}"),
        Err(payload) => match payload.downcast::<ast::Planned>() {
            Ok(_) => String::from("main: panic"),
            Err(payload) => std::panic::resume_unwind(payload),
        },
    });
    world.check_end(ast::longest(program), ast::is_whole(program));
    world.trace()
}

/// How many programs a test tries.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn check_program(program: &[Op], seed: u64) {
    for seed in [seed, seed + 1, seed + 2] {
        let trace = run_program(program, Runner::new().shuffle(seed));
        let again = run_program(program, Runner::new().shuffle(seed));
        assert_eq!(again, trace, "not the same twice");
    }
    check_unwatched(program);
}

/// Watches a run, so that there are no short ways in it, and says nothing.
struct Watch;

impl Instrument for Watch {}

/// With its short ways, a run does the same in the same order.
fn check_unwatched(program: &[Op]) {
    let watched = run_program(program, Runner::new().instrument(Watch));
    assert_eq!(run_program(program, Runner::new()), watched, "not the same unwatched");
}

proptest! {
    #![proptest_config(config(120))]

    /// Whatever a program does, everything is given back, no task outlives its nursery, cleanups
    /// run once and from the inside out, it ends in time, and under the same schedule it does the
    /// same again, watched or not.
    // rule: D-13, D-2, N-1, L-3, N-4
    #[test]
    fn programs_end_and_leave_nothing(program in ast::program(), seed in 0..1_000_u64) {
        check_program(&program, seed);
    }
}

proptest! {
    #![proptest_config(config(200_000))]

    // rule: D-13, D-2, N-1, L-3, N-4
    #[test]
    #[ignore = "many more programs, which take a while"]
    fn many_programs_end_and_leave_nothing(program in ast::program(), seed in 0..1_000_u64) {
        check_program(&program, seed);
    }
}
