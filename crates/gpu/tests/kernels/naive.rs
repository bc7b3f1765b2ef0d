//! Each kernel in plain loops and double precision, as its documentation in core says.

use convoke_core::expr::Epilogue;
use convoke_core::kernels::*;
use convoke_core::optim::Rates;
use convoke_core::step::Step;

/// What a slice must hold after a run.
pub enum Expected {
    /// Numbers, each with the sum of the absolute values that it was added up from.
    Floats(Vec<(f64, f64)>),
    /// Exactly these words.
    Words(Vec<u32>),
}

fn float(words: &[u32], i: usize) -> f64 {
    f64::from(f32::from_bits(words[i]))
}

/// A sum that knows the sizes of what it added.
#[derive(Clone, Copy, Default)]
struct Sum(f64, f64);

impl Sum {
    fn add(&mut self, value: f64) {
        self.0 += value;
        self.1 += value.abs();
    }

    fn finish(self, epilogue: &Epilogue, i: usize, operands: &[Vec<u32>], step: &Step) -> (f64, f64) {
        let operands = epilogue.operands.iter().zip(operands).map(|(b, words)| float(words, b.index(i)));
        let inputs: Vec<f64> = std::iter::once(self.0).chain(operands).collect();
        let size = self.1 + inputs[1..].iter().map(|v| v.abs()).sum::<f64>();
        (epilogue.expr.eval(&inputs, step, i), size)
    }
}

/// What the kernel's writes must hold; `writes` is what they hold before.
pub fn run(kernel: &Kernel, reads: &[Vec<u32>], writes: &[Vec<u32>], step: &Step) -> Vec<Expected> {
    let n = step.samples as usize;
    match kernel {
        Kernel::AugmentedGather(k) => augmented_gather(k, n, reads, step),
        Kernel::Conv(k) => vec![conv(k, n, reads, step)],
        Kernel::ConvGradInput(k) => vec![conv_grad_input(k, n, reads, step)],
        Kernel::ConvGradWeight(k) => vec![conv_grad_weight(k, n, reads)],
        Kernel::Copy(k) => vec![copy(k, n, reads, writes)],
        Kernel::CrossEntropy(k) => vec![cross_entropy(k, n, reads)],
        Kernel::CrossEntropyGrad(k) => vec![cross_entropy_grad(k, n, reads)],
        Kernel::Finite(k) => vec![finite(k, reads, writes, step)],
        Kernel::Gather(k) => gather(k, n, reads, step),
        Kernel::Gemm(k) => vec![gemm(k, n, reads, step)],
        Kernel::Map(k) => vec![map(k, n, reads, step)],
        Kernel::Metrics(k) => metrics(k, n, reads, writes, step),
        Kernel::OneHot(k) => vec![one_hot(k, n, reads, step)],
        Kernel::Pool(k) => pool(k, n, reads),
        Kernel::PoolGrad(k) => vec![pool_grad(k, n, reads, step)],
        Kernel::Reduce(k) => vec![reduce(k, n, reads, step)],
        Kernel::Resample(k) => vec![resample(k, n, reads)],
        Kernel::Update(k) => update(k, reads, writes, step),
    }
}

/// Calls `each` with the positions in input, weight and output of every product that a convolution adds up.
fn products(g: &ConvGeometry, n: usize, mut each: impl FnMut(usize, usize, usize)) {
    let (w, [oh, ow]) = (&g.window, g.window.output());
    for (n, o, c) in triples(n, g.out_channels, g.group_in()) {
        let channel = o / g.group_out() * g.group_in() + c;
        for (i, j, a) in triples(oh, ow, w.kernel[0]) {
            for b in 0..w.kernel[1] {
                if let (Some(r), Some(s)) = (w.source(0, i, a), w.source(1, j, b)) {
                    let x = ((n * g.in_channels + channel) * w.input[0] + r) * w.input[1] + s;
                    let weight = ((o * g.group_in() + c) * w.kernel[0] + a) * w.kernel[1] + b;
                    each(x, weight, ((n * g.out_channels + o) * oh + i) * ow + j);
                }
            }
        }
    }
}

fn triples(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a * b * c).map(move |i| (i / (b * c), i / c % b, i % c))
}

fn finish(sums: Vec<Sum>, epilogue: &Epilogue, operands: &[Vec<u32>], step: &Step) -> Expected {
    let finished = sums.into_iter().enumerate().map(|(i, sum)| sum.finish(epilogue, i, operands, step));
    Expected::Floats(finished.collect())
}

fn conv(k: &Conv, n: usize, reads: &[Vec<u32>], step: &Step) -> Expected {
    let mut y = vec![Sum::default(); n * k.geometry.output_len()];
    products(&k.geometry, n, |x, w, o| y[o].add(float(&reads[0], x) * float(&reads[1], w)));
    finish(y, &k.epilogue, &reads[2..], step)
}

fn conv_grad_input(k: &ConvGradInput, n: usize, reads: &[Vec<u32>], step: &Step) -> Expected {
    let mut gx = vec![Sum::default(); n * k.geometry.input_len()];
    products(&k.geometry, n, |x, w, o| gx[x].add(float(&reads[0], o) * float(&reads[1], w)));
    finish(gx, &k.epilogue, &reads[2..], step)
}

fn conv_grad_weight(k: &ConvGradWeight, n: usize, reads: &[Vec<u32>]) -> Expected {
    let (g, weights) = (&k.geometry, k.geometry.weight_len());
    let mut partial = vec![Sum::default(); n.div_ceil(k.chunk) * weights];
    products(g, n, |x, w, o| {
        let chunk = o / g.output_len() / k.chunk;
        partial[chunk * weights + w].add(float(&reads[0], x) * float(&reads[1], o));
    });
    Expected::Floats(partial.into_iter().map(|s| (s.0, s.1)).collect())
}

fn copy(k: &Copy, n: usize, reads: &[Vec<u32>], writes: &[Vec<u32>]) -> Expected {
    let mut y = writes[0].clone();
    for (r, i, _) in triples(k.rows.at(n), k.len, 1) {
        y[r * k.to_stride + k.to_offset + i] = reads[0][r * k.from_stride + k.from_offset + i];
    }
    Expected::Words(y)
}

fn gemm(k: &Gemm, n: usize, reads: &[Vec<u32>], step: &Step) -> Expected {
    let [m, columns, terms] = [k.m, k.n, k.k].map(|l| l.at(n));
    let mut c = vec![Sum::default(); m * columns];
    for (i, j, t) in triples(m, columns, terms) {
        let a = if k.transpose_a { t * m + i } else { i * terms + t };
        let b = if k.transpose_b { j * terms + t } else { t * columns + j };
        c[i * columns + j].add(float(&reads[0], a) * float(&reads[1], b));
    }
    finish(c, &k.epilogue, &reads[2..], step)
}

fn map(k: &Map, n: usize, reads: &[Vec<u32>], step: &Step) -> Expected {
    let value = |i: usize| {
        let inputs: Vec<f64> = k.operands.iter().zip(reads).map(|(b, words)| float(words, b.index(i))).collect();
        let value = k.expr.eval(&inputs, step, i);
        (value, value.abs() + inputs.iter().map(|v| v.abs()).sum::<f64>())
    };
    Expected::Floats((0..k.len.at(n)).map(value).collect())
}

fn reduce(k: &Reduce, n: usize, reads: &[Vec<u32>], step: &Step) -> Expected {
    let [outer, length, inner] = [k.outer, k.reduce, k.inner].map(|l| l.at(n));
    let mean = match k.mean {
        BatchMean::None => 1.0,
        BatchMean::Global => f64::from(step.inverse_samples),
        BatchMean::Held => 1.0 / f64::from(step.samples),
    };
    let factor = f64::from(k.scale) * mean;
    let start = if k.combine == Combine::Max { Sum(f64::NEG_INFINITY, 0.0) } else { Sum::default() };
    let mut sums = vec![start; outer * inner];
    for (o, r, i) in triples(outer, length, inner) {
        let at = (o * length + r) * inner + i;
        let inputs: Vec<f64> = k.operands.iter().zip(reads).map(|(b, words)| float(words, b.index(at))).collect();
        let (sum, term) = (&mut sums[o * inner + i], k.term.eval(&inputs, step, at) * factor);
        match k.combine {
            Combine::Sum => sum.add(term),
            Combine::Max if term > sum.0 => *sum = Sum(term, term.abs()),
            Combine::Max => (),
        }
    }
    Expected::Floats(sums.into_iter().map(|s| (s.0, s.1)).collect())
}

fn resample(k: &Resample, n: usize, reads: &[Vec<u32>]) -> Expected {
    let [h, w] = [k.rows.input, k.columns.input];
    let mut y = vec![Sum::default(); n * k.output_len()];
    for (plane, i, j) in triples(n * k.channels, k.rows.output(), k.columns.output()) {
        let (row, column) = (&k.rows.bands[i], &k.columns.bands[j]);
        for (_, a, b) in triples(1, row.weights.len(), column.weights.len()) {
            let x = float(&reads[0], (plane * h + row.first + a) * w + column.first + b);
            y[(plane * k.rows.output() + i) * k.columns.output() + j].add(row.weights[a] * column.weights[b] * x);
        }
    }
    Expected::Floats(y.into_iter().map(|s| (s.0, s.1)).collect())
}

/// Calls `each` with the output and the input position, in the whole tensors and in the plane, of each element of each window.
fn windows(w: &Window, planes: usize, mut each: impl FnMut(usize, usize, usize)) {
    let [oh, ow] = w.output();
    for (plane, i, j) in triples(planes, oh, ow) {
        for (_, a, b) in triples(1, w.kernel[0], w.kernel[1]) {
            if let (Some(r), Some(s)) = (w.source(0, i, a), w.source(1, j, b)) {
                let at = r * w.input[1] + s;
                each((plane * oh + i) * ow + j, plane * w.input_len() + at, at);
            }
        }
    }
}

fn pool(k: &Pool, n: usize, reads: &[Vec<u32>]) -> Vec<Expected> {
    let outputs = n * k.channels * k.window.output_len();
    let mut best: Vec<Option<(f64, u32)>> = vec![None; outputs];
    let mut sums = vec![Sum::default(); outputs];
    windows(&k.window, n * k.channels, |y, x, at| {
        let value = float(&reads[0], x);
        sums[y].add(value / k.window.kernel_len() as f64);
        if best[y].is_none_or(|(b, _)| value > b || (value.is_nan() && !b.is_nan())) {
            best[y] = Some((value, at as u32));
        }
    });
    match k.kind {
        PoolKind::Average => vec![Expected::Floats(sums.into_iter().map(|s| (s.0, s.1)).collect())],
        PoolKind::Max => {
            let best: Vec<(f64, u32)> = best.into_iter().flatten().collect();
            let values = best.iter().map(|b| (b.0 as f32).to_bits()).collect();
            vec![Expected::Words(values), Expected::Words(best.iter().map(|b| b.1).collect())]
        }
    }
}

fn pool_grad(k: &PoolGrad, n: usize, reads: &[Vec<u32>], step: &Step) -> Expected {
    let mut gx = vec![Sum::default(); n * k.channels * k.window.input_len()];
    windows(&k.window, n * k.channels, |y, x, at| match k.kind {
        PoolKind::Average => gx[x].add(float(&reads[0], y) / k.window.kernel_len() as f64),
        PoolKind::Max if reads[1][y] == at as u32 => gx[x].add(float(&reads[0], y)),
        PoolKind::Max => (),
    });
    let operands = if k.kind == PoolKind::Max { 2 } else { 1 };
    finish(gx, &k.epilogue, &reads[operands..], step)
}

fn gather(k: &Gather, n: usize, reads: &[Vec<u32>], step: &Step) -> Vec<Expected> {
    let sample = |n: usize| reads[2][step.first_index as usize + n] as usize;
    let pixel = |(n, c, p): (usize, usize, usize)| {
        let at = if k.source_channels == 1 { p } else { c * k.plane + p };
        let word = reads[0][sample(n) * k.sample_words() + at / 4];
        let byte = f64::from(word >> (at % 4 * 8) & 255);
        ((byte / 255.0 - f64::from(k.mean[c])) * f64::from(k.inverse_std[c]), f64::from(k.inverse_std[c]))
    };
    let x = triples(n, k.channels, k.plane).map(pixel).collect();
    vec![Expected::Floats(x), Expected::Words((0..n).map(|n| reads[1][sample(n)]).collect())]
}

fn augmented_gather(k: &AugmentedGather, n: usize, reads: &[Vec<u32>], step: &Step) -> Vec<Expected> {
    let Gather { source_channels, channels, plane, .. } = k.gather;
    let first = step.first_index as usize;
    let block = |n: usize| &reads[3][(first + n) * k.block_words()..][..k.block_words()];
    let index = |n: usize| reads[2][first + n] as usize;
    let seen = |words: &[u32], picture: usize, c: usize, p: usize| {
        let whole = reads[0].iter().flat_map(|word| word.to_le_bytes()).skip(picture * k.gather.sample_words() * 4);
        let bytes: Vec<u8> = whole.take(source_channels * plane).collect();
        let mut view = View::from_words(words);
        if !k.coloured {
            view = View { gain: 1.0, offset: 0.0, saturation: 1.0, ..view };
        }
        let (row, column) = (p / k.size[1], p % k.size[1]);
        if view.cutout.contains(row, column) {
            return 0.0;
        }
        if !k.interpolated {
            // The nearest pixel instead of the point.
            let at = view.point(row, column).map(|at| (at + PIXEL / 2) >> 16 << 16);
            view.matrix = [0, 0, at[0], 0, 0, at[1]];
        }
        let colours = view.colours(&bytes, [source_channels, k.size[0], k.size[1]], row, column);
        let value = colours[c % source_channels] / 255.0;
        (value - f64::from(k.gather.mean[c])) * f64::from(k.gather.inverse_std[c])
    };
    let element = |(n, c, p): (usize, usize, usize)| {
        let words = block(n);
        let value = seen(words, index(n), c, p);
        if !k.mixed {
            return value;
        }
        let mix = Mix::from_words(&words[View::WORDS..]);
        let other = seen(&words[View::WORDS + Mix::WORDS..], mix.second as usize, c, p);
        let inside = mix.rectangle.contains(p / k.size[1], p % k.size[1]);
        let weight = if inside { 0.0 } else { f64::from(mix.weight) };
        weight * value + (1.0 - weight) * other
    };
    let x = triples(n, channels, plane).map(|at| (element(at), 2.0 * f64::from(k.gather.inverse_std[at.1])));
    let mut writes = vec![Expected::Floats(x.collect()), Expected::Words((0..n).map(|n| reads[1][index(n)]).collect())];
    if k.mixed {
        let mixes: Vec<Mix> = (0..n).map(|n| Mix::from_words(&block(n)[View::WORDS..])).collect();
        writes.push(Expected::Words(mixes.iter().map(|mix| reads[1][mix.second as usize]).collect()));
        writes.push(Expected::Words(mixes.iter().map(|mix| mix.share.to_bits()).collect()));
    }
    writes
}

/// The logits of a sample less their largest, and the logarithm of the sum of their exponentials.
fn log_sum(logits: &[u32], classes: usize, n: usize) -> (Vec<f64>, f64) {
    let row: Vec<f64> = (0..classes).map(|c| float(logits, n * classes + c)).collect();
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let row: Vec<f64> = row.iter().map(|v| v - largest).collect();
    let sum: f64 = row.iter().map(|v| v.exp()).sum();
    (row, sum.ln())
}

fn cross_entropy(k: &CrossEntropy, n: usize, reads: &[Vec<u32>]) -> Expected {
    let loss = |n: usize| {
        let (row, log) = log_sum(&reads[0], k.classes, n);
        let size = |x: f64| 1.0 + log + x.abs();
        if k.soft {
            let mut sum = (0.0, 0.0);
            for (c, x) in row.iter().enumerate() {
                let target = float(&reads[1], n * k.classes + c);
                sum = (sum.0 + target * (log - x), sum.1 + target.abs() * size(*x));
            }
            return sum;
        }
        row.get(reads[1][n] as usize).map_or((f64::NAN, 0.0), |x| (log - x, size(*x)))
    };
    Expected::Floats((0..n).map(loss).collect())
}

fn cross_entropy_grad(k: &CrossEntropyGrad, n: usize, reads: &[Vec<u32>]) -> Expected {
    let gradient = |(n, _, c): (usize, usize, usize)| {
        let (row, log) = log_sum(&reads[0], k.classes, n);
        let g = float(&reads[2], n);
        let share = (row[c] - log).exp();
        if k.soft {
            let target = |c: usize| float(&reads[1], n * k.classes + c);
            let [total, size] = [|t: f64| t, f64::abs].map(|of| (0..k.classes).map(|c| of(target(c))).sum::<f64>());
            return (g * (share * total - target(c)), g.abs() * (share * size + target(c).abs()));
        }
        let one = if reads[1][n] as usize == c { 1.0 } else { 0.0 };
        (g * (share - one), g.abs())
    };
    Expected::Floats(triples(n, 1, k.classes).map(gradient).collect())
}

fn one_hot(k: &OneHot, n: usize, reads: &[Vec<u32>], step: &Step) -> Expected {
    let target = |(n, _, c): (usize, usize, usize)| {
        let is = |labels: usize| if reads[labels][n] as usize == c { 1.0 } else { 0.0 };
        let beyond = |labels: usize| reads[labels][n] as usize >= k.classes;
        let (mut share, mut size, mut is_sound) = (is(0), 1.0, !beyond(0));
        if k.mixed {
            let first = float(&reads[2], n);
            (share, size) = (first * is(0) + (1.0 - first) * is(1), 1.0 + first.abs());
            is_sound &= !beyond(1);
        }
        let smoothing = f64::from(k.label_smoothing);
        let weight = match k.weighted {
            true => f64::from(step.weight_scale) * float(reads.last().expect("it has weights"), c),
            false => 1.0,
        };
        let target = weight * ((1.0 - smoothing) * share + smoothing / k.classes as f64);
        (if is_sound { target } else { f64::NAN }, size * weight.abs())
    };
    Expected::Floats(triples(n, 1, k.classes).map(target).collect())
}

fn metrics(k: &Metrics, n: usize, reads: &[Vec<u32>], writes: &[Vec<u32>], step: &Step) -> Vec<Expected> {
    let mut sum = 0.0f32;
    let mut hits = 0;
    let mut tallies = writes.get(1).cloned().unwrap_or_default();
    for i in 0..n {
        sum += f32::from_bits(reads[2][i]);
        // From the largest down; a stable sort leaves the first of equal ones in front.
        let mut order: Vec<usize> = (0..k.classes).collect();
        let logit = |c: usize| float(&reads[0], i * k.classes + c);
        order.sort_by(|&a, &b| logit(b).partial_cmp(&logit(a)).expect("the logits are numbers"));
        let label = reads[1][i] as usize;
        hits += u32::from(order[0] == label);
        if k.tally != Tally::Nothing {
            tallies[0] += u32::from(order[..k.classes.min(5)].contains(&label));
        }
        if k.tally == Tally::Confusion {
            tallies[1 + label * k.classes + order[0]] += 1;
        }
    }
    let mut words = writes[0].clone();
    let broken = u32::from(!sum.is_finite());
    // A sum that is not finite may be any NaN or infinity: only its brokenness counts. The losses of the cases add up exactly.
    words[4 * step.slot as usize..][..4].copy_from_slice(&[sum.to_bits(), hits, n as u32, broken]);
    std::iter::once(words).chain((k.tally != Tally::Nothing).then_some(tallies)).map(Expected::Words).collect()
}

fn finite(k: &Finite, reads: &[Vec<u32>], writes: &[Vec<u32>], step: &Step) -> Expected {
    let broken = (0..k.len).any(|i| !float(&reads[0], i).is_finite()) || reads[1][4 * step.slot as usize + 3] != 0;
    let flag = writes[0][0];
    Expected::Words(vec![if broken && flag == 0 { step.number.max(1) } else { flag }])
}

fn update(k: &Update, reads: &[Vec<u32>], writes: &[Vec<u32>], step: &Step) -> Vec<Expected> {
    if reads[1][0] != 0 {
        return writes.iter().cloned().map(Expected::Words).collect();
    }
    let mut rates = Rates::of(step);
    rates.lr *= f64::from(k.rate);
    rates.step_size *= f64::from(k.rate);
    let mut out = vec![Vec::new(); writes.len()];
    for i in 0..k.len {
        let mut at: Vec<f64> = writes.iter().map(|tensor| float(tensor, i)).collect();
        let g = match k.clip {
            Some(Clip::Value(limit)) => float(&reads[0], i).clamp(-f64::from(limit), limit.into()),
            Some(Clip::Norm(limit)) => float(&reads[0], i) * (f64::from(limit) / float(&reads[2], 0).sqrt()).min(1.0),
            None => float(&reads[0], i),
        };
        let (parameter, state) = at.split_first_mut().expect("a parameter is the first");
        *parameter = k.rule.apply(*parameter, g, &mut state[..k.rule.states()], &rates);
        if let (Some(share), Some(average)) = (k.average, state.last_mut()) {
            *average += (*parameter - *average) * f64::from(share);
        }
        out.iter_mut().zip(at).for_each(|(out, value)| out.push((value, 1.0 + value.abs())));
    }
    out.into_iter().map(Expected::Floats).collect()
}
