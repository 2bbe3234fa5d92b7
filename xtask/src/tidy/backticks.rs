//! What stands in backticks: the names and paths that prose speaks of.

/// What stands between backticks in `text`, each with the offset at which it begins; code blocks
/// are left out.
pub(super) fn spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let open = at + text[at..].find('`')?;
            let ticks = text[open..].len() - text[open..].trim_start_matches('`').len();
            let begin = open + ticks;
            let Some(end) = closing(&text[begin..], ticks) else {
                at = begin;
                continue;
            };
            at = begin + end + ticks;
            if ticks < FENCE {
                return Some((begin, text[begin..begin + end].trim()));
            }
        }
    })
}

/// How many backticks fence a block of code.
const FENCE: usize = 3;

/// Where the run of exactly `ticks` backticks begins that closes a span.
fn closing(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    loop {
        let begin = at + text[at..].find('`')?;
        let run = text[begin..].len() - text[begin..].trim_start_matches('`').len();
        if run == ticks {
            return Some(begin);
        }
        at = begin + run;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_found_with_their_places() {
        let found: Vec<_> = spans("a `b` and `` c`d `` and `e\nf`, `open").collect();
        assert_eq!(found, [(3, "b"), (12, "c`d"), (25, "e\nf")]);
    }

    #[test]
    fn code_blocks_are_left_out() {
        let found: Vec<_> =
            spans("`a`\n```rust\nlet s = `b`;\n```\n`c`").map(|(_, text)| text).collect();
        assert_eq!(found, ["a", "c"]);
    }
}
