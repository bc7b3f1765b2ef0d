//! Held to the crate `toml`: what it reads, this reads as the same; what it refuses, this refuses.

use proptest::prelude::*;

/// A value in words that both readers share.
fn theirs(value: &complete::Value) -> String {
    match value {
        complete::Value::String(text) => format!("{text:?}"),
        complete::Value::Integer(number) => format!("{number}"),
        complete::Value::Float(number) => format!("{number:?}"),
        complete::Value::Boolean(value) => format!("{value}"),
        complete::Value::Datetime(date) => format!("date {date}"),
        complete::Value::Array(values) => format!("[{}]", values.iter().map(theirs).collect::<Vec<_>>().join(", ")),
        complete::Value::Table(table) => {
            let mut entries: Vec<String> =
                table.iter().map(|(key, value)| format!("{key:?}: {}", theirs(value))).collect();
            entries.sort();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn ours(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => format!("{text:?}"),
        toml::Value::Integer(number) => format!("{number}"),
        toml::Value::Float(number) => format!("{number:?}"),
        toml::Value::Boolean(value) => format!("{value}"),
        toml::Value::Array(values) => format!("[{}]", values.into_iter().map(ours).collect::<Vec<_>>().join(", ")),
        toml::Value::Table(table) => {
            let mut entries: Vec<String> =
                table.into_iter().map(|(key, value)| format!("{key:?}: {}", ours(value))).collect();
            entries.sort();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// What both make of a text.
fn both(text: &str) -> [Option<String>; 2] {
    let theirs = complete::from_str::<complete::Table>(text).ok().map(|table| theirs(&complete::Value::Table(table)));
    let ours = toml::from_str::<toml::Table>(text).ok().map(|table| ours(toml::Value::Table(table)));
    [theirs, ours]
}

fn alike(text: &str) {
    let [theirs, ours] = both(text);
    // Dates are left out on purpose.
    if !theirs.as_deref().is_some_and(|read| read.contains("date ")) {
        assert_eq!(ours, theirs, "{text}");
    }
}

#[test]
fn texts_are_read_as_the_complete_reader_does() {
    for text in [
        "",
        "\n# comment\r\n\t# another",
        "a = 1\nb = -2\nc = +3\nd = 1_000\ne = 0x_1\nf = 0xfF\ng = 0o17\nh = 0b101",
        "d = 0xfF\ne = 0o17\nf = 0b1_01\ng = 1_000",
        "a = 01",
        "a = 1__0",
        "a = 9223372036854775807\nb = -9223372036854775808",
        "a = 9223372036854775808",
        "a = 1.5\nb = -0.0\nc = 1e3\nd = 1E-3\ne = 6.02e+23\nf = 1_0.5_0e1_0\ng = inf\nh = -inf\ni = nan",
        "a = 1.",
        "a = .5",
        "a = 1.e3",
        "a = 1e",
        "a = 01.5",
        "a = true\nb = false",
        "a = True",
        "a = \"\\b\\t\\n\\f\\r\\\"\\\\\\u00e9\\U0001F600\"",
        "a = \"\\q\"",
        "a = \"\\x4\"",
        "a = \"\\ud800\"",
        "a = \"line\nbreak\"",
        "a = \"open",
        "a = 'C:\\path'\nb = ''\nc = \"\"",
        "a = \"\"\"\nfirst\nsecond \\\n   third\"\"\"\nb = '''\nraw \\ text'''",
        "a = \"\"\"quotes \"\"inside\"\" \"\"\"\"\"",
        "a = '''''two'''''",
        "a = \"\"\"\\   \n\n  x\"\"\"",
        "a = \"\"\"\\ x\"\"\"",
        "a = [1, 2,\n  3, # three\n]\nb = []\nc = [[1], [\"x\", true]]\nd = [1 2]",
        "a = [1, 2,\n  3, # three\n]\nb = []\nc = [[1], [\"x\", true]]",
        "a = { b = 1, c.d = 2, \"e f\" = 3 }\ng = {}",
        "a = { b = 1 }\na.c = 2",
        "a = { b = 1 }\n[a.c]",
        "a = { b = 1, b = 2 }",
        "a = { b.c = 1, b.d = 2 }",
        "a = {\n  b = 1, # one\n  c = 2,\n}\nd = {,}",
        "a = {\n  b = 1, # one\n  c = 2,\n}",
        "a = \"\\e\\x41\\xff\"",
        "a = { b.c = 1, b = 2 }",
        "a.b = 1\na.c = 2\n\"a\".'d' = 3",
        "a = 1\na.b = 2",
        "a = 1\na = 2",
        "a . b = 1",
        "a. = 1",
        ".a = 1",
        "= 1",
        "a",
        "a =",
        "a = 1 b = 2",
        "[a]\nb = 1\n[a.c]\nd = 2\n[e.f.g]\nh = 3\n[e]\ni = 4",
        "[a]\n[a]",
        "[a.b]\n[a]\n[a]",
        "[a]\nb.c = 1\n[a.b]",
        "[a]\nb.c = 1\n[a.b.d]",
        "a.b.c = 1\n[a.b]",
        "[a.b]\nc = 1\n[a]\nb.d = 2",
        "[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n[[a.e]]\n[[a.e]]\nf = 1",
        "a = [{ b = 1 }]\n[[a]]",
        "a = []\n[[a]]",
        "[a]\n[[a]]",
        "[[a]]\n[a]",
        "[a.b]\n[[a]]",
        "[ a . \"b c\" ]\nd = 1",
        "[a",
        "[[a]",
        "[]",
        "[a]]",
        "[a] # comment\nb = 1",
        "[a] b = 1",
        "a = 1 # comment",
        "a = \u{7f}",
        "a = \"\u{1}\"",
        "# \u{1}",
        "é = 1",
        "\"é\" = 1",
        "a = 1\r\nb = 2\r\n",
        "a = 1\rb = 2",
        "a = 2020-01-01",
        "\"\"\"a\"\"\" = 1",
        "1 = 2\n1.5 = 3\n-a = 4",
    ] {
        alike(text);
    }
}

#[test]
fn places_are_those_of_names() {
    let line = |text: &str| {
        let error = toml::from_str::<toml::Table>(text).map(|_| ()).unwrap_err();
        text[..error.span().unwrap().start].matches('\n').count() + 1
    };
    assert_eq!(line("a = 1\nb = [\n"), 2);
    assert_eq!(line("a = 1\n\nb = what"), 3);
    assert_eq!(line("a = 1\na = 2\nc = 3"), 2);
    let date = toml::from_str::<toml::Table>("a = 2020-01-01").unwrap_err();
    assert_eq!(date.message(), "`2020-01-01`: dates and times have no use here; put text in quotes");
}

#[test]
fn depth_and_width_are_bounded() {
    let deep = |levels: usize| format!("a = {}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(toml::from_str::<toml::Table>(&deep(50)).is_ok());
    assert!(toml::from_str::<toml::Table>(&deep(100_000)).unwrap_err().message().contains("deep"));
    let dotted = format!("{}a = 1", "a.".repeat(100_000));
    assert!(toml::from_str::<toml::Table>(&dotted).unwrap_err().message().contains("deep"));
    let headers = format!("[{}a]", "a.".repeat(100_000));
    assert!(toml::from_str::<toml::Table>(&headers).unwrap_err().message().contains("deep"));
    let wide: String = (0..100_000).map(|i| format!("a{i} = 1\n")).collect();
    assert!(toml::from_str::<toml::Table>(&wide).unwrap_err().message().contains("4096 names"));
}

fn value() -> impl Strategy<Value = toml::Value> {
    let leaf = prop_oneof![
        any::<String>().prop_map(toml::Value::String),
        any::<i64>().prop_map(toml::Value::Integer),
        any::<f64>().prop_filter("NaN is not equal to itself", |x| !x.is_nan()).prop_map(toml::Value::Float),
        any::<bool>().prop_map(toml::Value::Boolean),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(toml::Value::Array),
            table(inner).prop_map(toml::Value::Table),
        ]
    })
}

fn table(inner: impl Strategy<Value = toml::Value>) -> impl Strategy<Value = toml::Table> {
    prop::collection::vec(("[a-z]{0,3}|.{1,3}", inner), 0..4).prop_map(|entries| {
        let mut table = toml::Table::new();
        table.extend(entries);
        table
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(table in table(value())) {
        let text = toml::to_string(&table).unwrap();
        prop_assert_eq!(toml::from_str::<toml::Table>(&text), Ok(table.clone()), "{}", text);
        let [theirs, ours] = both(&text);
        prop_assert_eq!(theirs, ours, "{}", text);
        if let Some((_, value)) = table.into_iter().next() {
            let line = format!("a = {value}");
            prop_assert_eq!(toml::from_str::<toml::Table>(&line).unwrap().remove("a"), Some(value));
        }
    }

    #[test]
    fn pieces_of_texts_are_read_alike(pieces in prop::collection::vec(0usize..26, 1..14)) {
        const PIECES: [&str; 26] = [
            "a", "b", ".", " = ", "1", "-2", "0.5", "1e3", "\"x\"", "'y'", "[", "]", "[[", "]]", "{", "}", ", ", "\n", "\n", "\n", "# c\n",
            "true", "inf", "\"\"\"", "_", "0",
        ];
        alike(&pieces.iter().map(|&piece| PIECES[piece]).collect::<String>());
    }
}
