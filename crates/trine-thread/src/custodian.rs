//! `Custodian`: looks after the calls of a run whose futures nobody polls.
//!
//! The future of a call can be kept without being polled: by reference in a `select!` whose handler
//! awaits something else. It can be leaked, or moved out of the run. Its thread goes on all the
//! same, and may wait for the run. So each call under way is a *ward*: it is on a list of its run,
//! and a task of the run itself looks after those whose future is not polled when it should be.
//!
//! | when                        | the thread of a kept call              | what was begun for it | and afterwards                |
//! |-----------------------------|----------------------------------------|-----------------------|-------------------------------|
//! | a cancel is visible from it | is told so, and what it asks is refused | is cancelled, drained | no cancel waits for it        |
//! | the run ends                | likewise                               | likewise              | the run does not wait for it  |
//! | a call's panic ends the run | what it asks is refused                | is dropped            |                               |
//!
//! Nothing ever waits for a call that may be abandoned, but for what was begun for its thread and
//! must be drained.
//!
//! What was begun for a thread owns all it uses, so the custodian can poll it as well as the future
//! can. Each of the two may come back to it at any time: it is with the ward while nobody polls it.
//!
//! A call costs a place on the list. The task sleeps until a cancel reaches one of the regions, of
//! which it is the watcher, and from then on until the worker of that call has news, or what was
//! begun for it is woken: while it is cancelled its waker is a *bell*, for the future and the
//! custodian both. Whether a future is kept is found out by asking for it
//! (`trine_core::lowlevel::ScopeFrame::ask`): so one that is polled is never taken for one that is
//! not, and gets its result.

use std::cell::{Cell, OnceCell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Wake, Waker};

use trine_core::lowlevel::{Attention, Guard, ScopeFrame, run_local, spawn_system};

use crate::served::Serve;
use crate::task::Hosted;

/// What a run knows of its calls.
#[derive(Default)]
pub(crate) struct Custodian {
    wards: RefCell<Vec<Rc<Ward>>>,
    /// Of the task, once it has been polled.
    waker: RefCell<Option<Waker>>,
    /// Whether there is a task.
    on_duty: Cell<bool>,
}

/// A call under way.
pub(crate) struct Ward {
    /// What the thread has asked for and was not answered yet; here while the future is not being
    /// polled.
    serving: RefCell<Vec<Box<dyn Serve>>>,
    call: Arc<dyn Hosted>,
    /// The region that a cancel finds, also behind a foreign combinator.
    region: ScopeFrame,
    /// Whether a cancel, and the end of the run, wait for the closure: it may not be abandoned.
    holds: bool,
    custodian: Rc<Custodian>,
    /// Its place on the list.
    place: Cell<usize>,
    /// Whether it was asked for since the cancel: then the custodian has its eye on it.
    asked: Cell<bool>,
    /// Whether what is being served is with the custodian.
    drains: Cell<bool>,
    /// Whether one of its bells has rung since that was looked at.
    has_rung: OnceCell<Arc<AtomicBool>>,
    /// Whether it is off the list.
    discharged: Cell<bool>,
}

/// Wakes the future of a call and its custodian.
struct Bell {
    future: Waker,
    custodian: Waker,
    /// Relaxed: a wake follows, and who is woken by that sees it.
    has_rung: Arc<AtomicBool>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Relaxed);
        self.future.wake_by_ref();
        self.custodian.wake_by_ref();
    }
}

/// The task of a custodian.
struct Duty {
    custodian: Rc<Custodian>,
    /// Whether the run ends: then it is held up until no ward is left.
    ending: bool,
    guard: Guard,
}

impl Ward {
    /// Puts a call that is polled now on the list of its run; `None` with no run on the thread.
    pub(crate) fn admit(holds: bool, call: impl FnOnce() -> Arc<dyn Hosted>) -> Option<Rc<Self>> {
        let custodian = run_local(Rc::<Custodian>::default)?;
        let region = ScopeFrame::open();
        region.set_holds(holds);
        if let Some(waker) = &*custodian.waker.borrow() {
            region.set_watcher(waker);
        }
        if !custodian.on_duty.replace(true) {
            spawn_system(Duty::new(Rc::clone(&custodian), false));
        }
        let mut wards = custodian.wards.borrow_mut();
        let ward = Rc::new(Self {
            serving: RefCell::default(),
            call: call(),
            region,
            holds,
            custodian: Rc::clone(&custodian),
            place: Cell::new(wards.len()),
            asked: Cell::new(false),
            drains: Cell::new(false),
            has_rung: OnceCell::new(),
            discharged: Cell::new(false),
        });
        wards.push(Rc::clone(&ward));
        Some(ward)
    }

    /// Takes it off the list.
    pub(crate) fn discharge(&self) {
        if self.discharged.replace(true) {
            return;
        }
        let place = self.place.get();
        let mut wards = self.custodian.wards.borrow_mut();
        let this = wards.swap_remove(place);
        if let Some(moved) = wards.get(place) {
            moved.place.set(place);
        }
        drop(wards);
        drop(this);
    }

    /// Whether it is off the list: its run is over.
    pub(crate) fn is_discharged(&self) -> bool {
        self.discharged.get()
    }

    /// Polls the future of the call, with what is being served in its hands.
    pub(crate) fn poll<R>(
        &self,
        cx: &mut Context<'_>,
        serving: &mut Vec<Box<dyn Serve>>,
        poll: impl FnOnce(&mut Context<'_>, &mut Vec<Box<dyn Serve>>) -> R,
    ) -> R {
        serving.append(&mut self.serving.borrow_mut());
        let result = self.region.enter(cx, |cx| poll(cx, serving));
        std::mem::swap(serving, &mut self.serving.borrow_mut());
        self.cease_to_drain();
        if !self.holds
            && self.region.has_guards()
            && let Some(waker) = &*self.custodian.waker.borrow()
        {
            // It may have begun to hold something just now.
            self.region.set_watcher(waker);
        }
        result
    }

    /// Lets go of what is being served: the thread gets its answers.
    pub(crate) fn clear(&self) {
        let serving = self.serving.take();
        drop(serving);
    }

    /// Looks whether the future is polled, if it should be; if it is not, lets the thread go on. Says
    /// whether to look again soon.
    fn look_after(&self, cx: &mut Context<'_>, ending: bool) -> bool {
        let cancelled = self.region.is_cancelled();
        if !cancelled && !ending {
            self.asked.set(false);
            return false;
        }
        if cancelled {
            self.call.set_cancelled(true);
        }
        let found = self.call.watch(cx.waker());
        let has_rung = self.has_rung.get().is_some_and(|has_rung| has_rung.swap(false, Relaxed));
        match self.region.attention() {
            Attention::Polled => {
                let ask = !self.asked.replace(true) || found.news || has_rung;
                if ask {
                    self.region.ask();
                }
                ask
            }
            Attention::Asked => true,
            Attention::Kept => {
                self.call.set_cancelled(true);
                self.call.refuse_requests();
                self.drain(cx);
                if found.ended {
                    self.clear();
                    self.region.set_holds(false);
                }
                let is_awaited = self.holds && !found.ended;
                if ending && !is_awaited && self.serving.borrow().is_empty() {
                    self.call.deafen();
                    self.discharge();
                }
                false
            }
        }
    }

    /// Does what the future would do with what is being served: polls it, cancelled, until it is
    /// drained.
    fn drain(&self, cx: &mut Context<'_>) {
        // To hold, and cease to, wakes who polls the call: not for nothing, or two of one task would
        // have each other looked at for ever.
        if self.serving.borrow().is_empty() {
            return;
        }
        // What is polled here hangs here, and holds up the call no more by itself.
        self.region.set_holds(true);
        self.drains.set(true);
        let mut serving = self.serving.take();
        serving.retain_mut(|served| {
            served.cancel();
            served.poll(cx).is_pending()
        });
        let drained = serving.is_empty();
        self.serving.borrow_mut().append(&mut serving);
        if drained {
            self.cease_to_drain();
        }
    }

    /// All is with the future again, or gone.
    fn cease_to_drain(&self) {
        if self.drains.replace(false) {
            self.region.set_holds(self.holds);
        }
    }

    /// The waker for what is served while the call is cancelled.
    pub(crate) fn bell(&self, future: &Waker) -> Option<Waker> {
        let custodian = self.custodian.waker.borrow().clone()?;
        if !self.asked.get() {
            // Begun, or moved here, when the cancel had come already.
            custodian.wake_by_ref();
        }
        let has_rung = Arc::clone(self.has_rung.get_or_init(Arc::default));
        Some(Waker::from(Arc::new(Bell { future: future.clone(), custodian, has_rung })))
    }

    /// The run has ended without waiting.
    fn desert(&self) {
        self.call.set_cancelled(true);
        self.call.deafen();
        self.clear();
        self.region.set_holds(false);
        self.discharge();
    }
}

impl Custodian {
    fn look_after(&self, cx: &mut Context<'_>, ending: bool) {
        let wards = self.wards.borrow().clone();
        if self.waker.borrow().is_none() {
            wards.iter().for_each(|ward| ward.region.set_watcher(cx.waker()));
            self.waker.replace(Some(cx.waker().clone()));
        }
        let mut again = false;
        for ward in wards {
            again |= !ward.is_discharged() && ward.look_after(cx, ending);
        }
        if again {
            cx.waker().wake_by_ref();
        }
    }

    fn has_wards(&self) -> bool {
        !self.wards.borrow().is_empty()
    }
}

impl Duty {
    fn new(custodian: Rc<Custodian>, ending: bool) -> Self {
        Self { custodian, ending, guard: Guard::new() }
    }
}

impl Future for Duty {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.ending {
            self.guard.attach();
        }
        self.custodian.look_after(cx, self.ending);
        match self.ending && !self.custodian.has_wards() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        self.custodian.waker.take();
        self.custodian.on_duty.set(false);
        if self.ending {
            // What is left, if the run was ended at once.
            let wards = self.custodian.wards.borrow().clone();
            wards.iter().for_each(|ward| ward.desert());
        } else if self.custodian.has_wards() {
            // The run ends, and has cancelled this task.
            self.custodian.on_duty.set(true);
            spawn_system(Self::new(Rc::clone(&self.custodian), true));
        }
    }
}
