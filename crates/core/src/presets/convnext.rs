//! ConvNeXt ([Liu et al., 2022](https://arxiv.org/abs/2201.03545)).

use super::Sketch;
use crate::layers::{Add, Conv2d, Features, Flatten, Gelu, GlobalAvgPool, LayerNorm, LayerScale, Linear};

/// Width and blocks of each stage of timm's `convnext_atto`.
const ATTO: [[usize; 2]; 4] = [[40, 2], [80, 2], [160, 6], [320, 2]];

/// ConvNeXt Atto as timm has it. The stem takes patches of 4×4, of 2×2 where pictures have fewer than 32 rows or columns.
pub(super) fn atto(sketch: Sketch) -> Sketch {
    let eps = 1e-6;
    let patch = if sketch.side() < 32 { 2 } else { 4 };
    let mut sketch =
        sketch.add("stem.0", Conv2d::new(ATTO[0][0], patch).stride(patch)).add("stem.1", LayerNorm { eps });
    for (stage, [width, blocks]) in ATTO.into_iter().enumerate() {
        if stage > 0 {
            sketch = sketch.add(format!("stages.{stage}.downsample.0"), LayerNorm { eps });
            sketch = sketch.add(format!("stages.{stage}.downsample.1"), Conv2d::new(width, 2).stride(2));
        }
        for block in 0..blocks {
            let name = format!("stages.{stage}.blocks.{block}");
            let at = |part: &str| format!("{name}.{part}");
            let shortcut = sketch.last.clone();
            sketch = sketch.add(at("conv_dw"), Conv2d::new(width, 7).padding(3).groups(width));
            sketch = sketch.add(at("norm"), LayerNorm { eps }).add(at("mlp.fc1"), Conv2d::new(4 * width, 1));
            sketch = sketch.add(at("mlp.act"), Gelu {}).add(at("mlp.fc2"), Conv2d::new(width, 1));
            sketch = sketch.add(name.clone(), LayerScale::default());
            sketch = sketch.join(at("add"), &[&shortcut, &name], Add {});
        }
    }
    let sketch = sketch.add("head.global_pool", GlobalAvgPool {}).add("head.norm", LayerNorm { eps });
    sketch.add("head.flatten", Flatten {}).add("head.fc", Linear::new(Features::Classes))
}
