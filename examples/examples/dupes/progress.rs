//! `Progress`: a bar for whoever watches.

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on the terminal; nothing if there is none. Clones are the same bar, also in other threads.
#[derive(Debug, Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar on the standard error stream, if that is a terminal.
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes} of {total_bytes}");
        Self(bar.with_style(style.expect("the template is valid")))
    }

    /// So many files are known by now.
    pub(crate) fn seen(&self, files: usize) {
        if !self.0.is_hidden() {
            self.0.set_message(format!("{} files", HumanCount(files as u64)));
        }
    }

    /// So many more bytes are to be hashed.
    pub(crate) fn to_hash(&self, bytes: u64) {
        self.0.inc_length(bytes);
    }

    /// So many more bytes were.
    pub(crate) fn hashed(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
