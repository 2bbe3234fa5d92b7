//! A task of a nursery that may fail ends with nothing, with a result, or not at all.

use trine_nursery::{Nursery, try_open_nursery};

fn main() {
    trine_core::run(async {
        let result = try_open_nursery(async |nursery: Nursery<'_, &str>| {
            nursery.start_soon(async { Err("seen") });
            nursery.start_soon(async {});
            nursery.start_soon(trine_core::sleep_forever());
            Ok(())
        })
        .await;
        assert_eq!(result.unwrap_err().errors(), ["seen"]);
    });
}
