//! Text, numbers, true and false.

use super::{Reader, Result};
use crate::float::float;
use crate::value::Value;

impl Reader<'_> {
    /// A value that is neither a list nor a table.
    pub(super) fn scalar(&mut self) -> Result<Value> {
        if let Some(b'"' | b'\'') = self.peek() {
            return self.quoted().map(Value::String);
        }
        let start = self.at;
        let word = self.bare(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.' | b':'));
        let (word, value) = (word.to_string(), literal(word));
        if let Some(value) = value {
            return Ok(value);
        }
        self.at = start;
        match word.as_bytes() {
            [] => self.wanted("a value"),
            [digit, ..] if digit.is_ascii_digit() && word.contains(['-', ':']) && !word.contains(['e', 'E']) => {
                self.problem(format!("`{word}`: dates and times have no use here; put text in quotes"))
            }
            [b'0'..=b'9' | b'+' | b'-', ..] => self.problem(format!("`{word}` is no number, or one beyond 64 bits")),
            _ => self.problem(format!("`{word}` is no value; put text in quotes")),
        }
    }

    /// Text in quotes on one line, as a name may be.
    pub(super) fn quoted_on_a_line(&mut self) -> Result<String> {
        let rest = &self.text[self.at..];
        if rest.starts_with("\"\"\"") || rest.starts_with("'''") {
            return self.problem("a name can't go over several lines");
        }
        self.quoted()
    }

    /// Text in quotes of any of the four kinds.
    pub(super) fn quoted(&mut self) -> Result<String> {
        let quote = if self.peek() == Some(b'"') { "\"" } else { "'" };
        let long = quote.repeat(3);
        let several = self.takes(&long);
        if several {
            // A line end right behind the quotes is none of the text.
            let _ = self.takes("\n") || self.takes("\r\n");
        } else {
            self.takes(quote);
        }
        let close = if several { long.as_str() } else { quote };
        let mut text = String::new();
        loop {
            if self.takes(close) {
                // Up to two quotes may stand right before those that close.
                for _ in 0..2 {
                    if several && self.takes(quote) {
                        text.push_str(quote);
                    }
                }
                return Ok(text);
            }
            if several && (self.takes("\r\n") || self.takes("\n")) {
                text.push('\n');
                continue;
            }
            let Some(character) = self.text[self.at..].chars().next() else { return self.wanted("a closing quote") };
            if character == '\\' && quote == "\"" {
                self.escape(several, &mut text)?;
            } else if character.is_ascii_control() && character != '\t' {
                return self.wanted("a closing quote");
            } else {
                text.push(character);
                self.at += character.len_utf8();
            }
        }
    }

    fn escape(&mut self, several: bool, text: &mut String) -> Result<()> {
        self.takes("\\");
        let simple = [
            ("b", '\u{8}'),
            ("e", '\u{1b}'),
            ("t", '\t'),
            ("n", '\n'),
            ("f", '\u{c}'),
            ("r", '\r'),
            ("\"", '"'),
            ("\\", '\\'),
        ];
        if let Some((_, character)) = simple.iter().find(|(letter, _)| self.takes(letter)) {
            text.push(*character);
            return Ok(());
        }
        for (letter, digits) in [("x", 2), ("u", 4), ("U", 8)] {
            if self.takes(letter) {
                let hex =
                    self.text.get(self.at..self.at + digits).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
                let code = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok());
                let Some(character) = code.and_then(char::from_u32) else { return self.wanted("a character's number") };
                text.push(character);
                self.at += digits;
                return Ok(());
            }
        }
        if several {
            // A backslash at the end of a line takes all up to the next text with it.
            self.skip_blanks();
            if matches!(self.peek(), Some(b'\n' | b'\r')) {
                while self.takes("\n") || self.takes("\r\n") || self.takes(" ") || self.takes("\t") {}
                return Ok(());
            }
        }
        self.wanted("one of the letters that may follow a backslash (b, t, n, f, r, e, x, u, U)")
    }
}

/// A number, true or false.
fn literal(word: &str) -> Option<Value> {
    match word {
        "true" => return Some(Value::Boolean(true)),
        "false" => return Some(Value::Boolean(false)),
        _ => {}
    }
    let (negative, digits) = match word.as_bytes().first()? {
        b'-' => (true, &word[1..]),
        b'+' => (false, &word[1..]),
        _ => (false, word),
    };
    let signed = |number: f64| Some(Value::Float(if negative { -number } else { number }));
    match digits {
        "inf" => return signed(f64::INFINITY),
        "nan" => return signed(f64::NAN),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = word.strip_prefix(prefix) {
            let plain = without_underscores(digits, |byte| char::from(byte).is_digit(radix))?;
            return i64::from_str_radix(&plain, radix).ok().map(Value::Integer);
        }
    }
    let sign = if negative { "-" } else { "" };
    if let Some(plain) = whole(digits) {
        return format!("{sign}{plain}").parse().ok().map(Value::Integer);
    }
    // Digits, then a fraction, an exponent, or both.
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (integer, fraction) = match mantissa.split_once('.') {
        Some((integer, fraction)) => (integer, Some(fraction)),
        None => (mantissa, None),
    };
    let mut plain = format!("{sign}{}", whole(integer)?);
    if let Some(fraction) = fraction {
        plain = format!("{plain}.{}", without_underscores(fraction, |byte| byte.is_ascii_digit())?);
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let sign = if exponent.starts_with('-') { "-" } else { "" };
        plain = format!("{plain}e{sign}{}", without_underscores(digits, |byte| byte.is_ascii_digit())?);
    }
    float(&plain).map(Value::Float)
}

/// The digits of a whole number, which has no zeros in front.
fn whole(digits: &str) -> Option<String> {
    let plain = without_underscores(digits, |byte| byte.is_ascii_digit())?;
    (plain.len() == 1 || !plain.starts_with('0')).then_some(plain)
}

/// Digits without the underscores between them; `None` where something else is there, or an underscore has no digit beside it.
fn without_underscores(text: &str, digit: impl Fn(u8) -> bool) -> Option<String> {
    let good = text.split('_').all(|part| !part.is_empty() && part.bytes().all(&digit));
    good.then(|| text.replace('_', ""))
}
