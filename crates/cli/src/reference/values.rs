//! What may stand behind each option, with its unit and range, by the option's name in Rust.

const VALUES: &[(&str, &str)] = &[
    ("accumulate", "batches, from 1 to 65536"),
    ("alpha", "a number from 0 to below 1"),
    ("augment", "`NAME=VALUE,NAME,…`, or `none`"),
    ("batch_size", "pictures, from 1 to 65536"),
    ("beta1", "a number from 0 to below 1"),
    ("beta2", "a number from 0 to below 1"),
    ("cache_dir", "a folder"),
    ("checkpoint", "a safetensors file"),
    ("checkpoint_every", "steps, from 1"),
    ("class_weights", "`balanced`, or a number of 0 or more for each class, with commas"),
    ("clip_norm", "a number above 0"),
    ("clip_value", "a number above 0"),
    ("cooldown", "epochs, from 0"),
    ("data", "a folder, a zip file, or `fashion-mnist-mini`"),
    ("device", "`auto`, `cpu`, `gpu`, `gpu:K`, or a part of a device's name"),
    ("compare", "two files that `bench --json` has written"),
    ("device_timeout", "seconds, above 0"),
    ("div_factor", "a number from 1"),
    ("ema", "a number from 0 to below 1"),
    ("epochs", "epochs, from 1"),
    ("eps", "a number above 0"),
    ("every", "epochs above 0, or steps as `500steps`"),
    ("factor", "a number between 0 and 1"),
    ("final_div_factor", "a number from 1"),
    ("freeze", "a name, in which `*` stands for any text and `?` for any character"),
    ("gamma", "a number above 0"),
    ("group", "`PATTERN:lr=FACTOR,decay=X`"),
    ("huber_delta", "a number above 0"),
    ("images", "PNG, JPEG or WebP files"),
    ("init", "a safetensors file"),
    ("initial_accumulator_value", "a number from 0"),
    ("input", "`C,H,W`: 1 or 3 channels; 1 to 16384 pixels high and wide"),
    ("keep", "checkpoints, from 1"),
    ("label_smoothing", "a number from 0 to below 1"),
    ("lr", "a number above 0"),
    ("lr_decay", "a number from 0"),
    ("matrix", "an SVG file"),
    ("max_steps", "steps, from 1"),
    ("milestones", "epochs, or steps as `500steps`, with commas"),
    ("minimum", "a number from 0"),
    ("model", "a preset's name, or a TOML file"),
    ("models", "presets' names or TOML files, one or more, each quoted with its options"),
    ("momentum", "a number from 0 to below 1"),
    ("normalize", "`dataset`, `none`, or `MEANS:STDS`"),
    ("out", "a folder"),
    ("patience", "epochs, from 1"),
    ("plateau_patience", "epochs, from 0"),
    ("power", "a number above 0"),
    ("resume", "a run's folder"),
    ("rise", "a number between 0 and 1"),
    ("seconds", "seconds, above 0"),
    ("seed", "a whole number from 0 to 2⁶⁴ − 1"),
    ("show_augmented", "a PNG file"),
    ("split", "`auto`, `equal`, or a ratio as `3:1`"),
    ("steps", "steps, from 1"),
    ("threads", "threads, from 1"),
    ("threshold", "a number from 0 to below 1"),
    ("time", "seconds, or `90s`, `5m`, `1h`; above 0"),
    ("top", "classes, from 1"),
    ("validation", "a number from 0 to below 1"),
    ("warmup", "epochs from 0, or steps as `500steps`"),
    ("warmup_start", "a number above 0, up to 1"),
    ("weight_decay", "a number from 0"),
];

/// The options.
pub fn all() -> impl Iterator<Item = &'static str> {
    VALUES.iter().map(|(id, _)| *id)
}

/// What may stand behind an option.
pub fn of(id: &str) -> &'static str {
    let found = VALUES.iter().find(|(other, _)| *other == id);
    found.unwrap_or_else(|| panic!("say in crates/cli/src/reference/values.rs what may stand behind `{id}`")).1
}
