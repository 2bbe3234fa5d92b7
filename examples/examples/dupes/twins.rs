//! `Twins`: the first of a kind waits for a second.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use super::job::FileId;

/// Files by something that equal files have in common. One that has no twin is not worth another look.
#[derive(Debug)]
pub(crate) struct Twins<K> {
    /// The file that waits; `None` once it has met a twin.
    waiting: HashMap<K, Option<FileId>>,
}

impl<K> Default for Twins<K> {
    fn default() -> Self {
        Self { waiting: HashMap::new() }
    }
}

impl<K: Eq + Hash> Twins<K> {
    /// Adds a file; gives those that have a twin from now on: none, this one, or this one and the first of its kind.
    pub(crate) fn add(&mut self, kind: K, file: FileId) -> impl Iterator<Item = FileId> + use<K> {
        let (first, this) = match self.waiting.entry(kind) {
            Entry::Vacant(place) => {
                place.insert(Some(file));
                (None, None)
            }
            Entry::Occupied(mut place) => (place.get_mut().take(), Some(file)),
        };
        first.into_iter().chain(this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_waits_for_the_second_and_the_third_goes_on_at_once() {
        let mut twins = Twins::default();
        let mut add = |kind, file| twins.add(kind, FileId(file)).map(|id| id.0).collect::<Vec<_>>();
        assert_eq!(add('a', 1), vec![0; 0]);
        assert_eq!(add('b', 2), vec![0; 0]);
        assert_eq!(add('a', 3), vec![1, 3]);
        assert_eq!(add('a', 4), vec![4]);
    }
}
