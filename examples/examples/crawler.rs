//! A crawler: follows the links of a site from `index.html`, politely, and lists those that are dead.
//!
//! The site is a folder of pages, `crawler FOLDER`. At most three pages are read at a time, and ten a
//! second. The clock is virtual, so that the demonstration need not wait, and does not jump while a
//! thread reads a file.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use trine::testing::MockClock;
use trine::{CapacityLimiter, Nursery, RateLimiter, Runner, now, open_nursery, to_thread};

struct Site {
    folder: PathBuf,
    connections: CapacityLimiter,
    rate: RateLimiter,
    seen: RefCell<BTreeSet<String>>,
    /// The links of each page; `None` for one that cannot be read.
    pages: RefCell<BTreeMap<String, Option<Vec<String>>>>,
}

impl Site {
    async fn fetch(&self, page: &str) -> Option<String> {
        let _permit = self.connections.acquire().await;
        self.rate.acquire().await;
        let path = self.folder.join(page);
        to_thread::run_sync(move || std::fs::read_to_string(path)).await.ok()
    }

    /// Reads a page, and starts a task for each page it links to that is new.
    async fn visit<'env>(&'env self, nursery: Nursery<'env>, page: String) {
        let links = self.fetch(&page).await.map(|text| links(&text));
        for link in links.iter().flatten() {
            if self.seen.borrow_mut().insert(link.clone()) {
                nursery.start_soon(self.visit(nursery.clone(), link.clone()));
            }
        }
        self.pages.borrow_mut().insert(page, links);
    }
}

/// What stands between `href="` and the next quote.
fn links(text: &str) -> Vec<String> {
    let parts = text.split("href=\"").skip(1);
    parts.filter_map(|part| Some(part.split_once('"')?.0.to_owned())).collect()
}

fn main() {
    let site = Site {
        folder: std::env::args_os().nth(1).unwrap_or_else(|| ".".into()).into(),
        connections: CapacityLimiter::new(3),
        rate: RateLimiter::new(10, Duration::from_secs(1)).with_burst(1),
        seen: RefCell::new(BTreeSet::from(["index.html".to_owned()])),
        pages: RefCell::default(),
    };
    let took = Runner::new().clock(MockClock::autojump()).run(async {
        let start = now();
        open_nursery(async |nursery| {
            nursery.start_soon(site.visit(nursery.clone(), "index.html".to_owned()));
        })
        .await;
        now() - start
    });
    let pages = site.pages.into_inner();
    for (page, links) in &pages {
        match links {
            Some(links) => println!("{page}: {} links", links.len()),
            None => println!("{page}: cannot be read"),
        }
    }
    println!("{} pages in {} ms", pages.len(), took.as_millis());
}
