//! The dataset that comes with the program.

use crate::builder::{Builder, Side};
use crate::dataset::Dataset;
use crate::error::DataError;
use crate::open::Options;
use crate::picture::{Picture, decode};

/// Rows and columns of a picture.
const TILE: usize = 28;
const CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// Pictures side by side, from left to right and from top to bottom, and the label of each.
struct Mosaic {
    side: Side,
    name: &'static str,
    png: &'static [u8],
    labels: &'static [u8],
}

const MOSAICS: [Mosaic; 2] = [
    Mosaic {
        side: Side::Train,
        name: "fashion-mnist-mini/train.png",
        png: include_bytes!("../assets/fashion-mnist-mini/train.png"),
        labels: include_bytes!("../assets/fashion-mnist-mini/train-labels.bin"),
    },
    Mosaic {
        side: Side::Test,
        name: "fashion-mnist-mini/test.png",
        png: include_bytes!("../assets/fashion-mnist-mini/test.png"),
        labels: include_bytes!("../assets/fashion-mnist-mini/test-labels.bin"),
    },
];

/// `fashion-mnist-mini`: the first 600 pictures to train on and the first 100 to test on of each of Fashion-MNIST's ten
/// classes; grey, 28×28 unless `options` asks for another size.
///
/// # Errors
/// [`DataError::Option`] and [`DataError::TooLarge`], as [`open`](crate::open) gives them for the options.
pub fn embedded(options: &Options) -> Result<Dataset, DataError> {
    options.check()?;
    let mut ignore = |_, _| {};
    let mut builder = Builder::new(options, MOSAICS.map(|mosaic| mosaic.labels.len()), &mut ignore);
    for mosaic in MOSAICS {
        let picture = decode(mosaic.png, mosaic.name)?;
        for (index, &label) in mosaic.labels.iter().enumerate() {
            builder.push(mosaic.side, tile(&picture, index), label.into())?;
        }
    }
    Ok(builder.finish(CLASSES.map(str::to_string).to_vec()))
}

/// The `index`th tile.
fn tile(mosaic: &Picture, index: usize) -> Picture {
    let columns = mosaic.width() / TILE;
    let (top, left) = (index / columns * TILE, index % columns * TILE);
    let row = |y: usize| &mosaic.planes()[(top + y) * mosaic.width() + left..][..TILE];
    Picture::from_planes(1, TILE, TILE, (0..TILE).flat_map(row).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_classes_are_there_alike() {
        let dataset = embedded(&Options::default()).unwrap();
        assert_eq!((dataset.channels, dataset.height, dataset.width), (1, 28, 28));
        assert_eq!((dataset.train.len(), dataset.test.len(), dataset.classes.len()), (6000, 1000, 10));
        for (samples, each) in [(&dataset.train, 600), (&dataset.test, 100)] {
            assert_eq!(samples.pixels.len(), samples.len() * 784);
            for class in 0..10 {
                assert_eq!(samples.labels.iter().filter(|&&label| label == class).count(), each, "class {class}");
            }
        }
    }

    /// Tiles cut wrongly would have their borders inside; Fashion-MNIST's own pictures leave theirs dark.
    #[test]
    fn tiles_are_cut_where_pictures_end() {
        let dataset = embedded(&Options::default()).unwrap();
        let mean = |keep: fn(usize, usize) -> bool| {
            let bytes = dataset.train.pixels.iter().enumerate();
            let kept: Vec<f64> =
                bytes.filter(|(i, _)| keep(i % 784 / 28, i % 28)).map(|(_, &byte)| f64::from(byte)).collect();
            kept.iter().sum::<f64>() / kept.len() as f64
        };
        let corners = mean(|y, x| (y == 0 || y == 27) && (x == 0 || x == 27));
        let middle = mean(|y, x| (12..16).contains(&y) && (12..16).contains(&x));
        assert!(corners < 2.0 && middle > 100.0, "corners {corners}, middle {middle}");
    }

    #[test]
    fn another_size_is_made_on_request() {
        let dataset = embedded(&Options { size: Some([14, 7]), ..Options::default() }).unwrap();
        assert_eq!((dataset.height, dataset.width, dataset.train.sample_bytes()), (14, 7, 98));
    }
}
