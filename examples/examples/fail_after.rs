//! A timeout that is an error: `fail_after` and `?`.
//!
//! `TooSlow` says that the scope of this very `fail_after` has cut its body short; it turns into an
//! `io::Error` or a `Box<dyn Error>` by itself. Time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use trine::testing::MockClock;
use trine::{Runner, fail_after, sleep};

/// Stands for a download of so many seconds, which may fail by itself.
async fn download(page: &str, seconds: u64) -> io::Result<String> {
    sleep(Duration::from_secs(seconds)).await;
    match page {
        "missing" => Err(io::Error::new(io::ErrorKind::NotFound, "there is no such page")),
        _ => Ok(format!("<h1>{page}</h1>")),
    }
}

/// The first `?` is the timeout's, the second one the download's.
async fn title(page: &str, seconds: u64) -> io::Result<String> {
    let text = fail_after(Duration::from_secs(10), download(page, seconds)).await??;
    Ok(text.replace("<h1>", "").replace("</h1>", ""))
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(async {
        for (page, seconds) in [("home", 1), ("missing", 2), ("archive", 600)] {
            match title(page, seconds).await {
                Ok(title) => println!("{page}: its title is {title:?}"),
                Err(error) => println!("{page}: {error} ({:?})", error.kind()),
            }
        }
    });
}
