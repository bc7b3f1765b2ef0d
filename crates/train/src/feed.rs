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

impl Feed {
    /// The feed for so many pictures of so many words each, with the ring's entries and the pictures that the device holds. Where no
    /// picture is known beforehand, they are streamed.
    /// `room` is the most bytes that a binding may hold.
    pub(crate) fn choose(pictures: usize, words: usize, capacity: usize, room: usize) -> (Self, usize, usize) {
        const SLOTS: usize = 64;
        let room = room.min(RESIDENT_BYTES);
        if pictures > 0 && pictures.saturating_mul(words * 4) <= room && pictures <= room / 4 {
            return (Self::Resident, SLOTS, pictures);
        }
        let batch = capacity * words * 4;
        let slots = (room / 4 / batch.max(1)).clamp(1, SLOTS);
        (Self::Streamed, slots, slots * capacity)
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

/// Lays one batch into entry `slot` of the ring.
pub(crate) fn upload_batch(
    engine: &mut dyn Engine,
    program: &Program,
    samples: &Samples,
    batch: &[u32],
    slot: usize,
) -> Result<(), EngineError> {
    let mut words = Vec::with_capacity(batch.len() * program.picture_words);
    let mut labels = Vec::with_capacity(batch.len());
    for &index in batch {
        let index = index as usize;
        words.extend(samples.packed(index..index + 1));
        labels.push(samples.labels[index]);
    }
    write_pictures(engine, program, slot * program.capacity, &words, &labels)
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

    #[test]
    fn what_fits_is_resident_and_what_does_not_is_streamed() {
        assert_eq!(Feed::choose(7000, 196, 64, 128 << 20), (Feed::Resident, 64, 7000));
        // 50,000 pictures of 224×224×3: a batch of 64 takes 9.6 MB, of which a quarter of a binding holds three.
        let words = 224 * 224 * 3 / 4;
        assert_eq!(Feed::choose(50_000, words, 64, 128 << 20), (Feed::Streamed, 3, 192));
        assert_eq!(Feed::choose(0, 196, 1, 128 << 20).0, Feed::Streamed);
        // One batch that fills the binding goes one at a time.
        assert_eq!(Feed::choose(50_000, words, 800, 128 << 20), (Feed::Streamed, 1, 800));
    }
}
