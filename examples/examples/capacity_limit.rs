//! At most so many at a time: a `CapacityLimiter`, first come first served.
//!
//! The permit is given back when it is dropped: at the end, and also on a cancel or a panic. Time is
//! virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::time::Duration;

use trine::testing::MockClock;
use trine::{CapacityLimiter, Runner, gather, now, sleep};

/// A site that must not be asked for more than four pages at a time.
struct Site {
    connections: CapacityLimiter,
    open: Cell<usize>,
    most: Cell<usize>,
}

impl Site {
    fn new(connections: usize) -> Self {
        let connections = CapacityLimiter::new(connections);
        Self { connections, open: Cell::new(0), most: Cell::new(0) }
    }

    async fn fetch(&self, page: u32) -> String {
        let _permit = self.connections.acquire().await;
        self.open.set(self.open.get() + 1);
        self.most.set(self.most.get().max(self.open.get()));
        sleep(Duration::from_millis(100)).await;
        self.open.set(self.open.get() - 1);
        format!("page {page}")
    }
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let site = Site::new(4);
        let begin = now();
        let pages = gather((1..=15).map(|page| site.fetch(page))).await;
        println!("{} pages, the last one is {:?}", pages.len(), pages[14]);
        println!("{} connections at most", site.most.get());
        println!("{} ms, for 4 and 4 and 4 and 3", (now() - begin).as_millis());
    });
}
