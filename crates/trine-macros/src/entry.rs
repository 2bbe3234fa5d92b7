//! `#[main]`: an `async fn main` becomes one that runs it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemFn, Result};

use crate::home::Home;
use crate::options::Options;

/// The options of the attribute.
const KNOWN: [&str; 1] = ["crate"];

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    match try_expand(options, item) {
        Ok(tokens) => tokens,
        Err(error) => {
            let error = error.to_compile_error();
            // So that its absence is not reported on top.
            quote!(#error fn main() {})
        }
    }
}

fn try_expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options = Options::parse(options, "`#[trine::main]`", &KNOWN)?;
    let function: ItemFn = parse_function(item, "`#[trine::main]`")?;
    if let Some(argument) = function.sig.inputs.first() {
        return Err(Error::new_spanned(argument, "`main` takes no arguments"));
    }
    let home = Home::find(options.home.as_ref(), "trine-core");
    let run = home.run();
    let ItemFn { attrs, vis, sig, block } = &function;
    let name = &sig.ident;
    let mut outer = sig.clone();
    outer.asyncness = None;
    Ok(quote! {
        #(#attrs)*
        #vis #outer {
            #sig #block
            #run(#name())
        }
    })
}

/// Reads a function that an attribute may stand on.
pub(crate) fn parse_function(item: TokenStream, attribute: &str) -> Result<ItemFn> {
    let function: ItemFn = syn::parse2(item).map_err(|error| {
        Error::new(error.span(), format!("{attribute} stands on an `async fn`: {error}"))
    })?;
    let sig = &function.sig;
    if sig.asyncness.is_none() {
        let message = format!("{attribute} runs a future: write `async fn {}`", sig.ident);
        return Err(Error::new_spanned(sig.fn_token, message));
    }
    if !sig.generics.params.is_empty() {
        let message = format!("{attribute} cannot choose the parameters of a generic function");
        return Err(Error::new_spanned(&sig.generics, message));
    }
    Ok(function)
}
