//! Check: the documentation of public functions has its parts, in their order.
//!
//! Looked at are the `pub` functions of published libraries; that each of them can be reached is
//! what the lint `unreachable_pub` sees to. A function can wait if it is `async`, or returns a
//! future: by name, if its crate implements `Future` for a type of that name, or as `impl Future`.
//! A file that has a type of its own means that one.

use std::collections::{HashMap, HashSet};

use syn::visit::{self, Visit};
use syn::{Expr, ExprLit, Lit, Meta, ReturnType, Type, TypeParamBound, Visibility};

use super::finding::{Check, Finding};
use crate::package::Package;
use crate::rust_file::RustFile;
use crate::tree::{TextFile, Tree, is_below};

/// The headings of a function's documentation, in order.
const ORDER: [&str; 4] = ["Cancellation", "Errors", "Panics", "Examples"];

pub(super) const CHECK: Check = Check {
    name: "headings",
    rule: "the documentation of a `pub fn` has `# Cancellation` if it can wait, `# Errors` if it can fail, and `# Examples` with code or a link to it; in the order Cancellation, Errors, Panics, Examples",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let libraries = tree.packages.iter().filter(|p| p.is_published() && tree.has_library(p));
    libraries.flat_map(|package| of_package(tree, package)).collect()
}

fn of_package(tree: &Tree, package: &Package) -> Vec<Finding> {
    let sources = || sources(tree, package);
    let mut futures = Futures::default();
    sources().for_each(|(_, rust)| futures.visit_file(&rust.ast));
    let mut findings = vec![];
    for (file, rust) in sources() {
        let futures = futures.as_seen_from(rust);
        let mut functions = Functions { path: &file.path, futures: &futures, findings: vec![] };
        functions.visit_file(&rust.ast);
        let shown = |finding: &Finding| !tree.is_test_line(file, finding.line);
        findings.extend(functions.findings.into_iter().filter(shown));
    }
    findings
}

fn sources<'a>(
    tree: &'a Tree,
    package: &Package,
) -> impl Iterator<Item = (&'a TextFile, &'a RustFile)> {
    let dir = format!("{}/src", package.dir);
    tree.rust_files().filter(move |(file, _)| is_below(&file.path, &dir))
}

/// What a caller of a function is to expect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Nature {
    waits: bool,
    fails: bool,
}

/// The types of a crate that are futures, and whether they can fail.
#[derive(Clone, Default)]
struct Futures(HashMap<String, Nature>);

impl<'ast> Visit<'ast> for Futures {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let is_future = item.trait_.as_ref().is_some_and(|(_, path, _)| last(path) == "Future");
        if let (true, Type::Path(of)) = (is_future, &*item.self_ty) {
            let fails = item.items.iter().any(|member| match member {
                syn::ImplItem::Type(output) => output.ident == "Output" && is_result(&output.ty),
                _ => false,
            });
            self.0.insert(last(&of.path), Nature { waits: true, fails });
        }
        visit::visit_item_impl(self, item);
    }
}

/// The types that a file defines.
#[derive(Default)]
struct Types(HashSet<String>);

impl<'ast> Visit<'ast> for Types {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.0.insert(item.ident.to_string());
    }
}

impl Futures {
    /// Without those whose names stand for another type in this file.
    fn as_seen_from(&self, file: &RustFile) -> Self {
        let (mut own, mut types) = (Self::default(), Types::default());
        own.visit_file(&file.ast);
        types.visit_file(&file.ast);
        let mut seen = self.clone();
        seen.0.retain(|name, _| own.0.contains_key(name) || !types.0.contains(name));
        seen
    }

    fn nature(&self, signature: &syn::Signature) -> Nature {
        let ReturnType::Type(_, returned) = &signature.output else {
            return Nature { waits: signature.asyncness.is_some(), fails: false };
        };
        let by_type = self.nature_of_type(returned);
        Nature { waits: by_type.waits || signature.asyncness.is_some(), ..by_type }
    }

    fn nature_of_type(&self, returned: &Type) -> Nature {
        match returned {
            Type::Path(path) => {
                let known = self.0.get(&last(&path.path)).copied().unwrap_or_default();
                Nature { fails: known.fails || is_result(returned), ..known }
            }
            Type::ImplTrait(opaque) => {
                opaque.bounds.iter().find_map(future_bound).unwrap_or_default()
            }
            _ => Nature::default(),
        }
    }
}

/// What `Future<Output = …>` says.
fn future_bound(bound: &TypeParamBound) -> Option<Nature> {
    let TypeParamBound::Trait(bound) = bound else { return None };
    let segment = bound.path.segments.last().filter(|segment| segment.ident == "Future")?;
    let fails = match &segment.arguments {
        syn::PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().any(|argument| match argument {
                syn::GenericArgument::AssocType(output) => is_result(&output.ty),
                _ => false,
            })
        }
        _ => false,
    };
    Some(Nature { waits: true, fails })
}

fn is_result(of: &Type) -> bool {
    matches!(of, Type::Path(path) if last(&path.path) == "Result")
}

fn last(path: &syn::Path) -> String {
    path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// Looks at the public functions of a file.
struct Functions<'a> {
    path: &'a str,
    futures: &'a Futures,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn look(&mut self, attributes: &[syn::Attribute], signature: &syn::Signature) {
        let Some(text) = documentation(attributes) else { return };
        let headings = headings(&text);
        let nature = self.futures.nature(signature);
        let has = |heading| headings.iter().any(|h| h == heading);
        let demanded =
            [("Cancellation", nature.waits), ("Errors", nature.fails), ("Examples", true)];
        for (heading, _) in demanded.iter().filter(|(heading, demanded)| *demanded && !has(heading))
        {
            self.find(signature, &format!("lacks `# {heading}`"));
        }
        let examples = text.split("# Examples").nth(1);
        if examples.is_some_and(|part| !part.contains("```") && !part.contains("See [")) {
            self.find(signature, "has `# Examples` without code, and without `See […]`");
        }
        let known =
            headings.iter().filter_map(|heading| ORDER.iter().position(|known| known == heading));
        if !known.is_sorted() {
            self.find(
                signature,
                &format!("has its headings in another order than {}", ORDER.join(", ")),
            );
        }
    }

    fn find(&mut self, signature: &syn::Signature, what: &str) {
        let line = signature.ident.span().start().line;
        let message = format!("the documentation of `{}` {what}", signature.ident);
        self.findings.push(Finding::strict(self.path, line, message));
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if matches!(function.vis, Visibility::Public(_)) {
            self.look(&function.attrs, &function.sig);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if matches!(function.vis, Visibility::Public(_)) {
            self.look(&function.attrs, &function.sig);
        }
    }
}

/// The text of the doc comments; `None` if part of it is in another file.
fn documentation(attributes: &[syn::Attribute]) -> Option<String> {
    let mut text = String::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value else { return None };
        text += &line.value();
        text.push('\n');
    }
    Some(text)
}

/// The headings of the first level that stand outside of code.
fn headings(text: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = vec![];
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if let (false, Some(heading)) = (in_code, line.strip_prefix("# ")) {
            found.push(heading.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(source: &str) -> Vec<String> {
        let tree = Tree::fixture(&[
            ("a/Cargo.toml", "[package]\nname = \"a\""),
            ("a/src/lib.rs", "//! Purpose."),
            ("a/src/recv.rs", source),
        ]);
        let strip = |message: String| message.replace("the documentation of ", "");
        find(&tree).into_iter().map(|finding| strip(finding.message)).collect()
    }

    #[test]
    fn a_function_with_all_its_parts_is_fine() {
        let source = "/// Takes.\n///\n/// # Cancellation\n///\n/// # Errors\n///\n/// # Panics\n///\n/// # Examples\n/// See [`x`]\n///\n\
                      /// ```\n/// # let hidden = 1;\n/// # Errors\n/// ```\npub async fn recv() -> Result<(), E> {}\n\
                      fn private() {}\npub(crate) async fn ours() {}\n";
        assert!(messages(source).is_empty());
    }

    #[test]
    fn what_can_wait_or_fail_says_so() {
        let source = "/// # Examples\n/// See [`x`]\npub async fn a() {}\n\
                      /// # Examples\n/// See [`x`]\npub fn b() -> std::io::Result<()> {}\n\
                      /// # Examples\n/// See [`x`]\npub fn c() -> impl Future<Output = Result<u8, E>> {}\n\
                      pub fn d() {}\n";
        let expected = [
            "`a` lacks `# Cancellation`",
            "`b` lacks `# Errors`",
            "`c` lacks `# Cancellation`",
            "`c` lacks `# Errors`",
            "`d` lacks `# Examples`",
        ];
        assert_eq!(messages(source), expected);
    }

    #[test]
    fn a_function_that_returns_a_future_by_name_can_wait() {
        let source = "impl<T> Future for Recv<'_, T> { type Output = Result<T, E>; }\n\
                      impl Future for Wait { type Output = (); }\n\
                      impl Line {\n/// # Examples\n/// See [`x`]\npub fn recv(&self) -> Recv<'_, T> {}\n\
                      /// # Examples\n/// See [`x`]\npub fn wait(&self) -> Wait {}\n}\n";
        let expected = [
            "`recv` lacks `# Cancellation`",
            "`recv` lacks `# Errors`",
            "`wait` lacks `# Cancellation`",
        ];
        assert_eq!(messages(source), expected);
    }

    #[test]
    fn a_type_of_the_file_itself_is_meant_first() {
        let tree = Tree::fixture(&[
            ("a/Cargo.toml", "[package]\nname = \"a\""),
            ("a/src/lib.rs", "//! Purpose."),
            ("a/src/oneshot.rs", "struct Receiver; impl Future for Receiver { type Output = (); }"),
            (
                "a/src/watch.rs",
                "struct Receiver; /// # Examples\n/// See [`x`]\npub fn a() -> Receiver {}",
            ),
        ]);
        assert!(find(&tree).is_empty());
    }

    #[test]
    fn examples_have_code_or_say_where_it_is() {
        let expected = ["`a` has `# Examples` without code, and without `See […]`"];
        assert_eq!(messages("/// # Examples\n///\n/// None yet.\npub fn a() {}\n"), expected);
        assert!(
            messages("/// # Examples\n///\n/// ```\n/// a();\n/// ```\npub fn a() {}\n").is_empty()
        );
    }

    #[test]
    fn the_order_is_kept() {
        let source =
            "/// # Examples\n/// See [`x`]\n/// # Errors\npub fn a() -> Result<(), E> {}\n";
        let expected =
            "`a` has its headings in another order than Cancellation, Errors, Panics, Examples";
        assert_eq!(messages(source), [expected]);
    }

    #[test]
    fn tests_and_programs_need_no_headings() {
        assert!(messages("#[cfg(test)]\nmod tests {\npub fn a() {}\n}\n").is_empty());
        let files =
            [("a/Cargo.toml", "[package]\nname = \"a\""), ("a/src/main.rs", "pub fn a() {}")];
        assert!(CHECK.places(&files).is_empty());
    }
}
