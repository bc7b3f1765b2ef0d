//! Which pictures of a class-folder dataset are for testing, where its folders don't say.

use std::collections::BTreeMap;

use convoke_core::random::{Stream, StreamId};

use crate::error::DataError;
use crate::open::Options;

/// For each picture, given by its path from the class folder's name on, a number in 0 … 1 that depends on the seed and
/// the path alone: below the wanted fraction it is for testing. So a picture stays on its side whatever joins or leaves.
fn draw(seed: u64, path: &str) -> f32 {
    let hash = fnv1a(path.as_bytes());
    Stream::new(seed, StreamId::Split, (hash >> 32) as u32, hash as u32).next_f32()
}

/// FNV-1a with 64 bits (Fowler, Noll and Vo; IETF RFC 9923).
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Whether each picture, given by its path and its class, is for testing, by the options' seed and fraction.
///
/// # Errors
/// [`DataError::Empty`] where none can be set aside.
pub fn sides<'a>(pictures: impl Iterator<Item = (&'a str, u32)>, options: &Options) -> Result<Vec<bool>, DataError> {
    let (draws, labels): (Vec<f32>, Vec<u32>) = pictures.map(|(path, label)| (draw(options.seed, path), label)).unzip();
    let test = choose(&draws, &labels, options.test_fraction);
    if !test.contains(&true) {
        return Err(DataError::Empty { purpose: "to test on, since each class has only one".into() });
    }
    Ok(test)
}

/// Whether each picture is for testing, by its draw and its class. A class keeps at least one picture to train on, and
/// there is at least one picture to test on, where any class has two: then, and only then, one changes sides.
fn choose(draws: &[f32], labels: &[u32], fraction: f64) -> Vec<bool> {
    let mut test: Vec<bool> = draws.iter().map(|&draw| f64::from(draw) < fraction).collect();
    let mut kept = BTreeMap::new();
    for (picture, label) in labels.iter().enumerate() {
        let last = kept.entry(label).or_insert(picture);
        *last = if draws[picture] > draws[*last] { picture } else { *last };
    }
    kept.values().for_each(|&picture| test[picture] = false);
    if !test.contains(&true) {
        let spare = (0..draws.len()).filter(|&picture| kept[&labels[picture]] != picture);
        if let Some(first) = spare.min_by(|&a, &b| draws[a].total_cmp(&draws[b])) {
            test[first] = true;
        }
    }
    test
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_gives_the_published_values() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn about_the_wanted_fraction_is_for_testing() {
        let below = (0..10_000).filter(|i| draw(7, &format!("cat/{i}.png")) < 0.2).count();
        assert!((1_850..2_150).contains(&below), "{below}");
        let other = (0..100).filter(|i| draw(7, &format!("cat/{i}.png")) == draw(8, &format!("cat/{i}.png")));
        assert_eq!(other.count(), 0);
    }

    #[test]
    fn each_class_keeps_a_picture_to_train_on() {
        assert_eq!(choose(&[0.1, 0.15, 0.01], &[0, 0, 1], 0.2), [true, false, false]);
        assert_eq!(choose(&[0.1, 0.9, 0.5], &[0, 0, 1], 0.2), [true, false, false]);
    }

    #[test]
    fn one_picture_at_least_is_for_testing() {
        assert_eq!(choose(&[0.7, 0.9, 0.3, 0.8], &[0, 0, 1, 1], 0.2), [false, false, true, false]);
        assert_eq!(choose(&[0.7, 0.9], &[0, 1], 0.2), [false, false]);
    }
}
