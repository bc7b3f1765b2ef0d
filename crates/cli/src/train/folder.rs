//! Where a new run is kept. What another run has left is never written over, unless the user says so.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use convoke::prelude::Store;
use convoke::{FolderStore, block_on};

use crate::failure::{Failure, Result};

/// What a run leaves, apart from checkpoints.
const FILES: [&str; 4] = ["model.safetensors", "best.safetensors", "metrics.jsonl", "curves.svg"];

/// A folder for a run, not made yet.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    replace: bool,
}

impl RunFolder {
    /// The folder that was asked for, or a new one by the time and the model's name.
    pub fn choose(asked: Option<&Path>, model: &str, replace: bool) -> Result<Self> {
        let Some(path) = asked else {
            return Ok(Self { path: unused(&jiff::ZonedDateTime::now(), model), replace: false });
        };
        let folder = Self { path: path.into(), replace };
        if path.is_dir() && !replace {
            let store = FolderStore::open(path)?;
            if let Some(file) = block_on(store.list())?.into_iter().find(|name| is_of_a_run(name)) {
                return Err(Failure::Usage(format!(
                    "{} already holds a run ({file}): go on with it by --resume {0}, choose another folder with --out, or replace it with --force",
                    path.display()
                )));
            }
        }
        Ok(folder)
    }

    /// Makes the folder, without the run that is to be replaced, and holds it.
    pub fn make(self) -> Result<(FolderStore, Hold)> {
        let store = FolderStore::create(&self.path)?;
        let hold = Hold::take(&self.path)?;
        if self.replace {
            for name in block_on(store.list())?.iter().filter(|name| is_of_a_run(name)) {
                block_on(store.delete(name))?;
            }
        }
        Ok((store, hold))
    }
}

/// A folder that one run alone writes to, for as long as this lives. The system lets it go however the process ends.
#[derive(Debug)]
pub struct Hold {
    _file: Option<File>,
}

impl Hold {
    /// Holds a folder.
    ///
    /// # Errors
    /// Where another run does.
    pub fn take(folder: &Path) -> Result<Self> {
        // Where a file can't be made, the run's own files will say why; some file systems know no locks.
        let Ok(file) = File::create(folder.join(".lock")) else { return Ok(Self { _file: None }) };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Failure::Run(format!(
                "another run is writing to {}: wait for its end, or choose another folder with --out",
                folder.display()
            ))),
            _ => Ok(Self { _file: Some(file) }),
        }
    }
}

/// Whether a folder holds a run that can go on.
pub fn holds_a_run(path: &Path) -> Result<bool> {
    if !path.is_dir() {
        return Ok(false);
    }
    let names = block_on(FolderStore::open(path)?.list())?;
    Ok(names.iter().any(|name| name.starts_with("checkpoint-")))
}

fn is_of_a_run(name: &str) -> bool {
    FILES.contains(&name) || (name.starts_with("checkpoint-") && name.ends_with(".safetensors"))
}

/// The name by the time, with a number behind it where it is taken.
fn unused(now: &jiff::ZonedDateTime, model: &str) -> PathBuf {
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let model: String = model.chars().take(64).map(plain).collect();
    let name = format!("{}-{model}", now.strftime("%Y%m%d-%H%M%S"));
    let names = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name}-{number}")));
    let mut paths = names.map(|name| Path::new("runs").join(name));
    paths.find(|path| !path.exists()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_run_is_named_by_time_and_model() {
        let now: jiff::ZonedDateTime = "2026-11-25T01:30:00+00:00[UTC]".parse().unwrap();
        assert_eq!(unused(&now, "reference-cnn"), Path::new("runs/20261125-013000-reference-cnn"));
        assert_eq!(unused(&now, "../a b"), Path::new("runs/20261125-013000-..-a-b"));
    }

    #[test]
    fn a_folder_with_a_run_is_refused_and_replaced_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for name in ["mine.txt", "checkpoint-0000000003.safetensors", "metrics.jsonl"] {
            std::fs::write(path.join(name), b"").unwrap();
        }
        let error = RunFolder::choose(Some(path), "x", false).unwrap_err();
        let Failure::Usage(text) = error else { panic!("{error:?}") };
        assert!(text.contains("already holds a run (checkpoint-0000000003.safetensors)"), "{text}");
        let chosen = RunFolder::choose(Some(path), "x", true).unwrap();
        assert!(path.join("metrics.jsonl").exists(), "nothing goes before the new run is ready");
        let (store, hold) = chosen.make().unwrap();
        assert_eq!(block_on(store.list()).unwrap(), [".lock", "mine.txt"]);
        let Failure::Run(text) = Hold::take(path).unwrap_err() else { panic!("it is not the user's mistake") };
        assert!(text.contains("another run is writing to"), "{text}");
        drop(hold);
        Hold::take(path).unwrap();
    }
}
