//! Every kernel's shader, over varied parameters, is valid WGSL within what every adapter has; all failures are reported at once.

use convoke_core::expr::{Binary, Broadcast, Epilogue, Expr, Unary};
use convoke_core::kernels::*;
use convoke_core::optim::{Adagrad, Adam, Lion, RmsProp, Rule, Running, Sgd, Sum};
use convoke_core::shape::Extent;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, StorageAccess};

fn input(i: usize) -> Expr {
    Expr::Input(i)
}

/// Every kind of epilogue, for an output of `channels` channels of `inner` elements.
fn epilogues(channels: usize, inner: usize) -> Vec<Epilogue> {
    let channel = Broadcast::Channel { channels, inner };
    let bias = input(0).binary(Binary::Add, input(1));
    let scaled = input(0).binary(Binary::Mul, Expr::InverseSamples).binary(Binary::Sub, Expr::Const(-0.5));
    let mask = input(0).binary(Binary::WherePositive, input(1)).binary(Binary::Add, input(2));
    vec![
        Epilogue::identity(),
        Epilogue { expr: bias.clone().unary(Unary::Relu), operands: vec![channel] },
        Epilogue { expr: mask, operands: vec![Broadcast::Element, channel] },
        Epilogue { expr: scaled.unary(Unary::Neg), operands: vec![] },
        Epilogue {
            expr: input(0).binary(Binary::Mul, input(1)).binary(Binary::Add, input(2)),
            operands: vec![Broadcast::Sample { inner: channels * inner }, Broadcast::Scalar],
        },
        Epilogue {
            expr: input(0).binary(Binary::Mul, input(1)),
            operands: vec![Broadcast::Channel { channels: inner * 2 + 1, inner: 3 }],
        },
        Epilogue { expr: bias.unary(Unary::Gelu).binary(Binary::Min, Expr::Const(6.0)), operands: vec![channel] },
    ]
}

fn windows() -> Vec<Window> {
    let window = |input, kernel, stride, padding, dilation| Window { input, kernel, stride, padding, dilation };
    vec![
        window([28, 28], [3, 3], [1, 1], [1, 1], [1, 1]),
        window([14, 14], [2, 2], [2, 2], [0, 0], [1, 1]),
        window([7, 9], [3, 2], [2, 3], [1, 0], [1, 2]),
        window([11, 13], [1, 1], [1, 1], [0, 0], [1, 1]),
        window([12, 12], [5, 5], [1, 1], [4, 4], [2, 2]),
        window([32, 40], [3, 3], [2, 2], [1, 1], [1, 1]),
        window([32, 32], [16, 16], [16, 16], [0, 0], [1, 1]),
        window([1, 97], [1, 31], [1, 1], [0, 15], [1, 1]),
        window([56, 56], [56, 56], [1, 1], [0, 0], [1, 1]),
        window([1, 1], [1, 1], [1, 1], [0, 0], [1, 1]),
        window([200, 300], [7, 7], [4, 4], [3, 3], [3, 3]),
    ]
}

fn convolutions() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    let channels = [(3, 16, 1), (16, 32, 1), (6, 6, 6), (4, 10, 2), (1, 1, 1), (5, 7, 1)];
    for (turn, window) in windows().into_iter().flat_map(|w| [w; 3]).enumerate() {
        let (in_channels, out_channels, groups) = channels[turn % channels.len()];
        let geometry = ConvGeometry { in_channels, out_channels, groups, window };
        kernels.push(ConvGradWeight { geometry, chunk: 4 }.into());
        let forward = epilogues(out_channels, window.output_len()).swap_remove(turn % 7);
        kernels.push(Conv { geometry, epilogue: forward }.into());
        let backward = epilogues(in_channels, window.input_len()).swap_remove(turn / 3 % 7);
        kernels.push(ConvGradInput { geometry, epilogue: backward }.into());
    }
    kernels
}

fn pools() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    for window in windows() {
        for kind in [PoolKind::Max, PoolKind::Average] {
            kernels.push(Pool { kind, channels: 5, window }.into());
            for epilogue in epilogues(5, window.input_len()) {
                kernels.push(PoolGrad { kind, channels: 5, window, epilogue }.into());
            }
        }
    }
    kernels
}

fn products() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    let (batch, fixed) = (Extent::Batch, Extent::Fixed);
    for (m, n, k) in [
        (batch(1), fixed(128), fixed(1568)),
        (batch(1), fixed(10), fixed(128)),
        (fixed(128), fixed(1568), batch(1)),
        (fixed(7), fixed(3), fixed(5)),
        (batch(4), fixed(1), fixed(6)),
        (fixed(1), fixed(1), fixed(1)),
        (Extent::Chunks { samples: 4, times: 2 }, fixed(33), fixed(2)),
    ] {
        for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false), (true, true)] {
            for epilogue in epilogues(n.at(1), 1) {
                kernels.push(Gemm { m, n, k, transpose_a, transpose_b, epilogue }.into());
            }
        }
    }
    kernels
}

fn pointwise() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> =
        vec![Map { len: Extent::Batch(1), expr: Expr::InverseSamples, operands: vec![] }.into()];
    for len in [Extent::Batch(12), Extent::Fixed(7), Extent::Batch(6)] {
        for epilogue in epilogues(3, 2) {
            let operands = std::iter::once(Broadcast::Element).chain(epilogue.operands).collect();
            kernels.push(Map { len, expr: epilogue.expr, operands }.into());
        }
        for function in Unary::ALL {
            let expr = input(0).unary(function).binary(Binary::Min, Expr::Const(6.0));
            kernels.push(Map { len, expr, operands: vec![Broadcast::Element] }.into());
        }
    }
    kernels
}

fn others() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    for (outer, reduce, inner) in [
        (Extent::Batch(16), Extent::Fixed(196), Extent::Fixed(1)),
        (Extent::Fixed(1), Extent::Batch(1), Extent::Fixed(10)),
        (Extent::Fixed(1), Extent::Batch(5000), Extent::Fixed(1)),
        (Extent::Fixed(1), Extent::Fixed(100_000), Extent::Fixed(3)),
        (Extent::Fixed(1), Extent::Chunks { samples: 4, times: 1 }, Extent::Fixed(432)),
    ] {
        let sum = Reduce::new(outer, reduce, inner);
        kernels.push(sum.clone().combined(Combine::Max).into());
        kernels.push(sum.clone().scaled(0.5).into());
        kernels.push(sum.clone().mean(BatchMean::Global).into());
        for epilogue in epilogues(3, 2) {
            let operands = std::iter::once(Broadcast::Element).chain(epilogue.operands).collect();
            kernels.push(sum.clone().mean(BatchMean::Held).of(epilogue.expr, operands).into());
        }
    }
    for (source_channels, channels, plane) in [(1, 1, 784), (1, 3, 784), (3, 3, 1024), (3, 3, 15), (1, 3, 6), (4, 4, 9)]
    {
        let (mean, inverse_std) = (vec![0.25; channels], vec![3.5; channels]);
        let gather = Gather { source_channels, channels, plane, mean, inverse_std };
        for flags in 0..8 {
            let [interpolated, coloured, mixed] = [1, 2, 4].map(|flag| flags & flag > 0);
            let (gather, size) = (gather.clone(), [1, plane]);
            kernels.push(AugmentedGather { gather, size, interpolated, coloured, mixed }.into());
        }
        kernels.push(gather.into());
    }
    for (rows, columns) in [
        (Bands::nearest(4, 8), Bands::linear(28, 56)),
        (Bands::adaptive_average(28, 1), Bands::adaptive_average(28, 7)),
        (Bands::zeros(1, [1, 0]), Bands::reflect(2, [1, 1])),
    ] {
        kernels.push(Resample { channels: 3, rows: rows.transposed(), columns: columns.transposed() }.into());
        kernels.push(Resample { channels: 3, rows, columns }.into());
    }
    for rows in [Extent::Batch(3), Extent::Fixed(5)] {
        kernels.push(Copy { rows, len: 5, from_stride: 8, from_offset: 2, to_stride: 5, to_offset: 0 }.into());
    }
    for classes in [1, 10, 1000] {
        for soft in [false, true] {
            kernels.push(CrossEntropy { classes, soft }.into());
            kernels.push(CrossEntropyGrad { classes, soft }.into());
        }
        for (mixed, weighted) in [(false, false), (false, true), (true, false), (true, true)] {
            kernels.push(OneHot { classes, label_smoothing: 0.1, mixed, weighted }.into());
        }
        for tally in [Tally::Nothing, Tally::TopFive, Tally::Confusion] {
            kernels.push(Metrics { classes, tally }.into());
        }
    }
    for len in [64, 206_922, 7] {
        kernels.push(Finite { len }.into());
        for (index, rule) in rules().into_iter().enumerate() {
            let clip = [None, Some(Clip::Value(0.5)), Some(Clip::Norm(1.0))][index % 3];
            let average = [None, Some(0.001)][index / 3 % 2];
            kernels.push(Update { rule, len, rate: [1.0, 0.1][index % 2], clip, average }.into());
            kernels.push(Update::new(rule, len).into());
        }
    }
    kernels
}

/// Each rule with and without what it may have.
fn rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for weight_decay in [0.0, 1e-4] {
        for switch in [false, true] {
            rules.push(Sgd { momentum: 0.9, nesterov: switch, weight_decay }.into());
            rules.push(Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay, decoupled: switch }.into());
            for momentum in [0.0, 0.9] {
                rules.push(RmsProp { alpha: 0.99, eps: 1e-8, momentum, centered: switch, weight_decay }.into());
            }
        }
        rules.push(Adagrad { initial: weight_decay, eps: 1e-10, weight_decay }.into());
        rules.push(Lion { beta1: 0.9, beta2: 0.99, weight_decay }.into());
        rules.push(Sgd { momentum: 0.0, nesterov: false, weight_decay }.into());
    }
    rules.extend([Rule::from(Sum {})]);
    rules.push(Running { momentum: 0.1 }.into());
    rules
}

/// What is wrong with a shader, or nothing.
fn check(shader: &Shader) -> Result<(), String> {
    let source = &shader.source;
    let module = naga::front::wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    validator.validate(&module).map_err(|e| e.emit_to_string(source))?;
    let storage = module.global_variables.iter().filter_map(|(_, v)| match v.space {
        AddressSpace::Storage { access } => Some((v.binding?.binding as usize, access.contains(StorageAccess::STORE))),
        _ => None,
    });
    let mut storage: Vec<_> = storage.collect();
    storage.sort();
    let wanted = shader.bindings.iter().enumerate().map(|(i, b)| (i + 1, matches!(b, Bound::Write(_))));
    if !wanted.clone().eq(storage.iter().copied()) {
        return Err(format!("binds {storage:?} instead of {:?}", wanted.collect::<Vec<_>>()));
    }
    let size: u32 = module.entry_points[0].workgroup_size.iter().product();
    if size != shader.workgroup as u32 || size > 256 || shader.bindings.len() > 8 {
        return Err(format!("{size} threads in a workgroup, {} bindings", shader.bindings.len()));
    }
    Ok(())
}

#[test]
fn every_shader_is_valid() {
    let kernels = [convolutions(), pools(), products(), pointwise(), others()].concat();
    let mut failures = Vec::new();
    for kernel in &kernels {
        for target in Target::ALL {
            if let Err(problem) = check(&kernel.shader(target)) {
                failures.push(format!("{kernel:?} for {target:?}:\n{problem}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), kernels.len() * 2, failures.join("\n"));
}

#[test]
fn workgroups_beyond_one_dimension_are_folded() {
    let map = Map { len: Extent::Batch(1 << 20), expr: Expr::Const(1.0), operands: vec![] };
    let shader = map.shader(Target::Gpu);
    for samples in [1, 15, 16, 17, 255] {
        let [x, y, z] = shader.workgroups(samples).map(|v| v as usize);
        assert!(x <= 65_535 && y <= 65_535 && z == 1, "{x} × {y} × {z}");
        assert!(x * y * shader.workgroup * 4 >= samples << 20, "{x} × {y} are too few for {samples}");
    }
}
