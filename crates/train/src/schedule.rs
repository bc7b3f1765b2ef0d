//! How the learning rate changes over a run: the table `[schedule]` of a model's file.

use std::fmt;

use convoke_core::exact;
use serde::{Deserialize, Serialize};

use crate::span::Span;

/// How the learning rate changes. All schedules are followed step by step; what is counted in epochs may be broken.
///
/// The rate of step `t`, counted from 0, follows from the optimizer's rate `lr`. Over the warm-up's `W` steps it rises in a straight line:
/// `lr · (warmup_start + (1 − warmup_start) · t / W)`. Then the curve takes over, with `t` counted from there and `T` the steps that are left of
/// the run, as PyTorch's `SequentialLR` of `LinearLR` and the curve's own schedule has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// The curve.
    #[serde(rename = "type")]
    pub kind: ScheduleKind,
    /// How long the warm-up lasts: not at all where it is left out.
    pub warmup: Option<Span>,
    /// Which part of the rate the warm-up begins with, above 0 and up to 1: 0.01 where it is left out.
    pub warmup_start: Option<f64>,
    /// The length of a stair of `step`, and that over which `exponential` falls by `gamma`: one epoch.
    pub every: Option<Span>,
    /// Where `multistep` falls.
    pub milestones: Option<Vec<Span>>,
    /// By how much `step`, `multistep` (0.1) and `exponential` (0.95) fall, above 0.
    pub gamma: Option<f64>,
    /// The rate that `cosine`, `polynomial` and `plateau` end with, 0 or more: 0.
    pub minimum: Option<f64>,
    /// The exponent of `polynomial`, above 0: 1.
    pub power: Option<f64>,
    /// The part of the run over which `onecycle` rises, between 0 and 1: 0.3.
    pub rise: Option<f64>,
    /// What `onecycle` begins with is `lr` divided by this, at least 1: 25.
    pub div_factor: Option<f64>,
    /// What `onecycle` ends with is what it begins with, divided by this, at least 1: 10,000.
    pub final_div_factor: Option<f64>,
    /// By how much `plateau` lowers the rate, above 0 and below 1: 0.1.
    pub factor: Option<f64>,
    /// The epochs without improvement that `plateau` bears: 10.
    pub patience: Option<u32>,
    /// What counts as an improvement for `plateau`: a loss lower by this part of it, from 0 to 1: 0.0001.
    pub threshold: Option<f64>,
    /// The epochs for which `plateau` waits after it has lowered the rate: 0.
    pub cooldown: Option<u32>,
}

/// The curves that a learning rate may follow. `lr` is the optimizer's rate, `t` the step from 0, `T` the run's steps, both behind a warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// `lr`.
    #[default]
    Constant,
    /// `lr · gamma^⌊t / every⌋`, PyTorch's `StepLR`.
    Step,
    /// `lr · gamma^(milestones reached)`, PyTorch's `MultiStepLR`.
    MultiStep,
    /// `lr · gamma^(t / every)`, PyTorch's `ExponentialLR`.
    Exponential,
    /// `minimum + (lr − minimum) · (1 + cos(π · t / T)) / 2`, PyTorch's `CosineAnnealingLR`.
    Cosine,
    /// Along cosines up to `lr` and down again, PyTorch's `OneCycleLR` with two phases; momentum stays as it is.
    OneCycle,
    /// `minimum + (lr − minimum) · (1 − t / T)^power`, PyTorch's `PolynomialLR`.
    Polynomial,
    /// Lower by `factor` whenever the loss has not improved for more than `patience` epochs, PyTorch's `ReduceLROnPlateau`.
    Plateau,
}

impl ScheduleKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Constant,
        Self::Step,
        Self::MultiStep,
        Self::Exponential,
        Self::Cosine,
        Self::OneCycle,
        Self::Polynomial,
        Self::Plateau,
    ];

    /// The name by which it is chosen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Step => "step",
            Self::MultiStep => "multistep",
            Self::Exponential => "exponential",
            Self::Cosine => "cosine",
            Self::OneCycle => "onecycle",
            Self::Polynomial => "polynomial",
            Self::Plateau => "plateau",
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.name())?;
        match self.warmup {
            Some(Span::Epochs(epochs)) => write!(f, " after a warm-up of {epochs} epochs"),
            Some(steps) => write!(f, " after a warm-up of {steps}"),
            None => Ok(()),
        }
    }
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Steps of the whole run.
    pub steps: u64,
    /// Steps of an epoch.
    pub per_epoch: usize,
}

impl Schedule {
    /// The rate of step `t`, counted from 0, of a run of that length, where the optimizer's is `lr`, or what a plateau has made of it.
    pub fn rate(&self, lr: f64, t: u64, length: Length) -> f64 {
        let warmup = self.warmup_steps(length);
        if t < warmup {
            let start = self.warmup_start.unwrap_or(0.01);
            return lr * (start + (1.0 - start) * t as f64 / warmup as f64);
        }
        let total = length.steps.saturating_sub(warmup).max(1);
        self.curve(lr, t - warmup, total, length.per_epoch)
    }

    fn warmup_steps(&self, length: Length) -> u64 {
        self.warmup.map_or(0, |warmup| warmup.steps(length.per_epoch))
    }

    fn curve(&self, lr: f64, t: u64, total: u64, per_epoch: usize) -> f64 {
        let part = (t.min(total)) as f64 / total as f64;
        let every = || self.every.unwrap_or(Span::Epochs(1.0)).steps(per_epoch).max(1);
        let minimum = self.minimum.unwrap_or(0.0);
        match self.kind {
            ScheduleKind::Constant | ScheduleKind::Plateau => lr,
            ScheduleKind::Step => lr * self.gamma.unwrap_or(0.1).powf((t / every()) as f64),
            ScheduleKind::MultiStep => {
                let milestones = self.milestones.iter().flatten();
                let reached = milestones.filter(|milestone| milestone.steps(per_epoch) <= t).count();
                lr * self.gamma.unwrap_or(0.1).powf(reached as f64)
            }
            ScheduleKind::Exponential => lr * self.gamma.unwrap_or(0.95).powf(t as f64 / every() as f64),
            ScheduleKind::Cosine => between(lr, minimum, part),
            ScheduleKind::Polynomial => minimum + (lr - minimum) * (1.0 - part).powf(self.power.unwrap_or(1.0)),
            ScheduleKind::OneCycle => self.cycle(lr, t as f64, total as f64),
        }
    }

    fn cycle(&self, lr: f64, t: f64, total: f64) -> f64 {
        let first = lr / self.div_factor.unwrap_or(25.0);
        let last = first / self.final_div_factor.unwrap_or(1e4);
        let peak = self.rise.unwrap_or(0.3) * total - 1.0;
        if t <= peak {
            between(first, lr, t / peak)
        } else {
            between(lr, last, ((t - peak) / (total - 1.0 - peak).max(f64::MIN_POSITIVE)).min(1.0))
        }
    }

    /// The settings that belong to other schedules, and those that are out of range.
    ///
    /// # Errors
    /// A sentence that says which, and what to do.
    pub fn check(&self) -> Result<(), String> {
        self.check_places()?;
        let within = |name: &str, value: Option<f64>, ok: fn(f64) -> bool, range: &str| match value {
            Some(value) if !ok(value) => Err(format!("the schedule's {name} is {value:?}; it has to be {range}")),
            _ => Ok(()),
        };
        let positive = |value: f64| value > 0.0 && value.is_finite();
        within("gamma", self.gamma, positive, "a number above 0, such as 0.1")?;
        within("power", self.power, positive, "a number above 0, such as 2")?;
        within("minimum", self.minimum, |x| x >= 0.0 && x.is_finite(), "0 or more, such as 1e-5")?;
        within("warmup_start", self.warmup_start, |x| x > 0.0 && x <= 1.0, "above 0 and at most 1, such as 0.01")?;
        within("rise", self.rise, |x| x > 0.0 && x < 1.0, "between 0 and 1, such as 0.3")?;
        let divisor = |x: f64| x >= 1.0 && x.is_finite();
        within("div_factor", self.div_factor, divisor, "1 or more, such as 25")?;
        within("final_div_factor", self.final_div_factor, divisor, "1 or more, such as 10000")?;
        within("factor", self.factor, |x| x > 0.0 && x < 1.0, "between 0 and 1, such as 0.1")?;
        within("threshold", self.threshold, |x| (0.0..1.0).contains(&x), "from 0 to 1, such as 0.0001")?;
        if self.every.is_some_and(|every| every.is_empty() || !every.is_sound()) {
            return Err("the schedule's `every` is no length; give epochs, such as 10, or \"500 steps\"".into());
        }
        let spans = self.warmup.iter().chain(self.milestones.iter().flatten());
        if spans.into_iter().any(|span| !span.is_sound()) {
            return Err("a length of the schedule is negative or without end; give epochs, such as 5".into());
        }
        if self.kind == ScheduleKind::MultiStep && self.milestones.as_ref().is_none_or(Vec::is_empty) {
            return Err("the schedule multistep needs milestones, such as 30,60,80".into());
        }
        Ok(())
    }

    /// Whether the schedule fits into a run of that length.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub fn check_length(&self, length: Length) -> Result<(), String> {
        let (warmup, steps) = (self.warmup_steps(length), length.steps);
        if warmup >= steps && self.warmup.is_some_and(|warmup| !warmup.is_empty()) {
            return Err(format!(
                "the warm-up takes {warmup} steps and the run has {steps}; shorten the warm-up, or train for longer"
            ));
        }
        Ok(())
    }

    /// Settings that another schedule has.
    fn check_places(&self) -> Result<(), String> {
        use ScheduleKind::{Cosine, Exponential, MultiStep, OneCycle, Plateau, Polynomial, Step};
        let places: [(&str, bool, &[ScheduleKind]); 12] = [
            ("every", self.every.is_some(), &[Step, Exponential]),
            ("milestones", self.milestones.is_some(), &[MultiStep]),
            ("gamma", self.gamma.is_some(), &[Step, MultiStep, Exponential]),
            ("minimum", self.minimum.is_some(), &[Cosine, Polynomial, Plateau]),
            ("power", self.power.is_some(), &[Polynomial]),
            ("rise", self.rise.is_some(), &[OneCycle]),
            ("div_factor", self.div_factor.is_some(), &[OneCycle]),
            ("final_div_factor", self.final_div_factor.is_some(), &[OneCycle]),
            ("factor", self.factor.is_some(), &[Plateau]),
            ("patience", self.patience.is_some(), &[Plateau]),
            ("threshold", self.threshold.is_some(), &[Plateau]),
            ("cooldown", self.cooldown.is_some(), &[Plateau]),
        ];
        if self.warmup_start.is_some() && self.warmup.is_none() {
            return Err("warmup_start is given, and no warm-up; give its length with warmup, such as 5".into());
        }
        match places.iter().find(|(_, given, kinds)| *given && !kinds.contains(&self.kind)) {
            None => Ok(()),
            Some((name, _, kinds)) => {
                let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
                let (kinds, kind) = (kinds.join(", "), self.kind.name());
                Err(format!("the schedule's {name} is for {kinds}, and the schedule is {kind}; leave it out"))
            }
        }
    }
}

/// From `a` to `b` along half a cosine.
fn between(a: f64, b: f64, part: f64) -> f64 {
    b + (a - b) * (1.0 + (std::f64::consts::PI * part).cos()) / 2.0
}

/// What a schedule on plateaus remembers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// The highest rate that it still allows.
    #[serde(with = "exact")]
    pub limit: f64,
    /// The lowest loss so far.
    #[serde(with = "exact")]
    pub best: f64,
    /// Epochs since then.
    pub bad: u32,
    /// Epochs to wait for.
    pub cooldown: u32,
}

impl Default for Plateau {
    /// Nothing has been seen.
    fn default() -> Self {
        Self { limit: f64::INFINITY, best: f64::INFINITY, bad: 0, cooldown: 0 }
    }
}

impl Plateau {
    /// Follows the loss of an epoch, as PyTorch's `ReduceLROnPlateau` does, where the optimizer's rate is `lr`.
    pub fn follow(&mut self, schedule: &Schedule, lr: f64, loss: f64) {
        if schedule.kind != ScheduleKind::Plateau {
            return;
        }
        if loss < self.best * (1.0 - schedule.threshold.unwrap_or(1e-4)) {
            (self.best, self.bad) = (loss, 0);
        } else {
            self.bad += 1;
        }
        if self.cooldown > 0 {
            (self.cooldown, self.bad) = (self.cooldown - 1, 0);
        }
        if self.bad > schedule.patience.unwrap_or(10) {
            let now = lr.min(self.limit);
            let lower = (now * schedule.factor.unwrap_or(0.1)).max(schedule.minimum.unwrap_or(0.0));
            // Smaller changes are none: PyTorch's `eps`.
            if now - lower > 1e-8 {
                self.limit = lower;
            }
            (self.cooldown, self.bad) = (schedule.cooldown.unwrap_or(0), 0);
        }
    }
}
