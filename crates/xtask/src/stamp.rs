//! `cargo xtask stamp`: says which files a build of the page is made of, for its service worker.
//!
//! The worker keeps a build whole or not at all, so that a visit without a network, or during a new release, never mixes two. For that it
//! needs a list: `build.json`, with each file's check sum, and a version that changes whenever any of them does.

use std::path::{Path, PathBuf};

/// Files that no visit asks for.
const LEFT_OUT: [&str; 3] = ["build.json", "sw.js", "vendor/README.md"];

/// Writes `build.json` into the folder that Trunk is filling, else into `dist`. A build to be published loses its comments first, and its
/// modules become one.
pub fn run() -> Result<(), String> {
    let folder = std::env::var_os("TRUNK_STAGING_DIR").map_or_else(|| PathBuf::from("dist"), PathBuf::from);
    if std::env::var_os("TRUNK_PROFILE").is_some_and(|profile| profile == "release") {
        crate::lean::run(&folder)?;
        crate::lean::join_styles(&folder)?;
        crate::bundle::run(&folder, "app.js")?;
        crate::imports::shorten(&folder, "convoke-web")?;
    }
    let list = describe(&folder)?;
    let path = folder.join("build.json");
    std::fs::write(&path, list).map_err(|error| format!("can't write {}: {error}", path.display()))
}

/// The list, as JSON.
fn describe(folder: &Path) -> Result<String, String> {
    let mut paths = Vec::new();
    collect(folder, "", &mut paths)?;
    paths.sort();
    let mut files = Vec::new();
    for path in &paths {
        let bytes = std::fs::read(folder.join(path)).map_err(|error| format!("can't read {path}: {error}"))?;
        files.push(format!("    {path:?}: {}", fnv1a(&bytes)));
    }
    let files = files.join(",\n");
    Ok(format!("{{\n  \"version\": \"{:08x}\",\n  \"files\": {{\n{files}\n  }}\n}}\n", fnv1a(files.as_bytes())))
}

/// Adds the paths of the files below `prefix`, parts joined by `/`.
fn collect(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> Result<(), String> {
    let place = folder.join(prefix);
    let fail = |error| format!("can't list {}: {error}; build the page first (trunk build)", place.display());
    for entry in std::fs::read_dir(&place).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name =
            entry.file_name().into_string().map_err(|name| format!("{name:?} is no name for a web page's file"))?;
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.file_type().map_err(fail)?.is_dir() {
            collect(folder, &path, paths)?;
        } else if !LEFT_OUT.contains(&path.as_str()) && !path.ends_with(".d.ts") {
            paths.push(path);
        }
    }
    Ok(())
}

/// The 32-bit FNV-1a hash: it tells builds apart, and needs no library on either side. Nobody is kept from forging it: who can change a
/// file on the host can change the list too.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        for (text, hash) in [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] {
            assert_eq!(fnv1a(text.as_bytes()), hash);
        }
    }

    #[test]
    fn a_changed_file_changes_the_version_and_types_are_left_out() {
        let folder = std::env::temp_dir().join(format!("convoke-stamp-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("style")).unwrap();
        std::fs::write(folder.join("index.html"), "one").unwrap();
        std::fs::write(folder.join("style/base.css"), "two").unwrap();
        std::fs::write(folder.join("worker.d.ts"), "three").unwrap();
        let before = describe(&folder).unwrap();
        std::fs::write(folder.join("style/base.css"), "other").unwrap();
        let after = describe(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(before.contains("\"style/base.css\": ") && !before.contains("worker.d.ts"), "{before}");
        assert_ne!(before.lines().nth(1), after.lines().nth(1));
    }
}
