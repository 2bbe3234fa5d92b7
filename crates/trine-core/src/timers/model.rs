//! The timers against a list that is searched from end to end.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A timer as the model keeps it: when it is due, and its place among those set before and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Set {
    id: TimerId,
    deadline: Instant,
    name: u32,
    fired: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Insert(u64),
    InsertMany(Vec<u64>),
    Remove(prop::sample::Index),
    Expire(u64),
    /// Asks for the next one, which puts all into order.
    Next,
    Renumber,
    Begin,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (0..20_u64).prop_map(Change::Insert),
        1 => vec(0..20_u64, 0..4 * order::BATCH).prop_map(Change::InsertMany),
        9 => any::<prop::sample::Index>().prop_map(Change::Remove),
        2 => (0..10_u64).prop_map(Change::Expire),
        2 => Just(Change::Next),
        1 => Just(Change::Renumber),
        1 => Just(Change::Begin),
    ]
}

/// The name that a timer of the test carries.
fn name(due: &Due) -> u32 {
    match due {
        Due::Deadline(FrameId(name)) => *name,
        other => panic!("a timer turned into {other:?}"),
    }
}

fn milliseconds(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The next of the model: the earliest, and of those the first that was set.
fn next(model: &[Set]) -> Option<Set> {
    model.iter().filter(|set| !set.fired).copied().min_by_key(|set| (set.deadline, set.name))
}

fn agree(timers: &Timers, model: &[Set]) {
    timers.check();
    assert_eq!(timers.used(), model.len());
    let next = next(model).map(|set| set.deadline);
    assert!(timers.bound() <= next || next.is_none());
    for set in model {
        assert_eq!(timers.deadline(set.id), (!set.fired).then_some(set.deadline));
        assert_eq!(timers.has_fired(set.id), set.fired);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Whatever is set, taken back and waited for: what is due leaves in order of time, and at equal times
    /// in the order in which it was set.
    #[test]
    fn timers_do_as_a_list(changes in vec(change(), 0..200)) {
        let mut timers = Timers::new();
        // real time: the beginning of a virtual clock
        let mut now = Instant::now();
        timers.begin(now);
        let mut model: Vec<Set> = Vec::new();
        let mut name_of_next = 0;
        let mut insert = |timers: &mut Timers, deadline| {
            name_of_next += 1;
            let name = name_of_next;
            let id = timers.insert_deadline(deadline, FrameId(name));
            Set { id, deadline, name, fired: false }
        };
        for change in changes {
            match change {
                Change::Insert(ms) => model.push(insert(&mut timers, now + milliseconds(ms))),
                Change::InsertMany(many) => {
                    model.extend(many.iter().map(|&ms| insert(&mut timers, now + milliseconds(ms))));
                }
                Change::Next => {
                    prop_assert_eq!(timers.next(), next(&model).map(|set| set.deadline));
                }
                Change::Remove(index) if !model.is_empty() => {
                    let set = model.swap_remove(index.index(model.len()));
                    prop_assert!(timers.remove_sleep(set.id).is_none(), "only sleeps have a sleeper");
                }
                Change::Expire(ms) => {
                    now += milliseconds(ms);
                    while let Some(expected) = next(&model).filter(|set| set.deadline <= now) {
                        let due = timers.pop_due(now);
                        prop_assert_eq!(due.as_ref().map(name), Some(expected.name));
                        let set = model.iter_mut().find(|set| **set == expected);
                        set.expect("it was found before").fired = true;
                    }
                    prop_assert!(timers.pop_due(now).is_none());
                }
                Change::Renumber => timers.renumber(),
                // Another run on the thread begins, with timers left from the one before.
                Change::Begin => timers.begin(now),
                Change::Remove(_) => {}
            }
            agree(&timers, &model);
        }
        for set in model.drain(..) {
            prop_assert!(timers.remove_sleep(set.id).is_none(), "only sleeps have a sleeper");
        }
        agree(&timers, &model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// However many come together, and however they are spread, the next is the earliest.
    #[test]
    fn many_at_once_are_put_in_order(
        near in vec(0..50_u64, 0..600),
        far in vec(0..100_000_u64, 0..600),
        early in vec(0..1_000_u64, 0..100),
    ) {
        // real time: the beginning of a virtual clock
        let base = Instant::now();
        let mut order = Order::new();
        let mut expected = Vec::new();
        for batch in [near, early, far] {
            let begin = expected.len();
            let serials = begin as u32 + 1..;
            let entry = |(ms, at): (u64, u32)| Entry::new(base, base + milliseconds(ms), at, at);
            expected.extend(batch.into_iter().zip(serials).map(entry));
            order.add(expected[begin..].iter().copied());
        }
        expected.sort();
        for entry in expected {
            prop_assert_eq!(order.first(), Some(entry));
            order.pop(entry);
        }
        prop_assert_eq!(order.first(), None);
    }
}

/// When serial numbers run out they are given out anew, and the order stays.
#[test]
fn serial_numbers_may_run_out() {
    let mut timers = Timers::new();
    // real time: the beginning of a virtual clock
    let now = Instant::now();
    timers.begin(now);
    timers.serial = u32::MAX - 3;
    for at in 0..8 {
        timers.insert_deadline(now + milliseconds(at % 2), FrameId(at as u32));
    }
    let order = std::iter::from_fn(|| timers.pop_due(now + milliseconds(1)));
    let order: Vec<_> = order.map(|due| name(&due)).collect();
    assert_eq!(order, [0, 2, 4, 6, 1, 3, 5, 7]);
}

/// Timers that are set and taken back in turn take up one place among the recent ones, and leave nothing for
/// which a tick would have to look at the clock.
#[test]
fn what_is_taken_back_leaves_nothing_behind() {
    let mut timers = Timers::new();
    // real time: the beginning of a virtual clock
    let now = Instant::now();
    timers.begin(now);
    for ms in 0..1000 {
        let timer = timers.insert_deadline(now + milliseconds(1000 - ms), FrameId(1));
        assert_eq!(timers.bound(), Some(now + milliseconds(1000 - ms)));
        timers.remove(timer);
        assert_eq!(timers.bound(), None);
    }
    assert_eq!(timers.recent.len(), 1);
    assert_eq!(timers.next(), None);
    assert_eq!(timers.recent.len(), 0);
}
