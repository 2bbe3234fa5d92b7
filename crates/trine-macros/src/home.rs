//! Where the code that a macro expands to finds trine.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Path;

/// The paths of what expansions call.
pub(crate) enum Home {
    /// The umbrella crate, under this path.
    Umbrella(TokenStream),
    /// No umbrella in the manifest: the crates that it is made of.
    Parts,
}

impl Home {
    /// Looks into the manifest of the crate that is being compiled, unless the user has named a
    /// path. `part` is the crate to do with if it has no umbrella.
    pub(crate) fn find(named: Option<&Path>, part: &str) -> Self {
        if let Some(path) = named {
            return Self::Umbrella(quote!(#path));
        }
        if let Some(umbrella) = in_manifest("trine") {
            return Self::Umbrella(umbrella);
        }
        match in_manifest(part) {
            Some(_) => Self::Parts,
            // There may be no manifest to look into; if `trine` is not there either, the compiler
            // says so better than we could.
            None => Self::Umbrella(quote!(::trine)),
        }
    }

    pub(crate) fn run(&self) -> TokenStream {
        match self {
            Self::Umbrella(path) => quote!(#path::run),
            Self::Parts => part("trine-core", "run"),
        }
    }

    pub(crate) fn test_runner(&self) -> TokenStream {
        match self {
            Self::Umbrella(path) => quote!(#path::testing::TestRunner),
            Self::Parts => part("trine-testing", "TestRunner"),
        }
    }
}

fn part(package: &str, item: &str) -> TokenStream {
    let found = in_manifest(package).unwrap_or_else(|| absolute(&package.replace('-', "_")));
    let item = Ident::new(item, Span::call_site());
    quote!(#found::#item)
}

fn in_manifest(package: &str) -> Option<TokenStream> {
    match crate_name(package).ok()? {
        // Its own tests and examples, which see it like anybody else.
        FoundCrate::Itself => Some(absolute(&package.replace('-', "_"))),
        FoundCrate::Name(name) => Some(absolute(&name)),
    }
}

fn absolute(name: &str) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    quote!(::#name)
}
