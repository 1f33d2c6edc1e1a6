//! Stories of sweeps.

use std::collections::BTreeSet;

use super::*;
use crate::outcome::{Outcome, Summary};
use crate::scenario::Scenario;

fn sweep(text: &str) -> Sweep {
    Sweep::parse("sweep.toml", text).expect("sound")
}

const GRID: &str = "scenario = \"x\"\nseed = 9\nreplicates = 3\n[grid]\n\"gossipsub.d\" = [6, 8]\n\
                    \"links.latency\" = [{ constant_ms = 10 }, { constant_ms = 20 }]\n";

#[test]
fn a_grid_is_every_combination_and_each_replicate_has_its_seed() {
    let runs = sweep(GRID).runs(&Scenario::of(50)).expect("sound");
    assert_eq!(runs.len(), 12);
    let points: BTreeSet<String> = runs.iter().map(|run| format!("{:?}", run.point)).collect();
    assert_eq!(points.len(), 4);
    let seeds: BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
    assert_eq!(seeds.len(), 3, "points differ by their keys alone");
    let distinct: BTreeSet<String> = hashes(&runs, "v").into_iter().collect();
    assert_eq!(distinct.len(), 12);
    assert_eq!(runs[11].scenario.gossipsub.d, 8);
    assert_ne!(
        hashes(&runs, "v")[0],
        hashes(&runs, "w")[0],
        "another program is another run"
    );
}

#[test]
fn draws_stay_within_their_spread_and_come_again() {
    let text = "scenario = \"x\"\ndraws = 200\n[random]\n\"gossipsub.gossip_factor\" = { uniform = [0.1, 0.4] }\n\
                \"traffic.interval_ms\" = { log = [10, 1000] }\n\"gossipsub.d_lazy\" = { whole = [2, 4] }\n\
                \"traffic.timing\" = { one_of = [\"regular\", \"poisson\"] }\n";
    let runs = sweep(text).runs(&Scenario::of(50)).expect("sound");
    let again = sweep(text).runs(&Scenario::of(50)).expect("sound");
    assert_eq!(runs.len(), 200);
    let mut lazy = BTreeSet::new();
    for (run, again) in runs.iter().zip(&again) {
        assert_eq!(run.point, again.point);
        assert!((0.1..0.4).contains(&run.scenario.gossipsub.gossip_factor));
        assert!((10.0..1000.0).contains(&run.scenario.traffic.interval_ms));
        lazy.insert(run.scenario.gossipsub.d_lazy);
    }
    assert_eq!(lazy, BTreeSet::from([2, 3, 4]));
    let slow = runs
        .iter()
        .filter(|run| run.scenario.traffic.interval_ms > 100.0)
        .count();
    assert!(
        (60..140).contains(&slow),
        "half of the decades are above 100 ms, and so are {slow} of 200 draws"
    );
}

#[test]
fn draws_that_come_out_alike_are_runs_of_their_own() {
    let text = "scenario = \"x\"\ndraws = 12\n[random]\n\"gossipsub.d\" = { whole = [6, 8] }\n";
    let runs = sweep(text).runs(&Scenario::of(50)).expect("sound");
    let all = hashes(&runs, "v");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 12);
    assert_eq!(all, hashes(&runs, "v"));
    // What is new at the end of a grid leaves the rows before it as they are.
    let grid = |values: &str| {
        let text = format!("scenario = \"x\"\n[grid]\n\"gossipsub.d\" = {values}\n");
        hashes(&sweep(&text).runs(&Scenario::of(50)).expect("sound"), "v")
    };
    assert_eq!(grid("[6, 8, 6]"), grid("[6, 8, 6, 6]")[..3]);
    assert_eq!(grid("[7, 8]")[1], grid("[8]")[0]);
}

#[test]
fn every_run_is_of_exactly_one_shard() {
    let runs = sweep(GRID).runs(&Scenario::of(50)).expect("sound");
    for run in &runs {
        let shards = (0..5).filter(|shard| run.is_of((*shard, 5))).count();
        assert_eq!(shards, 1);
    }
}

#[test]
fn a_bad_sweep_is_told_where() {
    for (text, line, said) in [
        ("scenario = \"x\"\n[gird]\n", 2, "unknown field"),
        ("scenario = \"x\"\n[grid]\nnodes = []\n", 3, "at least one value"),
        (
            "scenario = \"x\"\n[random]\nnodes = { whole = [5, 2] }\n",
            3,
            "the lesser first",
        ),
        (
            "scenario = \"x\"\n[random]\nnodes = { holes = [5, 2] }\n",
            3,
            "unknown variant",
        ),
        (
            "scenario = \"x\"\n[grid]\nnodes = [5]\n[random]\nnodes = { whole = [1, 2] }\n",
            5,
            "in the grid, too",
        ),
        ("scenario = \"x\"\nreplicates = 0\n", 0, "1 to 1000000 runs"),
    ] {
        let error = Sweep::parse("sweep.toml", text).expect_err(text);
        assert!(error.to_string().contains(said), "{error}");
        assert!(line == 0 || error.at.is_some_and(|at| at.0 == line), "{error}");
    }
    let unknown = sweep("scenario = \"x\"\n[grid]\n\"gossipsub.e\" = [1]\n").runs(&Scenario::of(50));
    assert!(unknown.expect_err("no such key").to_string().contains("gossipsub.e"));
}

#[test]
fn rows_are_kept_found_and_told_in_order() {
    let place = tempfile::tempdir().expect("a place");
    let rows = Rows::of(place.path());
    assert!(!rows.is_there());
    let runs = sweep(GRID).runs(&Scenario::of(50)).expect("sound");
    let keys = hashes(&runs, "v");
    rows.begin(&keys).expect("it can be made");
    for (run, hash) in runs.iter().zip(&keys).rev() {
        assert!(rows.row(hash).is_none());
        let row = Row::of(run, hash.clone(), Summary::of(&Outcome::default()));
        rows.keep(&row).expect("kept");
        assert_eq!(rows.row(hash), Some(row));
    }
    let all = rows.all().expect("read");
    assert!(all.is_sorted_by_key(|row| row.number));
    let text = csv(&all);
    let mut lines = text.lines();
    let names = lines.next().expect("a line of names");
    assert!(
        names.starts_with("run,hash,replicate,seed,gossipsub.d,links.latency,nodes,attackers,messages"),
        "{names}"
    );
    assert!(names.contains("latency_p99_ms"), "{names}");
    assert_eq!(lines.count(), 12);
    assert!(text.contains(",6,{ constant_ms = 10 },"), "{text}");
}

#[test]
fn a_row_that_was_not_written_to_its_end_is_none() {
    let place = tempfile::tempdir().expect("a place");
    let rows = Rows::of(place.path());
    let runs = sweep(GRID).runs(&Scenario::of(50)).expect("sound");
    let keys = hashes(&runs, "v");
    rows.begin(&keys[..2]).expect("it can be made");
    for (run, hash) in runs.iter().zip(&keys) {
        rows.keep(&Row::of(run, hash.clone(), Summary::of(&Outcome::default())))
            .expect("kept");
    }
    assert_eq!(
        rows.all().expect("read").len(),
        2,
        "the others are of no run of this sweep"
    );
    let file = place.path().join("rows").join(format!("{}.json", keys[0]));
    let text = std::fs::read(&file).expect("kept");
    for left in [0, text.len() / 2] {
        std::fs::write(&file, &text[..left]).expect("cut");
        assert!(rows.row(&keys[0]).is_none());
        assert_eq!(rows.all().expect("read").len(), 1);
    }
    std::fs::write(place.path().join("runs.txt"), "../../etc\n").expect("written");
    assert!(rows.all().expect_err("no hash").to_string().contains("runs.txt"));
}
