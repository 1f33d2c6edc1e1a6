//! What a person keeps of themselves is there after any fall, opens with its passphrase alone, and stands nowhere in
//! the clear.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use intentcast_node::client::ClientError;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::{
    member::{Ended, Member},
    wait::{PATIENCE, within},
    world::QUIC,
};

const PASSPHRASE: &str = "heron lamp orbit quilt";
const EMAIL: &str = "ann.lee@whitefriars.example";
const STREET: &str = "17 Land of Green Ginger";

struct Person {
    node: Member,
    dir: tempfile::TempDir,
}

impl Person {
    /// Somebody with a node that logs all it can, and a file with a passphrase.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
        let node = Member::start(&dir.path().join("home"), &["up", "--listen", QUIC, "-vvv"]).await;
        Self { node, dir }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `intentcast vault` with these arguments, this on its standard input, and perhaps a passphrase in its
    /// environment.
    async fn vault(&self, args: &[&str], input: &str, passphrase: Option<&str>) -> Ended {
        let mut command = self.node.command(&["vault"]);
        command
            .args(args)
            .stdin(Stdio::piped())
            .env_remove("INTENTCAST_PASSPHRASE");
        if let Some(passphrase) = passphrase {
            command.env("INTENTCAST_PASSPHRASE", passphrase);
        }
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that needs no input may be gone before it is written.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = within(PATIENCE, &args.join(" "), child.wait_with_output())
            .await
            .unwrap();
        Ended {
            status: output.status,
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            complaints: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, which must work; what it said, as JSON.
    async fn does(&self, args: &[&str], input: &str, passphrase: Option<&str>) -> Value {
        let ended = self.vault(args, input, passphrase).await;
        assert!(ended.status.success(), "{args:?}: {}", ended.complaints);
        serde_json::from_str(ended.out.lines().last().unwrap_or("null")).unwrap()
    }

    /// The same, which must not work; what it said.
    async fn fails(&self, args: &[&str], exit: i32, passphrase: Option<&str>) -> String {
        let ended = self.vault(args, "", passphrase).await;
        assert_eq!(ended.status.code(), Some(exit), "{args:?}: {}", ended.complaints);
        assert!(ended.out.is_empty(), "{}", ended.out);
        ended.complaints
    }

    async fn value(&self, strand: &str) -> String {
        let shown = self.does(&["show", strand], "", None).await;
        shown["value"].as_str().unwrap().to_owned()
    }
}

/// Every file below, with what is in it.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path, bytes));
        }
    }
    found
}

fn stands_in(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

#[tokio::test]
async fn what_a_person_keeps_outlives_a_kill_and_stands_nowhere_in_the_clear() {
    let mut ann = Person::new().await;
    assert!(
        ann.fails(&["show", "contact.email"], 1, None)
            .await
            .contains("there is no vault yet")
    );
    let passphrase = ann.file("passphrase");
    let made = [
        "set",
        "contact.email",
        "--passphrase-file",
        passphrase.to_str().unwrap(),
    ];
    let set = ann.does(&made, &format!("{EMAIL}\n"), None).await;
    assert_eq!((&set["name"], &set["before"]), (&json!("contact.email"), &json!(false)));
    // It is open now, for this session.
    ann.does(&["set", "address.delivery"], &format!("{STREET}\nHull HU1 2ER\n"), None)
        .await;
    ann.does(&["set", "size.height", "--value", "186cm"], "", None).await;
    assert_eq!(ann.value("address.delivery").await, format!("{STREET}\nHull HU1 2ER"));
    let listed = ann.vault(&["list"], "", None).await.out;
    assert_eq!(listed.lines().count(), 3);
    assert!(!listed.contains(EMAIL) && !listed.contains("186"), "{listed}");

    let meant = ann.fails(&["set", "contact.emial", "--value", EMAIL], 2, None).await;
    assert!(meant.contains("did you mean contact.email"), "{meant}");
    let wrong = ann
        .fails(&["set", "size.height", "--value", "very tall"], 2, None)
        .await;
    assert!(wrong.contains("like 186 cm") && !wrong.contains("very tall"), "{wrong}");

    ann.does(&["lock"], "", None).await;
    for args in [&["show", "contact.email"][..], &["list"], &["remove", "contact.email"]] {
        assert!(ann.fails(args, 1, None).await.contains("locked"), "{args:?}");
    }
    let wrong = ann.fails(&["unlock"], 1, Some("heron lamp orbit quill")).await;
    assert!(wrong.contains("does not open") && !wrong.contains("quill"), "{wrong}");
    assert!(ann.fails(&["show", "contact.email"], 1, None).await.contains("locked"));
    ann.does(&["unlock"], "", Some(PASSPHRASE)).await;
    assert_eq!(ann.value("contact.email").await, EMAIL);

    ann.node.kill().await;
    ann.node.restart().await;
    assert!(ann.fails(&["show", "contact.email"], 1, None).await.contains("locked"));
    ann.does(&["unlock"], "", Some(PASSPHRASE)).await;
    assert_eq!(ann.value("size.height").await, "186 cm");
    ann.does(&["remove", "size.height"], "", None).await;
    assert!(
        ann.fails(&["show", "size.height"], 1, None)
            .await
            .contains("no such strand")
    );

    let said = ann.node.said();
    assert!(
        said.contains("the vault is open"),
        "this node does not log what it does: {said}"
    );
    let home = files(&ann.node.home);
    assert!(
        home.iter().any(|(path, _)| path.ends_with("vault")),
        "this looks in the wrong place"
    );
    for secret in [
        EMAIL,
        STREET,
        "Hull HU1 2ER",
        "contact.email",
        PASSPHRASE,
        "orbit",
        "quill",
    ] {
        assert!(!stands_in(said.as_bytes(), secret), "the log says {secret}");
        for (path, bytes) in &home {
            assert!(!stands_in(bytes, secret), "{secret} stands in {}", path.display());
        }
    }
    ann.node.is_well();
}

#[tokio::test]
async fn a_kill_in_the_middle_of_writing_loses_nothing_that_was_acknowledged() {
    let mut ann = Person::new().await;
    ann.does(&["set", "own.n0", "--value", "0"], "", Some(PASSPHRASE)).await;
    for round in 0..3 {
        let client = ann.node.client();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let writing = tokio::spawn(async move {
            for number in 1..=400 {
                let path = format!("/v1/vault/strands/own.n{}", number % 40);
                let value = json!({ "value": format!("{round} {number}") });
                match client.post::<Value>(&path, &value).await {
                    Ok(_) => drop(tell.send(number)),
                    Err(ClientError::Problem(problem)) => panic!("{problem}"),
                    Err(_) => break,
                }
            }
        });
        // Some are there, and one is under way, wherever it is.
        for _ in 0..30 * (round + 1) {
            within(PATIENCE, "a value is kept", told.recv()).await.unwrap();
        }
        ann.node.kill().await;
        writing.await.unwrap();
        let mut last = 0;
        while let Ok(number) = told.try_recv() {
            last = number;
        }
        let acknowledged: u32 = last.max(30 * (round + 1));
        ann.node.restart().await;
        ann.does(&["unlock"], "", Some(PASSPHRASE)).await;
        for number in acknowledged.saturating_sub(39).max(1)..=acknowledged {
            let shown = ann.value(&format!("own.n{}", number % 40)).await;
            let (of, kept) = shown.split_once(' ').unwrap();
            let kept: u32 = kept.parse().unwrap();
            let is_it = kept == number || kept == acknowledged + 1;
            assert!(
                of == round.to_string() && is_it,
                "own.n{}: {shown}, {number} was kept",
                number % 40
            );
        }
    }
}

#[tokio::test]
async fn a_key_file_takes_the_place_of_a_passphrase() {
    let ann = Person::new().await;
    ann.does(&["set", "contact.email", "--value", EMAIL], "", Some(PASSPHRASE))
        .await;
    let key = ann.file("key");
    let key = key.to_str().unwrap();
    let wrong = ann
        .fails(&["passphrase", "--new-key-file", key], 1, Some("not what it was"))
        .await;
    assert!(wrong.contains("does not open"), "{wrong}");
    ann.does(&["passphrase", "--new-key-file", key], "", Some(PASSPHRASE))
        .await;
    ann.does(&["lock"], "", None).await;
    let other = ann.fails(&["unlock"], 1, Some(PASSPHRASE)).await;
    assert!(other.contains("opens with a key file"), "{other}");
    ann.does(&["unlock", "--key-file", key], "", None).await;
    assert_eq!(ann.value("contact.email").await, EMAIL);
    let digits = std::fs::read_to_string(key).unwrap();
    for (path, bytes) in files(&ann.node.home) {
        assert!(
            !stands_in(&bytes, digits.trim()),
            "the key stands in {}",
            path.display()
        );
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn where_nobody_can_be_asked_it_is_said_how_to_tell_the_passphrase() {
    let ann = Person::new().await;
    let mut asked = ann.node.command(&["vault", "set", "contact.email", "--value", EMAIL]);
    asked.env_remove("INTENTCAST_PASSPHRASE");
    // Without a terminal of its own: the story may have one.
    let ended = within(PATIENCE, "it does not wait", detached(asked).output())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("--passphrase-file"), "{said}");
    assert!(!ann.node.home.join("vault").exists());
}

/// The same command in a session of its own, which has no terminal.
#[cfg(target_os = "linux")]
fn detached(command: tokio::process::Command) -> tokio::process::Command {
    let plain = command.as_std();
    let mut detached = tokio::process::Command::new("setsid");
    detached.arg("--wait").arg(plain.get_program()).args(plain.get_args());
    detached
        .env_remove("INTENTCAST_PASSPHRASE")
        .env_remove("INTENTCAST_HOME")
        .stdin(Stdio::null());
    detached
}
