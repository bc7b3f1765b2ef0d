use std::io::Write;

use convoke_data::{MemoryFiles, Options, open};
use flate2::{Compression, write::GzEncoder};

use crate::{names, opened, refused};

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let lengths = dims.iter().flat_map(|dim| dim.to_be_bytes());
    [0, 0, 8, dims.len() as u8].into_iter().chain(lengths).chain(data.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Three pictures of 2×2 to train on, two to test on.
pub fn files() -> MemoryFiles {
    MemoryFiles::from([
        (TRAIN_IMAGES, idx(&[3, 2, 2], &[0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23])),
        (TRAIN_LABELS, idx(&[3], &[0, 2, 1])),
        (TEST_IMAGES, idx(&[2, 2, 2], &[30, 31, 32, 33, 40, 41, 42, 43])),
        (TEST_LABELS, idx(&[2], &[2, 0])),
    ])
}

fn with(path: &str, bytes: Vec<u8>) -> MemoryFiles {
    let mut files = files();
    files.insert(path, bytes);
    files
}

#[test]
fn pixels_and_labels_come_as_they_are() {
    let mut calls = Vec::new();
    let dataset = open(&files(), &Options::default(), &mut |done, total| calls.push((done, total))).unwrap();
    assert_eq!((dataset.channels, dataset.height, dataset.width), (1, 2, 2));
    assert_eq!(dataset.train.pixels, [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]);
    assert_eq!((dataset.train.labels, dataset.test.labels), (vec![0, 2, 1], vec![2, 0]));
    assert_eq!(dataset.test.pixels, [30, 31, 32, 33, 40, 41, 42, 43]);
    assert_eq!(dataset.classes, ["0", "1", "2"]);
    assert_eq!(calls, [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
}

#[test]
fn packed_dotted_and_deeper_files_are_found() {
    let plain = opened(&files());
    let rename = |name: fn(&str) -> String, pack: fn(&[u8]) -> Vec<u8>| {
        let paths = [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS];
        let read = |path: &str| convoke_data::Files::read(&files(), path).unwrap();
        MemoryFiles::from(paths.map(|path| (name(path), pack(&read(path)))))
    };
    assert_eq!(opened(&rename(|name| format!("{name}.gz"), gzip)), plain);
    assert_eq!(opened(&rename(|name| name.replace("-idx", ".idx"), <[u8]>::to_vec)), plain);
    assert_eq!(opened(&rename(|name| format!("MNIST/raw/{name}"), <[u8]>::to_vec)), plain);
    assert_eq!(opened(&rename(|name| format!("emnist-digits-{}.gz", name.replace("t10k", "test")), gzip)), plain);
    // Two gzip members, as parallel packers write them, are one file.
    let images = idx(&[3, 2, 2], &[0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]);
    assert_eq!(opened(&with(TRAIN_IMAGES, [gzip(&images[..9]), gzip(&images[9..])].concat())), plain);
    // As torchvision leaves them: packed and unpacked side by side.
    assert_eq!(opened(&with("train-images-idx3-ubyte.gz", vec![])), plain);
}

#[test]
fn pictures_are_resized() {
    let images = idx(&[3, 2, 2], &[7; 12]);
    let options = Options { size: Some([3, 1]), ..Options::default() };
    let dataset = open(&with(TRAIN_IMAGES, images), &options, &mut |_, _| {}).unwrap();
    assert_eq!((dataset.height, dataset.width), (3, 1));
    assert_eq!(dataset.train.pixels, [7; 9]);
}

#[test]
fn files_of_the_wrong_length_are_refused() {
    let images = idx(&[3, 2, 2], &[0; 12]);
    let message = "train-images-idx3-ubyte should hold 28 bytes by its header but holds 21; fetch it again";
    assert_eq!(refused(&with(TRAIN_IMAGES, images[..21].to_vec())), message);
    assert_eq!(refused(&with(TRAIN_IMAGES, gzip(&images[..21]))), message);
    let message = "t10k-labels-idx1-ubyte should hold 8 bytes by its header but holds 6; fetch it again";
    assert_eq!(refused(&with(TEST_LABELS, idx(&[2], &[])[..6].to_vec())), message);
    let message = "t10k-labels-idx1-ubyte should hold 10 bytes by its header but holds more; fetch it again";
    assert_eq!(refused(&with(TEST_LABELS, idx(&[2], &[0; 9]))), message);
}

#[test]
fn every_cut_of_a_packed_file_is_refused() {
    let packed = gzip(&idx(&[3, 2, 2], &[5; 12]));
    for cut in 0..packed.len() {
        let message = refused(&with(TRAIN_IMAGES, packed[..cut].to_vec()));
        assert!(message.starts_with("train-images-idx3-ubyte "), "cut to {cut}: {message}");
    }
}

#[test]
fn a_damaged_packed_file_is_refused() {
    let mut packed = gzip(&idx(&[3, 2, 2], &[5; 12]));
    let checksum = packed.len() - 6;
    packed[checksum] ^= 1;
    let message = refused(&with(TRAIN_IMAGES, packed));
    assert!(
        message
            .starts_with("train-images-idx3-ubyte is not a whole gzip file: its gzip data is damaged or cut short ("),
        "{message}"
    );
}

#[test]
fn a_lying_header_allocates_nothing() {
    let message = "train-images-idx3-ubyte is not an IDX file of pictures: its header says 4294967295×65535×65535 bytes, \
                   more than the 4294967296 allowed; fetch it again, or give another folder";
    assert_eq!(refused(&with(TRAIN_IMAGES, idx(&[u32::MAX, 65535, 65535], &[0; 12]))), message);
    let message = refused(&with(TRAIN_IMAGES, idx(&[65536, 128, 256], &[0; 12])));
    assert_eq!(
        message,
        "train-images-idx3-ubyte should hold 2147483664 bytes by its header but holds 28; fetch it again"
    );
    // A gzip bomb is unpacked no further than its header says.
    let bomb = gzip(&idx(&[3, 2, 2], &vec![0; 50 << 20]));
    let message = refused(&with(TRAIN_IMAGES, bomb));
    assert_eq!(message, "train-images-idx3-ubyte should hold 28 bytes by its header but holds more; fetch it again");
    let message = refused(&with(TRAIN_IMAGES, idx(&[0, 2, 2], &[])));
    assert!(message.contains("its header says 0 pictures of 2×2"), "{message}");
    let message = refused(&with(TRAIN_IMAGES, idx(&[3, 1, 20_001], &[0; 60_003])));
    assert!(message.contains("its header says 3 pictures of 1×20001"), "{message}");
}

#[test]
fn other_files_are_refused() {
    let message = "train-images-idx3-ubyte is not an IDX file of pictures: it begins with [89, 50, 4e, 47] instead of \
                   [00, 00, 08, 03]; fetch it again, or give another folder";
    assert_eq!(refused(&with(TRAIN_IMAGES, b"\x89PNG".to_vec())), message);
    let message = refused(&with(TEST_LABELS, idx(&[2, 1, 1], &[0, 0])));
    assert!(message.starts_with("t10k-labels-idx1-ubyte is not an IDX file of labels: it begins with"), "{message}");
}

#[test]
fn labels_must_fit_the_pictures_and_the_classes() {
    let message = "train-images-idx3-ubyte holds 3 pictures but train-labels-idx1-ubyte holds 2 labels; take both from \
                   the same dataset";
    assert_eq!(refused(&with(TRAIN_LABELS, idx(&[2], &[0, 1]))), message);
    let message = "sample 1 of t10k-labels-idx1-ubyte has label 3, but the classes are 0 to 2; the classes are those of \
                   the training labels: take both from the same dataset";
    assert_eq!(refused(&with(TEST_LABELS, idx(&[2], &[2, 3]))), message);
    let message = refused(&with(TRAIN_LABELS, idx(&[3], &[0, 0, 0])));
    let one = "has only one class, 0; telling pictures apart takes at least two: give another dataset";
    assert_eq!(message, format!("train-labels-idx1-ubyte {one}"));
}

#[test]
fn one_whole_dataset_is_wanted() {
    let files = MemoryFiles::from([(TRAIN_IMAGES, vec![]), (TRAIN_LABELS, vec![]), (TEST_IMAGES, vec![])]);
    let message = "t10k-labels-idx1-ubyte is missing, though other files of that dataset are there; add it";
    assert_eq!(refused(&files), message);
    let message = "found 2 datasets (*, old/*); give a folder that holds one of them";
    assert_eq!(refused(&with("old/train-images-idx3-ubyte", vec![])), message);
}

#[test]
fn classes_without_a_name_are_numbered() {
    assert_eq!(names(&opened(&files())), ["0", "1", "2"]);
}

#[test]
fn a_dataset_beyond_the_limit_is_refused() {
    let options = Options { size: Some([100, 100]), max_bytes: 49_999, ..Options::default() };
    let message = open(&files(), &options, &mut |_, _| {}).unwrap_err().to_string();
    let expected = "5 pictures of 1×100×100 take 50000 bytes, more than 49999 allowed; 4 of them fit: use fewer, or a smaller size";
    assert_eq!(message, expected);
}
