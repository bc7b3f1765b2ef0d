//! Datasets inside zip archives, as PKWARE's APPNOTE describes them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek};

use zip::CompressionMethod;
use zip::read::{Config, OwnedZipFileEntry, ZipReadOptions};
use zip::unstable::read::ZipIterable;

use crate::error::DataError;
use crate::files::Files;
use crate::window::Window;

/// The most files and folders that an archive may list.
pub const MAX_ENTRIES: usize = 2_000_000;

/// The most bytes of one file unpacked.
pub const MAX_FILE_BYTES: u64 = 4 << 30;

/// How many times its own bytes an archive may unpack to in all, once that is above [`FREE_BYTES`]. Pictures hardly shrink, and
/// IDX files to a fifth; what grows without end is made to do harm.
const MAX_RATIO: u64 = 200;

/// What any archive may unpack to, however small it is.
const FREE_BYTES: u64 = 64 << 20;

/// The most that deflate can shrink: a back reference of 258 bytes takes two bits.
const DEFLATE_RATIO: u64 = 1032;

/// The most bytes of a path.
const MAX_PATH: usize = 4096;

/// How deep folders may lie in one another.
const MAX_LEVELS: usize = 32;

/// The [`Files`] in a zip archive, whose entries are stored or deflated.
///
/// Paths are those in the archive, whether their parts are joined by `/` or by `\`, and without a `/` at the beginning; where
/// several entries have the same name, the last one counts, as it does when an archive is unpacked. Names that are not UTF-8
/// are read as code page 437. Control characters in names become `U+FFFD`.
///
/// ```no_run
/// use convoke_data::{Archive, Options, open};
///
/// let archive = Archive::open(std::fs::File::open("pets.zip")?)?;
/// let dataset = open(&archive, &Options::default(), &mut |_, _| {})?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Archive<R> {
    reader: RefCell<Window<R>>,
    files: BTreeMap<String, OwnedZipFileEntry>,
    /// Folders that hold no file, at any depth.
    empty: BTreeSet<String>,
}

impl<R: Read + Seek> Archive<R> {
    /// Lists the archive that is the whole of `reader`.
    ///
    /// # Errors
    /// [`DataError::Archive`] where it is no archive, damaged, or one that can't be read as a whole: an entry is encrypted,
    /// compressed in another way, or lies outside (`../x`); it lists more than [`MAX_ENTRIES`], a file of more than
    /// [`MAX_FILE_BYTES`], or much more altogether than an archive of its size holds.
    pub fn open(reader: R) -> Result<Self, DataError> {
        let mut reader = Window::new(reader).map_err(|error| no_archive(&error))?;
        let length = reader.length();
        let mut list = ZipIterable::try_new(&mut reader, Config::default()).map_err(|error| no_archive(&error))?;
        check_count(list.len())?;
        let (mut files, mut folders, mut unpacked) = (BTreeMap::new(), Vec::new(), 0u64);
        for entry in list.files().map_err(|error| no_archive(&error))? {
            let entry = OwnedZipFileEntry::from(entry.map_err(|error| no_archive(&error))?);
            let path = path_of(&entry.name().map_err(|error| no_archive(&error))?)?;
            if path.is_empty() || path.ends_with('/') {
                folders.push(path);
                continue;
            }
            check_entry(&entry, &path)?;
            unpacked = unpacked.saturating_add(entry.size());
            check_unpacked(length, unpacked)?;
            add(&mut files, path, entry)?;
        }
        let empty = without_files(&folders, &files);
        Ok(Self { reader: RefCell::new(reader), files, empty })
    }
}

impl<R: Read + Seek> Files for Archive<R> {
    fn paths(&self) -> Vec<String> {
        self.files.keys().chain(&self.empty).cloned().collect()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let entry = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        if entry.is_symlink() {
            let advice = "make the archive again with the file itself";
            return Err(io::Error::other(format!("it is a link to another file; {advice}")));
        }
        let damaged = |error: &dyn std::fmt::Display| {
            io::Error::other(format!("its data in the archive is damaged ({error}); fetch or make the archive again"))
        };
        let mut reader = self.reader.borrow_mut();
        // What a header announces is believed only as far as the archive could hold it.
        let packed = entry.compressed_size().min(reader.length());
        let room = entry.size().min(packed.saturating_mul(DEFLATE_RATIO));
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(room).unwrap_or(usize::MAX))?;
        let file = entry.as_ref().with_reader(&mut *reader, ZipReadOptions::new()).map_err(|error| damaged(&error))?;
        file.take(entry.size().saturating_add(1)).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        if bytes.len() as u64 == entry.size() {
            Ok(bytes)
        } else {
            Err(damaged(&format!("{} bytes announced, {} found", entry.size(), bytes.len())))
        }
    }
}

fn refused(found: String, advice: &'static str) -> DataError {
    DataError::Archive { found, advice }
}

fn no_archive(error: &dyn std::fmt::Display) -> DataError {
    refused(format!("it can't be read as a zip archive: {error}"), "fetch or make it again")
}

fn check_count(entries: usize) -> Result<(), DataError> {
    if entries <= MAX_ENTRIES {
        return Ok(());
    }
    let found = format!("the archive lists {entries} files, more than the {MAX_ENTRIES} that are allowed");
    Err(refused(found, "give a smaller one, or unpack it and give the folder"))
}

/// Refuses what can't be unpacked.
fn check_entry(entry: &OwnedZipFileEntry, path: &str) -> Result<(), DataError> {
    let path = shown(path);
    if entry.encrypted() {
        return Err(refused(format!("{path} is encrypted"), "make the archive again without a password"));
    }
    if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        #[expect(deprecated, reason = "nothing else gives the number that the format knows the method by")]
        let number = entry.compression().to_u16();
        let name = CompressionMethod::name_from_u16(number);
        let found = format!("{path} is compressed by method {number} ({name}), not stored or deflated");
        return Err(refused(found, "make the archive again with the usual method, deflate"));
    }
    if entry.size() > MAX_FILE_BYTES {
        let found = format!("{path} takes {} bytes, more than the {MAX_FILE_BYTES} that are allowed", entry.size());
        return Err(refused(found, "take it out of the archive"));
    }
    Ok(())
}

/// Refuses an archive of `length` bytes whose files take `unpacked`, where that is out of all proportion.
fn check_unpacked(length: u64, unpacked: u64) -> Result<(), DataError> {
    if unpacked <= length.saturating_mul(MAX_RATIO).max(FREE_BYTES) {
        return Ok(());
    }
    let found = format!("the archive has {length} bytes, and its files more than {MAX_RATIO} times as many");
    Err(refused(found, "if you trust it, unpack it and give the folder"))
}

/// Puts a file in; a later one of the very same name replaces it.
fn add(
    files: &mut BTreeMap<String, OwnedZipFileEntry>,
    path: String,
    entry: OwnedZipFileEntry,
) -> Result<(), DataError> {
    if files.get(&path).is_some_and(|other| other.name_raw() != entry.name_raw()) {
        let found = format!("the archive holds two files that are both called {}", shown(&path));
        return Err(refused(found, "unpack it, rename one of them, and make the archive again"));
    }
    files.insert(path, entry);
    Ok(())
}

/// An entry's path, its parts joined by `/`, with a `/` at its end for a folder; empty for the folder of all.
fn path_of(name: &str) -> Result<String, DataError> {
    let folder = name.ends_with(['/', '\\']);
    let parts: Vec<&str> = name.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        let found = format!("the archive holds {}, which lies outside of it", shown(name));
        return Err(refused(found, "make it again from within the folder"));
    }
    if name.len() > MAX_PATH || parts.len() > MAX_LEVELS {
        let found =
            format!("the archive holds {}, a path of more than {MAX_PATH} bytes or {MAX_LEVELS} parts", shown(name));
        return Err(refused(found, "make it again with shorter paths"));
    }
    let mut path = parts.join("/").replace(char::is_control, "\u{FFFD}");
    if folder && !path.is_empty() {
        path.push('/');
    }
    Ok(path)
}

/// Those of the folders, and of the folders around them, in which no file lies.
fn without_files(folders: &[String], files: &BTreeMap<String, OwnedZipFileEntry>) -> BTreeSet<String> {
    let filled = |folder: &str| {
        let from = (std::ops::Bound::Included(folder), std::ops::Bound::Unbounded);
        files.range::<str, _>(from).next().is_some_and(|(path, _)| path.starts_with(folder))
    };
    let around = folders.iter().flat_map(|folder| folder.match_indices('/').map(|(end, _)| &folder[..=end]));
    around.filter(|folder| !filled(folder)).map(str::to_string).collect()
}

/// A name as messages show it: on one line, not too long.
fn shown(name: &str) -> String {
    const SHOWN: usize = 200;
    let mut shown: String = name.chars().take(SHOWN).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_list_only_so_much() {
        assert!(check_count(MAX_ENTRIES).is_ok());
        let message = "the archive lists 2000001 files, more than the 2000000 that are allowed; give a smaller one, or unpack it \
                       and give the folder";
        assert_eq!(check_count(MAX_ENTRIES + 1).unwrap_err().to_string(), message);
    }

    #[test]
    fn large_archives_may_unpack_to_200_times_their_size() {
        let length = 10 << 20;
        assert!(check_unpacked(length, 200 * length).is_ok());
        assert!(check_unpacked(length, 200 * length + 1).is_err());
        assert!(check_unpacked(1, FREE_BYTES).is_ok());
        assert!(check_unpacked(1, FREE_BYTES + 1).is_err());
    }
}
