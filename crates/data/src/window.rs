//! A reader that keeps the last block in memory.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};

use rawzip::ReaderAt;

/// Bytes of a block.
const BLOCK: u64 = 64 << 10;

/// Reads whole blocks of a reader, so that a walk through an archive's many small records costs few reads; for a file, or a Blob in a
/// browser, each of them is dear.
pub struct Window<R> {
    length: u64,
    loaded: RefCell<Loaded<R>>,
}

/// The reader, and what was read last.
struct Loaded<R> {
    reader: R,
    /// Which block `bytes` is, counted from the start.
    block: Option<u64>,
    bytes: Vec<u8>,
}

impl<R: Read + Seek> Window<R> {
    /// Over the whole of `reader`.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let length = reader.seek(SeekFrom::End(0))?;
        Ok(Self { length, loaded: RefCell::new(Loaded { reader, block: None, bytes: Vec::new() }) })
    }
}

impl<R> Window<R> {
    /// Bytes in all.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl<R: Read + Seek> Loaded<R> {
    fn load(&mut self, block: u64) -> io::Result<()> {
        if self.block == Some(block) {
            return Ok(());
        }
        self.block = None;
        self.bytes.clear();
        self.reader.seek(SeekFrom::Start(block * BLOCK))?;
        (&mut self.reader).take(BLOCK).read_to_end(&mut self.bytes)?;
        self.block = Some(block);
        Ok(())
    }
}

impl<R: Read + Seek> ReaderAt for Window<R> {
    fn read_at(&self, target: &mut [u8], position: u64) -> io::Result<usize> {
        if position >= self.length || target.is_empty() {
            return Ok(0);
        }
        let mut loaded = self.loaded.borrow_mut();
        loaded.load(position / BLOCK)?;
        let rest = loaded.bytes.get((position % BLOCK) as usize..).unwrap_or_default();
        let count = rest.len().min(target.len());
        target[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Counts reads.
    struct Counted(Cursor<Vec<u8>>, usize);

    impl Read for Counted {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            self.0.read(target)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    fn bytes() -> Vec<u8> {
        (0..3 * BLOCK as u32 / 4 - 1).flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn reads_are_those_of_the_reader_itself() {
        let (whole, window) = (bytes(), Window::new(Cursor::new(bytes())).unwrap());
        for position in [0, 7, BLOCK - 3, 2 * BLOCK, whole.len() as u64 - 5, whole.len() as u64, u64::MAX] {
            let mut read = [0; 10];
            let mut count = 0;
            while count < read.len() {
                match window.read_at(&mut read[count..], position.saturating_add(count as u64)).unwrap() {
                    0 => break,
                    more => count += more,
                }
            }
            let expected = whole.get(position as usize..).unwrap_or_default();
            assert_eq!(read[..count], expected[..expected.len().min(10)], "{position}");
        }
    }

    #[test]
    fn many_small_reads_of_a_block_cost_few() {
        let window = Window::new(Counted(Cursor::new(bytes()), 0)).unwrap();
        for position in (0..BLOCK).step_by(64) {
            window.read_exact_at(&mut [0; 8], position).unwrap();
        }
        let reads = window.loaded.borrow().reader.1;
        assert!(reads <= 16, "{reads} reads");
    }
}
