//! Two tasks may share a cell; and one may borrow mutably what others do not.

use std::cell::Cell;

use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        let (count, mut own) = (Cell::new(0), 0);
        open_nursery(async |nursery| {
            nursery.start_soon(async { count.set(count.get() + 1) });
            nursery.start_soon(async { count.set(count.get() + 1) });
        })
        .await;
        open_nursery({
            let own = &mut own;
            async move |nursery| nursery.start_soon(async move { *own += 1 })
        })
        .await;
        assert_eq!((count.get(), own), (2, 1));
    });
}
