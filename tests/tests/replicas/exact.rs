//! What is the same to the last bit.

use convoke_core::optim::Optimizer;
use convoke_tests::{block_on, cpu};
use convoke_train::{Checkpoint, Outcome, Record, Settings, Split, TrainError, Trainer};

use crate::setting::{advance, data, no_time, several, store, trainer, weights};

fn settings() -> Settings {
    let augment = "crop=1,flip,cutout=2,mixup".parse().unwrap();
    let optimizer = Optimizer::sgd(0.05, 0.9);
    Settings { epochs: 2, batch_size: 16, optimizer, seed: 3, augment, ..Settings::default() }
}

#[test]
fn a_split_step_is_a_step_whose_gradients_are_added_up() {
    // Two halves of 16 are two runs of 8 that share a step: to batch norm, dropout and augmentation too. The last batch of an epoch has 5 samples, of
    // which an engine with 8 at a time needs one run: so it is not compared.
    let cases: [(&str, Settings); 4] = [
        ("plain", settings()),
        ("clipped", Settings { clip_norm: Some(0.5), ..settings() }),
        ("averaged", Settings { ema: Some(0.9), ..settings() }),
        ("adam", Settings { optimizer: Optimizer::adam(0.01), ..settings() }),
    ];
    for (name, settings) in cases {
        let accumulating = Settings { batch_size: 8, accumulate: 2, ..settings.clone() };
        let mut one = trainer(cpu(None), accumulating).unwrap();
        let mut two = trainer(several(2, Split::Equal), settings).unwrap();
        let [wanted, found] = [&mut one, &mut two].map(|trainer| {
            let losses = block_on(trainer.steps(6, &no_time)).unwrap();
            (losses, weights(trainer))
        });
        assert_eq!(found.1, wanted.1, "{name}");
        for (found, wanted) in found.0.iter().zip(&wanted.0) {
            assert!((found / wanted - 1.0).abs() < 1e-6, "{name}: {found} {wanted}");
        }
    }
}

#[test]
fn one_replica_is_the_plain_path() {
    let mut plain = trainer(cpu(None), settings()).unwrap();
    let mut one = trainer(several(1, Split::Equal), settings()).unwrap();
    let [wanted, found] = [&mut plain, &mut one].map(|trainer| {
        let (outcome, told) = advance(trainer, &store(), None);
        assert_eq!(outcome, Ok(Outcome::Finished));
        let epochs = told.records.into_iter().filter_map(|record| match record {
            Record::Epoch { test_loss, test_accuracy, .. } => Some((test_loss.to_bits(), test_accuracy)),
            _ => None,
        });
        (told.losses, epochs.collect::<Vec<_>>(), weights(trainer))
    });
    assert_eq!(found, wanted);
}

#[test]
fn synchronized_batch_norms_see_the_whole_batch() {
    let settings = Settings { sync_batch_norm: true, ..settings() };
    let mut one = trainer(cpu(None), settings.clone()).unwrap();
    let wanted = (block_on(one.steps(14, &no_time)).unwrap(), weights(&mut one));
    for (devices, split) in
        [(2, Split::Equal), (3, Split::Ratio(vec![3.0, 0.0, 1.0])), (3, Split::Equal), (1, Split::Equal)]
    {
        let mut several = trainer(several(devices, split.clone()), settings.clone()).unwrap();
        let losses = block_on(several.steps(14, &no_time)).unwrap();
        for (step, (found, wanted)) in losses.iter().zip(&wanted.0).enumerate() {
            assert!((found / wanted - 1.0).abs() < 1e-5, "{split}, step {step}: {found} {wanted}");
        }
        // Running statistics are among them.
        for (found, wanted) in weights(&mut several).iter().zip(&wanted.1) {
            let off = found.data.iter().zip(&wanted.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let size = wanted.data.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            assert!(off <= 2e-5 * size, "{split}, {}: {off:e} of {size:e}", wanted.name);
        }
    }
    // Without it they don't: otherwise this shows nothing.
    let mut apart = trainer(several(2, Split::Equal), Settings { sync_batch_norm: false, ..settings }).unwrap();
    let losses = block_on(apart.steps(14, &no_time)).unwrap();
    assert!(losses.iter().zip(&wanted.0).any(|(found, wanted)| (found / wanted - 1.0).abs() > 1e-3));
}

#[test]
fn resuming_repeats_the_bits_and_another_set_of_devices_goes_on() {
    let ratio = || Split::Ratio(vec![3.0, 1.0]);
    let settings = Settings { checkpoint_steps: Some(5), ema: Some(0.9), ..settings() };
    let mut whole = trainer(several(2, ratio()), settings.clone()).unwrap();
    let (_, wanted) = advance(&mut whole, &store(), None);
    for stop in [1, 5, 7, 8] {
        let kept = store();
        let mut first = trainer(several(2, ratio()), settings.clone()).unwrap();
        let (_, mut found) = advance(&mut first, &kept, Some(stop));
        let checkpoint = block_on(Checkpoint::newest(&kept, "memory")).unwrap();
        assert_eq!(checkpoint.shares.iter().map(|share| share.weight).collect::<Vec<_>>(), [3.0, 1.0]);
        let resume = |engines| block_on(Trainer::resume(engines, data(), checkpoint.clone(), &mut |_, _| {})).unwrap();
        let mut again = resume(several(2, ratio()));
        found.losses.extend(advance(&mut again, &kept, None).1.losses);
        assert_eq!(found.losses, wanted.losses, "stopped after step {stop}");
        assert_eq!(weights(&mut again), weights(&mut whole), "stopped after step {stop}");

        let mut others = resume(several(3, Split::Equal));
        let (outcome, told) = advance(&mut others, &store(), None);
        assert_eq!(outcome, Ok(Outcome::Finished));
        assert_eq!(told.losses.len(), wanted.losses.len() - stop as usize);
    }
}

#[test]
fn measured_shares_are_recorded_and_repeated() {
    let kept = store();
    let mut first = trainer(several(3, Split::Auto), settings()).unwrap();
    let (_, told) = advance(&mut first, &kept, Some(4));
    let recorded = told.records.iter().find_map(|record| match record {
        Record::Shares { step: 1, shares } => Some(shares.clone()),
        _ => None,
    });
    let recorded = recorded.expect("shares are measured before the first step");
    assert_eq!(recorded.len(), 3);
    let checkpoint = block_on(Checkpoint::newest(&kept, "memory")).unwrap();
    let shares = first.shares();
    assert_eq!(checkpoint.shares, shares);
    let mut again = block_on(Trainer::resume(several(3, Split::Auto), data(), checkpoint, &mut |_, _| {})).unwrap();
    assert_eq!(again.shares(), shares);
    let (_, told) = advance(&mut again, &store(), Some(6));
    assert!(!told.records.iter().any(|record| matches!(record, Record::Shares { .. })), "nothing is measured again");
}

#[test]
fn a_split_for_another_number_of_devices_is_an_error() {
    let error = trainer(several(3, Split::Ratio(vec![1.0, 2.0])), settings()).unwrap_err();
    assert!(matches!(&error, TrainError::Setting(text) if text.contains("2 parts and there are 3 devices")), "{error}");
}

#[test]
fn a_broken_step_changes_no_weight_anywhere() {
    let broken = Settings { optimizer: Optimizer::sgd(1e38, 0.0), ..settings() };
    let mut two = trainer(several(2, Split::Equal), broken.clone()).unwrap();
    let mut one = trainer(several(1, Split::Equal), broken).unwrap();
    for trainer in [&mut one, &mut two] {
        let before = (0..3).find_map(|_| {
            let before = weights(trainer);
            block_on(trainer.steps(1, &no_time)).err().map(|error| (error, before))
        });
        let (error, before) = before.expect("a step like this breaks soon");
        assert!(matches!(error, TrainError::NotFinite { .. }), "{error}");
        assert_eq!(weights(trainer), before);
    }
}
