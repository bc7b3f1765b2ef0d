//! MobileNetV2 ([Sandler et al., 2018](https://arxiv.org/abs/1801.04381)).

use super::Sketch;
use crate::layers::{Add, BatchNorm, Conv2d, Dropout, Features, Flatten, GlobalAvgPool, Linear, Relu6};

/// The inverted residuals: expansion, width, blocks, stride of the first (table 2).
const STAGES: [[usize; 4]; 7] =
    [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]];

/// MobileNetV2 of width 1 as torchvision has it.
pub(super) fn mobilenet_v2(sketch: Sketch) -> Sketch {
    let mut sketch = conv_norm(sketch, "features.0", Conv2d::new(32, 3).stride(2).padding(1));
    let (mut width, mut number) = (32, 1);
    for [expansion, out, blocks, stride] in STAGES {
        for block in 0..blocks {
            let stride = if block == 0 { stride } else { 1 };
            sketch = inverted_residual(sketch, number, [width, out], expansion, stride);
            (width, number) = (out, number + 1);
        }
    }
    let sketch = conv_norm(sketch, &format!("features.{number}"), Conv2d::new(1280, 1));
    let sketch = sketch.add("avgpool", GlobalAvgPool {}).add("flatten", Flatten {});
    sketch.add("classifier.0", Dropout::new(0.2)).add("classifier.1", Linear::new(Features::Classes))
}

/// Expansion of 1×1, depthwise 3×3, projection of 1×1, with a shortcut where the shape stays.
fn inverted_residual(
    sketch: Sketch,
    number: usize,
    [width, out]: [usize; 2],
    expansion: usize,
    stride: usize,
) -> Sketch {
    let name = format!("features.{number}");
    let at = |part: usize| format!("{name}.conv.{part}");
    let (from, hidden) = (sketch.last.clone(), width * expansion);
    let (mut sketch, mut part) = (sketch, 0);
    if expansion != 1 {
        sketch = conv_norm(sketch, &at(part), Conv2d::new(hidden, 1));
        part += 1;
    }
    let depthwise = Conv2d::new(hidden, 3).stride(stride).padding(1).groups(hidden);
    let sketch = conv_norm(sketch, &at(part), depthwise);
    let sketch = sketch.add(at(part + 1), Conv2d::new(out, 1).without_bias()).add(at(part + 2), BatchNorm::default());
    if stride != 1 || width != out {
        return sketch;
    }
    let main = sketch.last.clone();
    sketch.join(format!("{name}.add"), &[&from, &main], Add {})
}

/// Convolution, batch norm, ReLU6.
fn conv_norm(sketch: Sketch, name: &str, layer: Conv2d) -> Sketch {
    let sketch = sketch.add(format!("{name}.0"), layer.without_bias()).add(format!("{name}.1"), BatchNorm::default());
    sketch.add(format!("{name}.2"), Relu6 {})
}
