//! The plot of docs/scaling.md.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::costs::Model;
use crate::reduce::Reduction;
use crate::{Batch, CARD, efficiency, replicas};

type Drawn<T> = Result<T, Box<dyn Error>>;

const SIZE: (u32, u32) = (960, 460);
const FONT: &str = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif";
const INK: RGBColor = RGBColor(31, 41, 55);
const GRID: RGBColor = RGBColor(229, 231, 235);

/// A colour for each of [`Reduction::ALL`].
const COLORS: [RGBColor; 5] = [
    RGBColor(107, 114, 128),
    RGBColor(217, 83, 25),
    RGBColor(147, 51, 234),
    RGBColor(22, 163, 74),
    RGBColor(37, 99, 235),
];

/// What replicas are worth over their number: with a batch that grows with them, and with one that doesn't.
pub fn svg(model: &Model) -> Drawn<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (top, legend) = root.split_vertically(SIZE.1 as i32 - 66);
        let (left, right) = top.split_horizontally(SIZE.0 as i32 / 2);
        panel(&left, model, Batch::Growing, "ResNet-18, 64 pictures for each card")?;
        panel(&right, model, Batch::Fixed, "ResNet-18, 4,096 pictures for all cards")?;
        for (index, (reduction, color)) in Reduction::ALL.into_iter().zip(COLORS).enumerate() {
            let (x, y) = (40 + 310 * (index as i32 % 3), 14 + 24 * (index as i32 / 3));
            legend.draw(&PathElement::new([(x, y), (x + 28, y)], color.stroke_width(3)))?;
            let style = TextStyle::from((FONT, 14).into_font()).color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
            legend.draw(&Text::new(reduction.name(), (x + 36, y), style))?;
        }
        root.present()?;
    }
    Ok(svg)
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    model: &Model,
    batch: Batch,
    title: &str,
) -> Drawn<()> {
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 16).into_font().color(&INK))
        .margin(10)
        .margin_right(20)
        .x_label_area_size(44)
        .y_label_area_size(52)
        .build_cartesian_2d((2f64..1024f64).log_scale().base(2.0), 0f64..1f64)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style((FONT, 13).into_font().color(&INK))
        .x_desc("replicas")
        .x_labels(10)
        .y_labels(6)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{:.0} %", y * 100.0))
        .draw()?;
    for (reduction, color) in Reduction::ALL.into_iter().zip(COLORS) {
        let points = replicas().map(|n| (n as f64, efficiency(model, &CARD, batch, reduction, n)));
        chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
    }
    Ok(())
}
