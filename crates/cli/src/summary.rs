//! `convoke summary`.

use std::process::ExitCode;

use clap::Args;
use convoke::summary::{Summary, summary};

use crate::failure::Result;
use crate::model::{self, Input, Model};
use crate::table::table;
use crate::{output, text};

/// Show what a model is and costs: output shapes, parameters, operations and memory
///
/// Operations count a multiply-add as two. A training step takes the forward pass, about twice as much for the gradients,
/// and a little for each parameter.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  convoke summary\n  convoke summary net.toml --batch-size 256 --json")]
pub struct SummaryArgs {
    /// A preset or a TOML file
    ///
    /// Presets: reference-cnn, mlp, lenet5, vgg11, resnet8, resnet20, resnet18, mobilenet-v2, convnext-atto.
    #[arg(value_name = "MODEL", default_value = model::DEFAULT)]
    model: String,

    /// Channels, height and width of the pictures, such as 3,64,64 [default: the model's]
    #[arg(long, value_name = "C,H,W")]
    input: Option<Input>,

    /// Pictures of a training step, which memory depends on, from 1 to 65536
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = crate::batch_size())]
    batch_size: usize,

    /// Print one JSON object: bytes, and operations for one sample
    #[arg(long)]
    json: bool,
}

/// Shows a model.
pub fn run(args: &SummaryArgs) -> Result<ExitCode> {
    let model = Model::find(&args.model, args.input)?;
    let network = model.build(model.spec.classes)?;
    let summary = summary(&network, args.batch_size)?;
    if args.json {
        output::json(&summary)?;
    } else {
        output::text(&describe(&summary))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(summary: &Summary) -> String {
    let rows: Vec<Vec<String>> = summary
        .layers
        .iter()
        .map(|layer| {
            vec![
                layer.name.clone(),
                layer.type_name.into(),
                text::sides(&layer.output),
                text::grouped(layer.parameters as u64),
                text::grouped(layer.forward_flops),
                text::grouped(layer.activation_bytes as u64),
            ]
        })
        .collect();
    let header = ["layer", "type", "output", "parameters", "FLOP / sample", "bytes / sample"];
    let input = text::sides(&summary.input);
    let bytes = &summary.training_bytes;
    let [all, parameters, gradients, state, activations, batch] =
        [bytes.total, bytes.parameters, bytes.gradients, bytes.optimizer_state, bytes.activations, bytes.batch]
            .map(text::bytes);
    let update = text::flops(summary.update_flops);
    format!(
        "{}: pictures of {input}, {} classes\n\n{}\n\
         parameters  {}\n\
         forward     {} for a sample\n\
         training    {} for a sample, and {update} for a step\n\
         memory      {all} for steps of {} samples: parameters {parameters}, gradients {gradients}, momentum {state}, \
         activations {activations}, pictures {batch}\n",
        summary.model,
        summary.classes,
        table(&header, &rows, 3),
        text::grouped(summary.parameters as u64),
        text::flops(summary.forward_flops),
        text::flops(summary.training_flops),
        summary.batch_size,
    )
}
