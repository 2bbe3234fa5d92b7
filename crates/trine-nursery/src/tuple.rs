//! `gather_tuple`, `try_gather_tuple` and `race_tuple`: futures of different types side by side.

use std::cell::Cell;
use std::future::Future;
use std::panic::Location;

use crate::error_group::ErrorGroup;
use crate::open::{open_nursery_at, try_open_nursery_at};
use crate::race::Winner;

/// Where the caller is. Nobody else can make one: so the traits can only be used by the functions
/// here.
#[derive(Debug, Clone, Copy)]
pub struct Site(&'static Location<'static>);

/// A tuple of two to eight futures, for [`gather_tuple`]. Sealed.
pub trait GatherTuple {
    /// The tuple of their results.
    type Outputs;

    /// Runs them side by side.
    fn gather(self, site: Site) -> impl Future<Output = Self::Outputs>;
}

/// A tuple of two to eight futures that may fail with the same error, for [`try_gather_tuple`].
/// Sealed.
pub trait TryGatherTuple {
    /// The tuple of their values.
    type Values;
    /// What they fail with.
    type Error;

    /// Runs them side by side.
    fn try_gather(
        self,
        site: Site,
    ) -> impl Future<Output = Result<Self::Values, ErrorGroup<Self::Error>>>;
}

/// A tuple of two to eight futures with the same kind of result, for [`race_tuple`]. Sealed.
pub trait RaceTuple {
    /// The result of each.
    type Output;

    /// Runs them side by side until the first has finished.
    fn race(self, site: Site) -> impl Future<Output = Self::Output>;
}

/// Like [`gather`](crate::gather), for a tuple of futures of different types: gives the tuple of
/// their results. What macros such as `futures::join` do.
///
/// # Cancellation
///
/// As [`gather`](crate::gather).
///
/// # Panics
///
/// As [`gather`](crate::gather).
///
/// # Examples
///
/// ```
/// use trine_nursery::gather_tuple;
///
/// async fn name() -> &'static str { "ann" }
/// async fn age() -> u8 { 42 }
///
/// trine_core::run(async {
///     let (name, age) = gather_tuple((name(), age())).await;
///     assert_eq!((name, age), ("ann", 42));
/// });
/// ```
#[track_caller]
pub fn gather_tuple<T: GatherTuple>(tasks: T) -> impl Future<Output = T::Outputs> {
    tasks.gather(Site(Location::caller()))
}

/// Like [`gather_tuple`], for futures that may fail with the same error: the first error cancels
/// the rest. What macros such as `futures::try_join` do.
///
/// # Cancellation
///
/// As [`gather`](crate::gather).
///
/// # Errors
///
/// All errors, in order of completion, also those raised while the rest was being cancelled.
///
/// # Panics
///
/// As [`gather`](crate::gather).
///
/// # Examples
///
/// ```
/// use trine_nursery::try_gather_tuple;
///
/// trine_core::run(async {
///     let port = async { "80".parse::<u16>() };
///     let level = async { "x".parse::<u8>() };
///     assert_eq!(try_gather_tuple((port, level)).await.unwrap_err().len(), 1);
/// });
/// ```
#[track_caller]
pub fn try_gather_tuple<T: TryGatherTuple>(
    tasks: T,
) -> impl Future<Output = Result<T::Values, ErrorGroup<T::Error>>> {
    tasks.try_gather(Site(Location::caller()))
}

/// Like [`race`](crate::race), for a tuple of futures of different types with the same kind of
/// result; an enum says which it was. Unlike `select!`, which drops the losers, this lets them
/// clean up.
///
/// # Cancellation
///
/// As [`race`](crate::race).
///
/// # Panics
///
/// Polled outside of a run. If one panics the others are cancelled, and the panic goes on.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_nursery::race_tuple;
///
/// #[derive(Debug, PartialEq)]
/// enum Event { Line(String), Quiet }
///
/// async fn line() -> String { trine_core::sleep_forever().await }
///
/// trine_core::run(async {
///     let event = race_tuple((
///         async { Event::Line(line().await) },
///         async {
///             trine_core::sleep(Duration::from_millis(1)).await;
///             Event::Quiet
///         },
///     ))
///     .await;
///     assert_eq!(event, Event::Quiet);
/// });
/// ```
#[track_caller]
pub fn race_tuple<T: RaceTuple>(tasks: T) -> impl Future<Output = T::Output> {
    tasks.race(Site(Location::caller()))
}

/// A place for the result of one task.
struct Slot<T>(Cell<Option<T>>);

impl<T> Slot<T> {
    fn new() -> Self {
        Self(Cell::new(None))
    }

    fn into_value(self) -> T {
        match self.0.into_inner() {
            Some(value) => value,
            None => unreachable!("a nursery returned while a task was at work"),
        }
    }
}

macro_rules! tuples {
    ($($task:ident $value:ident $slot:tt),+) => {
        impl<$($task: Future),+> GatherTuple for ($($task,)+) {
            type Outputs = ($($task::Output,)+);

            async fn gather(self, Site(site): Site) -> Self::Outputs {
                let slots = ($(Slot::<$task::Output>::new(),)+);
                let places = &slots;
                open_nursery_at(site, async move |nursery| {
                    $(nursery.start_soon_at(site, async move {
                        places.$slot.0.set(Some(self.$slot.await));
                    });)+
                })
                .await;
                ($(slots.$slot.into_value(),)+)
            }
        }

        impl<Error, $($value,)+ $($task: Future<Output = Result<$value, Error>>),+> TryGatherTuple
            for ($($task,)+)
        {
            type Values = ($($value,)+);
            type Error = Error;

            async fn try_gather(
                self,
                Site(site): Site,
            ) -> Result<Self::Values, ErrorGroup<Error>> {
                let slots = ($(Slot::<$value>::new(),)+);
                let places = &slots;
                try_open_nursery_at(site, async move |nursery| {
                    $(nursery.start_soon_at(site, async move {
                        places.$slot.0.set(Some(self.$slot.await?));
                        Ok(())
                    });)+
                    Ok(())
                })
                .await?;
                Ok(($(slots.$slot.into_value(),)+))
            }
        }

        impl<Output, $($task: Future<Output = Output>),+> RaceTuple for ($($task,)+) {
            type Output = Output;

            async fn race(self, Site(site): Site) -> Output {
                let winner = Winner::new();
                let place = &winner;
                open_nursery_at(site, async move |nursery| {
                    $({
                        let handle = nursery.clone();
                        nursery.start_soon_at(site, async move {
                            place.finish(self.$slot.await, &handle);
                        });
                    })+
                })
                .await;
                winner.into_value()
            }
        }
    };
}

tuples!(A VA 0, B VB 1);
tuples!(A VA 0, B VB 1, C VC 2);
tuples!(A VA 0, B VB 1, C VC 2, D VD 3);
tuples!(A VA 0, B VB 1, C VC 2, D VD 3, E VE 4);
tuples!(A VA 0, B VB 1, C VC 2, D VD 3, E VE 4, F VF 5);
tuples!(A VA 0, B VB 1, C VC 2, D VD 3, E VE 4, F VF 5, G VG 6);
tuples!(A VA 0, B VB 1, C VC 2, D VD 3, E VE 4, F VF 5, G VG 6, H VH 7);
