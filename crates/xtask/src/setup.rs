//! Installing what the tests need and is missing.

use std::path::Path;

use crate::shell::{self, Outcome, as_root, cargo, output, program, succeeds};
use crate::vulkan;
use crate::wasm;

/// Installs what is missing, or says what to install; then says what there is.
pub fn run() -> Outcome {
    component("fmt", "rustfmt")?;
    component("clippy", "clippy")?;
    graphics()?;
    let toolchain = wasm::install()?;
    println!("rustfmt, clippy: there");
    println!("{}: there", if cfg!(target_os = "linux") { "Vulkan loader and driver" } else { "the system's graphics" });
    println!("{}: there, in {}; to check a crate for it:", wasm::TARGET, toolchain.describe());
    println!("    {}", shell::describe(&toolchain.check(&["--package", "convoke-core"])));
    Ok(())
}

/// Makes sure of a subcommand of cargo that is a component of rustup.
fn component(subcommand: &str, name: &str) -> Outcome {
    let there = || succeeds(&mut cargo(&[subcommand, "--version"]));
    if there() {
        return Ok(());
    }
    let added = shell::run(program("rustup").args(["component", "add", name]));
    if added.is_ok() && there() {
        return Ok(());
    }
    Err(format!(
        "`cargo {subcommand}` is missing; install it with `rustup component add {name}` or your system's packages"
    ))
}

/// Makes sure of a Vulkan driver: a graphics card's, or one that computes on the CPU.
fn graphics() -> Outcome {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let missing = vulkan::Missing::here();
    if missing.any() {
        let mut packages = vec!["libvulkan1"];
        if missing.driver {
            packages.push("mesa-vulkan-drivers");
        }
        apt_install(&packages).map_err(|reason| advice(&missing, &reason))?;
        let missing = vulkan::Missing::here();
        if missing.any() {
            return Err(advice(&missing, "it is still not found after the installation"));
        }
    }
    Ok(())
}

/// What to install by hand, for the systems that are common.
fn advice(missing: &vulkan::Missing, reason: &str) -> String {
    let part = match (missing.loader, missing.driver) {
        (true, true) => "a Vulkan loader (libvulkan.so.1) and driver",
        (true, false) => "the Vulkan loader (libvulkan.so.1)",
        _ => "a Vulkan driver",
    };
    format!(
        "the tests need {part}, and {reason}. Install it and run this again:
    Debian, Ubuntu   sudo apt-get install libvulkan1 mesa-vulkan-drivers
    Fedora           sudo dnf install vulkan-loader mesa-vulkan-drivers
    Arch             sudo pacman -S vulkan-icd-loader vulkan-swrast
    Alpine           sudo apk add vulkan-loader mesa-vulkan-swrast
A graphics card's own driver serves as well. If yours lies elsewhere, name its manifest in VK_DRIVER_FILES."
    )
}

/// Installs those of the packages that are missing, on Debian and what descends from it. Never removes a package.
pub fn apt_install(packages: &[&str]) -> Outcome {
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

    #[test]
    fn advice_names_the_part_the_reason_and_the_way() {
        let text = advice(&vulkan::Missing { loader: true, driver: false }, "apt has no network");
        for word in ["libvulkan.so.1", "apt has no network", "apt-get install libvulkan1", "dnf", "VK_DRIVER_FILES"] {
            assert!(text.contains(word), "{word} is missing in: {text}");
        }
        assert!(advice(&vulkan::Missing { loader: false, driver: true }, "").contains("a Vulkan driver"));
    }
}
