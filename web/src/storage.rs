//! Where runs are kept in a browser: IndexedDB, whose transactions are all or nothing.
//!
//! An entry is a row of chunks, each under the key `folder/name`, a zero character and the chunk's offset. Writing an entry replaces
//! all its chunks in one transaction; adding to one writes one more chunk, so that a log that grows costs what is added.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use convoke::train::{Store, StoreError, Stored};
use idb::{
    Database, DatabaseEvent, Factory, KeyRange, ObjectStore, ObjectStoreParams, Query, Transaction, TransactionMode,
    TransactionResult,
};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};

/// The database's name, and its one object store's.
const DATABASE: &str = "convoke";
const ENTRIES: &str = "entries";

/// Digits of a chunk's offset: keys sort as text.
const DIGITS: usize = 16;

/// Why a write fails where there is no room, as a [`StoreError`]'s reason.
pub(crate) const FULL: &str =
    "the browser's storage is full; delete runs that you no longer need, or free space on the disk, and go on";

/// The browser's storage of this origin.
#[derive(Clone, Debug)]
pub struct Storage {
    database: Rc<Database>,
}

impl Storage {
    /// Opens the database, which is made where there is none.
    ///
    /// # Errors
    /// [`StoreError`] where the browser gives no storage, as some do in private windows.
    pub async fn open() -> Result<Self, StoreError> {
        Self::open_as(DATABASE).await
    }

    /// Opens a database of another name: for tests, and for pages that keep their runs apart.
    ///
    /// # Errors
    /// As [`Storage::open`].
    pub async fn open_as(name: &str) -> Result<Self, StoreError> {
        let fail = |error: idb::Error| StoreError {
            action: "open".into(),
            name: "the browser's storage".into(),
            reason: format!("{error}; allow this page to store data, or use a window that is not private"),
        };
        let mut request = Factory::new().and_then(|factory| factory.open(name, Some(1))).map_err(fail)?;
        request.on_upgrade_needed(|event| {
            // Without the object store every later call fails, and says so.
            let made = event.database().and_then(|db| db.create_object_store(ENTRIES, ObjectStoreParams::new()));
            drop(made);
        });
        Ok(Self { database: Rc::new(request.await.map_err(fail)?) })
    }

    /// A store for the entries of one folder: a run's.
    pub fn folder(&self, name: impl Into<String>) -> BrowserStore {
        BrowserStore { storage: self.clone(), folder: name.into(), lengths: RefCell::default() }
    }

    /// The names of all folders, sorted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn folders(&self) -> Result<Vec<String>, StoreError> {
        let mut folders = Vec::new();
        for key in self.keys("", "the list of runs").await? {
            let folder = key.split('/').next().unwrap_or_default();
            if folders.last().is_none_or(|last| last != folder) {
                folders.push(folder.to_string());
            }
        }
        Ok(folders)
    }

    /// Removes a folder with all that is in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove(&self, folder: &str) -> Result<(), StoreError> {
        let prefix = format!("{folder}/");
        self.write("delete", folder, |entries| entries.delete(range(&prefix)?).map(drop)).await
    }

    fn begin(&self, mode: TransactionMode) -> Result<(Transaction, ObjectStore), idb::Error> {
        let transaction = self.database.transaction(&[ENTRIES], mode)?;
        let entries = transaction.object_store(ENTRIES)?;
        Ok((transaction, entries))
    }

    /// Does something in a transaction of its own.
    async fn write(
        &self,
        action: &str,
        name: &str,
        work: impl FnOnce(&ObjectStore) -> Result<(), idb::Error>,
    ) -> Result<(), StoreError> {
        let fail = |error| failure(action, name, &error);
        let (transaction, entries) = self.begin(TransactionMode::ReadWrite).map_err(fail)?;
        work(&entries).map_err(fail)?;
        match transaction.await.map_err(fail)? {
            TransactionResult::Committed => Ok(()),
            // The browser says nothing more; room is what it runs out of.
            TransactionResult::Aborted => {
                Err(StoreError { action: action.into(), name: name.into(), reason: FULL.into() })
            }
        }
    }

    /// All keys that begin with a prefix, sorted.
    async fn keys(&self, prefix: &str, name: &str) -> Result<Vec<String>, StoreError> {
        let fail = |error| failure("list", name, &error);
        let (_transaction, entries) = self.begin(TransactionMode::ReadOnly).map_err(fail)?;
        let query = if prefix.is_empty() { None } else { Some(Query::from(range(prefix).map_err(fail)?)) };
        let keys = entries.get_all_keys(query, None).map_err(fail)?.await.map_err(fail)?;
        Ok(keys.iter().filter_map(JsValue::as_string).collect())
    }
}

/// The entries of one folder of the browser's storage.
#[derive(Debug)]
pub struct BrowserStore {
    storage: Storage,
    folder: String,
    /// The lengths of entries that were added to.
    lengths: RefCell<HashMap<String, u64>>,
}

impl BrowserStore {
    fn prefix(&self, name: &str) -> String {
        format!("{}/{name}\0", self.folder)
    }

    fn key(&self, name: &str, offset: u64) -> JsValue {
        format!("{}{offset:0DIGITS$}", self.prefix(name)).into()
    }

    /// The chunks of an entry, in order.
    async fn chunks(&self, name: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        let fail = |error| failure("read", name, &error);
        let (_transaction, entries) = self.storage.begin(TransactionMode::ReadOnly).map_err(fail)?;
        let query = Query::from(range(&self.prefix(name)).map_err(fail)?);
        let chunks = entries.get_all(Some(query), None).map_err(fail)?.await.map_err(fail)?;
        Ok(chunks.into_iter().filter_map(|chunk| chunk.dyn_into::<Uint8Array>().ok()).map(|c| c.to_vec()).collect())
    }

    async fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.lengths.borrow_mut().insert(name.into(), bytes.len() as u64);
        let written = self.storage.write("write", name, |entries| {
            entries.delete(range(&self.prefix(name))?)?;
            entries.put(&Uint8Array::from(bytes), Some(&self.key(name, 0))).map(drop)
        });
        let written = written.await;
        if written.is_err() {
            self.lengths.borrow_mut().remove(name);
        }
        written
    }

    async fn add(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let length = self.length(name).await?;
        let key = self.key(name, length);
        let chunk = Uint8Array::from(bytes);
        self.storage.write("write", name, |entries| entries.put(&chunk, Some(&key)).map(drop)).await?;
        self.lengths.borrow_mut().insert(name.into(), length + bytes.len() as u64);
        Ok(())
    }

    /// How many bytes an entry has.
    async fn length(&self, name: &str) -> Result<u64, StoreError> {
        if let Some(&length) = self.lengths.borrow().get(name) {
            return Ok(length);
        }
        Ok(self.chunks(name).await?.iter().map(|chunk| chunk.len() as u64).sum())
    }

    async fn cut(&self, name: &str, length: u64) -> Result<(), StoreError> {
        let bytes = self.chunks(name).await?.concat();
        match usize::try_from(length) {
            Ok(length) if length < bytes.len() => self.replace(name, &bytes[..length]).await,
            _ => Ok(()),
        }
    }

    /// The bytes that are kept in the folder.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bytes(&self) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for name in self.list().await? {
            bytes += self.chunks(&name).await?.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        }
        Ok(bytes)
    }
}

impl Store for BrowserStore {
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>) -> Stored<'a, ()> {
        Box::pin(async move { self.replace(name, &bytes).await })
    }

    fn get<'a>(&'a self, name: &'a str) -> Stored<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let chunks = self.chunks(name).await?;
            Ok(if chunks.is_empty() { None } else { Some(chunks.concat()) })
        })
    }

    fn append<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Stored<'a, ()> {
        Box::pin(self.add(name, bytes))
    }

    fn truncate<'a>(&'a self, name: &'a str, length: u64) -> Stored<'a, ()> {
        Box::pin(self.cut(name, length))
    }

    fn list(&self) -> Stored<'_, Vec<String>> {
        Box::pin(async move {
            let prefix = format!("{}/", self.folder);
            let mut names = Vec::<String>::new();
            for key in self.storage.keys(&prefix, &self.folder).await? {
                let name = key[prefix.len()..].split('\0').next().unwrap_or_default();
                if names.last().is_none_or(|last| last != name) {
                    names.push(name.into());
                }
            }
            Ok(names)
        })
    }

    fn delete<'a>(&'a self, name: &'a str) -> Stored<'a, ()> {
        Box::pin(async move {
            self.lengths.borrow_mut().remove(name);
            let prefix = self.prefix(name);
            self.storage.write("delete", name, |entries| entries.delete(range(&prefix)?).map(drop)).await
        })
    }
}

/// All keys that begin with a prefix: keys are text without the last character of all.
fn range(prefix: &str) -> Result<KeyRange, idb::Error> {
    KeyRange::bound(&prefix.into(), &format!("{prefix}\u{ffff}").into(), None, None)
}

fn failure(action: &str, name: &str, error: &idb::Error) -> StoreError {
    let full = matches!(error, idb::Error::DomException(e) if e.name() == "QuotaExceededError");
    let reason = if full { FULL.into() } else { error.to_string() };
    StoreError { action: action.into(), name: name.into(), reason }
}
