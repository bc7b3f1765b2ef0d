//! How bytes come in, without the crate reading files.

use std::collections::{BTreeMap, BTreeSet};
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
        let mut held = Self::default();
        files.into_iter().for_each(|(path, bytes)| held.insert(path, bytes));
        held
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

/// Files without some that are to be left out, such as those that [`DataError::Unreadable`](crate::DataError::Unreadable)
/// lists.
///
/// A folder that loses its last file stays, as an empty one: a class doesn't vanish unnoticed.
pub struct LeavingOut<'a> {
    files: &'a dyn Files,
    left_out: BTreeSet<String>,
}

impl<'a> LeavingOut<'a> {
    /// `files` without those paths; what is not there anyway doesn't matter.
    pub fn new(files: &'a dyn Files, left_out: impl IntoIterator<Item = String>) -> Self {
        Self { files, left_out: distinct(left_out) }
    }
}

impl Files for LeavingOut<'_> {
    fn paths(&self) -> Vec<String> {
        let (mut kept, gone): (Vec<_>, Vec<_>) =
            self.files.paths().into_iter().partition(|path| !self.left_out.contains(path));
        let filled = distinct(kept.iter().flat_map(|path| folders(path)));
        let emptied = distinct(gone.iter().flat_map(|path| folders(path)));
        let empty: Vec<String> = emptied.difference(&filled).map(|folder| folder.to_string()).collect();
        kept.extend(empty);
        kept
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        if self.left_out.contains(path) { Err(io::ErrorKind::NotFound.into()) } else { self.files.read(path) }
    }
}

/// The set of these items, put in one by one: `collect` would bring a sort of its own for each kind, which a page would have to load.
pub(crate) fn distinct<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// The folders that a file lies in, each with a `/` at its end.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..=end]).filter(move |folder| folder.len() < path.len())
}
