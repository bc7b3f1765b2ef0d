//! Gradients in the order in which the backward pass leaves them.

use super::{Place, PlanKind, Program, Slice};

/// A part of a chunk's tensors: gradients, and the parameters that follow from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which of [`Program::chunks`].
    pub chunk: usize,
    /// Where it begins, in elements.
    pub offset: usize,
    /// Its length in elements, padding included.
    pub len: usize,
}

impl Piece {
    /// Its range of one of the chunk's tensors.
    pub fn of(self, whole: Slice) -> Slice {
        Slice { offset: whole.offset + self.offset * 4, bytes: self.len * 4, ..whole }
    }
}

/// Gradients that are ready at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many steps of [`PlanKind::Gradients`] it takes until all of them are there.
    pub ready: usize,
    /// Where they lie.
    pub pieces: Vec<Piece>,
}

impl Bucket {
    /// The number of gradients, padding included.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// Parameters begin at multiples of this many elements, and what lies between is padding.
const ROW: usize = 64;

impl Program {
    /// The gradients, and statistics, that the update follows, those first that the plan leaves first, in buckets of at least so many bytes: while one
    /// is on its way, the device computes the next.
    pub fn buckets(&self, at_least: usize) -> Vec<Bucket> {
        let mut order: Vec<(usize, Piece)> = self.parameters.iter().filter_map(|place| self.left_by(place)).collect();
        order.sort_by_key(|&(ready, piece)| (ready, piece.chunk, piece.offset));
        let mut buckets: Vec<Bucket> = Vec::new();
        for (ready, piece) in order {
            match buckets.last_mut() {
                Some(bucket) if bucket.len() * 4 < at_least || bucket.ready == ready => {
                    bucket.ready = ready;
                    bucket.pieces.push(piece);
                }
                _ => buckets.push(Bucket { ready, pieces: vec![piece] }),
            }
        }
        buckets.iter_mut().for_each(|bucket| bucket.pieces = joined(std::mem::take(&mut bucket.pieces)));
        buckets
    }

    /// How many steps it takes until a parameter's gradient is there, and where it lies; `None` where there is none.
    fn left_by(&self, place: &Place) -> Option<(usize, Piece)> {
        let len = place.dims.iter().product::<usize>().next_multiple_of(ROW);
        let piece = Piece { chunk: place.chunk, offset: place.offset, len };
        let wanted = piece.of(self.chunks[place.chunk].gradients);
        let writes = |slice: &Slice| {
            slice.buffer == wanted.buffer
                && slice.offset < wanted.offset + wanted.bytes
                && wanted.offset < slice.offset + slice.bytes
        };
        let steps = &self.plan(PlanKind::Gradients).steps;
        let last = steps.iter().rposition(|step| step.writes.iter().any(writes))?;
        Some((last + 1, piece))
    }
}

/// Pieces in the order of their places, those that touch as one.
fn joined(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.sort_by_key(|piece| (piece.chunk, piece.offset));
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if last.chunk == piece.chunk && last.offset + last.len == piece.offset => last.len += piece.len,
            _ => joined.push(piece),
        }
    }
    joined
}
