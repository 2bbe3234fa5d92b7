//! Spans of time as they are written in options: `"250ms"`, `"5s"`, `"2m"`.

use std::time::Duration;

use syn::{Error, LitStr, Result};

/// A span of time that is longer than nothing.
pub(crate) fn parse(text: &LitStr) -> Result<Duration> {
    match read(text.value().trim()) {
        Some(span) if !span.is_zero() => Ok(span),
        _ => Err(Error::new(
            text.span(),
            "not a span of time: write a number and `ms`, `s` or `m`, such as \"250ms\" or \"5s\"",
        )),
    }
}

fn read(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.trim_end().parse().ok()?;
    match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::read;

    /// A whole number and a unit, with or without a space between them.
    #[test]
    fn spans_of_time() {
        assert_eq!(read("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(read("5 s"), Some(Duration::from_secs(5)));
        assert_eq!(read("2m"), Some(Duration::from_secs(120)));
        for nonsense in ["", "5", "s", "5h", "-5s", "1.5s", "99999999999999999999s"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        assert_eq!(read(&format!("{}m", u64::MAX)), None);
    }
}
