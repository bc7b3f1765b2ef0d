//! Data.

use std::rc::Rc;

use convoke::data::{self, Archive, Files, MemoryFiles, Options, Picture, Samples, open};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ImageData};

use super::options::{Arrays, ArraysObject, DataOptions, DataOptionsObject, read, teller};
use super::{Result, fail};
use crate::data::MOST_BYTES;
use crate::protocol::{Failure, PathFile};

#[wasm_bindgen]
extern "C" {
    /// Files with their paths: a folder for each class (`cat/1.jpg`), IDX files, CIFAR-10's, or one zip of these.
    #[wasm_bindgen(typescript_type = "PathFile[]")]
    pub type PathFiles;
    /// Pictures with their classes' names.
    #[wasm_bindgen(typescript_type = "{ image: ImageData; label: string }[]")]
    pub type LabelledImages;
}

/// Labelled pictures, to train on and to test on.
#[wasm_bindgen]
#[derive(Clone, Debug)]
pub struct Dataset {
    pub(super) inner: Rc<data::Dataset>,
}

#[wasm_bindgen]
impl Dataset {
    /// Opens files: a folder for each class, IDX files, CIFAR-10's, or one zip of these. Pictures are decoded as the command decodes them.
    ///
    /// # Errors
    /// An `Error` with `code` `unreadable` (and `files`), `one-class`, `empty-class`, `picture-too-large`, `data`, …
    #[wasm_bindgen(js_name = fromFiles)]
    pub async fn from_files(files: PathFiles, options: Option<DataOptionsObject>) -> Result<Dataset> {
        let given: DataOptions = read(options.into())?;
        let mut progress = teller(given.on_progress.as_ref());
        let files: Vec<PathFile> = serde_wasm_bindgen::from_value(files.into()).map_err(|error| {
            JsValue::from(Failure::new("data", format!("files have to be objects with a path and a file: {error}")))
        })?;
        let options = given.to_options();
        let archive = match files.as_slice() {
            [only] => only.path.to_lowercase().ends_with(".zip"),
            _ => false,
        };
        let mut memory = MemoryFiles::default();
        let mut last = Vec::new();
        for PathFile { path, file } in files {
            let bytes = bytes(&path, &file.0).await?;
            if archive {
                last = bytes;
            } else {
                memory.insert(path, bytes);
            }
        }
        let mut opened = |files: &dyn Files| open(files, &options, &mut progress).map_err(fail);
        let inner =
            if archive { opened(&Archive::open(std::io::Cursor::new(last)).map_err(fail)?)? } else { opened(&memory)? };
        Ok(Self { inner: Rc::new(inner) })
    }

    /// Takes pictures as numbers.
    ///
    /// # Errors
    /// An `Error` with `code` `data` where sizes, labels and classes don't fit together.
    #[wasm_bindgen(js_name = fromArrays)]
    pub fn from_arrays(arrays: ArraysObject, options: Option<DataOptionsObject>) -> Result<Dataset> {
        let arrays = Arrays::read(arrays.into())?;
        let options = read::<DataOptions>(options.into())?.to_options();
        let Arrays { channels, height, width, classes, test, .. } = arrays;
        if !matches!(channels, 1 | 3) || height == 0 || width == 0 {
            let message = format!(
                "pictures of {channels}×{height}×{width} can't be; give 1 or 3 channels, and a height and width above 0"
            );
            return Err(Failure::new("data", message).into());
        }
        let size = [channels, height, width];
        let samples = samples(&arrays.pixels.0, arrays.labels, size, classes.len(), "to train on")?;
        let (train, test) = match test {
            Some(test) => (samples, self::samples(&test.pixels.0, test.labels, size, classes.len(), "to test on")?),
            None => split(&samples, size, &classes, &options)?,
        };
        let inner = data::Dataset { train, test, classes, channels, height, width };
        resized(&inner, &options)
    }

    /// Takes pictures as a canvas or a camera gives them.
    ///
    /// # Errors
    /// An `Error` with `code` `data` or `one-class`.
    #[wasm_bindgen(js_name = fromImages)]
    pub fn from_images(images: LabelledImages, options: Option<DataOptionsObject>) -> Result<Dataset> {
        let options = read::<DataOptions>(options.into())?.to_options();
        let mut pictures = Vec::new();
        for entry in js_sys::Array::from(&images).iter() {
            let get = |name: &str| js_sys::Reflect::get(&entry, &name.into()).unwrap_or_default();
            let wrong = || {
                JsValue::from(Failure::new(
                    "data",
                    "each entry has to have an image (ImageData) and a label (a string)",
                ))
            };
            let image: ImageData = get("image").dyn_into().map_err(|_| wrong())?;
            let label = get("label").as_string().ok_or_else(wrong)?;
            let picture = Picture::from_rgba(image.width() as usize, image.height() as usize, &image.data());
            pictures.push((label, picture.map_err(fail)?));
        }
        of_pictures(pictures, &options)
    }

    /// The names of the classes, in the order of the labels.
    #[wasm_bindgen(getter)]
    pub fn classes(&self) -> Vec<String> {
        self.inner.classes.clone()
    }

    /// Channels, height and width of the pictures.
    #[wasm_bindgen(getter)]
    pub fn size(&self) -> Vec<u32> {
        [self.inner.channels, self.inner.height, self.inner.width].map(|n| n as u32).to_vec()
    }

    /// How many pictures there are to train on.
    #[wasm_bindgen(getter, js_name = trainCount)]
    pub fn train_count(&self) -> u32 {
        self.inner.train.len() as u32
    }

    /// How many pictures there are to test on.
    #[wasm_bindgen(getter, js_name = testCount)]
    pub fn test_count(&self) -> u32 {
        self.inner.test.len() as u32
    }
}

impl Dataset {
    /// The data as a model of `input` takes it.
    pub(super) fn for_input(&self, input: [usize; 3]) -> Result<Rc<data::Dataset>> {
        if self.inner.fits(input) {
            return Ok(self.inner.clone());
        }
        let [channels, height, width] = input;
        let (size, channels) = (Some([height, width]), Some(channels));
        let options = Options { size, channels, max_bytes: MOST_BYTES, ..Options::default() };
        Ok(resized(&self.inner, &options)?.inner)
    }
}

/// A file's bytes, without keeping anyone waiting.
async fn bytes(path: &str, file: &Blob) -> Result<Vec<u8>> {
    let fail = |_| JsValue::from(Failure::new("unreadable", format!("{path} can't be read; was it moved or changed?")));
    let buffer: ArrayBuffer = JsFuture::from(file.array_buffer()).await.map_err(fail)?.unchecked_into();
    Ok(Uint8Array::new(&buffer).to_vec())
}

fn samples(pixels: &Uint8Array, labels: Vec<u32>, size: [usize; 3], classes: usize, purpose: &str) -> Result<Samples> {
    let wrong = |message: String| Err(Failure::new("data", message).into());
    let each: usize = size.iter().product();
    if labels.is_empty() || pixels.length() as usize != labels.len() * each {
        let (found, wanted) = (pixels.length(), labels.len() * each);
        return wrong(format!(
            "{} labels {purpose} want {wanted} bytes of pixels, {each} each, and there are {found}",
            labels.len()
        ));
    }
    if let Some(label) = labels.iter().find(|&&label| label as usize >= classes) {
        return wrong(format!(
            "a label {purpose} is {label}, and the {classes} classes are 0 to {}",
            classes.saturating_sub(1)
        ));
    }
    Ok(Samples { pixels: pixels.to_vec().into(), labels })
}

/// Sets a share aside for testing, as folders of pictures are split.
fn split(samples: &Samples, size: [usize; 3], classes: &[String], options: &Options) -> Result<(Samples, Samples)> {
    let [channels, height, width] = size;
    let picture = |i: usize| Picture::from_planes(channels, height, width, samples.sample(i).to_vec());
    let pictures = (0..samples.len()).map(|i| (classes[samples.labels[i] as usize].clone(), picture(i)));
    let options = Options { size: None, channels: None, ..options.clone() };
    let data = data::from_pictures(pictures.collect(), Some(classes), &options);
    let data = data.map_err(fail)?;
    Ok((data.train, data.test))
}

fn of_pictures(pictures: Vec<(String, Picture)>, options: &Options) -> Result<Dataset> {
    Ok(Dataset { inner: Rc::new(data::from_pictures(pictures, None, options).map_err(fail)?) })
}

/// The same pictures in another size or number of channels.
fn resized(data: &data::Dataset, options: &Options) -> Result<Dataset> {
    Ok(Dataset { inner: Rc::new(data.resized(options).map_err(fail)?) })
}
