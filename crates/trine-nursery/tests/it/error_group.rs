//! `ErrorGroup`: all errors of a nursery.

use std::error::Error;
use std::num::ParseIntError;

use trine_cancel::{move_on_after, shield};
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{ErrorGroup, Nursery, StartError, try_open_nursery};

use crate::support::{WAYS, ms, run, run_shuffled, sleep_ms};

type Group = ErrorGroup<Box<dyn Error>>;

/// A group of these errors, from tasks started one after the other.
async fn group_of<E: 'static>(errors: Vec<E>) -> ErrorGroup<E> {
    let result = try_open_nursery(async |nursery: Nursery<'_, E>| {
        for error in errors {
            nursery.start_soon(async { Err(error) });
        }
        Ok(())
    });
    result.await.map(|(): ()| "no error").unwrap_err()
}

/// Its text is a tree: a line for each error with the task it came from, and a group in a group
/// indented.
#[test]
fn is_shown_as_a_tree() {
    let group = run(async {
        let result = try_open_nursery(async |nursery: Nursery<'_, Box<dyn Error>>| {
            nursery.start_soon_named("reader", async { Err("no such file".into()) });
            nursery.start_soon_named("inner", async {
                Err(group_of(vec!["one", "two\nlines"]).await.into())
            });
            shield(checkpoint()).await;
            Err::<(), _>("the body's own".into())
        });
        result.await.unwrap_err()
    });
    let text = group.to_string();
    let shown: Vec<_> =
        text.lines().map(|line| line.split(", started at").next().unwrap()).collect();
    let task = |line: &str| line.split("(task started at").next().unwrap().trim_end().to_owned();
    assert_eq!(shown[0], "3 errors in a nursery");
    assert_eq!(shown[1], "├─ no such file (reader");
    assert_eq!(shown[2], "├─ 2 errors in a nursery (inner");
    assert_eq!(task(shown[3]), "│  ├─ one");
    assert_eq!(task(shown[4]), "│  └─ two");
    assert_eq!(shown[5], "│     lines");
    assert_eq!(shown[6], "└─ the body's own (nursery body)");
    assert!(text.contains("error_group.rs:"), "it says where tasks were started: {text}");
    assert_eq!(shown.len(), 7);
}

/// Its `Debug`, which `main` and `unwrap` print, is the same tree, with the `Debug` of each error.
#[test]
fn is_shown_as_a_tree_to_who_debugs() {
    #[derive(Debug)]
    struct Status {
        #[expect(dead_code, reason = "it is printed")]
        code: u16,
    }

    let group = run(async {
        let result = try_open_nursery(async |nursery| {
            nursery.start_soon_named("reader", async { Err(Status { code: 404 }) });
            checkpoint().await;
            Ok(())
        });
        result.await.unwrap_err()
    });
    let expected = "1 error in a nursery\n└─ Status { code: 404 } (reader, started at ";
    assert!(format!("{group:?}").starts_with(expected), "{group:?}");
    let pretty = format!("{group:#?}");
    let lines: Vec<_> = pretty.lines().collect();
    assert!(lines[1].starts_with("└─ Status { (reader, started at "), "{pretty}");
    assert_eq!(lines[2..], ["       code: 404,", "   }"]);
}

/// `split` divides by kind, keeping the order and where each came from; `map` turns each into
/// another.
#[test]
fn is_split_and_mapped() {
    run(async {
        let (even, odd) = group_of(vec![1, 2, 3, 4]).await.split(|n| n % 2 == 0);
        let (even, odd) = (even.unwrap(), odd.unwrap());
        assert_eq!((even.errors(), odd.errors()), (&[2, 4][..], &[1, 3][..]));
        let (all, none) = even.split(|_| true);
        assert!(none.is_none());
        let words = all.unwrap().map(|n| format!("error {n}"));
        assert_eq!(words.len(), 2);
        assert!(words.to_string().contains("├─ error 2 (task started at "));
        assert_eq!(words.into_iter().collect::<Vec<_>>(), ["error 2", "error 4"]);
        assert_eq!((&odd).into_iter().sum::<i32>(), 4);
    });
}

/// It goes with `?` and boxed errors, and is searched by type at any depth, also through causes.
#[test]
fn is_found_at_any_depth() {
    #[derive(Debug, thiserror::Error)]
    #[error("reading the settings")]
    struct Settings(#[source] ParseIntError);

    async fn parse(text: &str) -> Result<(), Box<dyn Error>> {
        text.parse::<u8>().map_err(Settings)?;
        Ok(())
    }
    run(async {
        let outer: Result<(), Group> = try_open_nursery(async |nursery| {
            nursery.start_soon(async {
                let inner: Result<(), Group> = try_open_nursery(async |nursery| {
                    nursery.start_soon(parse("x"));
                    Ok(())
                })
                .await;
                Ok(inner?)
            });
            Ok(())
        })
        .await;
        let group = outer.unwrap_err();
        assert!(group.find::<ParseIntError>().is_some());
        assert!(group.find::<Settings>().is_some());
        assert!(group.find::<std::io::Error>().is_none());
    });
}

/// Also groups of another type inside, if they hold what is looked for.
#[test]
fn is_found_in_a_group_of_its_own_type() {
    run(async {
        let inner = group_of(vec!["x".parse::<u8>().unwrap_err()]).await;
        let group: Group = group_of(vec![Box::<dyn Error>::from(inner)]).await;
        assert!(group.find::<ParseIntError>().is_some());

        let inner = group_of(vec!["x".parse::<u8>().unwrap_err()]).await;
        assert!(group_of(vec![inner]).await.find::<ParseIntError>().is_some());
    });
}

/// It goes with anyhow: by `?` into its errors, and made of them; told what to look into, it is
/// searched at any depth, too. So is a group of errors that have causes.
#[test]
fn goes_with_anyhow() {
    use anyhow::Context;

    async fn inner() -> anyhow::Result<()> {
        try_open_nursery(async |nursery: Nursery<'_, anyhow::Error>| {
            nursery.start_soon(async {
                "x".parse::<u8>().context("the port")?;
                Ok(())
            });
            Ok(())
        })
        .await?;
        Ok(())
    }
    run(async {
        let group = group_of(vec![inner().await.context("the settings").unwrap_err()]).await;
        assert!(group.find_with::<ParseIntError>(|error| error.as_ref()).is_some());
        assert!(group.find_with::<std::io::Error>(|error| error.as_ref()).is_none());
        let error = anyhow::Error::from(group);
        assert!(
            error.to_string().starts_with("1 error in a nursery\n└─ the settings ("),
            "{error}"
        );

        #[derive(Debug, thiserror::Error)]
        #[error("reading the settings")]
        struct Settings(#[source] ParseIntError);

        let group = group_of(vec![Settings("x".parse::<u8>().unwrap_err())]).await;
        assert!(group.find::<ParseIntError>().is_none(), "it cannot know that these have causes");
        assert!(group.find_with::<ParseIntError>(|error| error).is_some());
    });
}

/// A report that walks the causes prints each error once: all are in the text of the group, which
/// has no cause.
#[test]
fn has_no_cause_that_would_be_printed_twice() {
    let group: Group = run(group_of(vec!["no such file".into()]));
    assert!(group.source().is_none());
    let report = format!("{:?}", anyhow::Error::from(run(group_of(vec!["no such file"]))));
    assert_eq!(report.matches("no such file").count(), 1, "{report}");
}

/// An error that is raised while the nursery is cancelled from outside comes out of it; the cancel
/// is seen at the next checkpoint.
// rule: D-12, N-3
#[test]
fn comes_out_of_a_cancelled_nursery() {
    for way in WAYS {
        run_shuffled(async move || {
            let seen = std::cell::Cell::new(0);
            let cancelled = move_on_after(ms(1), async {
                let result = try_open_nursery(async |nursery: Nursery<'static, &str>| {
                    way.start(&nursery, async {
                        shield(sleep_ms(3)).await;
                        Err("while cancelled")
                    });
                    way.start(&nursery, sleep_forever());
                    sleep_forever().await
                })
                .await;
                let Err::<std::convert::Infallible, _>(group) = result;
                assert_eq!(group.errors(), ["while cancelled"]);
                seen.set(1);
                checkpoint().await;
                seen.set(2);
            });
            assert!(cancelled.await.is_none());
            assert_eq!(seen.get(), 1);
        });
    }
}

/// What is the user's own is not printed by those who look for faults.
#[test]
fn start_errors_keep_values_to_themselves() {
    let failed: StartError<&str> = StartError::Failed("secret");
    assert_eq!(format!("{failed:?}"), "Failed(..)");
    assert_eq!(failed.to_string(), "the task failed before it had started: secret");
    assert_eq!(
        StartError::<&str>::NotStarted.to_string(),
        "the task ended without calling `started`"
    );
}
