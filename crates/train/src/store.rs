//! Where a run keeps what it has learned: a folder, a browser's storage, memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::ready;
use std::pin::Pin;

/// An answer of a store, which may come later.
pub type Stored<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + 'a>>;

/// A store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't {action} {name}: {reason}")]
pub struct StoreError {
    /// "read", "write".
    pub action: String,
    /// What was to be read or written.
    pub name: String,
    /// Why not, and what to do.
    pub reason: String,
}

/// Named bytes that outlive the program. Names are plain file names without folders.
pub trait Store {
    /// Writes all of an entry at once: whatever happens, a later [`Store::get`] sees the old bytes or the new ones.
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>) -> Stored<'a, ()>;

    /// An entry's bytes, or `None` where there is none.
    fn get<'a>(&'a self, name: &'a str) -> Stored<'a, Option<Vec<u8>>>;

    /// Adds to the end of an entry, which begins empty.
    fn append<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Stored<'a, ()>;

    /// Cuts an entry to its first `length` bytes.
    fn truncate<'a>(&'a self, name: &'a str, length: u64) -> Stored<'a, ()>;

    /// The names of all entries, sorted.
    fn list(&self) -> Stored<'_, Vec<String>>;

    /// Removes an entry, if it is there.
    fn delete<'a>(&'a self, name: &'a str) -> Stored<'a, ()>;
}

/// A store in memory: for tests, and for runs that keep nothing.
#[derive(Debug, Default)]
pub struct MemoryStore(RefCell<BTreeMap<String, Vec<u8>>>);

impl Store for MemoryStore {
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>) -> Stored<'a, ()> {
        self.0.borrow_mut().insert(name.into(), bytes);
        Box::pin(ready(Ok(())))
    }

    fn get<'a>(&'a self, name: &'a str) -> Stored<'a, Option<Vec<u8>>> {
        Box::pin(ready(Ok(self.0.borrow().get(name).cloned())))
    }

    fn append<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Stored<'a, ()> {
        self.0.borrow_mut().entry(name.into()).or_default().extend(bytes);
        Box::pin(ready(Ok(())))
    }

    fn truncate<'a>(&'a self, name: &'a str, length: u64) -> Stored<'a, ()> {
        if let Some(bytes) = self.0.borrow_mut().get_mut(name) {
            bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        }
        Box::pin(ready(Ok(())))
    }

    fn list(&self) -> Stored<'_, Vec<String>> {
        Box::pin(ready(Ok(self.0.borrow().keys().cloned().collect())))
    }

    fn delete<'a>(&'a self, name: &'a str) -> Stored<'a, ()> {
        self.0.borrow_mut().remove(name);
        Box::pin(ready(Ok(())))
    }
}
