//! The keys of a model's file beside its layers.

use convoke::prelude::{Augment, Settings};
use convoke::train::AUGMENT_OPTIONS;

/// The keys of the tables, and the option of `train` that does the same.
const KEYS: &[(&str, &str, &str)] = &[
    ("train", "epochs", "epochs"),
    ("train", "batch_size", "batch_size"),
    ("train", "accumulate", "accumulate"),
    ("train", "seed", "seed"),
    ("train", "shuffle", "no_shuffle"),
    ("train", "clip_norm", "clip_norm"),
    ("train", "clip_value", "clip_value"),
    ("train", "ema", "ema"),
    ("train", "freeze", "freeze"),
    ("train", "no_decay_on_norms_and_biases", "no_decay_1d"),
    ("train", "sync_batch_norm", "sync_batch_norm"),
    ("train", "groups", "group"),
    ("train", "validation", "validation"),
    ("train", "best", "best"),
    ("train", "patience", "patience"),
    ("train", "keep", "keep"),
    ("train", "max_steps", "max_steps"),
    ("train", "checkpoint_steps", "checkpoint_every"),
    ("optimizer", "type", "optimizer"),
    ("optimizer", "lr", "lr"),
    ("optimizer", "weight_decay", "weight_decay"),
    ("optimizer", "momentum", "momentum"),
    ("optimizer", "nesterov", "nesterov"),
    ("optimizer", "beta1", "beta1"),
    ("optimizer", "beta2", "beta2"),
    ("optimizer", "eps", "eps"),
    ("optimizer", "alpha", "alpha"),
    ("optimizer", "centered", "centered"),
    ("optimizer", "lr_decay", "lr_decay"),
    ("optimizer", "initial_accumulator_value", "initial_accumulator_value"),
    ("schedule", "type", "schedule"),
    ("schedule", "warmup", "warmup"),
    ("schedule", "warmup_start", "warmup_start"),
    ("schedule", "every", "every"),
    ("schedule", "milestones", "milestones"),
    ("schedule", "gamma", "gamma"),
    ("schedule", "minimum", "minimum"),
    ("schedule", "power", "power"),
    ("schedule", "rise", "rise"),
    ("schedule", "div_factor", "div_factor"),
    ("schedule", "final_div_factor", "final_div_factor"),
    ("schedule", "factor", "factor"),
    ("schedule", "patience", "plateau_patience"),
    ("schedule", "threshold", "threshold"),
    ("schedule", "cooldown", "cooldown"),
    ("loss", "type", "loss"),
    ("loss", "label_smoothing", "label_smoothing"),
    ("loss", "class_weights", "class_weights"),
    ("loss", "delta", "huber_delta"),
];

/// The options that have keys.
pub fn options() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(.., option)| *option)
}

/// The key that does what an option of `train` does.
pub fn of(option: &str) -> String {
    match KEYS.iter().find(|(.., other)| *other == option) {
        Some((table, key, _)) => format!("`[{table}]` `{key}`"),
        None if option == "augment" => "the table `[augment]`".into(),
        None if option == "input" => "`input`".into(),
        None => "—".into(),
    }
}

const FILE: &str = "
## A model's file

Beside its layers a model's file may say how it is trained: the tables `[train]`, `[optimizer]`, `[schedule]`, `[loss]` and `[augment]`. Each key does what
the option of `convoke train` beside it in the tables above does, has its default, and takes its values: numbers as numbers, switches as `true` and `false`
(`shuffle = false` is `--no-shuffle`), lists as lists (`freeze = [\"conv1.*\", \"*.bias\"]`, `milestones = [30, 60]`), steps as text (`warmup = \"500 steps\"`).

| key | value, unit, range | default | meaning |
| --- | --- | --- | --- |
| `name` | text | `model` | What the model is called. |
| `input` | `[channels, height, width]`; to 1024 channels, to 16384 rows and columns | required | What pictures are brought to. |
| `classes` | a whole number from 1 to 1048576 | 10 | For how many classes `summary` shows the model; when it is trained, the data says. |
| `layers` | a list of tables, or `[[layers]]` each | required | The layers, from the input on: see below. |
| `[[train.groups]]` `parameters` | a name, in which `*` stands for any text and `?` for any character | required | The parameters of the group: as PATTERN of `--group`. |
| `[[train.groups]]` `lr_factor` | a number above 0 | 1 | A factor on the learning rate: as `lr` of `--group`. |
| `[[train.groups]]` `weight_decay` | a number from 0 | the optimizer's | A weight decay of its own: as `decay` of `--group`. |

### [augment]

How training pictures are changed at random, in the order in which it is done. On the command line: `--augment crop=4,flip,scale=0.9:1.1`. `true`, and a name without a
value, stand for the usual value.

| key | value, range | usual value | default | meaning |
| --- | --- | --- | --- | --- |
";

/// The section on what stands beside the layers.
pub fn section() -> String {
    let mut text = FILE.to_string();
    for option in AUGMENT_OPTIONS {
        let mut meaning = option.meaning.to_string();
        meaning[..1].make_ascii_uppercase();
        let default = if option.name == "ratio" { "3/4 to 4/3" } else { "off" };
        let usual = option.usual.replace("1.3333333333333333", "1.3333");
        text += &format!("| `{}` | {} | `{usual}` | {default} | {meaning}. |\n", option.name, option.values());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys that a table may have, by what is said of one that it may not.
    fn known(table: &str) -> Vec<String> {
        let error = Settings::from_model(&format!("[{table}]\nzzz = 1")).unwrap_err().to_string();
        let (_, list) = error.rsplit_once("There are ").unwrap();
        list.split(", ").map(String::from).collect()
    }

    /// What the npm package takes as an object.
    #[test]
    fn the_types_of_the_package_have_every_key() {
        let types = include_str!("../../../../web/src/package/more.d.ts");
        let keys = KEYS.iter().map(|(table, key, _)| (*table, *key));
        let augment = AUGMENT_OPTIONS.iter().map(|option| ("augment", option.name));
        let mut wanted: Vec<_> = keys.chain(augment).collect();
        let (mut table, mut found) = ("", Vec::new());
        for (indent, name) in types.lines().filter_map(|line| {
            let name = line.trim_start();
            Some((line.len() - name.len(), name.split_once("?:")?.0))
        }) {
            if indent == 2 {
                table = name;
            } else {
                found.push((table, name));
            }
        }
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted);
    }

    #[test]
    fn every_key_of_every_table_has_its_option() {
        for table in ["train", "optimizer", "schedule", "loss"] {
            let own = KEYS.iter().filter(|(other, ..)| *other == table);
            let mut listed: Vec<String> = own.map(|(_, key, _)| key.to_string()).collect();
            let mut known = known(table);
            listed.sort();
            known.sort();
            assert_eq!(listed, known, "[{table}]");
        }
        assert_eq!(Settings::default().augment, Augment::NONE);
        let groups = Settings::from_model("[[train.groups]]\nzzz = 1").unwrap_err().to_string();
        assert!(groups.ends_with("There are parameters, lr_factor, weight_decay"), "{groups}");
    }
}
