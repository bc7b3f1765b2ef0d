//! How a program trains: which parameters follow which rule, and what is done to gradients before.

use crate::graph::{Graph, ValueId};
use crate::kernels::Clip;
use crate::optim::{Rule, Running};

/// How the parameters of a program follow from their gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// The rule of all parameters that no group names.
    pub rule: Rule,
    /// Parameters that have another rule, another rate, or none. Where two groups name one, the first counts.
    pub groups: Vec<Group>,
    /// How gradients are clipped.
    pub clip: Option<Clip>,
    /// Whether several runs may share a step: their gradients are added up by [`PlanKind::Accumulate`](super::PlanKind::Accumulate) after
    /// each of them, and the update takes the sum.
    pub accumulate: bool,
    /// How much of a running average of the parameters each step replaces, 0 … 1, where one is kept: the program then evaluates and
    /// predicts with the average.
    pub average: Option<f32>,
    /// Whether the program updates its parameters: if not, it leaves their gradients to whoever does, and keeps neither states nor an
    /// average.
    pub updates: bool,
    /// Whether batch norms take the statistics of the global batch where that is split over several engines: then the plan of the gradients
    /// stops for each of its [exchanges](super::Plan::exchanges).
    pub synchronized: bool,
}

impl<R: Into<Rule>> From<R> for Training {
    /// One rule for all parameters, and nothing else.
    fn from(rule: R) -> Self {
        Self {
            rule: rule.into(),
            groups: Vec::new(),
            clip: None,
            accumulate: false,
            average: None,
            updates: true,
            synchronized: false,
        }
    }
}

/// Parameters that are updated in their own way.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Their names.
    pub parameters: Vec<String>,
    /// Their rule; `None` where they stay as they are, and no gradient is computed. Of running statistics, which have their own rule, only
    /// this counts.
    pub rule: Option<Rule>,
    /// A factor on the rates of the step.
    pub rate: f32,
}

impl Training {
    /// How a parameter is updated, or `None` where it stays as it is.
    pub(super) fn update_of(&self, graph: &Graph, parameter: ValueId, name: &str) -> Option<RangeUpdate> {
        let group = self.groups.iter().find(|group| group.parameters.iter().any(|parameter| parameter == name));
        if !graph.is_learned(parameter) {
            if group.is_some_and(|group| group.rule.is_none()) {
                return None;
            }
            let running = graph.running.iter().find(|running| running.parameter == parameter)?;
            let rule = Running { momentum: running.momentum.into() }.into();
            return Some(RangeUpdate { rule, rate: 1.0, learned: false });
        }
        let (rule, rate) = group.map_or((Some(self.rule), 1.0), |group| (group.rule, group.rate));
        Some(RangeUpdate { rule: rule?, rate, learned: true })
    }
}

/// How a range of the chunks is updated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeUpdate {
    /// The rule.
    pub rule: Rule,
    /// A factor on the rates of the step.
    pub rate: f32,
    /// Whether it follows gradients, which alone are clipped, or statistics of the step.
    pub learned: bool,
}
