//! `--profile`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use clap::Args;
use convoke::Trace;

use crate::failure::{Failure, Result};

/// Where time goes.
#[derive(Args, Clone, Debug)]
pub struct ProfileArgs {
    /// Write what each device did when to this file, for chrome://tracing and https://ui.perfetto.dev [default: none]
    ///
    /// Each device has a row of kernels, one of transfers and one of waits for its answers; the trainer has one of steps, evaluations and
    /// checkpoints. The first four steps are recorded as they are, those of --profile-steps kernel by kernel, and so many batches of evaluations. The losses are
    /// the same as without, bit for bit; the steps that are recorded take longer.
    #[arg(long, value_name = "FILE.json")]
    profile: Option<PathBuf>,

    /// How many steps are recorded kernel by kernel [default: 20]
    #[arg(long, value_name = "N", requires = "profile", allow_negative_numbers = true)]
    profile_steps: Option<NonZeroU64>,
}

impl ProfileArgs {
    /// Begins to record, where that was asked for. The file is made at once, so that nobody trains for one that can't be.
    pub fn begin(&self) -> Result<Profile> {
        let begun = self.profile.as_ref().map(|path| -> Result<Begun> {
            let file = File::create(path).map_err(|error| cannot_write(path, &error))?;
            let steps = self.profile_steps.map_or(20, NonZeroU64::get);
            Ok(Begun { trace: Trace::new(steps), file, path: path.clone() })
        });
        Ok(Profile(begun.transpose()?))
    }
}

/// What is recorded, where something is.
pub struct Profile(Option<Begun>);

struct Begun {
    trace: Trace,
    file: File,
    path: PathBuf,
}

impl Profile {
    /// Where it is recorded.
    pub fn trace(&self) -> Option<&Trace> {
        self.0.as_ref().map(|begun| &begun.trace)
    }

    /// Writes what was recorded.
    pub fn write(self) -> Result<()> {
        let Some(Begun { trace, file, path }) = self.0 else { return Ok(()) };
        let mut writer = BufWriter::new(file);
        trace.write(&mut writer).and_then(|()| writer.flush()).map_err(|error| cannot_write(&path, &error))
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Run(format!("can't write the trace to {}: {error}; choose another file with --profile", path.display()))
}
