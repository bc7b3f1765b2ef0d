//! `compare.svg`: accuracy against each cost.

use std::error::Error;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::report::{Cost, Figures};
use crate::text;

type Drawn<T> = Result<T, Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const SIZE: (u32, u32) = (1040, 860);
const FONT: &str = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif";
const INK: RGBColor = RGBColor(31, 41, 55);
const QUIET: RGBColor = RGBColor(107, 114, 128);
const GRID: RGBColor = RGBColor(229, 231, 235);
const BEST: RGBColor = RGBColor(37, 99, 235);
const OTHER: RGBColor = RGBColor(156, 163, 175);

/// The height of a point's name, in pixels.
const NAME: i32 = 12;
/// The most characters of a point's name.
const LONGEST: usize = 30;

/// Draws accuracy over parameters, operations, speed and memory. Points that no other beats in both are joined by a line.
pub fn svg(models: &[&Figures], title: &str) -> Drawn<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, body) = root.split_vertically(46);
        let style = TextStyle::from((FONT, 18).into_font()).color(&INK);
        let middle = Pos::new(HPos::Center, VPos::Center);
        let title = format!("Test accuracy after {title}");
        head.draw(&Text::new(title, (SIZE.0 as i32 / 2, 26), style.pos(middle)))?;
        for (area, cost) in body.split_evenly((2, 2)).iter().zip(Cost::ALL) {
            panel(area, models, cost)?;
        }
        root.present()?;
    }
    Ok(svg)
}

/// The axis' name and how its numbers are written.
fn axis(cost: Cost) -> (&'static str, fn(f64) -> String) {
    match cost {
        Cost::Parameters => ("parameters", |x| short(x, 1000.0, &["", "k", "M", "G"])),
        Cost::Flops => {
            ("operations of a training step for a sample (FLOP)", |x| short(x, 1000.0, &["", "k", "M", "G", "T"]))
        }
        Cost::Speed => ("samples trained on a second", |x| short(x, 1000.0, &["", "k", "M"])),
        Cost::Memory => ("memory for training, the pictures left out", |x| text::bytes(x as usize)),
    }
}

/// A number with its thousands in a letter.
fn short(x: f64, thousand: f64, letters: &[&str]) -> String {
    let mut x = x;
    let mut letter = 0;
    while x >= thousand && letter + 1 < letters.len() {
        (x, letter) = (x / thousand, letter + 1);
    }
    let text = format!("{x:.1}");
    format!("{} {}", text.trim_end_matches(".0"), letters[letter]).trim_end().to_string()
}

/// A little more than the values' logarithms. A value of 0 has none.
fn log_range(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let logs: Vec<f64> = values.filter(|x| *x > 0.0).map(f64::log10).collect();
    let (low, high) = (logs.iter().copied().fold(f64::INFINITY, f64::min), logs.iter().copied().fold(-1e9, f64::max));
    if logs.is_empty() {
        return 0.0..1.0;
    }
    let room = ((high - low) * 0.12).max(0.2);
    low - room..high + room
}

/// Round numbers within a range of logarithms, as logarithms: 1, 2 and 5 times powers of ten, or powers of two for bytes; only every
/// second or third of them where there are many.
fn ticks(range: &std::ops::Range<f64>, cost: Cost) -> Vec<f64> {
    let within = |exponents: std::ops::Range<i32>, base: f64, steps: &[f64]| -> Vec<f64> {
        let all = exponents.flat_map(|power| steps.iter().map(move |step| (step * base.powi(power)).log10()));
        all.filter(|log| range.contains(log)).collect()
    };
    let finer = match cost {
        Cost::Memory => within(0..50, 2.0, &[1.0]),
        _ => within(0..16, 10.0, &[1.0, 2.0, 5.0]),
    };
    let every = finer.len().div_ceil(6).max(1);
    finer.into_iter().step_by(every).collect()
}

/// An axis of logarithms with chosen ticks.
struct Logs {
    range: std::ops::Range<f64>,
    ticks: Vec<f64>,
}

impl Ranged for Logs {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Logs {
    fn format(value: &f64) -> String {
        10_f64.powf(*value).round().to_string()
    }
}

/// On which side of a point its name lies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Right,
    Left,
    Middle,
}

impl Side {
    fn anchor(self) -> HPos {
        match self {
            Self::Right => HPos::Left,
            Self::Left => HPos::Right,
            Self::Middle => HPos::Center,
        }
    }
}

fn panel(area: &Area<'_>, models: &[&Figures], cost: Cost) -> Drawn<()> {
    let accuracies = || models.iter().map(|figures| figures.accuracy);
    let (low, high) = (accuracies().fold(1.0, f64::min), accuracies().fold(0.0, f64::max));
    let room = ((high - low) * 0.18).max(0.01);
    let heights = (low - room).max(0.0)..(high + room).min(1.02).max(low + 0.01);
    let (name, label) = axis(cost);
    let across = log_range(models.iter().map(|figures| cost.of(figures)));
    let mut chart = ChartBuilder::on(area)
        .margin_left(10)
        .margin_right(24)
        .margin_top(10)
        .x_label_area_size(46)
        .y_label_area_size(58)
        .build_cartesian_2d(Logs { ticks: ticks(&across, cost), range: across }, heights)?;
    let small = || TextStyle::from((FONT, 12).into_font()).color(&QUIET);
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(QUIET.mix(0.6))
        .x_labels(5)
        .y_labels(6)
        .x_label_formatter(&|x| label(10_f64.powf(*x).round()))
        .y_label_formatter(&|y| text::percent(*y))
        .label_style(small())
        .axis_desc_style(TextStyle::from((FONT, 13).into_font()).color(&INK))
        .x_desc(name)
        .draw()?;
    let shown: Vec<&Figures> = models.iter().copied().filter(|figures| cost.of(figures) > 0.0).collect();
    let front = cost.front(&shown);
    let point = |figures: &Figures| (cost.of(figures).log10(), figures.accuracy);
    let mut line: Vec<(f64, f64)> =
        shown.iter().zip(&front).filter(|(_, best)| **best).map(|(f, _)| point(f)).collect();
    line.sort_by(|a, b| a.0.total_cmp(&b.0));
    chart.draw_series(LineSeries::new(line, BEST.mix(0.35)))?;
    for (figures, &best) in shown.iter().zip(&front) {
        let color = if best { BEST } else { OTHER };
        chart.draw_series([Circle::new(point(figures), 5, color.filled())])?;
    }
    let places: Vec<(i32, i32)> = shown.iter().map(|figures| chart.backend_coord(&point(figures))).collect();
    let across = chart.plotting_area().get_pixel_range().0;
    let names: Vec<String> = shown.iter().map(|figures| shortened(&figures.command)).collect();
    let origin = area.get_base_pixel();
    for (name, ((x, y), side)) in names.iter().zip(labels(&places, &names, across)) {
        let style = TextStyle::from((FONT, NAME).into_font()).color(&INK).pos(Pos::new(side.anchor(), VPos::Center));
        area.draw(&Text::new(name.clone(), (x - origin.0, y - origin.1), style))?;
    }
    Ok(())
}

/// Where each point's name lies: to its right, to its left, above or below, so that it covers no point and no other name as far as that
/// can be done.
fn labels(points: &[(i32, i32)], names: &[String], across: std::ops::Range<i32>) -> Vec<((i32, i32), Side)> {
    let overlaps = |a: [i32; 4], b: [i32; 4]| a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
    let mut taken: Vec<[i32; 4]> = points.iter().map(|&(x, y)| [x - 6, y - 6, x + 6, y + 6]).collect();
    let mut places = Vec::new();
    for (&(x, y), name) in points.iter().zip(names) {
        let width = name.chars().count() as i32 * NAME * 11 / 20;
        let sides = [0, -15, 15, -28, 28].into_iter().flat_map(|down| {
            let beside = [((x + 10, y + down), Side::Right), ((x - 10, y + down), Side::Left)];
            beside.into_iter().chain((down != 0).then_some(((x, y + down), Side::Middle)))
        });
        let frame = |((x, y), side): &((i32, i32), Side)| {
            let left = match side {
                Side::Right => *x,
                Side::Left => x - width,
                Side::Middle => x - width / 2,
            };
            [left, y - NAME / 2, left + width, y + NAME / 2]
        };
        let fits = |place: &((i32, i32), Side)| {
            let own = frame(place);
            own[0] >= across.start && own[2] <= across.end && !taken.iter().any(|other| overlaps(own, *other))
        };
        let place = sides.into_iter().find(fits).unwrap_or(((x + 10, y), Side::Right));
        taken.push(frame(&place));
        places.push(place);
    }
    places
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::figures;
    use super::*;

    #[test]
    fn all_models_are_named_in_all_panels() {
        let models = [figures("one", 0.5, 1000, 20.0), figures("two & three", 0.9, 2_000_000, 10.0)];
        let svg = svg(&[&models[0], &models[1]], "5 epochs on x").unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && svg.contains("5 epochs"));
        assert_eq!((svg.matches("one\n").count(), svg.matches("two &amp; three\n").count()), (4, 4), "{svg}");
    }

    #[test]
    fn what_is_alone_equal_or_without_speed_is_drawn() {
        let same = figures("same", 0.5, 10, 1.0);
        svg(&[&same, &same], "t").unwrap();
        svg(&[&figures("alone", 1.0, 1, 0.0)], "t").unwrap();
        svg(&[], "t").unwrap();
    }

    #[test]
    fn names_lie_apart() {
        let points = [(100, 100), (103, 101), (104, 99), (390, 100)];
        let names = ["first", "second", "third", "at the right edge"].map(String::from);
        let places = labels(&points, &names, 0..400);
        for (i, a) in places.iter().enumerate() {
            let apart = |b: &((i32, i32), Side)| (a.0.0 - b.0.0).abs() > 15 || (a.0.1 - b.0.1).abs() >= 12;
            assert!(places[i + 1..].iter().all(apart), "{places:?}");
        }
        assert_eq!(places[3], ((380, 100), Side::Left), "{places:?}");
    }

    #[test]
    fn ticks_are_round_and_few() {
        let round = |range, cost| ticks(&range, cost).iter().map(|log| 10_f64.powf(*log).round()).collect::<Vec<f64>>();
        assert_eq!(round(4.5..5.4, Cost::Parameters), [50_000.0, 100_000.0, 200_000.0]);
        assert_eq!(round(6.0..6.65, Cost::Memory), [1_048_576.0, 2_097_152.0, 4_194_304.0]);
        assert!(ticks(&(2.0..12.0), Cost::Flops).len() <= 6);
    }

    #[test]
    fn numbers_are_short() {
        let letters = ["", "k", "M"];
        assert_eq!(
            [999.0, 1000.0, 2_500_000.0, 5e9].map(|x| short(x, 1000.0, &letters)),
            ["999", "1 k", "2.5 M", "5000 M"]
        );
    }
}
