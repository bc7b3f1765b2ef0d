//! The dataset that comes with the program, or beside it.

use crate::builder::{Builder, Side};
use crate::dataset::Dataset;
use crate::error::DataError;
use crate::files::Files;
use crate::open::{Options, Progress, read};
use crate::picture::{Picture, decode};
use crate::turns::{Turns, at_once, take_turn};

/// Rows and columns of a picture.
const TILE: usize = 28;
const CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// Pictures side by side, from left to right and from top to bottom, and the label of each.
struct Mosaic {
    side: Side,
    pictures: Picture,
    labels: Vec<u8>,
}

impl Mosaic {
    /// Reads the two files of one side.
    fn read(files: &dyn Files, side: Side, picture_path: &str, label_path: &str) -> Result<Self, DataError> {
        let pictures = decode(&read(files, picture_path)?, picture_path)?;
        let labels = read(files, label_path)?;
        let [height, width] = [pictures.height(), pictures.width()];
        if pictures.channels() != 1 || height % TILE != 0 || width % TILE != 0 {
            let colour = if pictures.channels() == 1 { "grey" } else { "coloured" };
            let found = format!("it is {colour}, of {height}×{width} pixels");
            let expected = "a grey mosaic of 28×28 pictures";
            return Err(DataError::Malformed { path: picture_path.into(), expected, found });
        }
        let tiles = (height / TILE) * (width / TILE);
        if tiles != labels.len() {
            let (images, count) = (picture_path.into(), labels.len());
            return Err(DataError::Count { images, pictures: tiles, labels: label_path.into(), count });
        }
        if let Some(index) = labels.iter().position(|&label| usize::from(label) >= CLASSES.len()) {
            let (path, label, classes) = (label_path.into(), labels[index].into(), CLASSES.len());
            return Err(DataError::Label { path, index, label, classes, hint: "fetch the file again" });
        }
        Ok(Self { side, pictures, labels })
    }

    /// The `index`th picture.
    fn tile(&self, index: usize) -> Picture {
        let width = self.pictures.width();
        let (top, left) = (index / (width / TILE) * TILE, index % (width / TILE) * TILE);
        let row = |y: usize| &self.pictures.planes()[(top + y) * width + left..][..TILE];
        Picture::from_planes(1, TILE, TILE, (0..TILE).flat_map(row).copied().collect())
    }
}

/// `fashion-mnist-mini`: the first 600 pictures to train on and the first 100 to test on of each of Fashion-MNIST's ten
/// classes; grey, 28×28 unless `options` asks for another size.
///
/// `files` holds `train.png`, `train-labels.bin`, `test.png` and `test-labels.bin`, as they lie in this crate's folder
/// `assets/fashion-mnist-mini`: for programs that don't carry them inside, and fetch them when they are wanted.
///
/// # Errors
/// [`DataError::Option`] and [`DataError::TooLarge`], as [`open`](crate::open) gives them for the options; where a file is
/// not there or is another, the error that says so.
pub fn fashion_mnist_mini(files: &dyn Files, options: &Options) -> Result<Dataset, DataError> {
    at_once(fashion_mnist_mini_in_turns(files, options, &mut |_, _| {}, &mut || None))
}

/// As [`fashion_mnist_mini`], with a turn for others after each picture, as [`open_in_turns`](crate::open_in_turns) has it. `progress` is
/// told how many pictures of how many are done.
///
/// # Errors
/// Those of [`fashion_mnist_mini`].
pub async fn fashion_mnist_mini_in_turns(
    files: &dyn Files,
    options: &Options,
    progress: Progress<'_>,
    turns: Turns<'_>,
) -> Result<Dataset, DataError> {
    options.check()?;
    let mosaics = [
        Mosaic::read(files, Side::Train, "train.png", "train-labels.bin")?,
        Mosaic::read(files, Side::Test, "test.png", "test-labels.bin")?,
    ];
    let mut builder = Builder::new(options, mosaics.each_ref().map(|mosaic| mosaic.labels.len()), progress);
    for mosaic in &mosaics {
        for (index, &label) in mosaic.labels.iter().enumerate() {
            builder.push(mosaic.side, mosaic.tile(index), label.into())?;
            take_turn(turns).await;
        }
    }
    builder.finish(CLASSES.map(str::to_string).to_vec())
}

/// [`fashion_mnist_mini`] from files within the program.
///
/// # Errors
/// [`DataError::Option`] and [`DataError::TooLarge`], as [`open`](crate::open) gives them for the options.
#[cfg(feature = "embedded")]
pub fn embedded(options: &Options) -> Result<Dataset, DataError> {
    fashion_mnist_mini(&Included, options)
}

/// The files within the program.
#[cfg(feature = "embedded")]
struct Included;

#[cfg(feature = "embedded")]
impl Included {
    const FILES: [(&str, &[u8]); 4] = [
        ("train.png", include_bytes!("../assets/fashion-mnist-mini/train.png")),
        ("train-labels.bin", include_bytes!("../assets/fashion-mnist-mini/train-labels.bin")),
        ("test.png", include_bytes!("../assets/fashion-mnist-mini/test.png")),
        ("test-labels.bin", include_bytes!("../assets/fashion-mnist-mini/test-labels.bin")),
    ];
}

#[cfg(feature = "embedded")]
impl Files for Included {
    fn paths(&self) -> Vec<String> {
        Self::FILES.iter().map(|(path, _)| path.to_string()).collect()
    }

    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        let file = Self::FILES.iter().find(|(name, _)| *name == path);
        file.map(|(_, bytes)| bytes.to_vec()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    use super::*;
    use crate::files::MemoryFiles;

    fn copied() -> MemoryFiles {
        MemoryFiles::from(Included::FILES.map(|(path, bytes)| (path, bytes.to_vec())))
    }

    #[test]
    fn files_from_elsewhere_give_the_same() {
        let options = Options { size: Some([7, 7]), ..Options::default() };
        assert_eq!(fashion_mnist_mini(&copied(), &options).unwrap(), embedded(&options).unwrap());
    }

    #[test]
    fn other_files_are_refused() {
        let refused = |change: fn(&mut MemoryFiles)| {
            let mut files = copied();
            change(&mut files);
            fashion_mnist_mini(&files, &Options::default()).unwrap_err().to_string()
        };
        assert!(refused(|files| *files = MemoryFiles::default()).starts_with("can't read train.png: "));
        assert_eq!(
            refused(|files| files.insert("test-labels.bin", vec![1; 999])),
            "test.png holds 1000 pictures but test-labels.bin holds 999 labels; take both from the same dataset"
        );
        assert_eq!(
            refused(|files| files.insert("train-labels.bin", vec![10; 6000])),
            "sample 0 of train-labels.bin has label 10, but the classes are 0 to 9; fetch the file again"
        );
        assert!(refused(|files| files.insert("train.png", b"<!doctype html>".to_vec())).contains("can't be decoded"));
        let crooked = "test.png is not a grey mosaic of 28×28 pictures: it is grey, of 29×28 pixels; fetch it again, or \
                       give another folder";
        let small = |height| {
            let mut file = std::io::Cursor::new(Vec::new());
            image::GrayImage::new(28, height).write_to(&mut file, image::ImageFormat::Png).unwrap();
            file.into_inner()
        };
        let mut files = copied();
        files.insert("test.png", small(29));
        assert_eq!(fashion_mnist_mini(&files, &Options::default()).unwrap_err().to_string(), crooked);
        files.insert("test.png", small(28));
        assert!(matches!(
            fashion_mnist_mini(&files, &Options::default()),
            Err(DataError::Count { pictures: 1, count: 1000, .. })
        ));
    }

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
