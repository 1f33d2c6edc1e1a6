//! What the README promises a newcomer can type: every command in it is one, with flags that exist.

use std::{path::Path, process::Command};

use crate::member::PROGRAM;

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap()
}

/// The lines of the README's shell blocks, comments and a trailing `&` taken off.
fn commands(text: &str) -> Vec<String> {
    let mut within = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line {
            "```sh" => within = true,
            "```" => within = false,
            line if within => found.push(
                line.split(" #")
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches('&')
                    .trim()
                    .to_owned(),
            ),
            _ => {}
        }
    }
    found
}

/// Words as a shell splits them; the README quotes with `"` alone.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_of_the_readme_is_one() {
    let text = readme();
    let mut tried = 0;
    for line in commands(&text) {
        let args = match line.split_once("intentcast ") {
            Some(("", args)) => args.to_owned(),
            _ => match line.split_once("cargo run --release --locked -- ") {
                Some(("", args)) => args.to_owned(),
                _ => continue,
            },
        };
        tried += 1;
        // Flags that do not exist are refused before help is given.
        let out = Command::new(PROGRAM).args(words(&args)).arg("--help").output().unwrap();
        assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&out.stderr));
    }
    assert!(tried >= 10, "only {tried} commands found");
}

#[test]
fn the_two_commands_stand_as_they_are_run() {
    let commands = commands(&readme());
    assert!(
        commands
            .iter()
            .any(|line| line == "cargo run --release --locked -- demo")
    );
    assert!(commands.iter().any(|line| line == "cargo test --workspace --locked"));
}

#[test]
fn the_command_line_says_what_it_is_said_to_say() {
    trycmd::TestCases::new()
        .register_bin("intentcast", std::path::PathBuf::from(PROGRAM))
        .case("cmd/*.trycmd");
}
