//! Numbers in JSON, to the last bit: as text that Rust reads back exactly. Readers of JSON's own numbers may be off in the last bit, and
//! the exact one that goes with serde_json is larger than all else that reads a checkpoint.
//!
//! For fields of type `f64`: `#[serde(with = "exact")]`. What people write, a number in TOML, is read too.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

/// Writes a number as the shortest text that reads back as it.
///
/// # Errors
/// The format's.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{value:?}"))
}

/// Reads a number: from text, or as the format has numbers.
///
/// # Errors
/// Where there is none.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    struct Number;

    impl Visitor<'_> for Number {
        type Value = f64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
            text.parse().map_err(|_| E::custom(format!("`{text}` is no number")))
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
            Ok(value)
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
            Ok(value as f64)
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
            Ok(value as f64)
        }
    }

    deserializer.deserialize_any(Number)
}
