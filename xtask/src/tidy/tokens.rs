//! Rust source as a flat list of tokens with their lines: what the checks look for cannot hide in a comment or a text,
//! and comments and texts cannot look like it.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A word, a mark of one character, a bracket, or a literal (whose text is left out).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) text: String,
}

/// One Rust file.
pub(super) struct Source {
    /// Every token.
    pub(super) all: Vec<Token>,
    /// Without the items that are `#[cfg(test)]`.
    pub(super) code: Vec<Token>,
    /// The modules in files of their own that are `#[cfg(test)]`.
    pub(super) test_modules: Vec<String>,
}

impl Source {
    /// Reads a file; none if it is not Rust, which the compiler says better.
    pub(super) fn read(text: &str) -> Option<Source> {
        let stream = TokenStream::from_str(text).ok()?;
        let mut source = Source { all: Vec::new(), code: Vec::new(), test_modules: Vec::new() };
        flatten(stream.clone(), &mut source.all, None);
        flatten(stream, &mut source.code, Some(&mut source.test_modules));
        Some(source)
    }
}

/// Appends the tokens of `stream`; with `test_modules`, skips items under `#[cfg(test)]` and notes their modules.
fn flatten(stream: TokenStream, tokens: &mut Vec<Token>, mut test_modules: Option<&mut Vec<String>>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut index = 0;
    while index < trees.len() {
        if let Some(modules) = test_modules.as_deref_mut()
            && is_test_attribute(&trees[index..])
        {
            index += 2;
            if let Some(name) = module_in_a_file(&trees[index..]) {
                modules.push(name);
            }
            index += item_len(&trees[index..]);
            continue;
        }
        match &trees[index] {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group);
                push(tokens, group.span_open().start().line, open);
                flatten(group.stream(), tokens, test_modules.as_deref_mut());
                push(tokens, group.span_close().start().line, close);
            }
            TokenTree::Ident(ident) => push(tokens, ident.span().start().line, &ident.to_string()),
            TokenTree::Punct(punct) => push(tokens, punct.span().start().line, &punct.as_char().to_string()),
            TokenTree::Literal(literal) => push(tokens, literal.span().start().line, "literal"),
        }
        index += 1;
    }
}

fn push(tokens: &mut Vec<Token>, line: usize, text: &str) {
    if !text.is_empty() {
        tokens.push(Token { line, text: text.to_string() });
    }
}

fn brackets(group: &Group) -> (&'static str, &'static str) {
    match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

fn is_test_attribute(trees: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = trees else { return false };
    hash.as_char() == '#' && attribute.stream().to_string().replace(' ', "") == "cfg(test)"
}

fn module_in_a_file(trees: &[TokenTree]) -> Option<String> {
    let place = trees.iter().position(|tree| matches!(tree, TokenTree::Ident(word) if word == "mod"))?;
    let (TokenTree::Ident(name), TokenTree::Punct(end)) = (trees.get(place + 1)?, trees.get(place + 2)?)
    else {
        return None;
    };
    (end.as_char() == ';' && place + 3 == item_len(trees)).then(|| name.to_string())
}

/// How many trees the first item has: up to its semicolon or its braces.
fn item_len(trees: &[TokenTree]) -> usize {
    let last = trees.iter().position(|tree| match tree {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    });
    last.map_or(trees.len(), |last| last + 1)
}

/// Where `pattern`, words and marks separated by spaces, occurs in `tokens`: the places of its first tokens.
pub(super) fn occurrences<'a>(tokens: &'a [Token], pattern: &'a str) -> impl Iterator<Item = usize> + 'a {
    let words: Vec<&str> = pattern.split(' ').collect();
    (0..tokens.len()).filter(move |&start| {
        let tail = &tokens[start..];
        tail.len() >= words.len() && words.iter().zip(tail).all(|(word, token)| *word == token.text)
    })
}
