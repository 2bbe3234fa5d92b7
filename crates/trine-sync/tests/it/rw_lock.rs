//! `RwLock`.

use std::task::Poll::Ready;

use trine_sync::RwLock;

use crate::support::{now, poll};

/// Readers share; a writer is alone.
// rule: Y-1
#[test]
fn readers_share_and_a_writer_is_alone() {
    let lock = RwLock::new(1);
    let readers = (now(lock.read()), lock.try_read().unwrap());
    assert!(lock.try_write().is_none());
    drop(readers);
    let mut writer = now(lock.write());
    *writer += 1;
    assert!(lock.try_read().is_none() && lock.try_write().is_none());
    drop(writer);
    assert_eq!(*now(lock.read()), 2);
}

/// First come first served: a reader behind a writer waits; readers in line together go in
/// together.
// rule: Y-1
#[test]
fn nobody_overtakes() {
    let lock = RwLock::new(());
    let reading = now(lock.read());
    let mut writer = lock.write();
    assert!(poll(&mut writer).is_pending());
    let mut late = [lock.read(), lock.read()];
    for reader in &mut late {
        assert!(poll(reader).is_pending());
    }
    assert!(lock.try_read().is_none());
    let mut second_writer = lock.write();
    assert!(poll(&mut second_writer).is_pending());
    drop(reading);
    let Ready(writing) = poll(&mut writer) else { panic!("the writer was first") };
    drop(writing);
    let late = late.each_mut().map(poll);
    assert!(late.iter().all(std::task::Poll::is_ready));
    assert!(poll(&mut second_writer).is_pending());
    drop(late);
    assert!(poll(&mut second_writer).is_ready());
    assert!(!lock.statistics().locked);
}

/// A writer that gives up lets the readers behind it in at once; one that was granted passes it on.
// rule: Y-2
#[test]
fn a_dropped_writer_leaves() {
    let lock = RwLock::new(());
    let reading = now(lock.read());
    let mut writer = lock.write();
    assert!(poll(&mut writer).is_pending());
    let mut reader = lock.read();
    assert!(poll(&mut reader).is_pending());
    drop(writer);
    assert!(poll(&mut reader).is_ready());
    drop(reading);

    let writing = now(lock.write());
    let mut granted = lock.write();
    assert!(poll(&mut granted).is_pending());
    let mut next = lock.read();
    assert!(poll(&mut next).is_pending());
    drop(writing);
    drop(granted);
    assert!(poll(&mut next).is_ready());
}
