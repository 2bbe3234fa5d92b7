//! What a program is to print: a text in which `[..]` stands for anything within a line, such as a
//! measured time.

/// Stands for any text within a line.
const ANYTHING: &str = "[..]";

/// What is printed, with the patterns of `expected` kept where they still match.
pub(crate) fn blessed(expected: &str, printed: &str) -> String {
    let patterns = expected.lines().map(Some).chain(std::iter::repeat(None));
    let lines = printed.lines().zip(patterns).map(|(line, pattern)| match pattern {
        Some(pattern) if matches(pattern, line) => pattern,
        _ => line,
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The first line in which the texts differ, with what is there in each.
pub(crate) fn difference(expected: &str, printed: &str) -> Option<String> {
    let (mut expected, mut printed) = (expected.lines(), printed.lines());
    for number in 1.. {
        match (expected.next(), printed.next()) {
            (None, None) => break,
            (Some(pattern), Some(line)) if matches(pattern, line) => {}
            (pattern, line) => {
                let shown =
                    |line: Option<&str>| line.map_or("the end".into(), |line| format!("{line:?}"));
                return Some(format!(
                    "{number}: expected {}, printed {}",
                    shown(pattern),
                    shown(line)
                ));
            }
        }
    }
    None
}

/// Whether a line is what the pattern says; of each `[..]` the shortest text that fits is taken.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split(ANYTHING);
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let Some((last, between)) =
        parts.collect::<Vec<_>>().split_last().map(|(l, b)| (*l, b.to_vec()))
    else {
        return rest.is_empty();
    };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_matches_its_pattern() {
        for (pattern, line) in [
            ("all in order", "all in order"),
            ("took [..] ms", "took 12.3 ms"),
            ("[..]", ""),
            ("[..] and [..]: [..].", "one and two: three."),
        ] {
            assert!(matches(pattern, line), "{pattern:?} {line:?}");
        }
        for (pattern, line) in
            [("a", "ab"), ("took [..] ms", "took 12 s"), ("[..]x[..]", "abc"), ("ab[..]b", "ab")]
        {
            assert!(!matches(pattern, line), "{pattern:?} {line:?}");
        }
    }

    #[test]
    fn the_first_line_that_differs_is_shown() {
        assert_eq!(difference("a\nb [..]\n", "a\nb 3\n"), None);
        let found = difference("a\nb\n", "a\nc\n").unwrap();
        assert_eq!(found, "2: expected \"b\", printed \"c\"");
        let found = difference("a\nb\n", "a\n").unwrap();
        assert_eq!(found, "2: expected \"b\", printed the end");
    }

    #[test]
    fn blessing_keeps_the_patterns_that_still_match() {
        let expected = "begins\ntook [..] ms\nold\n";
        let printed = "begins\ntook 3 ms\nnew\nends\n";
        assert_eq!(blessed(expected, printed), "begins\ntook [..] ms\nnew\nends\n");
    }
}
