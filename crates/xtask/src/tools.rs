//! The commands from the Rust world that build the page: wasm-bindgen, wasm-pack, trunk.

use std::fs;

use crate::shell::{self, Outcome, cargo, output, program, root, target_dir};

/// A command that `cargo install` installs.
struct Tool {
    /// The command, and what it calls itself in its version.
    command: &'static str,
    /// The crate.
    package: &'static str,
    /// The version to install.
    version: String,
    /// Whether another version won't do.
    exact: bool,
    /// Whether to build with the versions of its dependencies that it was released with.
    locked: bool,
}

/// wasm-bindgen, of the very version of the library in Cargo.lock: what the one writes only the other reads.
fn wasm_bindgen() -> Outcome<Tool> {
    let lock =
        fs::read_to_string(root().join("Cargo.lock")).map_err(|error| format!("Cargo.lock can't be read: {error}"))?;
    let version = locked_version(&lock, "wasm-bindgen").ok_or("Cargo.lock names no version of wasm-bindgen")?;
    Ok(Tool {
        command: "wasm-bindgen",
        package: "wasm-bindgen-cli",
        version: version.into(),
        exact: true,
        locked: false,
    })
}

/// trunk, of the last version that the workspace's compiler compiles.
fn trunk() -> Tool {
    Tool { command: "trunk", package: "trunk", version: "0.21.14".into(), exact: false, locked: true }
}

fn wasm_pack() -> Tool {
    Tool { command: "wasm-pack", package: "wasm-pack", version: "0.15.1".into(), exact: false, locked: true }
}

/// What `trunk serve` and `trunk build` need.
pub fn install_for_page() -> Outcome {
    wasm_bindgen()?.install()?;
    trunk().install()
}

/// What the tests need besides.
pub fn install_for_tests() -> Outcome {
    install_for_page()?;
    wasm_pack().install()
}

impl Tool {
    fn install(&self) -> Outcome {
        if self.is_there() {
            return Ok(());
        }
        let mut install = cargo(&["install", self.package, "--version", &self.version, "--force"]);
        if self.locked {
            install.arg("--locked");
        }
        // One folder for all, which share dependencies; and no long optimisation of programs that run for seconds.
        install.arg("--target-dir").arg(target_dir().join("tools"));
        for (name, value) in [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("OPT_LEVEL", "1"), ("DEBUG", "false")] {
            install.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
        }
        shell::run(&mut install)?;
        if self.is_there() {
            return Ok(());
        }
        Err(format!(
            "{} {} was installed, and `{} --version` doesn't say so: put cargo's folder of programs (~/.cargo/bin) before others on the PATH",
            self.package, self.version, self.command
        ))
    }

    fn is_there(&self) -> bool {
        let said = output(program(self.command).arg("--version"));
        said.and_then(|text| text.split_whitespace().nth(1).map(|found| self.suffices(found))).unwrap_or(false)
    }

    fn suffices(&self, found: &str) -> bool {
        if self.exact { found == self.version } else { numbers(found) >= numbers(&self.version) }
    }
}

/// The numbers of a version, for comparison.
fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

/// The version of a package in the text of a Cargo.lock.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let after = lock.lines().skip_while(|line| *line != name).nth(1)?;
    after.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_pinned_to_the_version_of_the_command() {
        let tool = wasm_bindgen().unwrap();
        let manifest = fs::read_to_string(root().join("web/Cargo.toml")).unwrap();
        let pin = format!("wasm-bindgen = \"={}\"", tool.version);
        assert!(
            manifest.lines().any(|line| line == pin),
            "web/Cargo.toml does not hold `{pin}`: the command is installed in the version of Cargo.lock, so both have to change at once"
        );
    }

    #[test]
    fn a_lock_file_is_read() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.3\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen"), Some("0.2.3"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }

    #[test]
    fn only_wasm_bindgen_has_to_be_the_very_version() {
        let tool = wasm_bindgen().unwrap();
        assert!(tool.suffices(&tool.version) && !tool.suffices("99.0.0"));
        let trunk = trunk();
        assert!(trunk.suffices("0.21.14") && trunk.suffices("0.22.1-beta.1") && !trunk.suffices("0.21.9"));
    }
}
