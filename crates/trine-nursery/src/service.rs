//! Services: tasks that outlive the others, so that these can use them to the very end.
//!
//! They live in a nursery of their own, whose future is one more task of the outer nursery: the *host*. It
//! is shielded, so it is drained like any guard; when the body and all other tasks are gone the outer
//! nursery releases it, and it cancels the services. It is no task that the user knows of, so `len` does
//! not count it, and it is dropped after everything else.
//!
//! A service that fails does not touch the other services: its error goes to the outer nursery,
//! which cancels the body and the ordinary tasks first.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};

use trine_cancel::shield;
use trine_core::lowlevel::{LocalRc, TaskId};

use crate::nursery::Nursery;
use crate::open::open_nursery;
use crate::origin::Origin;
use crate::output::TaskOutput;
use crate::shared::Shared;

/// The services of a nursery.
pub(crate) struct Services<'env> {
    /// The host, while there is one.
    host: Cell<Option<TaskId>>,
    queue: RefCell<Option<Rc<Queue<'env>>>>,
}

/// A service before it runs.
struct Service<'env> {
    future: Pin<Box<dyn Future<Output = ()> + 'env>>,
    name: Option<Cow<'static, str>>,
    site: &'static Location<'static>,
}

/// What the host and the outer nursery share.
struct Queue<'env> {
    waiting: RefCell<Vec<Service<'env>>>,
    /// The nursery of the services, once the host has opened it.
    nursery: RefCell<Option<Nursery<'env>>>,
    released: Cell<bool>,
    host: Cell<Option<Waker>>,
}

impl<'env> Services<'env> {
    pub(crate) const fn new() -> Self {
        Self { host: Cell::new(None), queue: RefCell::new(None) }
    }

    /// The host, if there are services.
    #[inline]
    pub(crate) fn host(&self) -> Option<TaskId> {
        self.host.get()
    }

    /// A task is gone: if it was the host there are no services any more.
    #[inline]
    pub(crate) fn forget_host(&self, task: TaskId) {
        if self.host.get() == Some(task) {
            self.forget();
        }
    }

    /// There are no services any more. Those that the host has not seen yet hold the nursery that holds
    /// them, so they are dropped here.
    pub(crate) fn forget(&self) {
        self.host.set(None);
        let queue = self.queue.take();
        drop(queue);
    }

    /// Nobody is left whom the services could serve: they are cancelled. Gives the host
    /// when this is new to it.
    pub(crate) fn release(&self) -> Option<TaskId> {
        let queue = self.queue.borrow().clone()?;
        if queue.released.replace(true) {
            return None;
        }
        if let Some(host) = queue.host.take() {
            host.wake();
        }
        self.host.get()
    }
}

/// Starts a service. `None` if the nursery is closed.
pub(crate) fn add<'env, E, F>(
    shared: &LocalRc<Shared<'env, E>>,
    task: F,
    name: Option<Cow<'static, str>>,
    site: &'static Location<'static>,
) -> Option<()>
where
    E: 'env,
    F: Future + 'env,
    F::Output: TaskOutput<E>,
{
    if !shared.is_open() {
        return None;
    }
    let future = Box::pin(serve(shared.clone(), task, name.clone(), site));
    let service = Service { future, name, site };
    let queue = shared.services.queue.borrow().clone();
    match queue {
        Some(queue) => queue.add(service),
        None => open_host(shared, service),
    }
}

fn open_host<'env, E: 'env>(shared: &LocalRc<Shared<'env, E>>, first: Service<'env>) -> Option<()> {
    let queue = Rc::new(Queue {
        waiting: RefCell::new(vec![first]),
        nursery: RefCell::new(None),
        released: Cell::new(false),
        host: Cell::new(None),
    });
    *shared.services.queue.borrow_mut() = Some(queue.clone());
    let host = shared.add(Location::caller(), Some("services".into()), host(queue))?;
    shared.services.host.set(Some(host));
    Some(())
}

/// Runs the services until they are released, and then drains them.
async fn host(queue: Rc<Queue<'_>>) {
    shield(open_nursery(async |nursery| {
        *queue.nursery.borrow_mut() = Some(nursery.clone());
        poll_fn(|cx| {
            for service in queue.waiting.take() {
                // It is open: its body runs.
                let _ = start(&nursery, service);
            }
            if queue.released.get() {
                return Poll::Ready(());
            }
            queue.host.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
        nursery.cancel_tasks();
    }))
    .await;
}

impl<'env> Queue<'env> {
    fn add(&self, service: Service<'env>) -> Option<()> {
        let nursery = self.nursery.borrow().clone();
        match nursery {
            Some(nursery) => start(&nursery, service),
            None => {
                self.waiting.borrow_mut().push(service);
                Some(())
            }
        }
    }
}

fn start<'env>(nursery: &Nursery<'env>, service: Service<'env>) -> Option<()> {
    let Service { future, name, site } = service;
    nursery.shared().add(site, name, future).map(drop)
}

/// Runs one service, and reports its failure to the nursery that it serves.
async fn serve<'env, E, F>(
    shared: LocalRc<Shared<'env, E>>,
    task: F,
    name: Option<Cow<'static, str>>,
    site: &'static Location<'static>,
) where
    F: Future,
    F::Output: TaskOutput<E>,
{
    let mut task = pin!(task);
    let ended = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => Poll::Ready(Err(payload)),
    });
    match ended.await.map(crate::output::Sealed::into_result) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => shared.fail(error, Origin { name, site: Some(site) }),
        Err(payload) => shared.fail_by_panic(payload),
    }
}
