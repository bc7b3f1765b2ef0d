//! From what serde serializes to values. Nothing comes of what is absent (`None`): its entry is left out.

use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, Serializer,
};

use crate::error::Error;
use crate::value::{Entry, Table, Value};

/// Makes a value, or nothing of what is absent.
pub(crate) struct ToValue;

type Made = Result<Option<Value>, Error>;

fn unwritable<T>(what: &str) -> Result<T, Error> {
    Err(Error::custom(format_args!("TOML has no form for {what}")))
}

impl Serializer for ToValue {
    type Ok = Option<Value>;
    type Error = Error;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = Impossible<Option<Value>, Error>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn serialize_bool(self, value: bool) -> Made {
        Ok(Some(Value::Boolean(value)))
    }

    fn serialize_i8(self, number: i8) -> Made {
        self.serialize_i64(number.into())
    }

    fn serialize_i16(self, number: i16) -> Made {
        self.serialize_i64(number.into())
    }

    fn serialize_i32(self, number: i32) -> Made {
        self.serialize_i64(number.into())
    }

    fn serialize_i64(self, number: i64) -> Made {
        Ok(Some(Value::Integer(number)))
    }

    fn serialize_u8(self, number: u8) -> Made {
        self.serialize_i64(number.into())
    }

    fn serialize_u16(self, number: u16) -> Made {
        self.serialize_i64(number.into())
    }

    fn serialize_u32(self, number: u32) -> Made {
        self.serialize_i64(number.into())
    }

    fn serialize_u64(self, number: u64) -> Made {
        i64::try_from(number)
            .map_or_else(|_| unwritable("a number above i64::MAX"), |number| self.serialize_i64(number))
    }

    fn serialize_f32(self, number: f32) -> Made {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Made {
        Ok(Some(Value::Float(number)))
    }

    fn serialize_char(self, character: char) -> Made {
        Ok(Some(character.to_string().into()))
    }

    fn serialize_str(self, text: &str) -> Made {
        Ok(Some(text.into()))
    }

    fn serialize_bytes(self, _: &[u8]) -> Made {
        unwritable("bytes")
    }

    fn serialize_none(self) -> Made {
        Ok(None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made {
        unwritable("nothing")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Made {
        unwritable("nothing")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Made {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Made {
        let mut entries = Entries::default();
        entries.add(variant, value.serialize(Self)?);
        SerializeMap::end(entries)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Error> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Error> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Error> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        unwritable("a variant of several values")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Error> {
        Ok(Entries::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, Error> {
        Ok(Entries::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, Error> {
        Ok(Entries { variant: Some(variant), ..Entries::default() })
    }
}

/// A list that grows.
pub(crate) struct List(Vec<Value>);

impl List {
    fn add(&mut self, made: Option<Value>) -> Result<(), Error> {
        let Some(value) = made else { return unwritable("a list with gaps") };
        self.0.push(value);
        Ok(())
    }
}

impl SerializeSeq for List {
    type Ok = Option<Value>;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.add(value.serialize(ToValue)?)
    }

    fn end(self) -> Made {
        Ok(Some(Value::Array(self.0)))
    }
}

impl SerializeTuple for List {
    type Ok = Option<Value>;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.add(value.serialize(ToValue)?)
    }

    fn end(self) -> Made {
        SerializeSeq::end(self)
    }
}

impl SerializeTupleStruct for List {
    type Ok = Option<Value>;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.add(value.serialize(ToValue)?)
    }

    fn end(self) -> Made {
        SerializeSeq::end(self)
    }
}

/// A table that grows.
#[derive(Default)]
pub(crate) struct Entries {
    entries: Vec<Entry>,
    key: String,
    /// The variant that the table is of.
    variant: Option<&'static str>,
}

impl Entries {
    fn add(&mut self, key: &str, made: Option<Value>) {
        if let Some(value) = made {
            self.entries.push(Entry { key: key.into(), value, span: 0..0 });
        }
    }
}

impl SerializeMap for Entries {
    type Ok = Option<Value>;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let Some(Value::String(key)) = key.serialize(ToValue)? else { return unwritable("keys that are not text") };
        self.key = key;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = std::mem::take(&mut self.key);
        self.add(&key, value.serialize(ToValue)?);
        Ok(())
    }

    fn end(self) -> Made {
        let table = Value::Table(Table(self.entries));
        Ok(Some(match self.variant {
            None => table,
            Some(variant) => Value::Table(Table(vec![Entry { key: variant.into(), value: table, span: 0..0 }])),
        }))
    }
}

impl SerializeStruct for Entries {
    type Ok = Option<Value>;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.add(key, value.serialize(ToValue)?);
        Ok(())
    }

    fn end(self) -> Made {
        SerializeMap::end(self)
    }
}

impl SerializeStructVariant for Entries {
    type Ok = Option<Value>;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        SerializeStruct::serialize_field(self, key, value)
    }

    fn end(self) -> Made {
        SerializeMap::end(self)
    }
}
