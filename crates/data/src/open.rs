//! Opening a dataset of whichever kind.

use crate::dataset::Dataset;
use crate::error::DataError;
use crate::files::{Files, distinct};
use crate::folder::{DecodeAll, DecodeOne, Shelves};
use crate::kind::refuse_unused;
use crate::picture::{MAX_SIDE, Picture};
use crate::turns::{Turns, at_once};
use crate::{cifar, folder, idx};

/// Is told how many pictures of how many are done.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

/// What a dataset should become.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Rows and columns that each picture is stretched to: the model's. Without it, those of the first picture to train
    /// on, so that pictures that are all of one size stay as they are.
    pub size: Option<[usize; 2]>,
    /// Channels that the model takes: with 1, colour becomes luma (ITU-R BT.601); with 3, or without it, a dataset that is grey
    /// throughout stays grey, and the engine repeats it.
    pub channels: Option<usize>,
    /// Decides which pictures are for testing where the dataset doesn't say.
    pub seed: u64,
    /// The share of each class's pictures that is for testing where the dataset doesn't say: above 0, below 1. Of a class of several
    /// pictures that is at least one, and not all.
    pub test_fraction: f64,
    /// The most bytes that the decoded dataset may take, and each of its files unpacked.
    pub max_bytes: u64,
}

impl Default for Options {
    /// As the dataset is; seed 0, a fifth of each class for testing, 4 GiB.
    fn default() -> Self {
        Self { size: None, channels: None, seed: 0, test_fraction: 0.2, max_bytes: 4 << 30 }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let wrong = |option, found, allowed: String| Err(DataError::Option { option, found, allowed });
        let sides = 1..=MAX_SIDE as usize;
        match (self.size, self.channels) {
            (Some([height, width]), _) if !sides.contains(&height) || !sides.contains(&width) => {
                wrong("picture size", format!("{height}×{width}"), format!("1 to {MAX_SIDE} a side"))
            }
            (_, Some(channels)) if !matches!(channels, 1 | 3) => {
                wrong("number of channels", channels.to_string(), "1 or 3 for a model of pictures".into())
            }
            _ if !(self.test_fraction > 0.0 && self.test_fraction < 1.0) => {
                wrong("test fraction", self.test_fraction.to_string(), "above 0 and below 1".into())
            }
            _ => Ok(()),
        }
    }

    /// Checks that so many pictures of `[channels, height, width]` may be held.
    pub(crate) fn check_bytes(&self, samples: usize, shape: [usize; 3]) -> Result<(), DataError> {
        let bytes = bytes(samples, shape);
        if bytes > self.max_bytes || usize::try_from(bytes).is_err() {
            return Err(self.too_large(samples, shape));
        }
        Ok(())
    }

    pub(crate) fn too_large(&self, samples: usize, shape: [usize; 3]) -> DataError {
        let [channels, height, width] = shape;
        DataError::TooLarge { samples, channels, height, width, bytes: bytes(samples, shape), limit: self.max_bytes }
    }
}

/// Bytes of so many pictures; the most there are where no number holds them.
fn bytes(samples: usize, shape: [usize; 3]) -> u64 {
    let factors = shape.iter().try_fold(samples as u64, |product, &factor| product.checked_mul(factor as u64));
    factors.unwrap_or(u64::MAX)
}

/// Opens the dataset that `files` holds, whichever it is:
///
/// - the four IDX files of the MNIST family (`train-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`, …), packed by gzip or not;
/// - CIFAR-10's binary batches (`data_batch_1.bin`, …, `test_batch.bin`, with the names from `batches.meta.txt`), or CIFAR-100's (`train.bin`,
///   `test.bin`, with the fine labels, and their names from `fine_label_names.txt`);
/// - a folder of class folders of PNG, JPEG and WebP pictures, inside `train` and one of `test`, `val` and `validation`
///   where these are there; otherwise a share of each class is for testing ([`Options::test_fraction`]): those that come first in an order
///   that each picture's path and the seed give it. When others join or leave, only pictures near the border change sides.
///
/// They may lie deeper in the folder. Hidden files are passed over, and others that don't look like data: texts, tables. `progress` is told how many pictures of how many are done.
///
/// # Errors
/// Whatever is wrong: see [`DataError`]. No picture is passed over because it can't be read, and nothing that looks like data because it
/// isn't part of the dataset that was found ([`DataError::Unused`]): [`LeavingOut`](crate::LeavingOut) does so where that is wanted.
pub fn open(
    files: &dyn Files,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Dataset, DataError> {
    at_once(open_in_turns(files, options, progress, &mut || None))
}

/// As [`open`], with a turn for others after each picture: for a program whose one thread has more to do. Dropping the future ends it.
///
/// # Errors
/// Those of [`open`].
pub async fn open_in_turns(
    files: &dyn Files,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
    turns: Turns<'_>,
) -> Result<Dataset, DataError> {
    let mut one_by_one = |paths: &[&str], decode: &DecodeOne| -> Vec<Result<Picture, DataError>> {
        paths.iter().map(|path| read(files, path).and_then(|bytes| decode(&bytes, path))).collect()
    };
    open_by(files, options, progress, (1, &mut one_by_one), &mut || Box::new(Vec::new()), turns).await
}

/// How many pictures of class folders [`open_with`] has decoded at a time.
const TOGETHER: usize = 256;

/// As [`open`], with pictures of class folders decoded by `decode_all`: on several threads, for one who has them. It need not look
/// at more files at a time than it is given. The decoded pixels are put onto `shelves`: for a dataset that is larger than memory.
///
/// # Errors
/// Those of [`open`].
///
/// # Panics
/// Where `decode_all` gives fewer pictures than it was given paths.
pub fn open_with(
    files: &dyn Files,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
    decode_all: DecodeAll,
    shelves: Shelves,
) -> Result<Dataset, DataError> {
    at_once(open_by(files, options, progress, (TOGETHER, decode_all), shelves, &mut || None))
}

/// Opens a dataset; pictures of class folders are decoded so many at a time.
async fn open_by(
    files: &dyn Files,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
    decode: (usize, DecodeAll<'_>),
    shelves: Shelves<'_>,
    turns: Turns<'_>,
) -> Result<Dataset, DataError> {
    options.check()?;
    let paths: Vec<String> = files.paths().into_iter().filter_map(visible).collect();
    let paths: Vec<String> = distinct(paths).into_iter().collect();
    if let Some(found) = idx::find(&paths)? {
        refuse_unused(&paths, &idx::is_part, "beside the IDX files", None)?;
        return idx::open(files, &found, options, progress, turns).await;
    }
    if let Some(found) = cifar::find(&paths)? {
        refuse_unused(&paths, &|path| found.contains(path), "beside CIFAR's batches", None)?;
        return cifar::open(files, &found, options, progress, turns).await;
    }
    folder::open(&paths, options, progress, decode, shelves, turns).await
}

/// The path, or the folder that remains of it where the rest is there for some program's sake, not its owner's.
fn visible(path: String) -> Option<String> {
    let hidden =
        |part: &str| part.starts_with('.') || matches!(part, "__MACOSX" | "@eaDir" | "Thumbs.db" | "desktop.ini");
    let mut end = 0;
    for part in path.split('/') {
        if hidden(part) {
            return (end > 0).then(|| path[..end].to_string());
        }
        end += part.len() + 1;
    }
    Some(path)
}

/// Reads a file.
pub(crate) fn read(files: &dyn Files, path: &str) -> Result<Vec<u8>, DataError> {
    files.read(path).map_err(|source| DataError::Read { path: path.into(), source })
}
