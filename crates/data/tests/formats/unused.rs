//! What looks like data, and is no part of the dataset.

use convoke_data::{Files, MemoryFiles};

use crate::folders::{grey, many, readable};
use crate::{opened, refused};

#[test]
fn what_looks_like_data_is_not_passed_over() {
    let sound = many(&["pets/cat", "pets/dog"], 10);
    let with = |names: &[&str]| {
        let mut files = sound.clone();
        names.iter().for_each(|name| files.insert(*name, vec![1, 2, 3]));
        files
    };
    let quiet = ["README.md", "labels.csv", "notes.txt", "info.json", ".DS_Store", "Thumbs.db", "__MACOSX/pets.zip"];
    assert_eq!(opened(&with(&quiet)), opened(&sound));
    let message = "mac.zip is an archive outside the class folders; move it into one, unpacked, or out of the dataset";
    assert_eq!(refused(&with(&["mac.zip"])), message);
    assert_eq!(opened(&readable(&with(&["mac.zip", "old.tar.gz", "stray.jpg"]))), opened(&sound));
    let message = "old-ubyte is an IDX file outside the class folders; test_batch.bin is a file of CIFAR outside the class \
                   folders; move them out of the dataset, or give a folder that holds only what you want";
    assert_eq!(refused(&with(&["test_batch.bin", "old-ubyte"])), message);
    // Within a class it can't be read as the picture that it should be.
    assert!(refused(&with(&["pets/cat/mac.zip"])).starts_with("pets/cat/mac.zip can't be decoded: "));
}

#[test]
fn pictures_beside_idx_files_or_batches_are_not_passed_over() {
    for (sound, place) in [(crate::idx::files(), "the IDX files"), (crate::cifar::files(), "CIFAR's batches")] {
        let mut files = sound.clone();
        files.insert("notes.txt", vec![]);
        assert_eq!(opened(&files), opened(&sound));
        files.insert("cats/1.png", grey(1));
        let advice = "move it out of the dataset, or give a folder that holds only what you want";
        assert_eq!(refused(&files), format!("cats/1.png is a picture beside {place}; {advice}"));
        files.insert("more.zip", vec![]);
        let message = refused(&files);
        assert!(message.contains(&format!("more.zip is an archive beside {place}; move them out")), "{message}");
        assert_eq!(opened(&readable(&files)), opened(&sound));
    }
    let mut both = crate::idx::files();
    let batches = crate::cifar::files();
    batches.paths().into_iter().for_each(|path| both.insert(&*path, batches.read(&path).unwrap()));
    let message = refused(&both);
    assert!(message.contains("data_batch_1.bin is a file of CIFAR beside the IDX files; "), "{message}");
}

#[test]
fn archives_say_how_they_are_opened() {
    let said = |names: &[&str]| refused(&MemoryFiles::from(names.iter().map(|name| (*name, vec![]))));
    let unpack = "unpack cifar-10-binary.tar.gz and give the folder that it holds: of archives only zip files are read, \
                  one at a time";
    assert_eq!(
        said(&["cifar-10-binary.tar.gz"]),
        format!("no dataset found among 1 file such as cifar-10-binary.tar.gz; {unpack}")
    );
    assert!(said(&["a.zip", "cifar-10-binary.tar.gz"]).ends_with(unpack));
    for name in ["pets.tar", "pets.tgz", "pets.7z", "pets.rar", "pets.tar.xz"] {
        assert!(said(&[name]).contains(&format!("; unpack {name} and give the folder")), "{name}");
    }
    assert_eq!(
        said(&["a.zip", "b.ZIP", "notes.txt"]),
        "no dataset found among 3 files such as a.zip; archives are opened one at a time: give a.zip itself, or unpack them \
         and give the folder that has it all"
    );
    assert!(
        said(&["sets/a.zip"]).ends_with("; give sets/a.zip itself, or unpack it and give the folder that it holds")
    );
    let python = said(&["cifar-10-batches-py/data_batch_1", "cifar-10-batches-py/test_batch", "x.tar.gz"]);
    assert!(python.ends_with("for Python or Matlab, which is not read: fetch the binary version"), "{python}");
}
