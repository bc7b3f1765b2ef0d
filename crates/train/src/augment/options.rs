//! The options one by one: their names, what they usually are, and what they may be.

use convoke_core::exact::float;

use super::Augment;

/// One of [`Augment`]'s options, for help texts and for reading them.
#[derive(Clone, Copy, Debug)]
pub struct AugmentOption {
    /// The name, as [`Augment`]'s field.
    pub name: &'static str,
    /// What the option is where it is named without a value.
    pub usual: &'static str,
    /// What its value means, in a line.
    pub meaning: &'static str,
    range: [f64; 2],
    value: fn(&mut Augment) -> Value<'_>,
}

/// Where an option's value lies.
enum Value<'a> {
    Number(&'a mut f64),
    Count(&'a mut u32),
    Range(&'a mut [f64; 2]),
}

macro_rules! options {
    ($($name:ident $kind:ident $usual:literal, $range:expr, $meaning:literal;)*) => {
        /// All options, in the order in which they are applied.
        pub const OPTIONS: &[AugmentOption] = &[$(AugmentOption {
            name: stringify!($name),
            usual: $usual,
            meaning: $meaning,
            range: $range,
            value: |augment| Value::$kind(&mut augment.$name),
        },)*];
    };
}

options! {
    brightness Number "0.2", [0.0, 10.0], "brightness varies by this share";
    contrast Number "0.2", [0.0, 10.0], "contrast varies by this share";
    saturation Number "0.2", [0.0, 10.0], "the strength of colours varies by this share";
    grey Number "0.1", [0.0, 1.0], "how likely a picture loses its colours";
    resized_crop Range "0.08:1", [0.001, 1.0], "a part fills the picture, of this share of its area";
    ratio Range "0.75:1.3333333333333333", [0.1, 10.0], "that part's ratio of width to height";
    rotate Number "10", [0.0, 180.0], "turned by up to so many degrees";
    scale Range "0.9:1.1", [0.1, 10.0], "shown smaller or larger by these factors";
    shear Number "10", [0.0, 60.0], "inclined by up to so many degrees";
    translate Number "0.1", [0.0, 1.0], "shifted by up to this share of width and height";
    crop Count "4", [0.0, 32_768.0], "shifted by up to so many pixels";
    flip Number "0.5", [0.0, 1.0], "how likely left and right change places";
    vertical_flip Number "0.5", [0.0, 1.0], "how likely top and bottom change places";
    cutout Count "8", [0.0, 32_768.0], "a square of so many pixels a side is blotted out";
    mixup Number "0.2", [0.0, 100.0], "mixed with another picture, by Beta(x, x)";
    cutmix Number "1", [0.0, 100.0], "a part is another picture's, by Beta(x, x)";
}

impl AugmentOption {
    /// The value as text: `4`, `0.5`, `0.9:1.1`.
    pub(super) fn text(&self, augment: &Augment) -> String {
        match (self.value)(&mut augment.clone()) {
            Value::Number(x) => x.to_string(),
            Value::Count(x) => x.to_string(),
            Value::Range([low, high]) if low == high => low.to_string(),
            Value::Range([low, high]) => format!("{low}:{high}"),
        }
    }

    /// Sets the value from text: a number, `true` for the usual and `false` for none; `LOW:HIGH` or one number for both where the option
    /// has a range.
    pub(super) fn set(&self, augment: &mut Augment, text: &str) -> Result<(), String> {
        let none = self.text(&Augment::NONE);
        let given = match text {
            "true" => self.usual,
            "false" => &none,
            _ => text,
        };
        let number = |text: &str| float(text.trim());
        let read = match (self.value)(augment) {
            Value::Number(x) => number(given).map(|found| *x = found),
            Value::Count(x) => given.trim().parse().ok().map(|found| *x = found),
            Value::Range(x) => {
                let (low, high) = given.split_once(':').unwrap_or((given, given));
                number(low).zip(number(high)).map(|(low, high)| *x = [low, high])
            }
        };
        read.ok_or_else(|| self.wrong(text))?;
        self.check(augment).map_or(Ok(()), Err)
    }

    /// What is wrong with the value, if anything is.
    pub(super) fn check(&self, augment: &Augment) -> Option<String> {
        let [low, high] = self.range;
        let inside = |x: f64| (low..=high).contains(&x);
        let sound = match (self.value)(&mut augment.clone()) {
            Value::Number(x) => inside(*x),
            Value::Count(x) => inside(f64::from(*x)),
            Value::Range([from, to]) => inside(*from) && inside(*to) && *from <= *to,
        };
        (!sound).then(|| self.wrong(&self.text(augment)))
    }

    fn wrong(&self, found: &str) -> String {
        let (Self { name, usual, .. }, what) = (self, self.values());
        format!("the augmentation {name} is {found:?}; it has to be {what}, such as {usual}")
    }

    /// What the value may be: `a number from 0 to 1`.
    pub fn values(&self) -> String {
        let [low, high] = self.range;
        match (self.value)(&mut Augment::NONE.clone()) {
            Value::Number(_) => format!("a number from {low} to {high}"),
            Value::Count(_) => format!("a whole number from {low} to {high}"),
            Value::Range(_) => format!("LOW:HIGH, both from {low} to {high}"),
        }
    }
}
