//! Joining the page's modules into one script when it is published: one request instead of forty, and packed together they are a fourth
//! smaller. Each module becomes a function that is called once and returns what it exports, so names in different modules don't meet. It
//! knows the forms of `import` and `export` that the page uses, and refuses others.

use std::path::{Path, PathBuf};

/// Joins the module `entry` of a folder with all that it imports, removes their files, and leaves the whole under its name.
pub fn run(folder: &Path, entry: &str) -> Result<(), String> {
    let mut bundle = Bundle { folder: folder.into(), modules: Vec::new(), open: Vec::new(), text: String::new() };
    bundle.add(entry)?;
    let fail = |path: &Path, error: std::io::Error| format!("can't join {}: {error}", path.display());
    for module in &bundle.modules {
        let path = folder.join(module);
        std::fs::remove_file(&path).map_err(|error| fail(&path, error))?;
        // A folder goes with its last module.
        if let Some(parent) = path.parent().filter(|parent| *parent != folder) {
            let _ = std::fs::remove_dir(parent);
        }
    }
    let path = folder.join(entry);
    std::fs::write(&path, bundle.text).map_err(|error| fail(&path, error))
}

/// What has been joined so far.
struct Bundle {
    folder: PathBuf,
    /// Paths of the modules, in the order in which they are called: each behind those that it imports.
    modules: Vec<String>,
    /// Modules whose imports are being added.
    open: Vec<String>,
    text: String,
}

impl Bundle {
    /// Adds a module behind those that it imports, unless it is there, and returns the name that stands for it.
    fn add(&mut self, path: &str) -> Result<String, String> {
        if let Some(at) = self.modules.iter().position(|module| module == path) {
            return Ok(format!("m{at}"));
        }
        if self.open.iter().any(|module| module == path) {
            return Err(format!("{path} imports itself, by way of {}", self.open.join(", ")));
        }
        self.open.push(path.into());
        let file = self.folder.join(path);
        let text = std::fs::read_to_string(&file).map_err(|error| format!("can't read {}: {error}", file.display()))?;
        let (mut body, mut exports) = (String::new(), Vec::new());
        for line in text.lines() {
            let problem = |what: &str| format!("{path}: {what} in `{line}`");
            if line.starts_with("import ") {
                body += &self.import(path, line).ok_or_else(|| problem("an unknown form of import"))??;
            } else {
                let line = export(line, &mut exports).ok_or_else(|| problem("an unknown form of export"))?;
                body += &self.dynamic_imports(path, &line)?;
            }
            body.push('\n');
        }
        self.open.pop();
        let name = format!("m{}", self.modules.len());
        self.modules.push(path.into());
        self.text += &format!("const {name} = (() => {{\n{body}return {{ {} }};\n}})();\n", exports.join(", "));
        Ok(name)
    }

    /// `import { a, b as c } from "./x.js";` or `import a from "./x.js";`, as a constant.
    fn import(&mut self, from: &str, line: &str) -> Option<Result<String, String>> {
        let (names, path) = line.strip_prefix("import ")?.strip_suffix("\";")?.split_once(" from \"")?;
        let names = match names.strip_prefix('{') {
            Some(names) => names.strip_suffix('}')?.replace(" as ", ": "),
            None if names.chars().all(char::is_alphanumeric) => format!(" default: {names} "),
            None => return None,
        };
        let path = resolve(from, path)?;
        Some(self.add(&path).map(|module| format!("const {{{names}}} = {module};")))
    }

    /// The line with each `import("./x.js")` as a promise of what is there already. Types within comments name no file of that kind.
    fn dynamic_imports(&mut self, from: &str, line: &str) -> Result<String, String> {
        let mut pieces = line.split("import(");
        let mut whole = pieces.next().unwrap_or_default().to_string();
        for piece in pieces {
            let unknown = || format!("{from}: an unknown form of import in `{line}`");
            let (path, behind) =
                piece.strip_prefix('"').and_then(|piece| piece.split_once("\")")).ok_or_else(unknown)?;
            if path.ends_with(".js") && !behind.starts_with('.') {
                let module = self.add(&resolve(from, path).ok_or_else(unknown)?)?;
                whole += &format!("Promise.resolve({module}){behind}");
            } else {
                whole += &format!("import({piece}");
            }
        }
        Ok(whole)
    }
}

/// The line without its `export`; what it exports is noted. `None` where its form is unknown.
fn export(line: &str, exports: &mut Vec<String>) -> Option<String> {
    // In a minified module the list stands at the end of a line of code.
    if let Some((code, list)) =
        line.rsplit_once("export{").and_then(|(code, list)| Some((code, list.strip_suffix("};")?)))
    {
        exports.extend(list.split(',').map(|item| match item.split_once(" as ") {
            Some((name, exported)) => format!("{exported}: {name}"),
            None => item.to_string(),
        }));
        return Some(code.into());
    }
    let Some(code) = line.strip_prefix("export ") else { return Some(line.into()) };
    let (code, default) = code.strip_prefix("default ").map_or((code, false), |code| (code, true));
    let declared = ["function ", "async function ", "class ", "const "].iter().find_map(|kind| code.strip_prefix(kind));
    let named = match declared {
        Some(named) => named,
        // `export default name;`
        None if default => code.strip_suffix(';')?,
        None => return None,
    };
    let name = &named[..named.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(named.len())];
    if name.is_empty() || (declared.is_none() && name != named) {
        return None;
    }
    exports.push(if default { format!("default: {name}") } else { name.into() });
    Some(if declared.is_some() { code.into() } else { String::new() })
}

/// The path from the folder of all modules of what `from` calls `path`.
fn resolve(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    path.starts_with('.').then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The script that a page's files become, and what is left of them.
    fn bundled(name: &str, files: &[(&str, &str)]) -> (Result<String, String>, Vec<bool>) {
        let folder = std::env::temp_dir().join(format!("convoke-bundle-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let result = run(&folder, "app.js").map(|()| std::fs::read_to_string(folder.join("app.js")).unwrap());
        let left = files.iter().map(|(path, _)| folder.join(path).exists()).collect();
        std::fs::remove_dir_all(&folder).unwrap();
        (result, left)
    }

    #[test]
    fn modules_stand_behind_what_they_import() {
        let files = [
            (
                "app.js",
                "import { a, b as c } from \"./x/one.js\";\nimport d from \"./lib.js\";\nopen(() => import(\"./x/two.js\"));\n",
            ),
            ("x/one.js", "import { a as e } from \"../lib.js\";\nexport const a = e;\nexport function b() {}\n"),
            ("x/two.js", "import { a } from \"./one.js\";\nexport default function Two() {}\n"),
            ("lib.js", "var a=1;export{a as a,b};\nexport default b;\n"),
        ];
        let (script, left) = bundled("order", &files);
        let expected = "const m0 = (() => {\nvar a=1;\n\nreturn { a: a, b, default: b };\n})();\n\
            const m1 = (() => {\nconst { a: e } = m0;\nconst a = e;\nfunction b() {}\nreturn { a, b };\n})();\n\
            const m2 = (() => {\nconst { a } = m1;\nfunction Two() {}\nreturn { default: Two };\n})();\n\
            const m3 = (() => {\nconst { a, b: c } = m1;\nconst { default: d } = m0;\nopen(() => Promise.resolve(m2));\nreturn {  };\n})();\n";
        assert_eq!(script, Ok(expected.into()));
        assert_eq!(left, [true, false, false, false]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (name, line, problem) in [
            ("star", "import * as x from \"./app.js\";", "unknown form of import"),
            ("let", "export let x = 1;", "unknown form of export"),
            ("far", "import { x } from \"elsewhere\";", "unknown form of import"),
            ("self", "import { x } from \"./app.js\";", "imports itself"),
            ("none", "import { x } from \"./missing.js\";", "can't read"),
            ("computed", "import(\"./x\" + y);", "unknown form of import"),
        ] {
            let (script, left) = bundled(name, &[("app.js", line)]);
            assert!(script.as_ref().is_err_and(|error| error.contains(problem)), "{script:?}");
            assert_eq!(left, [true]);
        }
    }
}
