//! JavaScript objects in requests: files, bytes, pictures.
//!
//! A command's type is a field of it, and serde reads an object whole before it knows that type, into a copy that holds what serde knows
//! and so no JavaScript object. Therefore a request's objects are set aside before it is read: each is replaced by its number, and taken
//! back by [`deserialize`].

use std::cell::RefCell;

use js_sys::{Array, Object};
use serde::de::{Deserialize, Deserializer, Error};
use wasm_bindgen::{JsCast, JsValue};

use super::Request;

thread_local! {
    static ASIDE: RefCell<Vec<JsValue>> = const { RefCell::new(Vec::new()) };
}

/// How deep a request may lie in itself; deeper is answered with an error.
const DEEPEST: u32 = 32;

/// Reads a request.
pub(crate) fn read(message: &JsValue) -> Result<Request, serde_wasm_bindgen::Error> {
    let mut aside = Vec::new();
    let plain = set_aside(message, &mut aside, DEEPEST)?;
    ASIDE.set(aside);
    let request = serde_wasm_bindgen::from_value(plain);
    ASIDE.set(Vec::new());
    request
}

/// For `#[serde(deserialize_with)]`: the object that was set aside.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: JsCast>(deserializer: D) -> Result<T, D::Error> {
    let number = u32::deserialize(deserializer)? as usize;
    let object = ASIDE.with_borrow(|aside| aside.get(number).cloned());
    let object = object.ok_or_else(|| D::Error::custom("a file, bytes or a picture should be here"))?;
    object.dyn_into().map_err(|_| D::Error::custom("an object of another kind should be here"))
}

/// A copy of arrays and plain objects, in which other objects are numbers. What is undefined is left out.
fn set_aside(value: &JsValue, aside: &mut Vec<JsValue>, depth: u32) -> Result<JsValue, serde_wasm_bindgen::Error> {
    if !value.is_object() {
        return Ok(value.clone());
    }
    if depth == 0 {
        return Err(serde_wasm_bindgen::Error::new("it lies too deep in itself"));
    }
    if let Some(array) = value.dyn_ref::<Array>() {
        let copy = array.iter().map(|item| set_aside(&item, aside, depth - 1)).collect::<Result<Array, _>>()?;
        return Ok(copy.into());
    }
    let object: &Object = value.unchecked_ref();
    if !is_plain(object) {
        aside.push(value.clone());
        return Ok(JsValue::from(aside.len() as u32 - 1));
    }
    let entries = Array::new();
    for entry in Object::entries(object).iter() {
        let entry: Array = entry.unchecked_into();
        if !entry.get(1).is_undefined() {
            entries.push(&Array::of2(&entry.get(0), &set_aside(&entry.get(1), aside, depth - 1)?));
        }
    }
    Ok(Object::from_entries(&entries)?.into())
}

/// Whether an object was written as `{…}`.
fn is_plain(object: &Object) -> bool {
    let prototype = Object::get_prototype_of(object);
    prototype.is_null() || Object::is(&prototype, &Object::get_prototype_of(&Object::new()))
}
