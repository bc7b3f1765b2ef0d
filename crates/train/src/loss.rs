//! What is minimised, as it is written: the table `[loss]` of a model's file, and what a checkpoint carries.

use std::fmt;
use std::str::FromStr;

use convoke_core::exact;
use convoke_core::loss::{Loss, LossKind};
use convoke_core::ops::Pointwise;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Result, TrainError};

/// The types of losses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossName {
    /// Softmax cross-entropy: PyTorch's `CrossEntropyLoss`.
    #[default]
    CrossEntropy,
    /// The mean squared error against one-hot targets: PyTorch's `MSELoss`.
    Mse,
    /// The mean absolute error against one-hot targets: PyTorch's `L1Loss`.
    L1,
    /// Squared up to `delta`, absolute beyond, against one-hot targets: PyTorch's `HuberLoss`.
    Huber,
    /// Binary cross-entropy of each output by itself against one-hot targets: PyTorch's `BCEWithLogitsLoss`.
    BceWithLogits,
}

impl LossName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::CrossEntropy, Self::Mse, Self::L1, Self::Huber, Self::BceWithLogits];

    /// The name by which it is chosen.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross_entropy",
            Self::Mse => "mse",
            Self::L1 => "l1",
            Self::Huber => "huber",
            Self::BceWithLogits => "bce_with_logits",
        }
    }
}

/// What is minimised. What each of these does is written at [`Loss`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossSettings {
    /// The type.
    #[serde(rename = "type")]
    pub kind: LossName,
    /// The part of each target that is spread evenly over all classes, from 0 up to but not including 1.
    #[serde(with = "exact")]
    pub label_smoothing: f64,
    /// How much each class counts, for `cross_entropy`: all alike where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// Where `huber` goes over from squared to absolute, above 0.
    #[serde(with = "exact")]
    pub delta: f64,
}

impl Default for LossSettings {
    /// Plain cross-entropy.
    fn default() -> Self {
        Self { kind: LossName::CrossEntropy, label_smoothing: 0.0, class_weights: None, delta: 1.0 }
    }
}

impl LossSettings {
    /// Checks every number, and that each is of use to the type.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the setting, what was found and its range.
    pub fn check(&self) -> Result<()> {
        let problem = |text: String| Err(TrainError::Setting(text));
        let Self { kind, label_smoothing, class_weights, delta } = self;
        if !(0.0..1.0).contains(label_smoothing) {
            return problem(format!(
                "the label smoothing is {label_smoothing}; it has to be from 0 up to but not including 1, such as 0.1"
            ));
        }
        if !(*delta > 0.0 && delta.is_finite()) {
            return problem(format!("huber's delta is {delta}; it has to be a number above 0, such as 1"));
        }
        if *delta != 1.0 && *kind != LossName::Huber {
            return problem(format!("delta is for huber, and the loss is {}; leave it out", kind.name()));
        }
        if class_weights.is_some() && *kind != LossName::CrossEntropy {
            return problem(format!(
                "class weights are for cross_entropy, and the loss is {}; leave them out",
                kind.name()
            ));
        }
        class_weights.as_ref().map_or(Ok(()), ClassWeights::check)
    }

    /// The same without what only training has: label smoothing and class weights.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self { kind: self.kind, delta: self.delta, ..Self::default() }
    }

    /// The loss that plans compute.
    pub fn loss(&self) -> Loss {
        let kind = match self.kind {
            LossName::CrossEntropy => LossKind::CrossEntropy,
            LossName::Mse => LossKind::Pointwise(Pointwise::Squared),
            LossName::L1 => LossKind::Pointwise(Pointwise::Absolute),
            LossName::BceWithLogits => LossKind::Pointwise(Pointwise::BinaryCrossEntropy),
            LossName::Huber => LossKind::Pointwise(Pointwise::Huber { delta: self.delta as f32 }),
        };
        Loss { kind, label_smoothing: self.label_smoothing as f32, weighted: self.class_weights.is_some() }
    }
}

/// How much each class counts in the loss.
///
/// ```
/// use convoke_train::ClassWeights;
///
/// assert_eq!("balanced".parse(), Ok(ClassWeights::Balanced));
/// assert_eq!("1,2.5".parse(), Ok(ClassWeights::Given(vec![1.0, 2.5])));
/// // Three pictures of the first class and one of the second: each class counts as much as the other.
/// assert_eq!(ClassWeights::Balanced.resolve(&[0, 0, 1, 0], 2).unwrap(), [2.0 / 3.0, 2.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeights {
    /// `pictures / (classes · pictures of the class)`, of the pictures that are trained on and the classes that they have; 0 for a
    /// class without pictures. So each class counts as much as another.
    Balanced,
    /// A number for each class, in the order of the classes; 0 or more.
    Given(Vec<f64>),
}

impl ClassWeights {
    fn check(&self) -> Result<()> {
        let Self::Given(weights) = self else { return Ok(()) };
        match weights.iter().find(|weight| !(**weight >= 0.0 && weight.is_finite())) {
            Some(weight) => {
                Err(TrainError::Setting(format!("a class weight is {weight}; each has to be 0 or more, such as 1")))
            }
            None if weights.iter().all(|&weight| weight == 0.0) => {
                Err(TrainError::Setting("all class weights are 0; one at least has to be more".into()))
            }
            None => Ok(()),
        }
    }

    /// The weights of so many classes, with the labels of the pictures that are trained on.
    ///
    /// # Errors
    /// [`TrainError::Setting`] where there are not as many weights as classes.
    ///
    /// # Panics
    /// Where a label is none of the classes.
    pub fn resolve(&self, labels: &[u32], classes: usize) -> Result<Vec<f32>> {
        match self {
            Self::Given(weights) if weights.len() != classes => {
                let count = weights.len();
                let problem = format!("there are {count} class weights and {classes} classes; give one for each class");
                Err(TrainError::Setting(problem))
            }
            Self::Given(weights) => Ok(weights.iter().map(|&weight| weight as f32).collect()),
            Self::Balanced => {
                let mut counts = vec![0_u64; classes];
                labels.iter().for_each(|&label| counts[label as usize] += 1);
                let present = counts.iter().filter(|&&count| count > 0).count() as f64;
                let weight = |&count: &u64| match count {
                    0 => 0.0,
                    count => (labels.len() as f64 / (present * count as f64)) as f32,
                };
                Ok(counts.iter().map(weight).collect())
            }
        }
    }
}

/// What the samples of a step are to be scaled by, so that their mean is `Σ loss / Σ weight`: their number over the sum of `weights`, or
/// 0 where all of them are 0.
pub(crate) fn weight_scale(weights: impl Iterator<Item = f32>) -> f32 {
    let (mut count, mut sum) = (0.0, 0.0);
    for weight in weights {
        (count, sum) = (count + 1.0, sum + f64::from(weight));
    }
    if sum > 0.0 { (count / sum) as f32 } else { 0.0 }
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balanced => f.write_str("balanced"),
            Self::Given(weights) => {
                let texts: Vec<String> = weights.iter().map(|weight| format!("{weight:?}")).collect();
                f.write_str(&texts.join(","))
            }
        }
    }
}

impl FromStr for ClassWeights {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "balanced" {
            return Ok(Self::Balanced);
        }
        let number = |part: &str| {
            let problem =
                || format!("`{part}` is no number; give balanced, or a number for each class, such as 1,2.5,1");
            exact::float(part.trim()).ok_or_else(problem)
        };
        Ok(Self::Given(text.split(',').map(number).collect::<std::result::Result<_, _>>()?))
    }
}

/// As its text, which keeps numbers to the last bit.
impl Serialize for ClassWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From its text, or from a list of numbers.
impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = ClassWeights;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"balanced\", or a number for each class")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<ClassWeights, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<ClassWeights, A::Error> {
                let mut weights = Vec::new();
                while let Some(weight) = list.next_element()? {
                    weights.push(weight);
                }
                Ok(ClassWeights::Given(weights))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_read_back_to_the_last_bit() {
        let settings = LossSettings {
            label_smoothing: 0.1 + f64::EPSILON,
            class_weights: Some(ClassWeights::Given(vec![1.0 / 3.0, 0.1])),
            ..LossSettings::default()
        };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<LossSettings>(&text).unwrap(), settings, "{text}");
        let written = r#"{"type": "huber", "delta": 2, "label_smoothing": 0.1}"#;
        let expected = LossSettings { kind: LossName::Huber, delta: 2.0, label_smoothing: 0.1, class_weights: None };
        assert_eq!(serde_json::from_str::<LossSettings>(written).unwrap(), expected);
        let weights = serde_json::from_str::<LossSettings>(r#"{"class_weights": [1, 2.5]}"#).unwrap().class_weights;
        assert_eq!(weights, Some(ClassWeights::Given(vec![1.0, 2.5])));
        for kind in LossName::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("{:?}", kind.name()));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let default = LossSettings::default;
        let given = |weights: &[f64]| Some(ClassWeights::Given(weights.to_vec()));
        for (settings, words) in [
            (LossSettings { label_smoothing: 1.0, ..default() }, "label smoothing is 1;"),
            (LossSettings { label_smoothing: f64::NAN, ..default() }, "label smoothing is NaN;"),
            (LossSettings { delta: 2.0, ..default() }, "delta is for huber"),
            (LossSettings { delta: 0.0, kind: LossName::Huber, ..default() }, "huber's delta is 0;"),
            (LossSettings { class_weights: given(&[1.0]), kind: LossName::Mse, ..default() }, "the loss is mse"),
            (LossSettings { class_weights: given(&[1.0, -1.0]), ..default() }, "a class weight is -1;"),
            (LossSettings { class_weights: given(&[0.0, 0.0]), ..default() }, "all class weights are 0"),
        ] {
            let problem = settings.check().unwrap_err().to_string();
            assert!(problem.contains(words), "{problem:?} should speak of {words:?}");
        }
        assert_eq!(default().check(), Ok(()));
        let problem = ClassWeights::Given(vec![1.0]).resolve(&[0, 1], 2).unwrap_err().to_string();
        assert!(problem.contains("1 class weights and 2 classes"), "{problem}");
    }

    #[test]
    fn balanced_weights_leave_out_classes_without_pictures() {
        assert_eq!(ClassWeights::Balanced.resolve(&[2, 2, 2, 0], 3).unwrap(), [2.0, 0.0, 2.0 / 3.0]);
    }

    #[test]
    fn the_scale_makes_the_mean_one_by_weights() {
        assert_eq!(weight_scale([1.0, 3.0].into_iter()), 0.5);
        assert_eq!(weight_scale([0.0, 0.0].into_iter()), 0.0);
    }
}
