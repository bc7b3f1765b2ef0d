//! What a trained model sees: predictions, confusion, filters, feature maps.

use std::rc::Rc;

use convoke::cpu::CpuEngine;
use convoke::data::{Dataset, Picture, Samples, decode};
use convoke::engine::{Engine, Limits, Run};
use convoke::formats::NamedTensor;
use convoke::layers::Layer;
use convoke::model::Network;
use convoke::order::{arranged, ascending, largest_first};
use convoke::plan::{PlanKind, Slice, compile_graph};
use convoke::step::Step;
use convoke::train::{ModelFile, Predictor, TrainError};

use crate::device;
use crate::failure::Result;
use crate::now;
use crate::protocol::{
    ClassProbability, DeviceChoice, EvaluationReport, Failure, FeatureMap, PictureSource, Reply, Tiles, WrongPrediction,
};

/// Pictures at a time.
const BATCH: usize = 64;

/// The most channels of a layer that are shown.
const MOST_CHANNELS: usize = 64;

/// A model that was asked before, ready to be asked again with newer weights.
#[derive(Default)]
pub(crate) struct Insight {
    ready: Option<(ModelFile, Predictor)>,
}

impl Insight {
    /// A predictor with this model's weights. One that is ready is used again where only weights differ.
    async fn predictor(&mut self, model: &ModelFile) -> Result<&mut Predictor> {
        let same = |ready: &ModelFile| ready.spec == model.spec && ready.statistics == model.statistics;
        let fits = self.ready.as_ref().is_some_and(|(ready, _)| same(ready));
        let mut kept = self.ready.take().filter(|_| fits).map(|(_, predictor)| predictor);
        // A device that was lost takes no weights.
        kept.take_if(|predictor| predictor.session().set_weights(&model.weights).is_err());
        let fresh = match kept {
            Some(predictor) => predictor,
            None => {
                let engine = device::open(DeviceChoice::Auto).await?;
                Predictor::new(engine, model, BATCH, &mut |_, _| {}).await?
            }
        };
        Ok(&mut self.ready.insert((model.clone(), fresh)).1)
    }

    /// The probability of each class for each picture. A device that was lost meanwhile is replaced once.
    async fn probabilities(
        &mut self,
        model: &ModelFile,
        pictures: &Samples,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Vec<f64>>> {
        match self.predictor(model).await?.predict(pictures, progress).await {
            Err(TrainError::Engine(_)) => {
                self.ready = None;
                Ok(self.predictor(model).await?.predict(pictures, progress).await?)
            }
            predicted => Ok(predicted?),
        }
    }

    /// What a model makes of the test pictures.
    pub async fn evaluate(
        &mut self,
        model: &ModelFile,
        data: &Dataset,
        most_wrong: usize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<EvaluationReport> {
        if data.classes != model.classes {
            let message = format!(
                "the model knows the classes {}, and the open pictures are of {}; open pictures of the same classes",
                model.classes.join(", "),
                data.classes.join(", ")
            );
            return Err(Failure::new("data", message));
        }
        let pictures = for_model(model, data);
        let rows = self.probabilities(model, &pictures, progress).await?;
        let classes = model.classes.len();
        let mut confusion = vec![0; classes * classes];
        let (mut loss, mut right, mut wrong) = (0.0, 0, Vec::new());
        for (index, (probabilities, &label)) in rows.into_iter().zip(&data.test.labels).enumerate() {
            let predicted = largest(&probabilities);
            confusion[label as usize * classes + predicted] += 1;
            loss -= probabilities[label as usize].max(f64::MIN_POSITIVE).ln();
            right += usize::from(predicted == label as usize);
            if predicted != label as usize {
                wrong.push(WrongPrediction { index: index as u32, label, predicted: predicted as u32, probabilities });
            }
        }
        let sureness = |wrong: &WrongPrediction| largest_first(wrong.probabilities[wrong.predicted as usize]);
        let order = ascending(wrong.iter().map(sureness));
        let mut wrong = arranged(wrong, &order);
        wrong.truncate(most_wrong);
        let samples = data.test.len();
        Ok(EvaluationReport {
            classes: model.classes.clone(),
            samples: samples as u32,
            loss: loss / samples.max(1) as f64,
            accuracy: right as f64 / samples.max(1) as f64,
            confusion,
            tiles: Tiles::of_samples(data, &data.test, wrong.iter().map(|wrong| wrong.index as usize)),
            wrong,
        })
    }

    /// What a model sees in a picture.
    pub async fn predict(&mut self, model: &ModelFile, picture: Picture) -> Result<Reply> {
        let [channels, height, width] = model.spec.input;
        let pixels = for_input(picture, model.spec.input)?.into_planes();
        let samples = Samples { pixels: pixels.into(), labels: vec![0] };
        let tiles = Tiles::of([channels, height, width], [samples.sample(0)]);
        // The device is made ready before the clock starts: that happens once, and is not what a prediction takes.
        self.predictor(model).await?;
        let begun = now();
        let probabilities = self.probabilities(model, &samples, &mut |_, _| {}).await?.swap_remove(0);
        let seconds = (now() - begun).as_secs_f64();
        let order = ascending(probabilities.iter().copied().map(largest_first));
        let class = |at: usize| ClassProbability { name: model.classes[at].clone(), probability: probabilities[at] };
        let classes = order.into_iter().map(class).collect();
        Ok(Reply::Prediction { classes, tiles, seconds })
    }
}

/// A picture that the page has given.
pub(crate) fn picture(source: &PictureSource, data: Option<&Dataset>) -> Result<Picture> {
    match source {
        PictureSource::File { name, bytes } => Ok(decode(&bytes.0.to_vec(), name)?),
        PictureSource::Pixels { image } => {
            Ok(Picture::from_rgba(image.0.width() as usize, image.0.height() as usize, &image.0.data())?)
        }
        PictureSource::Test { index } => {
            let data = data.ok_or_else(no_data)?;
            test_picture(data, *index as usize)
        }
    }
}

/// What is said where data is needed and none is open.
pub(crate) fn no_data() -> Failure {
    Failure::new("no-data", "no pictures are open; choose some first")
}

fn test_picture(data: &Dataset, index: usize) -> Result<Picture> {
    if index >= data.test.len() {
        let message = format!("there is no test picture {index}; there are {}", data.test.len());
        return Err(Failure::new("data", message));
    }
    Ok(Picture::from_planes(data.channels, data.height, data.width, data.test.sample(index).to_vec()))
}

/// A picture as a model of this input takes it.
fn for_input(picture: Picture, [channels, height, width]: [usize; 3]) -> Result<Picture> {
    if !matches!(channels, 1 | 3) {
        let message = format!("the model takes {channels} channels, and pictures have 1 or 3");
        return Err(Failure::new("model", message));
    }
    Ok(picture.resize(height, width).into_channels(channels))
}

/// The test pictures as a model takes them: grey ones repeated where it takes colour, others of another size resized.
fn for_model(model: &ModelFile, data: &Dataset) -> Samples {
    if [data.channels, data.height, data.width] == model.spec.input {
        return data.test.clone();
    }
    let pictures = (0..data.test.len()).filter_map(|i| for_input(test_picture(data, i).ok()?, model.spec.input).ok());
    Samples { pixels: pictures.flat_map(Picture::into_planes).collect(), labels: data.test.labels.clone() }
}

/// The position of the largest; of equal ones the first, as the engines have it.
fn largest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// The filters of a model's first convolution.
pub(crate) fn filters(model: &ModelFile) -> Result<Reply> {
    let first = model.spec.layers.iter().find(|layer| matches!(layer.layer, Layer::Conv2d(_)));
    let first =
        first.ok_or_else(|| Failure::new("model", "the model has no convolution, and so no filters to show"))?;
    let weight = weight(model, &format!("{}.weight", first.name))?;
    let [filters, channels, height, width] = *weight.dims.as_slice() else {
        return Err(Failure::new("defect", "a convolution's weight has four sides"));
    };
    let pictures: Vec<&[f32]> =
        weight.data.chunks(channels * height * width).take(filters.min(MOST_CHANNELS)).collect();
    Ok(Reply::Filters { layer: first.name.clone(), tiles: Tiles::of_numbers([channels, height, width], &pictures) })
}

fn weight<'a>(model: &'a ModelFile, name: &str) -> Result<&'a NamedTensor> {
    let found = model.weights.iter().find(|tensor| tensor.name == name);
    found.ok_or_else(|| Failure::new("defect", format!("the model has no weight {name}")))
}

/// What each layer makes of one of the test pictures. Computed on the CPU: it is one picture, and leaves a training device alone.
pub(crate) async fn feature_maps(model: &ModelFile, data: &Dataset, index: usize) -> Result<Reply> {
    let network = model.spec.build()?;
    let picture = for_input(test_picture(data, index)?, model.spec.input)?;
    let outputs = layer_outputs(model, &network, &normalized(model, &picture)).await?;
    let layers = model.spec.layers.iter().zip(&network.outputs).zip(outputs).map(|((layer, &value), numbers)| {
        let tiles = match *network.graph.ty(value).dims.as_slice() {
            [channels, height, width] => {
                let planes: Vec<&[f32]> = numbers.chunks(height * width).take(channels.min(MOST_CHANNELS)).collect();
                Tiles::of_numbers([1, height, width], &planes)
            }
            _ => Tiles::of_numbers([1, 1, numbers.len()], &[&numbers]),
        };
        FeatureMap { layer: layer.name.clone(), type_name: layer.layer.type_name().into(), tiles }
    });
    Ok(Reply::FeatureMaps { layers: layers.collect() })
}

/// A picture as numbers, as the engines' gathering makes them.
fn normalized(model: &ModelFile, picture: &Picture) -> Vec<f32> {
    let plane = picture.height() * picture.width();
    let scales = model.statistics.mean().iter().zip(model.statistics.inverse_std());
    let planes = picture.planes().chunks(plane).zip(scales);
    planes
        .flat_map(|(plane, (mean, scale))| plane.iter().map(move |&x| (f32::from(x) / 255.0 - mean) * scale))
        .collect()
}

/// The output of each layer for one picture.
async fn layer_outputs(model: &ModelFile, network: &Network, input: &[f32]) -> Result<Vec<Vec<f32>>> {
    let mut engine = CpuEngine::new(None)?;
    let most = isize::MAX as usize;
    let limits = Limits { max_binding_bytes: most, max_buffer_bytes: most, ..engine.limits() };
    let compiled = compile_graph(&network.graph, &network.outputs, 1, &limits)?;
    engine.load(Rc::new(compiled.program.clone()), &mut |_, _| {}).await?;
    let mut write = |slice: Slice, values: &[f32]| engine.write(slice, bytes_of(values));
    write(compiled.inputs[&network.input], input)?;
    for (value, name, _) in network.graph.parameters() {
        write(compiled.inputs[&value], &weight(model, name)?.data)?;
    }
    let step = Step { samples: 1, inverse_samples: 1.0, ..Step::default() };
    engine.submit(&[Run::new(PlanKind::Predict, step)])?;
    let outputs = engine.read(&compiled.outputs).await?;
    let lengths = network.outputs.iter().map(|&value| network.graph.ty(value).inner());
    let floats = |(words, length): (Vec<u32>, usize)| words.into_iter().take(length).map(f32::from_bits).collect();
    Ok(outputs.into_iter().zip(lengths).map(floats).collect())
}

/// Numbers as the words that engines take.
fn bytes_of(values: &[f32]) -> &[u32] {
    bytemuck::cast_slice(values)
}
