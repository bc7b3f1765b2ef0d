//! The names that Rust code uses, told apart from what comments and texts say.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A name that code uses.
#[derive(Debug, PartialEq)]
pub struct Name {
    /// Its parts: `std::fs::File` has three, and so has what `use std::{fs::File}` names. Also `todo!`, and `#[ignore]`.
    pub parts: Vec<String>,
    /// The line on which it starts.
    pub line: usize,
}

impl Name {
    /// Whether it starts with these parts.
    pub fn starts_with(&self, parts: &[&str]) -> bool {
        self.parts.len() >= parts.len() && self.parts.iter().zip(parts).all(|(own, part)| own == part)
    }

    /// Whether it is or contains this part.
    pub fn has(&self, part: &str) -> bool {
        self.parts.iter().any(|own| own == part)
    }
}

/// The names in code, in order; with those in `#[cfg(test)]` items or without. An error says why it is not Rust.
pub fn names(code: &str, with_tests: bool) -> Result<Vec<Name>, String> {
    let tokens: TokenStream = code.parse().map_err(|error| format!("this is not Rust: {error}"))?;
    let mut names = Vec::new();
    walk(tokens, &[], with_tests, &mut names);
    Ok(names)
}

/// Adds the names in some tokens, each after `prefix`: the path before the braces of a `use`.
fn walk(tokens: TokenStream, prefix: &[String], with_tests: bool, names: &mut Vec<Name>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(_) => at = path(&tokens, at, prefix, with_tests, names),
            TokenTree::Punct(punct) if punct.as_char() == '#' => at = attribute(&tokens, at, with_tests, names),
            TokenTree::Group(group) => {
                walk(group.stream(), prefix, with_tests, names);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Adds the name that starts at an identifier, with all that the braces of a `use` name; returns what follows.
fn path(tokens: &[TokenTree], start: usize, prefix: &[String], with_tests: bool, names: &mut Vec<Name>) -> usize {
    let line = tokens[start].span().start().line;
    let mut parts = prefix.to_vec();
    parts.push(tokens[start].to_string());
    let mut at = start + 1;
    while is(tokens.get(at), ':') && is(tokens.get(at + 1), ':') {
        match tokens.get(at + 2) {
            Some(TokenTree::Ident(ident)) => parts.push(ident.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                walk(group.stream(), &parts, with_tests, names);
                return at + 3;
            }
            _ => break,
        }
        at += 3;
    }
    if is(tokens.get(at), '!') && !is(tokens.get(at + 1), '=') {
        parts.last_mut().expect("a path has a part").push('!');
    }
    names.push(Name { parts, line });
    at
}

/// Adds the names in the attribute that starts at a `#`; returns what follows, after the item if it is only for tests.
fn attribute(tokens: &[TokenTree], start: usize, with_tests: bool, names: &mut Vec<Name>) -> usize {
    let Some(TokenTree::Group(group)) = tokens.get(start + 1) else { return start + 1 };
    let inside = group.stream().to_string().replace(' ', "");
    if inside == "ignore" || inside.starts_with("ignore=") {
        names.push(Name { parts: vec!["#[ignore]".into()], line: group.span().start().line });
    }
    if inside != "cfg(test)" || with_tests {
        walk(group.stream(), &[], with_tests, names);
        return start + 2;
    }
    let ends_item = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is(Some(token), ';'),
    };
    tokens[start + 2..].iter().position(ends_item).map_or(tokens.len(), |offset| start + 3 + offset)
}

/// Whether a token is this sign.
fn is(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str, with_tests: bool) -> Vec<(String, usize)> {
        names(code, with_tests).unwrap().into_iter().map(|name| (name.parts.join("::"), name.line)).collect()
    }

    #[test]
    fn braces_of_a_use_are_opened() {
        let code = "use std::{\n    fs::{self, File},\n    io,\n};";
        let expected = [("use", 1), ("std::fs::self", 2), ("std::fs::File", 2), ("std::io", 3)];
        assert_eq!(found(code, true), expected.map(|(name, line)| (name.to_string(), line)));
    }

    #[test]
    fn comments_and_texts_are_no_names() {
        let code = "// a::b\n/* c::d */\n/// e::f\nfn g() { \"h::i\" }";
        let names = found(code, true);
        assert!(names.iter().all(|(name, _)| ["fn", "g", "doc"].contains(&name.as_str())), "{names:?}");
        assert!(names.contains(&("g".into(), 4)));
    }

    #[test]
    fn names_in_macros_are_seen() {
        assert!(found("macro!{ x => std::fs::read(y) }", true).contains(&("std::fs::read".into(), 1)));
        assert!(found("fn f() {\n    todo!()\n}", true).contains(&("todo!".into(), 2)));
        assert!(!found("a != b", true).contains(&("a!".into(), 1)));
    }

    #[test]
    fn items_for_tests_can_be_left_out() {
        let code = "#[cfg(test)]\n#[path = \"x\"]\nmod tests {\n    fn t() { a::b }\n}\n#[cfg(test)]\nuse c::{d};\nfn f() { e::f }";
        assert!(found(code, true).iter().any(|(name, _)| name == "a::b"));
        let names = found(code, false);
        assert!(names.contains(&("e::f".into(), 8)), "{names:?}");
        assert!(!names.iter().any(|(name, _)| name == "a::b" || name == "c::d"), "{names:?}");
    }

    #[test]
    fn ignored_tests_are_seen() {
        for attribute in ["#[ignore]", "#[ignore = \"slow\"]"] {
            assert!(found(&format!("#[test]\n{attribute}\nfn f() {{}}"), true).contains(&("#[ignore]".into(), 2)));
        }
        assert!(!found("#[rustfmt::skip] fn ignore() {}", true).iter().any(|(name, _)| name == "#[ignore]"));
    }

    #[test]
    fn what_is_not_rust_is_an_error() {
        assert!(names("fn f( {", true).unwrap_err().contains("not Rust"));
    }
}
