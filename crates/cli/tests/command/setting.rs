//! Folders with small data and models in them, and the command run there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use convoke::prelude::Record;
use serde_json::Value;

/// Side of the pictures.
pub const SIDE: usize = 8;

/// A model for them that trains in no time.
pub const SMALL: &str = r#"
name = "small"
input = [1, 8, 8]

[[layers]]
type = "conv2d"
name = "conv"
out_channels = 4
kernel_size = 3
padding = 1

[[layers]]
type = "relu"

[[layers]]
type = "max_pool2d"
kernel_size = 2

[[layers]]
type = "flatten"

[[layers]]
type = "linear"
name = "fc"
out_features = "classes"
"#;

/// A folder for one test.
pub struct Setting {
    folder: tempfile::TempDir,
}

impl Setting {
    /// A folder with the model `small.toml` and the pictures `data`: three classes, 96 to train on and 30 to test on.
    pub fn new() -> Self {
        let setting = Self { folder: tempfile::tempdir().unwrap() };
        setting.write("small.toml", SMALL.as_bytes());
        for (prefix, count) in [("train", 96), ("t10k", 30)] {
            setting.write(&format!("data/{prefix}-images-idx3-ubyte"), &idx_images(count));
            setting.write(&format!("data/{prefix}-labels-idx1-ubyte"), &idx_labels(count));
        }
        setting
    }

    /// A path within the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The command with arguments, separated by spaces, not started yet.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_convoke"));
        command.args(arguments.split_whitespace()).current_dir(self.folder.path());
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, arguments: &str) -> Ran {
        Ran::new(arguments, self.command(arguments).output().unwrap())
    }

    /// Trains the small model on the CPU; `arguments` are added.
    pub fn train(&self, arguments: &str) -> Ran {
        self.run(&format!("train small.toml --data data --device cpu {arguments}"))
    }

    /// Trains a model on the CPU; `arguments` are added.
    pub fn train_model(&self, model: &str, arguments: &str) -> Ran {
        self.run(&format!("train {model} --data data --device cpu {arguments}"))
    }

    /// Compares models, each of which may have options; `arguments` are added.
    pub fn compare(&self, models: &[&str], arguments: &str) -> Ran {
        let mut command = self.command("compare");
        command.args(models).args(arguments.split_whitespace());
        Ran::new(&format!("compare {models:?} {arguments}"), command.output().unwrap())
    }

    /// The lines of a run's log.
    pub fn log(&self, run: &str) -> Vec<Record> {
        let log = std::fs::read_to_string(self.path(run).join("metrics.jsonl")).unwrap();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The losses of a run's steps, by their bits.
    pub fn losses(&self, run: &str) -> Vec<u64> {
        let records = self.log(run);
        let steps = records.iter().filter_map(|record| match record {
            Record::Step { step, loss, .. } => Some((*step, loss.to_bits())),
            _ => None,
        });
        let (numbers, losses): (Vec<u64>, Vec<u64>) = steps.unzip();
        assert_eq!(numbers, (1..=losses.len() as u64).collect::<Vec<_>>(), "each step is in the log once");
        losses
    }

    /// The names of what is in a folder and not hidden, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }
}

/// What a command has done.
pub struct Ran {
    arguments: String,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn new(arguments: &str, output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Self { arguments: arguments.into(), code: output.status.code(), stdout, stderr }
    }

    /// Expects that it went well.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}{}", self.arguments, self.stdout, self.stderr);
        assert_eq!(self.stderr, "", "{}", self.arguments);
        self
    }

    /// Expects one line of error with these parts, and this exit code.
    #[track_caller]
    pub fn wrong(self, code: i32, parts: &[&str]) -> Self {
        let text = format!("{}\n{}{}", self.arguments, self.stdout, self.stderr);
        assert_eq!(self.code, Some(code), "{text}");
        assert!(self.stderr.starts_with("error: ") && self.stderr.lines().count() == 1, "{text}");
        for part in parts {
            assert!(self.stderr.contains(part), "no `{part}` in {text}");
        }
        self
    }

    /// What was printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// A picture of a class: one bright bar, with a little noise that differs from picture to picture.
pub fn pixels(index: usize) -> Vec<u8> {
    let class = label(index);
    let mut state = (index as u32).wrapping_mul(2_654_435_761) | 1;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 26) as u8
    };
    let bright = |y: usize, x: usize| match class {
        0 => y / 2 == 1,
        1 => x / 2 == 2,
        _ => y == x,
    };
    let places = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (y, x)));
    places.map(|(y, x)| noise() + if bright(y, x) { 180 } else { 0 }).collect()
}

/// The class of a picture.
pub fn label(index: usize) -> usize {
    index % 3
}

/// The first pictures in an IDX file.
pub fn idx_images(count: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for length in [count, SIDE, SIDE] {
        bytes.extend((length as u32).to_be_bytes());
    }
    bytes.extend((0..count).flat_map(pixels));
    bytes
}

/// Their labels.
pub fn idx_labels(count: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 1];
    bytes.extend((count as u32).to_be_bytes());
    bytes.extend((0..count).map(|index| label(index) as u8));
    bytes
}

/// A picture as a PNG file.
pub fn png(index: usize) -> Vec<u8> {
    let picture = image::GrayImage::from_raw(SIDE as u32, SIDE as u32, pixels(index)).unwrap();
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
