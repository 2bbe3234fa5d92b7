//! Where in the user's code an operation waits: read off the stack while it is being polled.
//!
//! An async function that awaits another one is, while it is polled, a stack frame whose line is
//! that of the `.await`. So the stack at a checkpoint tells the whole chain of awaits, and nothing
//! has to be kept for this in futures that are never asked. It needs line tables, which tests have
//! by default.

use std::backtrace::Backtrace;
use std::path::Path;
use std::{env, fmt};

/// The crates whose frames are not the user's.
const OURS: [&str; 9] = [
    "trine",
    "trine_cancel",
    "trine_channel",
    "trine_core",
    "trine_limiter",
    "trine_nursery",
    "trine_sync",
    "trine_testing",
    "trine_thread",
];

/// Those that come with the compiler.
const RUST: [&str; 4] = ["std", "core", "alloc", "test"];

/// Files that are not the user's: of the compiler, and of packages from a registry.
const FOREIGN_FILES: [&str; 3] = ["/rustc/", "/.cargo/registry/", "/.cargo/git/"];

/// The sources of the crates above. Frames of functions that were inlined have no crate in their
/// names.
const OUR_FILES: [&str; 9] = [
    "/trine/src/",
    "trine-cancel/src/",
    "trine-channel/src/",
    "trine-core/src/",
    "trine-limiter/src/",
    "trine-nursery/src/",
    "trine-sync/src/",
    "trine-testing/src/",
    "trine-thread/src/",
];

/// Between the frames of a task and those of whoever polls it.
const TASK_BEGINS: [&str; 2] = ["trine_core::work::", "trine_core::turn::"];
const TASK_BEGINS_IN: [&str; 2] = ["trine-core/src/work.rs", "trine-core/src/turn.rs"];

/// The stack at a checkpoint, not looked at yet.
#[derive(Debug)]
pub(crate) struct Stack(Backtrace);

impl Stack {
    pub(crate) fn capture() -> Self {
        Self(Backtrace::force_capture())
    }

    /// What the task is waiting for, and where.
    pub(crate) fn read(&self) -> Wait {
        Wait::read(&self.0.to_string())
    }
}

/// What a task waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wait {
    /// The operation, such as `Recv`, with the crate that it is of.
    pub(crate) operation: Option<String>,
    /// The chain of awaits in the user's code, the innermost first.
    pub(crate) awaits: Vec<Await>,
}

/// One await of the user's code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Await {
    pub(crate) function: String,
    pub(crate) place: String,
}

impl fmt::Display for Await {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a function that was inlined no name is known, so in an optimised build names would come and go.
        if cfg!(debug_assertions) {
            write!(f, "{} in {}", self.place, self.function)
        } else {
            write!(f, "{}", self.place)
        }
    }
}

/// The folder from which the compiler names files. A backtrace names them from the current folder,
/// which is another one: of the package while its tests run, or any.
#[derive(Debug, Default)]
pub(crate) struct Root(Option<String>);

impl Root {
    /// Guessed from files that the compiler has named and that are also in a backtrace.
    pub(crate) fn find<'a>(waits: impl Iterator<Item = &'a Wait>, sites: &[&str]) -> Self {
        let folder = env::current_dir().unwrap_or_default();
        let roots = waits.flat_map(|wait| &wait.awaits).filter_map(|at| {
            let place = absolute(&folder, &at.place);
            let (file, _) = place.rsplit_once(':')?;
            let mut roots = sites.iter().filter_map(|site| file.strip_suffix(site));
            roots.find(|root| root.ends_with('/')).map(String::from)
        });
        Self(roots.min_by_key(String::len))
    }

    /// Names the places of a wait as the compiler does.
    pub(crate) fn apply(&self, wait: &mut Wait) {
        let (Some(root), Ok(folder)) = (&self.0, env::current_dir()) else { return };
        for at in &mut wait.awaits {
            if let Some(place) = absolute(&folder, &at.place).strip_prefix(root.as_str()) {
                at.place = place.to_owned();
            }
        }
    }
}

fn absolute(folder: &Path, place: &str) -> String {
    folder.join(place).to_string_lossy().into_owned()
}

impl Wait {
    fn read(backtrace: &str) -> Self {
        let mut wait = Self { operation: None, awaits: Vec::new() };
        for (function, place) in frames(backtrace) {
            let files = TASK_BEGINS_IN.iter();
            if TASK_BEGINS.iter().any(|name| function.contains(name))
                || place.is_some_and(|place| files.clone().any(|file| place.contains(file)))
            {
                break;
            }
            let package = package(function);
            if wait.awaits.is_empty() && OURS.contains(&package) {
                wait.operation = operation(function, package).or(wait.operation);
            }
            let users = !OURS.contains(&package) && !RUST.contains(&package);
            if let Some(place) = place
                && users
                && !FOREIGN_FILES.iter().chain(&OUR_FILES).any(|part| place.contains(part))
            {
                wait.awaits.push(Await { function: short(function), place: place_of(place) });
            }
        }
        wait
    }
}

/// The functions of a backtrace with their places, the innermost first.
fn frames(backtrace: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut lines = backtrace.lines().map(str::trim).peekable();
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?;
            let Some((number, function)) = line.split_once(": ") else { continue };
            if number.parse::<u32>().is_err() {
                continue;
            }
            let place = lines.next_if(|line| line.starts_with("at "));
            return Some((function, place.and_then(|line| line.strip_prefix("at "))));
        }
    })
}

/// The crate of a function, also of one in an implementation: `<a::B as c::D>::e` is of `a`.
fn package(function: &str) -> &str {
    let path = function.trim_start_matches(['<', '&', '(', '[', '*']);
    let path =
        path.trim_start_matches("mut ").trim_start_matches("const ").trim_start_matches("dyn ");
    path.split("::").next().unwrap_or(path)
}

/// The name by which users know an operation: the future of `<a::b::Recv<T> as Future>::poll`, the
/// function of `a::b::sleep_forever::{{closure}}`.
fn operation(function: &str, package: &str) -> Option<String> {
    let path = match function.strip_prefix('<') {
        Some(implementation) => {
            let (path, of) = implementation.split_once(" as ")?;
            of.contains("Future").then_some(path)?
        }
        // A closure in a method of a type with parameters is no async function of ours.
        None => function.strip_suffix("::{{closure}}").filter(|path| !path.contains('<'))?,
    };
    let path = path.split(['<', '{']).next()?.trim_end_matches("::");
    let name = path.rsplit("::").next()?;
    Some(format!("{name} of {package}"))
}

/// A function without the closures that async blocks are.
fn short(function: &str) -> String {
    function.replace("::{{closure}}", "")
}

/// A place without the column and the dot of a relative path.
fn place_of(place: &str) -> String {
    let place = place.strip_prefix("./").unwrap_or(place);
    match place.rsplit_once(':') {
        Some((line, column)) if line.contains(':') && column.parse::<u32>().is_ok() => line.into(),
        _ => place.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::env::current_dir;

    use super::{Await, Root, Wait};

    const BACKTRACE: &str = "
   0: std::backtrace::Backtrace::force_capture
             at /rustc/1234/library/std/src/backtrace.rs:312:9
   1: trine_testing::places::Stack::capture
             at ./crates/trine-testing/src/places.rs:29:14
   2: trine_core::checkpoint::poll_checkpoint
             at ./crates/trine-core/src/checkpoint.rs:43:30
   3: <trine_channel::recv::Recv<T> as core::future::future::Future>::poll
             at ./crates/trine-channel/src/recv.rs:40:9
   4: shop::orders::next::{{closure}}
             at ./src/orders.rs:17:24
   5: <core::pin::Pin<P> as core::future::future::Future>::poll
             at /rustc/1234/library/core/src/future/future.rs:133:9
   6: <shop::Counted<F> as core::future::future::Future>::poll
             at ./src/counted.rs:9:5
   7: trine_core::work::poll_future
             at ./crates/trine-core/src/work.rs:90:9
   8: shop::main::{{closure}}
             at ./src/main.rs:3:10
";

    /// The operation, and the awaits of the one task, without what polls it.
    #[test]
    fn reads_a_backtrace() {
        let wait = Wait::read(BACKTRACE);
        assert_eq!(wait.operation.as_deref(), Some("Recv of trine_channel"));
        let awaits: Vec<String> = wait.awaits.iter().map(Await::to_string).collect();
        assert_eq!(
            awaits,
            [
                "src/orders.rs:17 in shop::orders::next",
                "src/counted.rs:9 in <shop::Counted<F> as core::future::future::Future>::poll"
            ]
        );
    }

    /// Places are named from the folder from which the compiler names files, if that can be found
    /// out.
    #[test]
    fn names_places_as_the_compiler_does() {
        let mut wait = Wait::read(BACKTRACE);
        let folder = current_dir().unwrap().display().to_string();
        let package = folder.rsplit('/').next().unwrap();
        let site = format!("{package}/src/orders.rs");
        let root = Root::find([&wait].into_iter(), &["src/main.rs", &site]);
        root.apply(&mut wait);
        let places: Vec<&str> = wait.awaits.iter().map(|at| at.place.as_str()).collect();
        assert_eq!(places, [format!("{site}:17"), format!("{package}/src/counted.rs:9")]);
        let before = wait.clone();
        Root::find([&wait].into_iter(), &["elsewhere.rs"]).apply(&mut wait);
        assert_eq!(wait, before);
    }

    /// Without line tables there are functions only, and no place to tell of.
    #[test]
    fn reads_functions_without_places() {
        let wait =
            Wait::read("   0: trine_core::checkpoint::sleep_forever::{{closure}}\n   1: a::b\n");
        assert_eq!(wait.operation.as_deref(), Some("sleep_forever of trine_core"));
        assert!(wait.awaits.is_empty());
        assert_eq!(Wait::read("disabled backtrace").operation, None);
    }

    /// With functions inlined, as in a release build, files tell whose the frames are.
    #[test]
    fn reads_a_backtrace_of_inlined_functions() {
        let wait = Wait::read(
            "
   1: capture
             at ./crates/trine-testing/src/places.rs:29:14
   2: poll<u32>
             at ./crates/trine-channel/src/recv.rs:40:9
   3: {async_fn#0}
             at ./src/orders.rs:17:24
   4: poll_future<alloc::boxed::Box<u32>>
             at ./crates/trine-core/src/work.rs:90:9
   5: {async_block#0}
             at ./src/main.rs:3:10
",
        );
        let places: Vec<&str> = wait.awaits.iter().map(|at| at.place.as_str()).collect();
        assert_eq!(places, ["src/orders.rs:17"]);
    }
}
