//! What a resampling does along one axis: a table of weights.

/// The elements of the input that one element of the output is made of: those from `first` on, each with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// The first of them.
    pub first: usize,
    /// Their weights; none where the output is 0.
    pub weights: Vec<f64>,
}

/// A linear map along one axis, as a band for each element of the output.
#[derive(Clone, Debug, PartialEq)]
pub struct Bands {
    /// Elements of the input.
    pub input: usize,
    /// A band for each element of the output.
    pub bands: Vec<Band>,
}

impl Bands {
    /// Elements of the output.
    pub fn output(&self) -> usize {
        self.bands.len()
    }

    /// The longest band.
    pub fn longest(&self) -> usize {
        self.bands.iter().map(|band| band.weights.len()).max().unwrap_or(0)
    }

    /// Each output is the input element `⌊o · input / output⌋`: PyTorch's `interpolate(mode="nearest")`, in whole numbers.
    pub fn nearest(input: usize, output: usize) -> Self {
        Self::of(input, output, |o| Band { first: o * input / output, weights: vec![1.0] })
    }

    /// Between the two input elements whose centres are around the output's, at `(o + ½) · input / output − ½`; those at the edges
    /// go on beyond them. PyTorch's `interpolate(mode="bilinear", align_corners=False)` along one axis.
    pub fn linear(input: usize, output: usize) -> Self {
        Self::of(input, output, |o| {
            let place = ((o as f64 + 0.5) * input as f64 / output as f64 - 0.5).max(0.0);
            let first = (place as usize).min(input - 1);
            let after = place - first as f64;
            let weights = if first + 1 < input { vec![1.0 - after, after] } else { vec![1.0] };
            Band { first, weights }
        })
    }

    /// The mean of the input elements from `⌊o · input / output⌋` to before `⌈(o + 1) · input / output⌉`: PyTorch's
    /// `adaptive_avg_pool2d` along one axis.
    pub fn adaptive_average(input: usize, output: usize) -> Self {
        Self::of(input, output, |o| {
            let (first, end) = (o * input / output, ((o + 1) * input).div_ceil(output));
            Band { first, weights: vec![1.0 / (end - first) as f64; end - first] }
        })
    }

    /// So many zeros before and behind.
    pub fn zeros(input: usize, [before, behind]: [usize; 2]) -> Self {
        Self::of(input, before + input + behind, |o| match o.checked_sub(before) {
            Some(first) if first < input => Band { first, weights: vec![1.0] },
            _ => Band { first: 0, weights: Vec::new() },
        })
    }

    /// The first element so many times before, the last behind.
    pub fn replicate(input: usize, [before, behind]: [usize; 2]) -> Self {
        Self::of(input, before + input + behind, |o| Band {
            first: o.saturating_sub(before).min(input - 1),
            weights: vec![1.0],
        })
    }

    /// Mirrored at the first element and at the last, which are not repeated. Both sides must be shorter than the input.
    pub fn reflect(input: usize, [before, behind]: [usize; 2]) -> Self {
        Self::of(input, before + input + behind, |o| {
            let from = o.abs_diff(before);
            let last = input - 1;
            Band { first: if from > last && o > before { 2 * last - from } else { from }, weights: vec![1.0] }
        })
    }

    fn of(input: usize, output: usize, band: impl Fn(usize) -> Band) -> Self {
        Self { input, bands: (0..output).map(band).collect() }
    }

    /// The map's transpose: how gradients go back.
    pub fn transposed(&self) -> Self {
        let mut ends = vec![(usize::MAX, 0); self.input];
        let pairs = || {
            let all = self.bands.iter().enumerate();
            all.flat_map(|(o, band)| band.weights.iter().enumerate().map(move |(k, &w)| (band.first + k, o, w)))
        };
        for (i, o, _) in pairs() {
            ends[i] = (ends[i].0.min(o), ends[i].1.max(o + 1));
        }
        let empty = |&(first, end): &(usize, usize)| match end {
            0 => Band { first: 0, weights: Vec::new() },
            _ => Band { first, weights: vec![0.0; end - first] },
        };
        let mut bands: Vec<Band> = ends.iter().map(empty).collect();
        for (i, o, weight) in pairs() {
            let first = bands[i].first;
            bands[i].weights[o - first] += weight;
        }
        Self { input: self.output(), bands }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole matrix, row by row.
    fn matrix(bands: &Bands) -> Vec<Vec<f64>> {
        let row = |band: &Band| {
            let mut row = vec![0.0; bands.input];
            row[band.first..][..band.weights.len()].copy_from_slice(&band.weights);
            row
        };
        bands.bands.iter().map(row).collect()
    }

    fn firsts(bands: &Bands) -> Vec<usize> {
        bands.bands.iter().map(|band| band.first).collect()
    }

    #[test]
    fn borders_are_what_their_names_say() {
        assert_eq!(firsts(&Bands::reflect(4, [3, 2])), [3, 2, 1, 0, 1, 2, 3, 2, 1]);
        assert_eq!(firsts(&Bands::replicate(3, [2, 1])), [0, 0, 0, 1, 2, 2]);
        let lengths: Vec<usize> = Bands::zeros(2, [1, 2]).bands.iter().map(|band| band.weights.len()).collect();
        assert_eq!(lengths, [0, 1, 1, 0, 0]);
        assert_eq!(firsts(&Bands::nearest(2, 5)), [0, 0, 0, 1, 1]);
    }

    #[test]
    fn a_transpose_is_one() {
        let all = [
            Bands::linear(5, 8),
            Bands::linear(7, 3),
            Bands::nearest(6, 4),
            Bands::adaptive_average(7, 3),
            Bands::reflect(4, [3, 2]),
            Bands::replicate(3, [2, 1]),
            Bands::zeros(3, [2, 1]),
        ];
        for bands in all {
            let (there, back) = (matrix(&bands), matrix(&bands.transposed()));
            for (o, row) in there.iter().enumerate() {
                for (i, weight) in row.iter().enumerate() {
                    assert_eq!(*weight, back[i][o], "{bands:?}");
                }
            }
        }
    }
}
