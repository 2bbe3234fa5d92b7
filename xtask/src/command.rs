//! `Command`: a program to start, which can be printed as a person would type it.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{self, Output, Stdio};

use crate::failure::Failure;

/// A program with its arguments, the variables it is given, and where it runs.
#[derive(Debug)]
pub(crate) struct Command {
    name: String,
    args: Vec<OsString>,
    variables: Vec<(&'static str, String)>,
    inner: process::Command,
}

impl Command {
    /// Starts `program` in `dir`.
    pub(crate) fn new(program: &str, dir: &Path) -> Self {
        let mut inner = process::Command::new(program);
        inner.current_dir(dir);
        Self { name: program.into(), args: vec![], variables: vec![], inner }
    }

    /// The cargo that runs us, so that a toolchain chosen for `cargo xtask` holds for what it
    /// starts.
    pub(crate) fn cargo(dir: &Path) -> Self {
        let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        Self { name: "cargo".into(), ..Self::new(&program, dir) }
    }

    /// Adds the words of a line: no quoting, so only for what is known to hold no blanks.
    pub(crate) fn words(self, line: &str) -> Self {
        self.args(line.split_whitespace())
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        for arg in args {
            self.inner.arg(arg.as_ref());
            self.args.push(arg.as_ref().to_owned());
        }
        self
    }

    /// Sets an environment variable.
    pub(crate) fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.inner.env(name, &value);
        self.variables.push((name, value));
        self
    }

    /// The line that does the same in a shell.
    pub(crate) fn line(&self) -> String {
        let variables =
            self.variables.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let args = self.args.iter().map(|arg| quoted(&arg.to_string_lossy()));
        variables.chain([self.name.clone()]).chain(args).collect::<Vec<_>>().join(" ")
    }

    /// Runs it to its end; what it prints goes where ours goes.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let status = self.inner.status().map_err(|source| self.not_started(source))?;
        if status.success() { Ok(()) } else { Err(Failure::Status { line: self.line(), status }) }
    }

    /// Runs it to its end and hands back what it printed; only its standard error goes where ours
    /// goes.
    pub(crate) fn output(mut self) -> Result<Output, Failure> {
        self.inner.stderr(Stdio::inherit()).output().map_err(|source| self.not_started(source))
    }

    /// Whether it can be started and ends well; what it prints is dropped.
    pub(crate) fn works(mut self) -> bool {
        let status = self.inner.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    fn not_started(&self, source: std::io::Error) -> Failure {
        Failure::Start { line: self.line(), source }
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@\\".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{word}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_what_a_person_would_type() {
        let command = Command::cargo(Path::new("."))
            .words("doc --no-deps")
            .args(["--cfg", "a b"])
            .variable("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(command.line(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --cfg 'a b'");
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let failure =
            Command::new("no-such-program", Path::new(".")).words("-x").run().unwrap_err();
        assert!(failure.to_string().starts_with("`no-such-program -x` could not be started: "));
    }
}
