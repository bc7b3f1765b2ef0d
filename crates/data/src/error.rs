//! What can be wrong with data.

use std::fmt;
use std::io;

use crate::picture::{MAX_DECODED_BYTES, MAX_SIDE};

/// What is wrong with data that was given. Paths are relative to the folder that was opened.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Nothing in the folder is a dataset.
    #[error(
        "no dataset found among {files} file{}{}; {advice}", if *files == 1 { "" } else { "s" },
        example.as_ref().map_or(String::new(), |path| format!(" such as {path}"))
    )]
    NothingFound {
        /// How many files there are.
        files: usize,
        /// One of them.
        example: Option<String>,
        /// What to do.
        advice: String,
    },
    /// Several folders, or several families of files in one, each hold a dataset.
    #[error("found {} datasets ({}); give a folder that holds one of them", found.len(), found.join(", "))]
    Several {
        /// Where they are.
        found: Vec<String>,
    },
    /// A file that belongs to the others is not there.
    #[error("{path} is missing, though other files of that dataset are there; add it")]
    Missing {
        /// The file.
        path: String,
    },
    /// A file can't be read.
    #[error("can't read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A zip archive can't be used, as a whole or for one of its files.
    #[error("{found}; {advice}")]
    Archive {
        /// What is wrong with what.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// Bytes that are no dataset as [`Dataset::encode`](crate::Dataset::encode) stores it.
    #[error("the stored dataset can't be used: {found}; open the pictures anew")]
    Stored {
        /// What is wrong.
        found: String,
    },
    /// A file is not what its name says.
    #[error("{path} is not {expected}: {found}; fetch it again, or give another folder")]
    Malformed {
        /// The file.
        path: String,
        /// What it should be.
        expected: &'static str,
        /// What it is instead.
        found: String,
    },
    /// A file is shorter or longer than it says.
    #[error("{path} should hold {expected} bytes by its header but holds {found}; fetch it again")]
    Length {
        /// The file.
        path: String,
        /// Bytes that its header announces, header included.
        expected: u64,
        /// Bytes that are there; only one more than `expected` are counted.
        found: Found,
    },
    /// As many labels as pictures are needed.
    #[error("{images} holds {pictures} pictures but {labels} holds {count} labels; take both from the same dataset")]
    Count {
        /// The file of pictures.
        images: String,
        /// How many it holds.
        pictures: usize,
        /// The file of labels.
        labels: String,
        /// How many it holds.
        count: usize,
    },
    /// A label without a class.
    #[error("sample {index} of {path} has label {label}, but the classes are 0 to {}; {hint}", classes - 1)]
    Label {
        /// The file of labels.
        path: String,
        /// Which sample.
        index: usize,
        /// Its label.
        label: u32,
        /// How many classes there are.
        classes: usize,
        /// Where the number of classes comes from, and so what to do.
        hint: &'static str,
    },
    /// Telling apart takes two classes.
    #[error("only one class found, {class}; telling pictures apart takes at least two, each in a folder of its own")]
    OneClass {
        /// The class.
        class: String,
    },
    /// A dataset whose labels tell nothing apart.
    #[error("{path} has only one class, {class}; telling pictures apart takes at least two: give another dataset")]
    OneLabel {
        /// The file of labels, or of their names.
        path: String,
        /// The class.
        class: String,
    },
    /// A class folder without pictures.
    #[error("class folder {folder} holds no pictures; put some in, or remove it")]
    EmptyClass {
        /// The folder.
        folder: String,
    },
    /// Nothing to train on, or nothing to test on.
    #[error("there are no pictures {purpose}; add some")]
    Empty {
        /// "to train on" or "to test on", and where they were looked for.
        purpose: String,
    },
    /// Files that look like data, and are no part of the dataset that was found: all of them.
    #[error("{}; {advice}", list(files))]
    Unused {
        /// Which, and what they are.
        files: Vec<Unreadable>,
        /// What to do.
        advice: String,
    },
    /// More than one folder to train on, or to test on.
    #[error("there are {}, of which only one can be used; move the others out of the dataset", found.join(" and "))]
    Rivals {
        /// The folders.
        found: Vec<String>,
    },
    /// Pictures that can't be decoded: all of them.
    #[error("{}; repair, convert or remove {}", list(files), if files.len() == 1 { "it" } else { "them" })]
    Unreadable {
        /// Which, and why.
        files: Vec<Unreadable>,
    },
    /// A picture beyond the limits.
    #[error("{path} is too large: at most {MAX_SIDE} pixels a side and {} MiB decoded are allowed; scale it down", MAX_DECODED_BYTES >> 20)]
    PictureTooLarge {
        /// The picture.
        path: String,
    },
    /// Bytes that are no picture.
    #[error("{path} can't be decoded: {reason}")]
    Picture {
        /// The picture.
        path: String,
        /// Why.
        reason: String,
    },
    /// The set would not fit into memory.
    #[error(
        "{samples} pictures of {channels}×{height}×{width} take {bytes} bytes, more than {limit} allowed; {} of them fit: use fewer, or a smaller size",
        limit / (bytes / (*samples as u64).max(1)).max(1)
    )]
    TooLarge {
        /// How many pictures.
        samples: usize,
        /// Channels of each.
        channels: usize,
        /// Rows of each.
        height: usize,
        /// Columns of each.
        width: usize,
        /// Bytes that they would take.
        bytes: u64,
        /// Bytes that they may take.
        limit: u64,
    },
    /// Decoded pictures find no room.
    #[error("the decoded pictures can't be kept: {source}; make room, use fewer, or a smaller size")]
    Keep {
        /// Why.
        source: io::Error,
    },
    /// An option outside its range.
    #[error("{option} is {found}, but must be {allowed}")]
    Option {
        /// Which.
        option: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        allowed: String,
    },
}

/// How many bytes a file holds, as far as was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// This many.
    Exactly(u64),
    /// More than were announced.
    More,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(bytes) => write!(f, "{bytes}"),
            Self::More => write!(f, "more"),
        }
    }
}

/// A file that can't be used, or would not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The file.
    pub path: String,
    /// What is wrong, in one line that begins with the path.
    pub reason: String,
}

/// The first few reasons, and how many more there are.
fn list(files: &[Unreadable]) -> String {
    const SHOWN: usize = 5;
    let mut reasons: Vec<String> = files.iter().take(SHOWN).map(|file| file.reason.clone()).collect();
    if files.len() > SHOWN {
        reasons.push(format!("and {} more", files.len() - SHOWN));
    }
    reasons.join("; ")
}
