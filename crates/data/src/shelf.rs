//! Where the pixels of a dataset in the making are put.

use std::io;

use crate::pixels::Pixels;

/// Where the pixels of a dataset in the making are put, one sample after the other: a vector in memory, or where there is more room.
pub trait Shelf {
    /// Makes room for so many bytes, where that is done beforehand.
    ///
    /// # Errors
    /// Where there is not as much.
    fn reserve(&mut self, bytes: usize) -> io::Result<()>;

    /// Adds bytes behind those that are there.
    ///
    /// # Errors
    /// Where there is no room for them.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// All bytes that are there, which leaves none.
    ///
    /// # Errors
    /// Where they can't be read again.
    fn take(&mut self) -> io::Result<Pixels>;
}

impl Shelf for Vec<u8> {
    fn reserve(&mut self, bytes: usize) -> io::Result<()> {
        self.try_reserve_exact(bytes).map_err(|_| io::ErrorKind::OutOfMemory.into())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn take(&mut self) -> io::Result<Pixels> {
        Ok(std::mem::take(self).into())
    }
}
