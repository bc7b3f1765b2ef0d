//! Datasets inside zip archives, as PKWARE's APPNOTE describes them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use rawzip::extra_fields::ExtraFieldId;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipFileHeaderRecord, ZipLocator};

use crate::error::DataError;
use crate::files::{Files, distinct};
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

/// The most bytes of an entry in the list: 46, and name, extra fields and comment of up to 65,535 each.
const MAX_RECORD: usize = 46 + 3 * 0xFFFF;

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
    archive: ZipArchive<Window<R>>,
    files: BTreeMap<String, Entry>,
    /// Folders that hold no file, at any depth.
    empty: BTreeSet<String>,
}

/// A file in the list.
struct Entry {
    name: Vec<u8>,
    size: u64,
    sum: u32,
    packed: u64,
    deflated: bool,
    link: bool,
    place: ZipArchiveEntryWayfinder,
}

impl<R: Read + Seek> Archive<R> {
    /// Lists the archive that is the whole of `reader`.
    ///
    /// # Errors
    /// [`DataError::Archive`] where it is no archive, damaged, or one that can't be read as a whole: an entry is encrypted,
    /// compressed in another way, or lies outside (`../x`); it lists more than [`MAX_ENTRIES`], a file of more than
    /// [`MAX_FILE_BYTES`], or much more altogether than an archive of its size holds.
    pub fn open(reader: R) -> Result<Self, DataError> {
        let reader = Window::new(reader).map_err(|error| no_archive(&error))?;
        let (length, mut room) = (reader.length(), vec![0; MAX_RECORD]);
        let archive = ZipLocator::new().locate_in_reader(reader, &mut room, length);
        let archive = archive.map_err(|(_, error)| no_archive(&error))?;
        check_count(archive.entries_hint())?;
        let (mut files, mut folders, mut unpacked, mut count) = (BTreeMap::new(), Vec::new(), 0u64, 0);
        let mut list = archive.entries(&mut room);
        while let Some(entry) = list.next_entry().map_err(|error| no_archive(&error))? {
            count += 1;
            check_count(count)?;
            let path = path_of(&name_of(&entry))?;
            if path.is_empty() || path.ends_with('/') {
                folders.push(path);
                continue;
            }
            check_entry(&entry, &path)?;
            unpacked = unpacked.saturating_add(entry.uncompressed_size_hint());
            check_unpacked(length, unpacked)?;
            add(&mut files, path, Entry::of(&entry))?;
        }
        let empty = without_files(&folders, &files);
        Ok(Self { archive, files, empty })
    }
}

impl Entry {
    fn of(entry: &ZipFileHeaderRecord) -> Self {
        Self {
            name: entry.file_path().as_bytes().to_vec(),
            size: entry.uncompressed_size_hint(),
            sum: entry.crc32(),
            packed: entry.compressed_size_hint(),
            deflated: entry.compression_method() == CompressionMethod::DEFLATE,
            link: entry.mode().is_symlink(),
            place: entry.wayfinder(),
        }
    }
}

impl<R: Read + Seek> Files for Archive<R> {
    fn paths(&self) -> Vec<String> {
        self.files.keys().chain(&self.empty).cloned().collect()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let entry = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        if entry.link {
            let advice = "make the archive again with the file itself";
            return Err(io::Error::other(format!("it is a link to another file; {advice}")));
        }
        let damaged = |error: &dyn std::fmt::Display| {
            io::Error::other(format!("its data in the archive is damaged ({error}); fetch or make the archive again"))
        };
        // What a header announces is believed only as far as the archive could hold it.
        let packed = entry.packed.min(self.archive.get_ref().length());
        let room = entry.size.min(packed.saturating_mul(DEFLATE_RATIO));
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(room).unwrap_or(usize::MAX))?;
        let found = self.archive.get_entry(entry.place).map_err(|error| damaged(&error))?;
        let packed = found.reader();
        let file: Box<dyn Read + '_> =
            if entry.deflated { Box::new(DeflateDecoder::new(packed)) } else { Box::new(packed) };
        file.take(entry.size.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        let sum = check_sum(&bytes);
        if bytes.len() as u64 != entry.size {
            Err(damaged(&format!("{} bytes announced, {} found", entry.size, bytes.len())))
        } else if sum != entry.sum {
            Err(damaged(&format!("its check sum is {sum:08x}, not {:08x} as announced", entry.sum)))
        } else {
            Ok(bytes)
        }
    }
}

/// The CRC-32. PNG and deflate bring its table along; rawzip has one of its own, which a page would have to load as well: 16 KB.
fn check_sum(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}

fn refused(found: String, advice: &'static str) -> DataError {
    DataError::Archive { found, advice }
}

fn no_archive(error: &dyn std::fmt::Display) -> DataError {
    refused(format!("it can't be read as a zip archive: {error}"), "fetch or make it again")
}

fn check_count(entries: u64) -> Result<(), DataError> {
    if entries <= MAX_ENTRIES as u64 {
        return Ok(());
    }
    let found = format!("the archive lists {entries} files, more than the {MAX_ENTRIES} that are allowed");
    Err(refused(found, "give a smaller one, or unpack it and give the folder"))
}

/// Refuses what can't be unpacked.
fn check_entry(entry: &ZipFileHeaderRecord, path: &str) -> Result<(), DataError> {
    let path = shown(path);
    if entry.flags().is_encrypted() {
        return Err(refused(format!("{path} is encrypted"), "make the archive again without a password"));
    }
    let method = entry.compression_method();
    if !matches!(method, CompressionMethod::STORE | CompressionMethod::DEFLATE) {
        let name = match method {
            CompressionMethod::DEFLATE64 => " (deflate64)",
            CompressionMethod::BZIP2 => " (bzip2)",
            CompressionMethod::LZMA => " (LZMA)",
            CompressionMethod::ZSTD => " (Zstandard)",
            CompressionMethod::XZ => " (XZ)",
            CompressionMethod::PPMD => " (PPMd)",
            _ => "",
        };
        let found = format!("{path} is compressed by method {}{name}, not stored or deflated", method.as_u16());
        return Err(refused(found, "make the archive again with the usual method, deflate"));
    }
    let size = entry.uncompressed_size_hint();
    if size > MAX_FILE_BYTES {
        let found = format!("{path} takes {size} bytes, more than the {MAX_FILE_BYTES} that are allowed");
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
fn add(files: &mut BTreeMap<String, Entry>, path: String, entry: Entry) -> Result<(), DataError> {
    if files.get(&path).is_some_and(|other| other.name != entry.name) {
        let found = format!("the archive holds two files that are both called {}", shown(&path));
        return Err(refused(found, "unpack it, rename one of them, and make the archive again"));
    }
    files.insert(path, entry);
    Ok(())
}

/// The characters 128 to 255 of IBM's code page 437.
const CODE_PAGE: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";

/// An entry's name: the one in UTF-8 that programs add where the other is of an old code page (APPNOTE 4.6.9), if it is still of this name;
/// else the name itself.
fn name_of(entry: &ZipFileHeaderRecord) -> String {
    let path = entry.file_path();
    let bytes = path.as_bytes();
    let added = entry.extra_fields().find_map(|(id, field)| match field {
        [1, rest @ ..] if id == ExtraFieldId::INFO_ZIP_UNICODE_PATH => rest.split_first_chunk::<4>(),
        _ => None,
    });
    let added = added.filter(|(sum, _)| u32::from_le_bytes(**sum) == check_sum(bytes));
    if let Some(name) = added.and_then(|(_, name)| std::str::from_utf8(name).ok()) {
        return name.into();
    }
    let high = |byte: u8| CODE_PAGE.chars().nth(usize::from(byte) - 128).expect("it has 128 characters");
    let character = |&byte: &u8| if byte.is_ascii() { char::from(byte) } else { high(byte) };
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(character).collect(), str::to_string)
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
fn without_files(folders: &[String], files: &BTreeMap<String, Entry>) -> BTreeSet<String> {
    let filled = |folder: &str| {
        let from = (std::ops::Bound::Included(folder), std::ops::Bound::Unbounded);
        files.range::<str, _>(from).next().is_some_and(|(path, _)| path.starts_with(folder))
    };
    let around = folders.iter().flat_map(|folder| folder.match_indices('/').map(|(end, _)| &folder[..=end]));
    distinct(around.filter(|folder| !filled(folder)).map(str::to_string))
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
        assert!(check_count(MAX_ENTRIES as u64).is_ok());
        let message = "the archive lists 2000001 files, more than the 2000000 that are allowed; give a smaller one, or unpack it \
                       and give the folder";
        assert_eq!(check_count(MAX_ENTRIES as u64 + 1).unwrap_err().to_string(), message);
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
