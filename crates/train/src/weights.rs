//! A model's weights: how they begin, and whether given ones fit.

use convoke_core::graph::{Init, ValueId};
use convoke_core::model::Network;
use convoke_core::random::{Stream, StreamId};
use convoke_formats::{NamedTensor, TensorFile};

use crate::error::{Result, TrainError};
use crate::model_file::ModelFile;

/// The weights that a seed begins with, drawn as PyTorch's default initialisation has it: uniform in `±1/√fan_in`, norms 1 and 0.
pub fn initial_weights(network: &Network, seed: u64) -> Vec<NamedTensor> {
    let parameters = network.graph.parameters().enumerate();
    let draw = |(position, (id, name, init)): (usize, (_, &str, Init))| {
        let ty = network.graph.ty(id);
        let mut stream = Stream::new(seed, StreamId::Init, position as u32, 0);
        let mut draw = || match init {
            Init::Uniform { bound } => stream.uniform(-bound, bound),
            Init::Constant(number) => number,
        };
        let data = (0..ty.inner()).map(|_| draw()).collect();
        NamedTensor { name: name.into(), dims: ty.dims.clone(), data }
    };
    parameters.map(draw).collect()
}

/// The weights in a file, in the model's order. What Convoke itself has written may hold more than weights, as a checkpoint does; of
/// any other file all tensors count.
///
/// # Errors
/// [`TrainError::Weights`] where they don't fit the model.
pub fn given_weights(network: &Network, name: &str, file: TensorFile) -> Result<Vec<NamedTensor>> {
    check_weights(network, name, tensors(name, file))
}

/// The tensors in a file that are weights.
fn tensors(name: &str, file: TensorFile) -> Vec<NamedTensor> {
    match ModelFile::from_tensor_file(name, file.clone()) {
        Ok(model) => model.weights,
        Err(_) => file.tensors,
    }
}

/// Weights that a model takes over from one of the same layers, which may tell other classes apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// All of the model's weights, in its order.
    pub weights: Vec<NamedTensor>,
    /// The names and lengths of the tensors that were left out, because they are for another number of classes; the model's own begin
    /// as the seed has them. Empty where all were taken.
    pub left_out: Vec<(String, Vec<usize>)>,
}

/// The weights in a file, as [`given_weights`] has them, but for the head where it is for another number of classes: the parameters of
/// the last layer that has any. They are left out if all of them differ from the model's in their first length alone, and begin anew, as
/// [`initial_weights`] has them by that seed.
///
/// # Errors
/// [`TrainError::Weights`] where anything else doesn't fit the model.
pub fn transfer(network: &Network, name: &str, file: TensorFile, seed: u64) -> Result<Transfer> {
    let mut tensors = tensors(name, file);
    let head = head(network);
    let other = |tensor: &NamedTensor| {
        let own = head.iter().find(|(name, _)| *name == tensor.name);
        own.is_some_and(|(_, own)| tensor.dims.first() != own.first() && tensor.dims.get(1..) == own.get(1..))
    };
    let places = tensors.iter().enumerate().filter(|(_, tensor)| other(tensor)).map(|(place, _)| place);
    let places: Vec<usize> = places.collect();
    let mut left_out = Vec::new();
    if places.len() == head.len() {
        for initial in initial_weights(network, seed).split_off(network.graph.parameters().count() - head.len()) {
            let old = tensors.iter_mut().find(|tensor| tensor.name == initial.name).expect("each of the head is there");
            left_out.push((initial.name.clone(), std::mem::replace(old, initial).dims));
        }
    }
    Ok(Transfer { weights: check_weights(network, name, tensors)?, left_out })
}

/// The names and lengths of the parameters of the last layer that has any.
fn head(network: &Network) -> Vec<(&str, &[usize])> {
    let all = network.graph.parameters().map(|(id, name, _)| (name, network.graph.ty(id).dims.as_slice()));
    let mut all: Vec<(&str, &[usize])> = all.collect();
    let layer = |name: &str| name.rsplit_once('.').map_or(0, |(layer, _)| layer.len());
    let last = all.last().map_or("", |(name, _)| &name[..layer(name)]);
    let first = all.iter().rposition(|(name, _)| &name[..layer(name)] != last).map_or(0, |before| before + 1);
    all.split_off(first)
}

/// Checks that tensors are exactly a model's parameters, in any order, and returns them in the model's.
///
/// # Errors
/// [`TrainError::Weights`], which names what is missing, extra, of another shape, or not a finite number.
pub fn check_weights(network: &Network, file: &str, tensors: Vec<NamedTensor>) -> Result<Vec<NamedTensor>> {
    check(network, file, tensors, |_| true)
}

/// Checks that tensors are exactly those that belong to a model's learned parameters, as the optimizer's state has them.
pub(crate) fn check_states(network: &Network, file: &str, tensors: Vec<NamedTensor>) -> Result<Vec<NamedTensor>> {
    check(network, file, tensors, |id| network.graph.is_learned(id))
}

fn check(
    network: &Network,
    file: &str,
    mut tensors: Vec<NamedTensor>,
    wanted: impl Fn(ValueId) -> bool,
) -> Result<Vec<NamedTensor>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (id, name, _) in network.graph.parameters().filter(|(id, ..)| wanted(*id)) {
        let dims = &network.graph.ty(id).dims;
        let Some(position) = tensors.iter().position(|t| t.name == name) else {
            problems.push(format!("{name} {dims:?} is missing"));
            continue;
        };
        let tensor = tensors.swap_remove(position);
        if tensor.dims != *dims {
            problems.push(format!("{name} is {:?} and has to be {dims:?}", tensor.dims));
        } else if let Some(value) = tensor.data.iter().find(|v| !v.is_finite()) {
            problems.push(format!("{name} holds {value}"));
        }
        found.push(tensor);
    }
    let mut extra: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
    extra.sort_unstable();
    problems.extend(extra.iter().map(|name| format!("{name} is not in the model")));
    if problems.is_empty() {
        return Ok(found);
    }
    let more = problems.len().saturating_sub(8);
    problems.truncate(8);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    let (model, problem) = (network.spec.name.clone(), problems.join("; "));
    Err(TrainError::Weights { file: file.into(), model, problem })
}
