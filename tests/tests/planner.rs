//! Plans, without a device: they keep WebGPU's rules, no tensor is lost while it is needed, and memory is used again.

use std::collections::HashSet;

use convoke_core::engine::Limits;
use convoke_core::kernels::{Gather, Kernel};
use convoke_core::loss::Loss;
use convoke_core::model::{ModelSpec, Network};
use convoke_core::optim::Optimizer;
use convoke_core::plan::{CompileOptions, Plan, PlanKind, Program, Role, Slice, compile, validate};
use convoke_tests::models::models;

const CAPACITIES: [usize; 3] = [1, 3, 64];

fn options(network: &Network, capacity: usize, optimizer: Option<Optimizer>) -> CompileOptions {
    let [channels, height, width] = network.spec.input;
    let (mean, inverse_std) = (vec![0.5; channels], vec![2.0; channels]);
    let gather = Gather { source_channels: channels, channels, plane: height * width, mean, inverse_std };
    let training = optimizer.map(|optimizer| optimizer.rule().into());
    CompileOptions {
        capacity,
        slots: 8,
        pictures: 100,
        gather,
        augment: None,
        loss: Loss::default(),
        training,
        limits: Limits::WEBGPU,
    }
}

/// Every model at every capacity with every kind of optimizer.
fn programs() -> impl Iterator<Item = (String, Network, Program)> {
    let optimizers = [Some(Optimizer::default()), Some(Optimizer::adam(1e-3)), None];
    models().into_iter().flat_map(move |(name, network)| {
        CAPACITIES.into_iter().flat_map(move |capacity| {
            let (name, network) = (name.clone(), network.clone());
            optimizers.into_iter().map(move |optimizer| {
                let name = format!("{name}, capacity {capacity}, {optimizer:?}");
                let program = compile(&network, &options(&network, capacity, optimizer));
                (name.clone(), network.clone(), program.unwrap_or_else(|e| panic!("{name}: {e}")))
            })
        })
    })
}

fn role(program: &Program, slice: Slice) -> Role {
    program.buffers[slice.buffer.0].role
}

fn overlap(a: Slice, b: Slice) -> bool {
    a.buffer == b.buffer && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
}

#[test]
fn every_plan_keeps_the_rules_of_webgpu() {
    for (name, _, program) in programs() {
        validate(&program, &Limits::WEBGPU).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(program.plan(PlanKind::Predict).steps.len() > 1, "{name}");
    }
}

/// The first step of a plan that reads what no step has written, or what another has written over since.
fn lost(program: &Program, plan: &Plan) -> Option<String> {
    let mut intact: Vec<Slice> = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let activations = |slice: &&Slice| role(program, **slice) == Role::Activations;
        if let Some(read) = step.reads.iter().filter(activations).find(|read| !intact.contains(read)) {
            return Some(format!("step {index} ({}) reads {read:?}, which is not intact", step.kernel.stem()));
        }
        for &write in step.writes.iter().filter(activations) {
            intact.retain(|&other| !overlap(other, write));
            intact.push(write);
        }
    }
    None
}

#[test]
fn what_a_step_reads_is_what_was_written_there() {
    for (name, _, program) in programs() {
        for plan in &program.plans {
            assert_eq!(lost(&program, plan), None, "{name}, {}:\n{program}", plan.name);
        }
    }
}

#[test]
fn a_lost_tensor_is_found() {
    let network = ModelSpec::preset("reference-cnn").unwrap().build().unwrap();
    let mut program = compile(&network, &options(&network, 4, None)).unwrap();
    let plan = &mut program.plans[PlanKind::Predict as usize];
    // The pool reads what the first convolution makes; now the gather's other output lies there.
    plan.steps[0].writes[0] = plan.steps[1].writes[0];
    assert!(lost(&program, program.plan(PlanKind::Predict)).is_some());
}

#[test]
fn gradients_are_written_once_and_parameters_only_by_the_update() {
    for (name, _, program) in programs() {
        for kind in PlanKind::ALL {
            let steps = &program.plan(kind).steps;
            let writes: Vec<Slice> = steps.iter().flat_map(|step| step.writes.clone()).collect();
            let roles: Vec<Role> = writes.iter().map(|&slice| role(&program, slice)).collect();
            let gradients: Vec<&Slice> = writes
                .iter()
                .zip(&roles)
                .filter(|(_, role)| **role == Role::Gradients)
                .map(|(slice, _)| slice)
                .collect();
            let distinct: HashSet<&&Slice> = gradients.iter().collect();
            assert_eq!(distinct.len(), gradients.len(), "{name}, {kind:?} writes a gradient twice");
            assert!(kind == PlanKind::Gradients || gradients.is_empty(), "{name}, {kind:?} writes gradients");
            let state = roles.contains(&Role::Parameters) || roles.contains(&Role::OptimizerState);
            assert!(kind == PlanKind::Update || !state, "{name}, {kind:?} writes parameters");
        }
        let training = !program.plan(PlanKind::Gradients).steps.is_empty();
        let gradients = program.buffers.iter().filter(|buffer| buffer.role == Role::Gradients).count();
        assert_eq!(gradients, if training { program.chunks.len() } else { 0 }, "{name}");
    }
}

#[test]
fn every_parameter_has_a_place_of_its_own() {
    for (name, network, program) in programs() {
        let mut taken: Vec<(usize, usize, usize)> = Vec::new();
        for (place, (id, parameter, _)) in program.parameters.iter().zip(network.graph.parameters()) {
            assert_eq!((place.name.as_str(), &place.dims), (parameter, &network.graph.ty(id).dims), "{name}");
            assert_eq!(place.offset % 64, 0, "{name}: {place:?}");
            taken.push((place.chunk, place.offset, place.offset + place.dims.iter().product::<usize>()));
        }
        assert_eq!(program.parameters.len(), network.graph.parameters().count(), "{name}");
        taken.sort_unstable();
        let apart = |pair: &[(usize, usize, usize)]| pair[0].0 < pair[1].0 || pair[0].2 <= pair[1].1;
        assert!(taken.windows(2).all(apart), "{name}: {taken:?}");
        for (index, chunk) in program.chunks.iter().enumerate() {
            let inside = |&(_, _, end): &(usize, usize, usize)| end * 4 <= chunk.parameters.bytes;
            assert!(taken.iter().filter(|place| place.0 == index).all(inside), "{name}");
            let all = std::iter::once(&chunk.gradients).chain(&chunk.states);
            assert!(all.clone().all(|slice| slice.bytes == chunk.parameters.bytes), "{name}");
        }
    }
}

/// Memory for activations, what all tensors of the gradients plan would take by themselves, and the most that is alive at
/// once, in bytes.
fn memory(program: &Program) -> [usize; 3] {
    let buffers = program.buffers.iter().filter(|b| b.role == Role::Activations);
    let steps = &program.plan(PlanKind::Gradients).steps;
    let mut lives: Vec<(Slice, [usize; 2])> = Vec::new();
    // Tensors that copies fill part by part, as long as nothing has read them.
    let mut filling: Vec<Slice> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        for read in &step.reads {
            filling.retain(|slice| slice != read);
            if let Some((_, alive)) = lives.iter_mut().rev().find(|(slice, _)| slice == read) {
                alive[1] = index;
            }
        }
        for &write in step.writes.iter().filter(|&&slice| role(program, slice) == Role::Activations) {
            let copies = matches!(step.kernel, Kernel::Copy(_));
            match lives.iter_mut().rev().find(|(slice, _)| *slice == write) {
                Some((_, alive)) if copies && filling.contains(&write) => alive[1] = index,
                _ => lives.push((write, [index, index])),
            }
            filling.retain(|&slice| !overlap(slice, write));
            filling.extend(copies.then_some(write));
        }
    }
    let size = |slice: &Slice| slice.bytes.next_multiple_of(256);
    let alive = |step| lives.iter().filter(move |(_, [first, last])| (*first..=*last).contains(&step));
    let peak = (0..steps.len()).map(|step| alive(step).map(|(slice, _)| size(slice)).sum());
    [buffers.map(|b| b.bytes).sum(), lives.iter().map(|(slice, _)| size(slice)).sum(), peak.max().unwrap_or(0)]
}

#[test]
fn tensors_that_never_live_at_once_share_memory() {
    for (name, network) in models() {
        let program = compile(&network, &options(&network, 64, Some(Optimizer::default()))).unwrap();
        let [arenas, tensors, peak] = memory(&program);
        println!("{name}: {tensors} bytes of tensors, {peak} at once, in {arenas} bytes of memory");
        // A network that computes next to nothing has next to nothing to share.
        if program.plan(PlanKind::Gradients).steps.len() > 10 {
            assert!(arenas < tensors, "{name}: {tensors} bytes of tensors in {arenas} bytes of memory");
        }
        // What is read and what is written lie in different buffers: that costs something.
        assert!(2 * arenas <= 3 * peak, "{name}: {peak} bytes at once in {arenas} bytes of memory");
    }
}

#[test]
fn figures_are_of_as_many_classes_as_there_are() {
    for (name, network, program) in programs() {
        for kind in [PlanKind::Gradients, PlanKind::Evaluate] {
            for step in &program.plan(kind).steps {
                if let Kernel::Metrics(metrics) = &step.kernel {
                    assert_eq!(metrics.classes, network.classes(), "{name}, {kind:?}");
                }
            }
        }
    }
}

fn stems(program: &Program, kind: PlanKind) -> Vec<&'static str> {
    program.plan(kind).steps.iter().map(|step| step.kernel.stem()).collect()
}

#[test]
fn bias_and_relu_cost_no_step() {
    let network = ModelSpec::preset("reference-cnn").unwrap().build().unwrap();
    let program = compile(&network, &options(&network, 64, Some(Optimizer::default()))).unwrap();
    let forward = ["gather", "conv", "pool", "conv", "pool", "gemm", "gemm"];
    assert_eq!(stems(&program, PlanKind::Predict), forward);
    assert_eq!(stems(&program, PlanKind::Evaluate), [&forward[..], &["cross_entropy", "metrics"]].concat());
    // One map is left: the gradient of the mean loss, 1/N for every sample.
    let maps = stems(&program, PlanKind::Gradients).iter().filter(|stem| **stem == "map").count();
    assert_eq!(maps, 1, "{program}");
}

#[test]
fn one_step_updates_all_parameters_that_follow_one_rule() {
    for (name, network, program) in
        programs().filter(|(_, _, program)| !program.plan(PlanKind::Update).steps.is_empty())
    {
        let mut rules: Vec<Option<f32>> = network.training.graph.running.iter().map(|r| Some(r.momentum)).collect();
        rules.extend((network.parameter_count() > 0).then_some(None));
        rules.sort_by(|a, b| a.partial_cmp(b).unwrap());
        rules.dedup();
        let expected = [vec!["finite"], vec!["update"; rules.len()]].concat();
        assert_eq!(stems(&program, PlanKind::Update), expected, "{name}");
    }
}

/// A device that binds little: parameters are cut into chunks, and all are checked before any is changed.
#[test]
fn parameters_that_no_binding_holds_are_cut_into_chunks() {
    let network = ModelSpec::preset("reference-cnn").unwrap().build().unwrap();
    let mut options = options(&network, 2, Some(Optimizer::adam(1e-3)));
    options.limits = Limits { max_binding_bytes: 803_072, max_buffer_bytes: 803_072, ..Limits::WEBGPU };
    let program = compile(&network, &options).unwrap();
    assert!(program.chunks.len() > 1, "{program}");
    let chunks = program.chunks.len();
    let expected = [vec!["finite"; chunks], vec!["update"; chunks]].concat();
    assert_eq!(stems(&program, PlanKind::Update), expected);
    for kind in PlanKind::ALL {
        assert_eq!(lost(&program, program.plan(kind)), None, "{kind:?}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_the_numbers() {
    let network = ModelSpec::preset("reference-cnn").unwrap().build().unwrap();
    let problem = |capacity, max_binding_bytes| {
        let mut options = options(&network, capacity, Some(Optimizer::default()));
        options.limits.max_binding_bytes = max_binding_bytes;
        compile(&network, &options).unwrap_err().to_string()
    };
    let large_batch = problem(4096, 128 << 20);
    // 4096 samples of 16 planes of 28 × 28 numbers of 4 bytes, and 128 MiB.
    for words in ["layer `relu1`", "205520896 bytes", "134217728", "choose a smaller batch"] {
        assert!(large_batch.contains(words), "{large_batch:?} should speak of {words:?}");
    }
    let large_weight = problem(1, 500_000);
    for words in ["the parameter fc1.weight", "802816 bytes", "500000"] {
        assert!(large_weight.contains(words), "{large_weight:?} should speak of {words:?}");
    }
}
