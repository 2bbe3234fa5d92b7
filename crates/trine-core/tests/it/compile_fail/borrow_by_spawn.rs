//! A task that the run polls borrows nothing.

use trine_core::lowlevel::Group;

fn main() {
    let name = String::from("x");
    trine_core::run(async {
        let group = Group::<()>::open();
        group.spawn(async { drop(name.len()) });
    });
}
