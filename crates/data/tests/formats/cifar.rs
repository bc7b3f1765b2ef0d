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
    let message = with("batches.meta.txt", b"cat\n".to_vec());
    assert!(message.starts_with("cifar-10-batches-bin/batches.meta.txt has only one class, cat;"), "{message}");
    let alone = MemoryFiles::from([("data_batch_1.bin", record(0))]);
    assert_eq!(refused(&alone), "test_batch.bin is missing, though other files of that dataset are there; add it");
    let half = MemoryFiles::from([("test_batch.bin", record(0)), ("batches.meta.txt", vec![])]);
    assert!(refused(&half).starts_with("data_batch_1.bin is missing, though "));
    let mut twice = files();
    twice.insert("old/data_batch_1.bin", record(0));
    let message = "found 2 datasets (cifar-10-batches-bin/data_batch_1.bin, old/data_batch_1.bin); give a folder that holds one of them";
    assert_eq!(refused(&twice), message);
}

/// CIFAR-100's files with two records to train on and one to test on. A record has a coarse label of 0, 7 or 9 in front of the fine one.
fn hundred() -> MemoryFiles {
    let record = |coarse: u8, fine: u8| [vec![coarse], record(fine)].concat();
    MemoryFiles::from([
        ("cifar-100-binary/train.bin", [record(9, 1), record(7, 2), record(0, 0)].concat()),
        ("cifar-100-binary/test.bin", record(7, 2)),
        ("cifar-100-binary/fine_label_names.txt", b"apple\naquarium_fish\nbaby\n".to_vec()),
        ("cifar-100-binary/coarse_label_names.txt", b"aquatic_mammals\nfish\n".to_vec()),
    ])
}

#[test]
fn of_cifar_100_the_fine_labels_are_read() {
    let dataset = opened(&hundred());
    assert_eq!((dataset.channels, dataset.height, dataset.width), (3, 32, 32));
    assert_eq!(dataset.classes, ["apple", "aquarium_fish", "baby"]);
    assert_eq!((&dataset.train.labels[..], &dataset.test.labels[..]), (&[1, 2, 0][..], &[2][..]));
    let sample = dataset.train.sample(1);
    assert_eq!([sample[0], sample[1023], sample[1024], sample[3071]], [2, 2, 100, 200]);
    let unnamed = hundred();
    let unnamed = convoke_data::LeavingOut::new(&unnamed, ["cifar-100-binary/fine_label_names.txt".into()]);
    assert_eq!(opened(&unnamed).classes, ["0", "1", "2"]);
    assert_eq!(opened(&unnamed).train, dataset.train);
}

#[test]
fn bad_files_of_cifar_100_are_refused() {
    let with = |name: &str, bytes: Vec<u8>| {
        let mut files = hundred();
        files.insert(format!("cifar-100-binary/{name}"), bytes);
        refused(&files)
    };
    let message = "cifar-100-binary/test.bin is not a file of CIFAR-100's binary version: it holds 3073 bytes, not a multiple of \
                   3074; fetch it again, or give another folder";
    assert_eq!(with("test.bin", record(1)), message);
    let message = with("test.bin", [vec![0], record(3)].concat());
    assert!(message.contains("has label 3, but the classes are 0 to 2") && message.contains("fine_label_names.txt"));
    let message = "found 2 datasets (cifar-100-binary/data_batch_1.bin, cifar-100-binary/train.bin); give a folder that holds \
                   one of them";
    assert_eq!(with("data_batch_1.bin", record(1)), message);
    let half = hundred();
    let half = convoke_data::LeavingOut::new(&half, ["cifar-100-binary/test.bin".into()]);
    assert!(refused(&half).starts_with("cifar-100-binary/test.bin is missing, though "));
    // A name that says so little is no dataset, and not passed over either.
    let mut pets = crate::folders::many(&["cat", "dog"], 5);
    pets.insert("test.bin", vec![1]);
    assert!(refused(&pets).starts_with("test.bin is a file of CIFAR outside the class folders; "));
}
