//! Seeds in TOML, whose integers have a sign: those that don't fit are written as text.
//!
//! For fields of type `u64`: `#[serde(with = "seed")]`.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(i64),
    Text(String),
}

pub fn serialize<S: Serializer>(seed: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    let written = i64::try_from(*seed).map_or_else(|_| Written::Text(seed.to_string()), Written::Number);
    written.serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let seed = match Written::deserialize(deserializer)? {
        Written::Number(number) => u64::try_from(number).ok(),
        Written::Text(text) => text.parse().ok(),
    };
    seed.ok_or_else(|| D::Error::custom("a seed is a whole number from 0 to 18446744073709551615"))
}
