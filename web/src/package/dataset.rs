//! Data.

use std::rc::Rc;

use convoke::data::{self, Archive, Files, MemoryFiles, Options, Picture, Samples, open};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ImageData};

use super::options::{Arrays, ArraysObject, DataOptions, DataOptionsObject, LabelledPixels, teller};
use super::{Result, fail};
use crate::data::MOST_BYTES;
use crate::protocol::{Failure, Js, PathFile};

#[wasm_bindgen]
extern "C" {
    /// Files with their paths: a folder for each class (`cat/1.jpg`), IDX files, CIFAR's, or one zip of these.
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
    /// Opens files: a folder for each class, IDX files, CIFAR's, or one zip of these. Pictures are decoded as the command decodes them.
    ///
    /// # Errors
    /// An `Error` with `code` `unreadable` or `unused` (and `files`), `one-class`, `empty-class`, `picture-too-large`, `data`, …
    #[wasm_bindgen(js_name = fromFiles)]
    pub async fn from_files(files: PathFiles, options: Option<DataOptionsObject>) -> Result<Dataset> {
        let DataOptions { options, on_progress } = DataOptions::read(options.into())?;
        let mut progress = teller(on_progress);
        let files = js_sys::Array::from(&files).iter().map(path_file).collect::<Result<Vec<PathFile>>>()?;
        let archive = match files.as_slice() {
            [only] => only.path.to_ascii_lowercase().ends_with(".zip"),
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
        let Arrays { pictures, size, classes, test } = Arrays::read(arrays.into())?;
        let options = DataOptions::read(options.into())?.options;
        let [channels, height, width] = size;
        if channels == 2 {
            return Err(Failure::new("data", "`channels` is 2; it has to be 1 for grey or 3 for colour").into());
        }
        let samples = samples(pictures, size, classes.len(), "to train on")?;
        let (train, test) = match test {
            Some(test) => (samples, self::samples(test, size, classes.len(), "to test on")?),
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
        let options = DataOptions::read(options.into())?.options;
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

/// A file with its path, of an entry of the list.
fn path_file(entry: JsValue) -> Result<PathFile> {
    let get = |name: &str| js_sys::Reflect::get(&entry, &name.into()).unwrap_or_default();
    match (get("path").as_string(), get("file").dyn_into().ok()) {
        (Some(path), Some(file)) => Ok(PathFile { path, file: Js(file) }),
        _ => Err(Failure::new("data", "each file has to have a path (a string) and a file (a File or a Blob)").into()),
    }
}

fn samples(given: LabelledPixels, size: [usize; 3], classes: usize, purpose: &str) -> Result<Samples> {
    let LabelledPixels { pixels, labels } = given;
    let wrong = |message: String| Err(Failure::new("data", message).into());
    let each: usize = size.iter().product();
    if labels.is_empty() || pixels.length() as f64 != labels.len() as f64 * each as f64 {
        let (count, found, wanted) = (labels.len(), pixels.length(), labels.len() as f64 * each as f64);
        return wrong(format!(
            "{count} labels {purpose} want {wanted} bytes of pixels, {each} each, and there are {found}"
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
