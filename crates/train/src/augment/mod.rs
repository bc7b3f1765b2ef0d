//! Augmentation: how pictures are changed at random while training, so that a network sees each of them anew.
//!
//! Only training is augmented; evaluation and prediction see pictures as they are. What a picture gets is drawn on the host, from the seed, the
//! step's number and the sample's position in the global batch: so every engine, any split of a batch and a resumed run show the same. The
//! engine's kernel [`AugmentedGather`] then shows each picture through its [`View`](convoke_core::kernels::View), on the bytes of
//! the batch.

mod batch;
mod draw;
mod options;
mod text;

use convoke_core::kernels::{AugmentedGather, Gather};

pub(crate) use batch::Share;
pub use draw::Draw;
pub use options::{AugmentOption, OPTIONS};

use crate::error::{Result, TrainError};

/// How pictures are changed at random while training. Everything is off by default.
///
/// Changes come in this order: colours, resized crop, rotation with scale, shear and translation, crop, flips, cutout, mixing. All maps of places are
/// composed and a picture is sampled once, so that nothing is blurred twice; what comes in from outside is black. As text, on a
/// command line, options are separated by commas, and one without a value takes its usual one: `crop=4,flip,rotate=10,scale=0.9:1.1`. In TOML
/// they are the keys of a table:
///
/// ```toml
/// [augment]
/// crop = 4
/// flip = true
/// scale = [0.9, 1.1]
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Augment {
    /// Pixels of black around the picture, of which as much is cut off again, at a random place: the picture is shifted by up to so many pixels in each
    /// direction. From 0 to the picture's side; usually 4. As torchvision's `RandomCrop(size, padding)`.
    pub crop: u32,
    /// The probability of a picture being mirrored from left to right, 0 … 1; usually 0.5. As `RandomHorizontalFlip`.
    pub flip: f64,
    /// The probability of a picture being mirrored from top to bottom, 0 … 1; usually 0.5. As `RandomVerticalFlip`.
    pub vertical_flip: f64,
    /// The largest angle, in degrees to either side, 0 … 180; usually 10. As `RandomAffine(degrees)`.
    pub rotate: f64,
    /// The largest shift, as a share of the picture's width and height, 0 … 1, by whole pixels; usually 0.1. As
    /// `RandomAffine(translate=(x, x))`.
    pub translate: f64,
    /// From how small to how large a picture is shown, as factors, 0.1 … 10; usually 0.9 to 1.1. As `RandomAffine(scale)`.
    pub scale: [f64; 2],
    /// The largest angle, in degrees to either side, by which upright lines are inclined, 0 … 60; usually 10. As
    /// `RandomAffine(shear)`.
    pub shear: f64,
    /// A random part of the picture fills it: from how small to how large a share of its area, above 0 up to 1; usually 0.08 to 1, and 0.5 to 1 for
    /// small pictures. As `RandomResizedCrop(scale)`. Where both are 1, nothing is cropped.
    pub resized_crop: [f64; 2],
    /// The ratio of width to height of the part that a resized crop takes, 0.1 … 10; 3/4 to 4/3 where it is not given. As
    /// `RandomResizedCrop(ratio)`.
    pub ratio: [f64; 2],
    /// By how much brightness varies: factors of 1 − x (at least 0) to 1 + x, for x of 0 … 10; usually 0.2. As
    /// `ColorJitter(brightness)`; the three are applied in this order, and colours are kept in range once, after all of them.
    pub brightness: f64,
    /// By how much the distance from the picture's mean grey varies, as brightness does; usually 0.2. As `ColorJitter(contrast)`.
    pub contrast: f64,
    /// By how much the distance of colours from their grey varies, as brightness does; usually 0.2. As `ColorJitter(saturation)`.
    pub saturation: f64,
    /// The probability of a picture losing its colours, 0 … 1; usually 0.1. As `RandomGrayscale`.
    pub grey: f64,
    /// The side, in pixels, of a square around a random pixel that is set to the mean colour, 0 … 32768; usually 8. As in DeVries and Taylor,
    /// “Improved regularization of convolutional neural networks with cutout” (2017); torchvision's `RandomErasing` is its kin.
    pub cutout: u32,
    /// Pictures are mixed with their neighbours in the batch, labels too: the weights follow Beta(x, x), for x above 0 up to 100; 0 is none, and usually 0.2. As
    /// `v2.MixUp(alpha)`, which draws one weight for all of a batch instead of one for each sample.
    pub mixup: f64,
    /// A rectangle of each picture shows its neighbour in the batch, and labels are mixed as areas are, which follow Beta(x, x), for x above 0 up to 100; 0 is
    /// none, and usually 1. As `v2.CutMix(alpha)`. With `mixup`, each sample gets the one or the other, either as likely.
    pub cutmix: f64,
}

impl Default for Augment {
    fn default() -> Self {
        Self::NONE
    }
}

/// Points further than this from the picture's corner are beyond what the kernel can say.
const FURTHEST: f64 = 32_000.0;

impl Augment {
    /// Nothing is changed.
    pub const NONE: Self = Self {
        crop: 0,
        flip: 0.0,
        vertical_flip: 0.0,
        rotate: 0.0,
        translate: 0.0,
        scale: [1.0, 1.0],
        shear: 0.0,
        resized_crop: [1.0, 1.0],
        ratio: [3.0 / 4.0, 4.0 / 3.0],
        brightness: 0.0,
        contrast: 0.0,
        saturation: 0.0,
        grey: 0.0,
        cutout: 0,
        mixup: 0.0,
        cutmix: 0.0,
    };

    /// Whether pictures stay as they are.
    pub fn is_none(&self) -> bool {
        Self { ratio: Self::NONE.ratio, ..self.clone() } == Self::NONE
    }

    /// Whether samples are mixed of two pictures.
    pub fn mixes(&self) -> bool {
        self.mixup > 0.0 || self.cutmix > 0.0
    }

    /// Whether points between pixels are shown.
    fn interpolates(&self) -> bool {
        self.rotate > 0.0 || self.shear > 0.0 || self.scale != [1.0, 1.0] || self.resized_crop != [1.0, 1.0]
    }

    /// Whether colours change.
    fn colours(&self) -> bool {
        [self.brightness, self.contrast, self.saturation, self.grey].iter().any(|x| *x > 0.0)
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the option, what was found and its range.
    pub fn check(&self) -> Result<()> {
        let problem = OPTIONS.iter().find_map(|option| option.check(self));
        let idle = self.ratio != Self::NONE.ratio && self.resized_crop == Self::NONE.resized_crop;
        let idle =
            idle.then(|| "the augmentation ratio is that of resized_crop, which is off; add resized_crop".into());
        let problem = problem.or(idle);
        problem.map_or(Ok(()), |problem| Err(TrainError::Setting(problem)))
    }

    /// Checks what depends on the pictures' size, rows first.
    ///
    /// # Errors
    /// [`TrainError::Setting`] where the crop is larger than a picture, or changes reach further than can be computed.
    pub fn check_size(&self, [height, width]: [usize; 2]) -> Result<()> {
        let side = height.min(width);
        if self.crop as usize > side {
            let found =
                format!("the augmentation crop={} is larger than a picture of {height}×{width} pixels", self.crop);
            return Err(TrainError::Setting(format!(
                "{found}; it has to be from 0 to {side}, such as {}",
                side.div_ceil(8)
            )));
        }
        let side = height.max(width) as f64;
        // A unit vector becomes at most so long, and the view's corners lie at most so far from its middle.
        let stretch = std::f64::consts::SQRT_2 * (1.0 + self.shear.to_radians().tan()) / self.scale[0];
        let reach = (side / 2.0 + f64::from(self.crop) + self.translate * side) * stretch + side;
        if reach > FURTHEST {
            let found = format!("scale and shear reach {reach:.0} pixels far on pictures of {height}×{width} pixels");
            return Err(TrainError::Setting(format!(
                "the augmentation's {found}; choose weaker ones or a smaller model input"
            )));
        }
        Ok(())
    }

    /// The kernel that shows pictures of that size so, or none where they stay as they are.
    pub fn kernel(&self, gather: &Gather, size: [usize; 2]) -> Option<AugmentedGather> {
        (!self.is_none()).then(|| AugmentedGather {
            gather: gather.clone(),
            size,
            interpolated: self.interpolates(),
            coloured: self.colours(),
            mixed: self.mixes(),
        })
    }
}
