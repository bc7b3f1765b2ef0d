//! Pixels that are put into memory as long as they are few, and then into a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use convoke_data::{Pixels, SharedBytes, Shelf};

/// Memory for the first bytes, and a file without a name for all of them where there are more: it is gone once nobody reads it.
pub struct Spill {
    /// Where the file lies.
    folder: PathBuf,
    /// The most bytes in memory.
    most: usize,
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
}

impl Spill {
    /// Nothing yet; of what comes, so many bytes at most stay in memory.
    pub fn new(folder: PathBuf, most: usize) -> Self {
        Self { folder, most, memory: Vec::new(), file: None }
    }
}

impl Shelf for Spill {
    /// A file takes what the disk has, and memory is taken as it is needed.
    fn reserve(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() && self.memory.len() + bytes.len() > self.most {
            std::fs::create_dir_all(&self.folder)?;
            let mut file = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(&self.folder)?);
            file.write_all(&std::mem::take(&mut self.memory))?;
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => self.memory.put(bytes),
        }
    }

    fn take(&mut self) -> io::Result<Pixels> {
        let Some(file) = self.file.take() else { return self.memory.take() };
        let file = file.into_inner().map_err(|error| error.into_error())?;
        // SAFETY: the file has no name, so that no other program finds it, and nothing here writes to it any more.
        let bytes: SharedBytes = Arc::new(unsafe { memmap2::Mmap::map(&file)? });
        let length = (*bytes).as_ref().len();
        Ok(Pixels::within(bytes, 0..length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_taken_wherever_it_lay() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::new(folder.path().join("cache"), 10);
        for count in [0_u8, 3, 9, 40] {
            for n in 0..count {
                spill.put(&[n, n + 1]).unwrap();
            }
            let expected: Vec<u8> = (0..count).flat_map(|n| [n, n + 1]).collect();
            assert_eq!(folder.path().join("cache").exists(), expected.len() > 10);
            assert_eq!(spill.take().unwrap(), expected);
            if expected.len() > 10 {
                assert_eq!(std::fs::read_dir(folder.path().join("cache")).unwrap().count(), 0, "a file has a name");
                std::fs::remove_dir(folder.path().join("cache")).unwrap();
            }
        }
        std::fs::write(folder.path().join("file"), b"").unwrap();
        let mut nowhere = Spill::new(folder.path().join("file"), 3);
        nowhere.put(&[1, 2, 3]).unwrap();
        nowhere.put(&[4]).unwrap_err();
    }
}
