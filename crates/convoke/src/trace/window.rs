//! Which runs of an engine are recorded, and how.

use convoke_core::engine::Run;

/// Steps that are recorded as they are before kernels are timed: the first ones are not like the others.
const SETTLED: u64 = 4;

/// How a run is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Not at all.
    Nothing,
    /// As a whole.
    Whole,
    /// Kernel by kernel.
    Kernels,
}

/// The part of a run that is recorded.
#[derive(Debug)]
pub(super) struct Window {
    steps: u64,
    /// The first step that was seen: a run that is resumed begins anywhere.
    first: Option<u64>,
    /// Runs of evaluations so far.
    evaluated: u64,
    scope: Scope,
}

impl Window {
    pub fn new(steps: u64) -> Self {
        Self { steps, first: None, evaluated: 0, scope: Scope::Whole }
    }

    /// Whether what goes on beside the runs that were seen last is recorded.
    pub fn is_open(&self) -> bool {
        self.scope != Scope::Nothing
    }

    /// How a run is recorded, which is submitted now.
    pub fn see(&mut self, run: &Run) -> Scope {
        // Steps are counted from 1, and evaluations are no steps.
        self.scope = match u64::from(run.step.number) {
            0 => {
                self.evaluated += 1;
                if self.evaluated <= self.steps { Scope::Kernels } else { Scope::Nothing }
            }
            number => match number.saturating_sub(*self.first.get_or_insert(number)) {
                before if before < SETTLED => Scope::Whole,
                timed if timed < SETTLED + self.steps => Scope::Kernels,
                _ => Scope::Nothing,
            },
        };
        self.scope
    }
}

/// The length of the window for what has steps, and no runs.
pub(super) fn steps_recorded(steps: u64) -> u64 {
    SETTLED + steps
}

#[cfg(test)]
mod tests {
    use convoke_core::plan::PlanKind;
    use convoke_core::step::Step;

    use super::*;

    #[test]
    fn a_run_is_recorded_for_some_steps_wherever_it_begins() {
        let run = |number| Run::new(PlanKind::Gradients, Step { number, ..Step::default() });
        for first in [1, 500] {
            let mut window = Window::new(2);
            let scopes: Vec<Scope> = (first..first + 8).map(|number| window.see(&run(number))).collect();
            use Scope::{Kernels, Nothing, Whole};
            assert_eq!(scopes, [Whole, Whole, Whole, Whole, Kernels, Kernels, Nothing, Nothing]);
            assert!(!window.is_open());
            let evaluations = [0; 3].map(|number| window.see(&run(number)));
            assert_eq!(evaluations, [Kernels, Kernels, Nothing]);
        }
    }
}
