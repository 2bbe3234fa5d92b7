//! Time in trine: `sleep` and `move_on_after`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use trine::{checkpoint, move_on_after, open_nursery, sleep};

use super::run;
use crate::bench::Bench;
use crate::checks::{TIMEOUT, add};

/// `Kind::Sleeps`.
pub(super) fn sleeps(bench: &Bench) -> u64 {
    let awake = Cell::new(0);
    run(bench, async {
        let from = Instant::now();
        bench.begin();
        open_nursery(async |nursery| {
            for i in 0..bench.ops {
                nursery.start_soon(doze(&awake, bench.nap(i)));
            }
        })
        .await;
        bench.end();
        assert!(bench.slept_since(from), "somebody woke up early");
    });
    awake.get()
}

async fn doze(awake: &Cell<u64>, nap: Duration) {
    sleep(nap).await;
    add(awake, 1);
}

/// `Kind::Timeout`.
pub(super) fn timeouts(bench: &Bench) -> u64 {
    let in_time = Cell::new(0);
    run(bench, async {
        bench.begin();
        open_nursery(async |nursery| {
            for _ in 0..bench.width {
                nursery.start_soon(async {
                    for _ in 0..bench.share() {
                        let result = move_on_after(TIMEOUT, checkpoint()).await;
                        add(&in_time, u64::from(result.is_some()));
                    }
                });
            }
        })
        .await;
        bench.end();
    });
    in_time.get()
}
