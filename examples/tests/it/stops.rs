//! `dupes` stops when its time is over or it is interrupted, and says that its report is partial.

use std::path::Path;
use std::time::Duration;

use tempfile::tempdir;
use trine::CancelScope;

use crate::dupes::options::Options;
use crate::dupes::report::{Ending, Report};
use crate::dupes::search::{INTERRUPTED, search};
use crate::tree::{groups, groups_one_by_one, grow, options, report};

#[test]
fn when_the_time_is_over() {
    let root = tempdir().unwrap();
    grow(root.path(), 5, 100);
    let timeout = Duration::ZERO;
    let report = report(&Options { timeout: Some(timeout), ..options(&[root.path()], 2) });
    assert_eq!((report.ending, report.exit_code()), (Ending::TimedOut(timeout), 3));
    assert!(report.to_string().ends_with("PARTIAL: stopped after 0 s; there may be more\n"));
}

#[test]
fn when_it_is_interrupted_before_it_begins() {
    let root = tempdir().unwrap();
    grow(root.path(), 6, 100);
    let scope = CancelScope::new();
    scope.remote().cancel_because(INTERRUPTED);
    let report = trine::run(search(&options(&[root.path()], 2), &scope));
    assert_eq!((report.ending, report.exit_code()), (Ending::Interrupted, 3));
    assert!(report.json().unwrap().contains("\"stopped_by\": \"interrupt\""));
}

/// Searches, and interrupts the search after so many ticks of the run.
fn interrupted_after(ticks: u64, root: &Path) -> Report {
    let scope = CancelScope::new();
    let options = options(&[root], 2);
    trine::run(trine::open_nursery(async |nursery| {
        nursery.start_soon(async {
            for _ in 0..ticks {
                trine::checkpoint().await;
            }
            scope.cancel_because(INTERRUPTED);
        });
        let report = search(&options, &scope).await;
        nursery.cancel_tasks();
        report
    }))
}

#[test]
fn whenever_it_is_interrupted_what_it_reports_is_true() {
    let root = tempdir().unwrap();
    grow(root.path(), 7, 150);
    let all = groups_one_by_one(root.path());
    for ticks in [0, 1, 2, 5, 20, 100, 500, 2_000, 10_000, 50_000] {
        let report = interrupted_after(ticks, root.path());
        match report.ending {
            Ending::Complete => assert_eq!(groups(&report), all),
            Ending::Interrupted => {
                for group in groups(&report) {
                    let is_part = |whole: &Vec<_>| group.iter().all(|path| whole.contains(path));
                    assert!(all.iter().any(is_part), "{group:?} are not equal");
                }
            }
            Ending::TimedOut(_) => unreachable!("there is no timeout"),
        }
    }
}
