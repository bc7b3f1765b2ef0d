//! Folders of pictures, decoded on all processors, and once.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use convoke_data::{DataError, Dataset, DecodeOne, Files, Options, SharedBytes, Shelf, open_with};
use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3;

use crate::FolderFiles;
use crate::spill::Spill;

/// Changes whenever the same files would be decoded to other pixels, or others of them would be for testing.
const DECODING: u32 = 2;

/// Fewer pictures than these are decoded as fast as they would be found in a cache.
const WORTH_KEEPING: usize = 500;

/// Decoded bytes of each half that stay in memory before they are kept; more go to the disk.
const IN_MEMORY: usize = 256 << 20;

/// The most decoded bytes that a cache takes.
const MOST_KEPT: u64 = 1 << 42;

/// Opens the dataset of a folder as [`convoke_data::open`] does, with pictures decoded on all processors.
///
/// Where a folder for the cache is given, a dataset of many pictures is kept there as it is decoded, and found again as long as names, sizes and times of
/// change of the files, and the options, are the same. Its pixels then stay in that file, mapped into memory: they take as much of it as there is to
/// spare, and a dataset may be larger, also while it is decoded; `max_bytes` of the options is for datasets without a cache. What is damaged is decoded anew; a
/// cache that can't be written is done without, as long as memory lasts.
///
/// # Errors
/// Those of [`convoke_data::open`].
pub fn open_folder(
    files: &FolderFiles,
    options: &Options,
    cache: Option<&Path>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Dataset, DataError> {
    open_within(files, options, cache, IN_MEMORY, progress)
}

/// As [`open_folder`], with so many decoded bytes of each half in memory at most.
fn open_within(
    files: &FolderFiles,
    options: &Options,
    cache: Option<&Path>,
    in_memory: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Dataset, DataError> {
    let place = cache.and_then(|folder| place(files, options, folder));
    if let Some(found) = place.as_deref().and_then(|place| load(place).ok()) {
        return Ok(found);
    }
    let mut in_parallel = |paths: &[&str], decode: &DecodeOne| {
        let one = |path: &&str| {
            let read = files.read(path).map_err(|source| DataError::Read { path: path.to_string(), source });
            read.and_then(|bytes| decode(&bytes, path))
        };
        paths.par_iter().map(one).collect()
    };
    // Without a folder that can be written to, what is decoded has to stay in memory.
    let spill = place.as_deref().and_then(Path::parent).filter(|folder| fs::create_dir_all(folder).is_ok());
    let mut shelves = || -> Box<dyn Shelf> {
        match spill {
            Some(folder) => Box::new(Spill::new(folder.into(), in_memory)),
            None => Box::new(Vec::new()),
        }
    };
    let max_bytes = if spill.is_some() { options.max_bytes.max(MOST_KEPT) } else { options.max_bytes };
    let options = Options { max_bytes, ..options.clone() };
    let dataset = open_with(files, &options, progress, &mut in_parallel, &mut shelves)?;
    // Without room on the disk, it is decoded anew next time.
    let Some(place) = place.filter(|place| keep(&dataset, place).is_ok()) else { return Ok(dataset) };
    // It need not lie in memory twice.
    drop(dataset);
    load(&place).map_err(|source| DataError::Read { path: place.display().to_string(), source })
}

/// Where the dataset of these files is kept, if it is worth it.
fn place(files: &FolderFiles, options: &Options, folder: &Path) -> Option<PathBuf> {
    let paths = files.paths();
    if paths.len() < WORTH_KEEPING {
        return None;
    }
    let mut hash = Xxh3::new();
    hash.update(format!("{DECODING} {options:?}").as_bytes());
    for path in &paths {
        let found = files.metadata(path)?;
        let size = found.as_ref().map_or(0, fs::Metadata::len);
        let changed = found.as_ref().and_then(|found| found.modified().ok()?.duration_since(UNIX_EPOCH).ok());
        hash.update(path.as_bytes());
        hash.update(&[0]);
        hash.update(&size.to_le_bytes());
        hash.update(&changed.map_or(0, |time| time.as_nanos()).to_le_bytes());
    }
    Some(folder.join(format!("{:032x}.pictures", hash.digest128())))
}

/// The dataset that a file keeps.
fn load(place: &Path) -> io::Result<Dataset> {
    let file = File::open(place)?;
    // SAFETY: the file was made by `keep`, which writes it under another name and never again once it has this one; removing it leaves the
    // mapped bytes as they are.
    let bytes: SharedBytes = Arc::new(unsafe { memmap2::Mmap::map(&file)? });
    Dataset::decode_shared(&bytes).map_err(io::Error::other)
}

/// Writes the dataset beside its place, and then puts it there, whole.
fn keep(dataset: &Dataset, place: &Path) -> io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = place.with_extension(format!("{}.part", std::process::id()));
    let written = write(dataset, &beside).and_then(|()| fs::rename(&beside, place));
    if written.is_err() {
        // What is left of it is of no use; that it can't be removed changes nothing.
        _ = fs::remove_file(&beside);
    }
    written
}

fn write(dataset: &Dataset, path: &Path) -> io::Result<()> {
    let mut writer = BufWriter::new(File::create(path)?);
    dataset.encode_to(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grey pictures of 2×2 pixels in two classes, as PNG files.
    fn folder(count: usize) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for class in ["a", "b"] {
            fs::create_dir(folder.path().join(class)).unwrap();
        }
        (0..count).for_each(|n| picture(folder.path(), n, n as u8));
        folder
    }

    fn picture(folder: &Path, n: usize, grey: u8) {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 2);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&[grey, 1, 2, 3]).unwrap();
        fs::write(folder.join(["a", "b"][n % 2]).join(format!("{n}.png")), bytes).unwrap();
    }

    fn open(folder: &Path, cache: Option<&Path>) -> (Dataset, bool) {
        let mut decoded = false;
        let files = FolderFiles::open(folder).unwrap();
        let found = open_folder(&files, &Options::default(), cache, &mut |_, _| decoded = true).unwrap();
        (found, decoded)
    }

    #[test]
    fn what_is_decoded_may_be_larger_than_memory() {
        let (folder, cache) = (folder(600), tempfile::tempdir().unwrap());
        // Colour comes late, when much of the rest has gone to the disk already.
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 2);
        encoder.set_color(png::ColorType::Rgb);
        encoder
            .write_header()
            .unwrap()
            .write_image_data(&[9; 11].iter().chain(&[1]).copied().collect::<Vec<_>>())
            .unwrap();
        fs::write(folder.path().join("b/7.png"), bytes).unwrap();
        let files = FolderFiles::open(folder.path()).unwrap();
        let limited = Options { max_bytes: 100, ..Options::default() };
        let expected = convoke_data::open(&files, &Options::default(), &mut |_, _| {}).unwrap();
        assert_eq!(expected.channels, 3);
        let open = |cache| open_within(&files, &limited, cache, 50, &mut |_, _| {});
        assert_eq!(open(Some(cache.path())).unwrap(), expected);
        assert_eq!(kept(cache.path()).len(), 1, "only what is kept has a name");
        assert_eq!(open(Some(cache.path())).unwrap(), expected);
        assert!(matches!(open(None), Err(DataError::TooLarge { .. })));
    }

    fn kept(cache: &Path) -> Vec<PathBuf> {
        fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn a_folder_is_decoded_once_until_it_changes() {
        let (folder, cache) = (folder(600), tempfile::tempdir().unwrap());
        let cache = cache.path().join("pictures");
        let files = FolderFiles::open(folder.path()).unwrap();
        let expected = convoke_data::open(&files, &Options::default(), &mut |_, _| {}).unwrap();
        assert_eq!(open(folder.path(), None), (expected.clone(), true));
        assert_eq!(open(folder.path(), Some(&cache)), (expected.clone(), true));
        assert_eq!(open(folder.path(), Some(&cache)), (expected.clone(), false));
        let other = Options { channels: Some(3), size: Some([3, 3]), ..Options::default() };
        let other = open_folder(&files, &other, Some(&cache), &mut |_, _| {}).unwrap();
        assert_eq!((other.height, kept(&cache).len()), (3, 2));

        picture(folder.path(), 600, 99);
        let (changed, decoded) = open(folder.path(), Some(&cache));
        assert!(decoded && changed.train.len() + changed.test.len() == 601);
        fs::remove_file(folder.path().join("a/600.png")).unwrap();
        assert_eq!(open(folder.path(), Some(&cache)), (expected, false));
    }

    #[test]
    fn what_is_damaged_is_decoded_anew_and_what_is_small_is_not_kept() {
        let (folder, cache) = (folder(600), tempfile::tempdir().unwrap());
        let (expected, _) = open(folder.path(), Some(cache.path()));
        let [file] = &kept(cache.path())[..] else { panic!("one file") };
        let mut bytes = fs::read(file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::remove_file(file).unwrap();
        fs::write(file, &bytes).unwrap();
        assert_eq!(open(folder.path(), Some(cache.path())), (expected.clone(), true));
        assert_eq!(open(folder.path(), Some(cache.path())), (expected, false));

        let (few, cache) = (self::folder(40), tempfile::tempdir().unwrap());
        assert!(open(few.path(), Some(cache.path())).1 && open(few.path(), Some(cache.path())).1);
        assert!(kept(cache.path()).is_empty());
        // A cache that is no folder is done without.
        let none = few.path().join("a/0.png/x");
        assert!(open(folder.path(), Some(&none)).1);
    }
}
