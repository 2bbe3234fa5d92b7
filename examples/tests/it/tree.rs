//! Trees of files to search in, made from a seed, and a search as simple as can be to compare with.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use trine::CancelScope;

use crate::dupes::hash::HEAD;
use crate::dupes::options::Options;
use crate::dupes::report::Report;
use crate::dupes::search::search;

/// How many files are in one folder, more or less.
const FILES_PER_FOLDER: usize = 40;

/// What a file is made of: its contents follow from these alone.
#[derive(Clone, Copy)]
struct Recipe {
    size: usize,
    head: u8,
    tail: u8,
}

impl Recipe {
    /// Sizes around the bounds at which the search changes its ways, and few kinds of contents, so that many are equal,
    /// and many are equal only up to some point.
    fn random(rng: &mut Rng) -> Self {
        let head = usize::try_from(HEAD).unwrap();
        let sizes = [0, 1, 2, 3, 100, head - 1, head, head + 1, 3 * head, 130 * 1024];
        let size = match rng.u32(0..10) {
            0 => rng.usize(0..5_000),
            1 => rng.usize(0..200_000),
            _ => sizes[rng.usize(0..sizes.len())],
        };
        Self { size, head: rng.u8(0..6), tail: rng.u8(0..6) }
    }

    /// Small, for trees of very many.
    fn small(rng: &mut Rng) -> Self {
        Self { size: rng.usize(0..3_000), head: rng.u8(0..3), tail: rng.u8(0..10) }
    }

    fn contents(self) -> Vec<u8> {
        let mut contents = vec![self.head; self.size];
        if let Some(last) = contents.last_mut() {
            *last = self.tail;
        }
        contents
    }
}

/// Fills `root` with `count` files in nested folders, some of them with a second name.
pub(crate) fn grow(root: &Path, seed: u64, count: usize) {
    let mut rng = Rng::with_seed(seed);
    let mut folders = vec![root.to_owned()];
    for number in 0..count {
        if number % FILES_PER_FOLDER == 0 {
            let parent = folders[rng.usize(0..folders.len())].join(format!("d{number}"));
            fs::create_dir(&parent).unwrap();
            folders.push(parent);
        }
        let folder = &folders[rng.usize(0..folders.len())];
        let many = count > 10_000;
        let recipe = if many { Recipe::small(&mut rng) } else { Recipe::random(&mut rng) };
        let file = folder.join(format!("f{number}"));
        fs::write(&file, recipe.contents()).unwrap();
        if cfg!(unix) && rng.u32(0..50) == 0 {
            fs::hard_link(&file, root.join(format!("second-name-{number}"))).unwrap();
        }
    }
}

/// Groups of equal files, found one after the other, by their contents and nothing else. In the same order as the search
/// shows them; of a file with two names the first one is kept.
pub(crate) fn groups_one_by_one(root: &Path) -> Vec<Vec<PathBuf>> {
    let mut files = vec![];
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                folders.push(path);
            } else if metadata.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut seen = std::collections::HashSet::new();
    files.retain(|path| seen.insert(identity(path)));
    let mut by_contents = BTreeMap::<Vec<u8>, Vec<PathBuf>>::new();
    for path in files {
        by_contents.entry(fs::read(&path).unwrap()).or_default().push(path);
    }
    let mut groups: Vec<_> = by_contents.into_iter().filter(|(_, paths)| paths.len() > 1).collect();
    groups.sort_by_key(|(contents, paths)| {
        (std::cmp::Reverse(contents.len() * (paths.len() - 1)), paths.clone())
    });
    groups.into_iter().map(|(_, paths)| paths).collect()
}

#[cfg(unix)]
fn identity(path: &Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).unwrap();
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(path: &Path) -> PathBuf {
    path.to_owned()
}

/// How a test searches.
pub(crate) fn options(paths: &[&Path], jobs: usize) -> Options {
    Options {
        paths: paths.iter().map(|path| path.to_path_buf()).collect(),
        jobs: NonZero::new(jobs).unwrap(),
        timeout: None,
        json: false,
    }
}

/// Searches to the end, or until the time is over.
pub(crate) fn report(options: &Options) -> Report {
    let scope = options.timeout.map_or_else(CancelScope::new, CancelScope::with_timeout);
    trine::run(search(options, &scope))
}

/// The paths of each group of a report.
pub(crate) fn groups(report: &Report) -> Vec<Vec<PathBuf>> {
    report.findings.groups.iter().map(|group| group.paths.clone()).collect()
}
