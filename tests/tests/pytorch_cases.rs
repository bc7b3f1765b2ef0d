//! What PyTorch says of single operations and their gradients: see `fixtures/README.md`.

use convoke_tests::agreement::{Findings, within};
use convoke_tests::fixtures::Fixture;
use convoke_tests::pytorch::cases::{Case, cases, check, definition};
use convoke_tests::{block_on, engines};

fn all() -> [(Fixture, Vec<Case>); 2] {
    [
        (Fixture::open("cases"), cases(include_str!("../fixtures/cases.json"))),
        (Fixture::open("layers"), cases(include_str!("../fixtures/layers.json"))),
    ]
}

#[test]
fn there_are_cases_of_every_kind() {
    let [(_, cases), (_, layers)] = all();
    assert!(cases.len() >= 40 && layers.len() >= 30, "{} and {}", cases.len(), layers.len());
    for kind in ["conv2d", "linear", "max_pool2d", "average_pool2d", "global_average_pool2d", "cross_entropy", "loss"] {
        assert!(cases.iter().any(|case| case.kind == kind), "{kind}");
    }
}

#[test]
fn the_definition_gives_pytorchs_results() {
    for (fixture, cases) in all() {
        for case in &cases {
            for (role, error) in definition(case, &fixture) {
                assert!(within(error, 1e-14), "{}, {role} is off by {error:.1e}", case.name);
            }
        }
    }
}

#[test]
fn engines_give_pytorchs_results() {
    let all = all();
    let mut failures = Vec::new();
    for mut subject in engines() {
        let mut findings = Findings::default();
        block_on(async {
            for (fixture, cases) in &all {
                for case in cases {
                    check(subject.engine.as_mut(), case, fixture, &mut findings).await;
                }
            }
        });
        subject.report(&findings.figures);
        let device = &subject.name;
        failures.extend(findings.failures.into_iter().map(|failure| format!("{device}: {failure}")));
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
