//! A limiter in trine: `CapacityLimiter`.

use trine::{CapacityLimiter, checkpoint, open_nursery};

use super::run;
use crate::bench::Bench;
use crate::checks::{Held, TOKENS};

/// `Kind::Limiter`.
pub(super) fn limiter(bench: &Bench) -> u64 {
    let held = Held::default();
    run(bench, async {
        bench.begin();
        let limiter = CapacityLimiter::new(TOKENS);
        open_nursery(async |nursery| {
            for _ in 0..bench.width {
                nursery.start_soon(async {
                    for _ in 0..bench.share() {
                        let _permit = limiter.acquire().await;
                        held.enter();
                        checkpoint().await;
                        held.leave();
                    }
                });
            }
        })
        .await;
        bench.end();
    });
    held.checksum()
}
