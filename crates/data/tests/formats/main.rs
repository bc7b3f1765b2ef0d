//! Every format, from files that the tests make themselves.

mod archives;
mod cifar;
mod folders;
mod idx;
mod pictures;
mod unused;

use convoke_data::{Dataset, Files, Options, open};

/// The dataset in `files`, with default options.
fn opened(files: &dyn Files) -> Dataset {
    open(files, &Options::default(), &mut |_, _| {}).expect("a dataset")
}

/// What is said of `files` with default options, checked to be one line.
fn refused(files: &dyn Files) -> String {
    let message = open(files, &Options::default(), &mut |_, _| {}).expect_err("a refusal").to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

/// The names of the classes.
fn names(dataset: &Dataset) -> Vec<&str> {
    dataset.classes.iter().map(String::as_str).collect()
}
