//! Pictures that are changed at random are the same on every engine.

use std::rc::Rc;

use convoke_core::engine::{DeviceKind, Engine, Run};
use convoke_core::kernels::{Gather, Mix, View};
use convoke_core::layers::{Features, Flatten, Linear};
use convoke_core::loss::Loss;
use convoke_core::model::ModelSpec;
use convoke_core::optim::Optimizer;
use convoke_core::plan::{CompileOptions, PlanKind, Program, compile};
use convoke_core::random::{Stream, StreamId};
use convoke_core::step::Step;
use convoke_tests::{block_on, engines};
use convoke_train::{Augment, Draw};

const SIZE: [usize; 2] = [13, 11];
const CHANNELS: usize = 3;
const PICTURES: usize = 6;

/// The first step of the plan for gradients, alone: it shows the pictures.
fn program(engine: &dyn Engine, augment: &Augment) -> Program {
    let spec = ModelSpec::new("flat", [CHANNELS, SIZE[0], SIZE[1]], 2)
        .then(Flatten {})
        .layer("fc", Linear::new(Features::Classes));
    let gather = Gather {
        source_channels: CHANNELS,
        channels: CHANNELS,
        plane: SIZE[0] * SIZE[1],
        mean: vec![0.25, 0.5, 0.3],
        inverse_std: vec![4.0, 3.0, 5.0],
    };
    let options = CompileOptions {
        capacity: PICTURES,
        slots: 1,
        pictures: PICTURES,
        augment: augment.kernel(&gather, SIZE),
        gather,
        loss: Loss::default(),
        training: Some(Optimizer::default().rule().into()),
        limits: engine.limits(),
    };
    let mut program = compile(&spec.build().unwrap(), &options).unwrap();
    program.plans[PlanKind::Gradients as usize].steps.truncate(1);
    program
}

/// What an engine makes of random pictures.
fn pictures(engine: &mut dyn Engine, augment: &Augment) -> Vec<u32> {
    let program = Rc::new(program(engine, augment));
    block_on(engine.load(program.clone(), &mut |_, _| {})).unwrap();
    let mut random = Stream::new(1, StreamId::Test, 0, 0);
    let pixels: Vec<u32> = (0..PICTURES * program.picture_words).map(|_| random.next_u32()).collect();
    let mut blocks = Vec::new();
    for position in 0..PICTURES {
        let draw = |position| Draw { seed: 3, step: 8, position };
        blocks.extend(augment.view(draw(position), SIZE, 100.0).words());
        if augment.mixes() {
            let second = (position + 1) % PICTURES;
            let mix: Mix = augment.mix(draw(position), SIZE, second as u32);
            let view: View = augment.view(draw(second), SIZE, 120.0);
            blocks.extend(mix.words());
            blocks.extend(view.words());
        }
    }
    engine.write(program.pixels, &pixels).unwrap();
    engine.write(program.labels, &[0; PICTURES]).unwrap();
    engine.write(program.indices, &[0, 1, 2, 3, 4, 5]).unwrap();
    engine.write(program.augmentation.unwrap(), &blocks).unwrap();
    let step = Step { samples: PICTURES as u32, ..Step::default() };
    engine.submit(&[Run::new(PlanKind::Gradients, step)]).unwrap();
    block_on(engine.read(&program.plan(PlanKind::Gradients).steps[0].writes[..1])).unwrap().remove(0)
}

#[test]
fn every_engine_shows_the_same_pictures() {
    // Places and interpolation leave no room for rounding; only GPUs may divide less exactly than others.
    let exact = [
        "crop=3,flip,vertical_flip,cutout=4",
        "rotate=30,scale=0.7:1.4,shear,translate,crop=2,flip",
        "resized_crop=0.2:1",
    ];
    let close =
        ["brightness,contrast,saturation,grey=0.5", "mixup", "cutmix,crop=2", "rotate,contrast,mixup,cutmix,cutout"];
    for (texts, error) in [(&exact[..], 0.0), (&close[..], 2e-6)] {
        for text in texts {
            let augment: Augment = text.parse().unwrap();
            let mut all = engines().into_iter();
            let mut first = all.next().unwrap();
            let expected = pictures(&mut *first.engine, &augment);
            for mut subject in all {
                let found = pictures(&mut *subject.engine, &augment);
                let floats = |words: &[u32]| -> Vec<f32> { bytemuck::cast_slice(words).to_vec() };
                let pairs = floats(&expected).into_iter().zip(floats(&found));
                let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                let hardware = subject.engine.info().kind == DeviceKind::Gpu;
                let error = if hardware { 2e-6 } else { error };
                assert!(worst <= error, "{} is off by {worst} for {text}", subject.name);
            }
        }
    }
}
