//! A reader that keeps the last block in memory.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes of a block.
const BLOCK: u64 = 64 << 10;

/// Reads whole blocks of a reader, so that a walk through an archive's many small records, which seeks before each, costs few
/// reads; for a file, or a Blob in a browser, each of them is dear. (A [`BufReader`](io::BufReader) forgets what it holds
/// when it seeks.)
pub struct Window<R> {
    reader: R,
    length: u64,
    position: u64,
    /// Which block `bytes` is, counted from the start.
    block: Option<u64>,
    bytes: Vec<u8>,
}

impl<R: Read + Seek> Window<R> {
    /// Over the whole of `reader`.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let length = reader.seek(SeekFrom::End(0))?;
        Ok(Self { reader, length, position: 0, block: None, bytes: Vec::new() })
    }

    /// Bytes in all.
    pub fn length(&self) -> u64 {
        self.length
    }

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

impl<R: Read + Seek> Read for Window<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.length || target.is_empty() {
            return Ok(0);
        }
        self.load(self.position / BLOCK)?;
        let rest = self.bytes.get((self.position % BLOCK) as usize..).unwrap_or_default();
        let count = rest.len().min(target.len());
        target[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl<R> Seek for Window<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
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
        let mut plain = Cursor::new(bytes());
        let mut window = Window::new(Cursor::new(bytes())).unwrap();
        let ends = [SeekFrom::End(-5), SeekFrom::End(3), SeekFrom::Start(0), SeekFrom::Current(-1)];
        for to in [BLOCK - 3, 7, 2 * BLOCK, 5 * BLOCK].map(SeekFrom::Start).into_iter().chain(ends) {
            let seeks = [plain.seek(to).ok(), window.seek(to).ok()];
            assert_eq!(seeks[0], seeks[1], "{to:?}");
            let mut read = [Vec::new(), Vec::new()];
            plain.by_ref().take(10).read_to_end(&mut read[0]).unwrap();
            window.by_ref().take(10).read_to_end(&mut read[1]).unwrap();
            assert_eq!(read[0], read[1], "{to:?}");
        }
        window.seek(SeekFrom::Start(0)).unwrap();
        let mut all = Vec::new();
        window.read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes());
    }

    #[test]
    fn many_small_reads_of_a_block_cost_few() {
        let mut window = Window::new(Counted(Cursor::new(bytes()), 0)).unwrap();
        for position in (0..BLOCK).step_by(64) {
            window.seek(SeekFrom::Start(position)).unwrap();
            window.read_exact(&mut [0; 8]).unwrap();
        }
        assert!(window.reader.1 <= 16, "{} reads", window.reader.1);
    }
}
