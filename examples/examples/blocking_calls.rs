//! Blocking code in threads: the run goes on meanwhile, and the results come back as usual.
//!
//! The three queries wait for each other, which only ends well if they really run side by side.
#![forbid(unsafe_code)]

use std::sync::{Arc, Barrier};

use trine::{gather, open_nursery, to_thread};

/// Stands for a driver that knows nothing of async: blocks its thread until all three have come.
fn query(table: &str, others: &Barrier) -> String {
    others.wait();
    format!("{} rows of {table}", table.len() * 10)
}

#[trine::main]
async fn main() {
    let tables = ["users", "orders", "parts"];
    let together = Arc::new(Barrier::new(tables.len()));
    open_nursery(async |nursery| {
        nursery.start_soon(async {
            println!("the run is not blocked: other tasks go on");
        });
        let queries = tables.map(|table| {
            let together = together.clone();
            to_thread::run_sync(move || query(table, &together))
        });
        for rows in gather(queries).await {
            println!("{rows}");
        }
    })
    .await;
}
