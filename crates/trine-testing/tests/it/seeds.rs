//! Many schedules of one test: what they find, how it is replayed and explained.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::env;
use std::process::Command;

use trine_core::lowlevel::cancel_shielded_checkpoint;
use trine_core::{checkpoint, now, sleep};
use trine_nursery::open_nursery;
use trine_testing::TestRunner;

use crate::support::{failure, secs, since};

/// The order in which four tasks run.
async fn order_of_four() -> Vec<usize> {
    let order = RefCell::new(Vec::new());
    open_nursery(async |nursery| {
        for n in 0..4 {
            let order = &order;
            nursery.start_soon(async move {
                order.borrow_mut().push(n);
                cancel_shielded_checkpoint().await;
            });
        }
    })
    .await;
    order.into_inner()
}

fn orders(seeds: u64) -> Vec<Vec<usize>> {
    let orders = RefCell::new(Vec::new());
    TestRunner::new().seeds(seeds).run_each(|| async {
        let order = order_of_four().await;
        orders.borrow_mut().push(order);
    });
    orders.into_inner()
}

/// The first seed is the usual order; among a hundred there is every order of four tasks; and the
/// same seeds give the same orders.
// rule: K-7
// rule: L-3
#[test]
fn seeds_are_orders() {
    let found = orders(200);
    assert_eq!(found[0], [0, 1, 2, 3]);
    let different: BTreeSet<_> = found.iter().collect();
    assert_eq!(different.len(), 24);
    assert_eq!(orders(200), found);
}

/// A transfer that reads a balance, lets others run, and writes the balance: right as long as the
/// two tasks keep the order in which they were started.
async fn lost_update() {
    let balance = Cell::new(100);
    let audited = Cell::new(false);
    open_nursery(async |nursery| {
        nursery.start_soon_named("deposit", async {
            checkpoint().await;
            balance.set(balance.get() + 50);
        });
        nursery.start_soon_named("audit", async {
            checkpoint().await;
            let seen = balance.get();
            checkpoint().await;
            balance.set(seen);
            audited.set(true);
        });
    })
    .await;
    assert!(audited.get());
    assert_eq!(balance.get(), 150, "the deposit was lost");
}

/// It passes in the usual order; some of 200 seeds finds the update that is lost. The report names
/// the seed, and the one thing that must be other than usual.
// rule: K-7
#[test]
fn finds_a_lost_update() {
    TestRunner::new().run(lost_update());
    let message = failure(|| TestRunner::new().seeds(200).run_each(lost_update));
    assert!(message.contains("the deposit was lost"), "{message}");
}

/// A test that is the same each time passes, one that counts its runs is found out.
#[test]
fn determinism_is_checked() {
    TestRunner::new().seeds(10).check_determinism(|| async { drop(order_of_four().await) });
    let runs = Cell::new(0);
    let message = failure(|| {
        TestRunner::new().check_determinism(|| async {
            runs.set(runs.get() + 1);
            for _ in 0..runs.get() {
                checkpoint().await;
            }
        });
    });
    assert!(message.contains("the trace differs from line"), "{message}");
}

/// Prints the orders that it runs in, for the test below.
#[test]
fn prints_its_orders() {
    for order in orders(4) {
        println!("order {order:?}");
    }
}

/// `TRINE_SEED` replays one seed, exactly; `TRINE_SEEDS` runs so many instead of what the test asks
/// for.
// rule: K-7
#[test]
fn the_environment_chooses_seeds() {
    let printed = |variable: &str, value: &str| -> Vec<String> {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "seeds::prints_its_orders", "--nocapture"])
            .env(variable, value)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|line| line.starts_with("order ")).map(String::from).collect()
    };
    let expected: Vec<String> = orders(9).iter().map(|order| format!("order {order:?}")).collect();
    assert_eq!(printed("TRINE_SEEDS", "9"), expected);
    assert_eq!(printed("TRINE_SEED", "7"), expected[7..8]);
}

/// In which of twenty ticks the second of two tasks goes first, for each of so many seeds.
fn ticks_of_the_second(seeds: u64) -> Vec<Vec<bool>> {
    let runs = RefCell::new(Vec::new());
    TestRunner::new().seeds(seeds).run_each(|| async {
        let log = RefCell::new(Vec::new());
        open_nursery(async |nursery| {
            for second in [false, true] {
                let log = &log;
                nursery.start_soon(async move {
                    for _ in 0..20 {
                        log.borrow_mut().push(second);
                        cancel_shielded_checkpoint().await;
                    }
                });
            }
        })
        .await;
        let first_in_tick = log.into_inner().into_iter().step_by(2).collect();
        runs.borrow_mut().push(first_in_tick);
    });
    runs.into_inner()
}

/// Orders that an even shuffle would hardly ever come to are favoured by half of the seeds: one
/// task before the other throughout, and with just one change in between. The other half shuffles
/// evenly.
#[test]
fn rare_orders_are_favoured() {
    let runs = ticks_of_the_second(100);
    let changes = |run: &Vec<bool>| run.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(runs.iter().any(|run| run.iter().all(|second| *second)));
    assert!(runs.iter().any(|run| changes(run) == 1 && run[0] && !run[19]));
    assert!(runs.iter().any(|run| changes(run) == 1 && !run[0] && run[19]));
    let even = runs.iter().filter(|run| (5..15).contains(&changes(run))).count();
    assert!((45..=60).contains(&even), "{even}");
}

/// The report of a lost update: how to replay it, the one thing that must be other than usual, and
/// what happens then.
// rule: K-7
#[test]
fn a_failure_is_explained() {
    let runner = TestRunner::new().name("transfer").seeds(200);
    let report = runner.report_of_first_failure(lost_update).unwrap();
    let (head, trace) = report.split_once("What happens then:\n").unwrap();
    let (failed, replay) = (head.lines().next().unwrap(), head.lines().nth(1).unwrap());
    let failed = failed.strip_prefix("transfer failed under seed ").unwrap();
    let (seed, failure) = failed.split_once(": ").unwrap();
    assert_eq!(failure, "assertion `left == right` failed: the deposit was lost");
    assert_eq!(replay, format!("To replay it: TRINE_SEED={seed}"));
    assert_eq!(
        head.lines().skip(2).collect::<Vec<_>>(),
        [
            "It fails when tasks run in another order than they were woken in:",
            "  audit before deposit",
        ]
    );
    let ends: Vec<&str> = trace.lines().filter(|line| line.ends_with("ends")).collect();
    assert_eq!(ends, ["  deposit ends", "  audit ends"], "{trace}");
}

/// A failure in every order is said to be one; one that does not come again is not explained.
#[test]
fn other_failures_are_not_blamed_on_the_order() {
    let always = || async { Err::<(), _>("always") };
    let report = TestRunner::new().seeds(3).report_of_first_failure(always).unwrap();
    assert!(report.contains("It fails in the usual order of tasks, too."), "{report}");

    let runs = Cell::new(0);
    let first = || async {
        runs.set(runs.get() + 1);
        if runs.get() == 1 { Err("once") } else { Ok(()) }
    };
    let report = TestRunner::new().seeds(3).report_of_first_failure(first).unwrap();
    assert!(report.contains("did not fail in the same way a second time"), "{report}");
}

/// Seeds and sweeps are in virtual time, without being told so: an hour passes at once.
#[test]
fn time_is_virtual() {
    let an_hour = || async {
        let start = now();
        sleep(secs(3600)).await;
        assert_eq!(since(start), secs(3600));
    };
    let runner = || TestRunner::new().timeout(secs(10));
    runner().seeds(2).run_each(an_hour);
    runner().cancel_sweep().run_each(an_hour);
}

/// Misuse: no seeds, and more than one run where there can be only one.
#[test]
fn what_would_not_run_is_a_mistake() {
    assert!(failure(|| TestRunner::new().seeds(0)).contains("ask for 1 or more"));
    assert!(failure(|| TestRunner::new().seeds(2).run(async {})).contains("use `run_each`"));
}
