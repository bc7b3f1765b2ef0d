//! VGG ([Simonyan and Zisserman, 2014](https://arxiv.org/abs/1409.1556)).

use super::Sketch;
use crate::layers::{AdaptiveAvgPool2d, Conv2d, Dropout, Features, Flatten, Linear, MaxPool2d};

/// Configuration A as torchvision's `vgg11`. Pictures of fewer than 32 rows or columns go through fewer pools.
pub(super) fn vgg11(sketch: Sketch) -> Sketch {
    let mut side = sketch.side();
    let mut number = 0;
    let mut next = |step| {
        number += step;
        format!("features.{}", number - step)
    };
    let mut sketch = sketch;
    for stage in [&[64][..], &[128], &[256, 256], &[512, 512], &[512, 512]] {
        for &width in stage {
            sketch = sketch.add(next(1), Conv2d::new(width, 3).padding(1)).relu(next(1));
        }
        let pool = next(1);
        if side >= 2 {
            sketch = sketch.add(pool, MaxPool2d::new(2));
            side /= 2;
        }
    }
    let sketch = sketch.add("avgpool", AdaptiveAvgPool2d { output_size: 7.into() }).add("flatten", Flatten {});
    let sketch =
        sketch.add("classifier.0", Linear::new(4096)).relu("classifier.1").add("classifier.2", Dropout::new(0.5));
    let sketch =
        sketch.add("classifier.3", Linear::new(4096)).relu("classifier.4").add("classifier.5", Dropout::new(0.5));
    sketch.add("classifier.6", Linear::new(Features::Classes))
}
