//! Objects that JavaScript gives, read name by name, so that what is wrong is said by the name of what it is wrong in.

use std::ops::RangeInclusive;

use convoke::nearest::did_you_mean;
use js_sys::{Array, Function, Object, Reflect, Uint8Array, Uint8ClampedArray};
use wasm_bindgen::{JsCast, JsValue};

use super::Result;
use crate::protocol::Failure;

/// An object with the names that it may have.
pub(super) struct Given {
    object: JsValue,
    /// What it is within, with a dot behind; empty where it is within nothing.
    path: String,
    /// The code of what is wrong in it.
    code: &'static str,
}

impl Given {
    /// Reads what is called `what`; an object that says nothing where there is none.
    pub fn read(object: JsValue, what: &str, code: &'static str, names: &[&str]) -> Result<Self> {
        Self { object, path: String::new(), code }.checked(what, names)
    }

    fn checked(self, what: &str, names: &[&str]) -> Result<Self> {
        if nothing(&self.object) {
            return Ok(self);
        }
        let Some(object) = self.object.dyn_ref::<Object>().filter(|object| !Array::is_array(object)) else {
            return Err(self.failure(format!("{what} has to be an object, and it is {}", shown(&self.object))));
        };
        let given = Object::keys(object).iter().filter_map(|name| name.as_string()).collect::<Vec<_>>();
        match given.iter().find(|name| !names.contains(&name.as_str())) {
            None => Ok(self),
            Some(name) => {
                let (near, known) = (did_you_mean(name, names.iter().copied()), names.join(", "));
                Err(self.failure(format!("there is no `{}{name}`{near}; there are {known}", self.path)))
            }
        }
    }

    /// The value of that name, where there is one.
    pub fn get(&self, name: &str) -> Option<JsValue> {
        let value = Reflect::get(&self.object, &name.into()).ok()?;
        (!nothing(&value)).then_some(value)
    }

    /// An object within, where there is one.
    pub fn within(&self, name: &str, names: &[&str]) -> Result<Option<Self>> {
        let Some(object) = self.get(name) else { return Ok(None) };
        let path = format!("{}{name}.", self.path);
        let what = format!("`{}{name}`", self.path);
        Self { object, path, code: self.code }.checked(&what, names).map(Some)
    }

    /// A whole number of a range.
    pub fn whole(&self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>> {
        self.value(name, || wanted(&range), |value| whole(value, &range))
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<Option<f64>> {
        self.value(name, || "a number".into(), |value| value.as_f64().filter(|number| number.is_finite()))
    }

    /// Yes or no.
    pub fn flag(&self, name: &str) -> Result<Option<bool>> {
        self.value(name, || "true or false".into(), JsValue::as_bool)
    }

    /// One of some words, by its position.
    pub fn word(&self, name: &str, words: &[&str]) -> Result<Option<usize>> {
        let wanted = || format!("one of {}", words.join(", "));
        self.value(name, wanted, |value| {
            let given = value.as_string()?;
            words.iter().position(|word| *word == given)
        })
    }

    /// A function.
    pub fn function(&self, name: &str) -> Result<Option<Function>> {
        self.value(name, || "a function".into(), |value| value.dyn_ref().cloned())
    }

    /// Bytes, of either type that has them.
    pub fn bytes(&self, name: &str) -> Result<Option<Uint8Array>> {
        let wanted = || "a Uint8Array or a Uint8ClampedArray".into();
        self.value(name, wanted, |value| match value.dyn_ref::<Uint8ClampedArray>() {
            Some(clamped) => {
                let (start, length) = (clamped.byte_offset(), clamped.length());
                Some(Uint8Array::new_with_byte_offset_and_length(&clamped.buffer(), start, length))
            }
            None => value.dyn_ref().cloned(),
        })
    }

    /// Whole numbers of a range, at most so many, in whatever has a length and positions.
    pub fn wholes(&self, name: &str, range: RangeInclusive<u32>, most: usize) -> Result<Option<Vec<u32>>> {
        let Some(list) = self.get(name) else { return Ok(None) };
        let length = Reflect::get(&list, &"length".into()).ok().and_then(|length| length.as_f64());
        let Some(length) = length.filter(|_| list.is_object()) else {
            return Err(self.wrong(name, "an array of whole numbers", &list));
        };
        if length > most as f64 {
            return Err(self.failure(format!("`{}{name}` may have {most} entries, and has {length}", self.path)));
        }
        let entries = Array::from(&list);
        let entries = (0..entries.length()).map(|i| {
            let entry = entries.get(i);
            whole(&entry, &range).ok_or_else(|| self.wrong(&format!("{name}[{i}]"), &wanted(&range), &entry))
        });
        entries.collect::<Result<_>>().map(Some)
    }

    /// An array of texts.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        self.value(
            name,
            || "an array of strings".into(),
            |value| {
                let list: &Array = value.dyn_ref()?;
                list.iter().map(|text| text.as_string()).collect()
            },
        )
    }

    /// What there is of that name, or an error that says that it is missing.
    pub fn needed<T>(&self, name: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.failure(format!("`{}{name}` is missing", self.path)))
    }

    /// What `read` makes of the value of that name, where there is one.
    fn value<T>(
        &self,
        name: &str,
        wanted: impl Fn() -> String,
        read: impl Fn(&JsValue) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        read(&value).ok_or_else(|| self.wrong(name, &wanted(), &value)).map(Some)
    }

    fn wrong(&self, name: &str, wanted: &str, found: &JsValue) -> JsValue {
        self.failure(format!("`{}{name}` has to be {wanted}, and it is {}", self.path, shown(found)))
    }

    fn failure(&self, message: String) -> JsValue {
        Failure::new(self.code, message).into()
    }
}

/// Whether a value says as much as one that is left out.
fn nothing(value: &JsValue) -> bool {
    value.is_undefined() || value.is_null()
}

fn whole(value: &JsValue, range: &RangeInclusive<u32>) -> Option<u32> {
    let number = value.as_f64()?;
    let fits = number.fract() == 0.0 && number >= (*range.start()).into() && number <= (*range.end()).into();
    fits.then_some(number as u32)
}

fn wanted(range: &RangeInclusive<u32>) -> String {
    match (range.start(), range.end()) {
        (start, &u32::MAX) => format!("a whole number from {start}"),
        (start, end) => format!("a whole number from {start} to {end}"),
    }
}

/// A value in a sentence: itself where it is short, else what it is.
pub(super) fn shown(value: &JsValue) -> String {
    if let Some(text) = value.as_string() {
        let short: String = text.chars().take(40).collect();
        return format!("{short:?}{}", if short.len() < text.len() { "…" } else { "" });
    }
    if let Some(number) = value.as_f64() {
        return number.to_string();
    }
    if let Some(flag) = value.as_bool() {
        return flag.to_string();
    }
    let kind = if value.is_object() {
        let constructor = Reflect::get(value, &"constructor".into()).unwrap_or_default();
        Reflect::get(&constructor, &"name".into()).ok().and_then(|name| name.as_string())
    } else {
        value.js_typeof().as_string()
    };
    format!("of the type {}", kind.unwrap_or_else(|| "object".into()))
}
