//! Filling a template: parameters, slots, and loops that are written out.
//!
//! A template is plain WGSL, whose comments and overrides say what may be changed:
//! - `override NAME: type = default;` is a parameter. It becomes a `const`, because an override can't size an array.
//! - `// slot: NAME` … `// end` is a region whose text is replaced as a whole. The text between is a valid default.
//! - `// unroll` before a loop `for (var i = A; i < B; i++) {` writes the loop out, each turn as a block with the number in
//!   place of `i`. `A` and `B` are integer expressions over literals, module constants and the counters of unrolled loops around.
//!   Such a loop must not contain a `break` or `continue` of its own. Drivers keep an array in registers only where its
//!   indices are constant, and some of them unroll nothing themselves. Constant indices of arrays are worked out here, for
//!   parsers take far longer over expressions than over numbers.

use std::collections::HashMap;

/// Integers by name.
#[derive(Default)]
struct Env {
    /// The module's constants.
    constants: HashMap<String, i64>,
    /// The counters of the unrolled loops around.
    counters: HashMap<String, i64>,
}

impl Env {
    fn get(&self, name: &str) -> Option<i64> {
        self.counters.get(name).or_else(|| self.constants.get(name)).copied()
    }
}

/// Fills `source`: parameters by name with their values as WGSL literals, slots by name with their text.
///
/// # Errors
/// A sentence that names the parameter, slot or line at fault.
pub fn fill(source: &str, values: &[(&str, String)], slots: &[(&str, &str)]) -> Result<String, String> {
    let text = fill_slots(&fill_values(source, values)?, slots)?;
    let lines: Vec<&str> = text.lines().collect();
    let mut env = constants(&lines);
    let mut out = String::with_capacity(text.len() * 2);
    unroll(&lines, &mut env, &mut out)?;
    Ok(out)
}

/// The name, type and default of a line `override NAME: type = default;`.
pub fn parse_override(line: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = line.strip_prefix("override ")?.split_once(':')?;
    let (ty, default) = rest.strip_suffix(';')?.split_once('=')?;
    Some((name.trim(), ty.trim(), default.trim()))
}

fn fill_values(source: &str, values: &[(&str, String)]) -> Result<String, String> {
    let mut out = String::with_capacity(source.len());
    let mut used = 0;
    for line in source.lines() {
        if let Some((name, ty, default)) = parse_override(line) {
            let given = values.iter().find(|(n, _)| *n == name);
            used += usize::from(given.is_some());
            let value = given.map_or(default, |(_, v)| v);
            out.push_str(&format!("const {name}: {ty} = {value};\n"));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    if used == values.len() { Ok(out) } else { Err(format!("{} values for {used} overrides", values.len())) }
}

fn fill_slots(source: &str, slots: &[(&str, &str)]) -> Result<String, String> {
    let mut out = String::with_capacity(source.len());
    let mut lines = source.lines();
    let mut used = 0;
    while let Some(line) = lines.next() {
        let Some(name) = line.trim().strip_prefix("// slot: ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let default: Vec<&str> = lines.by_ref().take_while(|l| l.trim() != "// end").collect();
        if let Some((_, text)) = slots.iter().find(|(n, _)| *n == name) {
            used += 1;
            out.push_str(text);
        } else {
            out.push_str(&default.join("\n"));
        }
        out.push('\n');
    }
    if used == slots.len() { Ok(out) } else { Err(format!("{} texts for {used} slots", slots.len())) }
}

/// The module's integer constants, each of which may use those before it.
fn constants(lines: &[&str]) -> Env {
    let mut env = Env::default();
    for line in lines {
        let Some((name, value)) = line.strip_prefix("const ").and_then(|l| l.strip_suffix(';')?.split_once('=')) else {
            continue;
        };
        let name = name.split(':').next().unwrap_or(name).trim();
        if let Ok(value) = evaluate(value, &env) {
            env.constants.insert(name.to_string(), value);
        }
    }
    env
}

/// Copies lines, with marked loops written out and constant indices worked out.
fn unroll(lines: &[&str], env: &mut Env, out: &mut String) -> Result<(), String> {
    let mut at = 0;
    while at < lines.len() {
        if lines[at].trim() != "// unroll" {
            if !define(lines[at], env) {
                copy_line(lines[at], env, out);
            }
            at += 1;
            continue;
        }
        let head = lines.get(at + 1).copied().unwrap_or_default();
        let (name, from, to) = parse_loop(head).ok_or_else(|| format!("can't unroll `{}`", head.trim()))?;
        let body = &lines[at + 2..];
        let body = &body[..body_lines(body).ok_or_else(|| format!("no end of `{}`", head.trim()))?];
        // Without declarations of its own a turn needs no block.
        let block = body.iter().any(|l| ["let ", "var "].iter().any(|d| l.trim_start().starts_with(d)));
        for turn in evaluate(from, env)?..evaluate(to, env)? {
            out.push_str(if block { "{\n" } else { "" });
            let outer = env.counters.insert(name.to_string(), turn);
            unroll(body, env, out)?;
            match outer {
                Some(value) => env.counters.insert(name.to_string(), value),
                None => env.counters.remove(name),
            };
            out.push_str(if block { "}\n" } else { "" });
        }
        at += 3 + body.len();
    }
    Ok(())
}

/// Takes a constant within an unrolled loop for a number; says whether the line is one.
fn define(line: &str, env: &mut Env) -> bool {
    let found = line.trim().strip_prefix("const ").and_then(|l| l.strip_suffix(';')?.split_once('='));
    let Some((name, value)) = found.filter(|_| !env.counters.is_empty()) else { return false };
    let Ok(value) = evaluate(value, env) else { return false };
    env.counters.insert(name.trim().to_string(), value);
    true
}

/// Copies a line: counters become numbers, and so do constant indices.
fn copy_line(line: &str, env: &Env, out: &mut String) {
    let code = line.split("//").next().unwrap_or_default();
    if env.counters.is_empty() {
        out.push_str(line);
    } else if !code.trim().is_empty() {
        copy_code(code.trim(), env, out);
    } else {
        return;
    }
    out.push('\n');
}

fn copy_code(code: &str, env: &Env, out: &mut String) {
    let mut rest = code;
    while let Some(start) = rest.find(|c: char| c == '[' || c.is_ascii_alphabetic()) {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let end = match from.starts_with('[') {
            true => index_end(from),
            false => from.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(from.len()),
        };
        // A number with a suffix is no name.
        let is_suffix = before.ends_with(|c: char| c.is_ascii_digit());
        let (token, after) = from.split_at(end);
        if let Some(index) = token.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            out.push('[');
            match evaluate(index, env) {
                Ok(value) => out.push_str(&format!("{value}u")),
                Err(_) => copy_code(index, env, out),
            }
            out.push(']');
        } else {
            match env.counters.get(token).filter(|_| !is_suffix) {
                Some(value) if *value < 0 => out.push_str(&format!("({value})")),
                Some(value) => out.push_str(&format!("{value}u")),
                None => out.push_str(token),
            }
        }
        rest = after;
    }
    out.push_str(rest);
}

/// Where the index that a text begins with ends, brackets included; 1 where it does not end on the line.
fn index_end(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        depth += i32::from(c == '[') - i32::from(c == ']');
        if depth == 0 {
            return at + 1;
        }
    }
    1
}

/// The counter and bounds of a line `for (var i = A; i < B; i++) {`.
fn parse_loop(line: &str) -> Option<(&str, &str, &str)> {
    let inner = line.trim().strip_prefix("for (var ")?.strip_suffix("++) {")?;
    let (name, rest) = inner.split_once('=')?;
    let name = name.trim();
    let (from, rest) = rest.split_once(';')?;
    let (condition, step) = rest.split_once(';')?;
    let to = condition.trim().strip_prefix(name)?.trim().strip_prefix('<')?;
    (step.trim() == name).then_some((name, from.trim(), to.trim()))
}

/// How many lines come before the brace that closes the block that these lines begin in.
fn body_lines(lines: &[&str]) -> Option<usize> {
    let mut depth = 1;
    for (i, line) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        depth += code.matches('{').count() as i64 - code.matches('}').count() as i64;
        if depth == 0 {
            return Some(i);
        }
    }
    None
}

/// The value of an integer expression: literals, names, `+ - * / %`, parentheses, `min` and `max`.
fn evaluate(text: &str, env: &Env) -> Result<i64, String> {
    let mut parser = Parser { rest: text.trim(), env };
    let value = parser.sum()?;
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
        if self.eat('(') {
            let value = self.sum()?;
            return if self.eat(')') { Ok(value) } else { Err("a parenthesis is open".to_string()) };
        }
        let word = self.word();
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
    fn parameters_become_constants_and_slots_their_text() {
        let source = "override N: u32 = 4;\n// slot: body\nold();\n// end\nafter();";
        let filled = fill(source, &[("N", "7u".to_string())], &[("body", "new();")]).unwrap();
        assert_eq!(filled, "const N: u32 = 7u;\nnew();\nafter();\n");
        assert_eq!(fill(source, &[], &[]).unwrap(), "const N: u32 = 4;\nold();\nafter();\n");
    }

    #[test]
    fn unknown_names_are_refused() {
        assert!(fill("const A: u32 = 1u;", &[("B", "1u".to_string())], &[]).is_err());
        assert!(fill("const A: u32 = 1u;", &[], &[("b", "")]).is_err());
        assert!(fill("// unroll\nfor (var i = 0u; i < B; i++) {\n}", &[], &[]).is_err());
    }

    #[test]
    fn marked_loops_are_written_out_with_constant_counters() {
        let source = "const N: u32 = 1u + 1u;\n// unroll\nfor (var i = 0u; i < N; i++) {\n  // unroll\n  for (var j = i; j < N; j++) {\n    x[i] += j;\n  }\n}";
        let filled = fill(source, &[], &[]).unwrap();
        assert_eq!(filled, "const N: u32 = 1u + 1u;\nx[0u] += 0u;\nx[0u] += 1u;\nx[1u] += 1u;\n");
    }

    #[test]
    fn constant_indices_are_worked_out_and_names_kept() {
        let source = "const W: u32 = 3u;\n// unroll\nfor (var i = 1u; i < 2u; i++) {\n  let v = a[b[i * W + 1u] + i] * ii[k]; // i\n}";
        let filled = fill(source, &[], &[]).unwrap();
        assert_eq!(filled, "const W: u32 = 3u;\n{\nlet v = a[b[4u] + 1u] * ii[k];\n}\n");
    }

    #[test]
    fn integer_expressions_follow_precedence() {
        let env = Env { constants: HashMap::from([("A".to_string(), 5)]), ..Env::default() };
        assert_eq!(evaluate("(A - 1u) * 2 + 7 / 2 % 2", &env), Ok(9));
        assert_eq!(evaluate("max(A, 2u) - min(3, -1)", &env), Ok(6));
        assert!(evaluate("A / (A - 5)", &env).is_err());
        assert!(evaluate("A 5", &env).is_err());
    }
}
