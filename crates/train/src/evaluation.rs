//! What a network makes of labelled pictures.

use convoke_core::order::{arranged, ascending};
use serde::Serialize;

use crate::session::Figures;

/// What a network makes of labelled pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss: the plain one of its kind, whatever was trained with.
    pub loss: f64,
    /// The share of pictures whose largest logit is the label's, 0 … 1.
    pub accuracy: f64,
    /// The share of pictures whose label is among the five largest logits, 0 … 1. With five classes or fewer that is all of them.
    pub top5: f64,
    /// How many pictures there were.
    pub samples: usize,
    /// Which class was taken for which; `None` where there are more than 1024 classes.
    pub confusion: Option<Confusion>,
}

impl Evaluation {
    /// By the figures of an evaluation, and what it counted.
    pub(crate) fn of(classes: usize, figures: Figures, tallies: &[u32]) -> Self {
        let counts = tallies.get(1..=classes * classes).map(<[u32]>::to_vec);
        Self {
            loss: figures.loss(),
            accuracy: figures.accuracy(),
            top5: f64::from(tallies[0]) / figures.samples as f64,
            samples: figures.samples as usize,
            confusion: counts.map(|counts| Confusion::new(classes, counts)),
        }
    }
}

/// How often pictures of one class were taken for another.
///
/// ```
/// use convoke_train::Confusion;
///
/// // Of four cats one was taken for a dog; all three dogs were dogs.
/// let confusion = Confusion::new(2, vec![3, 1, 0, 3]);
/// let [cats, dogs] = confusion.per_class().try_into().unwrap();
/// assert_eq!((cats.precision, cats.recall), (1.0, 0.75));
/// assert_eq!((dogs.precision, dogs.recall, dogs.support), (0.75, 1.0, 3));
/// assert_eq!(confusion.most_confused(5), [(0, 1, 1)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u32>,
}

/// How well one class is told from the others, or the mean over classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ClassFigures {
    /// Of the pictures that were taken for the class, the share that are of it, 0 … 1; 0 where none was.
    pub precision: f64,
    /// Of the class' pictures, the share that were taken for it, 0 … 1; 0 where it has none.
    pub recall: f64,
    /// The harmonic mean of both, 0 … 1; 0 where both are.
    pub f1: f64,
    /// The class' pictures, or all.
    pub support: u64,
}

impl Confusion {
    /// A matrix of counts: the pictures of class `l` that were taken for class `p` at `l · classes + p`.
    ///
    /// # Panics
    /// Where there are not `classes · classes` counts.
    pub fn new(classes: usize, counts: Vec<u32>) -> Self {
        assert_eq!(counts.len(), classes * classes, "a count for each pair of classes");
        Self { classes, counts }
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many pictures of class `label` were taken for class `predicted`.
    pub fn count(&self, label: usize, predicted: usize) -> u32 {
        self.counts[label * self.classes + predicted]
    }

    /// The counts of each class' pictures, by what they were taken for.
    pub fn rows(&self) -> impl Iterator<Item = &[u32]> {
        self.counts.chunks(self.classes)
    }

    /// How many pictures were taken for that class.
    fn predicted(&self, class: usize) -> u64 {
        self.rows().map(|row| u64::from(row[class])).sum()
    }

    /// How well each class is told from the others.
    pub fn per_class(&self) -> Vec<ClassFigures> {
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let figures = |(class, row): (usize, &[u32])| {
            let (right, predicted) = (u64::from(row[class]), self.predicted(class));
            let support = row.iter().map(|&count| u64::from(count)).sum();
            let (precision, recall) = (share(right, predicted), share(right, support));
            ClassFigures { precision, recall, f1: share(2 * right, predicted + support), support }
        };
        self.rows().enumerate().map(figures).collect()
    }

    /// The means over the classes that have pictures or were taken for some, each counting alike: scikit-learn's macro averages.
    pub fn mean(&self) -> ClassFigures {
        let of = |(class, figures): (usize, ClassFigures)| {
            (figures.support > 0 || self.predicted(class) > 0).then_some(figures)
        };
        let all: Vec<ClassFigures> = self.per_class().into_iter().enumerate().filter_map(of).collect();
        let mean = |of: fn(&ClassFigures) -> f64| all.iter().map(of).sum::<f64>() / all.len().max(1) as f64;
        ClassFigures {
            precision: mean(|class| class.precision),
            recall: mean(|class| class.recall),
            f1: mean(|class| class.f1),
            support: all.iter().map(|class| class.support).sum(),
        }
    }

    /// The pairs of classes of which one was taken for the other most often, at most `most` of them: `(label, predicted, count)`.
    pub fn most_confused(&self, most: usize) -> Vec<(usize, usize, u32)> {
        let pair = |(i, &count): (usize, &u32)| (i / self.classes, i % self.classes, count);
        let mut pairs: Vec<_> = self.counts.iter().enumerate().map(pair).collect();
        pairs.retain(|&(label, predicted, count)| label != predicted && count > 0);
        // Those of one count stay in the order of their classes.
        let order = ascending(pairs.iter().map(|&(.., count)| u64::from(u32::MAX - count)));
        let mut pairs = arranged(pairs, &order);
        pairs.truncate(most);
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_scikit_learns() {
        // precision_recall_fscore_support of [0,0,0,1,1,2,2,2,2] and [0,1,0,1,2,2,2,0,2], with a fourth class in neither.
        let counts = vec![2, 1, 0, 0, 0, 1, 1, 0, 1, 0, 3, 0, 0, 0, 0, 0];
        let confusion = Confusion::new(4, counts);
        let expected = [[2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0], [0.5, 0.5, 0.5], [0.75, 0.75, 0.75], [0.0; 3]];
        for (found, [precision, recall, f1]) in confusion.per_class().into_iter().zip(expected) {
            for (a, b) in [(found.precision, precision), (found.recall, recall), (found.f1, f1)] {
                assert!((a - b).abs() < 1e-12, "{found:?}");
            }
        }
        let mean = confusion.mean();
        assert!((mean.f1 - (2.0 / 3.0 + 0.5 + 0.75) / 3.0).abs() < 1e-12, "{mean:?}");
        assert_eq!(mean.support, 9);
        assert_eq!(confusion.most_confused(2), [(0, 1, 1), (1, 2, 1)]);
    }
}
