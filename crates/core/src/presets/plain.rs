//! Networks without branches.

use super::Sketch;
use crate::layers::{AvgPool2d, Conv2d, Features, Flatten, Linear, Relu, Tanh};
use crate::model::ModelSpec;

/// Two convolutions and two fully connected layers: the network that Convoke's figures are given for, and an example of a description.
pub(super) fn reference_cnn(sketch: Sketch) -> Sketch {
    let spec = ModelSpec::from_toml(include_str!("reference-cnn.toml")).expect("it is read in a test");
    Sketch { spec: ModelSpec { input: sketch.spec.input, ..spec }, ..sketch }
}

/// Fully connected layers of 256 and 128 units.
pub(super) fn mlp(sketch: Sketch) -> Sketch {
    let sketch = sketch.add("flatten", Flatten {}).add("fc1", Linear::new(256)).relu("relu1");
    sketch.add("fc2", Linear::new(128)).add("relu2", Relu {}).add("fc3", Linear::new(Features::Classes))
}

/// LeNet-5 ([LeCun et al., 1998](http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf)) as it is taught: 28×28 pictures padded to 32×32,
/// pools without parameters, a linear layer at the end.
pub(super) fn lenet5(sketch: Sketch) -> Sketch {
    let sketch =
        sketch.add("conv1", Conv2d::new(6, 5).padding(2)).add("tanh1", Tanh {}).add("pool1", AvgPool2d::new(2));
    let sketch = sketch.add("conv2", Conv2d::new(16, 5)).add("tanh2", Tanh {}).add("pool2", AvgPool2d::new(2));
    let sketch = sketch.add("flatten", Flatten {}).add("fc1", Linear::new(120)).add("tanh3", Tanh {});
    sketch.add("fc2", Linear::new(84)).add("tanh4", Tanh {}).add("fc3", Linear::new(Features::Classes))
}
