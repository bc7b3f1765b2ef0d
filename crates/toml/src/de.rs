//! From values to what serde makes of them.

use std::ops::Range;
use std::vec;

use serde::de::value::StringDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::error::Error;
use crate::value::{Entry, Table, Value};

impl<'de> Deserializer<'de> for Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::String(text) => visitor.visit_string(text),
            Self::Integer(number) => visitor.visit_i64(number),
            Self::Float(number) => visitor.visit_f64(number),
            Self::Boolean(value) => visitor.visit_bool(value),
            Self::Array(values) => {
                let length = values.len();
                let mut access = List(values.into_iter());
                let list = visitor.visit_seq(&mut access)?;
                match access.0.next() {
                    None => Ok(list),
                    Some(_) => Err(serde::de::Error::invalid_length(length, &"fewer items in the list")),
                }
            }
            Self::Table(table) => visitor.visit_map(&mut Entries::of(table)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant = match self {
            Self::String(name) => Variant { name, value: None, span: 0..0 },
            Self::Table(mut table) if table.0.len() == 1 => {
                let Entry { key: name, value, span } = table.0.remove(0);
                Variant { name, value: Some(value), span }
            }
            _ => return Err(Error::new("expected the name of a variant, or a table of that name alone")),
        };
        let span = variant.span.clone();
        visitor.visit_enum(variant).map_err(|error| error.at(&span))
    }

    /// A list is no structure: its fields have names.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Table(table) => visitor.visit_map(&mut Entries::of(table)),
            other => Err(serde::de::Error::invalid_type(other.kind(), &visitor)),
        }
    }

    forward_to_deserialize_any! {
        bool u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 char str string seq bytes byte_buf map unit unit_struct tuple_struct
        tuple ignored_any identifier
    }
}

impl Value {
    /// What it is, for messages.
    fn kind(&self) -> Unexpected<'_> {
        match self {
            Self::String(text) => Unexpected::Str(text),
            Self::Integer(number) => Unexpected::Signed(*number),
            Self::Float(number) => Unexpected::Float(*number),
            Self::Boolean(value) => Unexpected::Bool(*value),
            Self::Array(_) => Unexpected::Seq,
            Self::Table(_) => Unexpected::Map,
        }
    }
}

impl IntoDeserializer<'_, Error> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct List(vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for &mut List {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|value| seed.deserialize(value)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries {
    entries: vec::IntoIter<Entry>,
    /// The entry whose key was read last.
    next: Option<Entry>,
}

impl Entries {
    fn of(table: Table) -> Self {
        Self { entries: table.0.into_iter(), next: None }
    }
}

impl<'de> MapAccess<'de> for &mut Entries {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        let key: StringDeserializer<Error> = entry.key.clone().into_deserializer();
        let key = seed.deserialize(key).map_err(|error| error.at(&entry.span))?;
        self.next = Some(entry);
        Ok(Some(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let Entry { key, value, span } = self.next.take().expect("a value is asked for after its key");
        seed.deserialize(value).map_err(|error| error.at(&span).of(key))
    }
}

struct Variant {
    name: String,
    value: Option<Value>,
    span: Range<usize>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<(S::Value, Self), Error> {
        let name: StringDeserializer<Error> = std::mem::take(&mut self.name).into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl Variant {
    fn content(self) -> Result<Value, Error> {
        self.value.ok_or_else(|| serde::de::Error::invalid_type(Unexpected::UnitVariant, &"a variant with a value"))
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.value.map_or(Ok(()), <()>::deserialize)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.content()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.content()?.deserialize_any(visitor)
    }
}
