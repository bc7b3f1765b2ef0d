//! IDX files, in which MNIST and its family come: <http://yann.lecun.com/exdb/mnist>, "the IDX file format".

use std::io::{ErrorKind, Read};

use flate2::read::MultiGzDecoder;

use crate::builder::{Builder, Side};
use crate::dataset::Dataset;
use crate::error::{DataError, Found};
use crate::files::{Files, distinct};
use crate::open::{Options, Progress, read};
use crate::picture::{MAX_SIDE, Picture};
use crate::turns::{Turns, take_turn};

/// The files of one dataset.
#[derive(Debug)]
pub struct Paths {
    train: Pair,
    test: Pair,
}

#[derive(Debug)]
struct Pair {
    images: String,
    labels: String,
}

/// What a file's name says: `emnist-digits-train-images-idx3-ubyte.gz` has the family `emnist-digits-`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Name<'a> {
    folder: &'a str,
    family: &'a str,
    side: Side,
    images: bool,
}

impl<'a> Name<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let split = path.rfind('/').map_or(0, |slash| slash + 1);
        let (folder, name) = path.split_at(split);
        let name = name.strip_suffix(".gz").unwrap_or(name);
        let (rest, images) = ["-idx3-ubyte", ".idx3-ubyte"]
            .iter()
            .find_map(|end| Some((name.strip_suffix(end)?.strip_suffix("-images")?, true)))
            .or_else(|| {
                let ends = ["-idx1-ubyte", ".idx1-ubyte"];
                ends.iter().find_map(|end| Some((name.strip_suffix(end)?.strip_suffix("-labels")?, false)))
            })?;
        let sides = [("train", Side::Train), ("t10k", Side::Test), ("test", Side::Test)];
        let (family, side) = sides.iter().find_map(|(word, side)| Some((rest.strip_suffix(word)?, *side)))?;
        Some(Self { folder, family, side, images })
    }
}

/// Whether a file's name says that it is one of the four, packed or not.
pub fn is_part(path: &str) -> bool {
    Name::parse(path).is_some()
}

/// The IDX files among `paths`, if there are any.
pub fn find(paths: &[String]) -> Result<Option<Paths>, DataError> {
    let named: Vec<(Name, &String)> = paths.iter().filter_map(|path| Some((Name::parse(path)?, path))).collect();
    let found = distinct(named.iter().map(|(name, _)| format!("{}{}", name.folder, name.family)));
    if found.len() > 1 {
        return Err(DataError::Several { found: found.iter().map(|prefix| format!("{prefix}*")).collect() });
    }
    let Some(prefix) = found.first() else { return Ok(None) };
    // A file that is there both packed and unpacked is taken unpacked, which sorts first.
    let pick = |side, images, missing: &str| {
        let path = named.iter().find(|(name, _)| name.side == side && name.images == images);
        path.map(|(_, path)| path.to_string()).ok_or_else(|| DataError::Missing { path: format!("{prefix}{missing}") })
    };
    let train = Pair {
        images: pick(Side::Train, true, "train-images-idx3-ubyte")?,
        labels: pick(Side::Train, false, "train-labels-idx1-ubyte")?,
    };
    let test = Pair {
        images: pick(Side::Test, true, "t10k-images-idx3-ubyte")?,
        labels: pick(Side::Test, false, "t10k-labels-idx1-ubyte")?,
    };
    Ok(Some(Paths { train, test }))
}

/// Reads the four files.
pub async fn open(
    files: &dyn Files,
    paths: &Paths,
    options: &Options,
    progress: Progress<'_>,
    turns: Turns<'_>,
) -> Result<Dataset, DataError> {
    let train = read_pair(files, &paths.train, options)?;
    let test = read_pair(files, &paths.test, options)?;
    let classes = train.1.iter().max().map_or(0, |&last| usize::from(last) + 1);
    if classes < 2 {
        return Err(DataError::OneLabel { path: paths.train.labels.clone(), class: "0".into() });
    }
    if let Some(index) = test.1.iter().position(|&label| usize::from(label) >= classes) {
        let (path, label) = (paths.test.labels.clone(), test.1[index].into());
        let hint = "the classes are those of the training labels: take both from the same dataset";
        return Err(DataError::Label { path, index, label, classes, hint });
    }
    let mut builder = Builder::new(options, [train.1.len(), test.1.len()], progress);
    for (side, (images, labels)) in [(Side::Train, train), (Side::Test, test)] {
        let pixels = images.height * images.width;
        for (bytes, &label) in images.bytes.chunks_exact(pixels).zip(&labels) {
            let picture = Picture::from_planes(1, images.height, images.width, bytes.to_vec());
            builder.push(side, picture, label.into())?;
            take_turn(turns).await;
        }
    }
    builder.finish((0..classes).map(|class| class.to_string()).collect())
}

struct Images {
    height: usize,
    width: usize,
    bytes: Vec<u8>,
}

fn read_pair(files: &dyn Files, pair: &Pair, options: &Options) -> Result<(Images, Vec<u8>), DataError> {
    let (dims, bytes) = parse::<3>(&read(files, &pair.images)?, &pair.images, options.max_bytes)?;
    let ([pictures], labels) = parse::<1>(&read(files, &pair.labels)?, &pair.labels, options.max_bytes)?;
    let [count, height, width] = dims;
    if bytes.is_empty() || [height, width].iter().any(|&side| side > MAX_SIDE as usize) {
        let found = format!("its header says {count} pictures of {height}×{width}");
        return Err(malformed::<3>(&pair.images, found));
    }
    if count != pictures {
        let (images, labels) = (pair.images.clone(), pair.labels.clone());
        return Err(DataError::Count { images, pictures: count, labels, count: pictures });
    }
    Ok((Images { height, width, bytes }, labels))
}

/// The lengths and the bytes of an IDX file of unsigned bytes with `D` dimensions, packed by gzip or not.
///
/// Reads no more than the header announces, and that only up to `limit` bytes.
fn parse<const D: usize>(file: &[u8], path: &str, limit: u64) -> Result<([usize; D], Vec<u8>), DataError> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    let mut reader: Box<dyn Read> =
        if file.starts_with(&GZIP) { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let header_bytes = 4 + 4 * D as u64;
    let header = take(&mut reader, header_bytes, path)?;
    let magic = [0, 0, 8, D as u8];
    if !header.starts_with(&magic) {
        let start = &header[..header.len().min(4)];
        return Err(malformed::<D>(path, format!("it begins with {start:02x?} instead of {magic:02x?}")));
    }
    if (header.len() as u64) < header_bytes {
        return Err(length(path, header_bytes, Found::Exactly(header.len() as u64)));
    }
    let dims: [u32; D] = std::array::from_fn(|i| {
        let at = 4 + 4 * i;
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    });
    let size = dims.iter().try_fold(1u64, |product, &dim| product.checked_mul(dim.into()));
    let size = size.filter(|&size| size <= limit).ok_or_else(|| {
        let dims = dims.map(|dim| dim.to_string()).join("×");
        malformed::<D>(path, format!("its header says {dims} bytes, more than the {limit} allowed"))
    })?;
    let bytes = take(&mut reader, size, path)?;
    let expected = header_bytes + size;
    if (bytes.len() as u64) < size {
        return Err(length(path, expected, Found::Exactly(header_bytes + bytes.len() as u64)));
    }
    // Reading on, even if nothing follows, has gzip's checksum compared.
    match reader.read(&mut [0]) {
        Ok(0) => Ok((dims.map(|dim| dim as usize), bytes)),
        Ok(_) => Err(length(path, expected, Found::More)),
        Err(error) => Err(damaged(path, &error)),
    }
}

/// Up to `count` bytes; fewer where the file ends, even if it ends amid gzip's data.
fn take(reader: &mut dyn Read, count: u64, path: &str) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    match reader.take(count).read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(damaged(path, &error)),
        _ => Ok(bytes),
    }
}

fn damaged(path: &str, error: &std::io::Error) -> DataError {
    let found = format!("its gzip data is damaged or cut short ({error})");
    DataError::Malformed { path: path.into(), expected: "a whole gzip file", found }
}

fn length(path: &str, expected: u64, found: Found) -> DataError {
    DataError::Length { path: path.into(), expected, found }
}

fn malformed<const D: usize>(path: &str, found: String) -> DataError {
    let expected = if D == 3 { "an IDX file of pictures" } else { "an IDX file of labels" };
    DataError::Malformed { path: path.into(), expected, found }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_the_family_are_known() {
        for name in ["a/train-images-idx3-ubyte", "a/train-images.idx3-ubyte", "a/train-images-idx3-ubyte.gz"] {
            let parsed = Name::parse(name).map(|name| (name.folder, name.family, name.side, name.images));
            assert_eq!(parsed, Some(("a/", "", Side::Train, true)), "{name}");
        }
        let emnist =
            Name::parse("emnist-letters-test-labels-idx1-ubyte").map(|name| (name.family, name.side, name.images));
        assert_eq!(emnist, Some(("emnist-letters-", Side::Test, false)));
        for name in ["train-images", "train-images-idx1-ubyte", "labels-idx1-ubyte", "train-images-idx3-ubyte.png"] {
            assert!(Name::parse(name).is_none(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), dims in any::<[u8; 2]>()) {
            let _ = parse::<3>(&bytes, "x", 1 << 20);
            let mut file = vec![0, 0, 8, 3, 0, 0, 0, dims[0] % 4, 0, 0, dims[1] % 2, 2, 0, 0, 0, 2];
            file.extend(&bytes);
            let _ = parse::<3>(&file, "x", 1 << 20);
            let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0];
            gzip.extend(&bytes);
            let _ = parse::<3>(&gzip, "x", 1 << 20);
        }
    }
}
