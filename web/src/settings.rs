//! How to train, between the page's names and the trainer's.

use convoke::optim::Optimizer;
use convoke::train::{Augment, Settings};

use crate::protocol::{OptimizerKind, OptimizerSettings, TrainingSettings};

impl Default for TrainingSettings {
    fn default() -> Self {
        Self::from(&Settings::default())
    }
}

impl Default for OptimizerSettings {
    fn default() -> Self {
        Self::from(Optimizer::default())
    }
}

impl Default for OptimizerKind {
    fn default() -> Self {
        OptimizerSettings::default().kind
    }
}

impl From<&Settings> for TrainingSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            epochs: settings.epochs,
            batch_size: settings.batch_size as u32,
            optimizer: settings.optimizer.into(),
            seed: settings.seed as u32,
            shuffle: settings.shuffle,
            max_steps: settings.max_steps.map(|steps| steps as u32),
        }
    }
}

impl From<&TrainingSettings> for Settings {
    fn from(settings: &TrainingSettings) -> Self {
        Self {
            epochs: settings.epochs,
            batch_size: settings.batch_size as usize,
            optimizer: settings.optimizer.clone().into(),
            seed: settings.seed.into(),
            shuffle: settings.shuffle,
            augment: Augment::NONE,
            max_steps: settings.max_steps.map(u64::from),
            ..Self::default()
        }
    }
}

impl From<Optimizer> for OptimizerSettings {
    fn from(optimizer: Optimizer) -> Self {
        match optimizer {
            Optimizer::Sgd { lr, momentum, nesterov, weight_decay } => {
                Self { kind: OptimizerKind::Sgd, lr, momentum, nesterov, weight_decay }
            }
            Optimizer::Adam { lr, weight_decay, .. } => {
                Self { kind: OptimizerKind::Adam, lr, momentum: 0.0, nesterov: false, weight_decay }
            }
        }
    }
}

impl From<OptimizerSettings> for Optimizer {
    fn from(settings: OptimizerSettings) -> Self {
        let OptimizerSettings { kind, lr, momentum, nesterov, weight_decay } = settings;
        match kind {
            OptimizerKind::Sgd => Self::Sgd { lr, momentum, nesterov, weight_decay },
            OptimizerKind::Adam => {
                let mut adam = Self::adam(lr);
                if let Self::Adam { weight_decay: decay, .. } = &mut adam {
                    *decay = weight_decay;
                }
                adam
            }
        }
    }
}
