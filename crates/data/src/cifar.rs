//! CIFAR-10's binary version: <https://www.cs.toronto.edu/~kriz/cifar.html>. A batch holds records of a label and 32×32
//! pixels, as a plane each of red, green and blue.

use crate::builder::{Builder, Side};
use crate::dataset::Dataset;
use crate::error::DataError;
use crate::files::Files;
use crate::open::{Options, Progress, read};
use crate::picture::Picture;

const SIDE: usize = 32;
const RECORD: usize = 1 + 3 * SIDE * SIDE;

/// The files of one dataset.
#[derive(Debug)]
pub struct Paths {
    train: Vec<String>,
    test: String,
    names: Option<String>,
}

/// The batches among `paths`, if there are any.
pub fn find(paths: &[String]) -> Result<Option<Paths>, DataError> {
    let split = |path: &str| path.rfind('/').map_or(0, |slash| slash + 1);
    let is_batch = |name: &str| name.starts_with("data_batch_") && name.ends_with(".bin");
    let batches = || paths.iter().filter(|path| is_batch(&path[split(path)..]));
    let mut folders: Vec<String> = batches().map(|path| path[..split(path)].to_string()).collect();
    folders.dedup();
    if folders.len() > 1 {
        return Err(DataError::Several { found: folders });
    }
    let Some(folder) = folders.first() else { return Ok(None) };
    let beside = |name: &str| Some(format!("{folder}{name}")).filter(|path| paths.contains(path));
    let test =
        beside("test_batch.bin").ok_or_else(|| DataError::Missing { path: format!("{folder}test_batch.bin") })?;
    Ok(Some(Paths { train: batches().cloned().collect(), test, names: beside("batches.meta.txt") }))
}

/// Reads the batches.
pub fn open(files: &dyn Files, paths: &Paths, options: &Options, progress: Progress) -> Result<Dataset, DataError> {
    let train = paths.train.iter().map(|path| Batch::read(files, path)).collect::<Result<Vec<_>, DataError>>()?;
    let test = Batch::read(files, &paths.test)?;
    let classes = match &paths.names {
        Some(path) => read_names(&read(files, path)?),
        None => {
            let last = train.iter().flat_map(Batch::labels).max().unwrap_or(0);
            (0..=last).map(|class| class.to_string()).collect()
        }
    };
    if classes.len() < 2 {
        return Err(DataError::OneClass { class: classes.into_iter().next().unwrap_or_else(|| "unnamed".into()) });
    }
    for batch in train.iter().chain([&test]) {
        batch.check_labels(classes.len(), paths.names.is_some())?;
    }
    let counts = [train.iter().map(Batch::len).sum(), test.len()];
    let mut builder = Builder::new(options, counts, progress);
    for (side, batch) in train.iter().map(|batch| (Side::Train, batch)).chain([(Side::Test, &test)]) {
        for record in batch.bytes.chunks_exact(RECORD) {
            let picture = Picture::from_planes(3, SIDE, SIDE, record[1..].to_vec());
            builder.push(side, picture, record[0].into())?;
        }
    }
    builder.finish(classes)
}

/// One file of records, at least one.
struct Batch<'a> {
    path: &'a str,
    bytes: Vec<u8>,
}

impl<'a> Batch<'a> {
    fn read(files: &dyn Files, path: &'a str) -> Result<Self, DataError> {
        let bytes = read(files, path)?;
        if bytes.is_empty() || bytes.len() % RECORD != 0 {
            let found = format!("it holds {} bytes, not a multiple of {RECORD}", bytes.len());
            let expected = "a batch of CIFAR-10's binary version";
            return Err(DataError::Malformed { path: path.into(), expected, found });
        }
        Ok(Self { path, bytes })
    }

    fn len(&self) -> usize {
        self.bytes.len() / RECORD
    }

    fn labels(&self) -> impl Iterator<Item = u8> {
        self.bytes.chunks_exact(RECORD).map(|record| record[0])
    }

    fn check_labels(&self, classes: usize, named: bool) -> Result<(), DataError> {
        let outside = self.labels().enumerate().find(|(_, label)| usize::from(*label) >= classes);
        let Some((index, label)) = outside else { return Ok(()) };
        let hint = if named {
            "the classes are those that batches.meta.txt names: take both from the same dataset"
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
