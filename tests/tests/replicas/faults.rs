//! Replicas that fail, at random: what is learned is as if they had left in an orderly way.

use std::time::{Duration, Instant};

use convoke_core::optim::Optimizer;
use convoke_core::random::{Stream, StreamId};
use convoke_tests::{block_on, cpu};
use convoke_train::{Checkpoint, Engines, Outcome, Record, Settings, Split, TrainError, Trainer};

use crate::faulty::{Fault, Faulty};
use crate::setting::{advance, data, several, store, threaded, trainer, weights};

/// Runs with a fault each: more of them under `cargo xtask soak`.
const RUNS: u64 = if cfg!(feature = "soak") { 200 } else { 10 };

/// Far longer than a share takes, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(4);

const STEPS: u64 = 14;

fn settings(seed: u64) -> Settings {
    let augment = "crop=1,flip,mixup".parse().unwrap();
    let optimizer = Optimizer::sgd(0.05, 0.9);
    Settings { epochs: 2, batch_size: 16, optimizer, seed, augment, checkpoint_steps: Some(3), ..Settings::default() }
}

/// Three replicas, of which one has a fault.
fn with_fault(split: &Split, place: usize, fault: Fault, at: u64) -> Engines {
    let replica = |index: usize| match index == place {
        true => threaded(move |engine| Box::new(Faulty::new(engine, fault, at))),
        false => threaded(|engine| engine),
    };
    Engines::several(cpu(None), (0..3).map(replica).collect(), split.clone()).with_deadline(DEADLINE)
}

/// The step that was done when each replica left.
fn departures(records: &[Record]) -> Vec<u64> {
    records
        .iter()
        .filter_map(|record| if let Record::Left { step, .. } = record { Some(*step) } else { None })
        .collect()
}

#[test]
fn whoever_fails_leaves_and_nothing_is_lost() {
    for run in 0..RUNS {
        let mut stream = Stream::new(run, StreamId::Test, 1, 0);
        // The first runs have each fault once.
        let kind = if run < Fault::ALL.len() as u64 { run as u32 } else { stream.below(Fault::ALL.len() as u32) };
        let (fault, at) = (Fault::ALL[kind as usize], 1 + u64::from(stream.below(STEPS as u32)));
        let (place, split) = (stream.below(3) as usize, Split::Ratio(vec![1.0, 2.0, 1.5]));
        let what = format!("run {run}: {fault:?} of replica {place} in step {at}");
        let began = Instant::now();

        let mut faulty = trainer(with_fault(&split, place, fault, at), settings(run)).unwrap();
        let (outcome, told) = advance(&mut faulty, &store(), None);
        assert_eq!(outcome, Ok(Outcome::Finished), "{what}");
        assert_eq!(told.losses.len() as u64, STEPS, "{what}");
        let left = departures(&told.records);
        let wanted: &[u64] = match fault {
            Fault::Slow => &[],
            Fault::Allocation => &[0],
            // Noticed when the next step begins, or the evaluation; after the last one by the last evaluation.
            Fault::Update => &[at],
            Fault::Evaluation => &[STEPS / 2],
            _ => &[at - 1],
        };
        assert_eq!(left, wanted, "{what}");

        let mut orderly = trainer(several(3, split), settings(run)).unwrap();
        let (kept, mut losses) = (store(), Vec::new());
        for step in left {
            losses.extend(advance(&mut orderly, &kept, Some(step)).1.losses);
            orderly.release(place).unwrap();
        }
        losses.extend(advance(&mut orderly, &kept, None).1.losses);
        assert_eq!(told.losses, losses, "{what}");
        assert_eq!(weights(&mut faulty), weights(&mut orderly), "{what}");
        let progress = [&faulty, &orderly].map(|trainer| trainer.progress().clone());
        assert_eq!((progress[0].step, progress[0].epoch), (progress[1].step, progress[1].epoch), "{what}");
        // Slow machines are slow, but nobody waits for a replica longer than once.
        assert!(began.elapsed() < DEADLINE + Duration::from_secs(60), "{what} took {:?}", began.elapsed());
    }
}

#[test]
fn when_none_is_left_all_that_was_learned_is_kept() {
    let kept = store();
    let lost = |at| threaded(move |engine| Box::new(Faulty::new(engine, Fault::Reduction, at)));
    let engines = Engines::several(cpu(None), vec![lost(4), lost(6)], Split::Equal);
    let mut trainer = trainer(engines, settings(1)).unwrap();
    let (outcome, told) = advance(&mut trainer, &kept, None);
    let error = outcome.unwrap_err();
    assert!(matches!(error, TrainError::NoneLeft { step: 5, .. }), "{error}");
    assert!(error.to_string().contains("no device is left after step 5"), "{error}");
    assert_eq!(told.losses.len(), 5);
    let left = told.records.iter().filter_map(|record| match record {
        Record::Left { step, device, reason } => {
            Some((*step, device.ends_with("(1)") || device.ends_with("(2)"), reason.as_str()))
        }
        _ => None,
    });
    // Each says which of two alike it is, and why, without advice that is for others.
    assert_eq!(left.collect::<Vec<_>>(), [(3, true, "a cable was pulled"), (5, true, "a cable was pulled")]);

    let checkpoint = block_on(Checkpoint::newest(&kept, "memory")).unwrap();
    assert_eq!(checkpoint.progress.step, 5);
    let mut again = block_on(Trainer::resume(several(2, Split::Equal), data(), checkpoint, &mut |_, _| {})).unwrap();
    let (outcome, told) = advance(&mut again, &kept, None);
    assert_eq!((outcome, told.losses.len() as u64), (Ok(Outcome::Finished), STEPS - 5));
}

#[test]
fn who_holds_other_parameters_than_it_was_sent_is_found_out() {
    let replicas =
        vec![threaded(|engine| engine), threaded(|engine| Box::new(Faulty::new(engine, Fault::Forgetful, 1)))];
    let mut trainer = trainer(Engines::several(cpu(None), replicas, Split::Equal), settings(1)).unwrap();
    let error = advance(&mut trainer, &store(), None).0.unwrap_err();
    assert!(matches!(error, TrainError::Transport { step: 1, .. }), "{error}");
}
