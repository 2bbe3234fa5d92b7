//! What a task gives is what its group is of.

use std::future::poll_fn;
use std::task::Poll;
use trine_core::lowlevel::Group;

fn main() {
    trine_core::run(async {
        let group = Group::<'_, usize>::open();
        group.start(async { 1 });
        poll_fn(|cx| {
            let poll: Poll<&str> = group.turn(cx, |turn| turn.next().unwrap().poll());
            poll.map(drop)
        })
        .await;
    });
}
