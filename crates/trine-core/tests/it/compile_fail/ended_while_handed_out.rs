//! A task is not ended while somebody holds it to poll it.

use std::future::poll_fn;
use std::task::Poll;
use trine_core::lowlevel::Group;

fn main() {
    trine_core::run(async {
        let group = Group::open();
        let task = group.start(async {});
        poll_fn(|cx| {
            group.turn(cx, |turn| {
                let mut ready = turn.next().unwrap();
                turn.end_task(task);
                let _ = ready.poll();
            });
            Poll::Ready(())
        })
        .await;
    });
}
