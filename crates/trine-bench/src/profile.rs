//! A callgrind profile, read: the total, and which functions the instructions went to.

use std::collections::HashMap;

/// What a profile says.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    /// All instructions.
    pub(crate) total: f64,
    /// The instructions of each function without those of the functions that it calls, what was
    /// inlined into it included.
    functions: HashMap<String, f64>,
}

/// How the lines are to be read on.
enum Next {
    /// A line of numbers is the cost of the current function.
    Own,
    /// The next line of numbers is the cost of a call, which the called function has been charged
    /// with.
    Call,
}

impl Profile {
    /// Reads the text of a profile.
    pub(crate) fn parse(text: &str) -> Self {
        let mut profile = Self::default();
        // A name is written out at its first appearance, as `fn=(7) name`, and is `fn=(7)` from
        // then on.
        let mut names: HashMap<&str, &str> = HashMap::new();
        let mut current = "";
        let mut next = Next::Own;
        for line in text.lines() {
            if let Some(total) = line.strip_prefix("totals:").or(line.strip_prefix("summary:")) {
                profile.total = total.trim().parse().unwrap_or(0.0);
            } else if let Some(name) = line.strip_prefix("fn=").or(line.strip_prefix("cfn=")) {
                let (id, written) = name.split_once(' ').unwrap_or((name, ""));
                if !written.is_empty() {
                    names.insert(id, written);
                }
                if line.starts_with("fn=") {
                    current = names.get(id).copied().unwrap_or(id);
                }
            } else if line.starts_with("calls=") {
                next = Next::Call;
            } else if line.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '*'))
            {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<f64>().ok());
                if let (Next::Own, Some(cost)) = (&next, cost) {
                    *profile.functions.entry(current.to_owned()).or_default() += cost;
                }
                next = Next::Own;
            }
        }
        profile
    }

    /// The functions with the most instructions, as lines of instructions per operation and name.
    pub(crate) fn top(&self, functions: usize, ops: u64) -> String {
        let mut sorted: Vec<_> = self.functions.iter().collect();
        sorted.sort_by(|a, b| b.1.total_cmp(a.1).then(a.0.cmp(b.0)));
        let line =
            |(name, cost): &(&String, &f64)| format!("{:9.1}  {name}\n", **cost / ops as f64);
        sorted.iter().take(functions).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Own costs add up over the places of a function; the cost of a call stays with the function
    /// that was called.
    #[test]
    fn costs_go_to_the_function_that_had_them() {
        let text = "summary: 70\n\nfl=(1) a.rs\nfn=(1) outer\n3 10\n+1 5\ncfn=(2) inner\ncalls=5 9\n4 50\nfi=(2) b.rs\n* 5\n\nfn=(2)\n9 50\n";
        let profile = Profile::parse(text);
        assert_eq!(profile.total, 70.0);
        assert_eq!(profile.top(9, 10), "      5.0  inner\n      2.0  outer\n");
    }
}
