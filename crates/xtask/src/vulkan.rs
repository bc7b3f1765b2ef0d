//! Whether a Vulkan loader and a driver are there. Only Linux is asked: macOS brings Metal and Windows DX12.

use std::path::{Path, PathBuf};

/// What of Vulkan is missing.
#[derive(Debug, PartialEq)]
pub struct Missing {
    /// The library through which programs reach the drivers.
    pub loader: bool,
    /// Any driver, of a graphics card or in software.
    pub driver: bool,
}

impl Missing {
    /// What this machine lacks.
    pub fn here() -> Self {
        Self {
            loader: !has_loader(&library_dirs()),
            driver: !names_a_driver(["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]) && !has_driver(&driver_dirs()),
        }
    }

    /// Whether anything is missing.
    pub fn any(&self) -> bool {
        self.loader || self.driver
    }
}

/// Whether the user names driver files that exist, by the loader's own variables.
fn names_a_driver(variables: [&str; 2]) -> bool {
    let values = variables.iter().filter_map(std::env::var_os);
    values.into_iter().any(|value| std::env::split_paths(&value).any(|file| file.is_file()))
}

/// Whether a folder holds a driver's manifest.
fn has_driver(dirs: &[PathBuf]) -> bool {
    dirs.iter().any(|dir| entries(dir).any(|file| file.extension().is_some_and(|e| e == "json")))
}

/// Whether a folder holds the loader.
fn has_loader(dirs: &[PathBuf]) -> bool {
    dirs.iter().any(|dir| dir.join("libvulkan.so.1").exists())
}

/// Where the Vulkan loader looks for manifests of drivers.
fn driver_dirs() -> Vec<PathBuf> {
    let home = |below: &str| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(below));
    let listed = |name: &str| std::env::var_os(name).map(|v| std::env::split_paths(&v).collect()).unwrap_or_default();
    let mut roots: Vec<PathBuf> =
        ["/etc", "/etc/xdg", "/usr/share", "/usr/local/share", "/usr/local/etc"].map(PathBuf::from).into();
    roots.extend(home(".local/share").into_iter().chain(home(".config")));
    for name in ["XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"] {
        roots.extend::<Vec<PathBuf>>(listed(name));
    }
    roots.iter().map(|root| root.join("vulkan/icd.d")).collect()
}

/// Where the dynamic linker looks: its usual folders, with one level of architectures below them, and the user's own.
fn library_dirs() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> =
        std::env::var_os("LD_LIBRARY_PATH").map(|v| std::env::split_paths(&v).collect()).unwrap_or_default();
    for root in ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"].map(PathBuf::from) {
        dirs.extend(entries(&root).filter(|path| path.is_dir()));
        dirs.push(root);
    }
    dirs
}

/// What lies in a folder; nothing if there is no such folder.
fn entries(dir: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fresh folder, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_manifest_is_a_driver() {
        let folder = Folder::new("driver");
        let dirs = [folder.0.join("absent"), folder.0.clone()];
        std::fs::write(folder.0.join("README"), "").unwrap();
        assert!(!has_driver(&dirs));
        std::fs::write(folder.0.join("lvp_icd.x86_64.json"), "{}").unwrap();
        assert!(has_driver(&dirs));
    }

    #[test]
    fn the_loader_is_found_by_its_name() {
        let folder = Folder::new("loader");
        std::fs::write(folder.0.join("libvulkan.so"), "").unwrap();
        assert!(!has_loader(std::slice::from_ref(&folder.0)));
        std::fs::write(folder.0.join("libvulkan.so.1"), "").unwrap();
        assert!(has_loader(std::slice::from_ref(&folder.0)));
    }

    #[test]
    fn either_part_counts_as_missing() {
        for (loader, driver) in [(false, true), (true, false), (true, true)] {
            assert!(Missing { loader, driver }.any());
        }
        assert!(!Missing { loader: false, driver: false }.any());
    }
}
