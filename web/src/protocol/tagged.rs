//! Reading enums that JavaScript tells apart by their `type`, straight from the object: serde's own way collects all of an object first,
//! which takes a tenth of the program's size.

use js_sys::Reflect;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wasm_bindgen::{JsCast, JsValue};

/// A JavaScript object, passed through as it is.
#[derive(Clone, Debug)]
pub struct Js<T>(pub T);

impl<'de, T: JsCast> Deserialize<'de> for Js<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_wasm_bindgen::preserve::deserialize(deserializer).map(Self)
    }
}

impl<T: JsCast> Serialize for Js<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_wasm_bindgen::preserve::serialize(&self.0, serializer)
    }
}

/// The object that is read, with its `type`.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(JsValue, String), D::Error> {
    let value: JsValue = serde_wasm_bindgen::preserve::deserialize(deserializer)?;
    let tag = Reflect::get(&value, &"type".into()).ok().and_then(|tag| tag.as_string());
    let tag = tag.ok_or_else(|| D::Error::custom("an object without a `type`"))?;
    Ok((value, tag))
}

/// The fields of an object.
pub(super) fn fields<T: DeserializeOwned, E: Error>(value: JsValue) -> Result<T, E> {
    serde_wasm_bindgen::from_value(value).map_err(E::custom)
}

/// Declares an enum whose variants are objects of different `type`s, each with the type's name.
macro_rules! tagged {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(
                $(#[$variant_meta:meta])*
                $variant:ident = $tag:literal
                $({ $( $(#[doc = $field_doc:expr])* $(#[tsify($($as:tt)*)])? $field:ident: $type:ty ),* $(,)? })?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[cfg_attr(not(feature = "package"), derive(Tsify))]
        #[cfg_attr(not(feature = "package"), serde(tag = "type", rename_all_fields = "camelCase"))]
        pub enum $name {
            $(
                $(#[$variant_meta])*
                #[cfg_attr(not(feature = "package"), serde(rename = $tag))]
                $variant $({ $(
                    $(#[doc = $field_doc])*
                    $(#[cfg_attr(not(feature = "package"), tsify($($as)*))])?
                    $field: $type
                ),* })?
            ),*
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let (_value, tag) = $crate::protocol::tagged::read(deserializer)?;
                match tag.as_str() {
                    $(
                        $tag => {
                            $(
                                #[derive(serde::Deserialize)]
                                #[serde(rename_all = "camelCase")]
                                struct Fields { $( $field: $type ),* }
                                let Fields { $( $field ),* } = $crate::protocol::tagged::fields(_value)?;
                            )?
                            Ok(Self::$variant $({ $( $field ),* })?)
                        }
                    )*
                    other => Err(serde::de::Error::custom(format!("no {} has the type `{other}`", stringify!($name)))),
                }
            }
        }
    };
}

pub(super) use tagged;
