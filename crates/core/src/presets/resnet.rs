//! Residual networks ([He et al., 2015](https://arxiv.org/abs/1512.03385)).

use super::Sketch;
use crate::layers::{Add, BatchNorm, Conv2d, Features, Flatten, GlobalAvgPool, Linear, MaxPool2d, Relu};

/// The network for small pictures, with `blocks` blocks in each of its three stages: 6 · blocks + 2 layers. Where the width changes, the
/// shortcut is a convolution of 1×1 (the paper's option B).
pub(super) fn small(sketch: Sketch, blocks: usize) -> Sketch {
    let sketch = conv_norm(sketch, ["conv1", "bn1"], Conv2d::new(16, 3).padding(1)).relu("relu");
    let mut width = 16;
    let sketch = (1..=3).fold(sketch, |sketch, stage| stack(sketch, stage, blocks, &mut width, 16 << (stage - 1)));
    head(sketch)
}

/// ResNet-18 as torchvision has it.
pub(super) fn resnet18(sketch: Sketch) -> Sketch {
    let sketch = conv_norm(sketch, ["conv1", "bn1"], Conv2d::new(64, 7).stride(2).padding(3)).relu("relu");
    let sketch = sketch.add("maxpool", MaxPool2d::new(3).stride(2).padding(1));
    let mut width = 64;
    let sketch = (1..=4).fold(sketch, |sketch, stage| stack(sketch, stage, 2, &mut width, 64 << (stage - 1)));
    head(sketch)
}

/// The blocks of a stage; all stages but the first begin with stride 2.
fn stack(sketch: Sketch, stage: usize, blocks: usize, width: &mut usize, out: usize) -> Sketch {
    (0..blocks).fold(sketch, |sketch, number| {
        let stride = if stage > 1 && number == 0 { 2 } else { 1 };
        let projected = stride != 1 || *width != out;
        *width = out;
        block(sketch, &format!("layer{stage}.{number}"), out, stride, projected)
    })
}

/// Two convolutions of 3×3 beside a shortcut.
fn block(sketch: Sketch, name: &str, out: usize, stride: usize, projected: bool) -> Sketch {
    let at = |part: &str| format!("{name}.{part}");
    let mut shortcut = sketch.last.clone();
    let first = Conv2d::new(out, 3).stride(stride).padding(1);
    let sketch = conv_norm(sketch, [&at("conv1"), &at("bn1")], first).relu(at("relu1"));
    let mut sketch = conv_norm(sketch, [&at("conv2"), &at("bn2")], Conv2d::new(out, 3).padding(1));
    let main = sketch.last.clone();
    if projected {
        let projection = Conv2d::new(out, 1).stride(stride).without_bias();
        sketch =
            sketch.join(at("downsample.0"), &[&shortcut], projection).add(at("downsample.1"), BatchNorm::default());
        shortcut = sketch.last.clone();
    }
    sketch.join(at("add"), &[&main, &shortcut], Add {}).add(at("relu2"), Relu {})
}

fn conv_norm(sketch: Sketch, [conv, norm]: [&str; 2], layer: Conv2d) -> Sketch {
    sketch.add(conv, layer.without_bias()).add(norm, BatchNorm::default())
}

fn head(sketch: Sketch) -> Sketch {
    sketch.add("avgpool", GlobalAvgPool {}).add("flatten", Flatten {}).add("fc", Linear::new(Features::Classes))
}
