//! Numbers in JSON, to the last bit: as text that Rust reads back exactly. Readers of JSON's own numbers may be off in the last bit, and
//! the exact one that goes with serde_json is larger than all else that reads a checkpoint.
//!
//! For fields of type `f64`: `#[serde(with = "exact")]`.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

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
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format!("`{text}` is no number")))
}
