//! Turns every `<stem>.wgsl` into a Rust module: its source with imports resolved, its parameters as a struct, its bindings.
//! Nobody retypes what the shader already says, and a template whose defaults aren't valid WGSL fails the build.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use naga::front::wgsl;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ScalarKind, StorageAccess, TypeInner};

#[path = "src/evaluate.rs"]
mod evaluate;
#[path = "src/template.rs"]
mod template;

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo names the package's folder"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo names a folder for build output"));
    println!("cargo::rerun-if-changed={}", root.display());
    let mut code = String::new();
    let mut problems = String::new();
    for (stem, path) in templates(&root) {
        match module(&root, &stem, &path) {
            Ok(text) => code.push_str(&text),
            Err(problem) => writeln!(problems, "{}: {problem}", path.display()).expect("writing to a string"),
        }
    }
    assert!(problems.is_empty(), "{problems}");
    fs::write(out.join("kernels.rs"), code).expect("the build folder is writable");
    let step = step_struct(&root.join("shared/step.wgsl")).unwrap_or_else(|e| panic!("shared/step.wgsl: {e}"));
    fs::write(out.join("step.rs"), step).expect("the build folder is writable");
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// The templates beside this file, by stem.
fn templates(root: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(root).expect("the package's folder is readable");
    let paths = entries.filter_map(|e| Some(e.ok()?.path()));
    let wgsl = paths.filter(|p| p.extension().is_some_and(|e| e == "wgsl"));
    wgsl.map(|p| (p.file_stem().expect("it has an extension").to_string_lossy().into_owned(), p)).collect()
}

/// The text of a template with each `#import name` replaced, once, by `name.wgsl`.
fn resolve(root: &Path, path: &Path, seen: &mut Vec<PathBuf>) -> Result<String, String> {
    seen.push(path.to_path_buf());
    let mut text = String::new();
    for line in read(path)?.lines() {
        if let Some(name) = line.strip_prefix("#import ") {
            let import = root.join(format!("{}.wgsl", name.trim()));
            if !seen.contains(&import) {
                text.push_str(&resolve(root, &import, seen)?);
            }
        } else {
            writeln!(text, "{line}").expect("writing to a string");
        }
    }
    Ok(text)
}

struct Parameter {
    doc: String,
    name: String,
    ty: String,
    default: String,
}

/// The overrides of a source, each with the `///` lines before it.
fn parameters(source: &str) -> Result<Vec<Parameter>, String> {
    let mut doc = String::new();
    let mut found = Vec::new();
    for line in source.lines() {
        if let Some(text) = line.trim().strip_prefix("///") {
            writeln!(doc, "///{text}").expect("writing to a string");
        } else if let Some((name, ty, default)) = template::parse_override(line) {
            if doc.is_empty() {
                return Err(format!("the parameter {name} has no `///` comment"));
            }
            let owned = |s: &str| s.to_string();
            found.push(Parameter { doc: doc.split_off(0), name: owned(name), ty: owned(ty), default: owned(default) });
        } else {
            doc.clear();
        }
    }
    Ok(found)
}

fn parse(source: &str) -> Result<Module, String> {
    let module = wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .map_err(|e| e.emit_to_string(source))?;
    Ok(module)
}

/// A template without indentation and the lines that are comments, but for those that mark something: a page would have to load them.
fn without_comments(source: &str) -> String {
    let marks = |line: &str| line.starts_with("// slot: ") || line == "// end" || line == "// unroll";
    let kept =
        source.lines().map(str::trim).filter(|line| !line.is_empty() && (!line.starts_with("//") || marks(line)));
    kept.collect::<Vec<_>>().join("\n")
}

/// The Rust module of one template.
fn module(root: &Path, stem: &str, path: &Path) -> Result<String, String> {
    let source = resolve(root, path, &mut Vec::new())?;
    let filled = template::fill(&source, &[], &[])?;
    let bindings = bindings(&parse(&filled)?)?;
    let parameters = parameters(&source)?;
    let mut fields = String::new();
    let mut defaults = String::new();
    let mut values = String::new();
    for Parameter { doc, name, ty, default } in &parameters {
        let field = name.to_lowercase();
        let literal = match ty.as_str() {
            "u32" => "{}u",
            "i32" => "{}i",
            "f32" => "{:?}f",
            "bool" => "{}",
            other => return Err(format!("the parameter {name} can't have the type {other}")),
        };
        let default = default.trim_end_matches(|c: char| ty != "bool" && c.is_ascii_alphabetic());
        writeln!(fields, "{doc}pub {field}: {ty},").expect("writing to a string");
        writeln!(defaults, "{field}: {default},").expect("writing to a string");
        writeln!(values, "({name:?}, format!({literal:?}, self.{field})),").expect("writing to a string");
    }
    let source = without_comments(&source);
    let slots: Vec<&str> = source.lines().filter_map(|l| l.trim().strip_prefix("// slot: ")).collect();
    let slots = if slots.is_empty() { "none".to_string() } else { format!("`{}`", slots.join("`, `")) };
    Ok(format!(
        "/// The template `{stem}.wgsl`.\npub mod {stem} {{
/// The template, imports resolved. Slots: {slots}.\npub const SOURCE: &str = {source:?};
/// The template's parameters.\n#[derive(Clone, Debug, PartialEq)]\npub struct Params {{\n{fields}}}
impl Default for Params {{ fn default() -> Self {{ Self {{ {defaults} }} }} }}
impl Params {{
/// The shader with these parameters; `slots` holds names of marked regions and the text that replaces them. Numbers must be finite.
///
/// # Panics
/// Where a slot does not exist or a marked loop can't be unrolled: the caller's defect.
pub fn fill(&self, slots: &[(&str, &str)]) -> String {{
crate::filled({stem:?}, SOURCE, &[{values}], slots)
}} }}
/// What the template binds, in order; epilogues' operands come after.\npub const BINDINGS: &[crate::Binding] = &[{bindings}];
}}\n"
    ))
}

/// The module's resources as Rust literals, by binding index.
fn bindings(module: &Module) -> Result<String, String> {
    let mut found = BTreeMap::new();
    for (_, variable) in module.global_variables.iter() {
        let Some(binding) = variable.binding else { continue };
        let access = match variable.space {
            AddressSpace::Uniform => "Uniform",
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => "ReadWrite",
            AddressSpace::Storage { .. } => "Read",
            space => return Err(format!("a binding in {space:?}")),
        };
        let element = match module.types[variable.ty].inner {
            TypeInner::Array { base, .. } => type_name(module, base),
            _ => type_name(module, variable.ty),
        };
        let (index, name) = (binding.binding, variable.name.clone().unwrap_or_default());
        let text = format!(
            "crate::Binding {{ index: {index}, name: {name:?}, access: crate::Access::{access}, element: {element:?} }},"
        );
        found.insert(index, text);
    }
    if found.keys().copied().ne(0..found.len() as u32) {
        return Err(format!("bindings are not 0, 1, 2, …: {:?}", found.keys()));
    }
    Ok(found.into_values().collect())
}

/// A type's name in WGSL.
fn type_name(module: &Module, ty: naga::Handle<naga::Type>) -> String {
    let ty = &module.types[ty];
    let scalar = |s: naga::Scalar| match s.kind {
        ScalarKind::Float => "f32".to_string(),
        ScalarKind::Uint => "u32".to_string(),
        ScalarKind::Sint => "i32".to_string(),
        kind => format!("{kind:?}"),
    };
    match ty.inner {
        TypeInner::Scalar(s) => scalar(s),
        TypeInner::Vector { size, scalar: s } => format!("vec{}<{}>", size as u8, scalar(s)),
        TypeInner::Atomic(s) => format!("atomic<{}>", scalar(s)),
        _ => ty.name.clone().unwrap_or_default(),
    }
}

/// The step block as a Rust struct: fields, offsets and documentation as the shader has them.
fn step_struct(path: &Path) -> Result<String, String> {
    let source = read(path)?;
    let module = parse(&source)?;
    let (_, ty) = module.types.iter().find(|(_, t)| t.name.as_deref() == Some("Step")).ok_or("there is no Step")?;
    let TypeInner::Struct { members, span } = &ty.inner else { return Err("Step is not a struct".to_string()) };
    if *span as usize != members.len() * 4 {
        return Err("Step has padding: give it whole rows of 16 bytes of 32-bit fields".to_string());
    }
    let docs = |before: &str| -> Result<String, String> {
        let lines: Vec<&str> = source.lines().map(str::trim).collect();
        let at = lines.iter().position(|l| l.starts_with(before)).ok_or(format!("no line `{before}`"))?;
        let start = lines[..at].iter().rposition(|l| !l.starts_with("///")).map_or(0, |i| i + 1);
        Ok(lines[start..at].join("\n"))
    };
    let mut fields = String::new();
    for member in members {
        let name = member.name.clone().unwrap_or_default();
        let doc = docs(&format!("{name}:"))?;
        writeln!(fields, "{doc}\npub {name}: {},", type_name(&module, member.ty)).expect("writing to a string");
    }
    let doc = docs("struct Step")?;
    Ok(format!(
        "{doc}\n#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]\n#[repr(C)]\npub struct Step {{\n{fields}}}\n"
    ))
}
