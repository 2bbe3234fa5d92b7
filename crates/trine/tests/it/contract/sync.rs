//! Synchronisation between tasks.

use trine::sync::{
    Condition, Event, LockStatistics, Mutex, MutexGuard, ParkingLot, Semaphore, SemaphorePermit,
};
use trine::testing::wait_all_tasks_blocked;

use super::run;

#[test]
fn an_event() {
    run(async {
        let event = Event::new();
        assert!(!event.is_set());
        event.set();
        let (): () = event.wait().await;
        assert!(event.is_set());
    });
}

#[test]
fn a_mutex() {
    run(async {
        let mutex = Mutex::new(1);
        let mut guard: MutexGuard<'_, i32> = mutex.lock().await;
        *guard += 1;
        let second: Option<MutexGuard<'_, i32>> = mutex.try_lock();
        assert!(second.is_none());
        let _: LockStatistics = mutex.statistics();
        drop(guard);
        assert_eq!(*mutex.try_lock().unwrap(), 2);
    });
}

#[test]
fn a_semaphore() {
    run(async {
        let semaphore = Semaphore::new(1);
        let permit: SemaphorePermit<'_> = semaphore.acquire().await;
        let second: Option<SemaphorePermit<'_>> = semaphore.try_acquire();
        assert!(second.is_none());
        semaphore.release();
        drop(permit);
        let value: usize = semaphore.value();
        assert_eq!(value, 2);
    });
}

#[test]
fn a_condition() {
    run(async {
        let (mutex, changed) = (Mutex::new(0), Condition::new());
        trine::open_nursery(async |nursery| {
            nursery.start_soon(async {
                let mut guard: MutexGuard<'_, i32> = mutex.lock().await;
                while *guard < 2 {
                    guard = changed.wait(guard).await;
                }
            });
            wait_all_tasks_blocked().await;
            *mutex.lock().await = 1;
            changed.notify(1);
            wait_all_tasks_blocked().await;
            *mutex.lock().await = 2;
            changed.notify_all();
        })
        .await;
    });
}

#[test]
fn a_parking_lot() {
    run(async {
        let (lot, other) = (ParkingLot::new(), ParkingLot::new());
        trine::open_nursery(async |nursery| {
            for _ in 0..3 {
                nursery.start_soon(lot.park());
            }
            wait_all_tasks_blocked().await;
            let unparked: usize = lot.unpark(1);
            lot.repark(1, &other);
            let parked: (usize, usize) = (lot.len(), other.len());
            assert_eq!((unparked, parked), (1, (1, 1)));
            lot.unpark_all();
            other.unpark_all();
        })
        .await;
    });
}
