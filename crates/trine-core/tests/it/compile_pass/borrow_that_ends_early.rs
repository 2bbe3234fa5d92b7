//! What a task borrows lives longer than its group.

use trine_core::lowlevel::Group;

fn main() {
    trine_core::run(async {
        let name = String::from("x");
        let group = Group::open();
        group.start(async { name.len() });
    });
}
