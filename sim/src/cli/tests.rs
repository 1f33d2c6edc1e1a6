//! Stories told on the command line, over networks of twenty nodes.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use clap::CommandFactory;

use super::*;
use crate::level;
use crate::outcome::Summary;
use crate::report::Directory;
use crate::scenario::Scenario;
use crate::watch::Watch;

const TINY: &str = "nodes = 20\n[time]\nwarm_up_s = 10\ncool_down_s = 5\n[topology]\ndials = 5\n\
                    [traffic]\nmessages = 4\npublishers = 2\n";

/// Says a command, without the program's name, and gives back whether it was done and well.
fn say(words: &[&str]) -> Result<bool, String> {
    let args =
        Args::try_parse_from(std::iter::once(&"intentcast-sim").chain(words)).map_err(|error| error.to_string())?;
    let done = args.command.run().map_err(|error| error.to_string())?;
    Ok(format!("{done:?}") == format!("{:?}", ExitCode::SUCCESS))
}

fn tiny(place: &Path) -> String {
    let file = place.join("tiny.toml");
    fs::write(&file, TINY).expect("written");
    file.display().to_string()
}

fn path(place: &Path, name: &str) -> String {
    place.join(name).display().to_string()
}

#[test]
fn a_run_is_written_replayed_compared_and_drawn() {
    let place = tempfile::tempdir().expect("a place");
    let (scenario, at) = (tiny(place.path()), |name: &str| path(place.path(), name));
    assert_eq!(
        say(&["run", &scenario, "--out", &at("one"), "--csv", "--threads", "1"]),
        Ok(true)
    );
    assert_eq!(
        say(&[
            "run",
            &scenario,
            "--out",
            &at("two"),
            "--seed",
            "9",
            "--set",
            "gossipsub.d=6"
        ]),
        Ok(true)
    );
    let one = Directory::new(at("one"));
    assert_eq!(one.summary().expect("written").delivery_ratio, Some(1.0));
    assert_eq!(one.manifest().expect("written").seed, 1);
    assert_eq!(say(&["replay", "1", &at("one"), "--threads", "2"]), Ok(true));
    assert_eq!(
        say(&["compare", &at("one"), &at("two"), "--out", &at("both.html")]),
        Ok(true)
    );
    let page = fs::read_to_string(at("both.html")).expect("written");
    assert!(page.contains("Latency") && page.contains("difference"));
    assert_eq!(
        say(&["plot", &at("one"), "--figure", "hops", "--out", &at("hops.svg")]),
        Ok(true)
    );
    assert!(fs::read_to_string(at("hops.svg")).expect("written").starts_with("<svg"));
    let several = say(&["plot", &at("one"), "--out", &at("all.svg")]).expect_err("one file, many figures");
    assert!(several.contains("--figure"), "{several}");
}

#[test]
fn a_replay_that_differs_is_told() {
    let place = tempfile::tempdir().expect("a place");
    let (scenario, one) = (tiny(place.path()), path(place.path(), "one"));
    assert_eq!(say(&["run", &scenario, "--out", &one]), Ok(true));
    let written = Path::new(&one).join("summary.json");
    let text = fs::read_to_string(&written).expect("written");
    fs::write(&written, text.replacen("\"events\": ", "\"events\": 1", 1)).expect("changed");
    assert_eq!(say(&["replay", "1", &one]), Ok(false));
}

#[test]
fn shards_of_a_sweep_make_the_table_of_the_whole_and_what_is_there_is_not_run_again() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| path(place.path(), name);
    tiny(place.path());
    let sweep = at("sweep.toml");
    let text = "scenario = \"tiny.toml\"\nreplicates = 2\n[grid]\n\"gossipsub.d\" = [6, 8]\n";
    fs::write(&sweep, text).expect("written");
    assert_eq!(say(&["sweep", &sweep, "--out", &at("whole"), "--jobs", "2"]), Ok(true));
    for shard in ["0/3", "1/3", "2/3"] {
        let out = at(&format!("part-{}", &shard[..1]));
        assert_eq!(say(&["sweep", &sweep, "--out", &out, "--shard", shard]), Ok(true));
    }
    assert_eq!(
        say(&[
            "merge",
            &at("part-0"),
            &at("part-1"),
            &at("part-2"),
            "--out",
            &at("all")
        ]),
        Ok(true)
    );
    let table = |name: &str| fs::read_to_string(Path::new(&at(name)).join("table.csv")).expect("written");
    assert_eq!(table("whole"), table("all"));
    assert_eq!(table("whole").lines().count(), 5);

    // A row that is there is taken as it is, even where it is not what would come of a run.
    let rows = fs::read_dir(Path::new(&at("whole")).join("rows")).expect("rows");
    let row = rows.map(|row| row.expect("a row").path()).min().expect("one at least");
    let text = fs::read_to_string(&row).expect("a row");
    fs::write(&row, text.replacen("\"nodes\":20", "\"nodes\":21", 1)).expect("changed");
    assert_eq!(say(&["sweep", &sweep, "--out", &at("whole")]), Ok(true));
    assert_ne!(table("whole"), table("all"));

    let drawn = [
        "plot",
        &at("whole"),
        "--x",
        "gossipsub.d",
        "--y",
        "latency_p50_ms",
        "--out",
        &at("p50.svg"),
    ];
    assert_eq!(say(&drawn), Ok(true));
    assert!(say(&["merge", &at("nowhere"), "--out", &at("all")]).is_err());
}

#[test]
fn a_run_that_is_ended_leaves_what_there_is_and_says_so() {
    let place = tempfile::tempdir().expect("a place");
    let scenario = Scenario::parse("tiny.toml", TINY).expect("sound");
    let watch = Arc::new(Watch::default());
    watch.end();
    let outcome = level::run(&scenario, 1, 1, &watch).expect("what there is");
    assert!(outcome.partial);
    let summary = Summary::of(&outcome);
    let directory = Directory::new(place.path().join("half"));
    assert_eq!(
        directory.write(&scenario, 1, &outcome, false).expect("written"),
        summary
    );
    assert!(run::told(&summary).contains("partial"));
    assert_eq!(
        format!("{:?}", run::verdict(&summary)),
        format!("{:?}", ExitCode::from(1))
    );
}

#[test]
fn what_cannot_be_done_is_refused_in_words() {
    let place = tempfile::tempdir().expect("a place");
    let scenario = tiny(place.path());
    for (words, said) in [
        (vec!["run", "quiet-markt"], "did you mean `quiet-market`?"),
        (vec!["run", &scenario, "--set", "gossipsub.dee=4"], "gossipsub.dee"),
        (vec!["run", &scenario, "--set", "gossipsub.d"], "KEY=VALUE"),
        (vec!["sweep", &scenario, "--shard", "3/3"], "I below N"),
        (vec!["compare", &scenario], "2 values"),
        (vec!["scenarios", "show", "sibyl"], "did you mean `sybil`?"),
        (vec!["validate", "--setup", "no such"], "no set-up's name"),
        (vec!["market", "--nodes", "0"], "2..=100000"),
        (
            vec!["market", "--nodes", "9", "--sellers", "9"],
            "fewer than --nodes (9)",
        ),
        (vec!["talk", "--seeds", "0"], "1.."),
    ] {
        let error = say(&words).expect_err(&words.join(" "));
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn each_level_is_a_command_line_away() {
    Args::command().debug_assert();
    assert_eq!(say(&["scenarios", "list"]), Ok(true));
    assert_eq!(say(&["scenarios", "show", "million"]), Ok(true));
    assert_eq!(say(&["scenarios", "show", "million", "--full"]), Ok(true));
    assert_eq!(
        say(&["market", "--nodes", "10", "--sellers", "4", "--intents", "3", "--json"]),
        Ok(true)
    );
}
