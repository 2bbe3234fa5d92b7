//! Several errors at once: the first one cancels the other tasks, and all that came up arrive together.
//!
//! An `ErrorGroup` is divided by kind, as an `except*` of Python would, and prints as a tree with the
//! tasks that its errors came from.
#![forbid(unsafe_code)]

use std::time::Duration;

use trine::{ErrorGroup, finally, sleep, try_open_nursery};

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0} was not found")]
    NotFound(&'static str),
    #[error("{0} was refused")]
    Refused(&'static str),
}

async fn fetch(page: &'static str) -> Result<(), FetchError> {
    match page {
        "old" | "lost" => Err(FetchError::NotFound(page)),
        "secret" => Err(FetchError::Refused(page)),
        _ => {
            let download = sleep(Duration::from_secs(60)); // will be cut short
            finally(download, async || println!("{page}: connection closed")).await;
            println!("{page}: complete");
            Ok(())
        }
    }
}

async fn fetch_all(pages: &[&'static str]) -> Result<(), ErrorGroup<FetchError>> {
    try_open_nursery(async |nursery| {
        for &page in pages {
            nursery.start_soon_named(page, fetch(page));
        }
        Ok(()) // the body may fail, too
    })
    .await
}

#[trine::main]
async fn main() {
    let Err(group) = fetch_all(&["home", "old", "secret", "lost", "news"]).await else {
        return println!("all went well");
    };
    println!("{group}");
    let (missing, other) = group.split(|error| matches!(error, FetchError::NotFound(_)));
    println!("missing: {}", missing.map_or(0, |group| group.len()));
    for error in other.into_iter().flatten() {
        println!("to be told: {error}");
    }
}
