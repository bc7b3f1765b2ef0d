//! Pictures and datasets in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use convoke_data::Files;
use walkdir::WalkDir;

/// The most files and folders that are listed: more is a wrong folder, such as a whole disk.
const MOST_ENTRIES: usize = 4_000_000;

/// How deep folders may lie in one another.
const MOST_LEVELS: usize = 32;

/// The most bytes of a file: what a dataset may take in memory.
const MOST_BYTES: u64 = 4 << 30;

/// The [`Files`] of a folder on a disk, at any depth. Links are followed.
#[derive(Debug)]
pub struct FolderFiles {
    folder: PathBuf,
    /// Where each file lies, by its path as [`Files::paths`] gives it.
    files: BTreeMap<String, PathBuf>,
    /// Folders that hold no file, at any depth.
    empty: BTreeSet<String>,
}

impl FolderFiles {
    /// Lists a folder.
    ///
    /// # Errors
    /// Where the folder or one within it can't be read, or it holds millions of files.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let mut listed = Self { folder: folder.into(), files: BTreeMap::new(), empty: BTreeSet::new() };
        if !listed.folder.metadata()?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder"));
        }
        let walk = WalkDir::new(&listed.folder).min_depth(1).max_depth(MOST_LEVELS).follow_links(true);
        for (count, entry) in walk.into_iter().enumerate() {
            if count == MOST_ENTRIES {
                return Err(io::Error::other(format!(
                    "it holds more than {MOST_ENTRIES} files; give a smaller folder"
                )));
            }
            match entry {
                Ok(entry) => listed.add(entry.path(), entry.file_type()),
                // A link to a folder that it lies in adds nothing.
                Err(error) if error.loop_ancestor().is_some() => {}
                // A link to nothing is no file.
                Err(error) if error.io_error().is_some_and(|e| e.kind() == io::ErrorKind::NotFound) => {}
                Err(error) => return Err(io::Error::other(error.to_string())),
            }
        }
        Ok(listed)
    }

    /// What the system says of a file: its size, when it was changed. Nothing of a folder.
    ///
    /// It is `None` where the file is not there any more.
    pub(crate) fn metadata(&self, path: &str) -> Option<Option<std::fs::Metadata>> {
        match self.files.get(path) {
            Some(path) => path.metadata().ok().map(Some),
            None => Some(None),
        }
    }

    fn add(&mut self, path: &Path, kind: std::fs::FileType) {
        let Ok(relative) = path.strip_prefix(&self.folder) else { return };
        let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        let name = parts.join("/");
        if kind.is_dir() {
            self.empty.insert(format!("{name}/"));
        } else if kind.is_file() {
            let folders = name.match_indices('/').map(|(end, _)| &name[..=end]);
            folders.for_each(|folder| {
                self.empty.remove(folder);
            });
            self.files.insert(name, path.into());
        }
    }
}

impl Files for FolderFiles {
    fn paths(&self) -> Vec<String> {
        self.files.keys().chain(&self.empty).cloned().collect()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let path = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        read_file(path, MOST_BYTES)
    }
}

/// Reads a file of at most so many bytes; what is no file of a known length, such as a pipe, is refused.
///
/// # Errors
/// Where it can't be read, is no file, or is larger.
pub fn read_file(path: impl AsRef<Path>, most: u64) -> io::Result<Vec<u8>> {
    let path = path.as_ref();
    let found = path.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other(if found.is_dir() { "it is a folder, not a file" } else { "it is not a file" }));
    }
    let too_large = || io::Error::other(format!("it is larger than the {most} bytes that are allowed"));
    if found.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).map_err(|_| too_large())?);
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for dir in ["cats/old", "dogs", "empty/er"] {
            fs::create_dir_all(folder.path().join(dir)).unwrap();
        }
        fs::write(folder.path().join("cats/old/1.png"), b"one").unwrap();
        fs::write(folder.path().join("notes.txt"), b"two").unwrap();
        folder
    }

    #[test]
    fn files_and_folders_without_files_are_listed() {
        let folder = folder();
        let files = FolderFiles::open(folder.path()).unwrap();
        assert_eq!(files.paths(), ["cats/old/1.png", "notes.txt", "dogs/", "empty/", "empty/er/"]);
        assert_eq!(files.read("cats/old/1.png").unwrap(), b"one");
        assert_eq!(files.read("../x").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        let folder = folder();
        let link = |to: &str, from: &str| std::os::unix::fs::symlink(to, folder.path().join(from)).unwrap();
        link("../cats/old", "dogs/linked");
        link("..", "dogs/circle");
        link("nowhere", "dogs/broken");
        let files = FolderFiles::open(folder.path()).unwrap();
        let expected = ["cats/old/1.png", "dogs/linked/1.png", "notes.txt", "empty/", "empty/er/"];
        assert_eq!(files.paths(), expected);
        assert_eq!(files.read("dogs/linked/1.png").unwrap(), b"one");
    }

    #[test]
    fn what_is_no_folder_or_no_file_is_refused() {
        let folder = folder();
        assert!(FolderFiles::open(folder.path().join("none")).is_err());
        let error = FolderFiles::open(folder.path().join("notes.txt")).unwrap_err().to_string();
        assert_eq!(error, "it is not a folder");
        assert_eq!(read_file(folder.path(), 10).unwrap_err().to_string(), "it is a folder, not a file");
        let notes = folder.path().join("notes.txt");
        assert_eq!(read_file(&notes, 3).unwrap(), b"two");
        let error = read_file(&notes, 2).unwrap_err().to_string();
        assert_eq!(error, "it is larger than the 2 bytes that are allowed");
    }
}
