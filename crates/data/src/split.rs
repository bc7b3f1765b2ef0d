//! Which pictures of a class-folder dataset are for testing, where its folders don't say.

use convoke_core::order::ascending;
use convoke_core::random::{Stream, StreamId};

use crate::error::DataError;
use crate::open::Options;

/// For each picture, given by its path from the class folder's name on, a number in 0 … 1 that depends on the seed and
/// the path alone: the lowest of each class are for testing. So a picture stays on its side whatever joins or leaves, unless it is
/// near the border, which is where the class's own number of pictures has it.
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

/// Whether each picture is for testing, by its draw and its class: of each class the wanted fraction, rounded, of the lowest draws. Of a
/// class of several pictures that is at least one, and at least one stays to train on; a single one is trained on.
fn choose(draws: &[f32], labels: &[u32], fraction: f64) -> Vec<bool> {
    let mut counts = vec![0usize; labels.iter().max().map_or(0, |&last| last as usize + 1)];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    let wanted = |count: usize| ((count as f64 * fraction).round() as usize).max(1).min(count.saturating_sub(1));
    let mut left: Vec<usize> = counts.into_iter().map(wanted).collect();
    let mut test = vec![false; draws.len()];
    // The bits of numbers that are not negative have the numbers' order.
    for picture in ascending(draws.iter().map(|draw| draw.to_bits().into())) {
        let left = &mut left[labels[picture] as usize];
        test[picture] = *left > 0;
        *left = left.saturating_sub(1);
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
    fn draws_depend_on_the_seed_and_fill_their_range() {
        let below = (0..10_000).filter(|i| draw(7, &format!("cat/{i}.png")) < 0.2).count();
        assert!((1_850..2_150).contains(&below), "{below}");
        let other = (0..100).filter(|i| draw(7, &format!("cat/{i}.png")) == draw(8, &format!("cat/{i}.png")));
        assert_eq!(other.count(), 0);
    }

    #[test]
    fn each_class_gives_its_share_of_the_lowest_draws() {
        let draws = [0.9, 0.4, 0.7, 0.8, 0.6, 0.01, 0.02, 0.03, 0.04, 0.05];
        let labels = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1];
        let tested = |fraction| -> Vec<usize> {
            let test = choose(&draws, &labels, fraction);
            (0..draws.len()).filter(|&picture| test[picture]).collect()
        };
        assert_eq!(tested(0.2), [1, 5]);
        assert_eq!(tested(0.4), [1, 4, 5, 6]);
        assert_eq!(tested(0.5), [1, 2, 4, 5, 6, 7], "2.5 is rounded up");
        assert_eq!(tested(0.001), [1, 5], "one at least is for testing");
        assert_eq!(tested(0.999).len(), 8, "one at least is trained on");
        assert!(!tested(0.999).contains(&0) && !tested(0.999).contains(&9));
    }

    #[test]
    fn equal_draws_share_as_others_do() {
        assert_eq!(choose(&[0.3; 6], &[0, 1, 0, 1, 0, 1], 0.3), [true, true, false, false, false, false]);
    }

    #[test]
    fn a_single_picture_is_trained_on() {
        assert_eq!(choose(&[0.1, 0.15, 0.01], &[0, 0, 1], 0.2), [true, false, false]);
        assert_eq!(choose(&[0.7, 0.9], &[0, 1], 0.2), [false, false]);
        assert_eq!(choose(&[], &[], 0.2), [false; 0]);
    }
}
