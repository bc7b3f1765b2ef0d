//! Wrong descriptions: each is refused, with words that say what was asked, what was found, and what to do.

use convoke_core::model::ModelSpec;

/// The error of a description: of reading it, or of building it.
fn problem(text: &str) -> String {
    match ModelSpec::from_toml(text).and_then(|spec| spec.build()) {
        Ok(_) => "none".into(),
        Err(error) => error.to_string(),
    }
}

fn expect(cases: &[(&str, &[&str])]) {
    let mut failures = Vec::new();
    for (text, words) in cases {
        let found = problem(text);
        let missing: Vec<&&str> = words.iter().filter(|word| !found.contains(**word)).collect();
        if !missing.is_empty() || found.contains('\n') {
            failures.push(format!("{text}\n    gives {found:?}\n    and lacks {missing:?}"));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

/// Descriptions of 3 × 8 × 8 pictures with the given layers, and what their errors have to say.
fn expect_of_layers(cases: &[(&str, &[&str])]) {
    let texts: Vec<String> =
        cases.iter().map(|(layers, _)| format!("input = [3, 8, 8]\nlayers = [{layers}]")).collect();
    let cases: Vec<(&str, &[&str])> =
        texts.iter().zip(cases).map(|(text, (_, words))| (text.as_str(), *words)).collect();
    expect(&cases);
}

#[test]
fn what_is_no_description() {
    expect(&[
        ("", &["line 1", "input"]),
        ("input = [3, 8, 8]", &["layers"]),
        ("input = [3, 8, 8]\nlayers = [", &["line 2"]),
        ("input = [3, 8]\nlayers = []", &["line 1"]),
        ("input = [3, -8, 8]\nlayers = []", &["line 1", "-8"]),
        ("input = [3, 8, 8]\nlayers = []\nclases = 3", &["line 3", "unknown field `clases` (did you mean `classes`?)"]),
        ("input = [3, 8, 8]\nclasses = \"ten\"\nlayers = []", &["line 2", "ten"]),
        ("input = [3, 8, 8]\nlayers = [3]", &["line 2"]),
    ]);
}

#[test]
fn what_no_picture_is_like() {
    expect(&[
        ("input = [3, 0, 8]\nlayers = []", &["input = [3, 0, 8]", "above 0"]),
        ("input = [3, 8, 100000]\nlayers = []", &["input = [3, 8, 100000]", "16384"]),
        ("input = [5000, 8, 8]\nlayers = []", &["input = [5000, 8, 8]", "1024"]),
        ("input = [1024, 16384, 16384]\nlayers = [{ type = \"flatten\" }]", &["[N, 1024, 16384, 16384]", "smaller"]),
        ("input = [3, 8, 8]\nclasses = 0\nlayers = []", &["classes = 0"]),
        ("input = [3, 8, 8]\nclasses = 99999999\nlayers = []", &["classes = 99999999", "1048576"]),
    ]);
}

#[test]
fn what_is_no_layer() {
    expect_of_layers(&[
        (r#"{ name = "a" }"#, &["layer 0", "no `type`"]),
        (r#"{ type = "conv3d" }"#, &["conv3d", "did you mean `conv2d`?", "max_pool2d", "linear"]),
        (r#"{ type = "soft_max" }"#, &["soft_max", "did you mean `softmax`?"]),
        (
            r#"{ type = "conv2d", out_channels = 4, kernel_size = 3, strides = 2 }"#,
            &["conv2d_0", "`strides` (did you mean `stride`?)", "padding"],
        ),
        (r#"{ type = "upsample", scale_factor = 2, mode = "linear" }"#, &["upsample_0", "`linear`", "bilinear"]),
        (r#"{ type = "pad", padding = [1, 2, 3] }"#, &["pad_0", "[top, bottom, left, right]"]),
        (r#"{ type = "relu" }, { type = 3 }"#, &["layer 1", "`type`", "string", "3"]),
        (r#"{ type = "relu", name = ["a"] }"#, &["layer 0", "`name`", "string"]),
        (r#"{ type = "relu", slope = 0.1 }"#, &["relu_0", "slope"]),
        (r#"{ type = "linear", out_features = 10, in_features = 3 }"#, &["linear_0", "unknown field `in_features`"]),
        (r#"{ type = "conv2d", out_channels = 4 }"#, &["conv2d_0", "missing field `kernel_size`"]),
        (r#"{ type = "conv2d", kernel_size = 3 }"#, &["conv2d_0", "missing field `out_channels`"]),
        (r#"{ type = "conv2d", out_channels = 4, kernel_size = "three" }"#, &["three", "[vertical, horizontal]"]),
        (r#"{ type = "conv2d", out_channels = 4, kernel_size = [3, 3, 3] }"#, &["conv2d_0", "[vertical, horizontal]"]),
        (r#"{ type = "conv2d", out_channels = 4, kernel_size = [3] }"#, &["conv2d_0", "[vertical, horizontal]"]),
        (r#"{ type = "conv2d", out_channels = 4, kernel_size = 2.5 }"#, &["2.5", "[vertical, horizontal]"]),
        (r#"{ type = "conv2d", out_channels = 4, kernel_size = -3 }"#, &["-3", "[vertical, horizontal]"]),
        (r#"{ type = "linear", out_features = "many" }"#, &["many", "\"classes\""]),
        (r#"{ type = "linear", out_features = 0 }"#, &["linear_0", "0", "above 0"]),
        (r#"{ type = "linear", out_features = -1 }"#, &["-1", "above 0"]),
        (r#"{ type = "linear", out_features = 99999999999999999999 }"#, &["line 2"]),
    ]);
}

#[test]
fn sizes_that_there_are_not() {
    expect_of_layers(&[
        (r#"{ type = "upsample", name = "a" }"#, &["`a`", "scale_factor", "size"]),
        (r#"{ type = "upsample", name = "a", scale_factor = 2, size = 9 }"#, &["`a`", "either"]),
        (r#"{ type = "upsample", name = "a", scale_factor = 0 }"#, &["`a`", "scale_factor in 1 …"]),
        (r#"{ type = "upsample", name = "a", scale_factor = 16384 }"#, &["`a`", "131072×131072", "choose less"]),
        (r#"{ type = "adaptive_avg_pool2d", name = "a", output_size = 0 }"#, &["`a`", "output_size in 1 …"]),
        (r#"{ type = "pad", name = "a", padding = 8, mode = "reflect" }"#, &["`a`", "8×8", "7 rows"]),
        (r#"{ type = "pad", name = "a", padding = 99999 }"#, &["`a`", "padding in 0 …"]),
        (
            r#"{ type = "conv_transpose2d", name = "a", out_channels = 4, kernel_size = 3, output_padding = 1 }"#,
            &["`a`", "output_padding", "smaller than the stride"],
        ),
        (
            r#"{ type = "conv_transpose2d", name = "a", out_channels = 4, kernel_size = 3, padding = 5 }"#,
            &["`a`", "leaves nothing"],
        ),
        (
            r#"{ type = "conv_transpose2d", name = "a", out_channels = 4, kernel_size = 16384, stride = 16384 }"#,
            &["`a`", "smaller"],
        ),
        (r#"{ type = "flatten" }, { type = "global_max_pool", name = "a" }"#, &["`a`", "[N, 192]"]),
    ]);
}

#[test]
fn names_that_lead_nowhere() {
    expect_of_layers(&[
        (r#"{ type = "relu", name = "a" }, { type = "relu", name = "a" }"#, &["two layers", "`a`"]),
        (r#"{ type = "relu", name = "input" }"#, &["`input`"]),
        (r#"{ type = "relu", name = "" }"#, &["name"]),
        (r#"{ type = "relu", name = "a", from = ["b"] }"#, &["`a`", "`b`", "input"]),
        (r#"{ type = "relu", name = "a", from = ["b"] }, { type = "relu", name = "b" }"#, &["`a`", "`b`", "before"]),
        (r#"{ type = "relu", name = "a", from = ["a"] }"#, &["`a`", "before"]),
        (r#"{ type = "relu", name = "a", from = "input" }"#, &["`a`", "`from`", "list"]),
        (r#"{ type = "relu", name = "a", from = ["input", "input"] }"#, &["`a`", "one input", "2"]),
        (r#"{ type = "add", name = "a" }"#, &["`a`", "two inputs", "1", "from ="]),
    ]);
}

#[test]
fn shapes_that_do_not_fit() {
    let sum =
        r#"{ type = "max_pool2d", name = "a", kernel_size = 2 }, { type = "add", name = "b", from = ["input", "a"] }"#;
    expect_of_layers(&[
        (r#"{ type = "linear", name = "a", out_features = 10 }"#, &["`a`", "[N, 3, 8, 8]", "flatten"]),
        (
            r#"{ type = "flatten" }, { type = "conv2d", name = "a", out_channels = 4, kernel_size = 3 }"#,
            &["`a`", "[N, 192]", "[N, channels, height, width]"],
        ),
        (
            r#"{ type = "flatten" }, { type = "max_pool2d", name = "a", kernel_size = 2 }"#,
            &["`a`", "[N, 192]", "[N, channels, height, width]"],
        ),
        (r#"{ type = "flatten" }, { type = "global_avg_pool", name = "a" }"#, &["`a`", "[N, 192]"]),
        (sum, &["`b`", "[N, 3, 8, 8]", "[N, 3, 4, 4]"]),
        (r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 9 }"#, &["`a`", "9×9", "8×8", "padding"]),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 5, dilation = 3 }"#,
            &["`a`", "13×13", "8×8"],
        ),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 3, groups = 2 }"#,
            &["`a`", "groups = 2", "3 channels"],
        ),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 3, groups = 3 }"#,
            &["`a`", "groups = 3", "4"],
        ),
        (r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 3, groups = 0 }"#, &["`a`", "groups = 0"]),
        (r#"{ type = "max_pool2d", name = "a", kernel_size = 2, padding = 2 }"#, &["`a`", "half", "[2, 2]"]),
        (r#"{ type = "avg_pool2d", name = "a", kernel_size = [2, 4], padding = [2, 1] }"#, &["`a`", "half", "[2, 1]"]),
    ]);
}

#[test]
fn sizes_of_nothing_and_sizes_beyond_use() {
    expect_of_layers(&[
        (r#"{ type = "conv2d", name = "a", out_channels = 0, kernel_size = 3 }"#, &["conv2d", "`a`", "above 0"]),
        (r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 0 }"#, &["`a`", "kernel_size", "[0, 0]"]),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 3, stride = 0 }"#,
            &["`a`", "stride", "[0, 0]"],
        ),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 3, dilation = [1, 0] }"#,
            &["`a`", "dilation", "[1, 0]"],
        ),
        (r#"{ type = "max_pool2d", name = "a", kernel_size = [0, 2] }"#, &["`a`", "kernel_size", "[0, 2]"]),
        (r#"{ type = "max_pool2d", name = "a", kernel_size = 2, stride = 0 }"#, &["`a`", "stride", "[0, 0]"]),
        (r#"{ type = "avg_pool2d", name = "a", kernel_size = 2, stride = 0 }"#, &["`a`", "stride", "[0, 0]"]),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 3, padding = 9999999 }"#,
            &["`a`", "padding", "9999999", "16384"],
        ),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 3, stride = 9223372036854775807 }"#,
            &["`a`", "stride", "16384"],
        ),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 9223372036854775807 }"#,
            &["`a`", "kernel_size", "16384"],
        ),
        (r#"{ type = "max_pool2d", name = "a", kernel_size = 9223372036854775807 }"#, &["`a`", "kernel_size", "16384"]),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 9223372036854775807, kernel_size = 3 }"#,
            &["`a`", "smaller"],
        ),
        (
            r#"{ type = "flatten" }, { type = "linear", name = "a", out_features = 9223372036854775807 }"#,
            &["`a`", "smaller"],
        ),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 100000, kernel_size = 1, padding = 200 }"#,
            &["`a`", "smaller"],
        ),
        (
            r#"{ type = "conv2d", name = "a", out_channels = 4, kernel_size = 3, groups = 9223372036854775807 }"#,
            &["`a`", "groups"],
        ),
    ]);
}

#[test]
fn an_end_that_is_not_a_row_of_classes() {
    expect_of_layers(&[
        ("", &["[N, 3, 8, 8]", "10 classes", "[N, 10]"]),
        (r#"{ type = "flatten" }, { type = "linear", out_features = 7 }"#, &["[N, 7]", "10 classes", "\"classes\""]),
        (r#"{ type = "conv2d", out_channels = "classes", kernel_size = 8 }"#, &["[N, 10, 1, 1]", "[N, 10]"]),
    ]);
}
