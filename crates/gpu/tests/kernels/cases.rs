//! What is run: kernels with their data.

use convoke_core::expr::{Binary, Broadcast, Epilogue, Expr, Unary};
use convoke_core::kernels::*;
use convoke_core::optim::{Adagrad, Optimizer, OptimizerKind, OptimizerOptions, RmsProp, Rule, Running, Sgd, Sum};
use convoke_core::random::{Stream, StreamId};
use convoke_core::shape::Extent;
use convoke_core::step::Step;

/// The most samples of a run; runs of fewer must leave the rest alone.
pub const CAPACITY: usize = 5;

/// A kernel with what its slices hold before a run.
pub struct Case {
    pub kernel: Kernel,
    pub reads: Vec<Vec<u32>>,
    pub writes: Vec<Vec<u32>>,
    pub step: Step,
}

/// Random data, always the same.
struct Data(Stream);

impl Data {
    fn floats(&mut self, length: usize) -> Vec<u32> {
        (0..length).map(|_| self.0.uniform(-1.0, 1.0).to_bits()).collect()
    }

    fn words(&mut self, length: usize, below: usize) -> Vec<u32> {
        (0..length).map(|_| self.0.below(below as u32)).collect()
    }

    /// What the operands of an epilogue on `length` elements hold.
    fn operands(&mut self, broadcasts: &[Broadcast], length: usize) -> Vec<Vec<u32>> {
        let count = |b: &Broadcast| (0..length).map(|i| b.index(i)).max().map_or(1, |last| last + 1);
        broadcasts.iter().map(|b| self.floats(count(b))).collect()
    }
}

fn step(samples: usize) -> Step {
    Step {
        samples: samples as u32,
        slot: 1,
        first_index: 2,
        number: 7,
        inverse_samples: 1.0 / samples as f32,
        learning_rate: 0.05,
        step_size: 0.02,
        inverse_sqrt_correction: 1.25,
        weight_scale: 0.75,
        ..Step::default()
    }
}

fn untouched(length: usize) -> Vec<u32> {
    vec![crate::UNTOUCHED; length]
}

/// All cases.
pub fn cases() -> Vec<Case> {
    let mut data = Data(Stream::new(3, StreamId::Init, 0, 0));
    let mut cases = Vec::new();
    convolutions(&mut data, &mut cases);
    pools(&mut data, &mut cases);
    products(&mut data, &mut cases);
    sums(&mut data, &mut cases);
    pictures(&mut data, &mut cases);
    augmented(&mut data, &mut cases);
    losses(&mut data, &mut cases);
    updates(&mut data, &mut cases);
    cases
}

fn input(i: usize) -> Expr {
    Expr::Input(i)
}

/// An epilogue for an output of `channels` channels of `inner` elements; there are several kinds, by turns.
fn epilogue(turn: usize, channels: usize, inner: usize) -> Epilogue {
    let channel = Broadcast::Channel { channels, inner };
    let sample = Broadcast::Sample { inner: channels * inner };
    let other = Broadcast::Channel { channels: inner + 1, inner: 3 };
    let bias = input(0).binary(Binary::Add, input(1));
    let product = input(0).binary(Binary::Mul, input(1)).binary(Binary::Add, input(2));
    let (expr, operands) = match turn % 7 {
        0 => (bias.unary(Unary::Relu), vec![channel]),
        6 => (bias.unary(Unary::Silu), vec![channel]),
        1 => (Expr::Input(0), vec![]),
        2 => (input(0).binary(Binary::WherePositive, input(1)), vec![Broadcast::Element]),
        3 => (product, vec![sample, Broadcast::Scalar]),
        4 => (input(0).binary(Binary::Mul, Expr::InverseSamples).unary(Unary::Neg), vec![]),
        _ => (product.binary(Binary::Sub, input(3)), vec![other, Broadcast::Element, channel]),
    };
    Epilogue { expr, operands }
}

fn windows() -> Vec<Window> {
    let window = |input, kernel, stride, padding, dilation| Window { input, kernel, stride, padding, dilation };
    vec![
        window([28, 28], [3, 3], [1, 1], [1, 1], [1, 1]),
        window([14, 14], [3, 3], [1, 1], [1, 1], [1, 1]),
        window([14, 14], [2, 2], [2, 2], [0, 0], [1, 1]),
        window([7, 9], [3, 2], [2, 3], [1, 0], [1, 2]),
        window([9, 8], [3, 3], [3, 2], [1, 1], [2, 2]),
        window([11, 13], [1, 1], [1, 1], [0, 0], [1, 1]),
        window([12, 12], [5, 5], [1, 1], [2, 2], [1, 1]),
        window([8, 8], [4, 4], [4, 4], [0, 0], [1, 1]),
        window([13, 12], [3, 3], [2, 2], [1, 1], [1, 1]),
        window([1, 50], [1, 20], [1, 5], [0, 3], [1, 1]),
        window([5, 37], [5, 9], [1, 1], [2, 4], [1, 1]),
        window([4, 5], [3, 3], [1, 1], [0, 0], [1, 1]),
        window([6, 6], [6, 6], [6, 6], [0, 0], [1, 1]),
        window([1, 1], [1, 1], [1, 1], [0, 0], [1, 1]),
        // So far apart that a thread cannot hold what a tile sees.
        window([1, 1600], [1, 8], [1, 1], [0, 3], [1, 200]),
        window([1, 480], [1, 8], [1, 2], [0, 4], [1, 40]),
        window([2, 500], [2, 3], [3000, 150], [1, 1], [1, 1]),
    ]
}

fn convolutions(data: &mut Data, cases: &mut Vec<Case>) {
    let channels = [(3, 16, 1), (16, 10, 1), (6, 6, 6), (4, 10, 2), (1, 1, 1), (5, 7, 1)];
    for (turn, window) in windows().into_iter().flat_map(|w| [w, w]).enumerate() {
        let (in_channels, out_channels, groups) = channels[turn % channels.len()];
        let geometry = ConvGeometry { in_channels, out_channels, groups, window };
        let (x, w, y) = (geometry.input_len() * CAPACITY, geometry.weight_len(), geometry.output_len() * CAPACITY);
        let step = step(1 + turn % CAPACITY);

        let forward = epilogue(turn, out_channels, window.output_len());
        let mut reads = vec![data.floats(x), data.floats(w)];
        reads.extend(data.operands(&forward.operands, y));
        cases.push(Case {
            kernel: Conv { geometry, epilogue: forward }.into(),
            reads,
            writes: vec![untouched(y)],
            step,
        });

        let backward = epilogue(turn + 2, in_channels, window.input_len());
        let mut reads = vec![data.floats(y), data.floats(w)];
        reads.extend(data.operands(&backward.operands, x));
        let kernel = ConvGradInput { geometry, epilogue: backward }.into();
        cases.push(Case { kernel, reads, writes: vec![untouched(x)], step });

        let chunk = 2;
        let writes = vec![untouched(w * CAPACITY.div_ceil(chunk))];
        let reads = vec![data.floats(x), data.floats(y)];
        cases.push(Case { kernel: ConvGradWeight { geometry, chunk }.into(), reads, writes, step });
    }
}

fn pools(data: &mut Data, cases: &mut Vec<Case>) {
    let mut wide = windows();
    wide.push(Window { input: [40, 40], kernel: [40, 40], stride: [1, 1], padding: [0, 0], dilation: [1, 1] });
    wide.push(Window { input: [9, 9], kernel: [5, 5], stride: [3, 4], padding: [2, 2], dilation: [1, 1] });
    wide.retain(|w| w.padding[0] * 2 <= w.kernel[0] && w.padding[1] * 2 <= w.kernel[1]);
    for (turn, window) in wide.into_iter().enumerate() {
        for kind in [PoolKind::Max, PoolKind::Average] {
            let channels = 1 + turn % 4;
            let [x, y] = [window.input_len(), window.output_len()].map(|l| l * channels * CAPACITY);
            let step = step(1 + turn % CAPACITY);
            let mut values = data.floats(x);
            values[0] = f32::NAN.to_bits();
            values[x / 2] = values[x / 3];
            let writes = vec![untouched(y); if kind == PoolKind::Max { 2 } else { 1 }];
            cases.push(Case { kernel: Pool { kind, channels, window }.into(), reads: vec![values], writes, step });

            let epilogue = epilogue(turn, channels, window.input_len());
            let mut reads = vec![data.floats(y)];
            if kind == PoolKind::Max {
                reads.push(data.words(y, window.input_len()));
            }
            reads.extend(data.operands(&epilogue.operands, x));
            let kernel = PoolGrad { kind, channels, window, epilogue }.into();
            cases.push(Case { kernel, reads, writes: vec![untouched(x)], step });
        }
    }
}

fn products(data: &mut Data, cases: &mut Vec<Case>) {
    let (batch, fixed) = (Extent::Batch, Extent::Fixed);
    let shapes = [
        (batch(1), fixed(40), fixed(196)),
        (batch(1), fixed(10), fixed(30)),
        (fixed(36), fixed(41), batch(1)),
        (fixed(7), fixed(3), fixed(5)),
        (batch(4), fixed(1), fixed(6)),
        (fixed(1), fixed(1), fixed(1)),
        (fixed(64), fixed(48), fixed(32)),
    ];
    for (turn, (m, n, k)) in shapes.into_iter().flat_map(|s| [s; 4]).enumerate() {
        let [rows, columns, terms] = [m, n, k].map(|l| l.at(CAPACITY));
        let epilogue = epilogue(turn / 4 + turn, columns, 1);
        let mut reads = vec![data.floats(rows * terms), data.floats(terms * columns)];
        reads.extend(data.operands(&epilogue.operands, rows * columns));
        let kernel = Gemm { m, n, k, transpose_a: turn % 2 > 0, transpose_b: turn % 4 > 1, epilogue }.into();
        cases.push(Case { kernel, reads, writes: vec![untouched(rows * columns)], step: step(1 + turn % CAPACITY) });
    }
}

fn sums(data: &mut Data, cases: &mut Vec<Case>) {
    let (batch, fixed) = (Extent::Batch, Extent::Fixed);
    for (turn, (outer, reduce, inner)) in [
        (batch(16), fixed(196), fixed(1)),
        (fixed(1), batch(1), fixed(10)),
        (fixed(1), batch(500), fixed(1)),
        (fixed(2), fixed(5000), fixed(3)),
        (fixed(3), fixed(30_000), fixed(1)),
        (fixed(1), Extent::Chunks { samples: 2, times: 1 }, fixed(432)),
        (batch(2), fixed(7), fixed(6)),
        (fixed(1), fixed(1), fixed(1)),
    ]
    .into_iter()
    .enumerate()
    {
        let [o, r, i] = [outer, reduce, inner].map(|l| l.at(CAPACITY));
        let mean = [BatchMean::None, BatchMean::Global, BatchMean::Held][turn % 3];
        let largest = Reduce::new(outer, reduce, inner).combined(Combine::Max).into();
        let (reads, writes) = (vec![data.floats(o * r * i)], vec![untouched(o * i)]);
        cases.push(Case { kernel: largest, reads, writes, step: step(CAPACITY - turn % 3) });
        let kernel = Reduce::new(outer, reduce, inner).scaled(0.5).mean(mean);
        let (reads, writes) = (vec![data.floats(o * r * i)], vec![untouched(o * i)]);
        cases.push(Case { kernel: kernel.clone().into(), reads, writes, step: step(CAPACITY - turn % 3) });
        let epilogue = epilogue(turn, r, i);
        let operands: Vec<Broadcast> = std::iter::once(Broadcast::Element).chain(epilogue.operands).collect();
        let reads = data.operands(&operands, o * r * i);
        let kernel = kernel.of(epilogue.expr, operands).into();
        cases.push(Case { kernel, reads, writes: vec![untouched(o * i)], step: step(CAPACITY - turn % 3) });
    }
    for (turn, len) in [batch(24), fixed(7), batch(6), fixed(70_001 * 64), batch(24), batch(12)].into_iter().enumerate()
    {
        let epilogue = epilogue(turn, 3, 2);
        let operands: Vec<Broadcast> = std::iter::once(Broadcast::Element).chain(epilogue.operands).collect();
        let reads = data.operands(&operands, len.at(CAPACITY));
        let kernel = Map { len, expr: epilogue.expr, operands }.into();
        let writes = vec![untouched(len.at(CAPACITY))];
        cases.push(Case { kernel, reads, writes, step: step(1 + turn % CAPACITY) });
    }
    for function in Unary::ALL {
        let positive = matches!(function, Unary::InverseSqrt | Unary::Reciprocal);
        let x: Vec<u32> = (0..120).map(|_| data.0.uniform(if positive { 0.5 } else { -9.0 }, 9.0).to_bits()).collect();
        let expr = input(0).unary(function).binary(Binary::Min, Expr::Const(6.0));
        let kernel = Map { len: fixed(120), expr, operands: vec![Broadcast::Element] }.into();
        cases.push(Case { kernel, reads: vec![x], writes: vec![untouched(120)], step: step(1) });
    }
    let pairs = [
        (Bands::nearest(4, 8), Bands::nearest(5, 7)),
        (Bands::linear(5, 9), Bands::linear(7, 3)),
        (Bands::adaptive_average(7, 3), Bands::adaptive_average(9, 1)),
        (Bands::reflect(4, [3, 2]), Bands::replicate(3, [2, 1])),
        (Bands::zeros(3, [2, 1]), Bands::zeros(4, [0, 3])),
    ];
    for (turn, (rows, columns)) in pairs.into_iter().enumerate() {
        for (rows, columns) in [(rows.transposed(), columns.transposed()), (rows, columns)] {
            let kernel = Resample { channels: 1 + turn % 3, rows, columns };
            let (reads, written) = (vec![data.floats(CAPACITY * kernel.input_len())], CAPACITY * kernel.output_len());
            cases.push(Case { kernel: kernel.into(), reads, writes: vec![untouched(written)], step: step(1 + turn) });
        }
    }
    for [len, from_stride, from_offset, to_stride, to_offset] in [[5, 8, 2, 5, 0], [4, 4, 0, 12, 8], [1, 1, 0, 1, 0]] {
        let kernel = Copy { rows: batch(1), len, from_stride, from_offset, to_stride, to_offset }.into();
        let (reads, writes) = (vec![data.floats(CAPACITY * from_stride)], vec![untouched(CAPACITY * to_stride)]);
        cases.push(Case { kernel, reads, writes, step: step(3) });
    }
    let kernel = Map { len: batch(1), expr: Expr::InverseSamples, operands: vec![] }.into();
    cases.push(Case { kernel, reads: vec![], writes: vec![untouched(CAPACITY)], step: step(3) });
}

fn pictures(data: &mut Data, cases: &mut Vec<Case>) {
    const PICTURES: usize = 6;
    for (turn, (source_channels, channels, plane)) in
        [(1, 1, 784), (1, 3, 784), (3, 3, 1024), (3, 3, 15), (1, 3, 6), (4, 4, 9), (1, 1, 1)].into_iter().enumerate()
    {
        let (mean, inverse_std) = ((0..channels).map(|c| c as f32 * 0.2), (1..=channels).map(|c| c as f32));
        let gather =
            Gather { source_channels, channels, plane, mean: mean.collect(), inverse_std: inverse_std.collect() };
        let pixels = data.words(PICTURES * gather.sample_words(), u32::MAX as usize);
        let reads = vec![pixels, data.words(PICTURES, 10), data.words(CAPACITY + 2, PICTURES)];
        let writes = vec![untouched(CAPACITY * channels * plane), untouched(CAPACITY)];
        cases.push(Case { kernel: gather.into(), reads, writes, step: step(1 + turn % CAPACITY) });
    }
}

/// A view that turns, stretches and shifts a little, or one that shows whole pixels.
fn view(data: &mut Data, [height, width]: [usize; 2], whole: bool) -> View {
    let mut about = |middle: f32, spread: f32| (PIXEL as f32 * data.0.uniform(middle - spread, middle + spread)) as i32;
    let matrix = match whole {
        true => [-PIXEL, 0, (width as i32 + 1) * PIXEL, 0, PIXEL, -PIXEL],
        false => [
            about(1.0, 0.3),
            about(0.0, 0.3),
            about(0.0, 3.0),
            about(0.0, 0.3),
            about(-1.0, 0.3),
            about(height as f32, 3.0),
        ],
    };
    let [gain, saturation] = [0.5, 0.0].map(|low| data.0.uniform(low, 2.0));
    let cutout = Rectangle { top: -2, left: 1, bottom: 2, right: data.0.below(width as u32 + 3) as i32 };
    View { matrix, gain, offset: data.0.uniform(-40.0, 40.0), saturation, cutout }
}

fn augmented(data: &mut Data, cases: &mut Vec<Case>) {
    const PICTURES: usize = 6;
    let shapes = [(1, 1, [28, 28]), (1, 3, [9, 8]), (3, 3, [12, 10]), (3, 3, [5, 7]), (4, 4, [3, 3]), (1, 1, [1, 1])];
    for (turn, (source_channels, channels, size)) in shapes.into_iter().flat_map(|s| [s; 8]).enumerate() {
        let plane = size[0] * size[1];
        let (mean, inverse_std) = ((0..channels).map(|c| c as f32 * 0.2), (1..=channels).map(|c| c as f32));
        let gather =
            Gather { source_channels, channels, plane, mean: mean.collect(), inverse_std: inverse_std.collect() };
        let [interpolated, coloured, mixed] = [1, 2, 4].map(|flag| turn & flag > 0);
        let mut views = Vec::new();
        for sample in 0..CAPACITY + 2 {
            views.extend(view(data, size, sample % 2 == 0).words());
            if mixed {
                let weight = if sample % 3 == 0 { 1.0 } else { data.0.next_f32() };
                let rectangle = Rectangle { top: 1, left: 0, bottom: 4, right: sample as i32 };
                views.extend(Mix { second: data.0.below(PICTURES as u32), weight, share: 0.25, rectangle }.words());
                views.extend(view(data, size, sample % 2 == 1).words());
            }
        }
        let pixels = data.words(PICTURES * gather.sample_words(), u32::MAX as usize);
        let reads = vec![pixels, data.words(PICTURES, 10), data.words(CAPACITY + 2, PICTURES), views];
        let mut writes = vec![untouched(CAPACITY * channels * plane), untouched(CAPACITY)];
        writes.extend((0..if mixed { 2 } else { 0 }).map(|_| untouched(CAPACITY)));
        let kernel = AugmentedGather { gather, size, interpolated, coloured, mixed }.into();
        cases.push(Case { kernel, reads, writes, step: step(1 + turn % CAPACITY) });
    }
}

fn losses(data: &mut Data, cases: &mut Vec<Case>) {
    for (turn, classes) in [1, 2, 10, 1000].into_iter().enumerate() {
        let step = step(CAPACITY - turn % 3);
        let wide: Vec<u32> =
            data.floats(CAPACITY * classes).iter().map(|w| (f32::from_bits(*w) * 40.0).to_bits()).collect();
        let mut labels = data.words(CAPACITY, classes);
        let gradients = vec![wide.clone(), labels.clone(), data.floats(CAPACITY)];
        let writes = vec![untouched(CAPACITY * classes)];
        cases.push(Case { kernel: CrossEntropyGrad { classes, soft: false }.into(), reads: gradients, writes, step });
        soft_losses(data, cases, classes, &wide, step);
        targets(data, cases, classes, step);

        // Eighths add up exactly in any order.
        let exact = |w: u32| (w as f32 * 0.125).to_bits();
        let losses: Vec<u32> = data.words(CAPACITY, 64).into_iter().map(exact).collect();
        // Few different values, so that many are equal.
        let stepped: Vec<u32> = wide.iter().map(|w| (f32::from_bits(*w) * 0.2).round().to_bits()).collect();
        for (logits, tally) in [
            (&wide, Tally::Nothing),
            (&stepped, Tally::TopFive),
            (&stepped, Tally::Confusion),
            (&wide, Tally::Confusion),
        ] {
            let reads = vec![logits.clone(), labels.clone(), losses.clone()];
            let mut writes = vec![untouched(12)];
            writes.extend((tally != Tally::Nothing).then(|| data.words(tally.words(classes), 9)));
            cases.push(Case { kernel: Metrics { classes, tally }.into(), reads, writes, step });
        }

        labels[0] = classes as u32;
        let writes = vec![untouched(CAPACITY)];
        let kernel = CrossEntropy { classes, soft: false }.into();
        cases.push(Case { kernel, reads: vec![wide, labels], writes, step });
    }
}

/// Cross-entropy against rows of targets, and its gradient.
fn soft_losses(data: &mut Data, cases: &mut Vec<Case>, classes: usize, logits: &[u32], step: Step) {
    let targets = data.floats(CAPACITY * classes);
    let reads = vec![logits.to_vec(), targets];
    let writes = vec![untouched(CAPACITY)];
    cases.push(Case { kernel: CrossEntropy { classes, soft: true }.into(), reads: reads.clone(), writes, step });
    let reads = [reads, vec![data.floats(CAPACITY)]].concat();
    let writes = vec![untouched(CAPACITY * classes)];
    cases.push(Case { kernel: CrossEntropyGrad { classes, soft: true }.into(), reads, writes, step });
}

/// Rows of targets, of every kind; once with a label that is none.
fn targets(data: &mut Data, cases: &mut Vec<Case>, classes: usize, step: Step) {
    for (mixed, weighted, wrong) in
        [(false, false, None), (true, false, Some(1)), (false, true, Some(0)), (true, true, None)]
    {
        let mut reads = vec![data.words(CAPACITY, classes)];
        if mixed {
            reads.extend([data.words(CAPACITY, classes), data.floats(CAPACITY)]);
        }
        if let Some(wrong) = wrong {
            reads[wrong][0] = classes as u32;
        }
        if weighted {
            reads.push(data.floats(classes));
        }
        let kernel = OneHot { classes, label_smoothing: 0.125, mixed, weighted }.into();
        cases.push(Case { kernel, reads, writes: vec![untouched(CAPACITY * classes)], step });
    }
}

fn updates(data: &mut Data, cases: &mut Vec<Case>) {
    for len in [640, 7, 4098] {
        for (i, rule) in rules().into_iter().enumerate() {
            let clip = [None, Some(Clip::Value(0.3)), Some(Clip::Norm(2.0)), Some(Clip::Norm(200.0))][i % 4];
            let average = (i % 3 == 0).then_some(0.25);
            let kernel = Update { rule, len, rate: [1.0, 0.5][i % 2], clip, average };
            for (flag, first_sample) in [(0, 0), (0, 4), (5, 0)] {
                let norm = matches!(clip, Some(Clip::Norm(_))).then(|| vec![36.0_f32.to_bits()]);
                let reads = [data.floats(len), vec![flag]].into_iter().chain(norm).collect();
                let mut writes = vec![data.floats(len)];
                // Second moments are squares, and the first state is larger than the square of a mean.
                let square = |w: u32, k| (f32::from_bits(w).powi(2) + if k == 0 { 1.5 } else { 0.0 }).to_bits();
                let others = rule.states() + usize::from(average.is_some());
                writes.extend((0..others).map(|k| data.floats(len).into_iter().map(|w| square(w, k)).collect()));
                let step = Step { first_sample, ..step(1) };
                cases.push(Case { kernel: kernel.clone().into(), reads, writes, step });
            }
        }
        for (bad, losses, flag) in [
            (None, 0, 0),
            (Some(f32::NAN), 0, 0),
            (Some(f32::NEG_INFINITY), 0, 3),
            (None, 1, 0),
            (Some(f32::MAX), 0, 0),
        ] {
            let mut gradients = data.floats(len);
            gradients[len - 1] = bad.unwrap_or_default().to_bits();
            let mut metrics = vec![9; 12];
            metrics[7] = losses;
            let (reads, writes) = (vec![gradients, metrics], vec![vec![flag]]);
            cases.push(Case { kernel: Finite { len }.into(), reads, writes, step: step(1) });
        }
    }
}

/// Every optimizer, with and without weight decay, and what its options change.
fn rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for kind in OptimizerKind::ALL {
        let options = OptimizerOptions { kind: Some(kind), ..OptimizerOptions::default() };
        let optimizer = Optimizer::try_from(options).unwrap();
        rules.extend([0.0, 0.1].map(|decay| optimizer.with_weight_decay(decay).rule()));
    }
    let sgd = |momentum, nesterov| Rule::from(Sgd { momentum, nesterov, weight_decay: 0.1 });
    let rmsprop =
        |momentum, centered| Rule::from(RmsProp { alpha: 0.9, eps: 1e-4, momentum, centered, weight_decay: 0.0 });
    rules.extend([sgd(0.0, false), sgd(0.9, true), rmsprop(0.9, false), rmsprop(0.0, true), rmsprop(0.9, true)]);
    rules.push(Adagrad { initial: 0.5, eps: 1e-10, weight_decay: 0.0 }.into());
    rules.push(Running { momentum: 0.1 }.into());
    rules.extend([Rule::from(Sum {})]);
    rules
}
