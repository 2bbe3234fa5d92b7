//! Cancellation.

use std::cell::Cell;
use std::error::Error;
use std::time::Instant;

use trine::{CancelScope, TooSlow};

use super::{ms, run};

#[test]
fn a_scope_is_made_with_or_without_a_deadline() {
    run(async {
        let start = trine::now();
        let plain: CancelScope = CancelScope::new();
        assert_eq!(plain.deadline(), None::<Instant>);
        let absolute: CancelScope = CancelScope::with_deadline(start + ms(5)).shielded(true);
        assert_eq!(absolute.deadline(), Some(start + ms(5)));
        let relative: CancelScope = CancelScope::with_timeout(ms(5)).shielded(false);
        let nothing: Option<u8> = relative.run(async { trine::sleep_forever().await }).await;
        assert_eq!(nothing, None);
        assert_eq!(trine::now() - start, ms(5));
    });
}

#[test]
fn a_handle_to_a_scope_is_cloned_and_cancels_it_from_elsewhere() {
    run(async {
        let scope = CancelScope::new();
        let handle: CancelScope = scope.clone();
        let nothing: Option<()> = scope
            .run(async {
                handle.cancel_because("enough");
                handle.cancel();
                trine::sleep(ms(1)).await;
            })
            .await;
        assert_eq!(nothing, None);
        let called: bool = scope.cancel_called();
        let caught: bool = scope.cancelled_caught();
        let reason: Option<String> = scope.reason();
        assert_eq!((called, caught, reason.as_deref()), (true, true, Some("enough")));
        scope.cancel_because(format!("a {} will do, too", "String"));
    });
}

#[test]
fn a_running_scope_is_changed() {
    run(async {
        let scope = CancelScope::new();
        let nothing: Option<()> = scope
            .run(async {
                scope.set_deadline(None);
                scope.set_shield(true);
                scope.set_shield(false);
                scope.set_grace(Some(ms(1)));
                scope.set_grace(None);
                scope.set_deadline(Some(trine::now() + ms(3)));
                trine::sleep_forever().await;
            })
            .await;
        assert_eq!(nothing, None);
    });
}

#[test]
fn the_shorthands_for_timeouts() {
    fn is_an_error<E: Error + std::fmt::Debug + PartialEq>(_: &E) {}
    run(async {
        let start = trine::now();
        let in_time: Option<u8> = trine::move_on_after(ms(1), async { 7 }).await;
        let too_late: Option<()> = trine::move_on_at(start + ms(1), trine::sleep(ms(2))).await;
        assert_eq!((in_time, too_late), (Some(7), None));
        let in_time: Result<u8, TooSlow> = trine::fail_after(ms(1), async { 7 }).await;
        let too_late: Result<(), TooSlow> =
            trine::fail_at(start + ms(2), trine::sleep(ms(2))).await;
        assert_eq!(in_time, Ok(7));
        is_an_error(&too_late.unwrap_err());
    });
}

#[test]
fn shields_and_cleanup() {
    run(async {
        let cleaned = Cell::new(false);
        let start = trine::now();
        let nothing: Option<()> = trine::move_on_after(ms(1), async {
            let shielded: u8 = trine::shield(async {
                trine::sleep(ms(2)).await;
                7
            })
            .await;
            assert_eq!(shielded, 7);
            let (): () = trine::finally(trine::sleep(ms(9)), async || {
                trine::sleep(ms(4)).await;
                cleaned.set(true);
            })
            .await;
            unreachable!("the scope is cancelled");
        })
        .await;
        assert_eq!((nothing, cleaned.get()), (None, true));
        assert_eq!(trine::now() - start, ms(6));
    });
}

#[test]
fn the_effective_deadline() {
    run(async {
        assert_eq!(trine::current_effective_deadline(), None::<Instant>);
        let at = trine::now() + ms(1);
        let inside = trine::move_on_at(at, async { trine::current_effective_deadline() }).await;
        assert_eq!(inside, Some(Some(at)));
    });
}
