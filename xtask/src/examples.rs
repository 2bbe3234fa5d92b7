//! `cargo xtask examples`: builds the examples, runs the short ones, and compares what they print.
//!
//! The table says how each example is run; what it is to print stands in a file of its own for each
//! run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Command;
use crate::expectation;
use crate::failure::Failure;
use crate::steps::Steps;
use crate::tree::Tree;

/// One run of an example.
struct Run {
    /// The example: a file, or a folder, in one of the `HOMES`.
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

/// What is run.
const RUNS: [Run; 27] = [
    plain("axum_handler", "axum_handler.txt"),
    plain("blocking_calls", "blocking_calls.txt"),
    plain("cancel_unsafe", "cancel_unsafe.txt"),
    plain("capacity_limit", "capacity_limit.txt"),
    plain("cleanup", "cleanup.txt"),
    CRAWLER,
    plain("deadlock", "deadlock.txt"),
    dupes(&["."], 0, "dupes.txt"),
    dupes(&["--json", "--jobs", "1", "."], 0, "dupes-json.txt"),
    dupes(&["--timeout", "0s", "."], 3, "dupes-partial.txt"),
    dupes(&["nowhere"], 2, "dupes-nowhere.txt"),
    plain("error_groups", "error_groups.txt"),
    plain("fail_after", "fail_after.txt"),
    plain("fan_out", "fan_out.txt"),
    plain("graceful_shutdown", "graceful_shutdown.txt"),
    plain("happy_eyeballs", "happy_eyeballs.txt"),
    plain("lost_update", "lost_update.txt"),
    plain("move_on_after", "move_on_after.txt"),
    plain("nested_scopes", "nested_scopes.txt"),
    plain("parallel_fetch", "parallel_fetch.txt"),
    plain("producer_consumer", "producer_consumer.txt"),
    plain("race", "race.txt"),
    plain("start_server", "start_server.txt"),
    plain("supervisor", "supervisor.txt"),
    plain("tokio_sockets", "tokio_sockets.txt"),
    plain("tour", "tour.txt"),
    plain("worker_pool", "worker_pool.txt"),
];

/// A package of examples. What needs much to be built is in one of its own.
struct Home {
    package: &'static str,
    sources: &'static str,
}

const HOMES: [Home; 2] = [
    Home { package: "trine-examples", sources: "examples/examples" },
    Home { package: "trine-interop-examples", sources: "examples/interop/examples" },
];

/// Where each example is described in a sentence.
const LIST: &str = "examples/README.md";

/// Where the expected outputs are.
const EXPECTED: &str = "examples/expected";

/// Builds the examples and does the runs, or those of the examples that are named; `bless` writes
/// down what they print now.
pub(crate) fn run(root: &Path, bless: bool, names: &[String]) -> Result<(), Failure> {
    let tree = Tree::load(root)?;
    check_table(&tree)?;
    if let Some(name) = names.iter().find(|name| RUNS.iter().all(|run| run.example != **name)) {
        return Err(Failure::Impossible(format!("there is no example {name}")));
    }
    let mut steps = Steps::default();
    for home in &HOMES {
        let chosen = |run: &&Run| names.is_empty() || names.iter().any(|name| name == run.example);
        let mut runs =
            RUNS.iter().filter(chosen).filter(|run| home.has(&tree, run.example)).peekable();
        if runs.peek().is_none() {
            continue;
        }
        let build = format!("build --profile optimized --package {} --examples", home.package);
        steps.command(format!("build {}", home.package), Command::cargo(root).words(&build))?;
        for run in runs {
            let command = home.command(root, run)?;
            let line = command.line();
            steps.step(run.example, &line, || compare(root, run, command, bless))?;
        }
    }
    Ok(())
}

impl Home {
    fn has(&self, tree: &Tree, example: &str) -> bool {
        self.examples(tree).any(|name| name == example)
    }

    /// The names of the examples that are here.
    fn examples<'a>(&'a self, tree: &'a Tree) -> impl Iterator<Item = &'a str> {
        tree.files.iter().filter_map(|file| {
            let rest = file.path.strip_prefix(self.sources)?.strip_prefix('/')?;
            rest.strip_suffix("/main.rs")
                .or(rest.strip_suffix(".rs"))
                .filter(|name| !name.contains('/'))
        })
    }

    /// What does a run, in a folder of its own.
    fn command(&self, root: &Path, run: &Run) -> Result<Command, Failure> {
        let manifest = root.join("Cargo.toml");
        let words =
            format!("run --quiet --profile optimized --package {} --manifest-path", self.package);
        Ok(Command::cargo(&scratch(root, run)?)
            .words(&words)
            .args([manifest.as_os_str()])
            .args(["--example", run.example, "--"])
            .args(run.args))
    }
}

/// Fails if there is an example that the table or the list does not know.
fn check_table(tree: &Tree) -> Result<(), Failure> {
    let list = tree.files.iter().find(|file| file.path == LIST).map_or("", |file| &file.text);
    for name in HOMES.iter().flat_map(|home| home.examples(tree)) {
        let lacks = |what| Err(Failure::Impossible(format!("example {name} is not in {what}")));
        if RUNS.iter().all(|run| run.example != name) {
            return lacks("the table of xtask/src/examples.rs: say how it is run".to_owned());
        }
        if !list.contains(&format!("[`{name}`]")) {
            return lacks(format!("{LIST}: say what it shows, beside [`{name}`]"));
        }
    }
    Ok(())
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
            "{EXPECTED}/{}:{difference}\nif that is right now: cargo xtask examples --bless {}",
            run.expected, run.example
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_that_nobody_runs_or_lists_is_an_error() {
        let check = |path, list| check_table(&Tree::fixture(&[(path, ""), (LIST, list)]));
        let message = |path, list| check(path, list).unwrap_err().to_string();
        let list = "[`tour`](examples/tour.rs)";
        assert!(check("examples/examples/tour.rs", list).is_ok());
        assert!(check("examples/interop/examples/tour.rs", list).is_ok());
        assert!(check("examples/examples/dupes/walk.rs", list).is_ok());
        let unknown = message("examples/examples/new.rs", list);
        assert!(unknown.starts_with("example new is not in the table"), "{unknown}");
        let not_listed = message("examples/examples/dupes/main.rs", list);
        assert!(
            not_listed.starts_with("example dupes is not in examples/README.md"),
            "{not_listed}"
        );
    }
}
