//! `Bench`: what a program is told about its work, and the two marks around the part that is
//! measured.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::workload::{Scale, Workload};

/// What is read at the two marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gauge {
    /// Nanoseconds on the wall.
    Time,
    /// Nanoseconds of processor time, over all threads of the process.
    CpuTime,
    /// Resident memory of the process in bytes.
    Memory,
}

impl Gauge {
    /// The unit of a reading.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Time => "ns",
            Self::CpuTime => "ns of cpu",
            Self::Memory => "bytes",
        }
    }

    fn read(self) -> u64 {
        match self {
            Self::Time => wall_nanos(),
            Self::CpuTime => cpu_nanos(),
            Self::Memory => resident_bytes(),
        }
    }
}

/// The work of one program, and the measurement of it.
#[derive(Debug)]
pub(crate) struct Bench {
    /// What to do.
    pub(crate) workload: &'static Workload,
    /// How many operations to do.
    pub(crate) ops: u64,
    /// Over how many tasks, levels or places they spread: see `workload::Kind`.
    pub(crate) width: u64,
    /// How many parked tasks to keep beside the measured ones.
    pub(crate) idle: u64,
    scale: Scale,
    begun: Cell<Option<u64>>,
    ended: Cell<Option<u64>>,
}

impl Bench {
    /// A measurement yet to be made.
    pub(crate) fn new(workload: &'static Workload, scale: Scale, idle: u64) -> Self {
        Self {
            workload,
            ops: workload.ops(scale),
            width: workload.width(scale),
            idle,
            scale,
            begun: Cell::new(None),
            ended: Cell::new(None),
        }
    }

    /// How many operations each of `width` tasks does, or how many groups of `width` there are.
    pub(crate) fn share(&self) -> u64 {
        self.ops / self.width
    }

    /// The width as the capacity of a channel.
    pub(crate) fn capacity(&self) -> usize {
        usize::try_from(self.width).expect("a small capacity")
    }

    /// The measured part begins here.
    pub(crate) fn begin(&self) {
        mark_begin(&self.begun, self.workload.gauge());
    }

    /// The measured part is over.
    pub(crate) fn end(&self) {
        mark_end(&self.ended, self.workload.gauge());
    }

    /// The reading per operation, if the program passed both marks.
    pub(crate) fn reading(&self) -> Option<f64> {
        let total = self.ended.get()?.saturating_sub(self.begun.get()?);
        Some(total as f64 / self.ops as f64)
    }

    /// Whether a region that began at `from` was long enough for the longest nap: if not, somebody
    /// woke up early.
    pub(crate) fn slept_since(&self, from: Instant) -> bool {
        (0..self.ops).map(|i| self.nap(i)).max().is_some_and(|longest| from.elapsed() >= longest)
    }

    /// How long sleeper `i` of `Kind::Sleeps` sleeps: spread over a third of the longest nap, in an
    /// order without pattern.
    ///
    /// The shortest nap is longer than it takes to start all the sleepers, so that all of them
    /// sleep at the same time.
    pub(crate) fn nap(&self, i: u64) -> Duration {
        let shortest_ms = match self.scale {
            Scale::Full => 200,
            // Some fifty times slower, a fifth of the sleepers.
            Scale::Counted => 2_000,
            Scale::Small => 2,
        };
        let scattered = i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        Duration::from_millis(shortest_ms + scattered % (shortest_ms / 2))
    }
}

/// The start of the region for callgrind, which finds it by this name: see `callgrind`.
#[inline(never)]
fn mark_begin(at: &Cell<Option<u64>>, gauge: Gauge) {
    assert_eq!(at.replace(Some(gauge.read())), None, "a program begins once");
}

/// The end of the region for callgrind, which finds it by this name: see `callgrind`.
#[inline(never)]
fn mark_end(at: &Cell<Option<u64>>, gauge: Gauge) {
    assert_eq!(at.replace(Some(gauge.read())), None, "a program ends once");
}

fn wall_nanos() -> u64 {
    use std::sync::OnceLock;
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_nanos())
        .expect("a run of less than 500 years")
}

#[cfg(unix)]
fn cpu_nanos() -> u64 {
    use nix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every unix has this clock");
    u64::try_from(Duration::from(time).as_nanos()).expect("less than 500 years of processor time")
}

/// Without a clock of processor time the waiting counts, too: figures compare with each other, not
/// with other machines.
#[cfg(not(unix))]
fn cpu_nanos() -> u64 {
    wall_nanos()
}

/// Resident memory as Linux tells it; zero elsewhere.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    });
    kilobytes.unwrap_or(0) * 1024
}
