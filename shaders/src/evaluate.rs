//! Constant expressions in templates.

use std::collections::HashMap;

/// Integers by name.
#[derive(Default)]
pub(crate) struct Env {
    /// The module's constants.
    pub constants: HashMap<String, i64>,
    /// The counters of the unrolled loops around.
    pub counters: HashMap<String, i64>,
}

impl Env {
    fn get(&self, name: &str) -> Option<i64> {
        self.counters.get(name).or_else(|| self.constants.get(name)).copied()
    }
}

/// The value of an expression: literals, names, `+ - * / %`, parentheses, `min` and `max`, comparisons, `&&` and `!`. What
/// holds is 1.
pub(crate) fn evaluate(text: &str, env: &Env) -> Result<i64, String> {
    let mut parser = Parser { rest: text.trim(), env };
    let value = parser.all()?;
    if parser.rest.is_empty() { Ok(value) } else { Err(format!("can't evaluate `{text}` at build time")) }
}

struct Parser<'a> {
    rest: &'a str,
    env: &'a Env,
}

impl<'a> Parser<'a> {
    fn eat(&mut self, symbol: char) -> bool {
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn eat_word(&mut self, symbol: &str) -> bool {
        let rest = self.rest.strip_prefix(symbol);
        self.rest = rest.map_or(self.rest, str::trim_start);
        rest.is_some()
    }

    fn all(&mut self) -> Result<i64, String> {
        let mut value = self.comparison()?;
        while self.eat_word("&&") {
            value &= self.comparison()?;
        }
        Ok(value)
    }

    fn comparison(&mut self) -> Result<i64, String> {
        let left = self.sum()?;
        // Longer symbols first: `<` begins `<=`.
        let Some(symbol) = ["==", "!=", "<=", ">=", "<", ">"].into_iter().find(|s| self.eat_word(s)) else {
            return Ok(left);
        };
        let order = left.cmp(&self.sum()?);
        Ok(i64::from(match symbol {
            "==" => order.is_eq(),
            "!=" => order.is_ne(),
            "<=" => order.is_le(),
            ">=" => order.is_ge(),
            "<" => order.is_lt(),
            _ => order.is_gt(),
        }))
    }

    fn sum(&mut self) -> Result<i64, String> {
        let mut value = self.product()?;
        loop {
            if self.eat('+') {
                value += self.product()?;
            } else if self.eat('-') {
                value -= self.product()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<i64, String> {
        let mut value = self.atom()?;
        loop {
            let divide = self.rest.starts_with('/');
            if self.eat('*') {
                value *= self.atom()?;
            } else if divide || self.rest.starts_with('%') {
                self.rest = self.rest[1..].trim_start();
                let by = self.atom()?;
                value = if divide { value.checked_div(by) } else { value.checked_rem(by) }.ok_or("division by 0")?;
            } else {
                return Ok(value);
            }
        }
    }

    fn atom(&mut self) -> Result<i64, String> {
        if self.eat('-') {
            return Ok(-self.atom()?);
        }
        if !self.rest.starts_with("!=") && self.eat('!') {
            return Ok(i64::from(self.atom()? == 0));
        }
        if self.eat('(') {
            let value = self.all()?;
            return if self.eat(')') { Ok(value) } else { Err("a parenthesis is open".to_string()) };
        }
        let word = self.word();
        if let Some(value) = ["false", "true"].into_iter().position(|w| w == word) {
            return Ok(value as i64);
        }
        if (word == "min" || word == "max" || word == "u32" || word == "i32") && self.eat('(') {
            let mut value = self.sum()?;
            while self.eat(',') {
                let other = self.sum()?;
                value = if word == "min" { value.min(other) } else { value.max(other) };
            }
            return if self.eat(')') { Ok(value) } else { Err("a parenthesis is open".to_string()) };
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return word.trim_end_matches(['u', 'i']).parse().map_err(|_| format!("`{word}` is not an integer"));
        }
        self.env.get(word).ok_or_else(|| format!("`{word}` is not a known integer constant"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_expressions_follow_precedence() {
        let env = Env { constants: HashMap::from([("A".to_string(), 5)]), ..Env::default() };
        assert_eq!(evaluate("(A - 1u) * 2 + 7 / 2 % 2", &env), Ok(9));
        assert_eq!(evaluate("max(A, 2u) - min(3, -1)", &env), Ok(6));
        assert_eq!(evaluate("A >= 5 && !(A == 4) && true", &env), Ok(1));
        assert_eq!(evaluate("A + 1 < 6 && A > 0", &env), Ok(0));
        assert!(evaluate("A / (A - 5)", &env).is_err());
        assert!(evaluate("A 5", &env).is_err());
    }
}
