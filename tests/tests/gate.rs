//! The gate: a step with NaN or Inf changes no weight, and none after it does until the host opens the gate again.

use std::collections::HashMap;

use convoke_core::engine::{Engine, Limits};
use convoke_core::model::{ModelSpec, Network};
use convoke_core::optim::Optimizer;
use convoke_core::plan::Slice;
use convoke_core::tensor::Tensor;
use convoke_tests::models::{parameters, pictures};
use convoke_tests::{LoadedNetwork, Pictures, Setup, Subject, block_on, engines};

/// The weights of `b` fill a chunk by themselves where a binding holds 40 · 80 numbers.
const MODEL: &str = r#"
    input = [1, 6, 6]
    classes = 4
    layers = [
        { type = "conv2d", name = "a", out_channels = 5, kernel_size = 3 },
        { type = "relu" },
        { type = "flatten" },
        { type = "linear", name = "b", out_features = 40 },
        { type = "linear", name = "c", out_features = "classes" },
    ]"#;
const SMALL: Limits = Limits { max_binding_bytes: 12_800, max_buffer_bytes: 12_800, ..Limits::WEBGPU };

fn network() -> Network {
    ModelSpec::from_toml(MODEL).unwrap().build().unwrap()
}

fn load<'e>(
    engine: &'e mut dyn Engine,
    optimizer: Optimizer,
    limits: Limits,
    pictures: &Pictures,
) -> LoadedNetwork<'e> {
    let setup = Setup { limits, ..Setup::new(optimizer, 8) };
    let mut loaded =
        block_on(LoadedNetwork::new(engine, &network(), setup, pictures.plain_gather(1), pictures)).unwrap();
    loaded.begin(&parameters(&network(), 4)).unwrap();
    loaded
}

/// Pictures of which the last one's label is no class.
fn pictures_with_a_wrong_label() -> Pictures {
    let mut pictures = pictures(&network(), 1, 20, 6);
    pictures.labels[19] = 4;
    pictures
}

fn optimizers() -> [Optimizer; 3] {
    let nesterov = Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.1 };
    let adam = Optimizer::Adam { lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.1 };
    [Optimizer::sgd(0.1, 0.0), nesterov, adam]
}

#[test]
fn a_label_beyond_the_classes_closes_the_gate() {
    let pictures = pictures_with_a_wrong_label();
    let (good, bad): (Vec<u32>, Vec<u32>) = ((0..8).collect(), vec![3, 19, 5]);
    for Subject { name: device, mut engine, .. } in engines() {
        for optimizer in optimizers() {
            let mut loaded = load(engine.as_mut(), optimizer, Limits::WEBGPU, &pictures);
            let before = block_on(loaded.state()).unwrap();
            assert!(!block_on(loaded.train(std::slice::from_ref(&good), 1)).unwrap()[0].broken, "{device}");
            let state = block_on(loaded.state()).unwrap();
            assert_ne!(state, before, "{device}: a sound step trains");
            assert_eq!(block_on(loaded.flag()).unwrap(), 0, "{device}");

            // The broken step, and sound ones behind it in the same submission and in another.
            let figures = block_on(loaded.train(&[bad.clone(), good.clone(), good.clone()], 2)).unwrap();
            assert_eq!(figures.iter().map(|f| f.broken).collect::<Vec<_>>(), [true, false, false], "{device}");
            assert!(
                block_on(loaded.state()).unwrap() == state,
                "{device}: {optimizer:?} changed its state behind a broken step"
            );
            assert_eq!(block_on(loaded.flag()).unwrap(), 2, "{device}: the second step was the broken one");

            loaded.clear_flag().unwrap();
            block_on(loaded.train(std::slice::from_ref(&good), 1)).unwrap();
            assert_eq!(block_on(loaded.flag()).unwrap(), 0, "{device}");
            assert_ne!(block_on(loaded.state()).unwrap(), state, "{device}: the gate opens again");
        }
    }
}

/// The bits of what is no number, and of infinities.
const BROKEN: [u32; 5] = [0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0xffff_ffff, 0x7f80_0001];
/// The largest finite numbers: the gate stays open.
const FINITE: [u32; 2] = [0x7f7f_ffff, 0xff7f_ffff];

/// The words of the gradients at which something is put: the first and the last element of every parameter.
fn places(loaded: &LoadedNetwork<'_>) -> Vec<Slice> {
    let program = &loaded.program;
    let ends = program.parameters.iter().flat_map(|place| {
        let whole = program.chunks[place.chunk].gradients;
        let last = place.dims.iter().product::<usize>() - 1;
        [0, last].map(|element| Slice { offset: whole.offset + 4 * (place.offset + element), bytes: 4, ..whole })
    });
    ends.collect()
}

#[test]
fn one_broken_gradient_closes_the_gate_for_all_chunks() {
    let pictures = pictures(&network(), 1, 20, 6);
    let zeros: HashMap<String, Tensor> =
        parameters(&network(), 0).into_iter().map(|(name, tensor)| (name, Tensor::zeros(tensor.dims))).collect();
    for Subject { name: device, mut engine, .. } in engines() {
        // With weight decay, so that parameters move without gradients too.
        let optimizer = optimizers()[1];
        let mut loaded = load(engine.as_mut(), optimizer, SMALL, &pictures);
        assert!(loaded.program.chunks.len() > 1, "{}", loaded.program);
        let state = block_on(loaded.state()).unwrap();
        for (step, slice) in (1..).zip(places(&loaded)) {
            for bits in BROKEN {
                loaded.set_gradients(&zeros).unwrap();
                loaded.write(slice, &[bits]).unwrap();
                loaded.update(step).unwrap();
                assert_eq!(block_on(loaded.flag()).unwrap(), step as u32, "{device}: {bits:#x} at {slice:?}");
                loaded.set_gradients(&zeros).unwrap();
                loaded.update(step + 100).unwrap();
                assert_eq!(
                    block_on(loaded.flag()).unwrap(),
                    step as u32,
                    "{device}: a later step is not the broken one"
                );
                assert!(block_on(loaded.state()).unwrap() == state, "{device}: {bits:#x} at {slice:?}");
                loaded.clear_flag().unwrap();
            }
        }
        for bits in FINITE {
            loaded.set_gradients(&zeros).unwrap();
            loaded.write(places(&loaded)[0], &[bits]).unwrap();
            loaded.update(1).unwrap();
            assert_eq!(block_on(loaded.flag()).unwrap(), 0, "{device}: {bits:#x} is finite");
        }
        assert!(block_on(loaded.state()).unwrap() != state, "{device}: finite gradients train");
    }
}

/// Weights that make the loss NaN or infinite by themselves, or only by what is computed from them.
#[test]
fn broken_weights_close_the_gate() {
    let pictures = pictures(&network(), 1, 20, 6);
    for Subject { name: device, mut engine, .. } in engines() {
        for (name, value) in
            [("a.weight", 3e38), ("b.bias", f64::NAN), ("c.bias", f64::INFINITY), ("c.weight", f64::NAN)]
        {
            let mut loaded = load(engine.as_mut(), Optimizer::default(), Limits::WEBGPU, &pictures);
            let mut weights = parameters(&network(), 4);
            weights.get_mut(name).expect("the model has it").data.fill(value);
            loaded.begin(&weights).unwrap();
            let state = block_on(loaded.state()).unwrap();
            let figures = block_on(loaded.train(&[(0..8).collect()], 1)).unwrap();
            assert!(figures[0].broken, "{device}: {name} of {value} gives {figures:?}");
            assert_eq!(block_on(loaded.flag()).unwrap(), 1, "{device}: {name} of {value}");
            assert!(block_on(loaded.state()).unwrap() == state, "{device}: {name} of {value}");
        }
    }
}

/// Between the parameters lies padding, which no optimizer may fill.
#[test]
fn padding_stays_zero() {
    let pictures = pictures(&network(), 1, 20, 6);
    for Subject { name: device, mut engine, .. } in engines() {
        for optimizer in optimizers() {
            let mut loaded = load(engine.as_mut(), optimizer, SMALL, &pictures);
            let batches: Vec<Vec<u32>> = (0..5).map(|step| pictures.in_order(step, 8)).collect();
            block_on(loaded.train(&batches, 5)).unwrap();
            let states = optimizer.rule().states();
            let (program, state) = (loaded.program.clone(), block_on(loaded.state()).unwrap());
            for (index, words) in state.iter().enumerate() {
                let mut words = words.clone();
                for place in program.parameters.iter().filter(|place| place.chunk == index / (1 + states)) {
                    words[place.offset..][..place.dims.iter().product()].fill(0);
                }
                assert!(words.iter().all(|&word| word << 1 == 0), "{device}: {optimizer:?}, tensor {index}");
            }
        }
    }
}
