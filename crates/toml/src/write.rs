//! From values to text.

use std::fmt::Write;

use crate::value::{Table, Value};

/// The text of a table: values, then tables, then lists of tables, each under its name.
pub(crate) fn write(table: &Table) -> String {
    let mut text = String::new();
    body(&mut text, "", table);
    text
}

/// Whether a list is written as tables of one name.
fn of_tables(values: &[Value]) -> bool {
    !values.is_empty() && values.iter().all(|value| matches!(value, Value::Table(_)))
}

fn body(text: &mut String, path: &str, table: &Table) {
    let behind = |value: &Value| match value {
        Value::Table(_) => true,
        Value::Array(values) => of_tables(values),
        _ => false,
    };
    for entry in table.0.iter().filter(|entry| !behind(&entry.value)) {
        key(text, &entry.key);
        text.push_str(" = ");
        inline(text, &entry.value);
        text.push('\n');
    }
    for entry in table.0.iter().filter(|entry| behind(&entry.value)) {
        let mut below = path.to_string();
        if !path.is_empty() {
            below.push('.');
        }
        key(&mut below, &entry.key);
        match &entry.value {
            Value::Table(table) => section(text, ["[", "]"], &below, table),
            Value::Array(values) => {
                for value in values {
                    if let Value::Table(table) = value {
                        section(text, ["[[", "]]"], &below, table);
                    }
                }
            }
            _ => {}
        }
    }
}

fn section(text: &mut String, [open, close]: [&str; 2], path: &str, table: &Table) {
    if !text.is_empty() {
        text.push('\n');
    }
    for part in [open, path, close, "\n"] {
        text.push_str(part);
    }
    body(text, path, table);
}

/// A value within a line.
pub(crate) fn inline(text: &mut String, value: &Value) {
    match value {
        Value::String(value) => quoted(text, value),
        Value::Integer(number) => text.push_str(&number.to_string()),
        Value::Float(number) if number.is_nan() => text.push_str("nan"),
        // With a point or an exponent, as the shortest that reads back as the same number.
        Value::Float(number) => text.push_str(&format!("{number:?}")),
        Value::Boolean(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                inline(text, value);
            }
            text.push(']');
        }
        Value::Table(table) => {
            text.push('{');
            for (index, entry) in table.0.iter().enumerate() {
                text.push_str(if index == 0 { " " } else { ", " });
                key(text, &entry.key);
                text.push_str(" = ");
                inline(text, &entry.value);
            }
            text.push_str(if table.0.is_empty() { "}" } else { " }" });
        }
    }
}

fn key(text: &mut String, key: &str) {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { text.push_str(key) } else { quoted(text, key) }
}

fn quoted(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            control if control.is_ascii_control() => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}
