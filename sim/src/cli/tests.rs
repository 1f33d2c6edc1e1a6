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
    assert!(say(&["merge", &at("nowhere"), "--out", &at("never")]).is_err());
    assert!(!Path::new(&at("never")).exists(), "nothing was merged");
}

/// A place with `tiny.toml` and a sweep of these values of D.
fn sweep_of(place: &Path, values: &str) -> String {
    tiny(place);
    let sweep = place.join("sweep.toml");
    let text = format!("scenario = \"tiny.toml\"\n[grid]\n\"gossipsub.d\" = {values}\n");
    fs::write(&sweep, text).expect("written");
    sweep.display().to_string()
}

fn lines(sweep: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(sweep).join("table.csv")).expect("written");
    text.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_table_holds_the_runs_of_its_sweep_and_no_others() {
    let place = tempfile::tempdir().expect("a place");
    let out = path(place.path(), "out");
    let sweep = sweep_of(place.path(), "[6, 8]");
    assert_eq!(say(&["sweep", &sweep, "--out", &out]), Ok(true));
    let before = lines(&out);

    // Equal values are runs of their own; rows that are there get the numbers of the new file.
    sweep_of(place.path(), "[7, 8, 8, 8, 8]");
    assert_eq!(say(&["sweep", &sweep, "--out", &out, "--jobs", "4"]), Ok(true));
    let now = lines(&out);
    assert_eq!(now.len(), 5);
    for (number, line) in now.iter().enumerate() {
        assert!(line.starts_with(&format!("{number},")), "{line}");
    }
    assert_eq!(now[1], before[1], "the run of D = 8 is the one that was there");
    assert!(!now.contains(&before[0]), "D = 6 is of the sweep before");

    // What the scenario says elsewhere makes other runs.
    fs::write(
        place.path().join("tiny.toml"),
        TINY.replace("messages = 4", "messages = 5"),
    )
    .expect("changed");
    assert_eq!(say(&["sweep", &sweep, "--out", &out]), Ok(true));
    assert_eq!(lines(&out).len(), 5);
    assert!(!lines(&out).contains(&now[1]));
}

#[test]
fn another_trace_under_the_same_name_is_another_run_and_replays_from_anywhere() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| path(place.path(), name);
    let sweep = sweep_of(place.path(), "[8]");
    let text = TINY.replace("dials = 5", "kind = \"file\"\nfile = \"dials.txt\"");
    fs::write(at("tiny.toml"), text).expect("written");
    let ring = |step: u32| -> String { (0..20).map(|n| format!("{n} {}\n", (n + step) % 20)).collect() };
    fs::write(at("dials.txt"), ring(1)).expect("written");
    assert_eq!(say(&["sweep", &sweep, "--out", &at("out")]), Ok(true));
    let before = lines(&at("out"));
    assert_eq!(say(&["run", &at("tiny.toml"), "--out", &at("one")]), Ok(true));
    fs::write(at("dials.txt"), ring(3)).expect("written");
    assert_eq!(say(&["sweep", &sweep, "--out", &at("out")]), Ok(true));
    assert_ne!(lines(&at("out")), before);

    fs::rename(at("one"), at("moved")).expect("moved");
    assert_eq!(say(&["replay", "1", &at("moved")]), Ok(true), "with the dials of then");
}

#[test]
fn a_row_that_was_cut_and_a_run_that_was_not_kept_whole_are_run_again() {
    let place = tempfile::tempdir().expect("a place");
    let out = path(place.path(), "out");
    let sweep = sweep_of(place.path(), "[6, 8]");
    assert_eq!(say(&["sweep", &sweep, "--out", &out]), Ok(true));
    let before = lines(&out);
    let files = |folder: &str| -> Vec<_> {
        let files = fs::read_dir(Path::new(&out).join(folder)).expect("there");
        files.map(|file| file.expect("a file").path()).collect()
    };
    fs::write(&files("rows")[0], "").expect("cut");
    assert_eq!(say(&["sweep", &sweep, "--out", &out]), Ok(true));
    assert_eq!(lines(&out), before);
    assert_eq!(say(&["sweep", &sweep, "--out", &out, "--full"]), Ok(true));
    let runs = files("runs");
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| Directory::new(run).is_whole()));
    assert_eq!(lines(&out), before);
}

#[test]
fn a_merge_says_what_is_missing_and_a_refused_one_spoils_nothing() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| path(place.path(), name);
    let sweep = sweep_of(place.path(), "[6, 8]");
    for (shard, out) in [("0/2", "part-0"), ("1/2", "part-1")] {
        assert_eq!(say(&["sweep", &sweep, "--out", &at(out), "--shard", shard]), Ok(true));
    }
    assert_eq!(
        say(&["merge", &at("part-0"), "--out", &at("all")]),
        Ok(false),
        "partial"
    );
    assert_eq!(lines(&at("all")).len(), 1);

    sweep_of(place.path(), "[7, 8]");
    assert_eq!(say(&["sweep", &sweep, "--out", &at("other")]), Ok(true));
    let refused = say(&["merge", &at("part-1"), &at("other"), "--out", &at("all")]);
    assert!(refused.expect_err("two sweeps").contains("two sweeps"));
    assert_eq!(
        say(&["merge", &at("part-1"), "--out", &at("all")]),
        Ok(true),
        "now it is whole"
    );
    assert_eq!(lines(&at("all")).len(), 2);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| path(place.path(), name);
    let (scenario, sweep) = (tiny(place.path()), sweep_of(place.path(), "[6, 8]"));
    fs::write(at("file"), "").expect("written");
    let within = at("file/out");
    for words in [
        vec!["run", &scenario, "--out", &within],
        vec!["sweep", &sweep, "--out", &within],
        vec!["validate", "--record", &within],
    ] {
        let error = say(&words).expect_err("a file is no place");
        assert!(error.contains(&at("file")), "{error}");
    }
    // A table that cannot be written does not hide that runs failed.
    sweep_of(place.path(), "[8]");
    let text = TINY.replace("dials = 5", "kind = \"file\"\nfile = \"gone.txt\"");
    fs::write(at("tiny.toml"), text).expect("written");
    fs::create_dir_all(at("out/table.csv/in")).expect("made");
    let error = say(&["sweep", &sweep, "--out", &at("out")]).expect_err("no dials");
    assert!(error.contains("1 runs failed") && error.contains("gone.txt"), "{error}");
    assert!(error.contains("table.csv"), "{error}");
}

#[test]
fn a_sweep_without_rows_is_not_drawn() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| path(place.path(), name);
    let sweep = sweep_of(place.path(), "[8]");
    assert_eq!(say(&["sweep", &sweep, "--out", &at("out"), "--shard", "1/2"]), Ok(true));
    let drawn = [
        "plot",
        &at("out"),
        "--x",
        "gossipsub.d",
        "--y",
        "nodes",
        "--out",
        &at("a.svg"),
    ];
    assert!(say(&drawn).expect_err("nothing to draw").contains("no rows"));
    assert!(!Path::new(&at("a.svg")).exists());
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
        (vec!["validate", "--long", "--nodes", "0"], "11..=1000000"),
        (
            vec!["validate", "--reference", "gossip", "--seeds", "5"],
            "cannot be used",
        ),
        (
            vec!["validate", "--reference", "gossip", "--setup", "churn"],
            "cannot be used",
        ),
        (vec!["replay", "9223372036854775808", &scenario], "9223372036854775807"),
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
