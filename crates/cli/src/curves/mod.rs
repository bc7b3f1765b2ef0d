//! `curves.svg`: loss and accuracy of a run, drawn from its log.

mod draw;

use convoke::prelude::Record;

use crate::failure::{Failure, Result};

/// The most points of a line: more than the picture has columns.
const MOST_POINTS: usize = 1200;

/// A line's points.
type Points = Vec<(f64, f64)>;

/// What is drawn of one figure.
#[derive(Debug, Default)]
struct Panel {
    /// Each step's value, thinned to what can be seen.
    raw: Points,
    /// Their running mean.
    smooth: Points,
    /// Each epoch's mean in training, in the middle of the epoch.
    train: Points,
    /// Each epoch's value on the test pictures.
    test: Points,
}

/// All that is drawn.
#[derive(Debug, Default)]
struct Curves {
    last_step: f64,
    loss: Panel,
    accuracy: Panel,
}

/// The picture of a log, or `None` where no step is in it.
pub fn draw(log: &[u8], title: &str, steps_per_epoch: usize) -> Result<Option<String>> {
    let curves = Curves::of(log);
    if curves.loss.raw.is_empty() {
        return Ok(None);
    }
    let drawn = draw::svg(&curves, title, steps_per_epoch);
    drawn.map(Some).map_err(|error| Failure::Run(format!("can't draw the curves: {error}")))
}

impl Curves {
    fn of(log: &[u8]) -> Self {
        let mut curves = Self::default();
        let (mut losses, mut accuracies) = (Points::new(), Points::new());
        let mut epoch_began = 0.0;
        let records = log.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<Record>(line).ok());
        for record in records {
            match record {
                Record::Step { step, loss, accuracy, .. } => {
                    curves.last_step = step as f64;
                    losses.push((curves.last_step, loss));
                    accuracies.push((curves.last_step, accuracy));
                }
                // An epoch's record follows that of its last step.
                Record::Epoch { train_loss, train_accuracy, test_loss, test_accuracy, .. } => {
                    let at = curves.last_step;
                    let middle = (epoch_began + at) / 2.0;
                    curves.loss.train.push((middle, train_loss));
                    curves.loss.test.push((at, test_loss));
                    curves.accuracy.train.push((middle, train_accuracy));
                    curves.accuracy.test.push((at, test_accuracy));
                    epoch_began = at;
                }
                Record::Shares { .. } | Record::Left { .. } => {}
            }
        }
        for (panel, points) in [(&mut curves.loss, losses), (&mut curves.accuracy, accuracies)] {
            panel.smooth = thinned(&smoothed(&points));
            panel.raw = thinned(&points);
        }
        curves
    }
}

/// A running mean over about a hundredth of the run, in which what came last counts most.
fn smoothed(points: &[(f64, f64)]) -> Points {
    let span = (points.len() as f64 / 100.0).clamp(5.0, 500.0);
    let keep = 1.0 - 1.0 / span;
    let (mut sum, mut weight) = (0.0, 0.0);
    let smooth = points.iter().map(|&(x, y)| {
        sum = keep * sum + (1.0 - keep) * y;
        weight = keep * weight + (1.0 - keep);
        (x, sum / weight)
    });
    smooth.collect()
}

/// The lowest and the highest point of each piece, so that a line of many points looks as it did.
fn thinned(points: &[(f64, f64)]) -> Points {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let piece = points.len().div_ceil(MOST_POINTS / 2);
    let extremes = points.chunks(piece).flat_map(|piece| {
        let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let both = [piece.iter().min_by(by_height), piece.iter().max_by(by_height)];
        let mut both: Points = both.into_iter().flatten().copied().collect();
        both.sort_by(|a, b| a.0.total_cmp(&b.0));
        both.dedup();
        both
    });
    extremes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(steps: u64) -> Vec<u8> {
        let mut log = String::new();
        for step in 1..=steps {
            log += &format!("{{\"event\":\"step\",\"step\":{step},\"loss\":{},\"accuracy\":0.5}}\n", 2.0 / step as f64);
            if step % 10 == 0 {
                let epoch = step / 10;
                log += &format!(
                    "{{\"event\":\"epoch\",\"epoch\":{epoch},\"train_loss\":1.5,\"train_accuracy\":0.5,\"test_loss\":1.25,\"test_accuracy\":0.75,\"samples_per_second\":100.0}}\n"
                );
            }
        }
        log.into_bytes()
    }

    #[test]
    fn a_log_becomes_lines() {
        let curves = Curves::of(&log(25));
        assert_eq!((curves.last_step, curves.loss.raw.len()), (25.0, 25));
        assert_eq!(curves.loss.test, [(10.0, 1.25), (20.0, 1.25)]);
        assert_eq!(curves.accuracy.train, [(5.0, 0.5), (15.0, 0.5)]);
        assert_eq!(curves.loss.smooth[0], curves.loss.raw[0]);
    }

    #[test]
    fn a_long_line_keeps_its_extremes() {
        let mut points: Points = (0..10_000).map(|x| (f64::from(x), 0.0)).collect();
        (points[1234].1, points[1235].1) = (5.0, -5.0);
        let thin = thinned(&points);
        assert!(thin.len() <= MOST_POINTS && thin.contains(&points[1234]) && thin.contains(&points[1235]));
        assert!(thin.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_picture_has_both_figures_with_axes_and_legends() {
        let svg = draw(&log(200), "a <run>", 10).unwrap().unwrap();
        for text in ["Loss", "Accuracy", "step", "test", "training", "a &lt;run&gt;"] {
            assert!(svg.contains(text), "no {text}");
        }
        assert!(svg.len() < 200_000 && svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn a_short_or_strange_log_is_no_fault() {
        assert_eq!(draw(b"", "x", 1).unwrap(), None);
        assert_eq!(draw(b"\n{\"event\":\"step\"}\n\xff", "x", 1).unwrap(), None);
        assert!(draw(&log(1), "x", 1).unwrap().is_some());
        let flat = b"{\"event\":\"step\",\"step\":1,\"loss\":0.0,\"accuracy\":0.0}\n";
        assert!(draw(flat, "x", 1).unwrap().is_some());
        let huge = b"{\"event\":\"step\",\"step\":1,\"loss\":1e38,\"accuracy\":0.0}\n";
        assert!(draw(huge, "x", 1).unwrap().is_some());
    }
}
