use convoke_data::{MemoryFiles, Options, open};

use crate::{opened, refused};

/// A record whose red is `label`, whose green is 100 and whose blue is 200 everywhere.
fn record(label: u8) -> Vec<u8> {
    let mut bytes = vec![label; 1 + 1024];
    bytes.extend([100; 1024]);
    bytes.extend([200; 1024]);
    bytes
}

pub fn files() -> MemoryFiles {
    MemoryFiles::from([
        ("cifar-10-batches-bin/data_batch_1.bin", [record(0), record(1)].concat()),
        ("cifar-10-batches-bin/data_batch_2.bin", record(2)),
        ("cifar-10-batches-bin/test_batch.bin", record(1)),
        ("cifar-10-batches-bin/batches.meta.txt", b"airplane\nautomobile\nbird\n\n".to_vec()),
        ("cifar-10-batches-bin/readme.html", b"<html>".to_vec()),
    ])
}

#[test]
fn batches_are_read_in_order() {
    let dataset = opened(&files());
    assert_eq!((dataset.channels, dataset.height, dataset.width), (3, 32, 32));
    assert_eq!(dataset.classes, ["airplane", "automobile", "bird"]);
    assert_eq!((&dataset.train.labels[..], &dataset.test.labels[..]), (&[0, 1, 2][..], &[1][..]));
    let sample = dataset.train.sample(2);
    assert_eq!(
        [sample[0], sample[1023], sample[1024], sample[2047], sample[2048], sample[3071]],
        [2, 2, 100, 100, 200, 200]
    );
}

#[test]
fn without_names_classes_are_numbered() {
    let files = MemoryFiles::from([
        ("data_batch_1.bin", [record(0), record(1), record(3)].concat()),
        ("test_batch.bin", record(3)),
    ]);
    assert_eq!(opened(&files).classes, ["0", "1", "2", "3"]);
}

#[test]
fn colour_becomes_luma_and_size_changes_on_request() {
    let options = Options { channels: Some(1), size: Some([8, 4]), ..Options::default() };
    let dataset = open(&files(), &options, &mut |_, _| {}).unwrap();
    assert_eq!((dataset.channels, dataset.height, dataset.width), (1, 8, 4));
    // 0.299 · 0 + 0.587 · 100 + 0.114 · 200 = 81.5.
    assert_eq!(dataset.train.sample(0), [82; 32]);
}

#[test]
fn bad_batches_are_refused() {
    let with = |name: &str, bytes: Vec<u8>| {
        let mut files = files();
        files.insert(format!("cifar-10-batches-bin/{name}"), bytes);
        refused(&files)
    };
    let message = "cifar-10-batches-bin/data_batch_2.bin is not a batch of CIFAR-10's binary version: it holds 3072 bytes, \
                   not a multiple of 3073; fetch it again, or give another folder";
    assert_eq!(with("data_batch_2.bin", record(2)[..3072].to_vec()), message);
    assert!(with("test_batch.bin", vec![]).contains("it holds 0 bytes"));
    let message = "sample 1 of cifar-10-batches-bin/test_batch.bin has label 3, but the classes are 0 to 2; the classes are \
                   those that batches.meta.txt names: take both from the same dataset";
    assert_eq!(with("test_batch.bin", [record(0), record(3)].concat()), message);
    assert!(with("batches.meta.txt", b"cat\n".to_vec()).starts_with("only one class found, cat;"));
    let alone = MemoryFiles::from([("data_batch_1.bin", record(0))]);
    assert_eq!(refused(&alone), "test_batch.bin is missing, though other files of that dataset are there; add it");
    let mut twice = files();
    twice.insert("old/data_batch_1.bin", record(0));
    assert_eq!(refused(&twice), "found 2 datasets (cifar-10-batches-bin/, old/); give a folder that holds one of them");
}
