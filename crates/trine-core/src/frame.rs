//! `Frame`: one node of the tree that says what cancels what, and who polls whom.

use std::fmt;
use std::panic::Location;

use crate::timers::TimerId;
use crate::visibility::NOT_FREE;
use crate::waker::LAST_GENERATION;
use crate::work::Work;

/// The place of a frame in the tree. `FrameId::NONE` stands for "outside of every run".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FrameId(pub(crate) u32);

impl FrameId {
    /// Slot 0 of the slab is never given out: it is the place of code that runs in no task.
    pub(crate) const NONE: FrameId = FrameId(0);

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    #[inline]
    pub(crate) fn is_some(self) -> bool {
        self != Self::NONE
    }
}

impl fmt::Debug for FrameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What a frame is, with the links that only this role needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Unused slot; `next` is the free list.
    Free { next: FrameId },
    /// A future that is polled only when it was woken. `home` is the group on whose ready list
    /// it queues, `next` is that list. Those that belong to the group around them are in a list of
    /// their own, in the order in which they were started.
    Task { home: FrameId, next: FrameId, older: FrameId, newer: FrameId },
    /// A set of tasks with the list of those that are ready, and the newest one that belongs to it.
    Group { head: FrameId, tail: FrameId, poller: Poller, newest: FrameId },
    /// A region of code inside a task that can be cancelled or shielded.
    Scope { poller: Poller, deadline: Option<TimerId> },
}

impl Role {
    /// A group without tasks.
    pub(crate) fn group(poller: Poller) -> Self {
        Role::Group { head: FrameId::NONE, tail: FrameId::NONE, poller, newest: FrameId::NONE }
    }

    /// A task that is on no list.
    pub(crate) fn task(home: FrameId) -> Self {
        Role::Task { home, next: FrameId::NONE, older: FrameId::NONE, newer: FrameId::NONE }
    }
}

/// Whom to wake so that a scope or group is polled again: a task of this run, a foreign waker that
/// the tree keeps (a combinator in between, or a host executor), nobody yet, or nobody since it was
/// asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Poller(u32);

impl Poller {
    pub(crate) const NOBODY: Poller = Poller(0);
    /// It was woken, and not polled since: there is no need to wake it again. See `kept.rs`.
    pub(crate) const ASKED: Poller = Poller(u32::MAX);
    const FOREIGN: u32 = 1 << 31;

    #[inline]
    pub(crate) fn task(id: FrameId) -> Self {
        debug_assert!(id.0 < Self::FOREIGN);
        Self(id.0)
    }

    pub(crate) fn foreign(index: u32) -> Self {
        Self(index | Self::FOREIGN)
    }

    /// The place of the kept waker, if it is a foreign one.
    #[inline]
    pub(crate) fn as_foreign(self) -> Option<usize> {
        (self.0 & Self::FOREIGN != 0 && self != Self::ASKED)
            .then_some((self.0 & !Self::FOREIGN) as usize)
    }

    /// The task, if it is one of ours.
    #[inline]
    pub(crate) fn as_task(self) -> Option<FrameId> {
        (self.0.wrapping_sub(1) < Self::FOREIGN - 1).then_some(FrameId(self.0))
    }
}

/// The yes-or-no state of a frame. All are gone when its slot is freed.
///
/// | flag | of | set by | cleared by | never |
/// |---|---|---|---|---|
/// | `QUEUED` | task | `open_task`, `start_task`, `open_group`, `push_ready` | `next_ready`, `stay_homeless` | |
/// | `RELEASED` | task | `release` of one that is `QUEUED` | `next_ready`, which frees it | without `QUEUED`, with `MEMBER` |
/// | `CANCELLED` | any | `cancel`: by hand, by a deadline, by a nursery that fails | – | |
/// | `EXPIRED` | scope | `expire`: it was a deadline that cancelled it | – | without `CANCELLED` |
/// | `HARD` | scope | `harden`: the grace after a cancel is over | – | |
/// | `SHIELD` | scope | `set_shield(true)` | `set_shield(false)` | |
/// | `HOLDS` | any | `set_holds(true)`: `finally`, a nursery with a `start` under way, a thread | `set_holds(false)` | |
/// | `CUT` | any | `mark_cut`: something inside was dropped unfinished by a cancel from outside; `stop_holding` | – | |
/// | `IN_TURN` | group | `open_group`, for it is polled next; the beginning of a turn | `end_turn` | |
/// | `TURNING` | group | the beginning of a turn | `end_turn` | without `IN_TURN` |
/// | `PASSED_OVER` | task | `pass_over` | `wake_passed_over` | |
/// | `NOTED` | any | `note_frame`: a name, or why it was cancelled, is kept beside the tree | – | |
/// | `OVER` | task | `end_polled` (`work.rs`), `note_over` of a body: its future is gone | – | |
/// | `MEMBER` | task | `start_task`, `join_group` | `unlink`: it is ended, or was while the run polls it | with `RELEASED` |
/// | `FLAT` | task | `spawn_anywhere`: the run polls it, not its group | – | |
/// | `POLLING` | task | `Polling::begin` | `Polling::finish` | without `FLAT` |
/// | `VISIBLE`, `HARDENED` | any | cached: see `visibility.rs` | recomputed when `seen` is old | |
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags(u32);

impl Flags {
    pub(crate) const QUEUED: Flags = Flags(1);
    pub(crate) const RELEASED: Flags = Flags(1 << 1);
    pub(crate) const CANCELLED: Flags = Flags(1 << 2);
    pub(crate) const EXPIRED: Flags = Flags(1 << 3);
    pub(crate) const HARD: Flags = Flags(1 << 4);
    pub(crate) const SHIELD: Flags = Flags(1 << 5);
    pub(crate) const HOLDS: Flags = Flags(1 << 6);
    pub(crate) const CUT: Flags = Flags(1 << 7);
    pub(crate) const VISIBLE: Flags = Flags(1 << 8);
    pub(crate) const HARDENED: Flags = Flags(1 << 9);
    pub(crate) const NOTED: Flags = Flags(1 << 10);
    pub(crate) const IN_TURN: Flags = Flags(1 << 11);
    pub(crate) const PASSED_OVER: Flags = Flags(1 << 12);
    pub(crate) const OVER: Flags = Flags(1 << 13);
    pub(crate) const FLAT: Flags = Flags(1 << 14);
    pub(crate) const POLLING: Flags = Flags(1 << 15);
    pub(crate) const TURNING: Flags = Flags(1 << 16);
    pub(crate) const MEMBER: Flags = Flags(1 << 17);

    /// Whether any of these is set.
    #[inline]
    pub(crate) fn has(self, flag: Flags) -> bool {
        self.0 & flag.0 != 0
    }

    /// Those with which a frame inside begins.
    #[inline]
    pub(crate) fn inherited(self) -> Self {
        Self(self.0 & (Self::VISIBLE.0 | Self::HARDENED.0))
    }

    #[inline]
    pub(crate) const fn with(self, more: Flags) -> Flags {
        Flags(self.0 | more.0)
    }

    #[inline]
    pub(crate) fn set(&mut self, flag: Flags, on: bool) {
        if on {
            self.0 |= flag.0;
        } else {
            self.0 &= !flag.0;
        }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 18] = [
            "queued",
            "released",
            "cancelled",
            "expired",
            "hard",
            "shield",
            "holds",
            "cut",
            "visible",
            "hardened",
            "noted",
            "in_turn",
            "passed_over",
            "over",
            "flat",
            "polling",
            "turning",
            "member",
        ];
        let set = NAMES.iter().enumerate().filter(|(bit, _)| self.0 & (1 << bit) != 0);
        f.debug_set().entries(set.map(|(_, name)| name)).finish()
    }
}

/// How a frame hangs under its outer one: by its node, if it has guards; else by the generation
/// that the outer one had when it was hung there. That one may be gone, and its slot be used again,
/// while a future is kept that was last polled inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hook(u32);

impl Hook {
    const NODE: u32 = 1 << 31;

    #[inline]
    pub(crate) fn outer(generation: u16) -> Self {
        Self(u32::from(generation))
    }

    pub(crate) fn node(index: u32) -> Self {
        debug_assert!(index < Self::NODE);
        Self(index | Self::NODE)
    }

    /// The place of its node among those that hold guards.
    #[inline]
    pub(crate) fn as_node(self) -> Option<usize> {
        (self.0 & Self::NODE != 0).then_some((self.0 & !Self::NODE) as usize)
    }

    /// Whether the outer frame, which has this generation now, is still the one it was hung under.
    /// One with a node is cut loose when the outer one goes.
    #[inline]
    pub(crate) fn holds(self, generation: u16) -> bool {
        // The likely case first.
        self.0 == u32::from(generation) || self.0 & Self::NODE != 0
    }
}

pub(crate) fn next_generation(generation: u16) -> u16 {
    generation.wrapping_add(1) & LAST_GENERATION
}

/// One node of the tree. Kept at 64 bytes, a line of the cache: a parked task costs one.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) role: Role,
    /// The frame around this one; `NONE` for the root.
    pub(crate) outer: FrameId,
    /// The epoch at which the cached flags were right; 0 of one that was let go of, from where nothing is known.
    pub(crate) seen: u32,
    pub(crate) flags: Flags,
    /// How it hangs under the outer one.
    pub(crate) hook: Hook,
    /// Told apart from earlier users of the slot by wakers that outlive their task.
    pub(crate) generation: u16,
    /// Where it was spawned or opened.
    pub(crate) site: Option<&'static Location<'static>>,
    /// The future of a task, if it is kept here.
    pub(crate) work: Option<Work>,
}

impl Frame {
    /// Nothing is known of it any more, and who remembers it, such as an old waker, does not take what comes in its
    /// slot for it.
    #[inline(always)]
    pub(crate) fn let_go(&mut self) {
        self.generation = next_generation(self.generation);
        self.outer = FrameId::NONE;
        self.seen = NOT_FREE;
    }

    /// Whether it is known at this epoch that no cancel is visible from it. Never of one that was let go of.
    #[inline(always)]
    pub(crate) fn is_known_free(&self, epoch: u32) -> bool {
        self.seen == epoch && !self.flags.has(Flags::VISIBLE)
    }

    /// Whether it was let go of: its slot is free, or will be when its task is popped.
    #[inline]
    pub(crate) fn is_released(&self) -> bool {
        matches!(self.role, Role::Free { .. }) || self.flags.has(Flags::RELEASED)
    }
}

const _: () = assert!(size_of::<usize>() != 8 || size_of::<Frame>() == 64, "a frame has grown");
