//! Taking the comments out of a page that is published: a visitor would have to load them.

use std::path::Path;

/// Takes the comments that stand on lines of their own out of the scripts and styles below a folder. What others have written, in
/// `vendor`, stays as it is.
pub fn run(folder: &Path) -> Result<(), String> {
    let fail = |path: &Path, error: std::io::Error| format!("can't shorten {}: {error}", path.display());
    for entry in std::fs::read_dir(folder).map_err(|error| fail(folder, error))? {
        let path = entry.map_err(|error| fail(folder, error))?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            if !path.ends_with("vendor") {
                run(&path)?;
            }
        } else if matches!(extension, Some("js" | "css")) {
            let text = std::fs::read_to_string(&path).map_err(|error| fail(&path, error))?;
            std::fs::write(&path, without_comments(&text)).map_err(|error| fail(&path, error))?;
        }
    }
    Ok(())
}

/// The text without its whole-line comments and empty lines. No text within a script may begin a line with `//` or `/*`: the page's tests
/// run on what is left here.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut within = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if within {
            within = !trimmed.ends_with("*/");
        } else if trimmed.starts_with("/*") && (trimmed.ends_with("*/") || !trimmed.contains("*/")) {
            within = !trimmed.ends_with("*/");
        } else if !trimmed.is_empty() && !trimmed.starts_with("//") {
            kept += line;
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_on_lines_of_their_own_go_and_code_stays() {
        let text = "// head\n/** @param {x} y\n * more\n */\nconst a = 1; // kept\n\n  /* one line */\n/* x */ f();\nurl(\"//b\")\n";
        assert_eq!(without_comments(text), "const a = 1; // kept\n/* x */ f();\nurl(\"//b\")\n");
    }
}
