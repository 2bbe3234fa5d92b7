//! What a task borrows lives longer than its group.

use trine_core::lowlevel::Group;

fn main() {
    trine_core::run(async {
        let group = Group::open();
        let name = String::from("x");
        group.start(async { name.len() });
    });
}
