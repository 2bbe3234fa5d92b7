//! `ErrorGroup`: all errors of a nursery.

use std::any::Any;
use std::error::Error;
use std::fmt;

use crate::origin::Origin;

/// All errors of a nursery, in order of completion; never empty. Python's `ExceptionGroup`.
///
/// Its `Display` is a tree: a line for each error, with the task it came from; an error of several
/// lines, such as a group itself, is indented. So is its `Debug`, which is what a `main` that
/// returns the group prints, with the `Debug` of each error.
///
/// # Examples
///
/// ```
/// use trine_nursery::try_open_nursery;
///
/// trine_core::run(async {
///     let group = try_open_nursery(async |nursery| {
///         for n in [1, 2, 3] {
///             nursery.start_soon(async move { Err(n) });
///         }
///         Ok(())
///     })
///     .await
///     .unwrap_err();
///     let (even, odd) = group.split(|n| n % 2 == 0);
///     assert_eq!(even.unwrap().errors(), [2]);
///     assert_eq!(odd.unwrap().errors(), [1, 3]);
/// });
/// ```
pub struct ErrorGroup<E> {
    errors: Vec<E>,
    origins: Vec<Origin>,
}

impl<E> ErrorGroup<E> {
    /// There must be at least one.
    pub(crate) fn new(failures: Vec<(E, Origin)>) -> Self {
        debug_assert!(!failures.is_empty());
        let (errors, origins) = failures.into_iter().unzip();
        Self { errors, origins }
    }

    /// The errors, in order of completion.
    ///
    /// # Examples
    ///
    /// See [`ErrorGroup`].
    #[must_use]
    pub fn errors(&self) -> &[E] {
        &self.errors
    }

    /// How many there are: at least one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_nursery::try_open_nursery;
    /// # trine_core::run(async {
    /// let result: Result<(), _> = try_open_nursery(async |_| Err("no")).await;
    /// assert_eq!(result.unwrap_err().len(), 1);
    /// # });
    /// ```
    #[expect(clippy::len_without_is_empty, reason = "a group is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.errors.len()
    }

    /// Divides the group into the errors for which `belongs` holds and the others, each in order.
    /// This is what Python's `except*` does.
    ///
    /// # Examples
    ///
    /// See [`ErrorGroup`].
    #[must_use]
    pub fn split(
        self,
        mut belongs: impl FnMut(&E) -> bool,
    ) -> (Option<ErrorGroup<E>>, Option<ErrorGroup<E>>) {
        let (yes, no): (Vec<_>, Vec<_>) =
            self.errors.into_iter().zip(self.origins).partition(|(error, _)| belongs(error));
        let group = |part: Vec<_>| (!part.is_empty()).then(|| Self::new(part));
        (group(yes), group(no))
    }

    /// Turns each error into another; where it came from stays.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_nursery::try_open_nursery;
    /// # trine_core::run(async {
    /// let result: Result<(), _> = try_open_nursery(async |_| Err(404)).await;
    /// let group = result.unwrap_err().map(|code| format!("status {code}"));
    /// assert_eq!(group.errors(), ["status 404"]);
    /// # });
    /// ```
    #[must_use]
    pub fn map<F>(self, f: impl FnMut(E) -> F) -> ErrorGroup<F> {
        let errors = self.errors.into_iter().map(f).collect();
        ErrorGroup { errors, origins: self.origins }
    }

    /// The first error of a type, at any depth: in the group, in boxed errors and what caused them,
    /// and in groups of errors of the same type or of boxed ones inside those.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::error::Error;
    /// use trine_nursery::{ErrorGroup, try_open_nursery};
    ///
    /// type Group = ErrorGroup<Box<dyn Error>>;
    ///
    /// trine_core::run(async {
    ///     let outer: Result<(), Group> = try_open_nursery(async |_| {
    ///         let inner: Result<(), Group> =
    ///             try_open_nursery(async |_| Ok(drop("x".parse::<u8>()?))).await;
    ///         Ok(inner?)
    ///     })
    ///     .await;
    ///     assert!(outer.unwrap_err().find::<std::num::ParseIntError>().is_some());
    /// });
    /// ```
    #[must_use]
    pub fn find<T: Error + 'static>(&self) -> Option<&T>
    where
        E: 'static,
    {
        self.errors.iter().find_map(|error| find_in_any(error))
    }

    /// Like [`find`](ErrorGroup::find), for errors that it cannot look into by itself: `as_error`
    /// gives the error that each of them is, or holds. What caused it is searched, too, and groups
    /// of this type inside.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::ParseIntError;
    /// use trine_nursery::try_open_nursery;
    ///
    /// trine_core::run(async {
    ///     let result: Result<(), _> = try_open_nursery(async |_| {
    ///         Err(anyhow::Error::from("x".parse::<u8>().unwrap_err()).context("the port"))
    ///     })
    ///     .await;
    ///     let group = result.unwrap_err();
    ///     assert!(group.find_with::<ParseIntError>(|error| error.as_ref()).is_some());
    /// });
    /// ```
    #[must_use]
    pub fn find_with<T: Error + 'static>(
        &self,
        as_error: impl Fn(&E) -> &(dyn Error + 'static) + Copy,
    ) -> Option<&T>
    where
        E: fmt::Debug + fmt::Display + 'static,
    {
        let mut causes = self.errors.iter().flat_map(|error| causes(as_error(error)));
        causes.find_map(|cause| match cause.downcast_ref::<Self>() {
            Some(group) => group.find_with(as_error),
            None => cause.downcast_ref::<T>().or_else(|| find_in_group(cause)),
        })
    }
}

fn find_in_any<T: Error + 'static>(error: &dyn Any) -> Option<&T> {
    if let Some(found) = error.downcast_ref::<T>() {
        return Some(found);
    }
    if let Some(boxed) = error.downcast_ref::<Box<dyn Error>>() {
        return find_in_chain(boxed.as_ref());
    }
    if let Some(boxed) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return find_in_chain(boxed.as_ref());
    }
    if let Some(group) = error.downcast_ref::<ErrorGroup<T>>() {
        return group.errors.first();
    }
    if let Some(group) = error.downcast_ref::<ErrorGroup<Box<dyn Error>>>() {
        return group.find();
    }
    error.downcast_ref::<ErrorGroup<Box<dyn Error + Send + Sync>>>()?.find()
}

fn find_in_chain<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    causes(error).find_map(|error| match error.downcast_ref::<T>() {
        Some(found) => Some(found),
        None => find_in_group(error),
    })
}

/// An error, and what caused it.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'e (dyn Error + 'static) = *error;
        error.source()
    })
}

/// The same, if the error is a group of a kind that is known here.
fn find_in_group<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    if let Some(group) = error.downcast_ref::<ErrorGroup<T>>() {
        return group.errors.first();
    }
    if let Some(group) = error.downcast_ref::<ErrorGroup<Box<dyn Error>>>() {
        return group.find();
    }
    error.downcast_ref::<ErrorGroup<Box<dyn Error + Send + Sync>>>()?.find()
}

/// The same tree, since this is what is printed when `main` or `unwrap` meets a group.
impl<E: fmt::Debug> fmt::Debug for ErrorGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: fn(&E) -> String = if f.alternate() {
            |error| format!("{error:#?}")
        } else {
            |error| format!("{error:?}")
        };
        self.tree(f, text)
    }
}

impl<E: fmt::Display> fmt::Display for ErrorGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree(f, E::to_string)
    }
}

impl<E> ErrorGroup<E> {
    fn tree(&self, f: &mut fmt::Formatter<'_>, text: fn(&E) -> String) -> fmt::Result {
        let count = self.errors.len();
        write!(f, "{count} error{} in a nursery", if count == 1 { "" } else { "s" })?;
        for (at, (error, origin)) in self.errors.iter().zip(&self.origins).enumerate() {
            let last = at + 1 == count;
            let (branch, stem) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let text = text(error);
            let mut lines = text.lines();
            write!(f, "\n{branch}{} ({origin})", lines.next().unwrap_or_default())?;
            for line in lines {
                write!(f, "\n{stem}{line}")?;
            }
        }
        Ok(())
    }
}

/// Its `Display` has all of the errors, so there is no [`source`](Error::source): a report that
/// walks the chain of causes would print one of them twice. [`find`](ErrorGroup::find) looks
/// inside.
impl<E: fmt::Debug + fmt::Display> Error for ErrorGroup<E> {}

impl<E> IntoIterator for ErrorGroup<E> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.into_iter()
    }
}

impl<'g, E> IntoIterator for &'g ErrorGroup<E> {
    type Item = &'g E;
    type IntoIter = std::slice::Iter<'g, E>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.iter()
    }
}
