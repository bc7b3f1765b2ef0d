//! Filling a template: parameters, slots, and loops that are written out.
//!
//! A template is plain WGSL, whose comments and overrides say what may be changed:
//! - `override NAME: type = default;` is a parameter. It becomes a `const`, because an override can't size an array.
//! - `// slot: NAME` … `// end` is a region whose text is replaced as a whole. The text between is a valid default.
//! - `// unroll` before a loop `for (var i = A; i < B; i++) {` writes the loop out, each turn as a block with the number in
//!   place of `i`. `A` and `B` are integer expressions over literals, module constants and the counters of unrolled loops around.
//!   Such a loop must not contain a `break` or `continue` of its own. Drivers keep an array in registers only where its
//!   indices are constant, and some of them unroll nothing themselves.
//!
//! Within an unrolled loop what is constant is worked out: `const` declarations, indices of arrays, and an `if (condition) {`
//! whose condition is constant; what can't come to pass is left out. Parsers take far longer over expressions than over numbers.

use crate::evaluate::{Env, evaluate};

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
            if let Some(holds) = decided(lines[at], env) {
                let body = block(lines, at)?;
                let otherwise = if lines[at + 1 + body.len()].trim() == "} else {" {
                    block(lines, at + 1 + body.len())?
                } else {
                    &[]
                };
                unroll(if holds { body } else { otherwise }, env, out)?;
                at += 2 + body.len() + if otherwise.is_empty() { 0 } else { otherwise.len() + 1 };
            } else {
                if !define(lines[at], env) {
                    copy_line(lines[at], env, out);
                }
                at += 1;
            }
            continue;
        }
        let head = lines.get(at + 1).copied().unwrap_or_default();
        let (name, from, to) = parse_loop(head).ok_or_else(|| format!("can't unroll `{}`", head.trim()))?;
        let body = block(lines, at + 1)?;
        // Without declarations of its own a turn needs no block.
        let scope = body.iter().any(|l| ["let ", "var "].iter().any(|d| l.trim_start().starts_with(d)));
        for turn in evaluate(from, env)?..evaluate(to, env)? {
            out.push_str(if scope { "{\n" } else { "" });
            // Names that the turn defines end with it.
            let outer = env.counters.clone();
            env.counters.insert(name.to_string(), turn);
            unroll(body, env, out)?;
            env.counters = outer;
            out.push_str(if scope { "}\n" } else { "" });
        }
        at += 3 + body.len();
    }
    Ok(())
}

/// Whether the condition of a line `if (condition) {` within an unrolled loop holds, where that is known.
fn decided(line: &str, env: &Env) -> Option<bool> {
    let condition = line.trim().strip_prefix("if (").and_then(|l| l.strip_suffix(") {"));
    let value = evaluate(condition.filter(|_| !env.counters.is_empty())?, env).ok()?;
    Some(value != 0)
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

/// The lines of the block that line `head` opens.
fn block<'a>(lines: &'a [&'a str], head: usize) -> Result<&'a [&'a str], String> {
    let mut depth = 1;
    for (i, line) in lines[head + 1..].iter().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for brace in code.chars().filter(|c| "{}".contains(*c)) {
            depth += if brace == '{' { 1 } else { -1 };
            if depth == 0 {
                return Ok(&lines[head + 1..head + 1 + i]);
            }
        }
    }
    Err(format!("no end of `{}`", lines[head].trim()))
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
    fn constant_conditions_are_decided() {
        let source = "const B: bool = true;\n// unroll\nfor (var i = 0u; i < 2u; i++) {\n  if (i > 0u && B) {\n    a[i]();\n  }\n  if (x < i) {\n    b();\n  }\n  if (i == 0u) {\n    c();\n  } else {\n    d();\n  }\n}";
        let filled = fill(source, &[], &[]).unwrap();
        assert_eq!(
            filled,
            "const B: bool = true;\nif (x < 0u) {\nb();\n}\nc();\na[1u]();\nif (x < 1u) {\nb();\n}\nd();\n"
        );
    }
}
