//! Happy eyeballs (RFC 8305): connects to a host by whichever of its addresses answers first.
//!
//! An attempt begins 250 ms after the one before it, or as soon as that has failed; the first that
//! succeeds cancels the others. The network is simulated and time virtual: the output is exact.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use trine::sync::Event;
use trine::testing::MockClock;
use trine::{CancelScope, Runner, finally, move_on_after, now, open_nursery, sleep};

/// An address, and what the network does when somebody connects to it.
struct Address {
    ip: &'static str,
    takes_ms: u64,
    answers: bool,
}

/// How long an attempt has the field to itself, as the RFC recommends.
const HEAD_START: Duration = Duration::from_millis(250);

fn note(start: Instant, what: &str, ip: &str) {
    println!("{:>4} ms: {what} {ip}", (now() - start).as_millis());
}

/// One attempt to connect. Whatever becomes of it, its socket is closed unless it is used.
async fn attempt(address: &Address, start: Instant) -> bool {
    note(start, "try", address.ip);
    let connected = Cell::new(false);
    let handshake = async {
        sleep(Duration::from_millis(address.takes_ms)).await;
        connected.set(address.answers);
    };
    let last = || if connected.get() { "connected to" } else { "close the socket to" };
    finally(handshake, async || note(start, last(), address.ip)).await;
    connected.get()
}

/// The address that answered first; `None` if none did.
async fn connect(addresses: &[Address], start: Instant) -> Option<&Address> {
    let winner = Cell::new(None);
    let found = CancelScope::new();
    let attempts = open_nursery(async |nursery| {
        for address in addresses {
            let (failed, winner, found) = (Rc::new(Event::new()), &winner, &found);
            let next_may_begin = failed.clone();
            nursery.start_soon(async move {
                if attempt(address, start).await {
                    winner.set(Some(address));
                    found.cancel_because("connected");
                } else {
                    failed.set();
                }
            });
            move_on_after(HEAD_START, next_may_begin.wait()).await;
        }
    });
    found.run(attempts).await;
    winner.get()
}

fn main() {
    let addresses = [
        Address { ip: "2001:db8::1", takes_ms: 100, answers: false },
        Address { ip: "192.0.2.1", takes_ms: 60_000, answers: true },
        Address { ip: "2001:db8::2", takes_ms: 300, answers: true },
        Address { ip: "192.0.2.2", takes_ms: 10_000, answers: true },
    ];
    Runner::new().clock(MockClock::autojump()).run(async {
        let start = now();
        let address = connect(&addresses, start).await;
        note(start, "use", address.map_or("none", |address| address.ip));
    });
}
