//! What pixels are brought to before a network sees them: `(x / 255 − mean) / std`, for each channel.

use std::fmt;
use std::str::FromStr;

use convoke_core::exact::float;

use crate::dataset::Dataset;
use crate::error::DataError;

/// How to find mean and standard deviation.
///
/// Written, as on a command line: `dataset`, `none`, or `M:S` with the means and the standard deviations of pixels in
/// 0 … 1, as many of each, separated by commas: `0.5:0.5` for all channels alike, or
/// `0.485,0.456,0.406:0.229,0.224,0.225`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Normalization {
    /// Pixels stay in 0 … 1.
    None,
    /// From the pictures to train on.
    #[default]
    Dataset,
    /// These, for each channel of the model, or one for all.
    Given(Statistics),
}

impl Normalization {
    /// Mean and standard deviation of each of the model's `channels`. A channel that is the same everywhere gets
    /// the standard deviation 1; those of a grey dataset are the same for all channels.
    ///
    /// # Errors
    /// [`DataError::Option`] where the numbers given are for another number of channels, or the dataset has colour and
    /// the model not as many channels.
    pub fn resolve(&self, dataset: &Dataset, channels: usize) -> Result<Statistics, DataError> {
        let found = match self {
            Self::None => Statistics { mean: vec![0.0], std: vec![1.0] },
            Self::Dataset => measure(dataset),
            Self::Given(statistics) => statistics.clone(),
        };
        match found.mean.len() {
            count if count == channels => Ok(found),
            1 => Ok(Statistics { mean: vec![found.mean[0]; channels], std: vec![found.std[0]; channels] }),
            count => Err(DataError::Option {
                option: "number of channels in the normalisation",
                found: count.to_string(),
                allowed: format!("1 or the model's {channels}"),
            }),
        }
    }
}

impl FromStr for Normalization {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text {
            "none" => Ok(Self::None),
            "dataset" => Ok(Self::Dataset),
            numbers => numbers.parse().map(Self::Given),
        }
    }
}

impl fmt::Display for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Dataset => f.write_str("dataset"),
            Self::Given(statistics) => statistics.fmt(f),
        }
    }
}

/// Mean and standard deviation of pixels in 0 … 1, for each channel. Its text, `M,M,M:S,S,S`, reads back as the very same
/// numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Statistics {
    /// From as many means as standard deviations, at least one.
    ///
    /// # Errors
    /// [`DataError::Option`] where the numbers are not as many, not finite, or a standard deviation or its inverse is not
    /// a positive number.
    pub fn new(mean: Vec<f32>, std: Vec<f32>) -> Result<Self, DataError> {
        let usable = |std: &f32| *std > 0.0 && std.is_finite() && std.recip().is_finite();
        let statistics = Self { mean, std };
        if statistics.mean.is_empty() || statistics.mean.len() != statistics.std.len() {
            return Err(refuse(&statistics.to_string(), "as many means as standard deviations, such as 0.5:0.25"));
        }
        if !statistics.mean.iter().all(|mean| mean.is_finite()) || !statistics.std.iter().all(usable) {
            return Err(refuse(&statistics.to_string(), "finite means and standard deviations above 0"));
        }
        Ok(statistics)
    }

    /// Each channel's mean.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Each channel's standard deviation.
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    /// Each channel's 1 / standard deviation.
    pub fn inverse_std(&self) -> Vec<f32> {
        self.std.iter().map(|std| std.recip()).collect()
    }
}

impl FromStr for Statistics {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let numbers =
            |text: &str| text.split(',').map(|number| Some(float(number.trim())? as f32)).collect::<Option<Vec<f32>>>();
        let parsed = text.split_once(':').and_then(|(mean, std)| Some((numbers(mean)?, numbers(std)?)));
        let (mean, std) =
            parsed.ok_or_else(|| refuse(text, "dataset, none, or means and standard deviations such as 0.5:0.25"))?;
        Self::new(mean, std)
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |numbers: &[f32]| numbers.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
        write!(f, "{}:{}", list(&self.mean), list(&self.std))
    }
}

fn refuse(found: &str, allowed: &str) -> DataError {
    DataError::Option { option: "normalisation", found: found.to_string(), allowed: allowed.to_string() }
}

/// Mean and population standard deviation over the pictures to train on, from exact sums.
fn measure(dataset: &Dataset) -> Statistics {
    let plane = dataset.height * dataset.width;
    let mut sums = vec![(0u64, 0u64); dataset.channels];
    for (position, bytes) in dataset.train.pixels.chunks_exact(plane).enumerate() {
        let (sum, squares) = &mut sums[position % dataset.channels];
        *sum += bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
        *squares += bytes.iter().map(|&byte| u64::from(byte) * u64::from(byte)).sum::<u64>();
    }
    let count = (dataset.train.len() * plane) as u128;
    let moments = |(sum, squares): (u64, u64)| {
        // n · Σx² − (Σx)² is exact in 128 bits; it is n² times the variance.
        let spread = count * u128::from(squares) - u128::from(sum) * u128::from(sum);
        let mean = sum as f64 / count as f64 / 255.0;
        let std = (spread as f64).sqrt() / count as f64 / 255.0;
        (mean as f32, if spread == 0 { 1.0 } else { std as f32 })
    };
    let (mean, std) = sums.into_iter().map(moments).unzip();
    Statistics { mean, std }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Samples;

    fn dataset(channels: usize, pixels: Vec<u8>) -> Dataset {
        let labels = vec![0; pixels.len() / channels / 2];
        let train = Samples { pixels: pixels.into(), labels };
        Dataset { test: train.clone(), train, classes: vec!["a".into(), "b".into()], channels, height: 1, width: 2 }
    }

    #[test]
    fn mean_and_deviation_of_the_training_pictures() {
        // Two samples; red 0, 255, 255, 0; green 51, 102, 153, 204; blue 9 throughout.
        let colour = dataset(3, vec![0, 255, 51, 102, 9, 9, 255, 0, 153, 204, 9, 9]);
        let found = Normalization::Dataset.resolve(&colour, 3).unwrap();
        // Of 0.2, 0.4, 0.6, 0.8: mean 0.5, variance (0.09 + 0.01) / 2.
        assert_eq!(found.mean(), [0.5, 0.5, 9.0 / 255.0]);
        assert_eq!(found.std(), [0.5, 0.05f64.sqrt() as f32, 1.0]);
        assert_eq!(found.inverse_std(), [2.0, 1.0 / 0.05f64.sqrt() as f32, 1.0]);
    }

    #[test]
    fn channels_are_repeated_where_the_dataset_is_grey_or_one_is_given() {
        let grey = dataset(1, vec![0, 255]);
        let found = Normalization::Dataset.resolve(&grey, 3).unwrap();
        assert_eq!((found.mean(), found.std()), (&[0.5; 3][..], &[0.5; 3][..]));
        let found = Normalization::None.resolve(&grey, 2).unwrap();
        assert_eq!((found.mean(), found.inverse_std()), (&[0.0; 2][..], vec![1.0; 2]));
        let given: Normalization = "0.1:0.25".parse().unwrap();
        assert_eq!(given.resolve(&grey, 2).unwrap().to_string(), "0.1,0.1:0.25,0.25");
        let given: Normalization = "0.1,0.2,0.3:0.4,0.5,0.6".parse().unwrap();
        assert_eq!(given.resolve(&grey, 3).unwrap().mean(), [0.1, 0.2, 0.3]);
        let error = given.resolve(&grey, 1).unwrap_err().to_string();
        assert_eq!(error, "number of channels in the normalisation is 3, but must be 1 or the model's 1");
    }

    #[test]
    fn text_reads_back_as_the_same() {
        let third = Statistics::new(vec![1.0 / 3.0, -0.1], vec![f32::MIN_POSITIVE * 4.0, 1e20]).unwrap();
        for normalization in [Normalization::None, Normalization::Dataset, Normalization::Given(third)] {
            assert_eq!(normalization.to_string().parse::<Normalization>().unwrap(), normalization);
        }
    }

    #[test]
    fn unusable_numbers_are_refused() {
        for text in ["", "imagenet", "0.5", "0.5:", "0.5:x", "0.5;0.5"] {
            let error = text.parse::<Normalization>().unwrap_err().to_string();
            let expected = "but must be dataset, none, or means and standard deviations such as 0.5:0.25";
            assert_eq!(error, format!("normalisation is {text}, {expected}"));
        }
        for text in ["0.5:0", "0.5:-1", "nan:1", "inf:1", "0.5:nan", "0.5:inf", "0.5:1e-45"] {
            let error = text.parse::<Normalization>().unwrap_err().to_string();
            assert!(error.ends_with("but must be finite means and standard deviations above 0"), "{error}");
        }
        let error = "0.5,0.5:0.2".parse::<Normalization>().unwrap_err().to_string();
        assert!(error.ends_with("but must be as many means as standard deviations, such as 0.5:0.25"), "{error}");
    }
}
