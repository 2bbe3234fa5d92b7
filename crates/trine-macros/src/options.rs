//! The options in the parentheses of an attribute.

use proc_macro2::{Ident, Span};
use std::time::Duration;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Lit, LitInt, LitStr, Path, Result, Token};

use crate::span_of_time;

/// What was asked for.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) home: Option<Path>,
    pub(crate) autojump: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) seeds: Option<u64>,
    pub(crate) cancel_sweep: bool,
}

impl Options {
    /// Whether the test is run more than once.
    pub(crate) fn repeats(&self) -> bool {
        self.seeds.is_some() || self.cancel_sweep
    }

    /// Reads the options of `attribute`, which knows those that are `known`.
    pub(crate) fn parse(
        tokens: proc_macro2::TokenStream,
        attribute: &str,
        known: &[&str],
    ) -> Result<Self> {
        let list = Punctuated::<Given, Token![,]>::parse_terminated.parse2(tokens)?;
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for given in list {
            let name = given.name.to_string();
            if !known.contains(&name.as_str()) {
                let message =
                    format!("unknown option `{name}`: {attribute} knows {}", listed(known));
                return Err(Error::new(given.name.span(), message));
            }
            if seen.contains(&name) {
                let message = format!("`{name}` was given before");
                return Err(Error::new(given.name.span(), message));
            }
            options.set(&name, given)?;
            seen.push(name);
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, given: Given) -> Result<()> {
        let span = given.name.span();
        match (name, given.value) {
            ("autojump", None) => self.autojump = true,
            ("cancel_sweep", None) => self.cancel_sweep = true,
            ("seeds", Some(Value::Number(number))) => self.seeds = Some(seeds(&number)?),
            ("timeout", Some(Value::Text(text))) => {
                self.timeout = Some(span_of_time::parse(&text)?);
            }
            ("crate", Some(Value::Path(path))) => self.home = Some(path),
            ("crate", Some(Value::Text(text))) => self.home = Some(text.parse()?),
            _ => return Err(wrong_value(span, name)),
        }
        Ok(())
    }
}

fn seeds(number: &LitInt) -> Result<u64> {
    match number.base10_parse()? {
        0 => Err(Error::new(number.span(), "a test must run at least once: `seeds = 1` or more")),
        seeds => Ok(seeds),
    }
}

fn wrong_value(span: Span, name: &str) -> Error {
    let form = match name {
        "seeds" => "`seeds = 200`: how many orders of ready tasks to try",
        "timeout" => "`timeout = \"5s\"`: a string that ends with `ms`, `s` or `m`",
        "crate" => "`crate = path::to::trine`",
        "autojump" => "`autojump`, without a value",
        _ => "`cancel_sweep`, without a value",
    };
    Error::new(span, format!("write {form}"))
}

fn listed(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => format!("only {last}"),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::from("none"),
    }
}

/// `name` or `name = value`.
struct Given {
    name: Ident,
    value: Option<Value>,
}

enum Value {
    Number(LitInt),
    Text(LitStr),
    Path(Path),
    /// What no option takes.
    Other,
}

impl Parse for Given {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error("write options as `name` or `name = value`"));
        }
        let name = input.call(Ident::parse_any)?;
        let value =
            if input.parse::<Option<Token![=]>>()?.is_some() { Some(input.parse()?) } else { None };
        Ok(Self { name, value })
    }
}

impl Parse for Value {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitInt) {
            input.parse().map(Self::Number)
        } else if input.peek(LitStr) {
            input.parse().map(Self::Text)
        } else if input.peek(Lit) {
            input.parse::<Lit>().map(|_| Self::Other)
        } else {
            input.call(Path::parse_mod_style).map(Self::Path)
        }
    }
}
