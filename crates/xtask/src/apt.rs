//! Packages of Debian and what descends from it.

use std::path::Path;

use crate::shell::{self, Outcome, as_root, output, program, succeeds};

/// Installs those of the packages that are missing. Never removes a package.
pub fn install(packages: &[&str]) -> Outcome {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !has_package(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !Path::new("/etc/debian_version").exists() || !succeeds(program("apt-get").arg("--version")) {
        return Err("this is not Debian or Ubuntu, whose packages could be installed for you".into());
    }
    let apt = |arguments: &[&str]| {
        as_root("env", &[&["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"], arguments].concat())
            .ok_or_else(|| format!("{} can't be installed without root or passwordless sudo", missing.join(" ")))
    };
    let install = [&["install", "--yes", "--no-remove", "--no-install-recommends"], missing.as_slice()].concat();
    // A fresh machine has no package lists, and an old one stale ones: they are fetched only if need be.
    if shell::run(&mut apt(&install)?).is_err() {
        shell::run(&mut apt(&["update"])?)?;
        shell::run(&mut apt(&install)?)?;
    }
    Ok(())
}

/// Whether dpkg has installed a package.
fn has_package(name: &str) -> bool {
    output(program("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", name])).as_deref()
        == Some("installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_installed_is_seen() {
        assert!(!has_package("no-such-package-here"));
    }
}
