//! Data that the page has opened: where it came from, and its pictures as the model takes them.

use std::rc::Rc;

use convoke::data::{
    Archive, Dataset, Files, LeavingOut, MemoryFiles, Options, Turns, fashion_mnist_mini_in_turns, open_in_turns,
};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Response, Url};

use crate::blobs::{BlobFiles, BlobReader};
use crate::failure::Result;
use crate::protocol::{ClassReport, DataReport, DataSource, Failure, Phase, Warning};
use crate::scope;

/// The name of the pictures that come along, as the command calls them.
pub(crate) const EMBEDDED: &str = "fashion-mnist-mini";

/// Where the pictures that come along lie, seen from the worker's script.
const EMBEDDED_FILES: [&str; 4] = ["train.png", "train-labels.bin", "test.png", "test-labels.bin"];

/// A class with fewer pictures to train on is warned of.
const FEW: usize = 20;

/// So many times as many pictures in one class as in another are warned of.
const UNBALANCED: usize = 4;

/// The most bytes of decoded pictures: WebAssembly has 4 GiB in all.
pub(crate) const MOST_BYTES: u64 = 1 << 30;

/// Where data comes from, so that it can be opened again for a model of another size.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The files that come along.
    Embedded(Rc<MemoryFiles>),
    /// Files as they were picked.
    Files(Rc<BlobFiles>),
}

/// Data, open.
#[derive(Clone, Debug)]
pub(crate) struct OpenData {
    pub name: String,
    pub source: Source,
    pub options: Options,
    pub dataset: Rc<Dataset>,
    pub left_out: Vec<String>,
}

impl OpenData {
    /// Opens data for a model of `input`. `progress` is told of what is fetched and decoded; in between, others have their `turns`.
    pub async fn open(
        source: DataSource,
        options: Options,
        left_out: Vec<String>,
        progress: &mut dyn FnMut(Phase, usize, usize),
        turns: Turns<'_>,
    ) -> Result<Self> {
        let (name, source) = match source {
            DataSource::Embedded => (EMBEDDED.into(), Source::Embedded(Rc::new(fetch_embedded(progress).await?))),
            DataSource::Files { name, files } => {
                let mut blobs = BlobFiles::default();
                blobs.0.extend(files.into_iter().map(|file| (file.path, file.file.0)));
                (name, Source::Files(Rc::new(blobs)))
            }
        };
        let dataset = Rc::new(decode(&source, &options, &left_out, progress, turns).await?);
        Ok(Self { name, source, options, dataset, left_out })
    }

    /// The same data for a model of another input.
    pub async fn for_input(
        &self,
        input: [usize; 3],
        progress: &mut dyn FnMut(Phase, usize, usize),
        turns: Turns<'_>,
    ) -> Result<Self> {
        if self.dataset.fits(input) {
            return Ok(self.clone());
        }
        let options = options(input, self.options.seed, self.options.test_fraction);
        let dataset = Rc::new(decode(&self.source, &options, &self.left_out, progress, turns).await?);
        Ok(Self { options, dataset, ..self.clone() })
    }

    /// What the page is told of it.
    pub fn report(&self) -> DataReport {
        let data = &*self.dataset;
        let count = |labels: &[u32], class: usize| labels.iter().filter(|&&label| label as usize == class).count();
        let classes = data.classes.iter().enumerate().map(|(class, name)| ClassReport {
            name: name.clone(),
            train: count(&data.train.labels, class) as u32,
            test: count(&data.test.labels, class) as u32,
        });
        let classes: Vec<ClassReport> = classes.collect();
        DataReport {
            name: self.name.clone(),
            size: [data.channels, data.height, data.width].map(|n| n as u32),
            train: data.train.len() as u32,
            test: data.test.len() as u32,
            bytes: (data.train.pixels.len() + data.test.pixels.len()) as f64,
            warnings: warnings(&classes, &self.left_out),
            classes,
        }
    }
}

/// What a checkpoint keeps for the command, so that it can go on with a run that was begun here.
pub(crate) fn note(data: &str) -> String {
    #[derive(serde::Serialize)]
    struct Note<'a> {
        data: &'a str,
        device: &'a str,
    }
    serde_json::to_string(&Note { data, device: "auto" }).expect("plain data")
}

/// How pictures are brought to a model's input.
pub(crate) fn options(input: [usize; 3], seed: u64, test_fraction: f64) -> Options {
    let [channels, height, width] = input;
    Options { size: Some([height, width]), channels: Some(channels), seed, test_fraction, max_bytes: MOST_BYTES }
}

async fn decode(
    source: &Source,
    options: &Options,
    left_out: &[String],
    progress: &mut dyn FnMut(Phase, usize, usize),
    turns: Turns<'_>,
) -> Result<Dataset> {
    let mut told = |done, total| progress(Phase::Decoding, done, total);
    match source {
        Source::Embedded(files) => Ok(fashion_mnist_mini_in_turns(&**files, options, &mut told, turns).await?),
        Source::Files(files) => {
            let unpacked = archive(files).map(Archive::open).transpose()?;
            let files: &dyn Files = match &unpacked {
                Some(archive) => archive,
                None => &**files,
            };
            let files = LeavingOut::new(files, left_out.iter().cloned());
            Ok(open_in_turns(&files, options, &mut told, turns).await?)
        }
    }
}

/// The one file that was picked, where it is an archive.
fn archive(files: &BlobFiles) -> Option<BlobReader> {
    let mut entries = files.0.iter();
    let (path, blob) = entries.next()?;
    (entries.next().is_none() && path.to_ascii_lowercase().ends_with(".zip")).then(|| BlobReader::new(blob.clone()))
}

/// Fetches the pictures that come along; they lie in `pictures/` beside the worker's script.
async fn fetch_embedded(progress: &mut dyn FnMut(Phase, usize, usize)) -> Result<MemoryFiles> {
    let mut files = MemoryFiles::default();
    for (number, name) in EMBEDDED_FILES.iter().enumerate() {
        progress(Phase::Fetching, number, EMBEDDED_FILES.len());
        files.insert(*name, fetch(&format!("pictures/{name}")).await?);
    }
    progress(Phase::Fetching, EMBEDDED_FILES.len(), EMBEDDED_FILES.len());
    Ok(files)
}

async fn fetch(path: &str) -> Result<Vec<u8>> {
    let scope = scope()?;
    let fail = |reason: String| {
        Failure::new(
            "offline",
            format!("can't fetch {path} ({reason}); check the connection, then load the page again"),
        )
    };
    let url = Url::new_with_base(path, &scope.location().href()).map_err(|_| fail("no such place".into()))?;
    let answer = JsFuture::from(scope.fetch_with_str(&url.href())).await;
    let answer = Response::from(answer.map_err(|_| fail("no answer".into()))?);
    if !answer.ok() {
        return Err(fail(format!("status {}", answer.status())));
    }
    let broken = |_| fail("the answer breaks off".into());
    let bytes = JsFuture::from(answer.array_buffer().map_err(broken)?).await.map_err(broken)?;
    Ok(js_sys::Uint8Array::new(&bytes).to_vec())
}

fn warnings(classes: &[ClassReport], left_out: &[String]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, message: String| warnings.push(Warning { code: code.into(), message });
    let names = |classes: &[&ClassReport], count: fn(&ClassReport) -> u32| {
        let named: Vec<String> =
            classes.iter().take(5).map(|class| format!("{} ({})", class.name, count(class))).collect();
        let more = classes.len().saturating_sub(named.len());
        named.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
    };
    let small: Vec<&ClassReport> = classes.iter().filter(|class| (class.train as usize) < FEW).collect();
    if !small.is_empty() {
        let named = names(&small, |class| class.train);
        warn(
            "small-class",
            format!("Few pictures to learn from: {named}. Add more, {FEW} or better hundreds a class."),
        );
    }
    // Of all pictures: how many of them test is another matter.
    let total = |class: &ClassReport| class.train + class.test;
    let most = classes.iter().max_by_key(|class| total(class));
    let least = classes.iter().min_by_key(|class| total(class));
    if let (Some(most), Some(least)) = (most, least)
        && total(most) as usize >= UNBALANCED * (total(least) as usize).max(1)
    {
        let named = names(&[most, least], total);
        let text = format!(
            "The classes are out of balance: {named}. A model learns to guess the large ones; add pictures to the small ones."
        );
        warn("imbalance", text);
    }
    let untested: Vec<&ClassReport> = classes.iter().filter(|class| class.test == 0).collect();
    if !untested.is_empty() {
        let named = names(&untested, total);
        let text = format!(
            "No picture to test on: {named}. How well these are told apart isn't measured; add pictures to them."
        );
        warn("untested", text);
    }
    if !left_out.is_empty() {
        const NAMED: usize = 20;
        let named = left_out[..left_out.len().min(NAMED)].join(", ");
        let more = left_out.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = format!("Left out, as you chose: {named}{more}.");
        warn("left-out", text);
    }
    warnings
}
