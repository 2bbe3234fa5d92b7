//! Check: tests do not wait for, or look at, a real clock.

use super::finding::{Check, Finding};
use crate::rust_file::RustFile;
use crate::tree::Tree;

/// What waits for or looks at a real clock.
const CALLS: [&[&str]; 3] = [
    &["thread", ":", ":", "sleep"],
    &["Instant", ":", ":", "now"],
    &["SystemTime", ":", ":", "now"],
];

/// How a comment begins that says why a test needs it all the same.
const REASON: &str = "real time:";

pub(super) const CHECK: Check = Check {
    name: "real-time",
    rule: "tests use virtual time; one that needs the real clock says why on the line above: `// real time: …`",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let mut findings = vec![];
    for (file, rust) in tree.rust_files() {
        for call in CALLS {
            let lines = rust.find(call).filter(|&line| tree.is_test_line(file, line));
            let bare = lines.filter(|&line| !has_reason(rust, line));
            findings.extend(bare.map(|line| {
                let message = format!(
                    "`{}` in a test: use virtual time, or say why above: `// {REASON} …`",
                    call.concat()
                );
                Finding::error(&file.path, line, message)
            }));
        }
    }
    findings
}

/// Whether the comment on this line, or the one that ends just above it, gives a reason.
fn has_reason(rust: &RustFile, line: usize) -> bool {
    let comment_on = |line| rust.comments.iter().find(|comment| comment.line == line);
    let above = (1..line).rev().map_while(comment_on);
    let mut comments = comment_on(line).into_iter().chain(above);
    comments.any(|comment| comment.text.trim_start().starts_with(REASON))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_clock_in_a_test_is_found() {
        let source = "//! Purpose.\nfn t() { std::thread::sleep(D); let t = Instant::now(); }\n";
        assert_eq!(
            CHECK.places(&[("a/tests/it/a.rs", source)]),
            ["a/tests/it/a.rs:2", "a/tests/it/a.rs:2"]
        );
        let module = "fn now() { Instant::now() }\n#[cfg(test)]\nmod tests {\n    use std::thread::sleep;\n}\n";
        assert_eq!(CHECK.places(&[("a/src/a.rs", module)]), ["a/src/a.rs:4"]);
    }

    #[test]
    fn a_reason_and_virtual_time_are_fine() {
        let source = "fn t() {\n    // real time: the worker\n    // ends after 10 s\n    thread::sleep(D);\n    \
                      trine::now();\n    thread::sleep(D); // real time: as above\n}\n";
        assert!(CHECK.places(&[("a/tests/it/a.rs", source)]).is_empty());
    }
}
