//! Taking out of a page that is published what only its makers read: comments, and names for debuggers. A visitor would have to load
//! them.

use std::path::Path;

/// Takes comments and indentation out of the scripts and styles below a folder, and the names out of its
/// WebAssembly. What others have written, in `vendor`, stays as it is.
pub fn run(folder: &Path) -> Result<(), String> {
    let fail = |path: &Path, error: std::io::Error| format!("can't shorten {}: {error}", path.display());
    for entry in std::fs::read_dir(folder).map_err(|error| fail(folder, error))? {
        let path = entry.map_err(|error| fail(folder, error))?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            if !path.ends_with("vendor") {
                run(&path)?;
            }
        } else if extension == Some("wasm") {
            let bytes = std::fs::read(&path).map_err(|error| fail(&path, error))?;
            let shorter = without_names(&bytes).ok_or_else(|| format!("{} is no wasm module", path.display()))?;
            std::fs::write(&path, shorter).map_err(|error| fail(&path, error))?;
        } else if matches!(extension, Some("js" | "css")) {
            let text = std::fs::read_to_string(&path).map_err(|error| fail(&path, error))?;
            std::fs::write(&path, without_comments(&text)).map_err(|error| fail(&path, error))?;
        }
    }
    Ok(())
}

/// Joins the page's own styles into one file, in their order: one request instead of a dozen, and packed they are a third smaller.
pub fn join_styles(folder: &Path) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("can't join the styles in {}: {error}", folder.display());
    let index = folder.join("index.html");
    let (mut page, mut styles, mut joined) = (Vec::new(), String::new(), false);
    let text = std::fs::read_to_string(&index).map_err(fail)?;
    for line in text.lines().rev() {
        let Some(name) = style(line) else {
            page.push(line.to_string());
            continue;
        };
        let path = folder.join(name);
        styles = std::fs::read_to_string(&path).map_err(fail)? + &styles;
        std::fs::remove_file(&path).map_err(fail)?;
        if !joined {
            page.push(line.replace(name, "style/page.css"));
            joined = true;
        }
    }
    page.reverse();
    std::fs::write(folder.join("style/page.css"), styles).map_err(fail)?;
    std::fs::write(&index, page.join("\n") + "\n").map_err(fail)
}

/// The style of the page's own that a line of its HTML names.
fn style(line: &str) -> Option<&str> {
    let (_, after) = line.split_once("rel=\"stylesheet\"")?;
    let (_, after) = after.split_once("href=\"")?;
    let (name, _) = after.split_once('"')?;
    let name = name.strip_prefix("./").unwrap_or(name);
    name.starts_with("style/").then_some(name)
}

/// The text without its whole-line comments, the types within its lines, indentation and empty lines. No text within a script may begin a
/// line with `//` or `/*`, hold `/** @`, or depend on indentation: the page's tests run on what is left here.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut within = false;
    for line in text.lines() {
        let trimmed = line.trim();
        let begins = trimmed.starts_with("/*") && (trimmed.ends_with("*/") || !trimmed.contains("*/"));
        if within || begins {
            within = !trimmed.ends_with("*/");
        } else if !trimmed.is_empty() && !trimmed.starts_with("//") {
            without_types(trimmed, &mut kept);
            kept.push('\n');
        }
    }
    kept
}

/// Adds a line without its comments of the form `/** @type {…} */`.
fn without_types(mut line: &str, kept: &mut String) {
    while let Some((before, rest)) = line.split_once("/** @")
        && let Some((_, behind)) = rest.split_once("*/")
    {
        kept.push_str(before);
        line = behind.strip_prefix(' ').unwrap_or(behind);
    }
    kept.push_str(line);
}

/// A module without its custom sections, which hold names for debuggers; `None` where the bytes are no module.
fn without_names(module: &[u8]) -> Option<Vec<u8>> {
    let (head, mut rest) = module.split_at_checked(8)?;
    let mut kept = head.to_vec();
    while let Some((&kind, behind)) = rest.split_first() {
        let (length, prefix) = leb128(behind)?;
        let (section, next) = rest.split_at_checked(1 + prefix + length)?;
        if kind != 0 {
            kept.extend(section);
        }
        rest = next;
    }
    (head.starts_with(b"\0asm")).then_some(kept)
}

/// An unsigned number as WebAssembly writes it, and the bytes that it takes.
pub fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_sections_go_and_others_stay() {
        let section = |kind: u8, bytes: &[u8]| [&[kind, bytes.len() as u8], bytes].concat();
        let head = b"\0asm\x01\0\0\0".to_vec();
        let module = [head.clone(), section(1, &[0]), section(0, b"\x04nameabc"), section(3, &[0])].concat();
        assert_eq!(without_names(&module), Some([head, section(1, &[0]), section(3, &[0])].concat()));
        assert_eq!(without_names(&module[..module.len() - 1]), None, "cut short");
        assert_eq!(without_names(b"no module at all"), None);
    }

    #[test]
    fn styles_are_joined_in_their_order() {
        let folder = std::env::temp_dir().join(format!("convoke-lean-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("style")).unwrap();
        let link = |name: &str| format!("<link rel=\"stylesheet\" href=\"{name}\">\n");
        let html = ["style/a.css", "vendor/x.css", "style/b.css"].map(link).concat() + "<body></body>\n";
        std::fs::write(folder.join("index.html"), html).unwrap();
        std::fs::write(folder.join("style/a.css"), "a{}\n").unwrap();
        std::fs::write(folder.join("style/b.css"), "b{}\n").unwrap();
        join_styles(&folder).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let (page, styles) = (read("index.html"), read("style/page.css"));
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(page, link("vendor/x.css") + &link("style/page.css") + "<body></body>\n");
        assert_eq!(styles, "a{}\nb{}\n");
    }

    #[test]
    fn comments_on_lines_of_their_own_go_and_code_stays() {
        let text = "// head\n/** @param {x} y\n * more\n */\nconst a = 1; // kept\n\n  /* one line */\n/* x */ f();\nurl(\"//b\")\n\
            \tconst b = /** @type {C} */ (c), d = (/** @type {E} */ e) => 1;\n";
        let lean = "const a = 1; // kept\n/* x */ f();\nurl(\"//b\")\nconst b = (c), d = (e) => 1;\n";
        assert_eq!(without_comments(text), lean);
    }
}
