//! What a running program leaves behind, and is checked against.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use trine_cancel::CancelScope;
use trine_nursery::Nursery;

/// The record of one run.
#[derive(Default)]
pub(super) struct World {
    start: Cell<Option<Instant>>,
    last: Cell<u128>,
    trace: RefCell<Vec<String>>,
    names: Cell<u32>,
    /// Cleanups that are due: their body was polled. And those that have begun.
    due: Cell<u32>,
    begun: Cell<u32>,
}

impl World {
    pub(super) fn begin(&self) {
        self.start.set(Some(trine_core::now()));
    }

    /// A new number, for things to be told apart.
    pub(super) fn name(&self) -> u32 {
        self.names.replace(self.names.get() + 1)
    }

    pub(super) fn note(&self, what: &str) {
        if usage_is_of_a_run()
            && let Some(start) = self.start.get()
        {
            self.last.set((trine_core::now() - start).as_millis());
        }
        self.trace.borrow_mut().push(format!("{} {what}", self.last.get()));
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.trace.borrow().clone()
    }

    pub(super) fn check_end(&self, longest: u64, whole: bool) {
        assert!(self.last.get() <= u128::from(longest), "it took too long: {:#?}", self.trace());
        if whole {
            assert_eq!(self.begun.get(), self.due.get(), "cleanups: {:#?}", self.trace());
        }
    }

    pub(super) fn root(self: &Rc<Self>) -> Env {
        Env {
            world: self.clone(),
            nurseries: Rc::new([]),
            scopes: Rc::new([]),
            around: Rc::new([]),
        }
    }
}

/// Outside of a run the time is another.
fn usage_is_of_a_run() -> bool {
    trine_core::lowlevel::RemoteHandle::current().is_some()
}

/// What code of a program has around it.
#[derive(Clone)]
pub(super) struct Env {
    pub(super) world: Rc<World>,
    /// The nurseries in which it may start tasks, the innermost last, with what is around *their*
    /// tasks.
    nurseries: Rc<[Open]>,
    scopes: Rc<[CancelScope]>,
    /// What must be open while it runs.
    around: Rc<[Rc<Region>]>,
}

/// A nursery in which tasks may be started, and what those have around them.
type Open = (Nursery<'static, u32>, Rc<[Rc<Region>]>);

/// A nursery, or the body of a `finally`: what must have ended before something else.
pub(super) struct Region {
    name: String,
    open: Cell<bool>,
    /// Cleanups inside it, and further in, that are still to come.
    inside: Cell<u32>,
}

/// Closes a region when it is dropped.
pub(super) struct Closing(Rc<Region>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.open.set(false);
    }
}

/// Counts one cleanup on all that is around it, until it has ended.
pub(super) struct Counted(Rc<[Rc<Region>]>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.iter().for_each(|region| region.inside.set(region.inside.get() - 1));
    }
}

/// Notes the end of a task, at which all around it must be open.
pub(super) struct Ending(Env, String);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.note(&format!("{} is gone", self.1));
    }
}

impl Env {
    /// Notes a step, at which all around it must be open.
    pub(super) fn note(&self, what: &str) {
        self.world.note(what);
        for region in &*self.around {
            let open = region.open.get();
            let trace = if open { Vec::new() } else { self.world.trace() };
            // A panic in a destructor could abort, and the trace would be lost.
            assert!(open || std::thread::panicking(), "{what} after {}: {trace:#?}", region.name);
        }
    }

    fn region(&self, kind: &str) -> (Self, Rc<Region>, Closing) {
        let name = format!("{kind} {}", self.world.name());
        let region = Rc::new(Region { name, open: Cell::new(true), inside: Cell::new(0) });
        let mut env = self.clone();
        env.around = self.around.iter().cloned().chain([region.clone()]).collect();
        (env, region.clone(), Closing(region))
    }

    /// What the tasks of a nursery that opens here have around them, and what closes it.
    pub(super) fn open_nursery(&self) -> (Self, Closing) {
        let (env, _, closing) = self.region("nursery");
        (env, closing)
    }

    /// What the body of that nursery has around it.
    pub(super) fn in_body(&self, nursery: Nursery<'static, u32>) -> Self {
        let mut env = self.clone();
        let entry = (nursery, self.around.clone());
        env.nurseries = self.nurseries.iter().cloned().chain([entry]).collect();
        env
    }

    pub(super) fn in_scope(&self, scope: CancelScope) -> Self {
        let mut env = self.clone();
        env.scopes = self.scopes.iter().cloned().chain([scope]).collect();
        env
    }

    /// A nursery around, and what a task that is started in it has around it.
    pub(super) fn nursery(&self, up: u8) -> Option<(Nursery<'static, u32>, Self)> {
        let at = self.nurseries.len().checked_sub(1 + usize::from(up))?;
        let (nursery, around) = self.nurseries[at].clone();
        let mut env = self.clone();
        env.nurseries = self.nurseries[..=at].into();
        env.around = around;
        Some((nursery, env))
    }

    /// The same for a task that may be moved there: it is not known what is around it.
    pub(super) fn moving(&self, up: u8) -> Option<(Nursery<'static, u32>, Self)> {
        let (nursery, mut env) = self.nursery(up)?;
        env.around = Rc::new([]);
        Some((nursery, env))
    }

    pub(super) fn scope(&self, up: u8) -> Option<&CancelScope> {
        self.scopes.len().checked_sub(1 + usize::from(up)).map(|at| &self.scopes[at])
    }

    /// The beginning of a `finally`: what its body has around it.
    pub(super) fn finally(&self) -> (Self, Rc<Region>, Closing, Counted) {
        self.world.due.set(self.world.due.get() + 1);
        self.around.iter().for_each(|region| region.inside.set(region.inside.get() + 1));
        let counted = Counted(self.around.clone());
        let (env, region, closing) = self.region("body");
        (env, region, closing, counted)
    }

    /// The beginning of a cleanup: all that was to come before has ended.
    pub(super) fn cleanup(&self, body: &Region) {
        self.world.begun.set(self.world.begun.get() + 1);
        self.note(&format!("cleanup of {}", body.name));
        assert_eq!(body.inside.get(), 0, "inside out: {:#?}", self.world.trace());
        assert!(!body.open.get(), "the body is there: {:#?}", self.world.trace());
    }

    pub(super) fn task(&self, kind: &str) -> Ending {
        let name = format!("{kind} {}", self.world.name());
        self.note(&format!("{name} begins"));
        Ending(self.clone(), name)
    }
}
