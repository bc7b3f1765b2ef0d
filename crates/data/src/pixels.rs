//! Pictures' bytes, wherever they lie.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Bytes that lie elsewhere than in a vector, such as in a file that is mapped into memory.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Bytes of pictures, read as a slice: in memory, or within [`SharedBytes`], so that a dataset need not fit into memory.
#[derive(Clone)]
pub struct Pixels(Held);

#[derive(Clone)]
enum Held {
    Here(Vec<u8>),
    Within(SharedBytes, Range<usize>),
}

impl Pixels {
    /// A part of shared bytes.
    ///
    /// # Panics
    /// Where the range goes beyond them.
    pub fn within(bytes: SharedBytes, range: Range<usize>) -> Self {
        let length = (*bytes).as_ref().len();
        assert!(range.start <= range.end && range.end <= length, "{range:?} goes beyond {length} bytes");
        Self(Held::Within(bytes, range))
    }

    /// The bytes as a vector, to change them; those that lie elsewhere are copied first.
    pub fn to_mut(&mut self) -> &mut Vec<u8> {
        if let Held::Within(..) = self.0 {
            self.0 = Held::Here(self.to_vec());
        }
        match &mut self.0 {
            Held::Here(bytes) => bytes,
            Held::Within(..) => unreachable!("they were copied"),
        }
    }
}

impl Deref for Pixels {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Here(bytes) => bytes,
            Held::Within(bytes, range) => &(**bytes).as_ref()[range.clone()],
        }
    }
}

impl Default for Pixels {
    fn default() -> Self {
        Self(Held::Here(Vec::new()))
    }
}

impl From<Vec<u8>> for Pixels {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Held::Here(bytes))
    }
}

impl From<Pixels> for Vec<u8> {
    fn from(mut pixels: Pixels) -> Self {
        std::mem::take(pixels.to_mut())
    }
}

impl FromIterator<u8> for Pixels {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        Self(Held::Here(bytes.into_iter().collect()))
    }
}

impl Extend<u8> for Pixels {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.to_mut().extend(bytes);
    }
}

impl PartialEq for Pixels {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Pixels {}

impl<const N: usize> PartialEq<[u8; N]> for Pixels {
    fn eq(&self, other: &[u8; N]) -> bool {
        **self == *other
    }
}

impl PartialEq<Vec<u8>> for Pixels {
    fn eq(&self, other: &Vec<u8>) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_elsewhere_read_as_those_here_and_are_copied_when_changed() {
        let shared: SharedBytes = Arc::new(vec![0, 1, 2, 3, 4]);
        let mut within = Pixels::within(shared.clone(), 1..4);
        assert_eq!(within, Pixels::from(vec![1, 2, 3]));
        within.extend([9]);
        assert_eq!(within, [1, 2, 3, 9]);
        assert_eq!((*shared).as_ref(), [0, 1, 2, 3, 4]);
    }

    #[test]
    #[should_panic(expected = "2..6 goes beyond 5 bytes")]
    fn no_range_goes_beyond_what_is_shared() {
        Pixels::within(Arc::new(vec![0; 5]), 2..6);
    }
}
