//! How to train, as the tables of model files, which are laid over each other: the model's own, and what options say.

use js_sys::{Array, Object, Reflect};
use toml::{Table, Value};
use wasm_bindgen::{JsCast, JsValue};

use super::Result;
use super::given::shown;
use crate::protocol::Failure;

/// The tables of a model's file that say how to train.
pub(super) const NAMES: [&str; 5] = ["train", "optimizer", "schedule", "loss", "augment"];

/// So deep an object may be: deeper than any setting is.
const DEEPEST: usize = 8;

/// Those of a model's text.
pub(super) fn of_text(text: &str) -> Result<Table> {
    let wrong = |error: toml::Error| JsValue::from(Failure::new("setting", error.explanation()));
    Ok(taken(&mut toml::from_str(text).map_err(wrong)?))
}

/// Those of a model's file, which are taken out of it.
pub(super) fn taken(file: &mut Table) -> Table {
    let mut found = Table::new();
    found.extend(NAMES.into_iter().filter_map(|name| Some((name.to_string(), file.remove(name)?))));
    found
}

/// A model's object.
pub(super) fn of_object(model: &JsValue) -> Result<Table> {
    match value(model, "the model", 0)? {
        Some(Value::Table(table)) => Ok(table),
        _ => Err(Failure::new("model", format!("the model has to be an object, and it is {}", shown(model))).into()),
    }
}

/// Those that `more` says, as text or as an object.
pub(super) fn of_more(more: &JsValue) -> Result<Table> {
    let wrong = |problem: String| JsValue::from(Failure::new("setting", problem));
    if let Some(text) = more.as_string() {
        return toml::from_str(&text)
            .map_err(|error| wrong(format!("`more` is not understood: {}", error.explanation())));
    }
    match value(more, "more", 0)? {
        Some(Value::Table(table)) => Ok(table),
        _ => Err(wrong(format!("`more` has to be an object or TOML, and it is {}", shown(more)))),
    }
}

/// A value of JavaScript's as one of TOML's; `None` where it says nothing.
fn value(given: &JsValue, path: &str, depth: usize) -> Result<Option<Value>> {
    let wrong = |problem: &str| JsValue::from(Failure::new("setting", format!("`{path}` {problem}")));
    if given.is_undefined() || given.is_null() {
        return Ok(None);
    }
    if depth > DEEPEST {
        return Err(wrong("is an object within objects without end; settings are never so deep"));
    }
    Ok(Some(if let Some(text) = given.as_string() {
        Value::String(text)
    } else if let Some(number) = given.as_f64() {
        let whole = number.fract() == 0.0 && number.abs() < 9e15;
        if whole { Value::Integer(number as i64) } else { Value::Float(number) }
    } else if let Some(flag) = given.as_bool() {
        Value::Boolean(flag)
    } else if let Some(list) = given.dyn_ref::<Array>() {
        let entries = list.iter().enumerate().map(|(i, entry)| {
            let path = format!("{path}[{i}]");
            value(&entry, &path, depth + 1)?
                .ok_or_else(|| Failure::new("setting", format!("`{path}` is missing")).into())
        });
        Value::Array(entries.collect::<Result<_>>()?)
    } else if let Some(object) = given.dyn_ref::<Object>().filter(|_| !given.is_function()) {
        let mut table = Table::new();
        for name in Object::keys(object).iter().filter_map(|name| name.as_string()) {
            let entry = Reflect::get(object, &name.as_str().into()).unwrap_or_default();
            let entry = value(&entry, &format!("{path}.{name}"), depth + 1)?;
            table.extend(entry.map(|entry| (name, entry)));
        }
        Value::Table(table)
    } else {
        let problem =
            format!("has to be a number, a text, true or false, a list or an object, and it is {}", shown(given));
        return Err(wrong(&problem));
    }))
}

/// Lays tables over others: of a table all is kept that isn't given anew, unless it is to be of another type.
pub(super) fn lay(base: &mut Table, over: Table) {
    for (name, given) in over {
        let laid = match (base.remove(&name), given) {
            (Some(Value::Table(mut below)), Value::Table(above)) => {
                let kind = |table: &Table| table.get("type").and_then(Value::as_str).map(str::to_string);
                let usual = || usual(&name).to_string();
                if kind(&above).is_some_and(|given| given != kind(&below).unwrap_or_else(usual)) {
                    below = Table::new();
                }
                for (key, value) in above {
                    below.insert(key, value);
                }
                Value::Table(below)
            }
            (_, given) => given,
        };
        base.insert(name, laid);
    }
}

/// The type that a table is of where it doesn't say.
fn usual(table: &str) -> &'static str {
    match table {
        "optimizer" => "sgd",
        "schedule" => "constant",
        _ => "cross_entropy",
    }
}
