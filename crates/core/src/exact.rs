//! Numbers in JSON, to the last bit: as text that Rust reads back exactly. Readers of JSON's own numbers may be off in the last bit, and
//! the exact one that goes with serde_json is larger than all else that reads a checkpoint. Plain numbers, as people write them, are read
//! too.
//!
//! For fields of type `f64`: `#[serde(with = "exact")]`.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

pub use toml::float;

/// Writes a number as the shortest text that reads back as it.
///
/// # Errors
/// The format's.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{value:?}"))
}

/// Reads a number.
///
/// # Errors
/// Where the text is no number.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_any(Number)
}

struct Number;

impl Visitor<'_> for Number {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        float(text).ok_or_else(|| E::custom(format!("`{text}` is no number")))
    }
}
