//! What the page and the worker say to each other. This is the one definition: the worker matches it exhaustively, and the page is
//! checked against the TypeScript that it becomes.
//!
//! The page sends [`Request`]s; the worker answers each with one [`Message::Reply`] or [`Message::Failed`] of the same id, and tells what
//! happens in between by [`Message::Event`]s. Before all it says [`Message::Ready`].
//!
//! Some of it the package gives its users, too. The rest becomes TypeScript only where the page is built, without the feature `package`.

mod command;
mod event;
mod reply;
mod report;
mod tagged;

use serde::{Deserialize, Serialize};
use tsify::Tsify;

pub use command::*;
pub use event::*;
pub use reply::*;
pub use report::*;
pub use tagged::Js;

/// What the page asks, with a number that the answer carries.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
pub struct Request {
    /// The number.
    pub id: u32,
    /// What is asked.
    pub command: Command,
}

/// What the worker says.
#[derive(Debug, Serialize)]
#[cfg_attr(not(feature = "package"), derive(Tsify))]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Message {
    /// The worker takes requests from now on.
    Ready,
    /// A request's answer.
    Reply {
        /// The request's number.
        id: u32,
        /// The answer.
        reply: Box<Reply>,
    },
    /// A request came to nothing.
    Failed {
        /// The request's number.
        id: u32,
        /// Why.
        error: Failure,
    },
    /// Something happened.
    Event {
        /// What.
        event: Event,
    },
}

/// Why a request came to nothing.
#[derive(Clone, Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What kind it is, for programs: `unreadable`, `unused`, `one-class`, `storage-full`, …
    pub code: String,
    /// What was asked, what was found and what to do, for people.
    pub message: String,
    /// The files that can't be read, or look like data and are no part of it, where that is what is wrong.
    pub files: Vec<UnreadableFile>,
    /// The layer at which a model is wrong.
    #[tsify(optional)]
    pub layer: Option<String>,
}

/// A file that can't be used.
#[derive(Clone, Debug, Serialize, Tsify)]
pub struct UnreadableFile {
    /// Its path.
    pub path: String,
    /// Why not.
    pub reason: String,
}
