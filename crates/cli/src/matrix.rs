//! A confusion matrix as a picture.

use std::error::Error;

use convoke::prelude::Confusion;
use plotters::prelude::*;
use plotters::style::FontTransform;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::failure::{Failure, Result};

type Drawn<T> = std::result::Result<T, Box<dyn Error>>;

const FONT: &str = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif";
const INK: RGBColor = RGBColor(31, 41, 55);
const QUIET: RGBColor = RGBColor(107, 114, 128);
const FRAME: RGBColor = RGBColor(209, 213, 219);
/// What all of a row in one cell looks like, where it is right and where it is wrong.
const RIGHT: [u8; 3] = [29, 78, 216];
const WRONG: [u8; 3] = [185, 60, 10];

/// The side that the matrix has where its cells are neither too small nor too large.
const SIDE: i32 = 620;
/// The most characters of a class' name.
const NAME: usize = 20;
/// More classes than this are not named: the names would be larger than the cells.
const NAMED: usize = 120;

/// Draws a matrix: a row for each class of pictures, a column for what they were taken for. A cell's colour is its share of the row.
pub fn draw(confusion: &Confusion, names: &[String], title: &str) -> Result<String> {
    svg(confusion, names, title).map_err(|error| Failure::Run(format!("can't draw the matrix: {error}")))
}

/// Where things lie.
struct Layout {
    cell: i32,
    left: i32,
    top: i32,
    side: i32,
    /// The height of names.
    name: i32,
    has_names: bool,
}

impl Layout {
    fn of(names: &[String]) -> Self {
        let classes = names.len().max(1) as i32;
        let has_names = names.len() <= NAMED;
        let cell = (SIDE / classes).clamp(if has_names { 11 } else { 3 }, 88);
        let name = (cell * 2 / 3).clamp(9, 14);
        let longest = names.iter().map(|name| shortened(name).chars().count()).max().unwrap_or(0) as i32;
        // A character is a little wider than half its height.
        let room = if has_names { longest * name * 3 / 5 + 10 } else { 8 };
        Self { cell, left: 40 + room, top: 86 + room, side: cell * classes, name, has_names }
    }

    fn size(&self) -> (u32, u32) {
        ((self.left + self.side + 28).max(480) as u32, (self.top + self.side + 28) as u32)
    }
}

fn svg(confusion: &Confusion, names: &[String], title: &str) -> Drawn<String> {
    let layout = Layout::of(names);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, layout.size()).into_drawing_area();
        root.fill(&WHITE)?;
        let middle = Pos::new(HPos::Center, VPos::Center);
        let text = |size: i32, color: &'static RGBColor| TextStyle::from((FONT, size).into_font()).color(color);
        root.draw(&Text::new(title.to_string(), (16, 18), text(18, &INK)))?;
        let caption = "rows: what pictures show; columns: what they were taken for; colours: share of the row";
        root.draw(&Text::new(caption, (16, 44), text(12, &QUIET)))?;
        if layout.has_names {
            draw_names(&root, &layout, names)?;
        }
        for (label, row) in confusion.rows().enumerate() {
            let total = row.iter().map(|&count| f64::from(count)).sum::<f64>().max(1.0);
            for (predicted, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                let share = f64::from(count) / total;
                let at = [(predicted, layout.left), (label, layout.top)];
                let [x, y] = at.map(|(class, start)| start + class as i32 * layout.cell);
                let corner = (x + layout.cell, y + layout.cell);
                let color = shade(if label == predicted { RIGHT } else { WRONG }, share);
                root.draw(&Rectangle::new([(x, y), corner], color.filled()))?;
                let digits = count.to_string();
                let size = layout.name.min(layout.cell * 8 / (5 * digits.len() as i32)).min(14);
                if size >= 7 {
                    let ink = if share > 0.55 { &WHITE } else { &INK };
                    let center = (x + layout.cell / 2, y + layout.cell / 2);
                    root.draw(&Text::new(digits, center, text(size, ink).pos(middle)))?;
                }
            }
        }
        let corners = [(layout.left, layout.top), (layout.left + layout.side, layout.top + layout.side)];
        root.draw(&Rectangle::new(corners, FRAME))?;
        root.present()?;
    }
    Ok(svg)
}

fn draw_names(
    root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    layout: &Layout,
    names: &[String],
) -> Drawn<()> {
    let style = |transform: FontTransform, pos: Pos| {
        TextStyle::from((FONT, layout.name).into_font().transform(transform)).color(&INK).pos(pos)
    };
    for (class, name) in names.iter().enumerate() {
        let middle = class as i32 * layout.cell + layout.cell / 2;
        let row = style(FontTransform::None, Pos::new(HPos::Right, VPos::Center));
        root.draw(&Text::new(shortened(name), (layout.left - 6, layout.top + middle), row))?;
        let column = style(FontTransform::Rotate270, Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(shortened(name), (layout.left + middle, layout.top - 6), column))?;
    }
    Ok(())
}

/// From nearly white to the full colour.
fn shade([r, g, b]: [u8; 3], share: f64) -> RGBColor {
    let strength = 0.06 + 0.94 * share.sqrt();
    let mix = |full: u8| (255.0 - strength * (255.0 - f64::from(full))).round() as u8;
    RGBColor(mix(r), mix(g), mix(b))
}

/// A name with no more characters than there is room for.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", name[..end].trim_end()),
        None => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(classes: usize) -> String {
        let count = |i: usize| if i / classes == i % classes { 90 } else { (i * 7 % 5) as u32 };
        let confusion = Confusion::new(classes, (0..classes * classes).map(count).collect());
        let names: Vec<String> = (0..classes).map(|class| format!("class <{class}>")).collect();
        draw(&confusion, &names, "a & b").unwrap()
    }

    #[test]
    fn matrices_of_any_size_fit_and_name_their_classes() {
        for classes in [1, 2, 10, 43, 100] {
            let svg = drawn(classes);
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && svg.contains("a &amp; b"));
            assert_eq!(svg.matches("class &lt;").count(), 2 * classes, "{classes}: each is named on both sides");
            let layout = Layout::of(&vec!["class <99>".to_string(); classes]);
            assert!(layout.side <= 1200 && layout.cell >= 11, "{classes}: {} wide", layout.side);
        }
        assert!(drawn(10).contains("90"), "numbers stand in cells where they fit");
        assert!(drawn(150).len() < 4 << 20);
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(shortened("Ankle boot"), "Ankle boot");
        assert_eq!(shortened("ein sehr langer Name für eine Klasse"), "ein sehr langer Name…");
        let one = Confusion::new(1, vec![0]);
        assert!(draw(&one, &["x".repeat(200)], "t").unwrap().contains('…'));
    }
}
