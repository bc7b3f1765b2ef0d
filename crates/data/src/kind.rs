//! What a file is by its name, and what is said of files that look like data and would not be read.

use crate::error::{DataError, Unreadable};

/// What looks like data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A picture, of whatever format.
    Picture,
    /// Files packed into one, however.
    Archive,
    /// A file of the MNIST family.
    Idx,
    /// Pictures or labels as CIFAR comes, in whatever version.
    Cifar,
}

const PICTURES: [&str; 12] =
    ["png", "jpg", "jpeg", "jfif", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif"];

/// One compressed file, such as `notes.csv.gz`, is none of these.
const ARCHIVES: [&str; 8] = ["zip", "tar", "tgz", "tbz2", "txz", "tzst", "7z", "rar"];

impl Kind {
    /// The kind of a file that is data, as far as its name says.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let (stem, end) = name.rsplit_once('.').unwrap_or((&name, ""));
        if PICTURES.contains(&end) {
            Some(Self::Picture)
        } else if ARCHIVES.contains(&end) || stem.ends_with(".tar") {
            Some(Self::Archive)
        } else if ["-ubyte", "-ubyte.gz"].iter().any(|end| name.ends_with(end)) {
            Some(Self::Idx)
        } else if name.starts_with("data_batch_") || stem == "test_batch" || ["train.bin", "test.bin"].contains(&&*name)
        {
            Some(Self::Cifar)
        } else {
            None
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Picture => "a picture",
            Self::Archive => "an archive",
            Self::Idx => "an IDX file",
            Self::Cifar => "a file of CIFAR",
        }
    }
}

/// Whether a file's name is that of an archive: zip, which is read, or tar, 7z and others, which have to be unpacked.
pub fn is_archive(path: &str) -> bool {
    Kind::of(path) == Some(Kind::Archive)
}

/// Refuses files that look like data and are none of those that are used: nothing is passed over unseen. `place` says where they are, such as
/// "outside the class folders"; `into` where else pictures could be, if anywhere.
pub fn refuse_unused(
    paths: &[String],
    used: &dyn Fn(&str) -> bool,
    place: &str,
    into: Option<&str>,
) -> Result<(), DataError> {
    let files = paths.iter().filter(|path| !path.ends_with('/') && !used(path));
    let unused: Vec<(Kind, &String)> = files.filter_map(|path| Some((Kind::of(path)?, path))).collect();
    let packed = unused.iter().any(|(kind, _)| *kind == Kind::Archive);
    let into = into.filter(|_| unused.iter().all(|(kind, _)| matches!(kind, Kind::Picture | Kind::Archive)));
    let them = if unused.len() == 1 { "it" } else { "them" };
    let advice = match into {
        Some(into) => {
            format!("move {them} into {into}{}, or out of the dataset", if packed { ", unpacked" } else { "" })
        }
        None => format!("move {them} out of the dataset, or give a folder that holds only what you want"),
    };
    let name = |(kind, path): (Kind, &String)| Unreadable {
        path: path.clone(),
        reason: format!("{path} is {} {place}", kind.name()),
    };
    match unused.is_empty() {
        true => Ok(()),
        false => Err(DataError::Unused { files: unused.into_iter().map(name).collect(), advice }),
    }
}

/// The error where none of these files is a dataset, with what to do about it.
pub fn nothing_found(files: &[&str]) -> DataError {
    let archives: Vec<&str> = files.iter().copied().filter(|path| is_archive(path)).collect();
    let is_zip = |path: &&str| path.to_ascii_lowercase().ends_with(".zip");
    let cifar = |path: &&&str| Kind::of(path) == Some(Kind::Cifar) && !path.ends_with(".bin");
    let other = archives.iter().find(|path| !is_zip(path));
    let advice = if let Some(path) = files.iter().find(cifar) {
        format!("{path} is of CIFAR's version for Python or Matlab, which is not read: fetch the binary version")
    } else if let Some(path) = other {
        format!("unpack {path} and give the folder that it holds: of archives only zip files are read, one at a time")
    } else if let [only] = archives[..] {
        format!("give {only} itself, or unpack it and give the folder that it holds")
    } else if let Some(first) = archives.first() {
        format!(
            "archives are opened one at a time: give {first} itself, or unpack them and give the folder that has it all"
        )
    } else {
        "give a folder of class folders of pictures (cats/1.jpg, dogs/2.png), the four IDX files of the MNIST family, \
         or CIFAR-10's or CIFAR-100's binary version"
            .into()
    };
    DataError::NothingFound { files: files.len(), example: files.first().map(|path| path.to_string()), advice }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_looks_like_data() {
        let kinds = [
            (Some(Kind::Picture), &["a/1.PNG", "x.jpeg", "scan.tif"][..]),
            (
                Some(Kind::Archive),
                &["mac.zip", "a/b.ZIP", "cifar-10-binary.tar.gz", "x.tar.zst", "x.tgz", "x.7z", "x.rar"],
            ),
            (Some(Kind::Idx), &["a/train-images-idx3-ubyte", "labels.idx1-ubyte.gz"]),
            (Some(Kind::Cifar), &["data_batch_1.bin", "x/data_batch_1", "test_batch.bin", "test_batch", "train.bin"]),
            (None, &["README", "notes.csv.gz", "labels.json", "a.zip/x.txt", "batches.meta.txt", "model.bin", ""]),
        ];
        for (kind, paths) in kinds {
            paths.iter().for_each(|path| assert_eq!(Kind::of(path), kind, "{path}"));
        }
    }
}
