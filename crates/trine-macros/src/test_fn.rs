//! `#[test]`: an `async fn` becomes a test that gives it to a `TestRunner`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Error, FnArg, ItemFn, Pat, PatIdent, Result, Signature};

use crate::entry::parse_function;
use crate::home::Home;
use crate::options::Options;

/// The options of the attribute.
const KNOWN: [&str; 5] = ["autojump", "cancel_sweep", "crate", "seeds", "timeout"];

/// Attributes of other crates that supply a test's arguments.
const SUPPLIERS: [&str; 4] = ["rstest", "test_case", "apply", "test_matrix"];

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    try_expand(options, item).unwrap_or_else(Error::into_compile_error)
}

fn try_expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = Options::parse(options, "`#[trine::test]`", &KNOWN)?;
    let function = parse_function(item, "`#[trine::test]`")?;
    reject_arguments(&function)?;
    let runner = runner(&options, &function.sig.ident);
    let name = &function.sig.ident;
    let (outer, arguments) = outer(&function.sig);
    let run = if options.repeats() {
        quote!(#runner.run_each(|| #name(#(::core::clone::Clone::clone(&#arguments)),*)))
    } else {
        quote!(#runner.run(#name(#(#arguments),*)))
    };
    let inner = inner(&function);
    let ItemFn { attrs, vis, .. } = &function;
    Ok(quote! {
        #(#attrs)*
        #[::core::prelude::v1::test]
        #vis #outer {
            #inner
            #run
        }
    })
}

/// The builder with all that was asked for.
fn runner(options: &Options, name: &Ident) -> TokenStream {
    let runner = Home::find(options.home.as_ref(), "trine-testing").test_runner();
    let name = name.to_string();
    let mut tokens = quote! {
        #runner::new().name(::core::concat!(::core::module_path!(), "::", #name))
    };
    if options.autojump {
        tokens.extend(quote!(.autojump()));
    }
    if let Some(timeout) = options.timeout {
        let (seconds, nanos) = (timeout.as_secs(), timeout.subsec_nanos());
        tokens.extend(quote!(.timeout(::core::time::Duration::new(#seconds, #nanos))));
    }
    if let Some(seeds) = options.seeds {
        tokens.extend(quote!(.seeds(#seeds)));
    }
    if options.cancel_sweep {
        tokens.extend(quote!(.cancel_sweep()));
    }
    tokens
}

fn reject_arguments(function: &ItemFn) -> Result<()> {
    let supplied = function.attrs.iter().any(is_supplier);
    match function.sig.inputs.first() {
        Some(argument) if !supplied => {
            let message = "a test takes no arguments, unless an attribute such as `#[rstest]` \
                           supplies them";
            Err(Error::new_spanned(argument, message))
        }
        _ => Ok(()),
    }
}

fn is_supplier(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| SUPPLIERS.iter().any(|name| segment.ident == name))
}

/// The signature that the test harness, or who supplies the arguments, sees, and the names by which
/// the arguments are passed on.
fn outer(sig: &Signature) -> (Signature, Vec<Ident>) {
    let mut outer = sig.clone();
    outer.asyncness = None;
    let mut names = Vec::new();
    for (at, argument) in outer.inputs.iter_mut().enumerate() {
        let FnArg::Typed(argument) = argument else { continue };
        let name = match &*argument.pat {
            Pat::Ident(PatIdent { ident, .. }) => ident.clone(),
            _ => format_ident!("argument_{at}", span = Span::mixed_site()),
        };
        *argument.pat = Pat::Ident(PatIdent {
            attrs: Vec::new(),
            by_ref: None,
            mutability: None,
            ident: name.clone(),
            subpat: None,
        });
        names.push(name);
    }
    (outer, names)
}

/// The function as it was written, without attributes, which are on the outer one.
fn inner(function: &ItemFn) -> TokenStream {
    let mut sig = function.sig.clone();
    for argument in &mut sig.inputs {
        if let FnArg::Typed(argument) = argument {
            argument.attrs.clear();
        }
    }
    let block = function.block.to_token_stream();
    quote!(#sig #block)
}
