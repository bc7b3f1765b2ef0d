//! Presets: known networks, each for pictures of any size and any number of classes. A new one adds a line to the list below.
//!
//! Parameters are named as torchvision names them where it has the network (timm for ConvNeXt's atto), so that weights move without
//! being renamed.

mod convnext;
mod mobilenet;
mod plain;
mod resnet;
mod vgg;

use crate::layers::{Layer, Relu};
use crate::model::ModelSpec;

/// A preset: its name, the pictures that it was published for, and how it is made for pictures of another size.
struct Preset {
    name: &'static str,
    input: [usize; 3],
    make: fn(Sketch) -> Sketch,
}

const PRESETS: &[Preset] = &[
    Preset { name: "reference-cnn", input: [3, 28, 28], make: plain::reference_cnn },
    Preset { name: "mlp", input: [1, 28, 28], make: plain::mlp },
    Preset { name: "lenet5", input: [1, 28, 28], make: plain::lenet5 },
    Preset { name: "vgg11", input: [3, 224, 224], make: vgg::vgg11 },
    Preset { name: "resnet8", input: [3, 32, 32], make: |sketch| resnet::small(sketch, 1) },
    Preset { name: "resnet20", input: [3, 32, 32], make: |sketch| resnet::small(sketch, 3) },
    Preset { name: "resnet18", input: [3, 224, 224], make: resnet::resnet18 },
    Preset { name: "mobilenet-v2", input: [3, 224, 224], make: mobilenet::mobilenet_v2 },
    Preset { name: "convnext-atto", input: [3, 224, 224], make: convnext::atto },
];

/// The names of all presets.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

/// The preset of that name for ten classes, and for pictures of `[channels, height, width]` or those that it was published for.
pub(crate) fn preset(name: &str, input: Option<[usize; 3]>) -> Option<ModelSpec> {
    let preset = PRESETS.iter().find(|preset| preset.name == name)?;
    let input = input.unwrap_or(preset.input);
    Some((preset.make)(Sketch::new(name, input)).spec)
}

/// A description under construction.
struct Sketch {
    spec: ModelSpec,
    /// The name of the last layer.
    last: String,
}

impl Sketch {
    fn new(name: &str, input: [usize; 3]) -> Self {
        Self { spec: ModelSpec::new(name, input, 10), last: crate::model::INPUT.into() }
    }

    /// The smaller side of the pictures.
    fn side(&self) -> usize {
        self.spec.input[1].min(self.spec.input[2])
    }

    /// Adds a layer behind the last one.
    fn add(mut self, name: impl Into<String>, layer: impl Into<Layer>) -> Self {
        self.last = name.into();
        self.spec = self.spec.layer(self.last.clone(), layer);
        self
    }

    /// Adds a layer behind others.
    fn join(mut self, name: impl Into<String>, from: &[&str], layer: impl Into<Layer>) -> Self {
        self.last = name.into();
        self.spec = self.spec.layer_from(self.last.clone(), from.iter().copied(), layer);
        self
    }

    fn relu(self, name: impl Into<String>) -> Self {
        self.add(name, Relu {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters as published, or as the framework that the names are of counts them.
    #[test]
    fn presets_have_as_many_parameters_as_published() {
        let count = |name, input, classes| {
            preset(name, Some(input)).unwrap().with_classes(classes).build().unwrap().parameter_count()
        };
        assert_eq!(count("reference-cnn", [3, 28, 28], 10), 207_210);
        assert_eq!(count("mlp", [1, 28, 28], 10), 784 * 256 + 256 + 256 * 128 + 128 + 1290);
        // LeCun et al., 1998, with all maps of the first pool connected: 61,706.
        assert_eq!(count("lenet5", [1, 28, 28], 10), 61_706);
        let imagenet = |name| count(name, [3, 224, 224], 1000);
        // torchvision's model pages.
        assert_eq!(imagenet("vgg11"), 132_863_336);
        assert_eq!(imagenet("resnet18"), 11_689_512);
        assert_eq!(imagenet("mobilenet-v2"), 3_504_872);
        // timm 1.0's convnext_atto.
        assert_eq!(imagenet("convnext-atto"), 3_695_520);
        // He et al., 2015, table 6: 0.27M, here with projections (their option B) where widths change.
        assert_eq!(count("resnet20", [3, 32, 32], 10), 272_474);
        assert_eq!(count("resnet8", [3, 32, 32], 10), 78_042);
    }

    #[test]
    fn presets_are_for_pictures_of_any_size() {
        for name in names() {
            let sizes: &[[usize; 3]] = &[[1, 28, 28], [3, 32, 32], [3, 64, 48], [4, 96, 96]];
            for &input in sizes {
                let spec = preset(name, Some(input)).unwrap().with_classes(7);
                let network = spec.build().unwrap_or_else(|error| panic!("{name} for {input:?}: {error}"));
                assert_eq!(ModelSpec::from_toml(&spec.to_toml()).unwrap(), spec);
                assert_eq!(network.classes(), 7);
            }
        }
    }
}
