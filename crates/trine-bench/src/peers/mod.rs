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
#[cfg(feature = "peers-extra")]
mod async_unsync;
mod floor;
#[cfg(feature = "peers-extra")]
mod flume;
#[cfg(feature = "futures")]
mod futures;
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
    /// The unavoidable work alone: no runtime, no one's peer.
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
}

/// Everyone who takes part, in the order of the table.
pub(crate) static PEERS: &[Peer] = &[
    Peer { name: "floor", role: Role::Floor, program: floor::program },
    Peer { name: "trine", role: Role::Trine, program: trine::program },
    #[cfg(feature = "tokio")]
    Peer { name: "tokio", role: Role::Peer, program: tokio::program },
    #[cfg(feature = "async-executor")]
    Peer { name: "async-executor", role: Role::Peer, program: async_executor::program },
    #[cfg(feature = "futures")]
    Peer { name: "futures", role: Role::Peer, program: futures::program },
    #[cfg(feature = "peers-extra")]
    Peer { name: "futures-buffered", role: Role::Peer, program: futures::buffered::program },
    #[cfg(feature = "peers-extra")]
    Peer { name: "futures-concurrency", role: Role::Peer, program: futures::concurrency::program },
    #[cfg(feature = "peers-extra")]
    Peer { name: "moro", role: Role::Peer, program: moro::program },
    #[cfg(feature = "peers-extra")]
    Peer { name: "async-unsync", role: Role::Peer, program: async_unsync::program },
    #[cfg(feature = "peers-extra")]
    Peer { name: "flume", role: Role::Peer, program: flume::program },
    #[cfg(feature = "peers-extra")]
    Peer { name: "monoio", role: Role::Peer, program: monoio::program },
];
