//! Puts pictures of any size and colour together into a dataset of one size and colour.

use crate::dataset::{Dataset, Samples};
use crate::error::DataError;
use crate::open::{Options, Progress};
use crate::picture::Picture;
use crate::shelf::Shelf;

/// Which half of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Train,
    Test,
}

/// A dataset in the making: grey until a picture with colour comes.
pub struct Builder<'a> {
    options: &'a Options,
    progress: Progress<'a>,
    /// Samples to come, to train and to test on.
    counts: [usize; 2],
    done: usize,
    size: Option<[usize; 2]>,
    channels: usize,
    /// The pixels of the halves, and their labels.
    shelves: [Box<dyn Shelf>; 2],
    labels: [Vec<u32>; 2],
}

impl<'a> Builder<'a> {
    /// For that many samples to train and to test on.
    pub fn new(options: &'a Options, counts: [usize; 2], progress: Progress<'a>) -> Self {
        Self::onto(counts.map(|_| Box::new(Vec::new()) as Box<dyn Shelf>), options, counts, progress)
    }

    /// As [`new`](Self::new), with the pixels of both halves put onto these shelves.
    pub fn onto(
        shelves: [Box<dyn Shelf>; 2],
        options: &'a Options,
        counts: [usize; 2],
        progress: Progress<'a>,
    ) -> Self {
        let labels = counts.map(|_| Vec::new());
        Self { options, progress, counts, done: 0, size: options.size, channels: 1, shelves, labels }
    }

    /// Appends a picture, in the wanted colour and the wanted size; without one, in that of the first picture.
    pub fn push(&mut self, side: Side, picture: Picture, label: u32) -> Result<(), DataError> {
        let picture = if self.options.channels == Some(1) { picture.into_channels(1) } else { picture };
        if picture.channels() > self.channels || self.done == 0 {
            self.size.get_or_insert([picture.height(), picture.width()]);
            self.widen(picture.channels())?;
        }
        let [height, width] = self.size.unwrap_or([picture.height(), picture.width()]);
        let picture = picture.resize(height, width).into_channels(self.channels);
        self.shelves[side as usize].put(picture.planes()).map_err(|source| DataError::Keep { source })?;
        self.labels[side as usize].push(label);
        self.tick();
        Ok(())
    }

    /// Counts a picture as dealt with.
    pub fn tick(&mut self) {
        self.done += 1;
        (self.progress)(self.done, self.counts.iter().sum());
    }

    /// The dataset.
    pub fn finish(self, classes: Vec<String>) -> Result<Dataset, DataError> {
        let mut halves = self.shelves.into_iter().zip(self.labels).map(|(mut shelf, labels)| {
            let pixels = shelf.take().map_err(|source| DataError::Keep { source })?;
            Ok(Samples { pixels, labels })
        });
        let mut half = || halves.next().expect("there are two");
        let (train, test) = (half()?, half()?);
        let [height, width] = self.size.unwrap_or_default();
        Ok(Dataset { train, test, classes, channels: self.channels, height, width })
    }

    /// Makes room for all samples with that many channels, and repeats the grey ones that are there.
    fn widen(&mut self, channels: usize) -> Result<(), DataError> {
        let [height, width] = self.size.unwrap_or_default();
        let samples = self.counts.iter().sum();
        let shape = [channels, height, width];
        self.options.check_bytes(samples, shape)?;
        let plane = height * width;
        let keep = |source| DataError::Keep { source };
        for (shelf, count) in self.shelves.iter_mut().zip(self.counts) {
            let grey = shelf.take().map_err(keep)?;
            shelf.reserve(count * channels * plane).map_err(|_| self.options.too_large(samples, shape))?;
            for picture in grey.chunks_exact(plane) {
                (0..channels).try_for_each(|_| shelf.put(picture)).map_err(keep)?;
            }
        }
        self.channels = channels;
        Ok(())
    }
}
