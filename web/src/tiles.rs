//! Pictures for the page to draw.

use convoke::data::{Dataset, Samples};
use js_sys::Uint8ClampedArray;

use crate::protocol::Tiles;

impl Tiles {
    /// Pictures from planes of bytes: 1 or 3 channels each, row by row; of other numbers of channels the first is shown.
    pub(crate) fn of<'a>([channels, height, width]: [usize; 3], pictures: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let plane = height * width;
        let (mut rgba, mut count) = (Vec::new(), 0);
        for picture in pictures {
            count += 1;
            for pixel in 0..plane {
                let value = |channel: usize| picture[if channels == 3 { channel * plane + pixel } else { pixel }];
                rgba.extend([value(0), value(1), value(2), u8::MAX]);
            }
        }
        let rgba = Uint8ClampedArray::new_from_slice(&rgba);
        Self { count, width: width as u32, height: height as u32, rgba }
    }

    /// Some of a dataset's samples.
    pub(crate) fn of_samples(data: &Dataset, samples: &Samples, indices: impl IntoIterator<Item = usize>) -> Self {
        let size = [data.channels, data.height, data.width];
        Self::of(size, indices.into_iter().map(|index| samples.sample(index)))
    }

    /// Planes of numbers, black where smallest and white where largest of all.
    pub(crate) fn of_numbers(size: [usize; 3], pictures: &[&[f32]]) -> Self {
        let all = || pictures.iter().flat_map(|picture| picture.iter().copied());
        let (low, high) = (all().fold(f32::INFINITY, f32::min), all().fold(f32::NEG_INFINITY, f32::max));
        let range = if high > low { high - low } else { 1.0 };
        let byte = |x: &f32| ((x - low) / range * 255.0).round() as u8;
        let bytes: Vec<Vec<u8>> = pictures.iter().map(|picture| picture.iter().map(byte).collect()).collect();
        Self::of(size, bytes.iter().map(Vec::as_slice))
    }
}
