//! Graceful shutdown: no new clients, some time for those who are being served, then the end.
//!
//! The clients are simulated, and time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use trine::channel::Receiver;
use trine::testing::MockClock;
use trine::{CancelScope, Runner, finally, now, open_memory_channel, open_nursery, shield, sleep};

/// Clients that are being served when the shutdown comes may take this much longer.
const GRACE: Duration = Duration::from_secs(5);

struct Client {
    name: &'static str,
    request: Duration,
}

fn note(start: Instant, what: &str) {
    println!("{:.1} s: {what}", (now() - start).as_secs_f64());
}

/// Serves one client to the end, unless the grace period ends before.
async fn serve(client: Client, start: Instant) {
    note(start, &format!("{} begins", client.name));
    shield(async {
        sleep(client.request).await;
        note(start, &format!("{} is served", client.name));
    })
    .await;
}

/// Takes clients, each into a task of its own, until it is cancelled. The body owns the receiver: it is
/// dropped at once then, while the tasks go on, so that those who come later are turned away.
async fn accept(clients: Receiver<Client>, start: Instant) {
    let accepting = open_nursery(async move |nursery| {
        while let Some(client) = clients.next().await {
            nursery.start_soon(serve(client, start));
        }
    });
    finally(accepting, async || note(start, "nobody is left")).await;
}

async fn server() {
    let start = now();
    let shutdown = CancelScope::new();
    shutdown.set_grace(Some(GRACE));
    open_nursery(async |nursery| {
        let (network, clients) = open_memory_channel(0);
        nursery.start_soon(async {
            if shutdown.run(accept(clients, start)).await.is_none() {
                note(start, &format!("shut down: {}", shutdown.reason().unwrap_or_default()));
            }
        });
        nursery.start_soon(async move {
            for (name, seconds) in [("ann", 1), ("bob", 6), ("cleo", 60), ("dan", 1)] {
                let client = Client { name, request: Duration::from_secs(seconds) };
                if network.send(client).await.is_err() {
                    note(start, &format!("{name} is turned away"));
                }
                sleep(Duration::from_secs(1)).await;
            }
        });
        // In a real program: a signal handler, with `shutdown.remote()`.
        sleep(Duration::from_millis(2_500)).await;
        note(start, "shutting down");
        shutdown.cancel_because("the operator said so");
    })
    .await;
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(server());
}
