//! What PyTorch says of whole runs: see `fixtures/README.md`.

use std::collections::HashMap;

use convoke_core::engine::Engine;
use convoke_core::reference::Batch;
use convoke_core::tensor::Tensor;
use convoke_tests::agreement::{Findings, within};
use convoke_tests::fixtures::Fixture;
use convoke_tests::pytorch::network::{
    BATCH, Recorded, STEPS, a_hundred_steps, given_weights, reference_cnn, thin, twenty_steps,
};
use convoke_tests::pytorch::optimizers::{self, TENSORS, optimizers, recorded_gradients};
use convoke_tests::values::{norm, relative_error};
use convoke_tests::{LossGraph, Pictures, block_on, engines};

#[test]
fn the_definition_gives_pytorchs_losses_and_gradients() {
    let (fixture, pictures, network) = (Fixture::open("trajectory"), Pictures::embedded(), reference_cnn());
    let graph = LossGraph::new(&network).unwrap();
    for step in STEPS {
        let recorded = Recorded::read(&fixture, step);
        let indices = pictures.in_order(step, BATCH);
        let batch = pictures.batch(&indices, &pictures.plain_gather(3), &network.spec.input);
        let feeds = graph.feeds(batch, &pictures.labels(&indices), &recorded.weights);
        let answer = graph.reference(&feeds, Batch::whole(indices.len()));
        assert!(within((answer.loss / recorded.loss - 1.0).abs(), 1e-12), "step {step}: {}", answer.loss);
        let gradients: HashMap<String, Tensor> = answer.gradients.into_iter().collect();
        for (name, wanted, size) in &recorded.gradients {
            // The recorded gradients are rounded to f32, their norms are not.
            let error = relative_error(&thin(name, &gradients[name]), &wanted.data);
            assert!(within(error, 6e-8), "step {step}, {name} is off by {error:.1e}");
            let error = (norm(&gradients[name].data) / size - 1.0).abs();
            assert!(within(error, 1e-12), "step {step}, the norm of {name} is off by {error:.1e}");
        }
    }
}

#[test]
fn the_definition_updates_as_pytorch_does() {
    let fixture = Fixture::open("optimizers");
    for (config, optimizer) in optimizers() {
        for name in TENSORS {
            let mut parameters = fixture.tensor(&format!("start/{name}")).data;
            let mut states = vec![vec![0.0; parameters.len()]; optimizer.rule().states()];
            for step in 1..=50 {
                let gradients = &recorded_gradients(&fixture, step)[name].data;
                optimizer.reference(step as u64, &mut parameters, gradients, &mut states);
                if [1, 10, 50].contains(&step) {
                    let wanted = fixture.tensor(&format!("{config}/f64/step{step}/{name}"));
                    let error = relative_error(&parameters, &wanted.data);
                    assert!(within(error, 1e-13), "{config}, step {step}, {name} is off by {error:.1e}");
                }
            }
        }
    }
}

/// Holds every engine to some checks, and tells what they found.
fn every_engine(check: impl AsyncFn(&mut dyn Engine) -> Result<Findings, String>) {
    let mut failures = Vec::new();
    for mut subject in engines() {
        let findings = block_on(check(subject.engine.as_mut()));
        let device = &subject.name;
        let findings = findings.unwrap_or_else(|problem| panic!("{device}: {problem}"));
        subject.report(&findings.figures);
        failures.extend(findings.failures.into_iter().map(|failure| format!("{device}: {failure}")));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn engines_give_pytorchs_losses_and_gradients() {
    let fixture = Fixture::open("trajectory");
    every_engine(async |engine| given_weights(engine, &fixture).await);
}

#[test]
fn engines_update_as_pytorch_does() {
    let fixture = Fixture::open("optimizers");
    every_engine(async |engine| optimizers::check(engine, &fixture).await);
}

#[test]
fn twenty_free_steps_stay_with_pytorch() {
    let (trajectory, free) = (Fixture::open("trajectory"), Fixture::open("free_run"));
    every_engine(async |engine| twenty_steps(engine, &trajectory, &free).await);
}

#[test]
fn a_hundred_free_steps_stay_as_near_as_pytorch_does_to_itself() {
    let fixture = Fixture::open("spread");
    every_engine(async |engine| a_hundred_steps(engine, &fixture).await);
}
