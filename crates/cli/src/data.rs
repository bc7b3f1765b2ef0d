//! `--data`: the pictures.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;
use convoke::data::{Archive, DataError, embedded, is_archive, open};
use convoke::prelude::{Dataset, Options};
use convoke::{FolderFiles, open_folder};

use crate::failure::{Failure, Result};

/// The dataset within the program.
pub const EMBEDDED: &str = "fashion-mnist-mini";

/// Where decoded pictures are kept, for the commands that take `--data`.
#[derive(Args, Clone, Debug, Default)]
pub struct CacheArgs {
    /// Where decoded folders of pictures are kept, to be opened at once the next time [default: the system's cache folder]
    ///
    /// A folder of 500 pictures or more is decoded once for each size that a model takes, and again when a file's name, size or time of change
    /// is another. What lies there may be removed at any time.
    #[arg(long, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,

    /// Decode folders of pictures anew, and keep nothing
    #[arg(long, conflicts_with = "cache_dir")]
    pub no_cache: bool,
}

impl CacheArgs {
    /// The folder, if anything is to be kept.
    fn folder(&self) -> Option<PathBuf> {
        if self.no_cache { None } else { self.cache_dir.clone().or_else(system_cache) }
    }
}

/// The folder that the system has for what programs may lose.
fn system_cache() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = match std::env::consts::OS {
        "windows" => folder("LOCALAPPDATA"),
        "macos" => folder("HOME").map(|home| home.join("Library/Caches")),
        _ => folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache"))),
    };
    Some(home?.join("convoke"))
}

/// Where pictures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The program itself.
    Embedded,
    /// A folder.
    Folder(PathBuf),
    /// A zip file.
    Archive(PathBuf),
}

impl Source {
    /// The source that the user named; [`EMBEDDED`] where none was.
    pub fn find(named: Option<&str>) -> Result<Self> {
        match named {
            None | Some(EMBEDDED) => Ok(Self::Embedded),
            Some(folder) if Path::new(folder).is_dir() => Ok(Self::Folder(folder.into())),
            Some(file) if is_zip(file) && Path::new(file).is_file() => Ok(Self::Archive(file.into())),
            Some(other) => {
                let problem = match Path::new(other).exists() {
                    true if is_archive(other) => {
                        "it is an archive that can't be read as it is: unpack it and give the folder that it holds"
                    }
                    true => "it is not a folder, and no zip file by its name",
                    false if is_zip(other) => "there is no such file",
                    false => "there is no such folder",
                };
                Err(Failure::Usage(format!(
                    "--data {other}: {problem}; give a folder of class folders of pictures, of IDX files or of CIFAR's binary batches, a zip file of that, or {EMBEDDED}"
                )))
            }
        }
    }

    /// The name by which it is found again from another folder.
    pub fn lasting_name(&self) -> String {
        match self {
            Self::Embedded => EMBEDDED.into(),
            Self::Folder(path) | Self::Archive(path) => {
                std::path::absolute(path).as_ref().unwrap_or(path).display().to_string()
            }
        }
    }

    /// Reads the pictures as a model takes them, of `[channels, height, width]`. `progress` is told how many pictures of how many
    /// are read.
    ///
    /// Where the dataset doesn't say which pictures are for testing, that doesn't depend on a run's seed: pictures that a model
    /// was trained on must not test it later.
    pub fn read(
        &self,
        input: [usize; 3],
        cache: &CacheArgs,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Dataset> {
        let [channels, height, width] = input;
        let options = Options { size: Some([height, width]), channels: Some(channels), ..Options::default() };
        let read = match self {
            Self::Embedded => embedded(&options),
            Self::Folder(folder) => match FolderFiles::open(folder) {
                Ok(files) => open_folder(&files, &options, cache.folder().as_deref(), progress),
                Err(error) => return Err(Failure::Run(format!("can't list {}: {error}", folder.display()))),
            },
            Self::Archive(path) => match File::open(path) {
                Ok(file) => Archive::open(file).and_then(|files| open(&files, &options, progress)),
                Err(error) => return Err(Failure::Run(format!("can't read {}: {error}", path.display()))),
            },
        };
        read.map_err(|error| match error {
            DataError::Option { .. } => Failure::from(error).at(&format!("the model's input {input:?}")),
            error => Failure::from(error).at(&self.to_string()),
        })
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embedded => f.write_str(EMBEDDED),
            Self::Folder(path) | Self::Archive(path) => path.display().fmt(f),
        }
    }
}

/// Whether a name is that of a zip file.
fn is_zip(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|kind| kind.eq_ignore_ascii_case("zip"))
}

/// Checks that data has the classes that a model was trained for. Those of IDX files have numbers for names, which say nothing.
pub fn check_classes(model: &[String], data: &Dataset, source: &Source) -> Result<()> {
    let numbers = |names: &[String]| names.iter().all(|name| name.parse::<u32>().is_ok());
    let same = model == data.classes || numbers(model) || numbers(&data.classes);
    if model.len() == data.classes.len() && same {
        return Ok(());
    }
    Err(Failure::Run(format!(
        "the model tells {} apart, and {source} holds {}; give data of the same classes",
        list(model),
        list(&data.classes)
    )))
}

/// How many classes, and the first few by name.
fn list(classes: &[String]) -> String {
    const SHOWN: usize = 4;
    let first = classes.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = if classes.len() > SHOWN { ", …" } else { "" };
    format!("{} classes ({first}{more})", classes.len())
}
