//! Losses: what a network's outputs are held against, and how the losses of a batch become one number.

use crate::error::{Error, Result};
use crate::functions::exact;
use crate::graph::{Graph, ValueId};
use crate::ops::{CrossEntropy, Keep, OneHot, Pointwise, PointwiseLoss, Reduce, SoftCrossEntropy};
use crate::shape::{DType, TensorType};

/// How far outputs are from what is wanted: the loss of one sample. `x` is a sample's row of outputs, `t` its row of targets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum LossKind {
    /// `−Σ_c t_c · log softmax(x)_c`: PyTorch's `CrossEntropyLoss`.
    #[default]
    CrossEntropy,
    /// The mean over classes of a loss of each output by itself: PyTorch's `MSELoss`, `L1Loss`, `HuberLoss`, `BCEWithLogitsLoss` on one-hot
    /// targets.
    Pointwise(Pointwise),
}

impl LossKind {
    /// What outputs of a network that was trained with this loss say of each class, 0 … 1: the softmax after cross-entropy, whose probabilities
    /// add up to 1; after binary cross-entropy the sigmoid of each by itself; else the outputs themselves, which were drawn to 0 and 1, cut at these.
    pub fn probabilities(self, outputs: &[f32]) -> Vec<f64> {
        match self {
            Self::CrossEntropy => {}
            Self::Pointwise(Pointwise::BinaryCrossEntropy) => {
                return outputs.iter().map(|&x| exact::sigmoid(x.into())).collect();
            }
            Self::Pointwise(_) => return outputs.iter().map(|&x| f64::from(x).clamp(0.0, 1.0)).collect(),
        }
        // The largest is subtracted first, so that nothing overflows.
        let largest = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f64> = outputs.iter().map(|&x| f64::from(x - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.iter().map(|p| p / sum).collect()
    }
}

/// A loss as a plan computes it.
///
/// A sample's target is 1 for its label's class and 0 elsewhere; with `label_smoothing` ε it is `1 − ε` and, for every class, `ε / classes`
/// more. A sample of two labels, as mixup and cutmix make them, has a share of each. Where classes are `weighted`, class `c` of the targets
/// counts `w_c` times, and the mean over the global batch is `Σ loss / Σ w_label` (of mixed samples, the weights of both labels by their
/// shares), as PyTorch's `CrossEntropyLoss(weight, label_smoothing)` has it; without weights it is the mean over its samples.
///
/// Evaluation takes the plain loss of the same kind ([`Loss::plain`]): without smoothing, weights and second labels, so that its
/// figures can be compared whatever a run was trained with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Which loss.
    pub kind: LossKind,
    /// The part of each target that is spread evenly over all classes, 0 … 1.
    pub label_smoothing: f32,
    /// Whether classes have weights, for cross-entropy: then they are an input, and a step block carries their `weight_scale`.
    pub weighted: bool,
}

/// What samples are labelled with, as inputs of a graph.
#[derive(Clone, Debug)]
pub struct Labels {
    /// `[N]`, integers.
    pub first: ValueId,
    /// The second labels, `[N]`, integers, and the first ones' shares, `[N]`.
    pub second: Option<[ValueId; 2]>,
    /// `[classes]`.
    pub class_weights: Option<ValueId>,
}

impl Labels {
    /// Adds the inputs that a loss needs for so many classes, and for samples that are `mixed` of two.
    ///
    /// # Errors
    /// [`Error::Shape`] where there are too many classes.
    pub fn of(loss: &Loss, mixed: bool, graph: &mut Graph, classes: usize) -> Result<Self> {
        let labels = TensorType::batched([]).with_dtype(DType::U32);
        let first = graph.input(labels.clone())?;
        let second = match mixed {
            true => Some([graph.input(labels)?, graph.input(TensorType::batched([]))?]),
            false => None,
        };
        let class_weights = if loss.weighted { Some(graph.input(TensorType::fixed([classes]))?) } else { None };
        Ok(Self { first, second, class_weights })
    }
}

impl Loss {
    /// A loss of that kind, without smoothing and weights.
    pub fn of(kind: LossKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// What evaluation takes.
    pub fn plain(&self) -> Self {
        Self::of(self.kind)
    }

    /// Adds the losses of the samples, `[N]`: their mean over the global batch is the loss.
    ///
    /// # Errors
    /// [`Error::Shape`] where the logits are not one row a sample.
    pub fn apply(&self, graph: &mut Graph, logits: ValueId, labels: &Labels) -> Result<ValueId> {
        if self.kind == LossKind::CrossEntropy && *self == self.plain() && labels.second.is_none() {
            return graph.apply1(CrossEntropy, &[logits, labels.first]);
        }
        let &[classes] = graph.ty(logits).dims.as_slice() else {
            let problem = format!(
                "wants one row of numbers a sample, [N, classes], and was given {}; put a flatten or a global pool before it",
                graph.ty(logits)
            );
            return Err(Error::Shape { layer: "loss".into(), op: "one_hot".into(), problem });
        };
        let mut inputs = vec![labels.first];
        inputs.extend(labels.second.iter().flatten());
        let class_weights = labels.class_weights.filter(|_| self.kind == LossKind::CrossEntropy);
        inputs.extend(class_weights);
        let (mixed, weighted) = (labels.second.is_some(), class_weights.is_some());
        let label_smoothing = self.label_smoothing;
        let targets = graph.apply1(OneHot { classes, label_smoothing, mixed, weighted }, &inputs)?;
        match self.kind {
            LossKind::CrossEntropy => graph.apply1(SoftCrossEntropy, &[logits, targets]),
            LossKind::Pointwise(loss) => {
                let losses = graph.apply1(PointwiseLoss { loss }, &[logits, targets])?;
                graph.apply1(Reduce { keep: Keep::Sample, mean: true }, &[losses])
            }
        }
    }
}
