//! `Quiet`: ends a test's run that would otherwise hang, and tells of tasks that nobody polls.
//!
//! | phase | the run | then |
//! |---|---|---|
//! | watching | goes on | |
//! | asking | was stuck; every task has been woken, to say what it waits for | stuck again: a deadlock |
//! | … | went on by that to its end | a wake-up was lost |

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use trine_core::lowlevel::{Idle, watch_idle};

use crate::task_tree::TaskTree;
use crate::waits::Waits;

/// How long a run must have been idle, in real time, to be called stuck. A waker or a handle in a
/// thread that trine knows nothing of may still come; one that takes longer is said to be at work
/// by an `OutsideWork`, or the test sets more patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Watches the run of this thread for the time when nothing happens any more.
#[derive(Debug, Clone)]
pub(crate) struct Quiet {
    state: Rc<State>,
}

#[derive(Debug)]
struct State {
    deny_snoozing: bool,
    /// The tree as it was when the run was first stuck, while that is still to be explained.
    asking: RefCell<Option<Waits>>,
    before: RefCell<Option<String>>,
    snoozed: RefCell<BTreeSet<u64>>,
}

impl Quiet {
    pub(crate) fn watch(patience: Duration, deny_snoozing: bool) -> Self {
        let state = Rc::new(State {
            deny_snoozing,
            asking: RefCell::default(),
            before: RefCell::default(),
            snoozed: RefCell::default(),
        });
        let quiet = Self { state };
        quiet.clone().hook(patience);
        quiet
    }

    fn hook(self, patience: Duration) {
        watch_idle(
            patience,
            Rc::new(move |idle| match idle {
                Idle::Snoozing => self.state.snoozing(),
                Idle::Stuck => self.stuck(),
            }),
        );
    }

    fn stuck(&self) {
        let asked = self.state.asking.take();
        if let Some(waits) = asked {
            Waits::stop();
            self.state.before.take();
            panic!("{}", report(&TaskTree::now().with_waits(&waits)));
        }
        *self.state.before.borrow_mut() = Some(TaskTree::now().to_string());
        *self.state.asking.borrow_mut() = Some(Waits::ask());
        // It has had its time; the second look need not wait.
        self.clone().hook(Duration::ZERO);
    }

    /// The run has ended. If it was stuck and got on because its tasks were asked, it should not
    /// have.
    pub(crate) fn finish(&self) {
        let before = self.state.before.take();
        if let Some(tree) = before {
            panic!(
                "a wake-up was lost: the run was stuck, but went on when every task was polled once \
                 more. Some future has returned `Pending` and nobody woke it when it could go on. \
                 The tasks while it was stuck:\n{tree}"
            );
        }
    }
}

impl State {
    fn snoozing(&self) {
        let new: Vec<String> = {
            let mut known = self.snoozed.borrow_mut();
            let snoozed = TaskTree::now().snoozed();
            snoozed.into_iter().filter(|(id, _)| known.insert(*id)).map(|(_, path)| path).collect()
        };
        if new.is_empty() {
            return;
        }
        let message = format!(
            "snoozing: the run is idle, though there is something to do:\n{}\n{ADVICE}",
            new.join("\n")
        );
        assert!(!self.deny_snoozing, "{message}");
        eprintln!("{message}");
    }
}

const ADVICE: &str = "Whoever polls a nursery must go on polling it: do not hold it by reference in a \
                      `select!` or put it into `buffered`; start such work in a nursery around it";

const KEPT_ADVICE: &str = "What is kept is neither run nor drained: do not wait for something else in the handler of a \
                           `select!` that has it by reference; start such work in a nursery around it, or \
                           bound it with `CancelScope::set_grace`";

fn report(tree: &TaskTree) -> String {
    let mut text = String::from(
        "deadlock: nothing is ready, no deadline would come, and nothing outside is known to be at \
         work. The tasks:\n",
    );
    text.push_str(&tree.with_cycles());
    let snoozed = tree.snoozed();
    if !snoozed.is_empty() {
        let paths: Vec<String> = snoozed.into_iter().map(|(_, path)| path).collect();
        text.push_str(&format!("snoozing:\n{}\n{ADVICE}\n", paths.join("\n")));
    }
    let kept = tree.kept();
    if !kept.is_empty() {
        text.push_str(&format!("kept:\n{}\n{KEPT_ADVICE}\n", kept.join("\n")));
    }
    text
}
