//! `ParkingLot`.

use std::task::Poll::{self, Pending, Ready};

use trine_sync::{Park, ParkingLot};

use crate::support::{WakeCount, poll};

fn parked<const N: usize>(lot: &ParkingLot) -> [Park<'_>; N] {
    std::array::from_fn(|_| {
        let mut park = lot.park();
        assert_eq!(poll(&mut park), Pending);
        park
    })
}

fn poll_all<const N: usize>(parks: &mut [Park<'_>; N]) -> [Poll<()>; N] {
    parks.each_mut().map(poll)
}

/// Unparked all at once, or some, first come first served.
// rule: Y-1
#[test]
fn unparked_in_order() {
    let lot = ParkingLot::new();
    let mut parks = parked::<3>(&lot);
    assert_eq!((lot.len(), lot.is_empty()), (3, false));
    assert_eq!(lot.unpark_all(), 3);
    assert_eq!(poll_all(&mut parks), [Ready(()); 3]);

    let mut parks = parked::<3>(&lot);
    assert_eq!(lot.unpark(1), 1);
    assert_eq!(poll_all(&mut parks), [Ready(()), Pending, Pending]);
    let [_, mut second, mut third] = parks;
    assert_eq!(lot.unpark(5), 2);
    assert_eq!((poll(&mut second), poll(&mut third)), (Ready(()), Ready(())));
    assert_eq!(lot.unpark(1), 0);
}

/// One who is dropped leaves from the middle; if it was unparked already, the next who was there
/// is.
// rule: Y-2
#[test]
fn a_dropped_park_leaves() {
    let lot = ParkingLot::new();
    let [mut first, second, mut third, mut fourth] = parked(&lot);
    drop(second);
    assert_eq!(lot.unpark(2), 2);
    drop(third_of(&mut third, &lot));
    assert_eq!(poll(&mut first), Ready(()));
    assert_eq!(poll(&mut fourth), Ready(()));

    // It does not go to one who came after the unpark.
    let [unparked] = parked(&lot);
    lot.unpark(1);
    let [mut late] = parked(&lot);
    drop(unparked);
    assert_eq!(poll(&mut late), Pending);
}

/// Takes a parked future away from where it is, so that it can be dropped there.
fn third_of<'a>(park: &mut Park<'a>, lot: &'a ParkingLot) -> Park<'a> {
    std::mem::replace(park, lot.park())
}

/// Moved to another lot, tasks stand in line there; nobody is woken for it.
// rule: Y-1
#[test]
fn reparked_in_order() {
    let (here, there) = (ParkingLot::new(), ParkingLot::new());
    let woken = WakeCount::new();
    let mut parks = [0, 1, 2].map(|_| here.park());
    for park in &mut parks {
        assert_eq!(woken.poll(park), Pending);
    }
    let mut before = parked::<1>(&there);
    assert_eq!(here.repark(2, &there), 2);
    assert_eq!((here.len(), there.len(), woken.get()), (1, 3, 0));
    assert_eq!(there.unpark(2), 2);
    assert_eq!(poll_all(&mut before), [Ready(())]);
    assert_eq!(woken.get(), 1);
    assert_eq!(poll_all(&mut parks), [Ready(()), Pending, Pending]);
    assert_eq!(here.unpark_all() + there.unpark_all(), 2);
}

/// One who is dropped after it was moved leaves the new lot; unparked there, the next there is.
// rule: Y-2
#[test]
fn a_dropped_park_leaves_the_new_lot() {
    let (here, there) = (ParkingLot::new(), ParkingLot::new());
    let [first, second, mut third] = parked(&here);
    assert_eq!(here.repark(3, &there), 3);
    drop(first);
    assert_eq!(there.len(), 2);
    assert_eq!(there.unpark(1), 1);
    drop(second);
    assert_eq!(poll(&mut third), Ready(()));
}

/// Moved on and on, and back home.
// rule: Y-1
#[test]
fn reparked_again_and_again() {
    let lots = [ParkingLot::new(), ParkingLot::new(), ParkingLot::new()];
    let mut parks = parked::<2>(&lots[0]);
    for (from, to) in [(0, 1), (1, 2), (2, 0), (0, 0), (0, 2), (2, 1)] {
        lots[from].repark(usize::MAX, &lots[to]);
    }
    assert_eq!(lots.each_ref().map(ParkingLot::len), [0, 2, 0]);
    assert_eq!(poll_all(&mut parks), [Pending; 2]);
    assert_eq!(lots[1].unpark(1), 1);
    assert_eq!(poll_all(&mut parks), [Ready(()), Pending]);
}
