//! A group is not one of tasks that live shorter.

use trine_core::lowlevel::Group;

fn borrows<'a>(group: &Group<'a, usize>, name: &'a str) {
    group.start(async { name.len() });
}

fn main() {
    trine_core::run(async {
        let name = String::from("x");
        let group = Group::<'static, usize>::open();
        borrows(&group, &name);
    });
}
