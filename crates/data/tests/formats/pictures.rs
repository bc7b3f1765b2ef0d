use std::io::Cursor;

use convoke_data::{Picture, decode};
use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use proptest::prelude::*;

pub fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    encode(image, ImageFormat::Png)
}

/// A JPEG of 24 columns and 16 rows, red on the left and blue on the right, with an EXIF orientation.
fn jpeg(orientation: u8) -> Vec<u8> {
    let image = RgbImage::from_fn(24, 16, |x, _| if x < 12 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) });
    let plain = encode(image, ImageFormat::Jpeg);
    // TIFF header, one directory with one entry: tag 0x0112, type SHORT, count 1.
    let tiff = [&b"II*\0\x08\0\0\0"[..], &[1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0], &[0; 4]].concat();
    let length = (2 + 6 + tiff.len()) as u16;
    [&plain[..2], &[0xFF, 0xE1], &length.to_be_bytes(), b"Exif\0\0", &tiff, &plain[2..]].concat()
}

fn shape(picture: &Picture) -> [usize; 3] {
    [picture.channels(), picture.height(), picture.width()]
}

fn reason(bytes: &[u8]) -> String {
    let message = decode(bytes, "a/b.png").unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn colour_comes_in_planes() {
    let image = RgbImage::from_raw(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let picture = decode(&encode(image.clone(), format), "x").unwrap();
        assert_eq!((shape(&picture), picture.planes()), ([3, 1, 2], &[1, 4, 2, 5, 3, 6][..]), "{format:?}");
    }
}

#[test]
fn grey_keeps_one_channel_however_it_is_stored() {
    let grey = GrayImage::from_raw(2, 2, vec![0, 100, 200, 255]).unwrap();
    let as_colour = DynamicImage::from(grey.clone()).into_rgb8();
    for file in [png(grey.clone()), png(as_colour.clone()), encode(as_colour, ImageFormat::WebP)] {
        let picture = decode(&file, "x").unwrap();
        assert_eq!((shape(&picture), picture.planes()), ([1, 2, 2], &[0, 100, 200, 255][..]));
    }
    assert_eq!(decode(&encode(grey, ImageFormat::Jpeg), "x").unwrap().channels(), 1);
}

#[test]
fn sixteen_bits_become_eight() {
    let grey = ImageBuffer::<Luma<u16>, _>::from_raw(4, 1, vec![0u16, 128, 129, 65535]).unwrap();
    assert_eq!(decode(&png(grey), "x").unwrap().planes(), [0, 0, 1, 255]);
    let colour = ImageBuffer::<Rgb<u16>, _>::from_raw(1, 1, vec![257u16, 2570, 25700]).unwrap();
    assert_eq!(decode(&png(colour), "x").unwrap().planes(), [1, 10, 100]);
    let clear = ImageBuffer::<Rgba<u16>, _>::from_raw(1, 1, vec![0u16, 0, 65535, 0x8000]).unwrap();
    assert_eq!(decode(&png(clear), "x").unwrap().planes(), [127, 127, 255]);
}

#[test]
fn pixels_of_a_canvas_are_taken_as_a_file_of_them_is() {
    let opaque = vec![9, 8, 7, 255, 1, 2, 3, 255, 4, 4, 4, 255, 0, 0, 0, 255, 5, 5, 5, 255, 6, 6, 6, 255];
    let clear = vec![9, 8, 7, 0, 100, 0, 200, 51, 255, 255, 255, 128, 9, 8, 7, 255, 0, 0, 0, 1, 0, 0, 0, 254];
    let grey = [0, 50, 100, 150, 200, 255].into_iter().flat_map(|value| [value, value, value, 200]).collect();
    for (pixels, channels) in [(opaque, 3), (clear, 3), (grey, 1)] {
        let picture = Picture::from_rgba(3, 2, &pixels).unwrap();
        assert_eq!(shape(&picture), [channels, 2, 3]);
        assert_eq!(picture, decode(&png(RgbaImage::from_raw(3, 2, pixels).unwrap()), "x").unwrap());
    }
}

#[test]
fn pixels_that_make_no_canvas_are_refused() {
    let refused = |width, height, bytes| Picture::from_rgba(width, height, &vec![0; bytes]).unwrap_err().to_string();
    let message = "size of a picture, rows first, is 5×0, but must be 1 to 20000 a side";
    assert_eq!(refused(0, 5, 0), message);
    assert_eq!(refused(20_001, 1, 80_004), message.replace("5×0", "1×20001"));
    let message = "number of bytes of a picture is 23, but must be 24, four for each of 2×3 pixels";
    assert_eq!(refused(3, 2, 23), message);
    assert_eq!(refused(3, 2, 25), message.replace("23", "25"));
    assert!(refused(usize::MAX, usize::MAX, 4).contains("1 to 20000 a side"));
}

#[test]
fn what_is_transparent_lies_over_white() {
    let image = RgbaImage::from_raw(4, 1, vec![9, 8, 7, 255, 9, 8, 7, 0, 100, 0, 200, 51, 255, 255, 255, 128]).unwrap();
    // 0.2 of the colour and 0.8 of white: 20 + 204, 204, 40 + 204.
    let expected = [9, 255, 224, 255, 8, 255, 204, 255, 7, 255, 244, 255];
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        assert_eq!(decode(&encode(image.clone(), format), "x").unwrap().planes(), expected, "{format:?}");
    }
    let grey = GrayAlphaImage::from_raw(2, 1, vec![0, 0, 0, 204]).unwrap();
    assert_eq!(decode(&png(grey), "x").unwrap().planes(), [255, 51]);
}

/// Where the red half must be, by the orientation: EXIF 2.3, table 6.
#[test]
fn exif_orientation_is_honoured() {
    let sides =
        [(1, "left"), (2, "right"), (3, "right"), (4, "left"), (5, "top"), (6, "top"), (7, "bottom"), (8, "bottom")];
    for (orientation, side) in sides {
        let picture = decode(&jpeg(orientation), "x").unwrap();
        let expected = if orientation < 5 { [3, 16, 24] } else { [3, 24, 16] };
        assert_eq!(shape(&picture), expected, "orientation {orientation}");
        let red = |y: usize, x: usize| picture.planes()[y * picture.width() + x] > 128;
        let (bottom, right) = (picture.height() - 1, picture.width() - 1);
        let corners = [red(0, 0), red(0, right), red(bottom, 0), red(bottom, right)];
        let expected = match side {
            "left" => [true, false, true, false],
            "right" => [false, true, false, true],
            "top" => [true, true, false, false],
            _ => [false, false, true, true],
        };
        assert_eq!(corners, expected, "orientation {orientation}");
    }
}

#[test]
fn luma_weighs_as_bt_601() {
    let pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 77, 77, 77, 10, 200, 90];
    let picture = decode(&png(RgbImage::from_raw(5, 1, pixels.to_vec()).unwrap()), "x").unwrap().into_channels(1);
    // 0.299, 0.587 and 0.114 of 255; 77; 2.99 + 117.4 + 10.26.
    assert_eq!((shape(&picture), picture.planes()), ([1, 1, 5], &[76, 150, 29, 77, 131][..]));
    let repeated = Picture::from_planes(1, 1, 2, vec![5, 6]).into_channels(3);
    assert_eq!((shape(&repeated), repeated.planes()), ([3, 1, 2], &[5, 6, 5, 6, 5, 6][..]));
}

#[test]
fn resizing_keeps_every_pixel_in_the_mean() {
    let board = GrayImage::from_fn(64, 64, |x, y| Luma([if (x + y) % 2 == 0 { 255 } else { 0 }]));
    let small = decode(&png(board), "x").unwrap().resize(8, 8);
    assert_eq!(shape(&small), [1, 8, 8]);
    assert!(small.planes().iter().all(|&value| value.abs_diff(128) <= 2), "{:?}", small.planes());
    let planes = [[10; 6], [20; 6], [30; 6]].concat();
    let large = Picture::from_planes(3, 2, 3, planes).resize(5, 7);
    assert_eq!(large.planes(), [[10; 35], [20; 35], [30; 35]].concat());
    // Between two pixels: weights ¼ and ¾, as Pillow's BILINEAR gives them.
    let ramp = Picture::from_planes(1, 1, 2, vec![0, 200]).resize(1, 4);
    assert_eq!(ramp.planes(), [0, 50, 150, 200]);
}

#[test]
fn a_file_cut_short_is_refused() {
    let image = RgbImage::from_fn(40, 30, |x, y| Rgb([x as u8 * 6, y as u8 * 8, (x * y) as u8]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let file = encode(image.clone(), format);
        for cut in (0..file.len() - 12).step_by(7) {
            assert!(decode(&file[..cut], "x").is_err(), "{format:?} cut from {} to {cut} bytes", file.len());
        }
    }
    let file = encode(image, ImageFormat::Jpeg);
    let cut = file.len() - 20;
    assert_eq!(reason(&file[..cut]), format!("a/b.png can't be decoded: the JPEG data ends early, after {cut} bytes"));
}

#[test]
fn other_files_are_refused() {
    assert_eq!(reason(b"hello"), "a/b.png can't be decoded: it is not a PNG, JPEG or WebP picture");
    assert_eq!(reason(b""), "a/b.png can't be decoded: it is not a PNG, JPEG or WebP picture");
    let message = "a/b.png can't be decoded: it is a Gif file, not PNG, JPEG or WebP; convert it";
    assert_eq!(reason(b"GIF89a\x01\0\x01\0\0\0\0;"), message);
}

/// A PNG file of no data beyond its header.
fn empty_png(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
    header.extend([8, 2, 0, 0, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&header);
    let sum = crc.sum().to_be_bytes();
    [&b"\x89PNG\r\n\x1a\n\0\0\0\x0d"[..], &header, &sum, b"\0\0\0\0IDAT\x35\xaf\x06\x1e"].concat()
}

#[test]
fn a_bomb_is_refused() {
    let message = "a/b.png is too large: at most 20000 pixels a side and 512 MiB decoded are allowed; scale it down";
    assert_eq!(reason(&empty_png(20_001, 1)), message);
    assert_eq!(reason(&empty_png(1, u32::MAX >> 1)), message);
    assert_eq!(reason(&empty_png(20_000, 20_000)), message);
    let mut jpeg = encode(RgbImage::new(8, 8), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x4E, 0x20, 0x4E, 0x20]);
    assert_eq!(reason(&jpeg), message);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(kind in 0..4usize, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let start = [&b""[..], b"\x89PNG\r\n\x1a\n", b"\xFF\xD8\xFF", b"RIFF\x90\0\0\0WEBPVP8 "][kind];
        let _ = decode(&[start, &bytes, b"\xFF\xD9"].concat(), "x");
    }

    #[test]
    fn damaged_pictures_never_panic(kind in 0..3usize, damage in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..6)) {
        let image = RgbImage::from_fn(13, 9, |x, y| Rgb([x as u8 * 19, y as u8 * 28, (x * y) as u8]));
        let mut file = encode(image, [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP][kind]);
        for (at, value) in damage {
            let at = usize::from(at) % file.len();
            file[at] = value;
        }
        let _ = decode(&file, "x");
    }
}
