//! Datasets of pictures that are in memory already.

use crate::builder::{Builder, Side};
use crate::dataset::{Dataset, Samples};
use crate::error::DataError;
use crate::files::distinct;
use crate::open::Options;
use crate::picture::Picture;
use crate::split;

/// A dataset of pictures with the names of their classes, brought to one size and colour as [`open`](crate::open) does. The classes are
/// those given, in their order, or else those that occur, sorted. A share of each class is for testing ([`Options::test_fraction`]): which
/// pictures that are follows from the seed, the class and the pictures' positions within it.
///
/// # Errors
/// [`DataError::OneClass`] where there are fewer than two classes, [`DataError::Empty`] where none can be set aside for testing or a
/// picture is of no class, [`DataError::Option`], [`DataError::TooLarge`].
pub fn from_pictures(
    pictures: Vec<(String, Picture)>,
    classes: Option<&[String]>,
    options: &Options,
) -> Result<Dataset, DataError> {
    options.check()?;
    let classes = match classes {
        Some(classes) => classes.to_vec(),
        None => distinct(pictures.iter().map(|(class, _)| class.clone())).into_iter().collect(),
    };
    if pictures.is_empty() {
        return Err(DataError::Empty { purpose: "to train on".into() });
    }
    if let [class] = classes.as_slice() {
        return Err(DataError::OneClass { class: class.clone() });
    }
    let (mut labels, mut paths, mut counts) = (Vec::new(), Vec::new(), vec![0usize; classes.len()]);
    for (class, _) in &pictures {
        let label = classes.iter().position(|name| name == class);
        let label = label.ok_or_else(|| DataError::Empty {
            purpose: format!("of a class called {class:?}, as one is said to be"),
        })?;
        paths.push(format!("{class}/{}", counts[label]));
        counts[label] += 1;
        labels.push(label as u32);
    }
    let test = split::sides(paths.iter().map(String::as_str).zip(labels.iter().copied()), options)?;
    let tested = test.iter().filter(|test| **test).count();
    let mut ignore = |_, _| {};
    let mut builder = Builder::new(options, [pictures.len() - tested, tested], &mut ignore);
    let (tests, trains): (Vec<_>, Vec<_>) = pictures.into_iter().zip(labels).zip(test).partition(|(_, test)| *test);
    for (side, half) in [(Side::Train, trains), (Side::Test, tests)] {
        for (((_, picture), label), _) in half {
            builder.push(side, picture, label)?;
        }
    }
    builder.finish(classes)
}

impl Dataset {
    /// The same pictures with the channels and stretched to the size that `options` ask for, where they do; in at most `max_bytes`.
    ///
    /// # Errors
    /// [`DataError::Option`] where channels or a side are out of range, [`DataError::TooLarge`] before anything is computed.
    pub fn resized(&self, options: &Options) -> Result<Self, DataError> {
        options.check()?;
        let [height, width] = options.size.unwrap_or([self.height, self.width]);
        let channels = options.channels.unwrap_or(self.channels);
        let shape = [channels, height, width];
        options.check_bytes(self.train.len() + self.test.len(), shape)?;
        let half = |samples: &Samples| {
            let mut pixels = Vec::new();
            let length = samples.len() * shape.iter().product::<usize>();
            pixels.try_reserve_exact(length).map_err(|_| options.too_large(samples.len(), shape))?;
            for i in 0..samples.len() {
                let picture = Picture::from_planes(self.channels, self.height, self.width, samples.sample(i).to_vec());
                pixels.extend(picture.resize(height, width).into_channels(channels).into_planes());
            }
            Ok(Samples { pixels: pixels.into(), labels: samples.labels.clone() })
        };
        let (train, test) = (half(&self.train)?, half(&self.test)?);
        Ok(Self { train, test, classes: self.classes.clone(), channels, height, width })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures() -> Vec<(String, Picture)> {
        let picture = |value| Picture::from_planes(1, 2, 2, vec![value; 4]);
        (0..20).map(|i| (["cat", "dog"][i % 2].to_string(), picture(i as u8))).collect()
    }

    #[test]
    fn pictures_are_split_and_keep_their_classes() {
        let data = from_pictures(pictures(), None, &Options::default()).unwrap();
        assert_eq!(data.classes, ["cat", "dog"]);
        let tested = |class| data.test.labels.iter().filter(|&&label| label == class).count();
        assert_eq!((data.train.len(), tested(0), tested(1)), (16, 2, 2));
        for half in [&data.train, &data.test] {
            for i in 0..half.len() {
                assert_eq!(u32::from(half.sample(i)[0] % 2), half.labels[i]);
            }
        }
        let given = ["dog".to_string(), "cat".to_string()];
        assert_eq!(from_pictures(pictures(), Some(&given), &Options::default()).unwrap().classes, given);
    }

    #[test]
    fn what_can_not_be_told_apart_is_refused() {
        let one: Vec<_> = pictures().into_iter().filter(|(class, _)| class == "cat").collect();
        assert!(matches!(from_pictures(one, None, &Options::default()), Err(DataError::OneClass { .. })));
        assert!(matches!(from_pictures(Vec::new(), None, &Options::default()), Err(DataError::Empty { .. })));
        let other = ["cat".to_string(), "emu".to_string()];
        let error = from_pictures(pictures(), Some(&other), &Options::default()).unwrap_err().to_string();
        assert!(error.contains("\"dog\""), "{error}");
    }

    #[test]
    fn a_dataset_is_brought_to_another_size() {
        let data = from_pictures(pictures(), None, &Options::default()).unwrap();
        let to = |channels, size| Options { channels: Some(channels), size: Some(size), ..Options::default() };
        let larger = data.resized(&to(3, [4, 6])).unwrap();
        assert_eq!((larger.channels, larger.height, larger.width), (3, 4, 6));
        assert_eq!(larger.train.sample(0), vec![data.train.sample(0)[0]; 72]);
        assert!(data.resized(&to(2, [4, 6])).is_err());
        assert!(data.resized(&to(3, [0, 6])).is_err());
        let one = Options { channels: Some(3), ..Options::default() };
        assert_eq!(data.resized(&one).unwrap().train.sample(0), vec![data.train.sample(0)[0]; 12]);
    }

    #[test]
    fn a_size_that_does_not_fit_is_refused_before_it_is_computed() {
        let data = from_pictures(pictures(), None, &Options::default()).unwrap();
        let options = Options { channels: Some(1), size: Some([10, 10]), max_bytes: 2000, ..Options::default() };
        assert_eq!(data.resized(&options).unwrap().train.sample(0).len(), 100);
        let error = data.resized(&Options { max_bytes: 1999, ..options }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "20 pictures of 1×10×10 take 2000 bytes, more than 1999 allowed; 19 of them fit: use fewer, or a smaller size"
        );
        let largest = Options { channels: Some(3), size: Some([16384; 2]), ..Options::default() };
        assert!(matches!(data.resized(&largest), Err(DataError::TooLarge { .. })));
    }
}
