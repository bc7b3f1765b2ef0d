//! What a changed picture shows: the words that the kernel [`AugmentedGather`](super::AugmentedGather) reads, and their meaning.

/// A rectangle of a picture's pixels; it may reach beyond the picture, and an empty one holds none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rectangle {
    /// The first row.
    pub top: i32,
    /// The first column.
    pub left: i32,
    /// The row behind the last.
    pub bottom: i32,
    /// The column behind the last.
    pub right: i32,
}

impl Rectangle {
    /// Whether a pixel lies within.
    pub fn contains(&self, row: usize, column: usize) -> bool {
        let within = |from: i32, at: usize, to: i32| i64::from(from) <= at as i64 && (at as i64) < i64::from(to);
        within(self.top, row, self.bottom) && within(self.left, column, self.right)
    }

    fn words(&self) -> [u32; 4] {
        [self.top, self.left, self.bottom, self.right].map(|side| side as u32)
    }

    fn from_words(words: &[u32]) -> Self {
        let [top, left, bottom, right] = [0, 1, 2, 3].map(|i| words[i] as i32);
        Self { top, left, bottom, right }
    }
}

/// How one picture is shown: from where, in which colours, with what cut out.
///
/// Pixel (`row`, `column`) of the view shows the picture's point at column `a · column + b · row + x` and row
/// `c · column + d · row + y`, for `matrix = [a, b, x, c, d, y]` in steps of 2⁻¹⁶ pixels; whole numbers are pixels' middles. The
/// picture is as large as its pixels: a point nearer to a pixel's middle than to any place outside shows the picture, interpolated
/// between the four pixels around it, of which those outside are the nearest inside. Its distance from them counts in steps of 2⁻⁸ pixels, rounded down, so that all
/// is done in integers, and every engine sees the same. A point outside is black.
///
/// Then `v`, 0 … 255, becomes `gain · (saturation · v + (1 − saturation) · grey) + offset`, kept within 0 … 255, where the point is inside; grey
/// is the luma of ITU-R BT.601, `0.299 · red + 0.587 · green + 0.114 · blue`, where the picture has three channels, and `v` where not.
///
/// What is cut out is 0 in the network's input: the mean colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// From a pixel to the point that it shows, times 2¹⁶.
    pub matrix: [i32; 6],
    /// What colours are multiplied by.
    pub gain: f32,
    /// What is added to colours, of 255.
    pub offset: f32,
    /// 1 for colours as they are, 0 for grey ones, above 1 for stronger ones.
    pub saturation: f32,
    /// What is cut out, in the view.
    pub cutout: Rectangle,
}

/// One pixel in a [`View`]'s matrix.
pub const PIXEL: i32 = 1 << 16;

impl View {
    /// The words of a view: the matrix, gain, offset, saturation, and the rectangle's top, left, bottom and right.
    pub const WORDS: usize = 13;

    /// The picture as it is.
    pub const PLAIN: Self = Self {
        matrix: [PIXEL, 0, 0, 0, PIXEL, 0],
        gain: 1.0,
        offset: 0.0,
        saturation: 1.0,
        cutout: Rectangle { top: 0, left: 0, bottom: 0, right: 0 },
    };

    /// The view as kernels read it.
    pub fn words(&self) -> [u32; Self::WORDS] {
        let mut words = [0; Self::WORDS];
        words[..6].copy_from_slice(&self.matrix.map(|m| m as u32));
        words[6..9].copy_from_slice(&[self.gain, self.offset, self.saturation].map(f32::to_bits));
        words[9..].copy_from_slice(&self.cutout.words());
        words
    }

    /// The view in the first of the words.
    ///
    /// # Panics
    /// Where there are fewer than [`View::WORDS`].
    pub fn from_words(words: &[u32]) -> Self {
        let [gain, offset, saturation] = [6, 7, 8].map(|i| f32::from_bits(words[i]));
        let matrix = [0, 1, 2, 3, 4, 5].map(|i| words[i] as i32);
        Self { matrix, gain, offset, saturation, cutout: Rectangle::from_words(&words[9..13]) }
    }

    /// The point that a pixel shows, column first, times 2¹⁶. Sums that leave `i32` wrap around.
    pub fn point(&self, row: usize, column: usize) -> [i32; 2] {
        let [a, b, x, c, d, y] = self.matrix;
        let (row, column) = (row as i32, column as i32);
        let at = |u: i32, v: i32, w: i32| u.wrapping_mul(column).wrapping_add(v.wrapping_mul(row)).wrapping_add(w);
        [at(a, b, x), at(c, d, y)]
    }

    /// The definition: what a pixel of the view shows of a picture of `channels · height · width` bytes, each channel's value in 0 … 255,
    /// before anything is cut out.
    pub fn colours(&self, bytes: &[u8], [channels, height, width]: [usize; 3], row: usize, column: usize) -> Vec<f64> {
        let [column, row] = self.point(row, column);
        let middle = |at: i32| i64::from(at.wrapping_add(PIXEL / 2) >> 16);
        if !(0..width as i64).contains(&middle(column)) || !(0..height as i64).contains(&middle(row)) {
            return vec![0.0; channels];
        }
        let share = |at: i32| f64::from(at >> 8 & 255) / 256.0;
        let (right, down) = (share(column), share(row));
        let inside = |at: i32, length: usize| at.clamp(0, length as i32 - 1) as usize;
        let pixel = |c: usize, dy: i32, dx: i32| {
            let (y, x) = (inside((row >> 16) + dy, height), inside((column >> 16) + dx, width));
            f64::from(bytes[(c * height + y) * width + x])
        };
        let between = |c: usize| {
            let rows = [0, 1].map(|dy| (1.0 - right) * pixel(c, dy, 0) + right * pixel(c, dy, 1));
            (1.0 - down) * rows[0] + down * rows[1]
        };
        let values: Vec<f64> = (0..channels).map(between).collect();
        let (gain, offset, saturation) = (f64::from(self.gain), f64::from(self.offset), f64::from(self.saturation));
        let changed = |v: &f64| {
            let grey = if channels == 3 { 0.299 * values[0] + 0.587 * values[1] + 0.114 * values[2] } else { *v };
            (gain * (saturation * v + (1.0 - saturation) * grey) + offset).clamp(0.0, 255.0)
        };
        values.iter().map(changed).collect()
    }
}

/// How two pictures make one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// The second picture's number, as `indices` has the first's.
    pub second: u32,
    /// The first picture's weight in each pixel outside of the rectangle, 0 … 1.
    pub weight: f32,
    /// The first label's part in the target, 0 … 1.
    pub share: f32,
    /// Where the second picture alone is seen.
    pub rectangle: Rectangle,
}

impl Mix {
    /// The words of a mix: second, weight, share, and the rectangle's top, left, bottom and right.
    pub const WORDS: usize = 7;

    /// The mix as kernels read it.
    pub fn words(&self) -> [u32; Self::WORDS] {
        let mut words = [0; Self::WORDS];
        words[..3].copy_from_slice(&[self.second, self.weight.to_bits(), self.share.to_bits()]);
        words[3..].copy_from_slice(&self.rectangle.words());
        words
    }

    /// The mix in the first of the words.
    ///
    /// # Panics
    /// Where there are fewer than [`Mix::WORDS`].
    pub fn from_words(words: &[u32]) -> Self {
        let [weight, share] = [1, 2].map(|i| f32::from_bits(words[i]));
        Self { second: words[0], weight, share, rectangle: Rectangle::from_words(&words[3..7]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_as_what_they_were() {
        let cutout = Rectangle { top: -3, left: 4, bottom: 5, right: 60 };
        let view = View { matrix: [1, -2, 3, 4, -5, 6], gain: 1.5, offset: -2.0, saturation: 0.25, cutout };
        assert_eq!(View::from_words(&view.words()), view);
        let mix = Mix { second: 7, weight: 0.25, share: 0.75, rectangle: cutout };
        assert_eq!(Mix::from_words(&mix.words()), mix);
    }

    #[test]
    fn a_view_shows_pixels_points_between_them_and_black_around() {
        let bytes = [0, 100, 200, 40, 80, 120];
        let shape = [1, 2, 3];
        let at = |view: &View, row, column| view.colours(&bytes, shape, row, column)[0];
        assert_eq!(at(&View::PLAIN, 1, 2), 120.0);
        let flipped = View { matrix: [-PIXEL, 0, 2 * PIXEL, 0, PIXEL, 0], ..View::PLAIN };
        assert_eq!([0, 1, 2].map(|c| at(&flipped, 0, c)), [200.0, 100.0, 0.0]);
        let shifted = View { matrix: [PIXEL, 0, PIXEL / 4, 0, PIXEL, PIXEL / 2], ..View::PLAIN };
        assert_eq!(at(&shifted, 0, 0), 0.5 * 25.0 + 0.5 * 50.0);
        // The last row's lower half is outside, and the last column's right quarter is the column's own.
        assert_eq!(at(&shifted, 1, 0), 0.0);
        assert_eq!(at(&shifted, 0, 2), 0.5 * 200.0 + 0.5 * 120.0);
    }

    #[test]
    fn colours_are_scaled_greyed_and_kept_in_range_inside_alone() {
        let bytes = [100, 200, 50];
        let view = View { gain: 2.0, offset: 10.0, saturation: 0.0, ..View::PLAIN };
        let grey = 0.299 * 100.0 + 0.587 * 200.0 + 0.114 * 50.0;
        assert!(
            view.colours(&bytes, [3, 1, 1], 0, 0).iter().all(|v| (v - 255.0f64.min(2.0 * grey + 10.0)).abs() < 1e-9)
        );
        assert_eq!(View { saturation: 1.0, ..view }.colours(&bytes, [3, 1, 1], 0, 0), [210.0, 255.0, 110.0]);
        assert_eq!(view.colours(&bytes, [3, 1, 1], 0, 1), [0.0; 3]);
    }
}
