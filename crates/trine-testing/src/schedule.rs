//! Schedules: the orders in which a seed has ready tasks run, written down so that they can be
//! replayed.
//!
//! | seed | order |
//! |---|---|
//! | 0 | first in first out, as without seeds |
//! | odd | every order of the ready tasks is equally likely, each time anew |
//! | even | each task has a rank and the higher rank goes first, until ranks change at a few random times |
//!
//! The second kind rarely lets one task run ahead of another for long; the third does just that. It
//! is after "A randomized scheduler with probabilistic guarantees of finding bugs" (Burckhardt et
//! al., 2010).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use fastrand::Rng;
use trine_core::lowlevel::{Schedule, frame};

/// The chance, one in so many choices, that the task of the highest rank gets the lowest.
const CHANGE: u32 = 16;

/// In which order the tasks of one choice ran: the places that they had in the order of waking.
pub(crate) type Order = Vec<usize>;

/// The choices of a run that were other than first in first out, by number.
pub(crate) type Choices = BTreeMap<usize, Order>;

/// What is known of a run's schedule when it is over.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// How many choices there were.
    passed: usize,
    pub(crate) choices: Choices,
    /// Which tasks got ahead of which by each of them.
    pub(crate) overtakes: BTreeMap<usize, Vec<Overtake>>,
}

/// A task that ran before others that had been woken before it.
#[derive(Debug)]
pub(crate) struct Overtake {
    pub(crate) task: Who,
    pub(crate) overtaken: Vec<Who>,
}

/// A task by number, with where it was spawned if it has no name.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) id: u64,
    pub(crate) place: Option<String>,
}

impl Who {
    fn of(id: u64) -> Self {
        let place = frame(id).filter(|frame| frame.name.is_none()).and_then(|frame| frame.site);
        Self { id, place: place.map(|site| format!("{}:{}", site.file(), site.line())) }
    }
}

/// A schedule that writes down what it does.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) log: Rc<RefCell<Log>>,
    chooser: Chooser,
}

#[derive(Debug)]
enum Chooser {
    Fifo,
    Uniform(Rng),
    Ranked { random: Rng, ranks: BTreeMap<u64, i64>, lowest: i64 },
    Replayed(Choices),
}

impl Recorded {
    /// The schedule of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let random = Rng::with_seed(seed);
        Self::new(match seed {
            0 => Chooser::Fifo,
            odd if odd % 2 == 1 => Chooser::Uniform(random),
            _ => Chooser::Ranked { random, ranks: BTreeMap::new(), lowest: 0 },
        })
    }

    /// These choices, and first in first out otherwise. One that does not fit is passed over.
    pub(crate) fn replayed(choices: Choices) -> Self {
        Self::new(Chooser::Replayed(choices))
    }

    fn new(chooser: Chooser) -> Self {
        Self { log: Rc::default(), chooser }
    }
}

impl Schedule for Recorded {
    fn arrange(&mut self, ready: &mut [u64]) {
        let number = self.log.borrow().passed;
        let order = self.chooser.order(number, ready);
        let before = ready.to_vec();
        for (place, from) in ready.iter_mut().zip(&order) {
            *place = before[*from];
        }
        let mut log = self.log.borrow_mut();
        log.passed += 1;
        if !order.is_sorted() {
            log.overtakes.insert(number, overtakes(&before, &order));
            log.choices.insert(number, order);
        }
    }
}

impl Chooser {
    fn order(&mut self, number: usize, ready: &[u64]) -> Order {
        let mut order: Order = (0..ready.len()).collect();
        match self {
            Self::Fifo => {}
            Self::Uniform(random) => random.shuffle(&mut order),
            Self::Ranked { random, ranks, lowest } => {
                let rank =
                    |id: &u64| *ranks.entry(*id).or_insert_with(|| i64::from(random.u32(..)));
                let of_ready: Vec<i64> = ready.iter().map(rank).collect();
                order.sort_by_key(|place| -of_ready[*place]);
                if random.u32(..CHANGE) == 0 {
                    *lowest -= 1;
                    ranks.insert(ready[order[0]], *lowest);
                }
            }
            Self::Replayed(choices) => match choices.get(&number) {
                Some(chosen) if chosen.len() == order.len() => order.clone_from(chosen),
                _ => {}
            },
        }
        order
    }
}

/// Which tasks got ahead of which.
fn overtakes(before: &[u64], order: &[usize]) -> Vec<Overtake> {
    let mut overtakes = Vec::new();
    for (place, from) in order.iter().enumerate() {
        let overtaken = order[place + 1..].iter().filter(|later| *later < from);
        let overtaken: Vec<Who> = overtaken.map(|later| Who::of(before[*later])).collect();
        if !overtaken.is_empty() {
            overtakes.push(Overtake { task: Who::of(before[*from]), overtaken });
        }
    }
    overtakes
}
