//! Random cancels in a run, under random schedules: never more inside than there are tokens, and
//! all come back.

use proptest::prelude::*;
use trine_cancel::CancelScope;
use trine_core::{Runner, checkpoint};
use trine_limiter::CapacityLimiter;
use trine_nursery::open_nursery;

const STEPS: usize = 12;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Each task takes a token over and over, until it is cancelled wherever it is.
    // rule: Y-2
    #[test]
    fn every_token_comes_back(
        tokens in 1_usize..4,
        seed in any::<u64>(),
        plans in prop::collection::vec((0..STEPS, prop::bool::weighted(0.2)), 1..10),
    ) {
        let limiter = CapacityLimiter::new(tokens);
        let work = async || loop {
            let _permit = limiter.acquire().await;
            assert!(limiter.borrowed_tokens() <= tokens);
            checkpoint().await;
        };
        Runner::new().shuffle(seed).run(async {
            open_nursery(async |nursery| {
                let scopes: Vec<_> = plans
                    .iter()
                    .map(|(_, shielded)| (CancelScope::new(), CancelScope::new().shielded(*shielded)))
                    .collect();
                for (outer, inner) in &scopes {
                    let (outer, inner, work) = (outer.clone(), inner.clone(), &work);
                    nursery.start_soon(async move {
                        outer.run(inner.run(work())).await;
                    });
                }
                for step in 0..STEPS {
                    checkpoint().await;
                    for ((cancel_at, _), (outer, _)) in plans.iter().zip(&scopes) {
                        if *cancel_at == step {
                            outer.cancel();
                        }
                    }
                }
                scopes.iter().for_each(|(_, inner)| inner.cancel());
            })
            .await;
        });
        let statistics = limiter.statistics();
        prop_assert_eq!((statistics.borrowed_tokens, statistics.tasks_waiting), (0, 0));
        prop_assert!(statistics.borrowers.is_empty());
    }
}
