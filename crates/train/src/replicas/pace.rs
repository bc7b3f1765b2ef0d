//! What engines need for their shares, and which shares are best.

/// What a share costs an engine: `fixed + per_sample · n` seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// Whatever the share: submissions, and answers.
    pub fixed: f64,
    /// For each sample.
    pub per_sample: f64,
}

impl Cost {
    /// By the times, in seconds, that a smaller and a larger share took.
    pub fn of([small, large]: [(usize, f64); 2]) -> Self {
        let slope = (large.1 - small.1) / (large.0 - small.0).max(1) as f64;
        // A fixed part of more than the whole, or of less than nothing, is the clock's noise.
        let per_sample = slope.clamp(0.1 * large.1 / large.0.max(1) as f64, large.1 / large.0.max(1) as f64);
        Self { fixed: (large.1 - per_sample * large.0 as f64).max(0.0), per_sample }
    }

    /// Seconds for so many samples.
    pub fn at(self, samples: usize) -> f64 {
        if samples == 0 { 0.0 } else { self.fixed + self.per_sample * samples as f64 }
    }

    /// What was known before, after the times that some shares took: what is fixed stays, and the rest is the median of what was found a sample. One long
    /// step says nothing.
    pub fn following(before: Option<Self>, times: &[(usize, f64)]) -> Option<Self> {
        if times.is_empty() {
            return before;
        }
        let fixed = before.map_or(0.0, |cost| cost.fixed);
        let found = |&(samples, seconds): &(usize, f64)| (seconds - fixed).max(0.1 * seconds) / samples as f64;
        let mut each: Vec<f64> = times.iter().map(found).collect();
        each.sort_by(f64::total_cmp);
        Some(Self { fixed, per_sample: each[each.len() / 2] })
    }
}

/// The time of a step whose samples are shared so: that of the slowest, and `each` for whoever takes part.
pub(crate) fn step_time(costs: &[Cost], shares: &[usize], each: f64) -> f64 {
    let slowest = costs.iter().zip(shares).map(|(cost, &samples)| cost.at(samples)).fold(0.0, f64::max);
    slowest + each * shares.iter().filter(|&&samples| samples > 0).count() as f64
}

/// The shares of `samples` samples with which a step ends soonest: all that take part end together. Taking part costs `each` seconds more for the sum of
/// the gradients and the parameters' way back; who does not make up for it gets nothing.
pub(crate) fn best_shares(costs: &[Cost], samples: usize, each: f64) -> Vec<usize> {
    let mut taking_part: Vec<usize> = (0..costs.len()).collect();
    let time = |shares: &[usize]| step_time(costs, shares, each);
    let mut best = level(costs, &taking_part, samples);
    while taking_part.len() > 1 {
        // Whoever has least is missed least.
        let least = *taking_part.iter().min_by_key(|&&index| best[index]).expect("there are two");
        let rest: Vec<usize> = taking_part.iter().copied().filter(|&index| index != least).collect();
        let without = level(costs, &rest, samples);
        if best[least] > 0 && time(&without) > time(&best) {
            break;
        }
        (taking_part, best) = (rest, without);
    }
    best
}

/// Shares with which all of those that take part end at the same time, as nearly as whole samples allow.
fn level(costs: &[Cost], taking_part: &[usize], samples: usize) -> Vec<usize> {
    let at = |time: f64, index: usize| ((time - costs[index].fixed) / costs[index].per_sample.max(1e-12)).max(0.0);
    let total = |time: f64| taking_part.iter().map(|&index| at(time, index)).sum::<f64>();
    let (mut low, mut high) = (0.0, 1e-6);
    while total(high) < samples as f64 {
        high *= 2.0;
    }
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if total(middle) < samples as f64 { low = middle } else { high = middle }
    }
    let mut shares = vec![0; costs.len()];
    taking_part.iter().for_each(|&index| shares[index] = at(high, index) as usize);
    // What was rounded off goes to who ends soonest with one more.
    let given: usize = shares.iter().sum();
    for _ in given..samples {
        let with_one_more = |index: &usize| costs[*index].at(shares[*index] + 1);
        let next = taking_part.iter().copied().min_by(|a, b| with_one_more(a).total_cmp(&with_one_more(b)));
        shares[next.expect("somebody takes part")] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(fixed: f64, per_sample: f64) -> Cost {
        Cost { fixed, per_sample }
    }

    #[test]
    fn shares_follow_speeds() {
        let costs = [cost(0.0, 1.0), cost(0.0, 3.0)];
        assert_eq!(best_shares(&costs, 64, 0.0), [48, 16]);
        assert_eq!(best_shares(&costs[..1], 64, 0.0), [64]);
        let costs = [cost(0.0, 1.0), cost(0.0, 1.0), cost(0.0, 1.0)];
        assert_eq!(best_shares(&costs, 10, 0.0).iter().sum::<usize>(), 10);
    }

    #[test]
    fn no_other_shares_end_sooner() {
        let costs = [cost(2.0, 1.0), cost(0.5, 2.5), cost(1.0, 1.7)];
        let best = step_time(&costs, &best_shares(&costs, 40, 0.0), 0.0);
        for a in 0..=40 {
            for b in 0..=40 - a {
                assert!(step_time(&costs, &[a, b, 40 - a - b], 0.0) >= best - 1e-9, "{a} {b}");
            }
        }
    }

    #[test]
    fn who_does_not_make_up_for_its_cost_is_left_out() {
        let costs = [cost(0.0, 1.0), cost(0.0, 100.0)];
        assert_eq!(best_shares(&costs, 50, 0.2), [50, 0]);
        assert_eq!(best_shares(&costs, 1000, 0.2)[1], 9);
        // A first answer that comes later than the others' last.
        assert_eq!(best_shares(&[cost(0.0, 1.0), cost(70.0, 0.1)], 64, 0.0), [64, 0]);
    }

    #[test]
    fn costs_come_from_two_times() {
        let found = Cost::of([(16, 1.0 + 16.0 * 0.5), (32, 1.0 + 32.0 * 0.5)]);
        assert!((found.fixed - 1.0).abs() < 1e-9 && (found.per_sample - 0.5).abs() < 1e-9, "{found:?}");
        // Noise that would make a larger share quicker still leaves a cost.
        let noisy = Cost::of([(16, 2.0), (32, 1.9)]);
        assert!(noisy.per_sample > 0.0 && noisy.fixed >= 0.0 && (noisy.at(32) - 1.9).abs() < 1e-9, "{noisy:?}");
        assert_eq!(Cost::following(Some(found), &[]), Some(found));
        let times = [(10, 31.0), (10, 31.0), (10, 31.0), (10, 900.0)];
        assert_eq!(Cost::following(Some(cost(1.0, 1.0)), &times), Some(cost(1.0, 3.0)));
        assert_eq!(Cost::following(None, &[(4, 2.0)]), Some(cost(0.0, 0.5)));
    }
}
