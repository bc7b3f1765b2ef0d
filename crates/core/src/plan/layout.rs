//! Where parameters lie: one after another in chunks that a binding can hold, those that are updated alike side by side.

use super::{Place, RangeUpdate, Slice};
use crate::engine::Limits;
use crate::error::{Error, Result};
use crate::order::ascending;

/// A tensor that has a place in the chunks.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub dims: Vec<usize>,
    /// Whether it is learned.
    pub learned: bool,
    /// How it is updated; `None` where it stays as it is.
    pub update: Option<RangeUpdate>,
}

/// A part of a chunk in which all is updated alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Which of the chunks.
    pub chunk: usize,
    /// Where it begins, in elements (a multiple of 64).
    pub offset: usize,
    /// Its length in elements, paddings included.
    pub len: usize,
    /// How it is updated; `None` where it stays as it is.
    pub update: Option<RangeUpdate>,
}

/// Where everything lies.
#[derive(Debug)]
pub(super) struct Layout {
    /// The place of each entry, in the entries' order.
    pub places: Vec<Place>,
    /// The length of each chunk, in elements.
    pub lengths: Vec<usize>,
    /// What each part of the chunks follows.
    pub ranges: Vec<Range>,
}

impl Layout {
    /// Each entry's slice of one of the chunks' buffers, which `whole` gives by the chunk.
    pub fn slices(&self, whole: impl Fn(usize) -> Slice) -> Vec<Slice> {
        let slice = |place: &Place| {
            let whole = whole(place.chunk);
            let bytes = 4 * place.dims.iter().product::<usize>();
            Slice { offset: whole.offset + place.offset * 4, bytes, ..whole }
        };
        self.places.iter().map(slice).collect()
    }
}

/// Lays the entries one after another, each at a multiple of the binding alignment: first those that are updated as the first one is,
/// then those as the next, and so on.
pub(super) fn lay_out(entries: &[Entry], limits: &Limits) -> Result<Layout> {
    let limit = limits.max_binding_bytes.min(limits.max_buffer_bytes) / 4;
    let alignment = limits.offset_alignment.div_ceil(4).max(64);
    let mut kinds: Vec<Option<RangeUpdate>> = Vec::new();
    for entry in entries {
        if !kinds.contains(&entry.update) {
            kinds.push(entry.update);
        }
    }
    let kind = |entry: &Entry| kinds.iter().position(|kind| *kind == entry.update).map_or(0, |at| at as u64);
    let order = ascending(entries.iter().map(kind));
    let (mut lengths, mut ranges) = (vec![0], Vec::<Range>::new());
    let mut places: Vec<Option<Place>> = vec![None; entries.len()];
    for index in order {
        let Entry { name, dims, learned, update } = entries[index].clone();
        let len = dims.iter().product::<usize>().next_multiple_of(alignment);
        if len > limit {
            let what = format!("the parameter {name}");
            return Err(Error::TooLarge { what, bytes: len * 4, limit: limit * 4 });
        }
        if lengths[lengths.len() - 1] + len > limit {
            lengths.push(0);
        }
        let chunk = lengths.len() - 1;
        let offset = lengths[chunk];
        match ranges.last_mut() {
            Some(range) if range.chunk == chunk && range.update == update => range.len += len,
            _ => ranges.push(Range { chunk, offset, len, update }),
        }
        places[index] = Some(Place { name, dims, learned, chunk, offset });
        lengths[chunk] += len;
    }
    // A network without parameters still has a buffer, of one row, so that every program looks alike.
    lengths.iter_mut().for_each(|length| *length = (*length).max(alignment));
    Ok(Layout { places: places.into_iter().flatten().collect(), lengths, ranges })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{Rule, Sgd};

    fn entry(name: &str, len: usize, rate: Option<f32>) -> Entry {
        let rule = Rule::Sgd(Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 });
        let update = rate.map(|rate| RangeUpdate { rule, rate, learned: true });
        Entry { name: name.into(), dims: vec![len], learned: true, update }
    }

    #[test]
    fn what_is_updated_alike_lies_side_by_side() {
        let entries = [
            entry("a", 10, Some(1.0)),
            entry("b", 70, None),
            entry("c", 64, Some(1.0)),
            entry("d", 1, Some(2.0)),
            entry("e", 1, None),
        ];
        let layout = lay_out(&entries, &Limits::WEBGPU).unwrap();
        let places: Vec<(&str, usize)> = layout.places.iter().map(|p| (p.name.as_str(), p.offset)).collect();
        assert_eq!(places, [("a", 0), ("b", 128), ("c", 64), ("d", 320), ("e", 256)]);
        let ranges: Vec<_> = layout.ranges.iter().map(|r| (r.offset, r.len, r.update.map(|u| u.rate))).collect();
        assert_eq!(ranges, [(0, 128, Some(1.0)), (128, 192, None), (320, 64, Some(2.0))]);
        assert_eq!(layout.lengths, [384]);
    }

    #[test]
    fn a_range_ends_with_its_chunk() {
        let limits = Limits { max_binding_bytes: 512, ..Limits::WEBGPU };
        let entries = [entry("a", 64, Some(1.0)), entry("b", 128, Some(1.0)), entry("c", 60, None)];
        let layout = lay_out(&entries, &limits).unwrap();
        let ranges: Vec<_> = layout.ranges.iter().map(|r| (r.chunk, r.offset, r.len, r.update.is_some())).collect();
        assert_eq!(ranges, [(0, 0, 64, true), (1, 0, 128, true), (2, 0, 64, false)]);
        assert!(lay_out(&[entry("a", 129, None)], &limits).is_err());
    }
}
