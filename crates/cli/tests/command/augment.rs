//! `train --augment` and `--show-augmented`.

use crate::setting::{SIDE, Setting};

#[test]
fn a_sheet_shows_pictures_as_they_are_and_changed_and_nothing_is_trained() {
    let setting = Setting::new();
    let ran =
        setting.run("train small.toml --data data --augment crop=2,rotate,mixup --show-augmented sheet.png").good();
    assert!(ran.stdout.contains("sheet.png"), "{}", ran.stdout);
    let sheet = image::open(setting.path("sheet.png")).unwrap().into_rgb8();
    let square = 12 * SIDE as u32 + 4;
    assert_eq!(sheet.dimensions(), (10 * square + 4, 8 * square + 4));
    assert!(!setting.path("runs").exists());
    // Without augmentation all columns are the first.
    setting.run("train small.toml --data data --show-augmented plain.png").good();
    let plain = image::open(setting.path("plain.png")).unwrap().into_rgb8();
    for row in 0..plain.height() {
        assert!((4..square).all(|c| plain.get_pixel(c, row) == plain.get_pixel(c + square, row)));
    }
    assert!(
        (0..sheet.height()).any(|row| (4..square).any(|c| sheet.get_pixel(c, row) != sheet.get_pixel(c + square, row)))
    );
}

#[test]
fn a_run_keeps_its_augmentation() {
    let setting = Setting::new();
    let arguments = "train small.toml --data data --device cpu --augment flip,crop=1,cutmix --max-steps 3 --out run";
    let first = setting.run(arguments).good().stdout;
    assert!(first.contains("crop=1,flip=0.5,cutmix=1"), "{first}");
    let resumed = setting.run("train --resume run --max-steps 5").good().stdout;
    assert!(resumed.contains("crop=1,flip=0.5,cutmix=1") && resumed.contains("goes on after step 3 of 5"), "{resumed}");
}

#[test]
fn what_is_wrong_with_an_augmentation_is_told() {
    let setting = Setting::new();
    let refused = |how: &str, parts: &[&str]| {
        setting.run(&format!("train small.toml --data data --device cpu --out out --augment {how}")).wrong(2, parts);
        assert!(!setting.path("out").exists(), "{how}");
    };
    refused("filp", &["no augmentation \"filp\"", "the nearest is \"flip\""]);
    refused("rotate=200", &["rotate is \"200\"", "from 0 to 180", "such as 10"]);
    refused("crop=9", &["crop=9 is larger than a picture of 8×8 pixels", "from 0 to 8"]);
}
