//! A kernel is three files of one stem: its parameters, its shader, its loop for the CPU.

use crate::workspace::{Source, Violation};

/// The stems of all kernels, from core's own list.
pub const STEMS: &[&str] = {
    macro_rules! stems {
        ($($stem:ident $kernel:ident,)*) => { &[$(stringify!($stem)),*] };
    }
    convoke_core::for_each_kernel!(stems)
};

/// Where a kernel's files of one kind lie.
struct Place {
    /// The folder.
    dir: &'static str,
    /// The files' extension.
    extension: &'static str,
    /// Other files and folders of that folder, which kernels share.
    shared: &'static [&'static str],
}

const PLACES: &[Place] = &[
    Place {
        dir: "crates/core/src/kernels",
        extension: "rs",
        shared: &["bands.rs", "mod.rs", "geometry.rs", "shader.rs", "tiling.rs", "view.rs"],
    },
    Place { dir: "shaders", extension: "wgsl", shared: &["shared"] },
    Place { dir: "crates/cpu/src/kernels", extension: "rs", shared: &["mod.rs"] },
];

/// Every file that a stem lacks, and every file that belongs to none.
fn check(stems: &[&str], sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for Place { dir, extension, shared } in PLACES {
        for stem in stems {
            let path = format!("{dir}/{stem}.{extension}");
            if sources.iter().all(|source| source.path != path) {
                let message = format!(
                    "kernel `{stem}` of core's list has no such file: write it, or take the kernel off the list"
                );
                violations.push(Violation::new(&path, 1, message));
            }
        }
        for source in sources.iter().filter(|source| source.is_below(dir) && source.has_extension(extension)) {
            let first = source.path[dir.len() + 1..].split('/').next().unwrap_or_default();
            let stem = first.strip_suffix(&format!(".{extension}"));
            if !shared.contains(&first) && !stem.is_some_and(|stem| stems.contains(&stem)) {
                let message = "no kernel of this stem is in core's list (for_each_kernel!): add it there; \
                               what kernels share goes under `shared` in tests/tests/tidy/kernels.rs";
                violations.push(Violation::new(&source.path, 1, message));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{expect_at, expect_none, sources};

    #[test]
    fn every_kernel_has_its_three_files() {
        assert!(STEMS.contains(&"gemm"), "{STEMS:?}");
        expect_none(check(STEMS, &sources()));
    }

    fn complete() -> Vec<Source> {
        let paths = ["crates/core/src/kernels/mod.rs", "crates/core/src/kernels/map.rs", "shaders/shared/index.wgsl"];
        paths
            .iter()
            .chain(&["shaders/map.wgsl", "crates/cpu/src/kernels/map.rs"])
            .map(|path| Source::new(path, ""))
            .collect()
    }

    #[test]
    fn a_missing_file_is_seen() {
        expect_none(check(&["map"], &complete()));
        for path in ["crates/core/src/kernels/map.rs", "shaders/map.wgsl", "crates/cpu/src/kernels/map.rs"] {
            let sources: Vec<Source> = complete().into_iter().filter(|source| source.path != path).collect();
            expect_at(check(&["map"], &sources), &[(path, 1)]);
        }
    }

    #[test]
    fn a_stray_file_is_seen() {
        for path in ["crates/core/src/kernels/conv.rs", "shaders/conv.wgsl", "crates/cpu/src/kernels/helpers/pack.rs"] {
            let sources: Vec<Source> = complete().into_iter().chain([Source::new(path, "")]).collect();
            expect_at(check(&["map"], &sources), &[(path, 1)]);
        }
    }
}
