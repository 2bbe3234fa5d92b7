//! `cargo xtask examples`: builds the examples, runs the short ones, and compares what they print.
//!
//! The table says how each example is run; what it is to print stands in a file of its own for each run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Command;
use crate::expectation;
use crate::failure::Failure;
use crate::steps::Steps;
use crate::tree::Tree;

/// One run of an example.
struct Run {
    /// The example, a file in `SOURCES`.
    example: &'static str,
    args: &'static [&'static str],
    /// The files to put into the folder in which it runs, with their texts.
    files: &'static [(&'static str, &'static str)],
    /// How it is to end.
    exit_code: i32,
    /// The file in `EXPECTED` that holds what it is to print.
    expected: &'static str,
}

/// What `dupes` has to search: two files that are equal, one of the same size, one of another.
const SOME_DUPLICATES: &[(&str, &str)] = &[
    ("a/one.txt", "the same twice\n"),
    ("b/two.txt", "the same twice\n"),
    ("b/three.txt", "the same sizes\n"),
    ("b/four.txt", "alone\n"),
];

/// A run of `dupes`.
const fn dupes(args: &'static [&'static str], exit_code: i32, expected: &'static str) -> Run {
    Run { example: "dupes", args, files: SOME_DUPLICATES, exit_code, expected }
}

/// What `crawler` has to search: a site of five pages, of which one is linked to and missing.
const SOME_PAGES: &[(&str, &str)] = &[
    ("index.html", "<a href=\"about.html\">us</a> <a href=\"news.html\">news</a>\n"),
    ("about.html", "<a href=\"index.html\">home</a> <a href=\"gone.html\">more</a>\n"),
    ("news.html", "<a href=\"about.html\">us</a> <a href=\"old.html\">older</a>\n"),
    ("old.html", "nothing\n"),
];

/// A run of `crawler`.
const CRAWLER: Run = Run {
    example: "crawler",
    args: &["."],
    files: SOME_PAGES,
    exit_code: 0,
    expected: "crawler.txt",
};

/// A run of an example that needs nothing.
const fn plain(example: &'static str, expected: &'static str) -> Run {
    Run { example, args: &[], files: &[], exit_code: 0, expected }
}

/// What is run; an example that is not there yet is passed over.
const RUNS: [Run; 13] = [
    plain("axum_handler", "axum_handler.txt"),
    CRAWLER,
    plain("deadlock", "deadlock.txt"),
    plain("graceful_shutdown", "graceful_shutdown.txt"),
    plain("happy_eyeballs", "happy_eyeballs.txt"),
    plain("supervisor", "supervisor.txt"),
    plain("tokio_sockets", "tokio_sockets.txt"),
    plain("worker_pool", "worker_pool.txt"),
    Run { example: "tour", args: &[], files: &[], exit_code: 0, expected: "tour.txt" },
    dupes(&["."], 0, "dupes.txt"),
    dupes(&["--json", "--jobs", "1", "."], 0, "dupes-json.txt"),
    dupes(&["--timeout", "0s", "."], 3, "dupes-partial.txt"),
    dupes(&["nowhere"], 2, "dupes-nowhere.txt"),
];

/// Where the examples are.
const SOURCES: &str = "examples/examples";

/// Where the expected outputs are.
const EXPECTED: &str = "examples/expected";

/// Builds all examples and does the runs; `bless` writes down what they print now.
pub(crate) fn run(root: &Path, bless: bool) -> Result<(), Failure> {
    let tree = Tree::load(root)?;
    check_table(&tree)?;
    let mut steps = Steps::default();
    let build = Command::cargo(root).words("build --release --package trine-examples --examples");
    steps.command("build", build)?;
    for run in RUNS.iter().filter(|run| exists(&tree, run.example)) {
        let manifest = root.join("Cargo.toml");
        let command = Command::cargo(&scratch(root, run)?)
            .words("run --quiet --release --package trine-examples --manifest-path")
            .args([manifest.as_os_str()])
            .args(["--example", run.example, "--"])
            .args(run.args);
        let line = command.line();
        steps.step(run.example, &line, || compare(root, run, command, bless))?;
    }
    Ok(())
}

fn exists(tree: &Tree, example: &str) -> bool {
    tree.exists(&format!("{SOURCES}/{example}.rs"))
        || tree.exists(&format!("{SOURCES}/{example}/main.rs"))
}

/// Fails if there is an example which the table does not know.
fn check_table(tree: &Tree) -> Result<(), Failure> {
    let names = tree.files.iter().filter_map(|file| {
        let rest = file.path.strip_prefix(SOURCES)?.strip_prefix('/')?;
        rest.strip_suffix("/main.rs")
            .or(rest.strip_suffix(".rs"))
            .filter(|name| !name.contains('/'))
    });
    let mut unknown = names.filter(|name| RUNS.iter().all(|run| run.example != *name));
    match unknown.next() {
        None => Ok(()),
        Some(name) => {
            let what = format!(
                "example {name} is not in the table of xtask/src/examples.rs: say how it is run"
            );
            Err(Failure::Impossible(what))
        }
    }
}

/// An empty folder for a run, with the files that it needs.
fn scratch(root: &Path, run: &Run) -> Result<PathBuf, Failure> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let folder = root.join(target).join("xtask").join(run.expected);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|source| failed(&folder, source))?;
    }
    fs::create_dir_all(&folder).map_err(|source| failed(&folder, source))?;
    for (path, text) in run.files {
        write(&folder.join(path), text)?;
    }
    Ok(folder)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
    }
    fs::write(path, text).map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: std::io::Error) -> Failure {
    Failure::File { path: path.to_owned(), source }
}

fn compare(root: &Path, run: &Run, command: Command, bless: bool) -> Result<(), Failure> {
    let output = command.output()?;
    let printed = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    print!("{printed}");
    let wrong = |what| Err(Failure::Example { example: run.example, what });
    if output.status.code() != Some(run.exit_code) {
        return wrong(format!(
            "ended with {} instead of exit code {}",
            output.status, run.exit_code
        ));
    }
    let path = root.join(EXPECTED).join(run.expected);
    // A missing file is like an empty one: the difference is shown, and how to write it down.
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if bless {
        return write(&path, &expectation::blessed(&expected, &printed));
    }
    match expectation::difference(&expected, &printed) {
        None => Ok(()),
        Some(difference) => wrong(format!(
            "{EXPECTED}/{}:{difference}\nif that is right now: cargo xtask examples --bless",
            run.expected
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_that_nobody_runs_is_an_error() {
        assert!(check_table(&Tree::fixture(&[("examples/examples/tour.rs", "")])).is_ok());
        assert!(check_table(&Tree::fixture(&[("examples/examples/dupes/walk.rs", "")])).is_ok());
        let failure = check_table(&Tree::fixture(&[("examples/examples/new.rs", "")])).unwrap_err();
        assert!(failure.to_string().starts_with("example new is not in the table"));
    }
}
