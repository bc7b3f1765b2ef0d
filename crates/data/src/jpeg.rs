//! JPEG files: whether one is whole, and its pixels. The decoder fills in what is missing from a file cut short, so that half a picture
//! would pass for one; here a file must reach its end marker.
//!
//! The decoder is asked directly, and not by way of the crate `image`, which would have it twice in a program.

use image::error::{DecodingError, LimitError, LimitErrorKind};
use image::metadata::Orientation;
use image::{ColorType, ImageError, ImageFormat};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use crate::picture::{Pixels, limits};

/// The pixels of a file, within the limits: grey ones of a grey picture, red, green and blue of others.
///
/// # Errors
/// [`ImageError::Limits`] where it is too large, [`ImageError::Decoding`] where it is damaged or of a rare kind.
pub fn decode(bytes: &[u8]) -> Result<Pixels, ImageError> {
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(problem)?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (color, space) = if grey { (ColorType::L8, ColorSpace::Luma) } else { (ColorType::Rgb8, ColorSpace::RGB) };
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let (width, height) = decoder.dimensions().unwrap_or_default();
    // Both are numbers of 16 bits in the file.
    let (width, height) = (width as u32, height as u32);
    let mut limits = limits();
    limits.check_dimensions(width, height)?;
    let total = u64::from(width) * u64::from(height) * u64::from(color.bytes_per_pixel());
    limits.reserve(total)?;
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options.jpeg_set_out_colorspace(space));
    let mut pixels = vec![0; total as usize];
    decoder.decode_into(&mut pixels).map_err(problem)?;
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok(Pixels { width, height, color, bytes: pixels, orientation })
}

fn problem(error: DecodeErrors) -> ImageError {
    match error {
        DecodeErrors::LargeDimensions(_) => ImageError::Limits(LimitError::from_kind(LimitErrorKind::DimensionError)),
        error => ImageError::Decoding(DecodingError::new(ImageFormat::Jpeg.into(), error)),
    }
}

/// Whether the markers (ITU-T T.81, annex B) lead from the start to the end of image.
pub fn is_whole(bytes: &[u8]) -> bool {
    const RESTART: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;
    const END_OF_IMAGE: u8 = 0xD9;
    let mut at = 2;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        match (byte, next) {
            (0xFF, Some(END_OF_IMAGE)) => return true,
            // Fill bytes before a marker.
            (0xFF, Some(0xFF)) => at += 1,
            // Standing alone: a data byte FF, a restart, the temporary marker, another start of image.
            (0xFF, Some(marker)) if matches!(marker, 0x00 | 0x01 | 0xD8) || RESTART.contains(&marker) => at += 2,
            (0xFF, Some(_)) => {
                let Some(length) = bytes.get(at + 2..at + 4) else { return false };
                at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
            }
            // Data of a scan; elsewhere garbage, which decoders skip.
            _ => at += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = &[
        0xFF, 0xD8, // start
        0xFF, 0xE1, 0, 6, 0xFF, 0xD9, 0xFF, 0xDA, // a segment with a thumbnail's markers
        0xFF, 0xDA, 0, 3, 1, 7, 0xFF, 0x00, 9, 0xFF, 0xD0, 5, // a scan
        0xFF, 0xFF, 0xD9, // end
    ];

    #[test]
    fn only_the_whole_file_is_whole() {
        assert!(is_whole(FILE));
        for cut in 0..FILE.len() {
            assert!(!is_whole(&FILE[..cut]), "cut to {cut} bytes");
        }
    }

    #[test]
    fn what_follows_the_end_does_not_matter() {
        assert!(is_whole(&[FILE, &[0, 1, 0xFF]].concat()));
    }
}
