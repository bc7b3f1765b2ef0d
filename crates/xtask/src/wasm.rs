//! The target wasm32-unknown-unknown: from rustup, or where rustup can't download it, from Debian's packages for
//! building browsers, whose standard library is compiled once for the target.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt;
use crate::shell::{self, Outcome, as_root, cargo, output, program, succeeds, target_dir};

/// The target's name.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The name under which rustup knows Debian's compiler.
const WEB: &str = "web";

/// Debian's compiler, cargo and the standard library's source.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// The folder into which Debian's packages install the compiler.
const PREFIX: &str = "/usr";

/// Where Debian's compiler looks for the target's standard library.
const LIBRARY: &str = "/usr/lib/rustlib/wasm32-unknown-unknown/lib";

/// Which compiler has the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Toolchain {
    /// The one that compiles everything else.
    Usual,
    /// Debian's, which rustup calls `web`.
    Web,
}

impl Toolchain {
    /// The one that has the target, if there is one.
    pub fn find() -> Option<Self> {
        [Self::Usual, Self::Web].into_iter().find(|toolchain| toolchain.compiles())
    }

    /// Its name, for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Usual => "the usual toolchain",
            Self::Web => "rustup's toolchain `web`",
        }
    }

    /// A subcommand of cargo for the target.
    pub fn cargo(self, subcommand: &str, arguments: &[&str]) -> Command {
        let mut command = cargo(&[subcommand, "--target", TARGET]);
        command.args(arguments);
        self.build_in(&mut command);
        command
    }

    /// Whether it has a subcommand of cargo.
    pub fn has(self, subcommand: &str) -> bool {
        let mut command = cargo(&[subcommand, "--version"]);
        self.choose(&mut command);
        succeeds(&mut command)
    }

    /// Makes a command that calls cargo do it with this toolchain, in a folder of its own, so that two compilers don't undo each
    /// other's work.
    pub fn build_in(self, command: &mut Command) {
        self.choose(command);
        // In full, since wasm-pack calls cargo in another folder.
        command.env("CARGO_TARGET_DIR", target_dir().join("wasm"));
    }

    /// Makes rustup's cargo or rustc run as this toolchain.
    pub fn choose(self, command: &mut Command) {
        if self == Self::Web {
            command.env("RUSTUP_TOOLCHAIN", WEB);
            // Debian's compiler comes without the linker for the target.
            if let Some(linker) = linker() {
                command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            }
        }
    }

    /// Whether it compiles a few lines for the target: a library left by another version of the compiler would not do.
    fn compiles(self) -> bool {
        let dir = target_dir().join("xtask");
        let source = dir.join("probe.rs");
        let written = std::fs::create_dir_all(&dir)
            .and_then(|()| std::fs::write(&source, "pub fn probe() -> Vec<u8> {\n    Vec::new()\n}\n"));
        let mut command = program("rustc");
        command.args(["--target", TARGET, "--crate-type", "lib", "--emit", "metadata", "--out-dir"]);
        command.arg(&dir).arg(&source);
        self.choose(&mut command);
        written.is_ok() && succeeds(&mut command)
    }
}

/// The linker for the target that the usual toolchain brings.
fn linker() -> Option<PathBuf> {
    let sysroot = PathBuf::from(output(program("rustc").args(["--print", "sysroot"]))?);
    let hosts = std::fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    let name = format!("rust-lld{}", std::env::consts::EXE_SUFFIX);
    hosts.flatten().map(|host| host.path().join("bin").join(&name)).find(|path| path.is_file())
}

/// Makes sure of the target: what there is, else rustup's, else Debian's.
pub fn install() -> Outcome<Toolchain> {
    if let Some(toolchain) = Toolchain::find() {
        return Ok(toolchain);
    }
    let added = shell::run(program("rustup").args(["target", "add", TARGET]));
    if added.is_ok() && Toolchain::Usual.compiles() {
        return Ok(Toolchain::Usual);
    }
    println!("rustup can't download {TARGET}; building its standard library from Debian's packages, once");
    let built = from_debian().map_err(|reason| {
        format!(
            "the target {TARGET} is missing. Neither `rustup target add {TARGET}` nor Debian's packages ({}) gave it: \
             {reason}. Install it in one of these ways, then run this again",
            PACKAGES.join(" ")
        )
    });
    built.and_then(|()| {
        Toolchain::find().ok_or_else(|| format!("the library in {LIBRARY} does not compile for {TARGET}"))
    })
}

/// Debian's compiler, made known to rustup, and its standard library for the target.
fn from_debian() -> Outcome {
    apt::install(&PACKAGES)?;
    if output(program("rustup").arg("--version")).is_some() {
        link()?;
    }
    let libraries = build_std()?;
    let copied = place(&libraries);
    // What was built is of no use beyond its copy.
    let _ = std::fs::remove_dir_all(std_dir());
    copied
}

/// Lets rustup know Debian's compiler as `web`; a toolchain of that name that lies elsewhere is left alone.
fn link() -> Outcome {
    let sysroot = output(program("rustc").args(["--print", "sysroot"]).env("RUSTUP_TOOLCHAIN", WEB));
    match sysroot.as_deref() {
        Some(PREFIX) => Ok(()),
        Some(other) => Err(format!("rustup's toolchain `{WEB}` lies in {other}, not in {PREFIX}")),
        None => shell::run(program("rustup").args(["toolchain", "link", WEB, PREFIX])),
    }
}

/// Where the standard library is built.
fn std_dir() -> PathBuf {
    target_dir().join("xtask/std")
}

/// Compiles the standard library for the target under an empty crate, and returns its files.
fn build_std() -> Outcome<Vec<PathBuf>> {
    let dir = std_dir();
    let manifest = dir.join("Cargo.toml");
    std::fs::create_dir_all(dir.join("src"))
        .and_then(|()| std::fs::write(dir.join("src/lib.rs"), ""))
        .and_then(|()| std::fs::write(&manifest, "[package]\nname = \"empty\"\nedition = \"2024\"\n\n[workspace]\n"))
        .map_err(|error| format!("{} can't be written: {error}", dir.display()))?;
    // `test` is there for the test harness of crates compiled for the target.
    let mut build = cargo(&["build", "--release", "--target", TARGET, "-Z", "build-std=std,panic_abort,test"]);
    build.arg("--manifest-path").arg(&manifest).arg("--target-dir").arg(dir.join("target"));
    build.env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTFLAGS");
    Toolchain::Web.choose(&mut build);
    shell::run(&mut build)?;
    libraries(&dir.join("target").join(TARGET).join("release/deps"))
}

/// The standard library's files in a folder, without the empty crate's own.
fn libraries(dir: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).map_err(|error| format!("{} can't be read: {error}", dir.display()))?;
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".rlib") && !name.starts_with("libempty-")
    };
    let found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_library).collect();
    if found.is_empty() { Err(format!("no library was built in {}", dir.display())) } else { Ok(found) }
}

/// Puts the files where Debian's compiler looks for them, in place of those of an earlier version.
fn place(libraries: &[PathBuf]) -> Outcome {
    let denied = || format!("{LIBRARY} can't be written without root or passwordless sudo");
    shell::run(&mut as_root("rm", &["-rf", LIBRARY]).ok_or_else(denied)?)?;
    let mut copy = as_root("install", &["-D", "-m", "644", "-t", LIBRARY]).ok_or_else(denied)?;
    copy.args(libraries);
    // Not shown: a line of some twenty long names.
    if succeeds(&mut copy) { Ok(()) } else { Err(format!("{LIBRARY} can't be written")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_toolchain_is_chosen_by_name() {
        let line = |toolchain: Toolchain| shell::describe(&toolchain.cargo("check", &["--package", "convoke-core"]));
        let cargo = "cargo check --target wasm32-unknown-unknown --package convoke-core";
        let (web, usual) = (line(Toolchain::Web), line(Toolchain::Usual));
        assert!(web.contains("RUSTUP_TOOLCHAIN=web") && web.ends_with(cargo), "{web}");
        assert!(!usual.contains("RUSTUP_TOOLCHAIN") && usual.ends_with(cargo), "{usual}");
        for line in [web, usual] {
            assert!(line.contains("CARGO_TARGET_DIR=") && line.contains("/wasm "), "{line}");
        }
    }

    #[test]
    fn the_empty_crate_is_no_library() {
        let dir = std::env::temp_dir().join(format!("xtask-libraries-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        for name in ["libempty-1.rlib", "libcore-2.rlib", "libcore-2.rmeta", "core-2.d"] {
            std::fs::write(dir.join(name), "").unwrap();
        }
        let found = libraries(&dir);
        std::fs::remove_file(dir.join("libcore-2.rlib")).unwrap();
        let none = libraries(&dir);
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(found, Ok(vec![dir.join("libcore-2.rlib")]));
        assert!(none.unwrap_err().contains("no library"));
        assert!(libraries(&dir).unwrap_err().contains("can't be read"));
    }
}
