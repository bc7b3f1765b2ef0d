//! `--show-augmented`: a sheet of pictures as a network would see them.

use std::path::Path;

use convoke::prelude::{Augment, Dataset, Settings, Statistics};
use convoke::train::Draw;

use crate::failure::{Failure, Result};

/// Pictures on a sheet, one in each row.
const ROWS: usize = 8;
/// What is beside each picture: how the first steps would show it.
const STEPS: u64 = 9;
/// Pixels between pictures.
const GAP: usize = 4;
/// The least that a picture's longer side takes, in pixels: smaller ones are enlarged.
const SIDE: usize = 96;

/// A picture under construction: red, green and blue of each pixel.
struct Sheet {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Sheet {
    fn white(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![255; width * height * 3] }
    }

    /// Draws planes of bytes at a place, each pixel as a square.
    fn draw(&mut self, planes: &[u8], data: &Dataset, [top, left]: [usize; 2], zoom: usize) {
        let plane = data.height * data.width;
        for (row, column) in (0..data.height * zoom).flat_map(|r| (0..data.width * zoom).map(move |c| (r, c))) {
            let at = row / zoom * data.width + column / zoom;
            let to = ((top + row) * self.width + left + column) * 3;
            for colour in 0..3 {
                self.pixels[to + colour] = planes[colour % data.channels * plane + at];
            }
        }
    }

    fn encode(&self) -> std::result::Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(bytes)
    }
}

/// Writes the sheet: in each row a training picture as it is, and beside it as the run's first steps would show it.
pub fn write(path: &Path, data: &Dataset, settings: &Settings, statistics: &Statistics) -> Result<String> {
    let count = data.train.len();
    let order = match settings.shuffle {
        true => convoke::data::shuffled(settings.seed, 0, count as u32),
        false => (0..count as u32).collect(),
    };
    let batch = &order[..ROWS.min(count)];
    let zoom = SIDE.div_ceil(data.height.max(data.width)).max(1);
    let [height, width] = [data.height, data.width].map(|side| side * zoom + GAP);
    let mut sheet = Sheet::white((STEPS as usize + 1) * width + GAP, batch.len() * height + GAP);
    let shape = [data.channels, data.height, data.width];
    for position in 0..batch.len() {
        let place = |column: usize| [GAP + position * height, GAP + column * width];
        sheet.draw(data.train.sample(batch[position] as usize), data, place(0), zoom);
        for step in 1..=STEPS {
            let draw = Draw { seed: settings.seed, step, position };
            let seen = settings.augment.show(&data.train, shape, batch, draw, statistics.mean());
            sheet.draw(&seen, data, place(step as usize), zoom);
        }
    }
    let problem = |error: &dyn std::fmt::Display| Failure::Run(format!("can't write {}: {error}", path.display()));
    let bytes = sheet.encode().map_err(|error| problem(&error))?;
    std::fs::write(path, bytes).map_err(|error| problem(&error))?;
    Ok(format!("{} pictures, each as it is and as {STEPS} steps would show it: {}", batch.len(), path.display()))
}

/// The options of `--augment`, one on a line.
pub fn options() -> String {
    let line = |option: &convoke::train::AugmentOption| {
        let example = format!("{}={}", option.name, option.usual.replace("1.3333333333333333", "1.33"));
        format!("  {example:<22} {}", option.meaning)
    };
    let lines: Vec<String> = convoke::train::AUGMENT_OPTIONS.iter().map(line).collect();
    let none = Augment::NONE;
    format!(
        "Change the training pictures at random, such as crop=4,flip,rotate=10 [default: {none}]\n\n\
         Options are separated by commas; one without a value takes the value below. So a network sees each picture anew in every epoch \
         and learns less of it by heart. The same seed gives the same pictures. They come in this order:\n\n{}",
        lines.join("\n")
    )
}
