//! What a comparison has found: `compare.json`, and the table.

use convoke::prelude::Store;
use convoke::{FolderStore, block_on};
use serde::{Deserialize, Serialize};

use super::{Budget, CompareArgs, draw};
use crate::data::Source;
use crate::failure::{Failure, Result};
use crate::table::table;
use crate::text;

/// The report's name.
const FILE: &str = "compare.json";

/// What one model has reached, and what it costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The run's folder.
    pub name: String,
    /// The model with its options.
    pub command: String,
    /// The share of the test pictures that are right, 0 … 1.
    pub accuracy: f64,
    /// The mean loss on the test pictures.
    pub loss: f64,
    /// Numbers that are learned.
    pub parameters: usize,
    /// Operations of the forward pass for one sample.
    pub forward_flops: u64,
    /// Operations of a training step for one sample.
    pub training_flops: u64,
    /// Bytes on the device, the pictures left out.
    pub bytes: usize,
    /// Samples trained on a second, tests and checkpoints left out.
    pub samples_per_second: f64,
    /// The seconds that it trained.
    pub seconds: f64,
    /// Steps done.
    pub steps: u64,
    /// Epochs done, with the part of the one at hand.
    pub epochs: f64,
    /// What it was trained on.
    pub device: String,
}

impl Figures {
    /// In a line.
    pub fn words(&self) -> String {
        let (accuracy, steps) = (text::percent(self.accuracy), text::grouped(self.steps));
        let seconds = text::time(std::time::Duration::from_secs_f64(self.seconds));
        format!("test accuracy {accuracy}, loss {:.4} after {steps} steps in {seconds}", self.loss)
    }
}

/// What accuracy is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Parameters: the fewer the better.
    Parameters,
    /// Operations of a training step: the fewer the better.
    Flops,
    /// Speed: the more the better.
    Speed,
    /// Memory: the less the better.
    Memory,
}

impl Cost {
    /// All of them, in the order of the picture's panels.
    pub const ALL: [Self; 4] = [Self::Parameters, Self::Flops, Self::Speed, Self::Memory];

    /// What it is called in the table.
    fn short(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::Flops => "FLOP",
            Self::Speed => "speed",
            Self::Memory => "memory",
        }
    }

    /// What it is for a model.
    pub fn of(self, figures: &Figures) -> f64 {
        match self {
            Self::Parameters => figures.parameters as f64,
            Self::Flops => figures.training_flops as f64,
            Self::Speed => figures.samples_per_second,
            Self::Memory => figures.bytes as f64,
        }
    }

    /// For each model, whether no other is at least as good in accuracy and in this, and better in one of them: Pareto's front.
    pub fn front(self, all: &[&Figures]) -> Vec<bool> {
        let sign = if self == Self::Speed { -1.0 } else { 1.0 };
        let place = |figures: &Figures| (figures.accuracy, sign * self.of(figures));
        let beats = |a: (f64, f64), b: (f64, f64)| a.0 >= b.0 && a.1 <= b.1 && a != b;
        all.iter().map(|figures| !all.iter().any(|other| beats(place(other), place(figures)))).collect()
    }
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    budget: String,
    data: String,
    seed: u64,
    models: Vec<Figures>,
}

impl Report {
    /// The report that a folder holds, or a new one.
    pub fn open(store: &FolderStore, args: &CompareArgs, budget: Budget) -> Result<Self> {
        let data = Source::find(args.data.as_deref())?.lasting_name();
        let new = Self { budget: budget.words(), data, seed: args.seed, models: Vec::new() };
        let Some(bytes) = block_on(store.get(FILE))? else { return Ok(new) };
        let place = store.folder().display();
        let old: Self = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::Run(format!("can't read {place}/{FILE}: {error}; remove it, or choose another folder with --out"))
        })?;
        for (what, old, new) in [("data", &old.data, &new.data), ("seed", &old.seed.to_string(), &new.seed.to_string())]
        {
            if old != new {
                return Err(Failure::Usage(format!(
                    "{place} holds a comparison with the {what} {old}, and this one has {new}; choose another folder with --out"
                )));
            }
        }
        Ok(Self { budget: new.budget, ..old })
    }

    /// What is known of a model.
    pub fn figures(&self, name: &str) -> Option<&Figures> {
        self.models.iter().find(|figures| figures.name == name)
    }

    /// Adds a model, or replaces what was known of it.
    pub fn put(&mut self, figures: Figures) {
        match self.models.iter_mut().find(|old| old.name == figures.name) {
            Some(old) => *old = figures,
            None => self.models.push(figures),
        }
    }

    /// Writes the report.
    pub fn keep(&self, store: &FolderStore) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).expect("plain data");
        Ok(block_on(store.put(FILE, text))?)
    }

    /// What is known of those models, in that order.
    fn of(&self, names: &[&str]) -> Vec<&Figures> {
        names.iter().filter_map(|name| self.figures(name)).collect()
    }

    /// Draws those models.
    pub fn draw(&self, store: &FolderStore, names: &[&str]) -> Result<()> {
        let title = format!("{} each on {}", self.budget, self.data.rsplit('/').next().unwrap_or_default());
        let drawn = draw::svg(&self.of(names), &title);
        let svg = drawn.map_err(|error| Failure::Run(format!("can't draw the comparison: {error}")))?;
        Ok(block_on(store.put("compare.svg", svg.into_bytes()))?)
    }

    /// Those models, the most accurate first.
    pub fn table(&self, names: &[&str]) -> String {
        let mut models = self.of(names);
        models.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy));
        let fronts = Cost::ALL.map(|cost| (cost, cost.front(&models)));
        let row = |(i, figures): (usize, &&Figures)| {
            let best: Vec<&str> = fronts.iter().filter(|(_, front)| front[i]).map(|(cost, _)| cost.short()).collect();
            vec![
                figures.command.clone(),
                text::percent(figures.accuracy),
                format!("{:.4}", figures.loss),
                text::grouped(figures.parameters as u64),
                text::flops(figures.training_flops),
                text::bytes(figures.bytes),
                text::rate(figures.samples_per_second),
                format!("{:.1}", figures.seconds),
                if best.len() == Cost::ALL.len() { "all".into() } else { best.join(", ") },
            ]
        };
        let rows: Vec<Vec<String>> = models.iter().enumerate().map(row).collect();
        let header =
            ["model", "accuracy", "loss", "parameters", "FLOP / sample", "memory", "samples/s", "seconds", "best for"];
        format!(
            "{}\nbest for: no other is more accurate at no higher a cost of this kind. FLOP and memory are of training; memory leaves the pictures out.\n",
            table(&header, &rows, 1)
        )
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn figures(name: &str, accuracy: f64, parameters: usize, samples_per_second: f64) -> Figures {
        Figures {
            name: name.into(),
            command: name.into(),
            accuracy,
            loss: 1.0 - accuracy,
            parameters,
            forward_flops: parameters as u64 * 20,
            training_flops: parameters as u64 * 60,
            bytes: parameters * 40,
            samples_per_second,
            seconds: 3.0,
            steps: 100,
            epochs: 1.5,
            device: "cpu".into(),
        }
    }

    #[test]
    fn the_front_is_what_no_other_beats_in_both() {
        let [small, middle, bad, large] =
            [("a", 0.7, 10, 9.0), ("b", 0.8, 20, 8.0), ("c", 0.75, 30, 8.5), ("d", 0.9, 40, 1.0)]
                .map(|(name, accuracy, parameters, speed)| figures(name, accuracy, parameters, speed));
        let all = [&small, &middle, &bad, &large];
        assert_eq!(Cost::Parameters.front(&all), [true, true, false, true]);
        assert_eq!(Cost::Speed.front(&all), [true; 4]);
        let equal = [&small, &small];
        assert_eq!(Cost::Memory.front(&equal), [true, true]);
    }

    #[test]
    fn the_table_has_the_most_accurate_first() {
        let mut report = Report { budget: "1 epoch".into(), data: "d".into(), seed: 0, models: Vec::new() };
        report.put(figures("low", 0.5, 10, 1.0));
        report.put(figures("high", 0.4, 20, 2.0));
        report.put(figures("high", 0.9, 20, 2.0));
        let table = report.table(&["low", "high", "missing"]);
        assert!(table.find("high").unwrap() < table.find("low").unwrap(), "{table}");
        assert!(
            table.contains("90.0 %") && table.contains("all") && table.contains("parameters, FLOP, memory"),
            "{table}"
        );
    }
}
