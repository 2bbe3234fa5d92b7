//! `Custodian`: looks after the calls of a run whose futures nobody polls.
//!
//! The future of a call can be kept without being polled: by reference in a `select!` whose handler
//! awaits something else. It can be leaked, or moved out of the run. Its thread goes on all the
//! same, and may wait for the run. So each call under way that may not be abandoned is a *ward*: it
//! is on a list of its run, and a task of the run itself looks after those whose future is not
//! polled when it should be.
//!
//! | when                                | the thread of a kept call                                  | and afterwards                  |
//! |-------------------------------------|------------------------------------------------------------|---------------------------------|
//! | a cancel is visible from the call   | is told so, and what it asks is refused, or dropped        | the cancel waits for it no more |
//! | the run ends                        | likewise                                                   | the run waits for it no more    |
//! | the run is ended by a call's panic  | likewise                                                   |                                 |
//!
//! What was begun for a thread and must be drained (a `finally`) is left alone while the run goes on:
//! it holds up the cancel as any other that is kept, up to the end of a grace.
//!
//! A call costs a place on the list. The task sleeps until a cancel reaches one of the regions, of
//! which it is the watcher, or the worker of such a call has news. Whether a future is kept is found
//! out by asking for it (`trine_core::lowlevel::ScopeFrame::ask`): so one that is polled is never
//! taken for one that is not, and gets its result.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

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
    custodian: Rc<Custodian>,
    /// Its place on the list.
    place: Cell<usize>,
    /// Whether it was asked for since the cancel.
    asked: Cell<bool>,
    /// Whether it is off the list.
    discharged: Cell<bool>,
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
    pub(crate) fn admit(call: impl FnOnce() -> Arc<dyn Hosted>) -> Option<Rc<Self>> {
        let custodian = run_local(Rc::<Custodian>::default)?;
        let region = ScopeFrame::open();
        region.set_holds(true);
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
            custodian: Rc::clone(&custodian),
            place: Cell::new(wards.len()),
            asked: Cell::new(false),
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
        result
    }

    /// Lets go of what is being served: the thread gets its answers.
    pub(crate) fn clear(&self) {
        let serving = self.serving.take();
        drop(serving);
    }

    /// Looks whether the future is polled, if it should be; if it is not, lets the thread go on. Says
    /// whether to look again soon.
    fn look_after(&self, cx: &Context<'_>, ending: bool) -> bool {
        let cancelled = self.region.is_cancelled();
        if !cancelled && !ending {
            self.asked.set(false);
            return false;
        }
        if cancelled {
            self.call.set_cancelled(true);
        }
        let found = self.call.watch(cx.waker());
        match self.region.attention() {
            // What is being served was polled since the cancel: what is left of it is drained.
            Attention::Polled if self.asked.get() && !found.news => false,
            Attention::Polled => {
                self.asked.set(true);
                self.region.ask();
                true
            }
            Attention::Asked => true,
            Attention::Kept => {
                self.call.set_cancelled(true);
                self.call.refuse_requests();
                self.let_go(ending);
                if found.ended {
                    self.region.set_holds(false);
                    if ending {
                        self.discharge();
                    }
                }
                false
            }
        }
    }

    /// Drops what is being served, but for what must be drained, unless nothing can be drained any
    /// more.
    fn let_go(&self, ending: bool) {
        let serving = self.serving.take().into_iter();
        let (left, gone): (Vec<_>, Vec<_>) =
            serving.partition(|served| !ending && served.must_be_drained());
        self.serving.borrow_mut().extend(left);
        drop(gone);
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
    fn look_after(&self, cx: &Context<'_>, ending: bool) {
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
