//! Datasets of labelled pictures: formats, decoding, normalisation, order.
//!
//! [`open`] takes IDX files (the MNIST family), CIFAR's binary batches, or a folder of class folders of PNG, JPEG and
//! WebP pictures, and gives a [`Dataset`]: bytes in memory, all of one size. The crate reads no files and starts no
//! threads: bytes come through [`Files`], which a program implements on a folder, a tab on what was dropped into it, and [`Archive`]
//! on a zip file.
//!
//! ```
//! use convoke_data::{MemoryFiles, Normalization, Options, open};
//!
//! let idx = |header: &[u8], data: &[u8]| [header, data].concat();
//! let images = idx(&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2], &[0, 255, 255, 0]);
//! let labels = idx(&[0, 0, 8, 1, 0, 0, 0, 2], &[0, 1]);
//! let files = MemoryFiles::from([
//!     ("train-images-idx3-ubyte", images.clone()),
//!     ("train-labels-idx1-ubyte", labels.clone()),
//!     ("t10k-images-idx3-ubyte", images),
//!     ("t10k-labels-idx1-ubyte", labels),
//! ]);
//! let dataset = open(&files, &Options::default(), &mut |_, _| {})?;
//! assert_eq!((dataset.channels, dataset.height, dataset.width), (1, 1, 2));
//!
//! let statistics = Normalization::Dataset.resolve(&dataset, 3)?;
//! assert_eq!(statistics.mean(), [0.5; 3]);
//! # Ok::<(), convoke_data::DataError>(())
//! ```

mod archive;
mod builder;
mod cifar;
mod dataset;
mod embedded;
mod error;
mod files;
mod folder;
mod idx;
mod jpeg;
mod kind;
mod normalize;
mod open;
mod picture;
mod pictures;
mod pixels;
mod shelf;
mod split;
mod stored;
mod turns;
mod window;

pub use archive::{Archive, MAX_ENTRIES, MAX_FILE_BYTES};
pub use dataset::{Dataset, Samples, shuffled};
#[cfg(feature = "embedded")]
pub use embedded::embedded;
pub use embedded::{fashion_mnist_mini, fashion_mnist_mini_in_turns};
pub use error::{DataError, Found, Unreadable};
pub use files::{Files, LeavingOut, MemoryFiles};
pub use folder::{DecodeAll, DecodeOne, Shelves};
pub use kind::is_archive;
pub use normalize::{Normalization, Statistics};
pub use open::{Options, open, open_in_turns, open_with};
pub use picture::{MAX_DECODED_BYTES, MAX_SIDE, Picture, decode};
pub use pictures::from_pictures;
pub use pixels::{Pixels, SharedBytes};
pub use shelf::Shelf;
pub use turns::{Turn, Turns};

/// What this crate's functions give.
pub type Result<T> = std::result::Result<T, DataError>;
