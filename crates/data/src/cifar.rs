//! CIFAR-10's and CIFAR-100's binary versions: <https://www.cs.toronto.edu/~kriz/cifar.html>. A batch holds records of a label, or of two, and
//! 32×32 pixels, as a plane each of red, green and blue.

use crate::builder::{Builder, Side};
use crate::dataset::Dataset;
use crate::error::DataError;
use crate::files::{Files, distinct};
use crate::open::{Options, Progress, read};
use crate::picture::Picture;
use crate::turns::{Turns, take_turn};

const SIDE: usize = 32;

/// How one of the two comes.
#[derive(Debug)]
struct Version {
    /// What a batch of it is called in messages.
    batch: &'static str,
    /// The beginning of the names of files to train on, which end with `.bin`, and one of these names.
    train: [&'static str; 2],
    /// The file to test on.
    test: &'static str,
    /// The file with a name of a class on each line.
    names: &'static str,
    /// Labels of a record, a byte each; the last is the class. CIFAR-100's first is one of 20 groups of classes.
    labels: usize,
    /// What to do where a label has no name.
    unnamed: &'static str,
}

static VERSIONS: [Version; 2] = [
    Version {
        batch: "a batch of CIFAR-10's binary version",
        train: ["data_batch_", "data_batch_1.bin"],
        test: "test_batch.bin",
        names: "batches.meta.txt",
        labels: 1,
        unnamed: "the classes are those that batches.meta.txt names: take both from the same dataset",
    },
    Version {
        batch: "a file of CIFAR-100's binary version",
        train: ["train.bin", "train.bin"],
        test: "test.bin",
        names: "fine_label_names.txt",
        labels: 2,
        unnamed: "the classes are those that fine_label_names.txt names: take both from the same dataset",
    },
];

impl Version {
    fn is_train(&self, name: &str) -> bool {
        name.starts_with(self.train[0]) && name.ends_with(".bin")
    }

    /// Bytes of a record.
    fn record(&self) -> usize {
        self.labels + 3 * SIDE * SIDE
    }

    /// Whether this is the name of one of the files.
    fn is_part(&self, name: &str) -> bool {
        self.is_train(name) || name == self.test || name == self.names
    }
}

/// The folder of a file, with a `/` at its end where it is not the outermost, and the file's name.
fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |slash| slash + 1))
}

/// The files of one dataset.
#[derive(Debug)]
pub struct Paths {
    version: &'static Version,
    train: Vec<String>,
    test: String,
    names: Option<String>,
}

impl Paths {
    /// Whether this is one of the files.
    pub fn contains(&self, path: &str) -> bool {
        self.train.iter().chain([&self.test]).chain(&self.names).any(|own| own == path)
    }
}

/// The batches among `paths`, if there are any.
pub fn find(paths: &[String]) -> Result<Option<Paths>, DataError> {
    let (mut found, mut several) = (None, Vec::new());
    for version in &VERSIONS {
        let own: Vec<&str> = paths.iter().map(|path| &**path).filter(|path| version.is_part(split(path).1)).collect();
        for folder in distinct(own.iter().map(|path| split(path).0)) {
            let files: Vec<&str> = own.iter().copied().filter(|path| split(path).0 == folder).collect();
            // `test.bin` alone says nothing.
            if files.len() > 1 || split(files[0]).1.starts_with("data_batch_") {
                several.push(format!("{folder}{}", version.train[1]));
                found = Some((version, folder, files));
            }
        }
    }
    if several.len() > 1 {
        return Err(DataError::Several { found: several });
    }
    let Some((version, folder, files)) = found else { return Ok(None) };
    let beside = |name: &str| files.iter().find(|path| split(path).1 == name).map(|path| path.to_string());
    let train: Vec<String> =
        files.iter().filter(|path| version.is_train(split(path).1)).map(|path| path.to_string()).collect();
    match beside(version.test) {
        Some(test) if !train.is_empty() => Ok(Some(Paths { version, train, test, names: beside(version.names) })),
        test => {
            let missing = if test.is_some() { version.train[1] } else { version.test };
            Err(DataError::Missing { path: format!("{folder}{missing}") })
        }
    }
}

/// Reads the batches.
pub async fn open<'a>(
    files: &dyn Files,
    paths: &'a Paths,
    options: &Options,
    progress: Progress<'_>,
    turns: Turns<'_>,
) -> Result<Dataset, DataError> {
    let batch = |path: &'a String| Batch::read(files, path, paths.version);
    let train = paths.train.iter().map(batch).collect::<Result<Vec<_>, DataError>>()?;
    let test = batch(&paths.test)?;
    let classes = match &paths.names {
        Some(path) => read_names(&read(files, path)?),
        None => {
            let last = train.iter().flat_map(Batch::labels).max().unwrap_or(0);
            (0..=last).map(|class| class.to_string()).collect()
        }
    };
    if classes.len() < 2 {
        let path = paths.names.as_ref().unwrap_or(&paths.train[0]).clone();
        return Err(DataError::OneLabel {
            path,
            class: classes.into_iter().next().unwrap_or_else(|| "unnamed".into()),
        });
    }
    for batch in train.iter().chain([&test]) {
        batch.check_labels(classes.len(), paths.names.is_some())?;
    }
    let counts = [train.iter().map(Batch::len).sum(), test.len()];
    let mut builder = Builder::new(options, counts, progress);
    for (side, batch) in train.iter().map(|batch| (Side::Train, batch)).chain([(Side::Test, &test)]) {
        for (record, label) in batch.bytes.chunks_exact(paths.version.record()).zip(batch.labels()) {
            let picture = Picture::from_planes(3, SIDE, SIDE, record[paths.version.labels..].to_vec());
            builder.push(side, picture, label.into())?;
            take_turn(turns).await;
        }
    }
    builder.finish(classes)
}

/// One file of records, at least one.
struct Batch<'a> {
    path: &'a str,
    bytes: Vec<u8>,
    version: &'static Version,
}

impl<'a> Batch<'a> {
    fn read(files: &dyn Files, path: &'a str, version: &'static Version) -> Result<Self, DataError> {
        let bytes = read(files, path)?;
        let record = version.record();
        if bytes.is_empty() || bytes.len() % record != 0 {
            let found = format!("it holds {} bytes, not a multiple of {record}", bytes.len());
            return Err(DataError::Malformed { path: path.into(), expected: version.batch, found });
        }
        Ok(Self { path, bytes, version })
    }

    fn len(&self) -> usize {
        self.bytes.len() / self.version.record()
    }

    fn labels(&self) -> impl Iterator<Item = u8> {
        self.bytes.chunks_exact(self.version.record()).map(|record| record[self.version.labels - 1])
    }

    fn check_labels(&self, classes: usize, named: bool) -> Result<(), DataError> {
        let outside = self.labels().enumerate().find(|(_, label)| usize::from(*label) >= classes);
        let Some((index, label)) = outside else { return Ok(()) };
        let hint = if named {
            self.version.unnamed
        } else {
            "the classes are those of the training batches: take all from the same dataset"
        };
        Err(DataError::Label { path: self.path.into(), index, label: label.into(), classes, hint })
    }
}

/// One name a line.
fn read_names(file: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(file);
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_string).collect()
}
