//! Random programs: whatever waits, is granted, dropped and released, every permit is somewhere,
//! once.

use std::task::Poll::Ready;

use proptest::prelude::*;
use trine_sync::{Acquire, Lock, Mutex, ParkingLot, RwLock, Semaphore, SemaphorePermit};

use crate::support::poll;

#[derive(Clone, Copy, Debug)]
enum Step {
    Begin,
    Try,
    Poll(usize),
    DropWait(usize),
    Release(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Begin),
        1 => Just(Step::Try),
        4 => any::<usize>().prop_map(Step::Poll),
        2 => any::<usize>().prop_map(Step::DropWait),
        3 => any::<usize>().prop_map(Step::Release),
    ]
}

fn program() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..80)
}

fn pick<T>(from: &[T], number: usize) -> Option<usize> {
    (!from.is_empty()).then(|| number % from.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Free, held, or granted to one who has not looked: the permits are all there, and nobody
    /// waits while one is free.
    // rule: Y-2
    #[test]
    fn permits_are_conserved(total in 0_usize..4, steps in program()) {
        let semaphore = Semaphore::new(total);
        let mut waits: Vec<Acquire<'_>> = vec![];
        let mut permits: Vec<SemaphorePermit<'_>> = vec![];
        for step in steps {
            match step {
                Step::Begin => {
                    let mut wait = semaphore.acquire();
                    match poll(&mut wait) {
                        Ready(permit) => permits.push(permit),
                        _ => waits.push(wait),
                    }
                }
                Step::Try => permits.extend(semaphore.try_acquire()),
                Step::Poll(number) => if let Some(index) = pick(&waits, number)
                    && let Ready(permit) = poll(&mut waits[index])
                {
                    drop(waits.remove(index));
                    permits.push(permit);
                },
                Step::DropWait(number) => if let Some(index) = pick(&waits, number) {
                    drop(waits.remove(index));
                },
                Step::Release(number) => if let Some(index) = pick(&permits, number) {
                    drop(permits.swap_remove(index));
                },
            }
            let waiting = semaphore.tasks_waiting();
            let granted = waits.len() - waiting;
            prop_assert_eq!(semaphore.value() + permits.len() + granted, total);
            prop_assert!(waiting == 0 || semaphore.value() == 0);
        }
        // First come first served: those granted are the longest waiting.
        let granted = waits.len() - semaphore.tasks_waiting();
        for (index, wait) in waits.iter_mut().enumerate() {
            let is_granted = poll(wait).map(std::mem::forget).is_ready();
            prop_assert_eq!(is_granted, index < granted);
        }
    }

    /// A mutex is held by one at a time, and by nobody only if nobody waits.
    // rule: Y-1
    #[test]
    fn a_mutex_is_held_by_one(steps in program()) {
        let mutex = Mutex::new(0);
        let mut waits: Vec<Lock<'_, i32>> = vec![];
        let mut held = None;
        for step in steps {
            let mut got = None;
            match step {
                Step::Begin => {
                    let mut wait = mutex.lock();
                    match poll(&mut wait) {
                        Ready(guard) => got = Some(guard),
                        _ => waits.push(wait),
                    }
                }
                Step::Try => got = mutex.try_lock(),
                Step::Poll(number) => if let Some(index) = pick(&waits, number)
                    && let Ready(guard) = poll(&mut waits[index])
                {
                    prop_assert_eq!(index, 0);
                    drop(waits.remove(index));
                    got = Some(guard);
                },
                Step::DropWait(number) => if let Some(index) = pick(&waits, number) {
                    drop(waits.remove(index));
                },
                Step::Release(_) => held = None,
            }
            if got.is_some() {
                prop_assert!(held.is_none(), "two at a time");
                held = got;
            }
            let statistics = mutex.statistics();
            prop_assert!(statistics.locked || statistics.tasks_waiting == 0);
            let granted = waits.len() - statistics.tasks_waiting;
            prop_assert_eq!(usize::from(statistics.locked), usize::from(held.is_some()) + granted);
        }
    }

    /// Readers and writers of an `RwLock` never meet, and once all have left it is free.
    // rule: Y-1
    #[test]
    fn readers_and_writers_never_meet(steps in prop::collection::vec((any::<bool>(), step()), 0..80)) {
        let lock = RwLock::new(0);
        let (mut reads, mut writes) = (vec![], vec![]);
        let (mut readers, mut writers) = (vec![], vec![]);
        for (write, step) in steps {
            match (step, write) {
                (Step::Begin, false) => reads.push(lock.read()),
                (Step::Begin, true) => writes.push(lock.write()),
                (Step::Try, false) => readers.extend(lock.try_read()),
                (Step::Try, true) => writers.extend(lock.try_write()),
                (Step::Poll(number), false) => if let Some(index) = pick(&reads, number)
                    && let Ready(guard) = poll(&mut reads[index])
                {
                    drop(reads.swap_remove(index));
                    readers.push(guard);
                },
                (Step::Poll(number), true) => if let Some(index) = pick(&writes, number)
                    && let Ready(guard) = poll(&mut writes[index])
                {
                    drop(writes.swap_remove(index));
                    writers.push(guard);
                },
                (Step::DropWait(number), false) => if let Some(index) = pick(&reads, number) {
                    drop(reads.swap_remove(index));
                },
                (Step::DropWait(number), true) => if let Some(index) = pick(&writes, number) {
                    drop(writes.swap_remove(index));
                },
                (Step::Release(_), false) => drop(readers.pop()),
                (Step::Release(_), true) => drop(writers.pop()),
            }
            prop_assert!(writers.len() <= 1 && (writers.is_empty() || readers.is_empty()));
        }
        drop((reads, writes, readers, writers));
        prop_assert!(lock.try_write().is_some());
    }

    /// Tasks parked in two lots, moved between them, dropped and unparked: each is in one lot, or
    /// unparked.
    // rule: Y-2
    #[test]
    fn parked_tasks_are_in_one_lot(steps in prop::collection::vec((any::<bool>(), step()), 0..80)) {
        let lots = [ParkingLot::new(), ParkingLot::new()];
        let mut parks = vec![];
        let mut unparked = 0;
        for (which, step) in steps {
            let (lot, other) = (&lots[usize::from(which)], &lots[usize::from(!which)]);
            match step {
                Step::Begin => {
                    let mut park = lot.park();
                    prop_assert!(poll(&mut park).is_pending());
                    parks.push(park);
                }
                Step::Try => {
                    lot.repark(1, other);
                }
                Step::Poll(number) => if let Some(index) = pick(&parks, number)
                    && poll(&mut parks[index]).is_ready()
                {
                    drop(parks.swap_remove(index));
                    unparked -= 1;
                },
                Step::DropWait(number) => if let Some(index) = pick(&parks, number) {
                    drop(parks.swap_remove(index));
                    // If it was unparked already, another was in its stead, or nobody was there.
                    unparked = parks.len() - lots.iter().map(ParkingLot::len).sum::<usize>();
                },
                Step::Release(number) => unparked += lot.unpark(number % 3),
            }
            prop_assert_eq!(lots.iter().map(ParkingLot::len).sum::<usize>() + unparked, parks.len());
        }
        let woken = lots.iter().map(ParkingLot::unpark_all).sum::<usize>();
        prop_assert_eq!(woken + unparked, parks.len());
        prop_assert!(parks.iter_mut().all(|park| poll(park).is_ready()));
    }
}
