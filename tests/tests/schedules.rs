//! Schedules against what PyTorch's give: see `fixtures/README.md`.

use convoke_train::{Length, Plateau, Schedule};
use serde_json::Value;

fn entries() -> (f64, usize, Vec<Value>) {
    let text = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/schedules.json")).unwrap();
    let mut entries: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let head = entries.remove(0);
    (head["lr"].as_f64().unwrap(), head["per_epoch"].as_u64().unwrap() as usize, entries)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn rates_are_pytorchs() {
    let (lr, per_epoch, entries) = entries();
    let mut compared = 0;
    for entry in entries.iter().filter(|entry| entry["losses"].is_null()) {
        let schedule: Schedule = serde_json::from_value(entry["schedule"].clone()).unwrap();
        schedule.check().unwrap();
        let length = Length { steps: entry["steps"].as_u64().unwrap(), per_epoch };
        for (t, rate) in (0..).zip(numbers(&entry["rates"])) {
            let found = schedule.rate(lr, t, length);
            assert!((found - rate).abs() <= 1e-12 + 1e-9 * rate, "{schedule:?}, step {t}: {found} for {rate}");
            compared += 1;
        }
    }
    assert_eq!(compared, 11 * 60);
}

#[test]
fn plateaus_are_pytorchs() {
    let (lr, _, entries) = entries();
    let mut lowered = 0;
    for entry in entries.iter().filter(|entry| !entry["losses"].is_null()) {
        let schedule: Schedule = serde_json::from_value(entry["schedule"].clone()).unwrap();
        schedule.check().unwrap();
        let mut plateau = Plateau::default();
        for (loss, rate) in numbers(&entry["losses"]).into_iter().zip(numbers(&entry["rates"])) {
            plateau.follow(&schedule, lr, loss);
            let found = lr.min(plateau.limit);
            assert!((found - rate).abs() <= 1e-12, "{schedule:?}, loss {loss}: {found} for {rate}");
            lowered += u32::from(found < lr);
        }
    }
    assert!(lowered > 10, "{lowered}");
}
