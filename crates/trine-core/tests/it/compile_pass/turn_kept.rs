//! A turn, and what it hands out, are not kept when it is over.

use std::future::poll_fn;
use std::task::Poll;
use trine_core::lowlevel::Group;

fn main() {
    trine_core::run(async {
        let group = Group::open();
        group.start(async {});
        poll_fn(|cx| {
            let kept = group.turn(cx, |turn| turn.next().map(|ready| ready.task()));
            drop(kept);
            Poll::Ready(())
        })
        .await;
    });
}
