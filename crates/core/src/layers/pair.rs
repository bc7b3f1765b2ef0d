//! Settings that are written in more than one way.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Two numbers, vertical and horizontal, in a description written as `3` or `[3, 5]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub [usize; 2]);

impl From<usize> for Pair {
    fn from(both: usize) -> Self {
        Self([both, both])
    }
}

impl From<[usize; 2]> for Pair {
    fn from(pair: [usize; 2]) -> Self {
        Self(pair)
    }
}

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [a, b] if a == b => serializer.serialize_u64(a as u64),
            pair => pair.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PairVisitor)
    }
}

struct PairVisitor;

impl<'de> Visitor<'de> for PairVisitor {
    type Value = Pair;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number, or two: [vertical, horizontal]")
    }

    fn visit_u64<E: de::Error>(self, both: u64) -> Result<Pair, E> {
        let both = usize::try_from(both).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(both), &self))?;
        Ok(both.into())
    }

    fn visit_i64<E: de::Error>(self, both: i64) -> Result<Pair, E> {
        let both = usize::try_from(both).map_err(|_| E::invalid_value(de::Unexpected::Signed(both), &self))?;
        Ok(both.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Pair, A::Error> {
        let mut next = |length| seq.next_element()?.ok_or_else(|| de::Error::invalid_length(length, &self));
        let pair = [next(0)?, next(1)?];
        match seq.next_element::<usize>()? {
            None => Ok(Pair(pair)),
            Some(_) => Err(de::Error::invalid_length(3, &self)),
        }
    }
}

/// Four numbers, top, bottom, left and right: in a description `1` for all, `[1, 2]` for vertical and horizontal, or all four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides(pub [usize; 4]);

impl From<Pair> for Sides {
    fn from(Pair([vertical, horizontal]): Pair) -> Self {
        Self([vertical, vertical, horizontal, horizontal])
    }
}

impl From<usize> for Sides {
    fn from(all: usize) -> Self {
        Self([all; 4])
    }
}

impl From<[usize; 4]> for Sides {
    fn from(sides: [usize; 4]) -> Self {
        Self(sides)
    }
}

impl Serialize for Sides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [top, bottom, left, right] if top == bottom && left == right => Pair([top, left]).serialize(serializer),
            sides => sides.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Sides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SidesVisitor)
    }
}

struct SidesVisitor;

impl<'de> Visitor<'de> for SidesVisitor {
    type Value = Sides;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number, or two: [vertical, horizontal], or four: [top, bottom, left, right]")
    }

    fn visit_u64<E: de::Error>(self, all: u64) -> Result<Sides, E> {
        PairVisitor.visit_u64(all).map(Sides::from)
    }

    fn visit_i64<E: de::Error>(self, all: i64) -> Result<Sides, E> {
        PairVisitor.visit_i64(all).map(Sides::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sides, A::Error> {
        let mut sides = Vec::new();
        while let Some(side) = seq.next_element()? {
            sides.push(side);
            if sides.len() > 4 {
                break;
            }
        }
        match *sides {
            [vertical, horizontal] => Ok(Pair([vertical, horizontal]).into()),
            [top, bottom, left, right] => Ok(Sides([top, bottom, left, right])),
            _ => Err(de::Error::invalid_length(sides.len(), &self)),
        }
    }
}

/// The number of outputs of a layer: a number, or `"classes"` for as many as the data has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// So many.
    Count(usize),
    /// As many as the data has classes.
    Classes,
}

impl From<usize> for Features {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl Features {
    /// The number, for data of so many classes.
    pub fn resolve(self, classes: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Classes => classes,
        }
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count as u64),
            Self::Classes => serializer.serialize_str("classes"),
        }
    }
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FeaturesVisitor)
    }
}

struct FeaturesVisitor;

impl Visitor<'_> for FeaturesVisitor {
    type Value = Features;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number above 0, or \"classes\"")
    }

    fn visit_i64<E: de::Error>(self, count: i64) -> Result<Features, E> {
        match usize::try_from(count) {
            Ok(count) if count > 0 => Ok(Features::Count(count)),
            _ => Err(E::invalid_value(de::Unexpected::Signed(count), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<Features, E> {
        self.visit_i64(i64::try_from(count).unwrap_or(i64::MAX))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Features, E> {
        if text == "classes" { Ok(Features::Classes) } else { Err(E::invalid_value(de::Unexpected::Str(text), &self)) }
    }
}

/// The default of a stride or a dilation.
pub(super) fn one() -> Pair {
    1.into()
}

/// The default of a padding.
pub(super) fn zero() -> Pair {
    0.into()
}

/// The default of a number of groups.
pub(super) fn single() -> usize {
    1
}

/// The default of a switch that is on.
pub(super) fn yes() -> bool {
    true
}
