//! A dataset as one run of bytes, for a browser to keep: decoded pictures open again at once.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `CONVOKED` |
//! | 4 | how long the header is, little-endian |
//! | … | the header, JSON: version, sizes, names of the classes |
//! | … | the pixels to train on, then those to test on |
//! | 4 each | the labels to train on, then those to test on, little-endian |
//! | 4 | CRC-32 of all that precedes, little-endian |

use std::fmt::Display;
use std::io::{self, Write};
use std::ops::Range;

use flate2::Crc;
use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, Samples};
use crate::error::DataError;
use crate::picture::MAX_SIDE;
use crate::pixels::{Pixels, SharedBytes};

const MAGIC: [u8; 8] = *b"CONVOKED";

/// Changes whenever bytes of before would be misread.
const VERSION: u32 = 1;

/// Bytes that are written at a time.
const PIECE: usize = 1 << 20;

/// Bytes of the checksum.
const CHECKSUM: usize = 4;

/// What every version's header holds.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    channels: usize,
    height: usize,
    width: usize,
    /// Samples to train on.
    train: usize,
    /// Samples to test on.
    test: usize,
    classes: Vec<String>,
}

impl Header {
    /// Bytes of the pixels and the labels of each half, if they can be counted and the sizes are ones that a dataset has.
    fn sizes(&self) -> Option<[u64; 4]> {
        let sides = 1..=MAX_SIDE as usize;
        let sound = matches!(self.channels, 1 | 3)
            && sides.contains(&self.height)
            && sides.contains(&self.width)
            && self.train > 0
            && self.test > 0
            && self.classes.len() >= 2;
        let sample = (self.channels as u64).checked_mul(self.height as u64)?.checked_mul(self.width as u64)?;
        let [train, test] = [self.train as u64, self.test as u64];
        let sizes =
            [train.checked_mul(sample)?, test.checked_mul(sample)?, train.checked_mul(4)?, test.checked_mul(4)?];
        sound.then_some(sizes)
    }
}

impl Dataset {
    /// The dataset as bytes, from which [`decode`](Self::decode) makes it again. They are about as many as those of its pixels,
    /// and meant for the program that wrote them: another version may refuse them.
    ///
    /// # Panics
    /// Where the names of the classes take 4 GiB.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_to(&mut bytes).expect("a vector takes all");
        bytes
    }

    /// Writes what [`encode`](Self::encode) gives, piece by piece.
    ///
    /// # Errors
    /// The writer's.
    ///
    /// # Panics
    /// Where the names of the classes take 4 GiB.
    pub fn encode_to(&self, writer: &mut dyn Write) -> io::Result<()> {
        let header = Header {
            version: VERSION,
            channels: self.channels,
            height: self.height,
            width: self.width,
            train: self.train.len(),
            test: self.test.len(),
            classes: self.classes.clone(),
        };
        let header = serde_json::to_vec(&header).expect("numbers and names are JSON");
        let header_length = u32::try_from(header.len()).expect("names of classes take less than 4 GiB");
        let halves = [&self.train, &self.test];
        let mut crc = Crc::new();
        let mut put = |bytes: &[u8]| {
            crc.update(bytes);
            writer.write_all(bytes)
        };
        put(&MAGIC)?;
        put(&header_length.to_le_bytes())?;
        put(&header)?;
        for half in halves {
            half.pixels.chunks(PIECE).try_for_each(&mut put)?;
        }
        for half in halves {
            put(&half.labels.iter().flat_map(|label| label.to_le_bytes()).collect::<Vec<u8>>())?;
        }
        writer.write_all(&crc.sum().to_le_bytes())
    }

    /// The dataset that [`encode`](Self::encode) made the bytes from.
    ///
    /// # Errors
    /// [`DataError::Stored`] where they are other than that in any bit, cut short, or of another version. No more memory is
    /// taken than there are bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DataError> {
        Self::decode_by(bytes, &mut |range| copy(&bytes[range]).map(Pixels::from))
    }

    /// As [`decode`](Self::decode), from bytes that stay where they are: pixels are read from there whenever they are needed.
    ///
    /// # Errors
    /// Those of [`decode`](Self::decode).
    pub fn decode_shared(bytes: &SharedBytes) -> Result<Self, DataError> {
        Self::decode_by((**bytes).as_ref(), &mut |range| Ok(Pixels::within(bytes.clone(), range)))
    }

    /// `hold` makes pixels of a range of the bytes.
    fn decode_by(
        bytes: &[u8],
        hold: &mut dyn FnMut(Range<usize>) -> Result<Pixels, DataError>,
    ) -> Result<Self, DataError> {
        let (header, rest) = split_header(bytes)?;
        let sizes = header.sizes().ok_or_else(|| refused("its header says sizes that no dataset has"))?;
        let expected = sizes.iter().try_fold(CHECKSUM as u64, |sum, &size| sum.checked_add(size));
        if expected != Some(rest.len() as u64) {
            let expected = expected.map_or("too many".into(), |bytes| bytes.to_string());
            return Err(refused(format!("its header says {expected} bytes, and {} follow", rest.len())));
        }
        let (data, sum) = bytes.split_at(bytes.len() - CHECKSUM);
        if checksum(data) != sum {
            return Err(refused("its checksum is wrong, so it is damaged"));
        }
        let mut end = bytes.len() - rest.len();
        // Each size is below the length of the bytes, which is a usize.
        let [train_pixels, test_pixels, train_labels, test_labels] = sizes.map(|size| {
            let start = end;
            end += size as usize;
            start..end
        });
        let mut half =
            |pixels, labels| Ok(Samples { pixels: hold(pixels)?, labels: read_labels(&bytes[labels], &header)? });
        Ok(Self {
            train: half(train_pixels, train_labels)?,
            test: half(test_pixels, test_labels)?,
            classes: header.classes,
            channels: header.channels,
            height: header.height,
            width: header.width,
        })
    }
}

/// The header, and the bytes after it.
fn split_header(bytes: &[u8]) -> Result<(Header, &[u8]), DataError> {
    let cut = || refused(format!("it ends early, after {} bytes", bytes.len()));
    let rest = match bytes.strip_prefix(&MAGIC) {
        Some(rest) => rest,
        None if MAGIC.starts_with(bytes) => return Err(cut()),
        None => return Err(refused("it is something else")),
    };
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut())?;
    let (header, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
    let damaged = |error: &dyn Display| refused(format!("its header is damaged ({error})"));
    let header = str::from_utf8(header).map_err(|error| damaged(&error))?;
    let version = serde_json::from_str::<Versioned>(header).map_err(|error| damaged(&error))?.version;
    if version != VERSION {
        return Err(refused(format!("it has version {version}, and this program knows {VERSION}")));
    }
    Ok((serde_json::from_str(header).map_err(|error| damaged(&error))?, rest))
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>, DataError> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| no_room(bytes.len()))?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

fn read_labels(bytes: &[u8], header: &Header) -> Result<Vec<u32>, DataError> {
    let (words, _) = bytes.as_chunks::<4>();
    let mut labels = Vec::new();
    labels.try_reserve_exact(words.len()).map_err(|_| no_room(bytes.len()))?;
    labels.extend(words.iter().map(|word| u32::from_le_bytes(*word)));
    match labels.iter().find(|&&label| label as usize >= header.classes.len()) {
        Some(label) => Err(refused(format!("it holds label {label} of {} classes", header.classes.len()))),
        None => Ok(labels),
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

fn no_room(bytes: usize) -> DataError {
    refused(format!("there is no memory for its {bytes} bytes"))
}

fn refused(found: impl Into<String>) -> DataError {
    DataError::Stored { found: found.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dataset() -> Dataset {
        Dataset {
            train: Samples { pixels: (0..36).collect(), labels: vec![1, 0, 1] },
            test: Samples { pixels: (100..112).collect(), labels: vec![0] },
            classes: vec!["cat \"tom\"".into(), "狗".into()],
            channels: 3,
            height: 1,
            width: 4,
        }
    }

    fn message(bytes: &[u8]) -> String {
        Dataset::decode(bytes).unwrap_err().to_string()
    }

    /// What `dataset` would be stored as if its header were another.
    fn with_header(change: fn(&mut Header)) -> Vec<u8> {
        let bytes = dataset().encode();
        let (mut header, rest) = split_header(&bytes).unwrap();
        change(&mut header);
        let header = serde_json::to_vec(&header).unwrap();
        let data = &rest[..rest.len() - CHECKSUM];
        let mut bytes = [&MAGIC[..], &(header.len() as u32).to_le_bytes(), &header, data].concat();
        bytes.extend(checksum(&bytes));
        bytes
    }

    #[test]
    fn what_was_stored_comes_back() {
        let dataset = dataset();
        assert_eq!(Dataset::decode(&dataset.encode()).unwrap(), dataset);
        assert_eq!(Dataset::decode(&with_header(|_| {})).unwrap(), dataset);
    }

    #[test]
    fn whatever_is_cut_or_changed_is_refused() {
        let bytes = dataset().encode();
        for cut in 0..bytes.len() {
            let message = message(&bytes[..cut]);
            assert!(message.ends_with("; open the pictures anew") && !message.contains('\n'), "{cut}: {message}");
        }
        assert!(Dataset::decode(&[&bytes[..], &[0]].concat()).is_err());
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Dataset::decode(&changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let says = |bytes: &[u8], part: &str| {
            let message = message(bytes);
            assert!(message.contains(part), "{message}");
        };
        let bytes = dataset().encode();
        says(&bytes[..bytes.len() - 1], "its header says 68 bytes, and 67 follow");
        says(&bytes[..20], "it ends early, after 20 bytes");
        says(b"PK\x03\x04 and so on", "it is something else");
        says(&with_header(|header| header.version = 2), "it has version 2, and this program knows 1");
        let mut changed = bytes.clone();
        let last_label = bytes.len() - 8;
        changed[last_label] = 1;
        says(&changed, "its checksum is wrong");
    }

    #[test]
    fn lying_headers_are_refused_before_memory_is_taken() {
        let sizes: [fn(&mut Header); 8] = [
            |header| header.channels = 2,
            |header| header.height = 0,
            |header| header.width = 1 << 40,
            |header| (header.train, header.height) = (usize::MAX, 20_000),
            |header| header.train = usize::MAX,
            |header| header.test = 0,
            |header| header.classes.truncate(1),
            |header| header.classes.push("more".into()),
        ];
        let (sound, lies) = sizes.split_last().unwrap();
        lies.iter().for_each(|lie| assert!(message(&with_header(*lie)).contains("its header says")));
        assert_eq!(Dataset::decode(&with_header(*sound)).unwrap().classes.len(), 3);
    }

    #[test]
    fn labels_without_a_class_are_refused() {
        let mut wrong = dataset();
        wrong.test.labels[0] = 2;
        assert!(message(&wrong.encode()).contains("it holds label 2 of 2 classes"));
    }

    #[test]
    fn fields_that_contradict_one_another_are_refused() {
        let mut wrong = dataset();
        wrong.train.pixels.to_mut().pop();
        assert!(message(&wrong.encode()).contains("its header says 68 bytes, and 67 follow"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..100), length in 0u32..80) {
            prop_assert!(Dataset::decode(&tail).is_err());
            prop_assert!(Dataset::decode(&[&MAGIC[..], &length.to_le_bytes(), &tail].concat()).is_err());
        }
    }
}
