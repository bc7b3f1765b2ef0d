//! Augmentation as text and as a table: `crop=4,flip`, and what serde reads and writes.

use std::fmt;
use std::str::FromStr;

use convoke_core::nearest::closest;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Augment, OPTIONS};
use crate::error::TrainError;

impl Augment {
    /// Sets one option from text, as [`Augment`] describes it.
    ///
    /// # Errors
    /// [`TrainError::Setting`] where there is no such option, with the name that is nearest, or the value is out of range.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), TrainError> {
        let name = name.trim();
        let option = OPTIONS.iter().find(|option| option.name == name).ok_or_else(|| unknown(name));
        option?.set(self, value.trim()).map_err(TrainError::Setting)
    }
}

fn unknown(name: &str) -> TrainError {
    let names: Vec<&str> = OPTIONS.iter().map(|option| option.name).collect();
    let nearest = closest(name, names.iter().copied(), 1)[0];
    TrainError::Setting(format!(
        "there is no augmentation {name:?}; the nearest is {nearest:?}, and all are {}",
        names.join(", ")
    ))
}

/// Reads `name=value,name,…`; `none` is nothing.
impl FromStr for Augment {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let (mut augment, mut names) = (Self::NONE, Vec::new());
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, "true"));
            let problem = match name.trim() {
                "none" if text.trim() == "none" => return Ok(augment),
                "none" => "\"none\" stands alone: leave it out, or all others".into(),
                name if names.contains(&name) => format!("the augmentation {name} is given twice; give it once"),
                name => {
                    augment.set(name, value)?;
                    names.push(name);
                    continue;
                }
            };
            return Err(TrainError::Setting(problem));
        }
        Ok(augment)
    }
}

/// Writes what is read back as the same, to the last bit.
impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.changed().map(|(name, value)| format!("{name}={value}")).collect();
        f.write_str(if parts.is_empty() { "none" } else { "" })?;
        f.write_str(&parts.join(","))
    }
}

impl Augment {
    /// The options that are not as [`Augment::NONE`] has them, with their values.
    fn changed(&self) -> impl Iterator<Item = (&'static str, String)> {
        let texts = OPTIONS.iter().map(|option| (option.name, option.text(self), option.text(&Self::NONE)));
        texts.filter(|(_, text, none)| text != none).map(|(name, text, _)| (name, text))
    }
}

impl Serialize for Augment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.changed() {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Augment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Augment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of augmentations, such as crop = 4")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Augment, A::Error> {
        let mut augment = Augment::NONE;
        while let Some(name) = map.next_key::<String>()? {
            let Text(value) = map.next_value()?;
            augment.set(&name, &value).map_err(A::Error::custom)?;
        }
        Ok(augment)
    }
}

/// A value of any kind as the text that [`Augment::set`] takes.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, true, or [low, high]")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Text, E> {
        Ok(Text(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Text, A::Error> {
        let mut parts = Vec::new();
        while let Some(Text(part)) = values.next_element()? {
            parts.push(part);
        }
        Ok(Text(parts.join(":")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        text.parse::<Augment>().unwrap_err().to_string()
    }

    #[test]
    fn text_reads_back_as_the_same() {
        let text = "resized_crop=0.25:0.9,scale=0.1:0.7,crop=4,flip=0.5,mixup=0.30000000000000004";
        let augment: Augment = text.parse().unwrap();
        assert_eq!(augment.to_string(), text);
        assert_eq!(augment.mixup, 0.1 + 0.2);
        assert_eq!(serde_json::from_str::<Augment>(&serde_json::to_string(&augment).unwrap()).unwrap(), augment);
        assert_eq!("none".parse::<Augment>().unwrap(), Augment::NONE);
        assert_eq!(Augment::NONE.to_string(), "none");
        assert_eq!(serde_json::to_string(&Augment::NONE).unwrap(), "{}");
    }

    #[test]
    fn names_alone_take_the_usual_values_which_are_sound() {
        for option in OPTIONS {
            let augment: Augment = option.name.parse().unwrap();
            assert_eq!(
                option.text(&augment),
                option.usual.parse::<f64>().map_or(option.usual.into(), |x| x.to_string())
            );
            assert_eq!(augment.is_none(), option.name == "ratio", "{}", option.name);
        }
    }

    #[test]
    fn tables_take_numbers_truth_and_ranges() {
        let augment: Augment =
            serde_json::from_str(r#"{"crop": 2, "flip": true, "scale": [0.5, 1.5], "cutout": "3", "rotate": 7.5}"#)
                .unwrap();
        assert_eq!(augment, "crop=2,flip,scale=0.5:1.5,cutout=3,rotate=7.5".parse().unwrap());
        let error = serde_json::from_str::<Augment>(r#"{"flips": true}"#).unwrap_err().to_string();
        assert!(error.contains("the nearest is \"flip\""), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        assert!(problem("cropp=4").contains("there is no augmentation \"cropp\"; the nearest is \"crop\""));
        assert!(problem("crop=4,flip,crop=2").contains("the augmentation crop is given twice"));
        assert!(problem("none,flip").contains("\"none\" stands alone"));
        assert!(problem("cut_out").contains("the nearest is \"cutout\""));
        let expected = "the augmentation flip is \"2\"; it has to be a number from 0 to 1, such as 0.5";
        assert_eq!(problem("flip=2"), expected);
        for text in ["flip=NaN", "crop=-1", "crop=1.5", "scale=1.1:0.9", "scale=0:1", "mixup=inf", "rotate=x", "flip="]
        {
            assert!(problem(text).contains("it has to be"), "{text}");
        }
    }
}
