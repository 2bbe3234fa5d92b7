//! A group stays on its thread, as do the names of tasks.

use trine_core::lowlevel::{Group, TaskId};

fn stays<T>(_: T) {}

fn main() {
    trine_core::run(async {
        let group = Group::open();
        let task: TaskId = group.start(async {});
        stays(task);
        stays(group.as_ref());
        stays(group);
    });
}
