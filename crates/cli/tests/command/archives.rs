//! Pictures in a zip file.

use crate::setting::{Setting, idx_images, idx_labels, png};

/// A zip archive of these files, stored as they are (PKWARE's APPNOTE, 4.3).
fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut list) = (Vec::new(), Vec::new());
    for (name, data) in files {
        let offset = bytes.len() as u32;
        let length = (data.len() as u32).to_le_bytes();
        // Version, flags, method, time and date.
        let start = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let entry = [&start[..], &crc32(data).to_le_bytes(), &length, &length, &[name.len() as u8, 0, 0, 0]].concat();
        bytes.extend([&b"PK\x03\x04"[..], &entry, name.as_bytes(), data].concat());
        list.extend([&b"PK\x01\x02\x14\0"[..], &entry, &[0; 10], &offset.to_le_bytes(), name.as_bytes()].concat());
    }
    let (count, offset) = ((files.len() as u16).to_le_bytes(), bytes.len() as u32);
    let sizes = [list.len() as u32, offset].map(u32::to_le_bytes).concat();
    [&bytes[..], &list, b"PK\x05\x06\0\0\0\0", &count, &count, &sizes, &[0, 0]].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), bit))
}

/// Class folders of 36 pictures.
fn pictures() -> Vec<(String, Vec<u8>)> {
    (0..36).map(|i| (format!("pets/{}/{i}.png", ["bar", "column", "diagonal"][i % 3]), png(i))).collect()
}

#[test]
fn a_zip_file_trains_as_its_folder_does() {
    let setting = Setting::new();
    pictures().iter().for_each(|(path, picture)| setting.write(path, picture));
    setting.write("pets.ZIP", &zipped(&pictures()));
    let train = |data: &str, out: &str| {
        let arguments = format!("train small.toml --data {data} --device cpu --epochs 2 --batch-size 8 --out {out}");
        setting.run(&arguments).good();
        setting.losses(out)
    };
    let losses = train("pets.ZIP", "from-zip");
    assert_eq!(losses, train("pets", "from-folder"));

    let evaluated = |data: &str| {
        let arguments = format!("eval --checkpoint from-zip/model.safetensors --data {data} --device cpu --json");
        setting.run(&arguments).good().json()["accuracy"].clone()
    };
    assert!(evaluated("pets").is_number());
    assert_eq!(evaluated("pets"), evaluated("pets.ZIP"));

    setting.run("train --resume from-zip --epochs 3").good();
    assert_eq!(setting.losses("from-zip")[..losses.len()], losses);
    assert!(setting.losses("from-zip").len() > losses.len());
}

#[test]
fn idx_files_are_found_in_a_zip_file() {
    let setting = Setting::new();
    let file = |name: &str, bytes: Vec<u8>| (name.to_string(), bytes);
    let files = [
        file("train-images-idx3-ubyte", idx_images(96)),
        file("train-labels-idx1-ubyte", idx_labels(96)),
        file("t10k-images-idx3-ubyte", idx_images(30)),
        file("t10k-labels-idx1-ubyte", idx_labels(30)),
    ];
    setting.write("digits.zip", &zipped(&files));
    setting.run("train small.toml --data digits.zip --device cpu --max-steps 3 --out run").good();
    setting.train("--max-steps 3 --out plain").good();
    assert_eq!(setting.losses("run"), setting.losses("plain"));
}

#[test]
fn wrong_zip_files_are_refused() {
    let setting = Setting::new();
    let refused = |data: &str, code: i32, parts: &[&str]| {
        let arguments = format!("train small.toml --data {data} --device cpu --out out");
        setting.run(&arguments).wrong(code, &[&[data], parts].concat());
        assert!(!setting.path("out").exists(), "{data}: something was written");
    };
    refused("none.zip", 2, &["there is no such file", "fashion-mnist-mini"]);
    let whole = zipped(&pictures());
    setting.write("cut.zip", &whole[..whole.len() - 30]);
    refused("cut.zip", 1, &["can't be read as a zip archive", "fetch or make it again"]);
    let mut damaged = whole;
    damaged[100] ^= 1;
    setting.write("damaged.zip", &damaged);
    refused("damaged.zip", 1, &["pets/bar/0.png", "data in the archive is damaged"]);
    setting.write("pets.tar", &zipped(&pictures()));
    refused("pets.tar", 2, &["it is an archive that can't be read as it is: unpack it and give the folder"]);
    setting.write("packed/pets.tar.gz", &[1, 2, 3]);
    refused(
        "packed",
        1,
        &["no dataset found among 1 file such as pets.tar.gz; unpack pets.tar.gz and give the folder"],
    );
    pictures().iter().for_each(|(path, picture)| setting.write(&format!("mixed/{path}"), picture));
    setting.write("mixed/mac.zip", &zipped(&pictures()));
    refused(
        "mixed",
        1,
        &["mac.zip is an archive outside the class folders; move it into one, unpacked, or out of the dataset"],
    );
}
