//! The drawing.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Curves, Panel, Points};

type Drawn<T> = Result<T, Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const SIZE: (u32, u32) = (960, 780);
const FONT: &str = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif";
const INK: RGBColor = RGBColor(31, 41, 55);
const QUIET: RGBColor = RGBColor(107, 114, 128);
const GRID: RGBColor = RGBColor(229, 231, 235);
const TRAIN: RGBColor = RGBColor(37, 99, 235);
const TEST: RGBColor = RGBColor(217, 83, 25);

/// Draws loss above accuracy over the steps.
pub fn svg(curves: &Curves, title: &str, steps_per_epoch: usize) -> Drawn<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, body) = root.split_vertically(54);
        let style = TextStyle::from((FONT, 20).into_font()).color(&INK);
        let middle = Pos::new(HPos::Center, VPos::Center);
        head.draw(&Text::new(title.to_string(), (SIZE.0 as i32 / 2, 32), style.pos(middle)))?;
        let (top, bottom) = body.split_vertically(352);
        let axis = format!("step ({steps_per_epoch} in an epoch)");
        let last = curves.last_step;
        panel(&top, &curves.loss, last, loss_range(&curves.loss), "Loss", "", |y| number(*y))?;
        panel(&bottom, &curves.accuracy, last, 0.0..1.0, "Accuracy", &axis, |y| format!("{:.0} %", y * 100.0))?;
        root.present()?;
    }
    Ok(svg)
}

/// From 0 to a little above nearly all losses: a few that jump out must not flatten the rest.
fn loss_range(loss: &Panel) -> std::ops::Range<f64> {
    let mut raw: Vec<f64> = loss.raw.iter().map(|point| point.1).collect();
    raw.sort_by(f64::total_cmp);
    let most = raw[(raw.len() - 1) * 99 / 100];
    let others = loss.smooth.iter().chain(&loss.train).chain(&loss.test).map(|point| point.1);
    let highest = others.fold(most, f64::max);
    0.0..if highest > 0.0 { highest * 1.06 } else { 1.0 }
}

fn panel(
    area: &Area<'_>,
    panel: &Panel,
    last: f64,
    range: std::ops::Range<f64>,
    name: &str,
    axis: &str,
    label: impl Fn(&f64) -> String,
) -> Drawn<()> {
    let mut chart = ChartBuilder::on(area)
        .margin_left(14)
        .margin_right(28)
        .margin_bottom(10)
        .x_label_area_size(if axis.is_empty() { 28 } else { 48 })
        .y_label_area_size(66)
        .build_cartesian_2d(0.0..last.max(1.0), range.clone())?;
    let small = || TextStyle::from((FONT, 13).into_font()).color(&QUIET);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(QUIET.mix(0.6))
        .x_labels(9)
        .y_labels(6)
        .x_label_formatter(&|x| number(*x))
        .y_label_formatter(&label)
        .label_style(small())
        .axis_desc_style(TextStyle::from((FONT, 14).into_font()).color(&INK))
        .x_desc(axis)
        .y_desc(name)
        .draw()?;

    // What lies above is drawn along the edge: nothing leaves the figure.
    let inside = |points: &Points| -> Points { points.iter().map(|&(x, y)| (x, y.min(range.end))).collect() };
    let thin = |color: RGBColor, opacity: f64| ShapeStyle::from(color.mix(opacity)).stroke_width(1);
    let bold = |color: RGBColor| ShapeStyle::from(color).stroke_width(2);
    chart.draw_series(LineSeries::new(inside(&panel.raw), thin(TRAIN, 0.22)))?;
    chart
        .draw_series(LineSeries::new(inside(&panel.smooth), bold(TRAIN)))?
        .label("training, running mean of steps")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], bold(TRAIN)));
    if !panel.test.is_empty() {
        chart
            .draw_series(panel.train.iter().map(|&point| ring(point, TRAIN)))?
            .label("training, mean of the epoch")
            .legend(|(x, y)| ring((x + 10, y), TRAIN));
        chart.draw_series(LineSeries::new(inside(&panel.test), bold(TEST)))?;
        chart
            .draw_series(inside(&panel.test).into_iter().map(|point| Circle::new(point, 3, TEST.filled())))?
            .label("test, after the epoch")
            .legend(move |(x, y)| {
                EmptyElement::at((x, y))
                    + PathElement::new([(0, 0), (20, 0)], bold(TEST))
                    + Circle::new((10, 0), 3, TEST.filled())
            });
    }
    let corner = if name == "Loss" { SeriesLabelPosition::UpperRight } else { SeriesLabelPosition::LowerRight };
    chart
        .configure_series_labels()
        .position(corner)
        .margin(12)
        .legend_area_size(26)
        .background_style(WHITE.mix(0.9))
        .border_style(GRID)
        .label_font(TextStyle::from((FONT, 13).into_font()).color(&INK))
        .draw()?;
    Ok(())
}

/// A ring that hides what lies below it.
fn ring<C>(at: C, color: RGBColor) -> Circle<C, i32> {
    Circle::new(at, 3, ShapeStyle::from(color).stroke_width(1))
}

/// A number with as many digits as it needs.
fn number(value: f64) -> String {
    let text = if value.abs() >= 1e6 { format!("{value:.1e}") } else { format!("{value:.4}") };
    match text.contains(['e']) {
        true => text,
        false => text.trim_end_matches('0').trim_end_matches('.').to_string(),
    }
}
