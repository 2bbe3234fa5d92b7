//! The end of a task of a group, and what its destructors may do to that group meanwhile.

use std::cell::{Cell, OnceCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use trine_core::lowlevel::{Group, TaskId, Usage, usage};
use trine_core::run;

type Kept = Rc<Group<'static, usize>>;

/// Does something when it is dropped.
struct AtDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Ends a task whose destructor does something to its group, with its own name; then fills the places that
/// are free, and looks whether each task has one of its own.
fn end_with(at_end: impl Fn(&Kept, TaskId) + 'static) {
    let done = Rc::new(Cell::new(0));
    run(async {
        let group: Kept = Rc::new(Group::open());
        let name: Rc<OnceCell<TaskId>> = Rc::default();
        let at_drop = {
            let (group, name, done) = (group.clone(), name.clone(), done.clone());
            AtDrop(move || {
                done.set(done.get() + 1);
                at_end(&group, *name.get().expect("it has a name"));
            })
        };
        let task = group.start(async move {
            let _at_drop = at_drop;
            pending().await
        });
        name.set(task).expect("it is set once");
        // The future holds it from its first poll on.
        poll_fn(|cx| {
            Poll::Ready(group.turn(cx, |turn| _ = turn.next().expect("it is ready").poll()))
        })
        .await;
        group.end_task(task);
        assert_eq!(group.len(), 0);

        let others: [Group<'_, usize>; 2] = [Group::open(), Group::open()];
        let tasks = [0, 1, 2, 3].map(|n| others[n % 2].start(async move { n }));
        for (n, task) in tasks.iter().enumerate() {
            assert!(tasks[..n].iter().all(|other| other != task), "two tasks have one place");
            assert!(others[n % 2].has(*task));
        }
    });
    assert_eq!(done.get(), 1);
    assert_eq!(usage(), Usage::default());
}

/// The task is gone for its group as soon as it is being dropped.
// rule: D-13
#[test]
fn a_task_that_ends_itself_as_it_is_dropped() {
    end_with(|group, task| {
        assert!(!group.has(task));
        group.end_task(task);
    });
}

/// It may close the group.
// rule: D-13
#[test]
fn a_task_that_closes_its_group_as_it_is_dropped() {
    end_with(|group, _| group.close());
}

/// It may end those that are left, and begin others.
// rule: D-13
#[test]
fn a_task_that_ends_all_others_as_it_is_dropped() {
    end_with(|group, task| {
        let other = group.start(async { 1 });
        assert_eq!((group.before(None), group.before(Some(other))), (Some(other), None));
        group.end_task(other);
        group.end_task(task);
    });
}

/// One that is woken when its group is closed is not queued anywhere.
// rule: L-9, D-13
#[test]
fn a_task_that_is_woken_after_it_has_closed_its_group() {
    end_with(|group, task| {
        group.close();
        task.wake();
        assert!(!task.is_ready());
    });
}

/// Where a task has been ended in a turn, nothing hangs under its place, least of all what is opened in that.
// rule: D-13
#[test]
fn what_is_opened_where_a_task_has_ended() {
    run(async {
        let group = Group::open();
        group.start(async {});
        poll_fn(|cx| {
            group.turn(cx, |turn| {
                turn.next().expect("it is ready").end();
                let inner = Group::<()>::open();
                group.cancel();
                assert!(!inner.is_cancelled());
            });
            Poll::Ready(())
        })
        .await;
    });
}

/// A group that holds what is around it, and is left when that has been cancelled and is gone, is cancelled no
/// longer, and neither are its tasks.
// rule: C-1
#[test]
fn a_group_that_is_left_behind_by_a_cancelled_one() {
    run(async {
        let outer = Group::open();
        let task = outer.start(poll_fn(|_| Poll::Ready(Group::<'static, ()>::open())));
        let mut inner = None;
        poll_fn(|cx| {
            let poll = outer.turn(cx, |turn| turn.visit(task).expect("it is there").poll());
            poll.map(|group| inner = Some(group))
        })
        .await;
        let inner = inner.expect("it was opened");
        let left = inner.start(async {});
        inner.as_ref().set_holds(true);
        outer.cancel();
        assert!(left.is_cancelled());
        outer.end_task(task);
        assert!(!inner.is_cancelled() && !left.is_cancelled());
    });
}
