//! Lengths of a part of a run, in steps or in epochs.

use std::fmt;
use std::str::FromStr;

use convoke_core::exact::float;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A part of a run. It is written as a number of epochs, `5` or `0.5`, or as a number of steps, `500 steps`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    /// So many steps.
    Steps(u64),
    /// So many epochs, which may be broken.
    Epochs(f64),
}

impl Span {
    /// The steps that it takes where an epoch has so many: the nearest whole number.
    pub fn steps(self, per_epoch: usize) -> u64 {
        match self {
            Self::Steps(steps) => steps,
            Self::Epochs(epochs) => (epochs * per_epoch as f64).round() as u64,
        }
    }

    /// Whether it is a length: neither negative nor without end.
    pub(crate) fn is_sound(self) -> bool {
        match self {
            Self::Steps(steps) => steps <= 1 << 53,
            Self::Epochs(epochs) => (0.0..=1e9).contains(&epochs),
        }
    }

    /// Whether nothing fits into it.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::Steps(0) || self == Self::Epochs(0.0)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => write!(f, "{steps} steps"),
            Self::Epochs(epochs) => write!(f, "{epochs}"),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let steps = text.strip_suffix("steps").or_else(|| text.strip_suffix("step"));
        let span = match steps {
            Some(steps) => steps.trim().parse().ok().map(Self::Steps),
            None => float(text.strip_suffix("epochs").unwrap_or(text).trim()).map(Self::Epochs),
        };
        span.filter(|span| span.is_sound())
            .ok_or_else(|| format!("`{text}` is no length: give epochs, such as 5 or 0.5, or steps, such as 500steps"))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Epochs(epochs) => serializer.serialize_f64(*epochs),
            Self::Steps(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a number of epochs, or text such as \"500 steps\"")
            }

            fn visit_f64<E: de::Error>(self, epochs: f64) -> Result<Span, E> {
                Ok(Span::Epochs(epochs))
            }

            fn visit_i64<E: de::Error>(self, epochs: i64) -> Result<Span, E> {
                Ok(Span::Epochs(epochs as f64))
            }

            fn visit_u64<E: de::Error>(self, epochs: u64) -> Result<Span, E> {
                Ok(Span::Epochs(epochs as f64))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_they_are_written() {
        for (text, span) in [
            ("5", Span::Epochs(5.0)),
            ("0.25", Span::Epochs(0.25)),
            ("500 steps", Span::Steps(500)),
            ("1step", Span::Steps(1)),
            ("3 epochs", Span::Epochs(3.0)),
        ] {
            assert_eq!(text.parse(), Ok(span));
            assert_eq!(span.to_string().parse(), Ok(span));
        }
        for text in ["-1", "NaN", "x", "1.5 steps", "", "inf"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        assert_eq!(Span::Epochs(1.5).steps(94), 141);
    }
}
