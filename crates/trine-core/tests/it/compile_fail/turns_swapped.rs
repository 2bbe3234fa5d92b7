//! A turn is of its group, and stays with it.

use std::future::poll_fn;
use std::mem;
use std::task::Poll;
use trine_core::lowlevel::Group;

fn main() {
    trine_core::run(async {
        let (one, two) = (Group::<()>::open(), Group::<()>::open());
        poll_fn(|cx| {
            one.turn(cx, |one| two.turn(cx, |two| mem::swap(one, two)));
            Poll::Ready(())
        })
        .await;
    });
}
