//! Holds the lines of the design: who may name what, and what may be left lying about.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The longest file of code, lines.
const LINES: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every file below, by its path from the root, but for what is built and what is not ours.
fn files() -> Vec<(String, String)> {
    let (root, mut found) = (root(), Vec::new());
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            let skipped = ["target", "corpus", "artifacts"]
                .iter()
                .any(|skipped| name.ends_with(skipped));
            if path.is_dir() {
                if !skipped && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.push((name, text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "this is not the project's root");
    found
}

fn rust() -> impl Iterator<Item = (String, String)> {
    files().into_iter().filter(|(name, _)| name.ends_with(".rs"))
}

/// Code without its comments, and without what stands between quotes.
fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
        } else if let Some(hashes) = raw(rest).filter(|_| !bare.ends_with(|c: char| c.is_alphanumeric() || c == '_')) {
            let body = &rest[hashes + 2..];
            let close = format!("\"{}", "#".repeat(hashes));
            rest = body.find(&close).map_or("", |end| &body[end + close.len()..]);
            bare.push_str("\"\"");
        } else if next == '"' {
            rest = after_string(&rest[1..]);
            bare.push_str("\"\"");
        } else if let Some(quoted) = ["'\"'", "'\\''", "'\\\"'"]
            .iter()
            .find(|quoted| rest.starts_with(**quoted))
        {
            rest = &rest[quoted.len()..];
            bare.push_str("' '");
        } else {
            bare.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    bare
}

/// How many `#` a raw string that begins here has.
fn raw(text: &str) -> Option<usize> {
    let body = text.strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    body[hashes..].starts_with('"').then_some(hashes)
}

fn after_string(mut rest: &str) -> &str {
    loop {
        match rest.find(['"', '\\']) {
            None => return "",
            Some(at) if rest[at..].starts_with('"') => return &rest[at + 1..],
            Some(at) => {
                let escaped = rest[at + 1..].chars().next().map_or(0, char::len_utf8);
                rest = &rest[at + 1 + escaped..];
            }
        }
    }
}

/// Whether the file is there for tests and measurements alone.
fn is_test(name: &str) -> bool {
    name.starts_with("tests/")
        || name.starts_with("fuzz/")
        || name.contains("/benches/")
        || name.contains("/examples/")
        || name.split('/').any(|part| {
            part == "tests" || part == "tests.rs" || part.ends_with("_tests") || part.ends_with("_tests.rs")
        })
}

/// What runs in the product: without comments, strings and the tests at a file's end.
fn product(text: &str) -> String {
    let bare = bare(text);
    let mut lines: Vec<&str> = Vec::new();
    let mut lines_left = bare.lines().peekable();
    while let Some(line) = lines_left.next() {
        if line.trim() == "#[cfg(test)]" {
            let mut ahead = lines_left.clone();
            let item = ahead.find(|line| !line.trim_start().starts_with("#["));
            let module = ["mod ", "pub(crate) mod "];
            if item.is_some_and(|item| module.iter().any(|it| item.starts_with(it)) && item.ends_with('{')) {
                break;
            }
        }
        lines.push(line);
    }
    lines.join("\n")
}

fn names(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word)
        .any(|(at, _)| !code[..at].ends_with(is_part) && !code[at + word.len()..].starts_with(is_part))
}

fn none(what: &str, found: impl IntoIterator<Item = String>) {
    let found: Vec<String> = found.into_iter().collect();
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn a_library_is_named_only_where_it_lives() {
    let lives: [(&str, &[&str]); 8] = [
        (
            "libp2p",
            &[
                "node/src/net/",
                "bootstrap/src/",
                "sim/real/src/",
                "tests/src/stalled.rs",
            ],
        ),
        ("redb", &["node/src/store/"]),
        ("tantivy", &["node/src/index/"]),
        ("bincode", &["protocol/src/codec.rs"]),
        ("ed25519_dalek", &["protocol/src/keys.rs"]),
        ("x25519_dalek", &["protocol/src/seal.rs", "protocol/src/seal/"]),
        ("chacha20poly1305", &["protocol/src/seal.rs", "protocol/src/seal/"]),
        ("hkdf", &["protocol/src/seal.rs", "protocol/src/seal/"]),
    ];
    for (library, homes) in lives {
        let at_home = |name: &str| homes.iter().any(|home| name.starts_with(home));
        // Measurements set ours beside the bare library.
        let strays = rust()
            .filter(|(name, _)| !at_home(name) && !name.contains("/benches/") && !name.starts_with("fuzz/"))
            .filter(|(_, text)| names(&bare(text), library))
            .map(|(name, _)| name);
        none(&format!("{library} is named outside {homes:?}"), strays);
        let used = rust().any(|(name, text)| at_home(&name) && names(&bare(&text), library));
        assert!(used, "nobody names {library}: this test looks in the wrong place");
    }
}

#[test]
fn the_protocol_has_no_clock_no_disk_no_network_no_thread_and_no_chance() {
    let forbidden = [
        "Instant",
        "SystemTime",
        "std::fs",
        "std::net",
        "std::thread",
        "tokio",
        "rand",
        "getrandom",
        "HashMap",
    ];
    let named = rust()
        .filter(|(name, _)| name.starts_with("protocol/src/") && !is_test(name))
        .flat_map(|(name, text)| {
            let code = product(&text);
            forbidden
                .into_iter()
                .filter(|word| names(&code, word))
                .map(|word| format!("{name}: {word}"))
                .collect::<Vec<_>>()
        });
    none("the protocol is pure", named);
}

#[test]
fn nothing_is_unsafe_and_nothing_is_unwrapped_but_in_tests() {
    let word = ["un", "safe"].concat();
    // Takes the place of a function of the C library's, in a workspace that the product is never built from.
    let excepted = "sim/real/src/entropy.rs";
    let bad = rust().flat_map(|(name, text)| {
        let mut bad = Vec::new();
        if name != excepted && names(&bare(&text), &word) {
            bad.push(format!("{name}: {word}"));
        }
        if !is_test(&name) && product(&text).contains(".unwrap()") {
            bad.push(format!("{name}: .unwrap()"));
        }
        bad
    });
    none("say why it holds, with expect", bad);
}

#[test]
fn nothing_is_left_to_do_later() {
    let markers = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X"],
        ["todo", "!("],
        ["unimplemented", "!("],
        ["dbg", "!("],
    ];
    let markers = markers.map(|parts| parts.concat());
    let left = files()
        .into_iter()
        .filter(|(name, _)| {
            [".rs", ".md", ".toml", ".yaml", ".yml", ".sh", ".service"]
                .iter()
                .any(|end| name.ends_with(end))
        })
        .flat_map(|(name, text)| {
            let found = |marker: &&String| match marker.strip_suffix("!(") {
                // A string may end in such a word; code that calls it may not be there.
                Some(_) => bare(&text).contains(marker.as_str()),
                // A region that does not exist is spelt with one.
                None => names(&text.replace('-', "_"), marker),
            };
            markers
                .iter()
                .filter(found)
                .map(|marker| format!("{name}: {marker}"))
                .collect::<Vec<_>>()
        });
    none("a leftover", left);
}

#[test]
fn a_file_is_of_a_size_one_can_hold() {
    let long = rust().filter(|(_, text)| text.lines().count() > LINES);
    none(
        &format!("over {LINES} lines"),
        long.map(|(name, text)| format!("{name}: {}", text.lines().count())),
    );
}

#[test]
fn versions_stand_in_one_place() {
    let manifests = files()
        .into_iter()
        .filter(|(name, _)| name.ends_with("Cargo.toml") && name.contains('/'));
    let mut loose = Vec::new();
    for (name, text) in manifests.filter(|(name, _)| !name.starts_with("fuzz/")) {
        let manifest: toml::Table = text.parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let entries = manifest
                .get(section)
                .and_then(|table| table.as_table())
                .into_iter()
                .flatten();
            for (library, said) in entries {
                let said = said.as_table();
                let shared = said
                    .and_then(|said| said.get("workspace"))
                    .and_then(toml::Value::as_bool);
                if shared != Some(true) || said.is_some_and(|said| said.contains_key("version")) {
                    loose.push(format!("{name}: {library}"));
                }
            }
        }
    }
    none("the version belongs under [workspace.dependencies]", loose);
}

#[test]
fn what_is_deployed_is_there() {
    let all = files();
    let mut programs = BTreeSet::new();
    for (_, text) in all.iter().filter(|(name, _)| name.ends_with("Cargo.toml")) {
        let manifest: toml::Table = text.parse().unwrap();
        let bins = manifest
            .get("bin")
            .and_then(|bins| bins.as_array())
            .into_iter()
            .flatten();
        programs.extend(bins.filter_map(|bin| bin.get("name")?.as_str().map(str::to_owned)));
        let package = manifest
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(toml::Value::as_str);
        programs.extend(package.map(|package| format!("-p {package}")));
    }
    let there: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    let mut gone = Vec::new();
    let mut seen = 0;
    for (name, text) in all
        .iter()
        .filter(|(name, _)| name.starts_with("deploy/") && !name.ends_with(".md"))
    {
        let text: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .collect();
        let text = text.join("\n");
        for (before, prefix) in [
            ("/usr/local/bin/", ""),
            ("target/release/", ""),
            ("exec ", ""),
            ("[CMD, ", ""),
            ("-p ", "-p "),
        ] {
            for (at, _) in text.match_indices(before) {
                let word = text[at + before.len()..]
                    .split([' ', ',', '"', '\n', ']', '}', ';'])
                    .next()
                    .unwrap_or_default();
                if word.starts_with("intentcast") {
                    seen += 1;
                    let program = format!("{prefix}{word}");
                    if !programs.contains(&program) {
                        gone.push(format!("{name}: {program}"));
                    }
                }
            }
        }
        for (at, _) in text.match_indices("deploy/") {
            let path = text[at..].split([' ', ',', '"', '\n', '\'']).next().unwrap_or_default();
            seen += 1;
            let is_folder = there.iter().any(|file| file.starts_with(&format!("{path}/")));
            if !there.contains(path) && !is_folder {
                gone.push(format!("{name}: {path}"));
            }
        }
    }
    none("deploy names what is not there", gone);
    assert!(
        seen >= 8,
        "deploy names {seen} programs and files: this test looks in the wrong place"
    );
}

#[test]
fn comments_and_strings_are_not_taken_for_code() {
    let quote = '"';
    let text = format!(
        "let a = {quote}libp2p // no{quote}; // libp2p\nlet b = r#{quote}redb{quote}#; /* tantivy */ c('{quote}');"
    );
    let bare = bare(&text);
    for word in ["libp2p", "redb", "tantivy"] {
        assert!(!names(&bare, word), "{bare}");
    }
    assert!(names(&bare, "b") && names(&bare, "c"), "{bare}");
    assert!(!names("operand", "rand") && names("use rand::Rng", "rand"));
    assert!(!product("fn a() {}\n#[cfg(test)]\nmod tests {\n b.unwrap()").contains("unwrap"));
}
