//! A stroller for twins, heard by fifty sellers. Slow: fifty-two processes on whatever cores there are.

use std::time::Duration;

use serde_json::Value;

use crate::{member::run_for, wait::alone};

/// Fifty debug builds take their turns to start.
const ALL_OF_IT: Duration = Duration::from_secs(1200);

#[tokio::test]
async fn a_stroller_for_twins_is_heard_by_all_and_answered_by_all_who_have_one() {
    let _stage = alone().await;
    let args = [
        "--json",
        "demo",
        "--exit",
        "--shops",
        "50",
        "--want",
        "a stroller for twins",
        "--region",
        "GB-LEW",
        "--budget",
        "400GBP",
    ];
    let shown = run_for(ALL_OF_IT, &args).await;
    assert!(shown.status.success(), "{}", shown.complaints);
    let events: Vec<Value> = shown
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let done = events
        .iter()
        .find(|event| event["event"] == "done")
        .expect("it comes to its end");
    assert_eq!(done["shops"], 50);
    println!("{} ms from cast to receipt", done["ms"]);
    assert_eq!(done["heard"], 50, "all hear it: {done}");
    assert_eq!(done["missing"], Value::Array(Vec::new()), "none is lost: {done}");
    assert_eq!(done["answered"], done["due"], "every one that has one answers: {done}");
    assert!(
        done["due"].as_u64().is_some_and(|due| due >= 10),
        "enough of them have one: {done}"
    );
}
