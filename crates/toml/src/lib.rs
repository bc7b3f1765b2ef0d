//! A small reader and writer of [TOML 1.1](https://toml.io/en/v1.1.0), with the names of the crate `toml`: a page loads it, and that
//! one alone would be a twentieth of it. It is held to the crate `toml` in its tests.
//!
//! It reads all of TOML but dates and times, which no description here has. A text becomes a [`Value`] first, and whatever serde
//! deserializes from there; so there is one deserializer, whose errors know where in the text they are.

mod de;
mod error;
mod float;
mod read;
mod ser;
mod value;
mod write;

pub use error::Error;
pub use float::float;
pub use value::{Table, Value};

use serde::{Deserialize, Serialize};

/// Reads a value from a text.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     epochs: u32,
/// }
///
/// let settings: Settings = toml::from_str("epochs = 3").unwrap();
/// assert_eq!(settings.epochs, 3);
/// let error = toml::from_str::<Settings>("epochs = \"all\"").map(|_| ()).unwrap_err();
/// assert_eq!(error.message(), "invalid type: string \"all\", expected u32");
/// assert_eq!(error.explanation(), "`epochs`: invalid type: string \"all\", expected a whole number, 0 or more");
/// assert_eq!(error.span(), Some(0..6));
/// ```
///
/// # Errors
/// Where the text is no TOML, or doesn't say what the type wants.
pub fn from_str<'de, T: Deserialize<'de>>(text: &str) -> Result<T, Error> {
    T::deserialize(Value::Table(read::read(text)?))
}

/// Writes a value, which has to be a structure or a map.
///
/// # Errors
/// Where it is something else, or holds what TOML has no form for: numbers above `i64::MAX`, keys that are not text, lists with gaps.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    match value.serialize(ser::ToValue)? {
        Some(Value::Table(table)) => Ok(write::write(&table)),
        _ => Err(Error::new("only a structure or a map makes a text of TOML")),
    }
}
