//! Check: no function is so long that it cannot be read at a glance.

use syn::visit::{self, Visit};

use super::finding::{Check, Finding};
use crate::tree::Tree;

/// Lines from `fn` to the closing brace: what a screen shows.
const MAX_LINES: usize = 70;

pub(super) const CHECK: Check = Check {
    name: "function-sizes",
    rule: "a function has at most 70 lines, from `fn` to its closing brace",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let findings = tree.rust_files().flat_map(|(file, rust)| {
        let mut functions = Functions { path: &file.path, findings: vec![] };
        functions.visit_file(&rust.ast);
        functions.findings
    });
    findings.collect()
}

struct Functions<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let lines = body.brace_token.span.close().end().line - first + 1;
        if lines > MAX_LINES {
            let name = &signature.ident;
            let message =
                format!("`{name}` has {lines} lines, at most {MAX_LINES}: give its parts names");
            self.findings.push(Finding::error(self.path, first, message));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.measure(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2))
    }

    #[test]
    fn a_long_function_is_found_wherever_it_is() {
        let long = function(MAX_LINES + 1);
        let source = format!("/// Doc.\n{long}impl S {{\n{long}}}\ntrait T {{\n{long}}}\n");
        assert_eq!(CHECK.places(&[("a.rs", &source)]), ["a.rs:2", "a.rs:74", "a.rs:147"]);
    }

    #[test]
    fn a_function_of_just_the_right_length_is_not() {
        assert!(CHECK.places(&[("a.rs", &function(MAX_LINES))]).is_empty());
    }
}
