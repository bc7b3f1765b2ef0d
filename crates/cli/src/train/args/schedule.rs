//! The options of the schedule.

use clap::{Args, ValueEnum};
use convoke::train::{Schedule, ScheduleKind, Span};

/// How the learning rate changes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Schedule")]
pub struct ScheduleArgs {
    /// How the learning rate changes: constant, step, multistep, exponential, cosine, onecycle, polynomial or plateau [default: constant]
    ///
    /// Each as PyTorch has it, followed step by step. step falls by --gamma every --every, multistep at the --milestones, exponential
    /// evenly; cosine and polynomial end at --minimum with the run; onecycle rises to --lr and falls again; plateau falls by --factor
    /// when the validation loss (the training loss where there is no --validation) has not improved for --plateau-patience epochs.
    #[arg(long, value_enum, value_name = "NAME")]
    schedule: Option<Choice>,

    /// How long the rate rises in a straight line before the schedule begins: epochs, or as 500steps [default: 0]
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true)]
    warmup: Option<Span>,

    /// Which part of the rate the warm-up begins with, above 0 and at most 1 [default: 0.01]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    warmup_start: Option<f64>,

    /// The length of a stair of step, and that over which exponential falls by --gamma: epochs, or as 500steps [default: 1]
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true)]
    every: Option<Span>,

    /// Where multistep falls: epochs, or steps as 500steps, separated by commas: 30,60,80 [default: none]
    #[arg(long, value_name = "SPANS", value_delimiter = ',')]
    milestones: Option<Vec<Span>>,

    /// By how much step, multistep and exponential fall, above 0 [default: 0.1 for step and multistep, 0.95 for exponential]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    gamma: Option<f64>,

    /// The rate that cosine and polynomial end with, and below which plateau doesn't go [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    minimum: Option<f64>,

    /// The exponent of polynomial, above 0 [default: 1]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    power: Option<f64>,

    /// The part of the run over which onecycle rises, between 0 and 1 [default: 0.3]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    rise: Option<f64>,

    /// What onecycle begins with is --lr divided by this [default: 25]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    div_factor: Option<f64>,

    /// What onecycle ends with is what it begins with, divided by this [default: 10000]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    final_div_factor: Option<f64>,

    /// By how much plateau lowers the rate, between 0 and 1 [default: 0.1]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    factor: Option<f64>,

    /// The epochs without improvement that plateau bears [default: 10]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    plateau_patience: Option<u32>,

    /// By which part of itself the loss must fall to count as improved for plateau [default: 0.0001]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    threshold: Option<f64>,

    /// The epochs that plateau waits after it has lowered the rate [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    cooldown: Option<u32>,
}

/// The schedules by name.
#[derive(Clone, Copy, Debug)]
struct Choice(ScheduleKind);

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Self] {
        const { &all() }
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(self.0.name().into())
    }
}

const fn all() -> [Choice; ScheduleKind::ALL.len()] {
    let mut all = [Choice(ScheduleKind::Constant); ScheduleKind::ALL.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = Choice(ScheduleKind::ALL[i]);
        i += 1;
    }
    all
}

impl ScheduleArgs {
    /// The schedule that is asked for, where the model's file has `base`: of which all is kept that is not given here; of another
    /// schedule the warm-up alone.
    pub fn schedule(&self, base: Schedule) -> Schedule {
        let base = match self.schedule {
            Some(Choice(kind)) if kind != base.kind => {
                Schedule { kind, warmup: base.warmup, warmup_start: base.warmup_start, ..Schedule::default() }
            }
            _ => base,
        };
        Schedule {
            kind: base.kind,
            warmup: self.warmup.or(base.warmup),
            warmup_start: self.warmup_start.or(base.warmup_start),
            every: self.every.or(base.every),
            milestones: self.milestones.clone().or(base.milestones),
            gamma: self.gamma.or(base.gamma),
            minimum: self.minimum.or(base.minimum),
            power: self.power.or(base.power),
            rise: self.rise.or(base.rise),
            div_factor: self.div_factor.or(base.div_factor),
            final_div_factor: self.final_div_factor.or(base.final_div_factor),
            factor: self.factor.or(base.factor),
            patience: self.plateau_patience.or(base.patience),
            threshold: self.threshold.or(base.threshold),
            cooldown: self.cooldown.or(base.cooldown),
        }
    }
}
