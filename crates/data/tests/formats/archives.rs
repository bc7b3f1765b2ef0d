use std::io::{Cursor, Write};

use convoke_data::{Archive, DataError, Files, MemoryFiles};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::folders::{grey, many};
use crate::{opened, refused};

/// The archive of these files.
fn zipped(files: &MemoryFiles, method: CompressionMethod) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(method);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for path in files.paths() {
        if path.ends_with('/') {
            writer.add_directory(path, options).unwrap();
        } else {
            writer.start_file(path.as_str(), options).unwrap();
            writer.write_all(&files.read(&path).unwrap()).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

fn archive(bytes: Vec<u8>) -> Archive<Cursor<Vec<u8>>> {
    Archive::open(Cursor::new(bytes)).unwrap()
}

/// The archive with the name of one entry replaced by another of the same length.
fn renamed(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from)).collect();
    assert_eq!(places.len(), 2, "in the entry's own header and in the list");
    places.iter().for_each(|&at| bytes[at..][..to.len()].copy_from_slice(to));
    bytes
}

/// The archive with bytes of the first entry in the list, `offset` bytes after where it begins, replaced.
fn listed(mut bytes: Vec<u8>, offset: usize, to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap() + offset;
    bytes[at..][..to.len()].copy_from_slice(to);
    bytes
}

/// Where the list's entries have flags, method, and sizes.
const FLAGS: usize = 8;
const METHOD: usize = 10;
const PACKED: usize = 20;
const SIZE: usize = 24;

fn not_opened(bytes: Vec<u8>) -> String {
    let Err(error) = Archive::open(Cursor::new(bytes)) else { panic!("it opens") };
    assert!(matches!(error, DataError::Archive { .. }), "{error:?}");
    let message = error.to_string();
    assert!(!message.contains(char::is_control), "{message}");
    message
}

/// One file of a hundred equal bytes.
fn small() -> Vec<u8> {
    zipped(&MemoryFiles::from([("cat/1.png", vec![7; 100])]), CompressionMethod::Deflated)
}

#[test]
fn what_is_inside_opens_as_if_unpacked() {
    let mut folders = many(&["cat", "dog"], 5);
    folders.insert("notes.txt", b"two".to_vec());
    for files in [folders, crate::idx::files(), crate::cifar::files()] {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let archive = archive(zipped(&files, method));
            assert_eq!(archive.paths(), files.paths());
            assert_eq!(opened(&archive), opened(&files), "{method:?}");
        }
    }
}

#[test]
fn folders_without_files_are_noticed() {
    let mut files = many(&["pets/cat", "pets/dog"], 2);
    for folder in ["pets/", "pets/cat/", "pets/emu/", "pets/fox/red/"] {
        files.insert(folder, vec![]);
    }
    let mut archive = archive(zipped(&files, CompressionMethod::Stored));
    assert_eq!(archive.paths()[4..], ["pets/emu/", "pets/fox/", "pets/fox/red/"]);
    assert_eq!(refused(&archive), "class folder pets/emu holds no pictures; put some in, or remove it");
    archive = self::archive(zipped(&MemoryFiles::default(), CompressionMethod::Stored));
    assert!(refused(&archive).starts_with("no dataset found among 0 files; "));
}

#[test]
fn names_are_made_alike() {
    let paths = |to: &[u8]| archive(renamed(small(), b"cat/1.png", to)).paths();
    assert_eq!(paths(b"cat\\1.png"), ["cat/1.png"]);
    assert_eq!(paths(b"/cat1.png"), ["cat1.png"]);
    assert_eq!(paths(b"./a//.png"), ["a/.png"]);
    assert_eq!(paths(b"\\\\srv\\a.b"), ["srv/a.b"]);
    assert_eq!(paths(b"c\x1b\n/1.png"), ["c\u{FFFD}\u{FFFD}/1.png"]);
    assert_eq!(paths("ça/1.png".as_bytes()), ["ça/1.png"]);
    // Code page 437, as old programs on Windows write it.
    assert_eq!(paths(b"K\x84t/1.png"), ["Kät/1.png"]);
    assert_eq!(archive(renamed(small(), b"cat/1.png", b"cat\\1.png")).read("cat/1.png").unwrap(), [7; 100]);
    assert_eq!(archive(small()).read("dog/1.png").unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_name_added_in_utf8_counts_while_it_is_of_the_same_name() {
    let named = |sum: u32| {
        let field = [&[1][..], &sum.to_le_bytes(), "ża/1.png".as_bytes()].concat();
        let extra = [&[0x75, 0x70, field.len() as u8, 0][..], &field].concat();
        archive(with_extra(small(), &extra)).paths()
    };
    let mut sum = flate2::Crc::new();
    sum.update(b"cat/1.png");
    assert_eq!(named(sum.sum()), ["ża/1.png"]);
    assert_eq!(named(sum.sum() ^ 1), ["cat/1.png"]);
}

#[test]
fn paths_that_lead_out_are_refused() {
    for (name, shown) in [(b"../1.p.ng", "../1.p.ng"), (b"a\\..\\\npng", "a\\..\\\u{FFFD}png")] {
        let message =
            format!("the archive holds {shown}, which lies outside of it; make it again from within the folder");
        assert_eq!(not_opened(renamed(small(), b"cat/1.png", name)), message);
    }
    let deep = MemoryFiles::from([("a/".repeat(32) + "x", vec![])]);
    let message = not_opened(zipped(&deep, CompressionMethod::Stored));
    assert!(message.contains("a path of more than 4096 bytes or 32 parts; make it again with shorter"), "{message}");
    let long = MemoryFiles::from([("a".repeat(5000), vec![])]);
    let message = not_opened(zipped(&long, CompressionMethod::Stored));
    assert!(message.len() < 400 && message.contains("a…, a path of"), "{message}");
}

#[test]
fn of_two_entries_of_one_name_the_later_counts() {
    let files = MemoryFiles::from([("cat/1.png", vec![1]), ("cat/2.png", vec![2])]);
    let bytes = zipped(&files, CompressionMethod::Stored);
    let twice = archive(renamed(bytes.clone(), b"cat/2.png", b"cat/1.png"));
    assert_eq!((twice.paths(), twice.read("cat/1.png").unwrap()), (vec!["cat/1.png".to_string()], vec![2]));
    let message = "the archive holds two files that are both called cat/1.png; unpack it, rename one of them, and make the \
                   archive again";
    assert_eq!(not_opened(renamed(bytes, b"cat/2.png", b"cat\\1.png")), message);
}

#[test]
fn what_can_not_be_unpacked_is_refused() {
    let message = "cat/1.png is encrypted; make the archive again without a password";
    assert_eq!(not_opened(listed(small(), FLAGS, &[1, 0])), message);
    let message = "cat/1.png is compressed by method 12 (bzip2), not stored or deflated; make the archive again with the usual \
                   method, deflate";
    assert_eq!(not_opened(listed(small(), METHOD, &[12, 0])), message);
    let message = not_opened(b"GIF89a".repeat(30));
    assert!(message.starts_with("it can't be read as a zip archive: "), "{message}");
    assert!(message.ends_with("; fetch or make it again"), "{message}");
}

#[test]
fn links_are_not_followed() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("cat/1.png", "../dog/1.png", SimpleFileOptions::default()).unwrap();
    let linked = archive(writer.finish().unwrap().into_inner());
    let message = "it is a link to another file; make the archive again with the file itself";
    assert_eq!(linked.read("cat/1.png").unwrap_err().to_string(), message);
}

#[test]
fn more_than_an_archive_can_hold_is_refused() {
    let announced = |size: u32| listed(small(), SIZE, &size.to_le_bytes());
    let length = small().len();
    assert_eq!(
        not_opened(announced(65 << 20)),
        format!(
            "the archive has {length} bytes, and its files more than 200 times as many; if you trust it, unpack it and give the \
             folder"
        )
    );
    assert_eq!(
        not_opened(with_wide_size(5 << 30)),
        "cat/1.png takes 5368709120 bytes, more than the 4294967296 that are allowed; take it out of the archive"
    );
    assert_eq!(archive(with_wide_size(100)).read("cat/1.png").unwrap(), [7; 100]);
}

/// `small`, its size in the field of 64 bits that APPNOTE 4.5.3 describes.
fn with_wide_size(size: u64) -> Vec<u8> {
    with_extra(listed(small(), SIZE, &[0xFF; 4]), &[&[1, 0, 8, 0][..], &size.to_le_bytes()].concat())
}

/// An archive of one file with extra fields in its list.
fn with_extra(mut bytes: Vec<u8>, extra: &[u8]) -> Vec<u8> {
    let begin = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let end = bytes.windows(4).position(|window| window == b"PK\x05\x06").unwrap();
    assert_eq!(bytes[begin + 30], 0, "no extra fields so far");
    bytes[begin + 30] = extra.len() as u8;
    bytes[end + 12] += extra.len() as u8;
    bytes.splice(end..end, extra.iter().copied());
    bytes
}

#[test]
fn sizes_that_lie_are_found_out() {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bytes = zipped(&MemoryFiles::from([("cat/1.png", vec![7; 100])]), method);
        for size in [0u32, 99, 101, 60 << 20] {
            let lying = archive(listed(bytes.clone(), SIZE, &size.to_le_bytes()));
            let message = lying.read("cat/1.png").expect_err("a lie").to_string();
            assert!(message.starts_with("its data in the archive is damaged ("), "{size}: {message}");
            assert!(message.ends_with("); fetch or make the archive again"), "{size}: {message}");
        }
        let packed = archive(listed(bytes, PACKED, &1u32.to_le_bytes()));
        assert!(packed.read("cat/1.png").is_err());
    }
}

#[test]
fn whatever_is_cut_is_refused() {
    let bytes = zipped(&many(&["cat", "dog"], 2), CompressionMethod::Deflated);
    for cut in 0..bytes.len() {
        not_opened(bytes[..cut].to_vec());
    }
}

#[test]
fn damaged_data_is_found_out() {
    let file = grey(3);
    let bytes = zipped(&MemoryFiles::from([("cat/1.png", file.clone())]), CompressionMethod::Stored);
    let at = bytes.windows(file.len()).position(|window| window == file).unwrap();
    for offset in 0..file.len() {
        let mut damaged = bytes.clone();
        damaged[at + offset] ^= 0x10;
        assert!(archive(damaged).read("cat/1.png").is_err(), "{offset}");
    }
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..4)) {
        let mut bytes = zipped(&many(&["cat", "dog"], 2), CompressionMethod::Deflated);
        for (at, byte) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(archive) = Archive::open(Cursor::new(bytes)) {
            for path in archive.paths() {
                let _ = archive.read(&path);
            }
        }
    }
}
