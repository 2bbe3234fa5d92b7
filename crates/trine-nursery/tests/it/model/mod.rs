//! Random programs, run by trine and by a model of it: the same must happen at the same times.
//!
//! `ast.rs` is the language. `naive.rs` is the model: it has no wakers, frames or guards, polls
//! everything until nothing changes, and a cancel is an error that travels up through the code, as
//! in trio. `real.rs` runs the same program on trine. Times are such that no two things which do
//! not follow from each other fall together, and what happens in one instant is compared without
//! its order, which is not specified.

mod ast;
mod naive;
mod real;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::prelude::*;

use self::ast::{Block, Op, numbers, program};

/// Something that happened: the time in nanoseconds, the number of the operation, and what.
type Line = (u64, usize, &'static str);

/// What happened.
#[derive(Default, Clone)]
struct Trace {
    numbers: Rc<BTreeMap<*const Op, usize>>,
    lines: Rc<RefCell<Vec<Line>>>,
}

impl Trace {
    fn new(program: &[Op]) -> Self {
        Self { numbers: Rc::new(numbers(program)), lines: Rc::default() }
    }

    fn number(&self, op: &Op) -> usize {
        self.numbers[&std::ptr::from_ref(op)]
    }

    fn note(&self, time: u64, op: &Op, what: &'static str) {
        self.note_number(time, self.number(op), what);
    }

    fn note_number(&self, time: u64, number: usize, what: &'static str) {
        self.lines.borrow_mut().push((time, number, what));
    }

    /// By time, but in no order within an instant.
    fn sorted(&self) -> Vec<Line> {
        let mut lines = self.lines.take();
        lines.sort_unstable();
        lines
    }
}

fn check(program: Vec<Op>, seed: u64) {
    let program = Block::from(program);
    let expected = naive::run(&program);
    assert_eq!(real::run(&program, None), expected);
    assert_eq!(real::run(&program, Some(seed)), expected, "under seed {seed}");
}

/// How many programs a test tries.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(150))]

    /// Scopes, deadlines, graces, shields, cleanups, nurseries, starts, errors and panics do what
    /// the model says.
    // rule: C-6, C-8, D-2, D-10, D-12, N-2, N-3, N-4
    #[test]
    fn programs_do_what_the_model_says(program in program(), seed in 0..1_000_u64) {
        check(program, seed);
    }
}

proptest! {
    #![proptest_config(config(50_000))]

    // rule: C-6, C-8, D-2, D-10, D-12, N-2, N-3, N-4
    #[test]
    #[ignore = "many more programs, which take a while"]
    fn many_programs_do_what_the_model_says(program in program(), seed in 0..1_000_u64) {
        check(program, seed);
    }
}
