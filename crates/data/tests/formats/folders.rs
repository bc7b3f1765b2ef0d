use convoke_data::{DataError, Files, LeavingOut, MemoryFiles, Options, open};
use image::{GrayImage, ImageFormat, Luma, Rgb, RgbImage};

use crate::pictures::encode;
use crate::{names, opened, refused};

pub fn grey(value: u8) -> Vec<u8> {
    encode(GrayImage::from_pixel(2, 2, Luma([value])), ImageFormat::Png)
}

fn colour(value: [u8; 3]) -> Vec<u8> {
    encode(RgbImage::from_pixel(2, 2, Rgb(value)), ImageFormat::Png)
}

/// Grey pictures with these paths; each is of the grey that its position says.
fn pictures(paths: &[&str]) -> MemoryFiles {
    MemoryFiles::from(paths.iter().enumerate().map(|(i, path)| (*path, grey(i as u8))))
}

pub fn many(classes: &[&str], each: usize) -> MemoryFiles {
    let paths = classes.iter().flat_map(|class| (0..each).map(move |i| format!("{class}/{i}.png")));
    MemoryFiles::from(paths.enumerate().map(|(i, path)| (path, grey(i as u8))))
}

#[test]
fn given_sides_are_kept() {
    let files = pictures(&["test/cat/1.png", "train/cat/deep/2.PNG", "train/cat/3.png", "train/dog/4", "README.md"]);
    let dataset = opened(&files);
    assert_eq!(names(&dataset), ["cat", "dog"]);
    assert_eq!((&dataset.train.labels[..], &dataset.test.labels[..]), (&[0, 0, 1][..], &[0][..]));
    assert_eq!(dataset.train.pixels, [2, 2, 2, 2, 1, 1, 1, 1, 3, 3, 3, 3]);
    assert_eq!(dataset.test.pixels, [0; 4]);
    for name in ["val", "validation", "Test"] {
        let paths = files.paths().into_iter().map(|path| (path.replace("test", name), files.read(&path).unwrap()));
        assert_eq!(opened(&MemoryFiles::from(paths)), dataset, "{name}");
    }
}

#[test]
fn outer_folders_do_not_matter() {
    let files = many(&["cat", "dog"], 20);
    let inner = opened(&files);
    for outer in ["flowers", "a/b", "train"] {
        let paths = files.paths().into_iter().map(|path| (format!("{outer}/{path}"), files.read(&path).unwrap()));
        let mut moved = MemoryFiles::from(paths);
        moved.insert("LICENSE", vec![]);
        assert_eq!(opened(&moved), inner, "{outer}");
    }
}

#[test]
fn a_grey_set_has_one_channel_and_colour_makes_it_three() {
    let mut files = pictures(&["train/a/1.png", "train/a/2.png", "train/b/1.png", "test/a/1.png"]);
    assert_eq!(opened(&files).channels, 1);
    files.insert("train/a/2.png", colour([7, 8, 9]));
    let dataset = opened(&files);
    assert_eq!(dataset.channels, 3);
    let expected = [vec![0; 12], vec![7; 4], vec![8; 4], vec![9; 4], vec![2; 12]].concat();
    assert_eq!(dataset.train.pixels, expected);
    assert_eq!(dataset.test.pixels, [3; 12]);
    let options = Options { channels: Some(1), ..Options::default() };
    let dataset = open(&files, &options, &mut |_, _| {}).unwrap();
    assert_eq!((dataset.channels, dataset.train.sample(1)), (1, &[8; 4][..]));
    // The only colour is in the very last picture to be read.
    files.insert("train/a/2.png", grey(1));
    files.insert("test/a/1.png", colour([7, 8, 9]));
    let dataset = opened(&files);
    assert_eq!((dataset.channels, dataset.train.sample(2), dataset.train.len()), (3, &[2; 12][..], 3));
}

#[test]
fn the_first_picture_to_train_on_sets_the_size() {
    let mut files = pictures(&["train/a/1.png", "train/b/1.png", "test/a/1.png"]);
    files.insert("train/b/1.png", encode(GrayImage::from_pixel(9, 5, Luma([77])), ImageFormat::Png));
    let dataset = opened(&files);
    assert_eq!((dataset.height, dataset.width, dataset.train.sample(1)), (2, 2, &[77; 4][..]));
    let options = Options { size: Some([1, 3]), ..Options::default() };
    let dataset = open(&files, &options, &mut |_, _| {}).unwrap();
    assert_eq!((dataset.height, dataset.width, dataset.test.sample(0)), (1, 3, &[2; 3][..]));
}

/// The greys of the pictures on each side tell which they are.
fn sides(files: &MemoryFiles, seed: u64) -> [Vec<u8>; 2] {
    let options = Options { seed, ..Options::default() };
    let dataset = open(files, &options, &mut |_, _| {}).unwrap();
    [dataset.train, dataset.test].map(|samples| samples.pixels.iter().copied().step_by(4).collect())
}

#[test]
fn each_class_gives_a_fifth() {
    let mut files = many(&["cat", "dog"], 10);
    (0..4).for_each(|i| files.insert(format!("ant/{i}.png"), grey(200)));
    files.insert("emu/1.png", grey(201));
    for seed in 0..50 {
        let dataset = open(&files, &Options { seed, ..Options::default() }, &mut |_, _| {}).unwrap();
        let count = |labels: &[u32], class| labels.iter().filter(|&&label| label == class).count();
        assert_eq!(names(&dataset), ["ant", "cat", "dog", "emu"]);
        assert_eq!([0, 1, 2, 3].map(|class| count(&dataset.test.labels, class)), [1, 2, 2, 0], "seed {seed}");
        assert_eq!([0, 1, 2, 3].map(|class| count(&dataset.train.labels, class)), [3, 8, 8, 1], "seed {seed}");
    }
}

#[test]
fn pictures_keep_their_sides_but_near_the_border() {
    let few = many(&["cat", "dog"], 60);
    let [train, test] = sides(&few, 0);
    assert_eq!((train.len(), test.len()), (96, 24));
    assert_eq!(sides(&few, 0), [train.clone(), test.clone()]);
    assert_ne!(sides(&few, 1)[1], test);
    let mut more = few.clone();
    // Another class changes nothing for these two.
    (0..40).for_each(|i| more.insert(format!("ant/{i}.png"), grey(200)));
    let old = |files: &MemoryFiles| {
        sides(files, 0).map(|side| side.into_iter().filter(|&grey| grey != 200).collect::<Vec<u8>>())
    };
    assert_eq!(old(&more), [train, test.clone()]);
    // Others of their own class may be drawn lower, and few change sides.
    (0..20).for_each(|i| more.insert(format!("cat/more-{i}.png"), grey(200)));
    let [_, test_of_more] = old(&more);
    let stayed = test.iter().filter(|picture| test_of_more.contains(picture)).count();
    assert!(stayed >= 20, "{stayed} of 24 still test");
}

#[test]
fn every_class_keeps_a_picture_to_train_on() {
    for seed in 0..50 {
        let files = pictures(&["a/1.png", "b/1.png", "b/2.png", "c/1.png", "c/2.png"]);
        let options = Options { seed, test_fraction: 0.9, ..Options::default() };
        let dataset = open(&files, &options, &mut |_, _| {}).unwrap();
        assert_eq!((&dataset.train.labels[..], &dataset.test.labels[..]), (&[0, 1, 2][..], &[1, 2][..]), "seed {seed}");
    }
}

#[test]
fn hidden_files_are_passed_over() {
    let mut files = many(&["cat", "dog"], 5);
    let plain = opened(&files);
    for path in [".DS_Store", "cat/.DS_Store", "cat/Thumbs.db", ".git/x/y.png", "__MACOSX/cat/._1.png"] {
        files.insert(path, vec![1, 2, 3]);
    }
    assert_eq!(opened(&files), plain);
    files.insert("emu/.DS_Store", vec![]);
    assert_eq!(refused(&files), "class folder emu holds no pictures; put some in, or remove it");
}

#[test]
fn unreadable_pictures_are_all_named() {
    let mut files = many(&["cat", "dog"], 5);
    files.insert("dog/notes.txt", b"nice dog".to_vec());
    let message = "dog/notes.txt can't be decoded: it is not a PNG, JPEG or WebP picture; repair, convert or remove it";
    assert_eq!(refused(&files), message);
    let whole = grey(1);
    files.insert("cat/1.png", whole[..whole.len() - 20].to_vec());
    let message = refused(&files);
    assert!(message.contains("cat/1.png can't be decoded: ") && message.ends_with("; repair, convert or remove them"));
    for i in 10..20 {
        files.insert(format!("cat/{i}.png"), vec![]);
    }
    let message = refused(&files);
    assert!(message.ends_with("; and 7 more; repair, convert or remove them"), "{message}");
}

/// `files` without those that can't be read, or are no part of the dataset.
pub fn readable(files: &MemoryFiles) -> LeavingOut<'_> {
    let error = open(files, &Options::default(), &mut |_, _| {}).unwrap_err();
    let (DataError::Unreadable { files: named } | DataError::Unused { files: named, .. }) = error else {
        panic!("{error}")
    };
    LeavingOut::new(files, named.into_iter().map(|file| file.path))
}

#[test]
fn unreadable_pictures_can_be_left_out() {
    let sound = many(&["pets/cat", "pets/dog"], 10);
    let mut files = sound.clone();
    for path in ["pets/cat/bad.png", "pets/dog/sub/bad.jpg", "pets/dog/notes.txt"] {
        files.insert(path, vec![1, 2, 3]);
    }
    let left = readable(&files);
    assert_eq!(opened(&left), opened(&sound));
    assert_eq!(left.read("pets/dog/notes.txt").unwrap_err().kind(), std::io::ErrorKind::NotFound);
    assert_eq!(left.read("pets/dog/1.png").unwrap(), sound.read("pets/dog/1.png").unwrap());
}

#[test]
fn a_class_that_is_left_out_as_a_whole_is_noticed() {
    let mut files = many(&["pets/cat", "pets/dog"], 10);
    files.insert("pets/emu/old/bad.png", vec![1, 2, 3]);
    let left = readable(&files);
    assert_eq!(left.paths()[20..], ["pets/emu/", "pets/emu/old/"]);
    assert_eq!(refused(&left), "class folder pets/emu holds no pictures; put some in, or remove it");
    let nothing = LeavingOut::new(&files, files.paths());
    assert_eq!(refused(&nothing), "class folder pets/cat holds no pictures; put some in, or remove it");
}

#[test]
fn progress_counts_every_picture() {
    let mut last = (0, 0);
    open(&many(&["cat", "dog"], 5), &Options::default(), &mut |done, total| {
        assert_eq!((done, total), (last.0 + 1, 10));
        last = (done, total);
    })
    .unwrap();
    assert_eq!(last, (10, 10));
}

#[test]
fn empty_folders_are_refused() {
    let empty = |path: &str, mut files: MemoryFiles| {
        files.insert(path, vec![]);
        refused(&files)
    };
    let advice = "holds no pictures; put some in, or remove it";
    assert_eq!(empty("emu/", many(&["cat", "dog"], 2)), format!("class folder emu {advice}"));
    assert_eq!(empty("set/emu/", many(&["set/cat", "set/dog"], 2)), format!("class folder set/emu {advice}"));
    let given = || pictures(&["train/a/1.png", "train/b/1.png", "test/a/1.png"]);
    assert_eq!(empty("test/b/", given()), format!("class folder test/b {advice}"));
    assert_eq!(empty("train/c/", given()), format!("class folder train/c {advice}"));
    let test_only = pictures(&["train/a/1.png", "train/b/1.png", "test/c/1.png"]);
    assert_eq!(refused(&test_only), format!("class folder train/c {advice}"));
    let message = "there are no pictures to test on in test; add some";
    assert_eq!(empty("test/", pictures(&["train/a/1.png", "train/b/1.png"])), message);
    let files = MemoryFiles::from([("cat/", vec![]), ("dog/", vec![])]);
    assert_eq!(refused(&files), format!("class folder cat {advice}"));
}

#[test]
fn what_is_no_dataset_is_refused() {
    let advice = "give a folder of class folders of pictures (cats/1.jpg, dogs/2.png), the four IDX files of the MNIST \
                  family, or CIFAR-10's or CIFAR-100's binary version";
    assert_eq!(refused(&MemoryFiles::default()), format!("no dataset found among 0 files; {advice}"));
    let source = MemoryFiles::from([("src/main.rs", vec![]), ("Cargo.toml", vec![]), ("docs/a.md", vec![])]);
    assert_eq!(refused(&source), format!("no dataset found among 3 files such as Cargo.toml; {advice}"));
    let flat = pictures(&["1.png", "2.png"]);
    assert_eq!(refused(&flat), format!("no dataset found among 2 files such as 1.png; {advice}"));
}

#[test]
fn unclear_folders_are_refused() {
    let message = refused(&many(&["cat"], 3));
    assert!(message.starts_with("only one class found, cat; "), "{message}");
    assert_eq!(
        refused(&pictures(&["a/1.png", "b/1.png"])),
        "there are no pictures to test on, since each class has only one; add some"
    );
    let stray = |paths: &[&str]| refused(&pictures(paths));
    let advice = "is a picture outside the class folders; move it into one, or out of the dataset";
    assert_eq!(stray(&["a/1.png", "b/1.png", "c.jpg"]), format!("c.jpg {advice}"));
    assert_eq!(stray(&["train/a/1.png", "train/b/1.png", "test/1.png"]), format!("test/1.png {advice}"));
    assert_eq!(stray(&["train/a/1.png", "test/a/1.png", "extra/a/1.png"]), format!("extra/a/1.png {advice}"));
    assert_eq!(
        stray(&["x/a/1.png", "x/b/1.png", "c.jpg", "d.gif"]),
        "c.jpg is a picture outside the class folders; d.gif is a picture outside the class folders; move them into one, \
         or out of the dataset"
    );
    assert_eq!(
        stray(&["x/train/a/1.png", "x/test/a/1.png", "x/val/a/1.png"]),
        "there are x/test and x/val, of which only one can be used; move the others out of the dataset"
    );
}

#[test]
fn options_out_of_range_are_refused() {
    let files = many(&["cat", "dog"], 2);
    let refused = |options: Options| open(&files, &options, &mut |_, _| {}).unwrap_err().to_string();
    let default = Options::default;
    for (fraction, text) in [(0.0, "0"), (1.0, "1"), (f64::NAN, "NaN"), (-0.1, "-0.1")] {
        let message = refused(Options { test_fraction: fraction, ..default() });
        assert_eq!(message, format!("test fraction is {text}, but must be above 0 and below 1"));
    }
    let message = "picture size is 0×5, but must be 1 to 20000 a side";
    assert_eq!(refused(Options { size: Some([0, 5]), ..default() }), message);
    let message = "number of channels is 4, but must be 1 or 3 for a model of pictures";
    assert_eq!(refused(Options { channels: Some(4), ..default() }), message);
    let message =
        "4 pictures of 1×2×2 take 16 bytes, more than 15 allowed; 3 of them fit: use fewer, or a smaller size";
    assert_eq!(refused(Options { max_bytes: 15, ..default() }), message);
}
