//! The layers and their settings.

/// A layer: its type, what it does, and its settings with their values, defaults and meanings.
type Layer = (&'static str, &'static str, &'static [[&'static str; 4]]);

const PAIR: &str = "1 to 16384, or `[vertical, horizontal]`";
const FROM_ZERO: &str = "0 to 16384, or `[vertical, horizontal]`";
const EPS: [&str; 4] = ["eps", "a number above 0", "0.00001", "What is added to the variance."];
const OUT: [&str; 4] = ["out_channels", "from 1, or `\"classes\"`", "required", "Channels that go out."];
const KERNEL: [&str; 4] = ["kernel_size", PAIR, "required", "The window's height and width, in pixels."];
const STRIDE: [&str; 4] = ["stride", PAIR, "1", "How far the window moves, in pixels."];
const DILATION: [&str; 4] = ["dilation", PAIR, "1", "The distance between two taps of the window, in pixels."];
const GROUPS: [&str; 4] =
    ["groups", "a divisor of the channels in and out", "1", "Groups of channels that don't see one another."];
const BIAS: [&str; 4] = ["bias", "`true`, `false`", "true", "Whether a bias is added."];
const POOL_STRIDE: [&str; 4] = ["stride", PAIR, "the kernel's size", "How far the window moves, in pixels."];

const LAYERS: &[Layer] = &[
    (
        "adaptive_avg_pool2d",
        "Means over so many windows.",
        &[["output_size", PAIR, "required", "The output's height and width, in pixels."]],
    ),
    ("add", "The sum of the two or more layers that `from` names.", &[]),
    (
        "avg_pool2d",
        "The mean of each window.",
        &[
            KERNEL,
            POOL_STRIDE,
            ["padding", "0 to half the kernel", "0", "Rows and columns of zeros on each side, which count."],
        ],
    ),
    (
        "batch_norm",
        "Each channel normalised over the batch; by running averages behind training.",
        &[EPS, ["momentum", "a number from 0 to 1", "0.1", "How far the running averages follow each batch."]],
    ),
    ("concat", "The channels of the layers that `from` names, side by side.", &[]),
    (
        "conv2d",
        "A convolution.",
        &[
            OUT,
            KERNEL,
            STRIDE,
            ["padding", FROM_ZERO, "0", "Rows and columns of zeros on each side."],
            DILATION,
            GROUPS,
            BIAS,
        ],
    ),
    (
        "conv_transpose2d",
        "A transposed convolution.",
        &[
            OUT,
            KERNEL,
            ["stride", PAIR, "1", "The distance between what two neighbours of the input add to, in pixels."],
            ["padding", FROM_ZERO, "0", "Rows and columns that are cut off on each side."],
            ["output_padding", "0 to below the stride", "0", "Rows more at the bottom, and columns more on the right."],
            DILATION,
            GROUPS,
            BIAS,
        ],
    ),
    (
        "dropout",
        "Zeros at random while training.",
        &[["p", "a number from 0 to below 1", "0.5", "How likely each element becomes zero."]],
    ),
    ("flatten", "One row of numbers for each picture.", &[]),
    ("gelu", "Gaussian error linear unit.", &[]),
    ("global_avg_pool", "The mean of each channel.", &[]),
    ("global_max_pool", "The largest number of each channel.", &[]),
    (
        "group_norm",
        "Groups of channels normalised, picture by picture.",
        &[["groups", "a divisor of the channels", "required", "How many groups."], EPS],
    ),
    ("layer_norm", "The channels of each place normalised together.", &[EPS]),
    (
        "layer_scale",
        "A learned factor for each channel.",
        &[["init", "a number", "0.000001", "What the factors are at first."]],
    ),
    ("leaky_relu", "`x` above 0, and a slope below.", &[["negative_slope", "a number", "0.01", "The slope below 0."]]),
    (
        "linear",
        "Each output from all inputs; behind `flatten`.",
        &[["out_features", "from 1, or `\"classes\"`", "required", "Numbers that go out."], BIAS],
    ),
    (
        "max_pool2d",
        "The largest number of each window.",
        &[
            KERNEL,
            POOL_STRIDE,
            ["padding", "0 to half the kernel", "0", "Rows and columns around the picture, which don't count."],
            DILATION,
        ],
    ),
    (
        "multiply",
        "The product of the two layers that `from` names: of one shape, or the second with one number a channel.",
        &[],
    ),
    (
        "pad",
        "Rows and columns around the picture.",
        &[
            [
                "padding",
                "0 to 16384, or `[vertical, horizontal]`, or `[top, bottom, left, right]`",
                "required",
                "Rows and columns on each side.",
            ],
            ["mode", "`\"zeros\"`, `\"reflect\"`, `\"replicate\"`", "\"zeros\"", "What they hold."],
        ],
    ),
    ("relu", "`x` above 0, and 0 below.", &[]),
    ("relu6", "`relu`, and 6 at most.", &[]),
    ("sigmoid", "`1 / (1 + exp(−x))`.", &[]),
    ("silu", "`x · sigmoid(x)`.", &[]),
    ("softmax", "Each place's channels as shares of 1.", &[]),
    (
        "squeeze_excite",
        "Channels weighed by what all of them show.",
        &[[
            "squeeze_channels",
            "from 1",
            "required",
            "Channels in between; a sixteenth of those that come in is usual.",
        ]],
    ),
    ("tanh", "Hyperbolic tangent.", &[]),
    (
        "upsample",
        "Larger pictures.",
        &[
            ["scale_factor", PAIR, "this or `size`", "How many times as high and as wide the output is."],
            ["size", PAIR, "this or `scale_factor`", "The output's height and width, in pixels."],
            ["mode", "`\"nearest\"`, `\"bilinear\"`", "\"nearest\"", "What stands between the input's pixels."],
        ],
    ),
];

const HEAD: &str = "
## Layers

Each layer is a table of `layers` with its `type`, its settings, and these:

| key | value | default | meaning |
| --- | --- | --- | --- |
| `type` | one of those below | required | What the layer does. |
| `name` | text | the type and the position: `conv2d_0` | What the layer's parameters are called by, and what `from` names. |
| `from` | a list of names; `\"input\"` is the picture | the layer before | What the layer takes. |

| type | does | setting | value, unit, range | default | meaning |
| --- | --- | --- | --- | --- | --- |
";

/// The section on layers.
pub fn section() -> String {
    let mut text = HEAD.to_string();
    for (kind, does, settings) in LAYERS {
        let mut first = format!("| `{kind}` | {does} |");
        if settings.is_empty() {
            text += &format!("{first} — | | | |\n");
        }
        for [key, value, default, meaning] in *settings {
            text += &format!("{first} `{key}` | {value} | {default} | {meaning} |\n");
            first = "| | |".into();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use convoke::layers::Layer;
    use convoke::prelude::ModelSpec;

    use super::*;

    /// The settings that a layer may have, by what is said of one that it may not.
    fn known(kind: &str) -> Vec<String> {
        let text = format!("input = [1, 8, 8]\nlayers = [{{ type = '{kind}', zzz = 1 }}]");
        let error = ModelSpec::from_toml(&text).unwrap_err().to_string();
        let (_, list) = error.split_once("`zzz`").unwrap();
        list.split('`').skip(1).step_by(2).map(String::from).collect()
    }

    #[test]
    fn every_layer_is_listed_with_every_setting_and_its_true_default() {
        let listed: Vec<&str> = LAYERS.iter().map(|(kind, ..)| *kind).collect();
        assert_eq!(listed, Layer::TYPES);
        for (kind, _, settings) in LAYERS {
            let keys: Vec<&str> = settings.iter().map(|[key, ..]| *key).collect();
            assert_eq!(keys, known(kind), "{kind}");
            let required = settings.iter().filter(|[_, _, default, _]| *default == "required");
            let given: String = required.map(|[key, ..]| format!(", {key} = 4")).collect();
            let text = format!("input = [4, 8, 8]\nlayers = [{{ type = '{kind}'{given} }}]");
            let written = ModelSpec::from_toml(&text).unwrap().to_toml();
            for [key, _, default, _] in *settings {
                if let Some(line) = written.lines().find_map(|line| line.strip_prefix(&format!("{key} = "))) {
                    let same =
                        *default == "required" || line == *default || line.parse::<f32>() == default.parse::<f32>();
                    assert!(same, "{kind}: {key} is {line}, and listed as {default}");
                }
            }
        }
    }
}
