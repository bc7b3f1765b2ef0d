//! Installing what the tests need, or what the page needs, and is missing.

use crate::apt;
use crate::browser;
use crate::shell::{self, Outcome, cargo, program, succeeds};
use crate::tools;
use crate::vulkan;
use crate::wasm::{self, Toolchain};

/// Installs what of the tests' needs is missing, or says what to install; then says what there is.
pub fn run() -> Outcome {
    component("fmt", "rustfmt")?;
    component("clippy", "clippy")?;
    graphics()?;
    let toolchain = wasm::install()?;
    tools::install_for_tests()?;
    browser::install()?;
    println!("rustfmt, clippy: there");
    println!("{}: there", if cfg!(target_os = "linux") { "Vulkan loader and driver" } else { "the system's graphics" });
    say_wasm(toolchain);
    println!("wasm-bindgen, wasm-pack, trunk: there");
    println!("Chromium, chromedriver, Node.js and the packages of {}: there", browser::TESTS);
    Ok(())
}

/// Installs what `trunk serve` needs and is missing.
pub fn page() -> Outcome {
    let toolchain = wasm::install()?;
    tools::install_for_page()?;
    say_wasm(toolchain);
    println!("wasm-bindgen, trunk: there; to see the page:");
    let mut trunk = program("trunk");
    trunk.arg("serve");
    toolchain.choose(&mut trunk);
    println!("    {}", shell::describe(&trunk));
    Ok(())
}

fn say_wasm(toolchain: Toolchain) {
    println!("{}: there, in {}; to check a crate for it:", wasm::TARGET, toolchain.describe());
    println!("    {}", shell::describe(&toolchain.cargo("check", &["--package", "convoke-core"])));
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
        apt::install(&packages).map_err(|reason| advice(&missing, &reason))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_the_part_the_reason_and_the_way() {
        let text = advice(&vulkan::Missing { loader: true, driver: false }, "apt has no network");
        for word in ["libvulkan.so.1", "apt has no network", "apt-get install libvulkan1", "dnf", "VK_DRIVER_FILES"] {
            assert!(text.contains(word), "{word} is missing in: {text}");
        }
        assert!(advice(&vulkan::Missing { loader: false, driver: true }, "").contains("a Vulkan driver"));
    }
}
