//! How the batch is split: what was asked for, and the shares that follow.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use convoke_core::exact::float;

/// How a batch is split over several engines. As text: `auto`, `equal`, or a ratio such as `3:1`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Split {
    /// By what each can do: measured first, and corrected while training.
    #[default]
    Auto,
    /// To each the same.
    Equal,
    /// In this ratio, one number for each engine, none below 0 and one of them above.
    Ratio(Vec<f64>),
}

impl Split {
    /// The weights that it gives to so many engines, where it says them beforehand.
    ///
    /// # Errors
    /// A sentence where a ratio has another number of parts.
    pub(crate) fn weights(&self, engines: usize) -> Result<Option<Vec<f64>>, String> {
        match self {
            Self::Auto => Ok(None),
            Self::Equal => Ok(Some(vec![1.0; engines])),
            Self::Ratio(parts) if parts.len() == engines => Ok(Some(parts.clone())),
            Self::Ratio(parts) => Err(format!(
                "the split {self} has {} parts and there are {engines} devices; give one part for each",
                parts.len()
            )),
        }
    }
}

impl FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no split: give auto, equal, or a ratio such as 3:1");
        match text.trim().to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "equal" => Ok(Self::Equal),
            ratio => {
                let parts: Option<Vec<f64>> = ratio.split(':').map(|part| float(part.trim())).collect();
                let parts = parts.filter(|parts| parts.len() > 1).ok_or_else(wrong)?;
                let sound = parts.iter().all(|part| (0.0..=1e9).contains(part)) && parts.iter().any(|&part| part > 0.0);
                if sound { Ok(Self::Ratio(parts)) } else { Err(wrong()) }
            }
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Equal => f.write_str("equal"),
            Self::Ratio(parts) => {
                let parts: Vec<String> = parts.iter().map(f64::to_string).collect();
                f.write_str(&parts.join(":"))
            }
        }
    }
}

/// Which samples of a batch each engine has, in order: `weights` says in what ratio. Where all weights are 0, all have the same.
pub(crate) fn cut(weights: &[f64], samples: usize) -> Vec<Range<usize>> {
    let sum: f64 = weights.iter().sum();
    let weight = |index: usize| if sum > 0.0 { weights[index] / sum } else { 1.0 / weights.len() as f64 };
    let (mut start, mut reached) = (0, 0.0);
    let ranges = (0..weights.len()).map(|index| {
        reached += weight(index);
        let last = (index + 1..weights.len()).all(|later| weight(later) == 0.0);
        let end = if last { samples } else { ((reached * samples as f64).round() as usize).clamp(start, samples) };
        let range = start..end;
        start = end;
        range
    });
    ranges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_reads_back_from_its_text() {
        for text in ["auto", "equal", "3:1", "1:0:2.5"] {
            assert_eq!(text.parse::<Split>().unwrap().to_string(), text);
        }
        for text in ["", "3", "0:0", "-1:2", "1:x", "1:NaN", "1:inf", "halves"] {
            assert!(text.parse::<Split>().unwrap_err().contains("no split"), "{text}");
        }
        assert!(Split::Ratio(vec![1.0, 2.0]).weights(3).unwrap_err().contains("2 parts and there are 3 devices"));
    }

    #[test]
    fn every_sample_goes_to_one_engine() {
        let lengths = |weights: &[f64], samples| cut(weights, samples).iter().map(Range::len).collect::<Vec<_>>();
        assert_eq!(lengths(&[1.0, 1.0, 1.0], 10), [3, 4, 3]);
        assert_eq!(lengths(&[3.0, 1.0], 64), [48, 16]);
        assert_eq!(lengths(&[3.0, 1.0], 1), [1, 0]);
        assert_eq!(lengths(&[0.0, 2.0, 0.0], 7), [0, 7, 0]);
        assert_eq!(lengths(&[0.0, 0.0], 4), [2, 2]);
        assert_eq!(lengths(&[0.1, 0.2, 0.7, 0.0], 0), [0, 0, 0, 0]);
        for samples in 0..100 {
            let ranges = cut(&[0.3, 0.0, 1.7, 0.11], samples);
            assert_eq!(ranges.iter().map(Range::len).sum::<usize>(), samples);
            assert!(ranges[1].is_empty());
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }
}
