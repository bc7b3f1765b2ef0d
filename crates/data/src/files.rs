//! How bytes come in, without the crate reading files.

use std::collections::BTreeMap;
use std::io;

/// A folder and what is in it, at any depth.
pub trait Files {
    /// The path of every file, relative to the folder, its parts joined by `/`. A folder that holds no file is listed
    /// too, with a `/` at its end, so that an empty class folder is noticed.
    fn paths(&self) -> Vec<String>;

    /// The bytes of one of the files.
    ///
    /// # Errors
    /// Whatever stands in the way of reading it.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;
}

/// Files held in memory: for tests, and for bytes that came from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryFiles(BTreeMap<String, Vec<u8>>);

impl MemoryFiles {
    /// Puts a file in, or an empty folder where `path` ends with `/`.
    pub fn insert(&mut self, path: impl Into<String>, bytes: Vec<u8>) {
        self.0.insert(path.into(), bytes);
    }
}

impl<P: Into<String>, I: IntoIterator<Item = (P, Vec<u8>)>> From<I> for MemoryFiles {
    fn from(files: I) -> Self {
        Self(files.into_iter().map(|(path, bytes)| (path.into(), bytes)).collect())
    }
}

impl Files for MemoryFiles {
    fn paths(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
