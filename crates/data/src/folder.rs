//! Class folders: pictures in folders that are named for what they show.

use std::collections::{BTreeMap, BTreeSet};

use crate::builder::{Builder, Side};
use crate::dataset::Dataset;
use crate::error::{DataError, Unreadable};
use crate::files::distinct;
use crate::kind::{Kind, nothing_found, refuse_unused};
use crate::open::{Options, Progress};
use crate::picture::{Picture, decode};
use crate::shelf::Shelf;
use crate::split;
use crate::turns::{Turns, take_turn};

/// Classes by name.
type Classes<'a> = BTreeMap<&'a str, Class<'a>>;

/// A class folder and the pictures in it, at any depth. Paths begin below the folder that all have in common.
struct Class<'a> {
    folder: &'a str,
    pictures: Vec<&'a str>,
}

/// A picture to be read.
struct Entry {
    path: String,
    label: u32,
    side: Side,
}

/// Decodes some of the files, given by their paths, in their order: calls the function that it is given, on any thread, with the bytes and the path
/// of each.
pub type DecodeAll<'a> = &'a mut dyn FnMut(&[&str], &DecodeOne) -> Vec<Result<Picture, DataError>>;

/// Gives a place to put pixels, once for those to train and once for those to test on.
pub type Shelves<'a> = &'a mut dyn FnMut() -> Box<dyn Shelf>;

/// Makes a picture as a dataset takes it of a file's bytes; the path is for messages.
pub type DecodeOne<'a> = dyn Fn(&[u8], &str) -> Result<Picture, DataError> + Sync + 'a;

/// Reads the pictures, in the order of classes and paths, so many at a time.
pub async fn open(
    paths: &[String],
    options: &Options,
    progress: Progress<'_>,
    (together, decode_all): (usize, DecodeAll<'_>),
    shelves: Shelves<'_>,
    turns: Turns<'_>,
) -> Result<Dataset, DataError> {
    let (classes, entries) = plan(paths, options)?;
    let test = entries.iter().filter(|entry| entry.side == Side::Test).count();
    let counts = [entries.len() - test, test];
    let mut builder = Builder::onto([shelves(), shelves()], options, counts, progress);
    let mut unreadable = Vec::new();
    // Those to train on first, since the first picture sets the size where none is asked for.
    for side in [Side::Train, Side::Test] {
        let entries: Vec<&Entry> = entries.iter().filter(|entry| entry.side == side).collect();
        for some in entries.chunks(together) {
            let paths: Vec<&str> = some.iter().map(|entry| &*entry.path).collect();
            let pictures = decode_all(&paths, &|bytes, path| Ok(prepare(decode(bytes, path)?, options)));
            assert_eq!(pictures.len(), some.len(), "as many pictures as paths");
            for (entry, picture) in some.iter().zip(pictures) {
                match picture {
                    Ok(picture) if unreadable.is_empty() => builder.push(side, picture, entry.label)?,
                    Ok(_) => builder.tick(),
                    Err(error) => {
                        unreadable.push(Unreadable { path: entry.path.clone(), reason: error.to_string() });
                        builder.tick();
                    }
                }
            }
            take_turn(turns).await;
        }
    }
    if !unreadable.is_empty() {
        return Err(DataError::Unreadable { files: unreadable });
    }
    builder.finish(classes)
}

/// A picture in the wanted size and the wanted colour, as far as that is known of all pictures alike.
fn prepare(picture: Picture, options: &Options) -> Picture {
    let picture = if options.channels == Some(1) { picture.into_channels(1) } else { picture };
    match options.size {
        Some([height, width]) => picture.resize(height, width),
        None => picture,
    }
}

/// Which classes there are, and which pictures of which, to train or to test on.
fn plan(paths: &[String], options: &Options) -> Result<(Vec<String>, Vec<Entry>), DataError> {
    let root = common_folder(paths);
    let below: Vec<&str> = paths.iter().filter_map(|path| path.strip_prefix(root)).collect();
    let top: BTreeSet<&str> = distinct(below.iter().filter_map(|path| Some(path.split_once('/')?.0)));
    let files: Vec<&str> = paths.iter().map(String::as_str).filter(|path| !path.ends_with('/')).collect();
    if top.is_empty() || !files.is_empty() && !files.iter().any(|path| Kind::of(path) == Some(Kind::Picture)) {
        return Err(nothing_found(&files));
    }
    let sides = sides(&top, root)?;
    let in_class = |path: &str| {
        let rest = path.strip_prefix(root).unwrap_or_default();
        let Some((folder, rest)) = rest.split_once('/') else { return false };
        sides.is_none_or(|sides| sides.contains(&folder) && rest.contains('/'))
    };
    refuse_unused(paths, &in_class, "outside the class folders", Some("one"))?;
    match sides {
        Some(folders) => plan_given(&below, root, folders),
        None => plan_drawn(by_class(&below, ""), root, options),
    }
}

/// Classes from folders within `train` and `test`.
fn plan_given(below: &[&str], root: &str, folders: [&str; 2]) -> Result<(Vec<String>, Vec<Entry>), DataError> {
    let [train, test] = folders.map(|folder| by_class(below, &format!("{folder}/")));
    check_classes(&train, root)?;
    check_filled(&test, root)?;
    if test.is_empty() {
        return Err(DataError::Empty { purpose: format!("to test on in {root}{}", folders[1]) });
    }
    if let Some(class) = test.keys().find(|class| !train.contains_key(*class)) {
        return Err(DataError::EmptyClass { folder: format!("{root}{}/{class}", folders[0]) });
    }
    let mut entries = Vec::new();
    for (side, classes) in [(Side::Train, &train), (Side::Test, &test)] {
        for (label, class) in train.keys().enumerate() {
            let pictures = classes.get(class).into_iter().flat_map(|class| &class.pictures);
            entries.extend(pictures.map(|path| Entry { path: format!("{root}{path}"), label: label as u32, side }));
        }
    }
    Ok((train.keys().map(|class| class.to_string()).collect(), entries))
}

/// Classes from folders, and sides by draw.
fn plan_drawn(classes: Classes, root: &str, options: &Options) -> Result<(Vec<String>, Vec<Entry>), DataError> {
    check_classes(&classes, root)?;
    let labelled = (0..).zip(classes.values());
    let pictures: Vec<(&str, u32)> =
        labelled.flat_map(|(label, class)| class.pictures.iter().map(move |&path| (path, label))).collect();
    let test = split::sides(pictures.iter().copied(), options)?;
    let entry = |((path, label), test)| {
        let side = if test { Side::Test } else { Side::Train };
        Entry { path: format!("{root}{path}"), label, side }
    };
    let entries = pictures.into_iter().zip(test).map(entry).collect();
    Ok((classes.keys().map(|class| class.to_string()).collect(), entries))
}

/// The folder `a/b/` in which all files lie that lie in folders, as deep as it leaves folders for the classes; or nothing.
fn common_folder(paths: &[String]) -> &str {
    let mut root = "";
    loop {
        let below = || paths.iter().filter_map(|path| Some((path, path.strip_prefix(root)?.split_once('/')?)));
        let Some((path, (first, _))) = below().next() else { return root };
        let alone = below().all(|(_, (folder, _))| folder == first);
        if !alone || !below().any(|(_, (_, rest))| rest.contains('/')) {
            return root;
        }
        root = &path[..root.len() + first.len() + 1];
    }
}

/// The folders to train and to test on, if the top folders are these.
fn sides<'a>(top: &BTreeSet<&'a str>, root: &str) -> Result<Option<[&'a str; 2]>, DataError> {
    let named = |names: &[&str]| -> Vec<&'a str> {
        top.iter().copied().filter(|folder| names.iter().any(|name| folder.eq_ignore_ascii_case(name))).collect()
    };
    match (&named(&["train"])[..], &named(&["test", "val", "validation"])[..]) {
        ([], _) | (_, []) => Ok(None),
        (&[train], &[test]) => Ok(Some([train, test])),
        (trains, tests) => {
            let several = if tests.len() > 1 { tests } else { trains };
            Err(DataError::Rivals { found: several.iter().map(|folder| format!("{root}{folder}")).collect() })
        }
    }
}

/// The pictures in each class folder within the folder `within`, which is empty or ends with `/`.
fn by_class<'a>(paths: &[&'a str], within: &str) -> Classes<'a> {
    let mut classes = Classes::new();
    for path in paths {
        let rest = path.strip_prefix(within).and_then(|rest| rest.split_once('/'));
        if let Some((name, rest)) = rest {
            let folder = &path[..within.len() + name.len()];
            let class = classes.entry(name).or_insert(Class { folder, pictures: Vec::new() });
            if !rest.is_empty() && !rest.ends_with('/') {
                class.pictures.push(path);
            }
        }
    }
    classes
}

/// Refuses what can't be trained on.
fn check_classes(classes: &Classes, root: &str) -> Result<(), DataError> {
    check_filled(classes, root)?;
    match classes.len() {
        0 => Err(DataError::Empty { purpose: "to train on".into() }),
        1 => Err(DataError::OneClass { class: classes.keys().map(|class| class.to_string()).collect() }),
        _ => Ok(()),
    }
}

/// Refuses empty class folders.
fn check_filled(classes: &Classes, root: &str) -> Result<(), DataError> {
    match classes.values().find(|class| class.pictures.is_empty()) {
        Some(class) => Err(DataError::EmptyClass { folder: format!("{root}{}", class.folder) }),
        None => Ok(()),
    }
}
