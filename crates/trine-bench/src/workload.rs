//! The workloads: what each peer is asked to do, how often, and what proves that it was done.

use crate::bench::Gauge;

/// What a program does; a peer has one program for each kind, which reads the particulars from its
/// `Bench`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Open a group, start `width` tasks that are ready at once, join; again until `ops` tasks have
    /// run.
    Group,
    /// The same, each task yields once.
    GroupYield,
    /// The future that the run was given yields: there is no other task.
    YieldAlone,
    /// `width` tasks of one group yield, `ops` times together.
    Yield,
    /// Two tasks send a number back and forth over channels of capacity `width`.
    PingPong,
    /// One task sends to another over a channel of capacity `width`.
    Pipeline,
    /// One task sends to `width` tasks over one channel of capacity 100.
    FanOut,
    /// `ops` tasks sleep at the same time.
    Sleeps,
    /// `width` tasks yield under a timeout that does not fire.
    Timeout,
    /// `ops` parked tasks are cancelled and joined.
    Cancel,
    /// A task under `width` nested groups yields.
    Nested,
    /// The same, beside something at the top that is always ready, so that nobody can know that the task
    /// is all there is to poll.
    NestedBusy,
    /// The same, each task started so that the run polls it directly, where the peer has such a
    /// thing.
    NestedSpawn,
    /// `width` tasks acquire, yield and release one of ten tokens.
    Limiter,
    /// `ops` tasks are started and stay parked.
    Memory,
    /// A closure runs in a worker thread, `width` at a time.
    Thread,
    /// A number goes to a plain thread and back: each answer wakes the run from outside.
    ThreadWake,
}

/// Over how many tasks, levels or places the operations spread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Width {
    /// Over this many, whatever the scale.
    Fixed(u64),
    /// As many as there are operations.
    All,
}

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// For timing.
    Full,
    /// For counting instructions: large enough that what happens once does not show.
    Counted,
    /// For seeing that it works.
    Small,
}

impl Scale {
    /// The scale called `name` on the command line.
    pub(crate) fn from_name(name: &str) -> Result<Self, String> {
        [Self::Full, Self::Counted, Self::Small]
            .into_iter()
            .find(|scale| scale.name() == name)
            .ok_or_else(|| format!("there is no scale {name}: full, counted or small"))
    }

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Counted => "counted",
            Self::Small => "small",
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Workload {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What is done, in words.
    pub(crate) what: &'static str,
    /// What one operation is.
    pub(crate) per: &'static str,
    /// Which program of a peer does it.
    pub(crate) kind: Kind,
    width: Width,
    full: u64,
    counted: u64,
    small: u64,
}

impl Workload {
    /// How many operations one measurement has.
    pub(crate) fn ops(&self, scale: Scale) -> u64 {
        match scale {
            Scale::Full => self.full,
            Scale::Counted => self.counted,
            Scale::Small => self.small,
        }
    }

    /// Over how many tasks, levels or places they spread.
    pub(crate) fn width(&self, scale: Scale) -> u64 {
        match self.width {
            Width::Fixed(width) => width,
            Width::All => self.ops(scale),
        }
    }

    /// Whether it spreads over this many, whatever the scale: capacity 0 is a rendezvous, which few
    /// peers have; a lone task needs no queue.
    pub(crate) fn has_width(&self, width: u64) -> bool {
        matches!(self.width, Width::Fixed(fixed) if fixed == width)
    }

    /// What is measured when instructions are not.
    pub(crate) fn gauge(&self) -> Gauge {
        match self.kind {
            // Most of the time passes in waiting, which is no cost.
            Kind::Sleeps => Gauge::CpuTime,
            Kind::Memory => Gauge::Memory,
            _ => Gauge::Time,
        }
    }

    /// The checksum which a correct program returns.
    pub(crate) fn checksum(&self, scale: Scale) -> u64 {
        let (ops, width) = (self.ops(scale), self.width(scale));
        match self.kind {
            Kind::Group | Kind::GroupYield | Kind::Thread => ops / width * sum_below(width),
            Kind::PingPong | Kind::Pipeline | Kind::FanOut | Kind::ThreadWake => sum_below(ops),
            Kind::YieldAlone
            | Kind::Yield
            | Kind::Sleeps
            | Kind::Timeout
            | Kind::Cancel
            | Kind::Nested
            | Kind::NestedBusy
            | Kind::NestedSpawn
            | Kind::Limiter
            | Kind::Memory => ops,
        }
    }
}

/// 0 + 1 + … + (n - 1).
fn sum_below(n: u64) -> u64 {
    n * (n - 1) / 2
}

/// Every workload, in the order of the table. Operations are a multiple of the width wherever the
/// width counts tasks.
pub(crate) static WORKLOADS: &[Workload] = &[
    row(
        "spawn-join",
        "start tasks that are ready at once, join",
        "task",
        Kind::Group,
        Width::All,
        [1_000_000, 100_000, 100],
    ),
    row(
        "spawn-yield-join",
        "the same, each yields once",
        "task",
        Kind::GroupYield,
        Width::All,
        [1_000_000, 100_000, 100],
    ),
    row(
        "group-1",
        "open a group of 1 task, join",
        "task",
        Kind::Group,
        Width::Fixed(1),
        [1_000_000, 100_000, 10],
    ),
    row(
        "group-100",
        "open a group of 100 tasks, join",
        "task",
        Kind::Group,
        Width::Fixed(100),
        [1_000_000, 100_000, 200],
    ),
    row(
        "yield-alone",
        "the main future yields, no task beside",
        "yield",
        Kind::YieldAlone,
        Width::Fixed(1),
        [1_000_000, 200_000, 100],
    ),
    row(
        "yield-1",
        "the only task of a group yields",
        "yield",
        Kind::Yield,
        Width::Fixed(1),
        [1_000_000, 200_000, 100],
    ),
    row(
        "yield-1000",
        "1000 tasks yield",
        "yield",
        Kind::Yield,
        Width::Fixed(1000),
        [2_000_000, 1_000_000, 2000],
    ),
    row(
        "ping-pong-1",
        "two tasks over capacity 1",
        "round trip",
        Kind::PingPong,
        Width::Fixed(1),
        [300_000, 50_000, 100],
    ),
    row(
        "ping-pong-0",
        "two tasks over capacity 0",
        "round trip",
        Kind::PingPong,
        Width::Fixed(0),
        [300_000, 50_000, 100],
    ),
    row(
        "pipeline-100",
        "one task to one over capacity 100",
        "item",
        Kind::Pipeline,
        Width::Fixed(100),
        [1_000_000, 200_000, 500],
    ),
    row(
        "fan-out-4",
        "one task to four over capacity 100",
        "item",
        Kind::FanOut,
        Width::Fixed(4),
        [1_000_000, 200_000, 500],
    ),
    row(
        "sleeps",
        "tasks sleep at the same time",
        "sleep",
        Kind::Sleeps,
        Width::All,
        [100_000, 20_000, 100],
    ),
    row(
        "timeout-1",
        "a task yields under a timeout, unfired",
        "timeout",
        Kind::Timeout,
        Width::Fixed(1),
        [500_000, 50_000, 50],
    ),
    row(
        "timeout-1000",
        "the same in 1000 tasks",
        "timeout",
        Kind::Timeout,
        Width::Fixed(1000),
        [500_000, 200_000, 2000],
    ),
    row(
        "cancel",
        "cancel parked tasks and join them",
        "task",
        Kind::Cancel,
        Width::All,
        [1_000_000, 100_000, 100],
    ),
    row(
        "nested-1",
        "a task under 1 group yields",
        "yield",
        Kind::Nested,
        Width::Fixed(1),
        [300_000, 20_000, 50],
    ),
    row(
        "nested-4",
        "a task under 4 nested groups yields",
        "yield",
        Kind::Nested,
        Width::Fixed(4),
        [300_000, 20_000, 50],
    ),
    row(
        "nested-16",
        "a task under 16 nested groups yields",
        "yield",
        Kind::Nested,
        Width::Fixed(16),
        [300_000, 20_000, 50],
    ),
    row(
        "nested-64",
        "a task under 64 nested groups yields",
        "yield",
        Kind::Nested,
        Width::Fixed(64),
        [100_000, 20_000, 50],
    ),
    row(
        "nested-busy-1",
        "a task under 1 group yields, and the main future too",
        "yield",
        Kind::NestedBusy,
        Width::Fixed(1),
        [300_000, 20_000, 50],
    ),
    row(
        "nested-busy-64",
        "a task under 64 nested groups yields, and the main future too",
        "yield",
        Kind::NestedBusy,
        Width::Fixed(64),
        [100_000, 20_000, 50],
    ),
    row(
        "nested-spawn-64",
        "the same, each task polled by the run",
        "yield",
        Kind::NestedSpawn,
        Width::Fixed(64),
        [100_000, 20_000, 50],
    ),
    row(
        "limiter-10",
        "1000 tasks through a limiter of 10",
        "acquire",
        Kind::Limiter,
        Width::Fixed(1000),
        [500_000, 100_000, 2000],
    ),
    row(
        "memory",
        "tasks stay parked",
        "task",
        Kind::Memory,
        Width::All,
        [1_000_000, 100_000, 1000],
    ),
    row(
        "thread-1",
        "a closure in a worker thread",
        "round trip",
        Kind::Thread,
        Width::Fixed(1),
        [20_000, 2_000, 20],
    ),
    row(
        "thread-1000",
        "the same, 1000 at a time",
        "round trip",
        Kind::Thread,
        Width::Fixed(1000),
        [50_000, 5_000, 1000],
    ),
    row(
        "thread-wake",
        "wake the run from a plain thread",
        "round trip",
        Kind::ThreadWake,
        Width::Fixed(1),
        [20_000, 2_000, 20],
    ),
];

/// One row; `sizes` are the operations at full, counted and small scale.
const fn row(
    name: &'static str,
    what: &'static str,
    per: &'static str,
    kind: Kind,
    width: Width,
    sizes: [u64; 3],
) -> Workload {
    Workload { name, what, per, kind, width, full: sizes[0], counted: sizes[1], small: sizes[2] }
}
