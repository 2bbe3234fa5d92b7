//! `Vigil`: a thread that has nothing to do stays awake for a moment before it parks, as long as
//! that pays.
//!
//! To wake a thread whose core has gone idle takes 20 to 30 µs in a virtual machine, and most of
//! that is the core. Two threads that hand something to and fro park and wake at every turn, and do
//! little else. One that looks around before it parks has the answer in less than a microsecond.
//!
//! Looking costs a core, and where cores are short it keeps the very thread off that it waits for.
//! So after a vigil that was kept in vain none is kept for as long as it took, after a second one
//! for four times as long, and so on; each that was not halves that pause. Nothing has to be known
//! of the machine's load for that: on a busy one each such thread pays half a percent of a core.
//!
//! Measured (2026-11, 2 cores, `thread-1`): on a quiet machine 0.7 µs a round trip instead of 43; on
//! a busy one the same 6 µs. There some vigils end well because the other thread took over this
//! very core: with a single one to restore all trust, the rest of them made it 9 µs. Where a thread just wakes a run,
//! which does not know that it is at work (`thread-wake`), a round trip takes 2.2 µs instead of 41; on a busy
//! machine 5.7 instead of 5.5.

use std::hint::spin_loop;
use std::sync::LazyLock;
use std::task::Poll;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// How long a vigil is at most: as long as it takes to wake the other side and be woken by it, so
/// that two threads which begin asleep find each other awake from the second turn on.
const LIMIT: Duration = Duration::from_micros(50);

/// How often it looks between two glances at the clock.
const LOOKS: u32 = 16;

/// How long at most none is kept after one that was in vain.
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// Whether to stay awake when there is nothing to do, learnt from how it went the last times.
///
/// # Examples
///
/// ```
/// use std::task::Poll;
/// use trine_core::lowlevel::Vigil;
///
/// let mut vigil = Vigil::default();
/// assert!(!vigil.keep(|| Poll::Pending));
/// ```
#[derive(Debug, Default)]
pub struct Vigil {
    /// How long none is kept after the last one.
    pause: Duration,
    /// When that is over.
    not_before: Option<Instant>,
}

impl Vigil {
    /// The longest time that [`keep`](Self::keep) takes, about 50 µs.
    pub const LIMIT: Duration = LIMIT;

    /// Stays awake and looks until there is something (`true`) or will be nothing (`false`), and says
    /// which. Nothing if it takes too long; at once, if the last vigils were in vain, or if there is
    /// only one core for this process: then it is time to park.
    ///
    /// # Examples
    ///
    /// See [`Vigil`].
    #[must_use]
    pub fn keep(&mut self, look: impl Fn() -> Poll<bool>) -> bool {
        if !has_many_cores() {
            return false;
        }
        let now = Instant::now();
        self.is_due(now) && {
            let success = comes_in_time(now, look);
            // One in vain may have taken longer than it should: where cores are short, somebody else had
            // this one meanwhile.
            self.judge(success, if success { now } else { Instant::now() });
            success
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|not_before| now >= not_before)
    }

    /// Learns from a vigil, after which none is kept for a while from `since` on.
    fn judge(&mut self, success: bool, since: Instant) {
        if success {
            self.pause /= 2;
        } else {
            self.pause = (4 * self.pause).clamp(LIMIT, LONGEST_PAUSE);
        }
        self.not_before = Some(since + self.pause);
    }
}

/// Whether who ends a vigil has anywhere to run meanwhile.
fn has_many_cores() -> bool {
    static MANY_CORES: LazyLock<bool> =
        LazyLock::new(|| available_parallelism().is_ok_and(|cores| cores.get() > 1));

    *MANY_CORES
}

fn comes_in_time(since: Instant, look: impl Fn() -> Poll<bool>) -> bool {
    loop {
        for _ in 0..LOOKS {
            if let Poll::Ready(success) = look() {
                return success;
            }
            spin_loop();
        }
        if since.elapsed() >= LIMIT {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_moment() -> Instant {
        // real time: only a point to reckon from, nothing waits for it.
        Instant::now()
    }

    /// Somebody who looks for something every microsecond of a second, in vain: when a vigil was
    /// kept.
    fn kept_in_vain(vigil: &mut Vigil, from: Instant) -> Vec<u64> {
        let at = |micros: &u64| from + Duration::from_micros(*micros);
        let kept = |micros: &u64| {
            let due = vigil.is_due(at(micros));
            if due {
                vigil.judge(false, at(micros) + LIMIT);
            }
            due
        };
        (0..1_000_000).filter(kept).collect()
    }

    /// Each failure makes the pause longer, up to a bound.
    #[test]
    fn failures_make_it_rare() {
        let kept = kept_in_vain(&mut Vigil::default(), a_moment());
        assert_eq!(kept[..5], [0, 100, 350, 1200, 4450]);
        assert!(kept.len() < 110, "{} vigils in a second are too many", kept.len());
    }

    /// However long a vigil in vain was, the pause comes after it: a thread that is kept from its core at
    /// each of them would keep one after the other.
    #[test]
    fn a_vigil_that_was_held_up_is_no_excuse_for_the_next() {
        let mut vigil = Vigil::default();
        let begun = a_moment();
        let held_up = || {
            while begun.elapsed() < 2 * LIMIT {
                spin_loop();
            }
            Poll::Ready(false)
        };
        assert!(!vigil.keep(held_up));
        let not_before = begun + 2 * LIMIT + vigil.pause;
        assert!(vigil.not_before.is_none_or(|then| then >= not_before));
        assert_eq!(vigil.not_before.is_some(), has_many_cores());
    }

    /// Success upon success, and no occasion is passed over any more.
    #[test]
    fn successes_restore_the_trust() {
        let mut vigil = Vigil::default();
        let mut now = a_moment();
        kept_in_vain(&mut vigil, now);
        now += Duration::from_secs(2);
        for trial in 0..30 {
            assert!(vigil.is_due(now), "trial {trial}");
            vigil.judge(true, now);
            now += vigil.pause;
        }
        assert_eq!(vigil.pause, Duration::ZERO);
    }

    /// Where every other vigil is in vain, they become rare: what one costs is more than what another
    /// one saves.
    #[test]
    fn half_a_success_is_too_little() {
        let mut vigil = Vigil::default();
        for _ in 0..20 {
            vigil.judge(false, a_moment());
            vigil.judge(true, a_moment());
        }
        assert!(vigil.pause >= LONGEST_PAUSE / 2);
    }

    /// What is already there is found at the first look; what never comes ends it, too.
    #[test]
    fn it_ends_when_that_is_known_or_after_a_while() {
        let now = a_moment();
        assert!(comes_in_time(now, || Poll::Ready(true)));
        assert!(!comes_in_time(now, || Poll::Ready(false)));
        assert!(!comes_in_time(now, || Poll::Pending));
    }
}
