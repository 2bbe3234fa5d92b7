//! The peers: each a module with a program for every workload that it has the means for.
//!
//! `PEERS` lists them in the order of the table. A peer's module gives its runtime in `mod.rs`
//! (`run`: start it, put the idle tasks beside, run the body) and its programs in one file a
//! family: `groups`, `yields`, `channels`, `time`, `limits`, `threads`. Peers that are one thing, a
//! channel say, have one file for everything. Read the same file of two peers side by side to see
//! what each asks of its user.

use crate::bench::Bench;
use crate::workload::Workload;

#[cfg(feature = "async-executor")]
mod async_executor;
#[cfg(feature = "async-executor")]
mod async_executor_static;
#[cfg(feature = "peers-extra")]
mod async_unsync;
#[cfg(feature = "peers-extra")]
mod compio;
mod floor;
#[cfg(feature = "peers-extra")]
mod flume;
#[cfg(feature = "futures")]
mod futures;
#[cfg(all(feature = "peers-extra", target_os = "linux"))]
mod glommio;
mod minimal;
#[cfg(feature = "peers-extra")]
mod monoio;
#[cfg(feature = "peers-extra")]
mod moro;
#[cfg(feature = "tokio")]
mod tokio;
mod trine;

/// A workload written for one peer: does `bench.ops` operations, the measured part between the
/// marks; returns the checksum.
pub(crate) type Program = fn(&Bench) -> u64;

/// What a peer is in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// What is attainable with fewer promises: no one's peer.
    Floor,
    /// The one that is compared.
    Trine,
    /// One to compare with.
    Peer,
}

/// Someone who takes part.
pub(crate) struct Peer {
    /// Its name on the command line and in the table.
    pub(crate) name: &'static str,
    /// What it is in the comparison.
    pub(crate) role: Role,
    /// Its program for a workload, if it has the means.
    pub(crate) program: fn(&Workload) -> Option<Program>,
    /// Why it does not run on this machine, if it does not.
    pub(crate) refused: fn() -> Option<String>,
}

impl Peer {
    const fn new(
        name: &'static str,
        role: Role,
        program: fn(&Workload) -> Option<Program>,
    ) -> Self {
        Self { name, role, program, refused: || None }
    }

    /// One to compare with, which runs everywhere.
    const fn other(name: &'static str, program: fn(&Workload) -> Option<Program>) -> Self {
        Self::new(name, Role::Peer, program)
    }
}

/// Everyone who takes part, in the order of the table.
pub(crate) static PEERS: &[Peer] = &[
    Peer::new("floor", Role::Floor, floor::program),
    Peer::new("minimal", Role::Floor, minimal::program),
    Peer::new("trine", Role::Trine, trine::program),
    #[cfg(feature = "tokio")]
    Peer::other("tokio", tokio::program),
    #[cfg(feature = "async-executor")]
    Peer::other("async-executor", async_executor::program),
    #[cfg(feature = "async-executor")]
    Peer::other("async-executor-static", async_executor_static::program),
    #[cfg(feature = "futures")]
    Peer::other("futures", futures::program),
    #[cfg(feature = "futures")]
    Peer::other("futures-dyn", futures::program_dyn),
    #[cfg(feature = "peers-extra")]
    Peer::other("futures-buffered", futures::buffered::program),
    #[cfg(feature = "peers-extra")]
    Peer::other("futures-buffered-dyn", futures::buffered::program_dyn),
    #[cfg(feature = "peers-extra")]
    Peer::other("futures-concurrency", futures::concurrency::program),
    #[cfg(feature = "peers-extra")]
    Peer::other("moro", moro::program),
    #[cfg(feature = "peers-extra")]
    Peer::other("async-unsync", async_unsync::program),
    #[cfg(feature = "peers-extra")]
    Peer::other("flume", flume::program),
    #[cfg(feature = "peers-extra")]
    Peer::other("monoio", monoio::program),
    #[cfg(all(feature = "peers-extra", target_os = "linux"))]
    Peer { refused: glommio::refused, ..Peer::other("glommio", glommio::program) },
    #[cfg(feature = "peers-extra")]
    Peer::other("compio", compio::program),
];
