//! Random programs against a model: a queue of who waits, and a count of what is out.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use proptest::prelude::*;
use trine_limiter::{AcquireOwned, CapacityLimiter, OwnedPermit};

use crate::poll_once;

/// One step of a program. Numbers pick among what there is, modulo how much there is.
#[derive(Clone, Debug)]
enum Step {
    Wait,
    Try,
    PollWaiter(usize),
    DropWaiter(usize),
    DropPermit(usize),
    SetTotal(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Wait),
        1 => Just(Step::Try),
        2 => (0..8_usize).prop_map(Step::PollWaiter),
        1 => (0..8_usize).prop_map(Step::DropWaiter),
        3 => (0..8_usize).prop_map(Step::DropPermit),
        1 => (0..4_usize).prop_map(Step::SetTotal),
    ];
    prop::collection::vec(step, 0..60)
}

/// A program under way, beside what the model says of it.
struct World {
    limiter: Arc<CapacityLimiter>,
    permits: Vec<OwnedPermit>,
    /// Waiters in the order they came, each with its number.
    waiters: Vec<(usize, Pin<Box<AcquireOwned>>)>,
    came: usize,
    total: usize,
    /// The model: who waits without a token, and who was given one and has not looked.
    line: VecDeque<usize>,
    granted: Vec<usize>,
}

impl World {
    fn new() -> Self {
        let limiter = Arc::new(CapacityLimiter::new(2));
        let (permits, waiters) = (vec![], vec![]);
        Self {
            limiter,
            permits,
            waiters,
            came: 0,
            total: 2,
            line: VecDeque::new(),
            granted: vec![],
        }
    }

    fn out(&self) -> usize {
        self.permits.len() + self.granted.len()
    }

    /// Hand-off in the model.
    fn settle(&mut self) {
        while self.out() < self.total
            && let Some(first) = self.line.pop_front()
        {
            self.granted.push(first);
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Wait => {
                let mut waiter = Box::pin(self.limiter.acquire_owned());
                let number = self.came;
                self.came += 1;
                match poll_once(waiter.as_mut()) {
                    Poll::Ready(permit) => {
                        assert!(
                            self.out() < self.total && self.line.is_empty(),
                            "let in past its turn"
                        );
                        self.permits.push(permit);
                    }
                    Poll::Pending => {
                        assert!(self.out() >= self.total, "a token was free");
                        self.line.push_back(number);
                        self.waiters.push((number, waiter));
                    }
                }
            }
            Step::Try => match self.limiter.try_acquire_owned() {
                Ok(permit) => {
                    assert!(
                        self.out() < self.total && self.line.is_empty(),
                        "let in past its turn"
                    );
                    self.permits.push(permit);
                }
                Err(_) => assert!(self.out() >= self.total, "a token was free"),
            },
            Step::PollWaiter(pick) if !self.waiters.is_empty() => {
                let index = pick % self.waiters.len();
                let (number, waiter) = &mut self.waiters[index];
                let expected = self.granted.iter().position(|granted| granted == number);
                match (poll_once(waiter.as_mut()), expected) {
                    (Poll::Ready(permit), Some(position)) => {
                        self.granted.remove(position);
                        drop(self.waiters.remove(index));
                        self.permits.push(permit);
                    }
                    (Poll::Pending, None) => {}
                    (polled, _) => {
                        panic!("the model disagrees: {expected:?}, {}", polled.is_ready())
                    }
                }
            }
            Step::DropWaiter(pick) if !self.waiters.is_empty() => {
                let (number, waiter) = self.waiters.remove(pick % self.waiters.len());
                drop(waiter);
                self.line.retain(|waiting| *waiting != number);
                self.granted.retain(|granted| *granted != number);
            }
            Step::DropPermit(pick) if !self.permits.is_empty() => {
                drop(self.permits.remove(pick % self.permits.len()));
            }
            Step::SetTotal(total) => {
                self.limiter.set_total_tokens(total);
                self.total = total;
            }
            Step::PollWaiter(_) | Step::DropWaiter(_) | Step::DropPermit(_) => {}
        }
        self.settle();
        let statistics = self.limiter.statistics();
        assert_eq!(statistics.borrowed_tokens, self.out());
        assert_eq!(statistics.borrowers.len(), self.out());
        assert_eq!(statistics.tasks_waiting, self.line.len());
    }
}

proptest! {
    // Half the usual number: a quarter of a second is what a test may take.
    #![proptest_config(ProptestConfig::with_cases(128))]

    // rule: Y-2
    #[test]
    fn the_limiter_agrees_with_its_model(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        let limiter = Arc::clone(&world.limiter);
        drop(world);
        prop_assert_eq!(limiter.borrowed_tokens(), 0);
    }
}
