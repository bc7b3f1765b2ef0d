//! Placement: which buffer a tensor lies in, and where, so that no dispatch reads and writes one buffer and tensors that
//! never live at once share memory.

use std::collections::{BTreeMap, HashMap};

use super::{BufferId, Slice};
use crate::engine::Limits;
use crate::error::{Error, Result};
use crate::lower::{LoweredStep, TensorId};
use crate::order::{arranged, ascending};

/// Where the tensors of one plan lie: pinned ones where they were put, the others in arenas.
#[derive(Debug)]
pub(super) struct Placement {
    /// Every tensor's slice.
    pub slices: HashMap<TensorId, Slice>,
    /// The bytes that each arena needs; arena `i` is buffer `first_arena + i`.
    pub arenas: Vec<usize>,
}

/// A tensor that needs a place.
#[derive(Debug)]
struct Resident {
    tensor: TensorId,
    bytes: usize,
    /// The steps from the one that makes it to the last that reads it.
    alive: [usize; 2],
    colour: usize,
}

/// Places the tensors of `steps`. `bytes` gives a tensor's size; `pinned` those that have a place already.
///
/// # Errors
/// [`Error::TooLarge`] where a tensor is larger than a binding or a buffer.
pub(super) fn place(
    steps: &[LoweredStep],
    bytes: &dyn Fn(TensorId) -> usize,
    pinned: &HashMap<TensorId, Slice>,
    limits: &Limits,
    first_arena: usize,
) -> Result<Placement> {
    let mut residents = colour(steps, bytes, pinned);
    let limit = limits.max_binding_bytes.min(limits.max_buffer_bytes);
    for resident in &residents {
        if resident.bytes > limit {
            let step = &steps[resident.alive[0]];
            let what = format!("what layer `{}` computes", step.label);
            return Err(Error::TooLarge { what, bytes: resident.bytes, limit });
        }
    }
    // The largest first; among equals by when they live, then by number.
    let keys: [fn(&Resident) -> u64; 4] =
        [|r| number(r.tensor), |r| r.alive[1] as u64, |r| r.alive[0] as u64, |r| u64::MAX - r.bytes as u64];
    for key in keys {
        let order = ascending(residents.iter().map(key));
        residents = arranged(residents, &order);
    }
    let (mut slices, mut arenas) = (pinned.clone(), Arenas::default());
    for resident in &residents {
        let (arena, offset) = arenas.insert(resident, limits);
        let buffer = BufferId(first_arena + arena);
        slices.insert(resident.tensor, Slice { buffer, offset, bytes: resident.bytes.max(4) });
    }
    Ok(Placement { slices, arenas: arenas.bytes })
}

/// A number that tells tensors apart: temporaries come behind values.
fn number(tensor: TensorId) -> u64 {
    match tensor {
        TensorId::Value(value) => value.0 as u64,
        TensorId::Temporary(number) => 1 << 32 | number as u64,
    }
}

/// Gives each tensor the first colour that none of those has which some step reads while writing it, or writes while
/// reading it. Most networks need two or three.
fn colour(
    steps: &[LoweredStep],
    bytes: &dyn Fn(TensorId) -> usize,
    pinned: &HashMap<TensorId, Slice>,
) -> Vec<Resident> {
    let mut residents: Vec<Resident> = Vec::new();
    let mut known: HashMap<TensorId, usize> = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        for &tensor in step.reads.iter().chain(&step.writes).filter(|t| !pinned.contains_key(t)) {
            // Read again, or written in parts by several steps: it lives on.
            if let Some(&resident) = known.get(&tensor) {
                residents[resident].alive[1] = index;
                continue;
            }
            let apart = steps.iter().filter(|s| s.writes.contains(&tensor)).flat_map(|s| &s.reads);
            let apart = apart.chain(steps.iter().filter(|s| s.reads.contains(&tensor)).flat_map(|s| &s.writes));
            let taken: Vec<usize> = apart.filter_map(|t| known.get(t)).map(|&r| residents[r].colour).collect();
            let colour = (0..).find(|c| !taken.contains(c)).expect("there are more colours than neighbours");
            known.insert(tensor, residents.len());
            residents.push(Resident { tensor, bytes: bytes(tensor), alive: [index, index], colour });
        }
    }
    residents
}

/// Arenas under construction: for each, its size so far and what lies in it.
#[derive(Debug, Default)]
struct Arenas {
    bytes: Vec<usize>,
    held: Vec<Vec<(usize, usize, [usize; 2])>>,
    of_colour: BTreeMap<usize, Vec<usize>>,
}

impl Arenas {
    /// Puts a tensor at the lowest free offset of the first arena of its colour that has room.
    fn insert(&mut self, resident: &Resident, limits: &Limits) -> (usize, usize) {
        let size = resident.bytes.max(4).next_multiple_of(limits.offset_alignment);
        let candidates = self.of_colour.entry(resident.colour).or_default().clone();
        for arena in candidates {
            let offset = lowest_gap(&self.held[arena], resident.alive, size);
            if offset + size <= limits.max_buffer_bytes {
                self.put(arena, offset, size, resident.alive);
                return (arena, offset);
            }
        }
        let arena = self.bytes.len();
        self.bytes.push(0);
        self.held.push(Vec::new());
        self.of_colour.entry(resident.colour).or_default().push(arena);
        self.put(arena, 0, size, resident.alive);
        (arena, 0)
    }

    fn put(&mut self, arena: usize, offset: usize, size: usize, alive: [usize; 2]) {
        let (held, new) = (&mut self.held[arena], (offset, size, alive));
        held.insert(held.partition_point(|other| *other < new), new);
        self.bytes[arena] = self.bytes[arena].max(offset + size);
    }
}

/// The lowest offset at which `size` bytes overlap nothing that is alive at the same time. `held` is sorted by offset.
fn lowest_gap(held: &[(usize, usize, [usize; 2])], alive: [usize; 2], size: usize) -> usize {
    let mut end = 0;
    for &(offset, length, [first, last]) in held {
        if last < alive[0] || alive[1] < first {
            continue;
        }
        if offset >= end + size {
            break;
        }
        end = end.max(offset + length);
    }
    end
}
