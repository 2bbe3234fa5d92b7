//! Nor is it one of tasks that live longer: what they give may borrow, too.

use trine_core::lowlevel::Group;

fn takes<'a, 'b>(group: &'b Group<'a, &'a str>) -> &'b Group<'a, &'static str> {
    group
}

fn main() {
    trine_core::run(async {
        let name = String::from("x");
        let group = Group::open();
        group.start(async { &*name });
        takes(&group);
    });
}
