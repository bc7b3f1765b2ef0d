//! What one sample of one step gets.

use convoke_core::kernels::{Mix, PIXEL, Rectangle, View};
use convoke_core::random::{Stream, StreamId};

use super::Augment;

/// A sample's place: what its random numbers follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The run's seed.
    pub seed: u64,
    /// The step's number, from 1.
    pub step: u64,
    /// The sample's position in the global batch.
    pub position: usize,
}

/// An affine map of places, column first: `[a, b, x, c, d, y]` as in [`View`], in pixels.
type Map = [f64; 6];

const IDENTITY: Map = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

/// The map that first does `inner`, then `outer`.
fn after(outer: Map, inner: Map) -> Map {
    let [a, b, x, c, d, y] = outer;
    let column = |i: usize| (inner[i], inner[i + 3]);
    let turned = |(u, v): (f64, f64)| (a * u + b * v, c * u + d * v);
    let ((a, c), (b, d), (u, v)) = (turned(column(0)), turned(column(1)), turned(column(2)));
    [a, b, u + x, c, d, v + y]
}

/// Uniform random numbers.
struct Uniform(Stream);

impl Uniform {
    fn unit(&mut self) -> f64 {
        self.0.next_f32().into()
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn around(&mut self, middle: f64, spread: f64) -> f64 {
        self.between(middle - spread, middle + spread)
    }

    /// A whole number below `count`.
    fn below(&mut self, count: f64) -> f64 {
        (self.unit() * count).floor()
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Above 0 and below 1.
    fn open(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / 4_294_967_296.0
    }

    fn normal(&mut self) -> f64 {
        // Box and Muller.
        let radius = (-2.0 * self.open().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.open()).cos()
    }

    /// The logarithm of a number that follows Gamma(shape, 1): Marsaglia and Tsang, “A simple method for generating gamma variables”
    /// (2000). The logarithm, because small shapes give numbers too small for floats.
    fn ln_gamma(&mut self, shape: f64) -> f64 {
        let (shape, boost) = if shape < 1.0 { (shape + 1.0, self.open().ln() / shape) } else { (shape, 0.0) };
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.normal();
            let v = (1.0 + c * normal).powi(3);
            let uniform = self.open().ln();
            if v > 0.0 && uniform < 0.5 * normal * normal + d - d * v + d * v.ln() {
                return (d * v).ln() + boost;
            }
        }
    }

    /// A number that follows Beta(shape, shape).
    fn beta(&mut self, shape: f64) -> f64 {
        let difference = self.ln_gamma(shape) - self.ln_gamma(shape);
        1.0 / (1.0 + (-difference).exp())
    }
}

impl Augment {
    /// How a picture of that size (rows, columns) is shown. `mean_grey` is the mean of its grey values, 0 … 255; it matters where
    /// contrast varies.
    pub fn view(&self, draw: Draw, size: [usize; 2], mean_grey: f64) -> View {
        let mut random = Uniform(Stream::new(draw.seed, StreamId::Augment, draw.step as u32, draw.position as u32));
        let [brightness, contrast, mut saturation] = [self.brightness, self.contrast, self.saturation]
            .map(|spread| random.between((1.0 - spread).max(0.0), 1.0 + spread));
        if random.chance(self.grey) {
            saturation = 0.0;
        }
        let affine = self.affine(&mut random, size);
        let shift = self.shift(&mut random);
        let flips = self.flips(&mut random, size);
        let cutout = self.cutout(&mut random, size);
        // Last, because it draws as often as it needs.
        let part = self.part(&mut random, size);
        let place = after(after(part, affine), after(shift, flips));
        View {
            matrix: place.map(|m| (m * f64::from(PIXEL)).round() as i32),
            gain: (brightness * contrast) as f32,
            offset: ((1.0 - contrast) * brightness * mean_grey) as f32,
            saturation: saturation as f32,
            cutout,
        }
    }

    /// Rotation, scale, shear and translation about the picture's middle, from the changed picture to the original.
    fn affine(&self, random: &mut Uniform, size: [usize; 2]) -> Map {
        let angle = random.around(0.0, self.rotate).to_radians();
        let shear = random.around(0.0, self.shear).to_radians();
        let scale = random.between(self.scale[0], self.scale[1]);
        let [down, right] = size.map(|side| random.around(0.0, self.translate * side as f64).round());
        // Without these, whole pixels stay whole.
        let linear = if self.interpolates() { inverse(angle, shear, scale) } else { [1.0, 0.0, 0.0, 1.0] };
        about_middle(linear, [right, down], size)
    }

    /// The crop out of a picture with black around it.
    fn shift(&self, random: &mut Uniform) -> Map {
        let crop = f64::from(self.crop);
        let [down, right] = [0, 1].map(|_| random.below(2.0 * crop + 1.0) - crop);
        [1.0, 0.0, right, 0.0, 1.0, down]
    }

    fn flips(&self, random: &mut Uniform, [height, width]: [usize; 2]) -> Map {
        let mut map = IDENTITY;
        if random.chance(self.flip) {
            (map[0], map[2]) = (-1.0, width as f64 - 1.0);
        }
        if random.chance(self.vertical_flip) {
            (map[4], map[5]) = (-1.0, height as f64 - 1.0);
        }
        map
    }

    fn cutout(&self, random: &mut Uniform, size: [usize; 2]) -> Rectangle {
        let side = self.cutout as i32;
        let [top, left] = size.map(|length| random.below(length as f64) as i32 - side / 2);
        if side == 0 {
            return Rectangle::default();
        }
        Rectangle { top, left, bottom: top + side, right: left + side }
    }

    /// The part that a resized crop takes, as torchvision draws it: up to ten times an area and a ratio, and a place where it fits; then
    /// the largest part in the middle whose ratio is allowed.
    fn part(&self, random: &mut Uniform, [height, width]: [usize; 2]) -> Map {
        if self.resized_crop == [1.0, 1.0] {
            return IDENTITY;
        }
        let whole = [height as f64, width as f64];
        let [low, high] = self.ratio.map(f64::ln);
        for _ in 0..10 {
            let area = whole[0] * whole[1] * random.between(self.resized_crop[0], self.resized_crop[1]);
            let ratio = random.between(low, high).exp();
            let part = [(area / ratio).sqrt().round(), (area * ratio).sqrt().round()];
            let place = [0, 1].map(|i| random.below(whole[i] - part[i] + 1.0));
            if (0..2).all(|i| part[i] >= 1.0 && part[i] <= whole[i]) {
                return resize(place, part, whole);
            }
        }
        let ratio = (whole[1] / whole[0]).clamp(self.ratio[0], self.ratio[1]);
        let part = match whole[1] / whole[0] {
            own if own < self.ratio[0] => [(whole[1] / ratio).round(), whole[1]],
            own if own > self.ratio[1] => [whole[0], (whole[0] * ratio).round()],
            _ => whole,
        };
        let part = [0, 1].map(|i| part[i].clamp(1.0, whole[i]));
        resize([0, 1].map(|i| ((whole[i] - part[i]) / 2.0).floor()), part, whole)
    }

    /// How a sample is mixed with picture number `second`.
    pub fn mix(&self, draw: Draw, [height, width]: [usize; 2], second: u32) -> Mix {
        let mut random = Uniform(Stream::new(draw.seed, StreamId::Mix, draw.step as u32, draw.position as u32));
        let cut = match (self.mixup > 0.0, self.cutmix > 0.0) {
            (true, true) => random.chance(0.5),
            (_, cut) => cut,
        };
        if !cut {
            let weight = random.beta(self.mixup) as f32;
            return Mix { second, weight, share: weight, rectangle: Rectangle::default() };
        }
        let half = 0.5 * (1.0 - random.beta(self.cutmix)).sqrt();
        let [[top, bottom], [left, right]] = [height, width].map(|side| {
            let (middle, half) = (random.below(side as f64) as i32, (half * side as f64) as i32);
            [(middle - half).max(0), (middle + half).min(side as i32)]
        });
        let share = 1.0 - f64::from((bottom - top) * (right - left)) / (height * width) as f64;
        Mix { second, weight: 1.0, share: share as f32, rectangle: Rectangle { top, left, bottom, right } }
    }
}

/// The inverse of inclining upright lines by `shear`, then turning by `angle`, both in radians, and then scaling.
fn inverse(angle: f64, shear: f64, scale: f64) -> [f64; 4] {
    let ((sin, cos), tan) = (angle.sin_cos(), shear.tan());
    [cos - sin * tan, sin + cos * tan, -sin, cos].map(|m| m / scale)
}

/// A linear map about the middle of a picture of that size, after moving by `right` and `down` is undone.
fn about_middle([a, b, c, d]: [f64; 4], [right, down]: [f64; 2], size: [usize; 2]) -> Map {
    let [y, x] = size.map(|side| (side as f64 - 1.0) / 2.0);
    after([a, b, x, c, d, y], [1.0, 0.0, -x - right, 0.0, 1.0, -y - down])
}

/// The map from a picture of `whole` rows and columns to its part at `place`, pixels' areas on areas.
fn resize(place: [f64; 2], part: [f64; 2], whole: [f64; 2]) -> Map {
    let scale = [0, 1].map(|i| part[i] / whole[i]);
    let start = [0, 1].map(|i| place[i] + 0.5 * scale[i] - 0.5);
    [scale[1], 0.0, start[1], 0.0, scale[0], start[0]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn augment(text: &str) -> Augment {
        text.parse().unwrap()
    }

    fn at(position: usize) -> Draw {
        Draw { seed: 5, step: 3, position }
    }

    #[test]
    fn nothing_is_the_picture_as_it_is() {
        assert_eq!(Augment::NONE.view(at(1), [7, 9], 90.0), View::PLAIN);
    }

    #[test]
    fn crops_and_flips_are_of_whole_pixels_and_all_equally_likely() {
        let augment = augment("crop=2,flip");
        let mut counts = std::collections::BTreeMap::new();
        for position in 0..10_000 {
            let [a, b, x, c, d, y] = augment.view(at(position), [8, 8], 0.0).matrix;
            assert!([b, c, d] == [0, 0, PIXEL] && a.abs() == PIXEL && x % PIXEL == 0 && y % PIXEL == 0);
            let right = if a > 0 { x / PIXEL } else { x / PIXEL - 7 };
            *counts.entry((a > 0, right, y / PIXEL)).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 2 * 5 * 5);
        assert!(counts.keys().all(|(_, x, y)| x.abs() <= 2 && y.abs() <= 2));
        assert!(counts.values().all(|count| (120..280).contains(count)), "{counts:?}");
    }

    #[test]
    fn one_option_changes_nothing_of_what_others_draw() {
        let [alone, both] =
            ["crop=2", "crop=2,rotate=0.001,cutout=3"].map(|text| augment(text).view(at(7), [8, 8], 0.0));
        assert!(alone.matrix.iter().zip(both.matrix).all(|(a, b)| (a - b).abs() < 20), "{alone:?} {both:?}");
        assert_ne!(alone, augment("crop=2").view(Draw { step: 4, ..at(7) }, [8, 8], 0.0));
    }

    /// What torchvision 0.29's `_get_inverse_affine_matrix([15.5, 9.5], 30, [3, -2], 1.25, [10, 0])` gives.
    #[test]
    fn a_turn_is_as_torchvision_has_it() {
        let wanted = [
            0.622289530744165,
            0.5221629157329114,
            0.07142181323611041,
            -0.39999999999999997,
            0.6928203230275509,
            11.703847577293367,
        ];
        let found = about_middle(inverse(30f64.to_radians(), 10f64.to_radians(), 1.25), [3.0, -2.0], [20, 32]);
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn angles_scales_and_parts_keep_within_what_was_asked() {
        let turned = augment("rotate=20,scale=0.8:1.25");
        let parts = augment("resized_crop=0.25:1");
        for position in 0..500 {
            let [a, b, .., c, d, _] =
                turned.view(at(position), [10, 12], 0.0).matrix.map(|m| f64::from(m) / f64::from(PIXEL));
            let scale = 1.0 / a.hypot(b);
            assert!((0.7999..1.2501).contains(&scale) && b.atan2(a).to_degrees().abs() < 20.01);
            assert!((a - d).abs() < 1e-4 && (b + c).abs() < 1e-4);
            let [a, _, x, _, d, y] =
                parts.view(at(position), [20, 20], 0.0).matrix.map(|m| f64::from(m) / f64::from(PIXEL));
            assert!((0.2..=1.0001).contains(&(a * d)), "area {}", a * d);
            let inside = |from: f64, scale: f64| from >= -0.5 && from + 19.0 * scale <= 19.5;
            assert!(inside(x, a) && inside(y, d), "{x} {a} {y} {d}");
        }
    }

    #[test]
    fn contrast_turns_about_the_mean_grey() {
        let augment = augment("brightness=0.5,contrast=0.5");
        for position in 0..100 {
            let View { gain, offset, .. } = augment.view(at(position), [4, 4], 80.0);
            let mean = gain * 80.0 + offset;
            // The mean grey only follows brightness.
            assert!((0.5 * 80.0 - 0.01..1.5 * 80.0 + 0.01).contains(&mean), "{mean}");
        }
    }

    #[test]
    fn mixing_weights_follow_their_beta_distribution() {
        for shape in [0.2, 1.0, 4.0] {
            let weights: Vec<f64> = (0..4000)
                .map(|n| Augment { mixup: shape, ..Augment::NONE }.mix(at(n), [8, 8], 3).weight.into())
                .collect();
            let mean = weights.iter().sum::<f64>() / 4000.0;
            let variance = weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / 4000.0;
            // Beta(s, s) has the mean 1/2 and the variance 1 / (4 (2 s + 1)).
            let wanted = 1.0 / (4.0 * (2.0 * shape + 1.0));
            assert!((mean - 0.5).abs() < 0.03 && (variance / wanted - 1.0).abs() < 0.08, "{shape}: {mean} {variance}");
        }
        let tiny = Augment { mixup: 1e-6, ..Augment::NONE };
        assert!((0..100).all(|n| (0.0..=1.0).contains(&tiny.mix(at(n), [8, 8], 0).weight)));
    }

    #[test]
    fn shares_are_areas() {
        let augment = augment("cutmix");
        for position in 0..300 {
            let Mix { share, rectangle, weight, .. } = augment.mix(at(position), [6, 9], 1);
            let seen = (0..54).filter(|p| !rectangle.contains(p / 9, p % 9)).count();
            assert!(weight == 1.0 && (f64::from(share) - seen as f64 / 54.0).abs() < 1e-6);
        }
        let both = Augment { mixup: 1.0, cutmix: 1.0, ..Augment::NONE };
        let cut = (0..1000).filter(|&n| both.mix(at(n), [6, 9], 1).weight == 1.0).count();
        assert!((420..580).contains(&cut), "{cut}");
    }
}
