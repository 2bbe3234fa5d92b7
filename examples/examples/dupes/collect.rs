//! `Collector`: what is known so far, and what is to be done next.
//!
//! A file goes through stages, and out at each if it is alone there:
//!
//! | stage   | equal so far        | next                                           |
//! |---------|---------------------|------------------------------------------------|
//! | seen    | nothing             | if it is not reached a second time             |
//! | size    | size                | if empty: group; if larger than a head: head; else: content |
//! | head    | size and first part | content                                        |
//! | content | everything          | it is in a group                               |
//!
//! A file waits at its stage until a second one comes, so hashing begins while the walk goes on. Nothing here waits or
//! blocks; and whenever the search is stopped, what is in `groups` is true.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::batch::Batch;
use super::hash::{Extent, HEAD, Hash};
use super::identity::Identity;
use super::job::{Candidate, FileId, Job, Outcome};
use super::problem::Problem;
use super::progress::Progress;
use super::twins::Twins;
use super::walk::{Listing, Seen};

/// What is known so far.
#[derive(Debug)]
pub(crate) struct Collector {
    files: Vec<File>,
    by_identity: HashMap<Identity, FileId>,
    by_size: Twins<u64>,
    by_head: Twins<(u64, Hash)>,
    by_content: BTreeMap<(u64, [u8; 32]), Vec<FileId>>,
    problems: Vec<Problem>,
    jobs: VecDeque<Job>,
    heads: Batch,
    wholes: Batch,
    /// Into how many jobs folders are split, so that all threads have something to do.
    parts: usize,
    progress: Progress,
}

#[derive(Debug)]
struct File {
    path: Arc<PathBuf>,
    size: u64,
}

/// Files with equal contents.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Of each file, in bytes.
    pub(crate) size: u64,
    /// In the order of the alphabet.
    pub(crate) paths: Vec<PathBuf>,
}

/// All that was found, in a fixed order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Findings {
    /// What wastes most comes first.
    pub(crate) groups: Vec<Group>,
    pub(crate) problems: Vec<Problem>,
    /// How many files were seen.
    pub(crate) files: usize,
}

impl Collector {
    pub(crate) fn new(paths: &[PathBuf], parts: usize, progress: Progress) -> Self {
        Self {
            files: vec![],
            by_identity: HashMap::new(),
            by_size: Twins::default(),
            by_head: Twins::default(),
            by_content: BTreeMap::new(),
            problems: vec![],
            jobs: VecDeque::from([Job::ListRoots(paths.to_vec())]),
            heads: Batch::new(Extent::Head),
            wholes: Batch::new(Extent::Whole),
            parts,
            progress,
        }
    }

    /// The next job. While threads have enough to do, small ones wait until they are large.
    pub(crate) fn next_job(&mut self, threads_are_idle: bool) -> Option<Job> {
        let small = |this: &mut Self| this.heads.take().or_else(|| this.wholes.take());
        self.jobs.pop_front().or_else(|| threads_are_idle.then(|| small(self)).flatten())
    }

    /// Takes in what came of a job.
    pub(crate) fn take(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Listed(listing) => self.take_listing(listing),
            Outcome::Hashed(extent, hashes) => {
                for (id, hash) in hashes {
                    self.take_hash(extent, id, hash);
                }
            }
        }
    }

    fn take_listing(&mut self, listing: Listing) {
        let Listing { files, folders, problems } = listing;
        self.problems.extend(problems);
        if !folders.is_empty() {
            let part = folders.len().div_ceil(self.parts);
            self.jobs.extend(folders.chunks(part).map(|part| Job::List(part.to_vec())));
        }
        for seen in files {
            self.take_file(seen);
        }
        self.progress.seen(self.files.len());
    }

    fn take_file(&mut self, seen: Seen) {
        let Seen { path, size, identity } = seen;
        let id = FileId(self.files.len());
        let first = *self.by_identity.entry(identity).or_insert(id);
        if first != id {
            let known = &mut self.files[first.0].path;
            if path < **known {
                *known = Arc::new(path);
            }
            return;
        }
        self.files.push(File { path: Arc::new(path), size });
        if size == 0 {
            self.add_to_group(0, blake3::hash(&[]), id);
            return;
        }
        let twins = self.by_size.add(size, id);
        for id in twins {
            if size > HEAD { self.ask(Extent::Head, id) } else { self.ask(Extent::Whole, id) }
        }
    }

    /// Has a file hashed.
    fn ask(&mut self, extent: Extent, id: FileId) {
        let File { path, size } = &self.files[id.0];
        self.progress.to_hash(extent.of(*size));
        let candidate = Candidate { id, path: path.clone(), size: *size };
        let batch = match extent {
            Extent::Head => &mut self.heads,
            Extent::Whole => &mut self.wholes,
        };
        self.jobs.extend(batch.add(candidate));
    }

    fn take_hash(&mut self, extent: Extent, id: FileId, hash: io::Result<Hash>) {
        let File { path, size } = &self.files[id.0];
        match (extent, hash) {
            (_, Err(error)) => self.problems.push(Problem::from_io(&**path, &error)),
            (Extent::Head, Ok(hash)) => {
                let twins = self.by_head.add((*size, hash), id);
                twins.for_each(|id| self.ask(Extent::Whole, id));
            }
            (Extent::Whole, Ok(hash)) => self.add_to_group(*size, hash, id),
        }
    }

    fn add_to_group(&mut self, size: u64, hash: Hash, id: FileId) {
        self.by_content.entry((size, *hash.as_bytes())).or_default().push(id);
    }

    /// What was found so far.
    pub(crate) fn findings(mut self) -> Findings {
        let groups = self.by_content.iter().filter(|(_, ids)| ids.len() > 1);
        let groups = groups.map(|(&(size, _), ids)| {
            let mut paths: Vec<_> =
                ids.iter().map(|id| self.files[id.0].path.to_path_buf()).collect();
            paths.sort_unstable();
            Group { size, paths }
        });
        let mut groups: Vec<_> = groups.collect();
        groups.sort_unstable_by(|a, b| {
            b.wasted().cmp(&a.wasted()).then_with(|| a.paths.cmp(&b.paths))
        });
        self.problems.sort_unstable();
        self.problems.dedup();
        Findings { groups, problems: self.problems, files: self.files.len() }
    }
}

impl Group {
    /// How many bytes would be free if there were one file only.
    pub(crate) fn wasted(&self) -> u64 {
        self.size * (self.paths.len() as u64 - 1)
    }
}
