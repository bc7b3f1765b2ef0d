//! CRC-32, the check sum of PNG, gzip and zip, with the names of the crate `crc32fast`, whose place it takes in this workspace: that one holds 16 KB of
//! tables, which no compression makes smaller, and a page would load them. Here they are computed when a sum is first asked for.
//!
//! The algorithm is "slicing by 16", after M. E. Kounavis and F. L. Berry, *A Systematic Approach to Building High Performance, Software-based, CRC
//! Generators* (2005); sums of parts are joined as zlib's `crc32_combine` does.

use std::sync::OnceLock;

/// The polynomial of ISO 3309, its lowest power first.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// In `TABLES[n][byte]`: what the byte, and `n` zero bytes behind it, make of a remainder of 0.
static TABLES: OnceLock<Box<[[u32; 256]; 16]>> = OnceLock::new();

fn tables() -> Box<[[u32; 256]; 16]> {
    let mut tables = Box::new([[0; 256]; 16]);
    for byte in 0..256 {
        let mut remainder = byte as u32;
        for _ in 0..8 {
            remainder = times_x(remainder);
        }
        tables[0][byte] = remainder;
    }
    for n in 1..16 {
        for byte in 0..256 {
            let before: u32 = tables[n - 1][byte];
            tables[n][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
        }
    }
    tables
}

/// The remainder of a polynomial times x.
fn times_x(remainder: u32) -> u32 {
    (remainder >> 1) ^ if remainder & 1 == 1 { POLYNOMIAL } else { 0 }
}

/// The check sum of some bytes.
///
/// ```
/// assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
/// ```
pub fn hash(bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finalize()
}

/// A check sum of bytes that come one after another.
#[derive(Clone, Debug, Default)]
pub struct Hasher {
    sum: u32,
    bytes: u64,
}

impl Hasher {
    /// The sum of no bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on from a sum.
    pub fn new_with_initial(sum: u32) -> Self {
        Self { sum, bytes: 0 }
    }

    /// Goes on from the sum of so many bytes.
    pub fn new_with_initial_len(sum: u32, bytes: u64) -> Self {
        Self { sum, bytes }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let tables = TABLES.get_or_init(tables);
        let mut remainder = !self.sum;
        let (blocks, rest) = bytes.as_chunks::<16>();
        for block in blocks {
            let [a, b, c, d] = remainder.to_le_bytes();
            let with = [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            remainder = (0..16).fold(0, |sum, at| sum ^ tables[15 - at][usize::from(block[at] ^ with[at])]);
        }
        for &byte in rest {
            remainder = (remainder >> 8) ^ tables[0][usize::from(remainder as u8 ^ byte)];
        }
        self.sum = !remainder;
        self.bytes += bytes.len() as u64;
    }

    /// The sum.
    pub fn finalize(self) -> u32 {
        self.sum
    }

    /// Begins anew.
    pub fn reset(&mut self) {
        *self = Self::new();
    }

    /// Adds the bytes that another sum is of: x to the power of their bits, times this sum, plus that one.
    pub fn combine(&mut self, other: &Self) {
        self.sum = times(power_of_x(8 * u128::from(other.bytes)), self.sum) ^ other.sum;
        self.bytes += other.bytes;
    }
}

/// The remainder of a product of polynomials. The highest bit is the power 0.
fn times(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    for power in 0..32 {
        if a & (1 << (31 - power)) != 0 {
            product ^= b;
        }
        b = times_x(b);
    }
    product
}

/// The remainder of x to a power, by squaring.
fn power_of_x(mut power: u128) -> u32 {
    let (mut product, mut square) = (1 << 31, 1 << 30);
    while power > 0 {
        if power & 1 == 1 {
            product = times(product, square);
        }
        square = times(square, square);
        power >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some bytes that look random.
    fn bytes(length: usize) -> Vec<u8> {
        (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    /// The sum by its definition: division, bit by bit.
    fn defined(bytes: &[u8]) -> u32 {
        let step = |remainder: u32, &byte: &u8| (0..8).fold(remainder ^ u32::from(byte), |r, _| times_x(r));
        !bytes.iter().fold(!0, step)
    }

    #[test]
    fn sums_are_the_remainders_of_their_definition() {
        assert_eq!([hash(b""), hash(b"a"), hash(b"123456789")], [0, 0xe8b7_be43, 0xcbf4_3926]);
        for length in 0..100 {
            assert_eq!(hash(&bytes(length)), defined(&bytes(length)), "of {length} bytes");
        }
    }

    #[test]
    fn parts_give_the_sum_of_the_whole() {
        let bytes = bytes(3000);
        for at in [0, 1, 15, 16, 17, 1000, 2999, 3000] {
            let (first, second) = bytes.split_at(at);
            let mut whole = Hasher::new();
            whole.update(first);
            whole.update(second);
            let [mut joined, mut other] = [Hasher::new(), Hasher::new()];
            joined.update(first);
            other.update(second);
            joined.combine(&other);
            let mut continued = Hasher::new_with_initial(hash(first));
            continued.update(second);
            let sums = [whole, joined, continued].map(Hasher::finalize);
            assert_eq!(sums, [defined(&bytes); 3], "parted at {at}");
        }
    }
}
