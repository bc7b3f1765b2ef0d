//! The options of what is done to gradients and weights beside the optimizer's rule.

use std::str::FromStr;

use clap::{ArgAction, Args};
use convoke::prelude::Settings;
use convoke::train::ParameterGroup;

/// Gradients and weights.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Gradients and weights")]
pub struct GradientArgs {
    /// How many batches make one step: their gradients are added up, so that little memory does what a larger batch does [default: 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    accumulate: Option<usize>,

    /// Cut the norm of all gradients together to at most this, above 0 [default: not cut]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    clip_norm: Option<f64>,

    /// Cut each gradient to at most this, above 0 [default: not cut]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    clip_value: Option<f64>,

    /// Keep an average of the weights in which each step replaces 1 − DECAY, such as 0.999; it is what is tested and kept [default: none]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    ema: Option<f64>,

    /// Leave these parameters as they are; may be given several times [default: none]
    ///
    /// A name in which `*` stands for any text and `?` for any character: --freeze 'conv1.*' --freeze '*.bias'. Running statistics of
    /// batch norms stay too where the pattern names them.
    #[arg(long, value_name = "PATTERN", action = ArgAction::Append)]
    freeze: Vec<String>,

    /// Spare parameters of one dimension the weight decay: biases, and the weights of norms
    #[arg(long)]
    no_decay_1d: bool,

    /// Let batch norms take the statistics of the whole batch where that is split over several devices [default: of each device's share]
    ///
    /// Each batch norm then waits for all devices three times a step: slower, and the same as on one device, up to rounding.
    #[arg(long)]
    sync_batch_norm: bool,

    /// Train these parameters with a rate or a weight decay of their own; may be given several times [default: none]
    ///
    /// PATTERN:lr=FACTOR, PATTERN:decay=X or both, separated by a comma: --group 'fc.*:lr=10,decay=0'. FACTOR is on the learning rate.
    /// Of several groups that name a parameter the first counts.
    #[arg(long, value_name = "GROUP", action = ArgAction::Append)]
    group: Vec<GroupArg>,
}

/// A group of parameters, as `--group` has it.
#[derive(Clone, Debug)]
struct GroupArg(ParameterGroup);

impl FromStr for GroupArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "give PATTERN:lr=FACTOR,decay=X, such as *.bias:decay=0";
        let (parameters, rest) = text.rsplit_once(':').ok_or(format!("`{text}` is no group; {form}"))?;
        let mut group = ParameterGroup { parameters: parameters.into(), ..ParameterGroup::default() };
        for part in rest.split(',') {
            let (name, value) = part.split_once('=').ok_or(format!("`{part}` is no setting; {form}"))?;
            let number = Some(value.parse().map_err(|_| format!("`{value}` is no number; {form}"))?);
            match name {
                "lr" => group.lr_factor = number,
                "decay" => group.weight_decay = number,
                _ => return Err(format!("`{name}` is neither lr nor decay; {form}")),
            }
        }
        Ok(Self(group))
    }
}

impl GradientArgs {
    /// Changes what is given.
    pub fn apply(&self, settings: &mut Settings) {
        settings.accumulate = self.accumulate.unwrap_or(settings.accumulate);
        // One way of clipping replaces the other that the model's file has.
        if self.clip_norm.is_some() || self.clip_value.is_some() {
            (settings.clip_norm, settings.clip_value) = (self.clip_norm, self.clip_value);
        }
        settings.ema = self.ema.or(settings.ema);
        settings.freeze.extend(self.freeze.iter().cloned());
        settings.no_decay_on_norms_and_biases |= self.no_decay_1d;
        settings.sync_batch_norm |= self.sync_batch_norm;
        let own = self.group.iter().map(|group| group.0.clone());
        settings.groups = own.chain(settings.groups.drain(..)).collect();
    }
}
