//! Nurseries, error groups and the combinators.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::error::Error;
use std::fmt::{Debug, Display};

use trine::{ErrorGroup, Nursery, StartError, TaskOutput, TaskStatus};

use super::{ms, run};

/// A library's function that takes a nursery, and starts any kind of task in it.
fn start_twice<'env, E, R: TaskOutput<E> + 'env>(
    nursery: &Nursery<'env, E>,
    task: impl AsyncFn() -> R + Copy + 'env,
) where
    E: 'env,
{
    for _ in 0..2 {
        nursery.start_soon(async move { task().await });
    }
}

#[test]
fn tasks_borrow_from_around_the_nursery() {
    let seen = RefCell::new(vec![]);
    let body: &str = run(trine::open_nursery(async |nursery: Nursery<'_>| {
        let handle: Nursery<'_, Infallible> = nursery.clone();
        handle.start_soon(async { seen.borrow_mut().push("borrows") });
        nursery.start_soon_named("literal", async {});
        nursery.start_soon_named(String::from("owned"), async {});
        nursery.spawn(async {});
        let live: usize = nursery.len();
        assert_eq!(live, 4);
        "the body's value"
    }));
    assert_eq!(body, "the body's value");
    assert_eq!(seen.into_inner(), ["borrows"]);
}

#[test]
fn tasks_return_nothing_or_a_result_or_never() {
    let count = Cell::new(0);
    let group: Result<(), ErrorGroup<&str>> = run(trine::try_open_nursery(async |nursery| {
        nursery.start_soon(async {});
        nursery.start_soon(async { Ok(()) });
        nursery.start_soon(trine::sleep_forever());
        nursery.spawn(async { Ok(()) });
        let count = &count;
        start_twice(&nursery, async || count.set(count.get() + 1));
        nursery.start_soon(async {
            trine::sleep(ms(1)).await;
            Err("failed")
        });
        Ok(())
    }));
    assert_eq!(group.unwrap_err().errors(), ["failed"]);
    assert_eq!(count.get(), 2);
}

#[test]
fn start_waits_until_the_task_is_ready() {
    run(trine::open_nursery(async |nursery| {
        let ready: Result<u16, StartError<Infallible>> = nursery
            .start(async |status: TaskStatus<u16>| {
                status.started(8080);
                trine::sleep_forever().await
            })
            .await;
        assert_eq!(ready, Ok(8080));
        nursery.cancel_tasks();
    }));
    let done: Result<(), ErrorGroup<&str>> = run(trine::try_open_nursery(async |nursery| {
        let not: Result<(), StartError<&str>> = nursery.start(async |_status| Ok(())).await;
        assert_eq!(not, Err(StartError::NotStarted));
        let failed = nursery.start(async |_status: TaskStatus<()>| Err("in use")).await;
        assert_eq!(failed, Err(StartError::Failed("in use")));
        Ok(())
    }));
    assert!(done.is_ok());
}

#[test]
fn a_group_of_errors_is_split_mapped_and_walked() {
    fn is_an_error<E: Error + Debug + Display>(_: &E) {}
    let result: Result<(), ErrorGroup<std::fmt::Error>> =
        run(trine::try_open_nursery(async |nursery| {
            for _ in 0..3 {
                nursery.start_soon(async { Err(std::fmt::Error) });
            }
            Ok(())
        }));
    let group = result.unwrap_err();
    is_an_error(&group);
    let length: usize = group.len();
    assert_eq!(length, 3);
    let mut turn = 0;
    let numbered: ErrorGroup<i32> = group.map(|_| {
        turn += 1;
        turn
    });
    let errors: &[i32] = numbered.errors();
    assert_eq!(errors, [1, 2, 3]);
    let (odd, even): (Option<ErrorGroup<i32>>, Option<ErrorGroup<i32>>) =
        numbered.split(|n| n % 2 == 1);
    let odd: Vec<i32> = odd.unwrap().into_iter().collect();
    assert_eq!((odd, even.unwrap().into_iter().next()), (vec![1, 3], Some(2)));
}

async fn after(delay: u64, result: Result<u64, &str>) -> Result<u64, &str> {
    trine::sleep(ms(delay)).await;
    result
}

#[test]
fn the_combinators() {
    run(async {
        let all: Vec<u64> = trine::gather([3, 1].map(async |n| n)).await;
        assert_eq!(all, [3, 1]);
        let all: Result<Vec<u64>, ErrorGroup<&str>> =
            trine::try_gather([after(2, Ok(2)), after(1, Ok(1))]).await;
        assert_eq!(all.unwrap(), [2, 1]);
        let first: Result<u64, &str> = trine::race([after(2, Ok(2)), after(1, Err("1"))]).await;
        assert_eq!(first, Err("1"));
        let first_ok: Result<u64, ErrorGroup<&str>> =
            trine::race_ok([after(2, Ok(2)), after(1, Err("1"))]).await;
        assert_eq!(first_ok.unwrap(), 2);
        let doubled: Vec<u64> = trine::map_concurrent(2, 1..=3, async |n| n * 2).await;
        assert_eq!(doubled, [2, 4, 6]);
    });
}
