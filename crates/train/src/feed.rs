//! How pictures reach the engine: all at once where they fit, else with each batch.

use convoke_core::engine::{Engine, EngineError};
use convoke_core::plan::{Program, Slice};
use convoke_data::Samples;

/// The most bytes of pictures that are laid on a device as a whole.
const RESIDENT_BYTES: usize = 512 << 20;

/// Where a run's pictures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feed {
    /// All lie on the device; a run is sent their numbers.
    Resident,
    /// Each entry of the ring has room for one batch, which is sent with the run.
    Streamed,
}

/// What one entry of the ring has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The most samples.
    pub capacity: usize,
    /// Pictures that samples are mixed with and that are none of the batch's own: 0 or 1.
    pub partner: usize,
    /// The words that say how a sample is changed, 0 where it isn't.
    pub block: usize,
}

impl Feed {
    /// The feed for so many pictures of so many words each, with the ring's entries and the pictures that the device holds. Where no
    /// picture is known beforehand, they are streamed.
    /// `room` is the most bytes that a binding may hold.
    pub(crate) fn choose(pictures: usize, words: usize, batch: Batch, room: usize) -> (Self, usize, usize) {
        const SLOTS: usize = 64;
        let room = room.min(RESIDENT_BYTES);
        let Batch { capacity, partner, block } = batch;
        let most = (room / 4 / (capacity * block * 4).max(1)).clamp(1, SLOTS);
        if pictures > 0 && pictures.saturating_mul(words * 4) <= room && pictures <= room / 4 {
            return (Self::Resident, most, pictures);
        }
        let batch = (capacity + partner) * words * 4;
        let slots = (room / 4 / batch.max(1)).clamp(1, most);
        (Self::Streamed, slots, slots * (capacity + partner))
    }
}

/// Lays samples on the device, from picture `first` on, in pieces that keep the host's copy small.
pub(crate) fn upload(
    engine: &mut dyn Engine,
    program: &Program,
    samples: &Samples,
    first: usize,
) -> Result<(), EngineError> {
    const PIECE: usize = 4 << 20;
    let piece = (PIECE / (program.picture_words * 4)).max(1);
    for start in (0..samples.len()).step_by(piece) {
        let end = (start + piece).min(samples.len());
        write_pictures(engine, program, first + start, &samples.packed(start..end), &samples.labels[start..end])?;
    }
    Ok(())
}

/// Lays the pictures of one batch one after the other, from place `first` on.
pub(crate) fn upload_batch(
    engine: &mut dyn Engine,
    program: &Program,
    samples: &Samples,
    batch: &[u32],
    first: usize,
) -> Result<(), EngineError> {
    let mut words = Vec::with_capacity(batch.len() * program.picture_words);
    let mut labels = Vec::with_capacity(batch.len());
    for &index in batch {
        let index = index as usize;
        words.extend(samples.packed(index..index + 1));
        labels.push(samples.labels[index]);
    }
    write_pictures(engine, program, first, &words, &labels)
}

fn write_pictures(
    engine: &mut dyn Engine,
    program: &Program,
    first: usize,
    words: &[u32],
    labels: &[u32],
) -> Result<(), EngineError> {
    engine.write(tail(program.pixels, first * program.picture_words * 4), words)?;
    engine.write(tail(program.labels, first * 4), labels)
}

/// What is left of a slice after so many bytes.
fn tail(slice: Slice, bytes: usize) -> Slice {
    Slice { offset: slice.offset + bytes, bytes: slice.bytes - bytes, ..slice }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(capacity: usize) -> Batch {
        Batch { capacity, partner: 0, block: 0 }
    }

    #[test]
    fn what_fits_is_resident_and_what_does_not_is_streamed() {
        assert_eq!(Feed::choose(7000, 196, batch(64), 128 << 20), (Feed::Resident, 64, 7000));
        // 50,000 pictures of 224×224×3: a batch of 64 takes 9.6 MB, of which a quarter of a binding holds three.
        let words = 224 * 224 * 3 / 4;
        assert_eq!(Feed::choose(50_000, words, batch(64), 128 << 20), (Feed::Streamed, 3, 192));
        assert_eq!(Feed::choose(0, 196, batch(1), 128 << 20).0, Feed::Streamed);
        // One batch that fills the binding goes one at a time.
        assert_eq!(Feed::choose(50_000, words, batch(800), 128 << 20), (Feed::Streamed, 1, 800));
    }

    #[test]
    fn the_ring_is_shorter_where_large_batches_are_augmented() {
        // 33 words for each of 65,536 samples take 8.7 MB, of which a quarter of a binding holds three.
        let large = Batch { capacity: 1 << 16, partner: 1, block: 33 };
        assert_eq!(Feed::choose(70_000, 196, large, 128 << 20), (Feed::Resident, 3, 70_000));
        let streamed = Batch { capacity: 64, partner: 1, block: 33 };
        assert_eq!(Feed::choose(50_000, 224 * 224 * 3 / 4, streamed, 128 << 20), (Feed::Streamed, 3, 195));
    }
}
