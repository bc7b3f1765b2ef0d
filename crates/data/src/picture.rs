//! Pictures: decoding, size, colour.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{ColorType, ImageBuffer, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Luma};

use crate::error::DataError;
use crate::jpeg;

/// The most rows or columns that a picture may have.
pub const MAX_SIDE: u32 = 20_000;

/// The most bytes that a decoded picture may take: 178 million pixels of three bytes.
pub const MAX_DECODED_BYTES: u64 = 512 << 20;

/// A grey or colour picture of eight bits a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    channels: usize,
    height: usize,
    width: usize,
    planes: Vec<u8>,
}

impl Picture {
    /// A picture from its planes: `channels` of them (1 or 3), each `height · width` bytes, row by row.
    ///
    /// # Panics
    /// Where there are other than 1 or 3 channels, no pixels, or not as many bytes as that makes.
    pub fn from_planes(channels: usize, height: usize, width: usize, planes: Vec<u8>) -> Self {
        assert!(matches!(channels, 1 | 3) && height > 0 && width > 0, "no picture is {channels}×{height}×{width}");
        assert_eq!(planes.len(), channels * height * width, "bytes of a picture of {channels}×{height}×{width}");
        Self { channels, height, width, planes }
    }

    /// A picture from pixels as a canvas or a camera gives them: red, green, blue and alpha, not premultiplied, row by
    /// row. It is laid over white where it is transparent; one whose pixels are all grey has one channel.
    ///
    /// # Errors
    /// [`DataError::Option`] where a side is 0 or beyond [`MAX_SIDE`], or the bytes are not four for each pixel.
    pub fn from_rgba(width: usize, height: usize, pixels: &[u8]) -> Result<Self, DataError> {
        let wrong = |option, found, allowed| Err(DataError::Option { option, found, allowed });
        let sides = 1..=MAX_SIDE as usize;
        if !sides.contains(&width) || !sides.contains(&height) {
            let allowed = format!("1 to {MAX_SIDE} a side");
            return wrong("size of a picture, rows first,", format!("{height}×{width}"), allowed);
        }
        let bytes = 4 * width as u64 * height as u64;
        if pixels.len() as u64 != bytes {
            let allowed = format!("{bytes}, four for each of {height}×{width} pixels");
            return wrong("number of bytes of a picture", pixels.len().to_string(), allowed);
        }
        Ok(Self::from_interleaved(height as u32, width as u32, pixels, rgba_over_white))
    }

    /// 1 or 3.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The planes, one after the other, each row by row.
    pub fn planes(&self) -> &[u8] {
        &self.planes
    }

    /// The planes, one after the other, each row by row.
    pub fn into_planes(self) -> Vec<u8> {
        self.planes
    }

    /// The picture with that many channels: grey repeated in three, or colour brought to one, the luma as ITU-R BT.601
    /// weighs it and as Pillow rounds it.
    ///
    /// # Panics
    /// Where `channels` is other than 1 or 3.
    pub fn into_channels(self, channels: usize) -> Self {
        assert!(matches!(channels, 1 | 3), "no picture has {channels} channels");
        let planes = match (self.channels, channels) {
            (1, 3) => self.planes.repeat(3),
            (3, 1) => {
                let [red, green, blue] = [0, 1, 2].map(|channel| self.plane(channel));
                red.iter().zip(green).zip(blue).map(|((&red, &green), &blue)| luma(red, green, blue)).collect()
            }
            _ => return self,
        };
        Self { channels, planes, ..self }
    }

    /// The picture stretched to `height` rows and `width` columns, by a triangle filter that widens with the scale, as
    /// Pillow's and PyTorch's antialiased bilinear do: no pixel is left out.
    ///
    /// # Panics
    /// Where a side is 0 or beyond [`MAX_SIDE`].
    pub fn resize(self, height: usize, width: usize) -> Self {
        let allowed = 1..=MAX_SIDE as usize;
        assert!(allowed.contains(&height) && allowed.contains(&width), "can't resize to {height}×{width}");
        if (self.height, self.width) == (height, width) {
            return self;
        }
        let resize_plane = |channel| {
            let plane: ImageBuffer<Luma<u8>, &[u8]> =
                ImageBuffer::from_raw(self.width as u32, self.height as u32, self.plane(channel))
                    .expect("a plane has height · width bytes");
            imageops::resize(&plane, width as u32, height as u32, FilterType::Triangle).into_raw()
        };
        let planes = (0..self.channels).flat_map(resize_plane).collect();
        Self { channels: self.channels, height, width, planes }
    }

    fn plane(&self, channel: usize) -> &[u8] {
        let size = self.height * self.width;
        &self.planes[channel * size..][..size]
    }

    /// A picture from interleaved pixels of `C` channels: one plane where all are grey, otherwise three.
    fn from_interleaved<const C: usize>(
        height: u32,
        width: u32,
        bytes: &[u8],
        pixel: impl Fn([u8; C]) -> [u8; 3],
    ) -> Self {
        let pixels = || bytes.as_chunks::<C>().0.iter().map(|bytes| pixel(*bytes));
        let grey = pixels().all(|[red, green, blue]| red == green && green == blue);
        let channels = if grey { 1 } else { 3 };
        let planes = (0..channels).flat_map(|channel| pixels().map(move |pixel| pixel[channel])).collect();
        Self::from_planes(channels, height as usize, width as usize, planes)
    }
}

/// Decodes a PNG, JPEG or WebP picture, whichever the bytes are; `path` is for messages alone.
///
/// It is turned as its EXIF orientation says, laid over white where it is transparent, and brought to eight bits a
/// channel. One whose pixels are all grey has one channel. Colour profiles are ignored; of an animation the first picture is
/// taken.
///
/// # Errors
/// [`DataError::Picture`] where the bytes are none of these, damaged or cut short, [`DataError::PictureTooLarge`] beyond
/// [`MAX_SIDE`] or [`MAX_DECODED_BYTES`].
pub fn decode(bytes: &[u8], path: &str) -> Result<Picture, DataError> {
    let fail = |reason: String| DataError::Picture { path: path.to_string(), reason };
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) => format,
        Ok(other) => return Err(fail(format!("it is a {other:?} file, not PNG, JPEG or WebP; convert it"))),
        Err(_) => return Err(fail("it is not a PNG, JPEG or WebP picture".into())),
    };
    if format == ImageFormat::Jpeg && !jpeg::is_whole(bytes) {
        return Err(fail(format!("the JPEG data ends early, after {} bytes", bytes.len())));
    }
    let image = match format {
        ImageFormat::Jpeg => jpeg::decode(bytes),
        _ => decode_as(bytes, format),
    };
    let image = image.map_err(|error| match error {
        ImageError::Limits(_) => DataError::PictureTooLarge { path: path.to_string() },
        ImageError::IoError(_) => fail(format!("the {format:?} data ends early, after {} bytes", bytes.len())),
        ImageError::Decoding(error) => fail(one_line(&error.to_string())),
        error => fail(one_line(&error.to_string())),
    })?;
    let Pixels { width, height, color, bytes, orientation } = image;
    let picture = match color {
        ColorType::L8 | ColorType::L16 => Picture::from_interleaved(height, width, &bytes, |[grey]| [grey; 3]),
        ColorType::La8 | ColorType::La16 => {
            Picture::from_interleaved(height, width, &bytes, |[grey, alpha]| [over_white(grey, alpha); 3])
        }
        ColorType::Rgb8 | ColorType::Rgb16 => Picture::from_interleaved(height, width, &bytes, |pixel| pixel),
        ColorType::Rgba8 | ColorType::Rgba16 => Picture::from_interleaved(height, width, &bytes, rgba_over_white),
        other => return Err(fail(format!("its pixels are {other:?}, not of 8 or 16 bits a channel; convert it"))),
    };
    Ok(picture.turned(orientation))
}

/// A picture as it is stored, in bytes, and how to turn it upright. The library's own type for pictures of any kind comes with
/// conversions between all kinds, which a page would have to load.
pub(crate) struct Pixels {
    pub width: u32,
    pub height: u32,
    pub color: ColorType,
    pub bytes: Vec<u8>,
    pub orientation: Orientation,
}

/// What a picture may take.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    limits
}

/// The picture within the limits.
fn decode_as(bytes: &[u8], format: ImageFormat) -> Result<Pixels, ImageError> {
    let mut limits = limits();
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    // Not all decoders count their output towards the limit.
    limits.reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation()?;
    let ((width, height), color) = (decoder.dimensions(), decoder.color_type());
    let mut bytes = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut bytes)?;
    if color.bytes_per_pixel() == 2 * color.channel_count() {
        bytes = bytes.as_chunks::<2>().0.iter().map(|&pair| to_eight_bits(u16::from_ne_bytes(pair))).collect();
    }
    Ok(Pixels { width, height, color, bytes, orientation })
}

/// 0 … 65535 as 0 … 255, rounded.
fn to_eight_bits(value: u16) -> u8 {
    ((u32::from(value) + 128) / 257) as u8
}

impl Picture {
    /// The picture upright, by how it was stored (EXIF's tag 0x112).
    fn turned(self, orientation: Orientation) -> Self {
        let (height, width) = (self.height, self.width);
        let (bottom, right) = (height - 1, width - 1);
        // Where row r and column c of the upright picture come from.
        match orientation {
            Orientation::NoTransforms => self,
            Orientation::FlipHorizontal => self.gathered(height, width, |r, c| (r, right - c)),
            Orientation::FlipVertical => self.gathered(height, width, |r, c| (bottom - r, c)),
            Orientation::Rotate180 => self.gathered(height, width, |r, c| (bottom - r, right - c)),
            Orientation::Rotate90 => self.gathered(width, height, |r, c| (bottom - c, r)),
            Orientation::Rotate270 => self.gathered(width, height, |r, c| (c, right - r)),
            Orientation::Rotate90FlipH => self.gathered(width, height, |r, c| (c, r)),
            Orientation::Rotate270FlipH => self.gathered(width, height, |r, c| (bottom - c, right - r)),
        }
    }

    /// A picture whose pixel at each row and column is this one's at another.
    fn gathered(&self, height: usize, width: usize, from: impl Fn(usize, usize) -> (usize, usize)) -> Self {
        let mut planes = Vec::with_capacity(self.planes.len());
        for channel in 0..self.channels {
            let plane = self.plane(channel);
            for row in 0..height {
                planes.extend((0..width).map(|column| {
                    let (r, c) = from(row, column);
                    plane[r * self.width + c]
                }));
            }
        }
        Self::from_planes(self.channels, height, width, planes)
    }
}

/// 0.299 · red + 0.587 · green + 0.114 · blue, with weights that add up to 2¹⁶.
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    ((u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471 + 0x8000) >> 16) as u8
}

fn rgba_over_white([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    [red, green, blue].map(|value| over_white(value, alpha))
}

/// `alpha · value + (1 − alpha) · white`, rounded.
fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// Decoders' messages, on one line and of bounded length.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}
