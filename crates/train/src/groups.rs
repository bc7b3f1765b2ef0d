//! Groups of parameters by their names, and how each is trained.

use convoke_core::kernels::Clip;
use convoke_core::model::Network;
use convoke_core::nearest::closest;
use convoke_core::optim::Rule;
use convoke_core::plan::{Group, Training};
use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};
use crate::settings::Settings;

/// Parameters that are trained in their own way: a table of `[[train.groups]]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParameterGroup {
    /// Which: a name in which `*` stands for any text and `?` for any character, such as `layer1.*` or `*.bias`.
    pub parameters: String,
    /// A factor on the learning rate, above 0.
    pub lr_factor: Option<f64>,
    /// A weight decay instead of the optimizer's.
    pub weight_decay: Option<f64>,
}

/// Whether a name is as a pattern says, in which `*` stands for any text and `?` for any character.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // reached[i]: whether the pattern's part so far matches the first i characters.
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for &symbol in &pattern {
        let mut next = vec![false; name.len() + 1];
        next[0] = symbol == '*' && reached[0];
        for i in 0..name.len() {
            next[i + 1] = match symbol {
                '*' => reached[i + 1] || next[i],
                '?' => reached[i],
                symbol => reached[i] && name[i] == symbol,
            };
        }
        reached = next;
    }
    reached[name.len()]
}

/// How a network's parameters follow from gradients by these settings.
///
/// # Errors
/// [`TrainError::Setting`] where a pattern matches nothing, with the names that come near, or where all is frozen.
pub(crate) fn training(settings: &Settings, network: &Network) -> Result<Training> {
    check_patterns(settings, network)?;
    let optimizer = settings.optimizer;
    let rule = optimizer.rule();
    let mut groups: Vec<Group> = Vec::new();
    let mut add = |name: &str, rule: Option<Rule>, rate: f32| match groups
        .iter_mut()
        .find(|group| group.rule == rule && group.rate == rate)
    {
        Some(group) => group.parameters.push(name.into()),
        None => groups.push(Group { parameters: vec![name.into()], rule, rate }),
    };
    let mut any = false;
    let mut idle: Vec<&ParameterGroup> = settings.groups.iter().collect();
    for (id, name, _) in network.graph.parameters() {
        if settings.freeze.iter().any(|pattern| matches(pattern, name)) {
            add(name, None, 1.0);
            continue;
        }
        if !network.graph.is_learned(id) {
            continue;
        }
        any = true;
        let group = settings.groups.iter().find(|group| matches(&group.parameters, name));
        idle.retain(|idle| group.is_none_or(|group| !std::ptr::eq(*idle, group)));
        let one_dimension = network.graph.ty(id).dims.len() == 1;
        let spared = (settings.no_decay_on_norms_and_biases && one_dimension).then_some(0.0);
        let decay = group.and_then(|group| group.weight_decay).or(spared);
        let own = decay.map_or(rule, |decay| optimizer.with_weight_decay(decay).rule());
        let rate = group.and_then(|group| group.lr_factor).unwrap_or(1.0) as f32;
        if own != rule || rate != 1.0 {
            add(name, Some(own), rate);
        }
    }
    if !any && !settings.freeze.is_empty() {
        let problem = "every parameter is frozen, so there is nothing to train; freeze fewer, or use eval";
        return Err(TrainError::Setting(problem.into()));
    }
    if let Some(group) = idle.first() {
        let name = &group.parameters;
        let problem = "is frozen, not learned, or in a group before it; leave the group out, or free some of them";
        return Err(TrainError::Setting(format!(
            "the group `{name}` changes nothing: each parameter that it names {problem}"
        )));
    }
    let clip = settings.clip_norm.map(|limit| Clip::Norm(limit as f32));
    let clip = clip.or(settings.clip_value.map(|limit| Clip::Value(limit as f32)));
    let average = settings.ema.map(|decay| (1.0 - decay) as f32);
    Ok(Training {
        rule,
        groups,
        clip,
        accumulate: settings.accumulate > 1,
        average,
        updates: true,
        synchronized: settings.sync_batch_norm,
    })
}

fn check_patterns(settings: &Settings, network: &Network) -> Result<()> {
    let names: Vec<&str> = network.graph.parameters().map(|(_, name, _)| name).collect();
    let groups = settings.groups.iter().map(|group| group.parameters.as_str());
    for pattern in settings.freeze.iter().map(String::as_str).chain(groups) {
        if !names.iter().any(|name| matches(pattern, name)) {
            let near = closest(pattern, names.iter().copied(), 3).join(", ");
            return Err(TrainError::Setting(format!(
                "no parameter of {} is called `{pattern}`; near it are {near}; `*` stands for any text",
                network.spec.name
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name, wanted) in [
            ("*.bias", "conv1.bias", true),
            ("*.bias", "conv1.weight", false),
            ("bn*", "bn1.weight", true),
            ("layer1.*", "layer1.0.conv1.weight", true),
            ("layer1.*", "layer10.0", false),
            ("conv?.weight", "conv1.weight", true),
            ("conv?.weight", "conv12.weight", false),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("fc.weight", "fc.weight", true),
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
