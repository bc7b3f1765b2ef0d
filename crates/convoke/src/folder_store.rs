//! A run's store in a folder.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::future::ready;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use convoke_train::{Store, StoreError, Stored};

/// What a file is called while it is being written.
const UNFINISHED: &str = ".unfinished";

/// A [`Store`] in a folder, one file for each entry.
///
/// Files are written beside, synced and renamed, so that whoever looks sees the old file or the new one, whatever happens in
/// between; what was appended before is on the disk by then too.
#[derive(Debug)]
pub struct FolderStore {
    folder: PathBuf,
    /// Entries with appended bytes that may not be on the disk yet.
    unsynced: RefCell<BTreeSet<String>>,
}

impl FolderStore {
    /// A store in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`StoreError`] where the folder can't be made, or the path is something else.
    pub fn create(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self { folder: folder.into(), unsynced: RefCell::default() };
        fs::create_dir_all(&store.folder).map_err(|e| store.error("create", "", &e))?;
        Ok(store)
    }

    /// A store in a folder that is there.
    ///
    /// # Errors
    /// [`StoreError`] where it is not.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self { folder: folder.into(), unsynced: RefCell::default() };
        fs::read_dir(&store.folder).map_err(|e| store.error("open", "", &e))?;
        Ok(store)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn error(&self, action: &str, name: &str, error: &io::Error) -> StoreError {
        let path = if name.is_empty() { self.folder.clone() } else { self.path(name) };
        StoreError { action: action.into(), name: path.display().to_string(), reason: explain(error) }
    }

    /// Appended bytes reach the disk before whatever speaks of them.
    fn sync_appended(&self) -> Result<(), StoreError> {
        for name in self.unsynced.take() {
            let synced = OpenOptions::new().append(true).open(self.path(&name)).and_then(|file| file.sync_data());
            synced.map_err(|e| self.error("write", &name, &e))?;
        }
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.sync_appended()?;
        let unfinished = self.path(&format!("{name}{UNFINISHED}"));
        let written = File::create(&unfinished)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&unfinished, self.path(name)))
            .and_then(|()| sync_folder(&self.folder));
        written.map_err(|error| {
            // The error is what the caller has to know; that the rest may stay behind is not.
            let _ = fs::remove_file(&unfinished);
            self.error("write", name, &error)
        })
    }

    fn add(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let append = || {
            let mut file = OpenOptions::new().append(true).create(true).open(self.path(name))?;
            let before = file.metadata()?.len();
            file.write_all(bytes).inspect_err(|_| {
                // Half a line is worse than none; the error itself is told.
                let _ = file.set_len(before);
            })
        };
        append().map_err(|e| self.error("write", name, &e))?;
        self.unsynced.borrow_mut().insert(name.into());
        Ok(())
    }

    fn cut(&self, name: &str, length: u64) -> Result<(), StoreError> {
        let cut = || match OpenOptions::new().write(true).open(self.path(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(file) if file.metadata()?.len() > length => file.set_len(length),
            Ok(_) => Ok(()),
        };
        cut().map_err(|e| self.error("cut", name, &e))
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.folder)? {
                let entry = entry?;
                let name = entry.file_name().into_string().ok().filter(|name| !name.ends_with(UNFINISHED));
                names.extend(name.filter(|_| entry.path().is_file()));
            }
            names.sort_unstable();
            Ok(names)
        };
        list().map_err(|e| self.error("list", "", &e))
    }
}

impl Store for FolderStore {
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>) -> Stored<'a, ()> {
        Box::pin(ready(self.write(name, &bytes)))
    }

    fn get<'a>(&'a self, name: &'a str) -> Stored<'a, Option<Vec<u8>>> {
        Box::pin(ready(match fs::read(self.path(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error("read", name, &error)),
        }))
    }

    fn append<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Stored<'a, ()> {
        Box::pin(ready(self.add(name, bytes)))
    }

    fn truncate<'a>(&'a self, name: &'a str, length: u64) -> Stored<'a, ()> {
        Box::pin(ready(self.cut(name, length)))
    }

    fn list(&self) -> Stored<'_, Vec<String>> {
        Box::pin(ready(self.names()))
    }

    fn delete<'a>(&'a self, name: &'a str) -> Stored<'a, ()> {
        self.unsynced.borrow_mut().remove(name);
        Box::pin(ready(match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.error("remove", name, &error)),
            _ => Ok(()),
        }))
    }
}

/// A rename is on the disk once its folder is; Windows syncs it by itself.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The reason, and what to do about it.
fn explain(error: &io::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space, or choose another folder",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "choose a folder that you may write to",
        ErrorKind::NotFound => "check the path",
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "a file is in the way: choose another folder",
        _ => "choose another folder if this stays so",
    };
    format!("{error}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_on;

    fn store() -> (tempfile::TempDir, FolderStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderStore::create(folder.path().join("a/b")).unwrap();
        (folder, store)
    }

    #[test]
    fn what_is_put_is_got_and_listed_until_it_is_deleted() {
        let (_folder, store) = store();
        block_on(async {
            assert_eq!(store.get("x").await.unwrap(), None);
            store.put("x", vec![1]).await.unwrap();
            store.put("x", vec![2, 3]).await.unwrap();
            store.put("a", vec![]).await.unwrap();
            assert_eq!(store.get("x").await.unwrap(), Some(vec![2, 3]));
            assert_eq!(store.list().await.unwrap(), ["a", "x"]);
            store.delete("x").await.unwrap();
            store.delete("x").await.unwrap();
            assert_eq!(store.list().await.unwrap(), ["a"]);
        });
    }

    #[test]
    fn a_log_grows_and_is_cut_but_never_filled_up() {
        let (_folder, store) = store();
        block_on(async {
            store.truncate("log", 5).await.unwrap();
            store.append("log", b"one\n").await.unwrap();
            store.append("log", b"two\n").await.unwrap();
            store.truncate("log", 6).await.unwrap();
            assert_eq!(store.get("log").await.unwrap().unwrap(), b"one\ntw");
            store.truncate("log", 100).await.unwrap();
            store.put("x", vec![]).await.unwrap();
            assert_eq!(store.get("log").await.unwrap().unwrap(), b"one\ntw");
            store.append("log", b"o\n").await.unwrap();
            store.delete("log").await.unwrap();
            store.put("x", vec![]).await.unwrap();
        });
    }

    #[test]
    fn a_file_that_was_not_finished_is_not_seen() {
        let (_folder, store) = store();
        fs::write(store.path("x.unfinished"), b"half").unwrap();
        block_on(async {
            assert_eq!(store.list().await.unwrap(), Vec::<String>::new());
            store.put("x", vec![7]).await.unwrap();
            assert_eq!(store.list().await.unwrap(), ["x"]);
        });
        assert!(!store.path("x.unfinished").exists());
    }

    #[test]
    fn errors_name_the_file_the_reason_and_what_to_do() {
        let (folder, store) = store();
        // A folder in the way of the file.
        fs::create_dir_all(store.path("x/y")).unwrap();
        let error = block_on(store.put("x", vec![1])).unwrap_err().to_string();
        assert!(error.starts_with(&format!("can't write {}: ", store.path("x").display())), "{error}");
        assert!(!store.path("x.unfinished").exists(), "nothing half-written stays");
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = FolderStore::create(&file).unwrap_err().to_string();
        assert!(error.contains("a file is in the way: choose another folder"), "{error}");
        let error = FolderStore::open(folder.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("check the path"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_and_leaves_the_log_whole() {
        let (_folder, store) = store();
        std::os::unix::fs::symlink("/dev/full", store.path("log")).unwrap();
        let error = block_on(store.append("log", b"line\n")).unwrap_err().to_string();
        assert!(error.contains("No space left") && error.contains("free some space"), "{error}");
    }
}
