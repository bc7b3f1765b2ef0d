//! Short names between a published page's WebAssembly and the script that wasm-bindgen writes for it. Its own end in hashes, which stand in both
//! files and can't be packed: ten kilobytes of the page.

use std::path::Path;

use crate::lean::leb128;

/// The kind of a section that lists imports.
const IMPORTS: u8 = 2;

/// Gives short names to what `NAME_bg.wasm` imports from `NAME.js`, in both, where `folder` has them.
pub fn shorten(folder: &Path, name: &str) -> Result<(), String> {
    let [module, script] = [folder.join(format!("{name}_bg.wasm")), folder.join(format!("{name}.js"))];
    let fail = |path: &Path, error: std::io::Error| format!("can't shorten {}: {error}", path.display());
    let bytes = std::fs::read(&module).map_err(|error| fail(&module, error))?;
    let text = std::fs::read_to_string(&script).map_err(|error| fail(&script, error))?;
    let (bytes, text) = shortened(&bytes, &text).ok_or_else(|| format!("{} is no wasm module", module.display()))?;
    std::fs::write(&module, bytes).map_err(|error| fail(&module, error))?;
    std::fs::write(&script, text).map_err(|error| fail(&script, error))
}

/// Both with short names. A name stays that the script has not exactly once, or that is no longer than its short one.
fn shortened(module: &[u8], script: &str) -> Option<(Vec<u8>, String)> {
    let (head, mut rest) = module.split_at_checked(8)?;
    let (mut bytes, mut script) = (head.to_vec(), script.to_string());
    while let Some((&kind, behind)) = rest.split_first() {
        let (length, prefix) = leb128(behind)?;
        let (section, next) = rest.split_at_checked(1 + prefix + length)?;
        if kind == IMPORTS {
            let list = imports(&section[1 + prefix..], &mut script)?;
            bytes.push(kind);
            bytes.extend(number(list.len()));
            bytes.extend(list);
        } else {
            bytes.extend(section);
        }
        rest = next;
    }
    Some((bytes, script))
}

/// The list of imports with short names: `count (module name, name, description)…`. Of the descriptions only functions' are known; from any other on
/// the list stays as it is.
fn imports(list: &[u8], script: &mut String) -> Option<Vec<u8>> {
    let (count, prefix) = leb128(list)?;
    let (mut short, mut rest) = (number(count), &list[prefix..]);
    for index in 0..count {
        let (module, after) = text(rest)?;
        let (name, after) = text(after)?;
        let [0, function @ ..] = after else { break };
        let (_, taken) = leb128(function)?;
        let (description, after) = after.split_at_checked(1 + taken)?;
        let new = format!("${index}");
        let once = script.matches(name).count() == 1 && !script.contains(&new);
        let name = if once && new.len() < name.len() {
            *script = script.replace(name, &new);
            &*new
        } else {
            name
        };
        for text in [module, name] {
            short.extend(number(text.len()));
            short.extend(text.as_bytes());
        }
        short.extend(description);
        rest = after;
    }
    short.extend(rest);
    Some(short)
}

/// A text, and what is behind it.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, prefix) = leb128(bytes)?;
    let (text, rest) = bytes[prefix..].split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

/// A number as WebAssembly writes it.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(names: &[&str]) -> Vec<u8> {
        let mut list = number(names.len());
        for name in names {
            for text in ["./m_bg.js", name] {
                list.extend(number(text.len()));
                list.extend(text.as_bytes());
            }
            list.extend([0, 5]);
        }
        [b"\0asm\x01\0\0\0\x01\x01\0".as_slice(), &[IMPORTS], &number(list.len()), &list, b"\x03\x01\0"].concat()
    }

    #[test]
    fn names_are_short_in_both_and_nothing_else_changes() {
        let long = ["__wbg_Error_208446807d0d1e30", "__wbg_now_0123456789abcdef"];
        let script = format!("const import0 = {{\n{}: f,\n{}: g,\n}};", long[0], long[1]);
        let (bytes, text) = shortened(&module(&long), &script).unwrap();
        assert_eq!(text, "const import0 = {\n$0: f,\n$1: g,\n};");
        assert_eq!(bytes, module(&["$0", "$1"]));
        // Used twice, or not at all: who knows by whom.
        for script in [format!("{0}: f, {0}: g", long[0]), String::new()] {
            assert_eq!(shortened(&module(&long[..1]), &script), Some((module(&long[..1]), script)));
        }
        assert_eq!(shortened(&module(&long)[..40], ""), None, "cut short");
    }
}
