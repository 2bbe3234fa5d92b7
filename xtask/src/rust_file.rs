//! `RustFile`: a source file taken apart into tokens, comments and syntax tree, each with its
//! lines.
//!
//! The tokens carry their place in the text, and between two of them there is nothing but blanks
//! and comments: so the comments, which no parser keeps, are what is left in the gaps. Doc comments
//! come as tokens of an attribute which all have the place of the comment.

use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A source file taken apart.
pub(crate) struct RustFile {
    pub(crate) ast: syn::File,
    /// All tokens in order, groups flattened, doc comments left out.
    pub(crate) tokens: Vec<Token>,
    /// All comments in order, doc comments among them.
    pub(crate) comments: Vec<Comment>,
    /// The lines of each inline module that only tests have.
    pub(crate) test_modules: Vec<RangeInclusive<usize>>,
    /// The names of modules in files of their own that only tests have.
    pub(crate) test_module_files: Vec<String>,
}

/// One token: a word, a literal, a sign, or a bracket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
    /// Whether it is an identifier or a keyword.
    pub(crate) is_word: bool,
}

/// One comment, without its markers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) text: String,
    /// Where it begins.
    pub(crate) line: usize,
    pub(crate) kind: CommentKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommentKind {
    /// `//`
    Line,
    /// `/* */`
    Block,
    /// `///` or `//!`, and their block forms.
    Doc,
}

impl RustFile {
    /// Takes a file apart; the error says where and why it could not be.
    pub(crate) fn parse(text: &str) -> Result<Self, syn::Error> {
        let stream = TokenStream::from_str(text).map_err(syn::Error::from)?;
        let ast: syn::File = syn::parse2(stream.clone())?;
        let mut reader = Reader { text, at: 0, line: 1, tokens: vec![], comments: vec![] };
        reader.stream(stream);
        reader.gap(text.len());
        let mut modules = TestModules::default();
        modules.visit_file(&ast);
        Ok(Self {
            ast,
            tokens: reader.tokens,
            comments: reader.comments,
            test_modules: modules.inline,
            test_module_files: modules.files,
        })
    }

    /// Whether a line is in a module that only tests have.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.test_modules.iter().any(|lines| lines.contains(&line))
    }

    /// The lines at which these tokens stand one after the other.
    pub(crate) fn find<'a>(&'a self, texts: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
        self.tokens
            .windows(texts.len())
            .filter(move |window| window.iter().map(|token| &token.text).eq(texts))
            .map(|window| window[0].line)
    }
}

/// Walks the tokens and keeps what stands between them.
struct Reader<'a> {
    text: &'a str,
    /// Up to where the text is dealt with.
    at: usize,
    /// The line of `at`.
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
}

impl Reader<'_> {
    fn stream(&mut self, stream: TokenStream) {
        for tree in stream {
            match tree {
                TokenTree::Group(group) => {
                    let (open, close) = brackets(group.delimiter());
                    self.token(group.span_open().byte_range(), open, false);
                    self.stream(group.stream());
                    self.token(group.span_close().byte_range(), close, false);
                }
                TokenTree::Ident(word) => {
                    self.token(word.span().byte_range(), &word.to_string(), true);
                }
                TokenTree::Punct(sign) => {
                    self.token(sign.span().byte_range(), &sign.to_string(), false);
                }
                TokenTree::Literal(literal) => {
                    self.token(literal.span().byte_range(), &literal.to_string(), false);
                }
            }
        }
    }

    fn token(&mut self, place: Range<usize>, text: &str, is_word: bool) {
        if place.start < self.at || place.is_empty() {
            return; // within a doc comment that was kept already, or a bracket that nobody wrote
        }
        self.gap(place.start);
        let written = &self.text[place.clone()];
        if written.starts_with("//") || written.starts_with("/*") {
            self.comment(written, CommentKind::Doc);
        } else {
            self.tokens.push(Token { text: text.to_owned(), line: self.line, is_word });
        }
        self.advance(place.end);
    }

    /// Keeps the comments up to `end`, where a token begins.
    fn gap(&mut self, end: usize) {
        while self.at < end {
            let gap = &self.text[self.at..end];
            let blank = gap.len() - gap.trim_start().len();
            if blank > 0 {
                self.advance(self.at + blank);
            } else if gap.starts_with("//") {
                let length = gap.find('\n').unwrap_or(gap.len());
                self.comment(&gap[..length], CommentKind::Line);
                self.advance(self.at + length);
            } else if gap.starts_with("/*") {
                let length = block_comment_length(gap);
                self.comment(&gap[..length], CommentKind::Block);
                self.advance(self.at + length);
            } else {
                self.advance(end); // a `#!` line
            }
        }
    }

    fn comment(&mut self, written: &str, kind: CommentKind) {
        let text = if written.starts_with("//") {
            written.trim_start_matches('/').trim_start_matches('!')
        } else {
            let inner = written.trim_start_matches("/*").trim_end_matches("*/");
            inner.trim_start_matches(['*', '!'])
        };
        let text = text.trim_end().to_owned();
        self.comments.push(Comment { text, line: self.line, kind });
    }

    fn advance(&mut self, to: usize) {
        self.line += self.text[self.at..to].matches('\n').count();
        self.at = to;
    }
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// How long the block comment is that `text` begins with; they nest.
fn block_comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Finds the modules that only tests have.
#[derive(Default)]
struct TestModules {
    inline: Vec<RangeInclusive<usize>>,
    files: Vec<String>,
}

impl<'ast> Visit<'ast> for TestModules {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !module.attrs.iter().any(is_cfg_test) {
            visit::visit_item_mod(self, module);
        } else if module.content.is_some() {
            self.inline.push(module.span().start().line..=module.span().end().line);
        } else {
            self.files.push(module.ident.to_string());
        }
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    let words: Vec<_> =
        list.tokens.to_string().split(|c: char| !c.is_alphanumeric()).map(String::from).collect();
    let has = |word: &str| words.iter().any(|w| w == word);
    list.path.is_ident("cfg") && has("test") && !has("not")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comments(text: &str) -> Vec<(usize, CommentKind, String)> {
        let file = RustFile::parse(text).unwrap();
        file.comments.into_iter().map(|c| (c.line, c.kind, c.text)).collect()
    }

    #[test]
    fn comments_are_found_wherever_they_stand_and_nowhere_else() {
        let text = "//! Purpose.\n// why\nfn f() { /* a /* b */ c */ g(\"// no\", r#\"/* no */\"#, '/') }\n\
                    /// Doc.\n///\n/// More.\nstruct S; // ends\n";
        let expected = [
            (1, CommentKind::Doc, " Purpose."),
            (2, CommentKind::Line, " why"),
            (3, CommentKind::Block, " a /* b */ c"),
            (4, CommentKind::Doc, " Doc."),
            (5, CommentKind::Doc, ""),
            (6, CommentKind::Doc, " More."),
            (7, CommentKind::Line, " ends"),
        ]
        .map(|(line, kind, text)| (line, kind, text.to_owned()));
        assert_eq!(comments(text), expected);
    }

    #[test]
    fn tokens_have_their_lines_and_leave_comments_out() {
        let file = RustFile::parse("/// Doc ü.\nfn f() {\n    g::h();\n}\n").unwrap();
        let words: Vec<_> =
            file.tokens.iter().filter(|t| t.is_word).map(|t| (t.text.as_str(), t.line)).collect();
        assert_eq!(words, [("fn", 2), ("f", 2), ("g", 3), ("h", 3)]);
        assert_eq!(file.find(&["g", ":", ":", "h"]).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn modules_that_only_tests_have_are_known() {
        let text = "#[cfg(test)]\nmod a {\n    fn f() {}\n}\n#[cfg(not(test))]\nmod b {}\n\
                    #[cfg(all(test, unix))]\nmod c;\nmod d {\n    #[cfg(test)]\n    mod e {}\n}\n";
        let file = RustFile::parse(text).unwrap();
        assert_eq!(file.test_modules, [1..=4, 10..=11]);
        assert_eq!(file.test_module_files, ["c"]);
        assert!(file.is_test_line(3) && !file.is_test_line(6));
    }

    #[test]
    fn what_does_not_parse_is_an_error() {
        assert!(RustFile::parse("fn f( {").is_err());
        assert!(RustFile::parse("fn 1() {}").is_err());
    }
}
