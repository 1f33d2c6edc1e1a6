//! A backup is all or nothing, and says nothing to whoever cannot open it.

use std::{fs, path::Path};

use zeroize::Zeroizing;

use super::*;
use crate::{
    documents::{Documents, hash_of},
    home::{Home, write_secret},
    portability::{
        access::Access,
        archive,
        backup::{BackupError, restore, save_at},
        parts, read, returned,
    },
    store::Store,
    vault::{Cost, Opener, Vault},
};

const CHEAP: Cost = Cost {
    kib: 8,
    passes: 1,
    lanes: 1,
};
/// A document that was sent.
const WORDS: &[u8] = b"The frame is 52 cm.";
const ADDRESS: &str = "ann.lee@whitefriars.example";

fn opener(words: &str) -> Opener {
    Opener::Passphrase(Zeroizing::new(words.into()))
}

fn right() -> Opener {
    opener("heron lamp orbit quilt")
}

/// A customer's folder with the deal in its ledger, a vault, a configuration and something in its archive.
fn home(dir: &Path) {
    let deal = Deal::new();
    let home = Home::open(dir).unwrap();
    write_secret(&dir.join("seed"), "01".repeat(32).as_bytes()).unwrap();
    write_secret(&dir.join("peer.key"), "02".repeat(32).as_bytes()).unwrap();
    write_secret(&dir.join("api.token"), b"of a node that ran once").unwrap();
    fs::create_dir_all(dir.join("strands/keys")).unwrap();
    fs::write(dir.join("strands/uses.jsonl"), "").unwrap();
    fs::write(dir.join("strands/keys/aa"), [7; 32]).unwrap();
    Documents::open(dir).unwrap().put(WORDS).unwrap();
    fs::write(dir.join("shop.toml"), "shop = \"a\"\n").unwrap();
    let config = "identity = \"kept\"\n[seller]\nrules = \"shop.toml\"\nmap = \"../map.toml\"\n";
    fs::write(dir.join("config.toml"), config).unwrap();
    let mut vault = Vault::make(dir, &right(), CHEAP).unwrap();
    vault.set(later(0), &"contact.email".parse().unwrap(), ADDRESS).unwrap();
    let store = Store::open(dir).unwrap();
    store.append(&deal.ledger(Side::Customer)).unwrap();
    let name = Word::new("e-bikes").unwrap();
    store.keep_interest(&name, &Default::default()).unwrap();
    let sold = deal.market(Side::Seller);
    let returned = returned::document(
        later(8),
        &seed(Side::Seller),
        &sold,
        &deal.ledger(Side::Seller),
        deal.settled.id,
    );
    archive::keep(&store, &read::read(&returned.unwrap()).unwrap().archived).unwrap();
    drop(home);
}

async fn backup(home: &Path) -> Vec<u8> {
    let access = Access::of(home).await.unwrap();
    assert!(matches!(access, Access::Stopped { .. }));
    let (bytes, saved) = save_at(&access, home, later(8), &right(), CHEAP).await.unwrap();
    assert_eq!(
        saved.files,
        [
            "config.toml",
            &format!("documents/{}", hash_of(WORDS)),
            "peer.key",
            "seed",
            "shop.toml",
            "strands/keys/aa",
            "strands/uses.jsonl",
            "vault"
        ]
    );
    assert_eq!(saved.elsewhere.len(), 1, "a map beside the folder is told, and left");
    bytes
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_node_is_elsewhere_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    home(&old);
    let bytes = backup(&old).await;
    let secret = [7; 32];
    assert!(!bytes.windows(ADDRESS.len()).any(|it| it == ADDRESS.as_bytes()));
    assert!(
        !bytes.windows(32).any(|it| it == secret),
        "a strand's secret is locked too"
    );
    let restored = restore(&bytes, &right(), &new, later(500)).unwrap();
    assert_eq!((restored.interests, restored.files), (1, 8));
    assert_eq!(names(dir.path()), ["new", "old"], "nothing stays beside it");
    for name in ["seed", "peer.key", "vault", "config.toml", "strands/keys/aa"] {
        assert_eq!(
            fs::read(old.join(name)).unwrap(),
            fs::read(new.join(name)).unwrap(),
            "{name}"
        );
    }
    assert!(!new.join("api.token").exists());
    Home::open(&new).unwrap().seed().unwrap();
    let documents = Documents::open(&new).unwrap();
    assert_eq!(documents.read(hash_of(WORDS)).unwrap().as_deref(), Some(WORDS));
    let vault = Vault::open(&new, &right()).unwrap();
    assert_eq!(&**vault.get(&"contact.email".parse().unwrap()).unwrap(), ADDRESS);
    drop(fs::remove_file(old.join("lock")));
    let (old, new) = (Store::open(&old).unwrap(), Store::open(&new).unwrap());
    let entries = |store: &Store| store.entries(0).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(entries(&old), Deal::new().ledger(Side::Customer));
    let mut taken_along = entries(&new);
    let mark = taken_along.pop().unwrap();
    assert_eq!(entries(&old), taken_along);
    let mut chain = Chain::default();
    for entry in &taken_along {
        chain.follow(&entry.bytes).unwrap();
    }
    let mark = chain.follow(&mark.bytes).unwrap();
    assert!(matches!(mark.fact, Fact::Restored { made } if made == restored.about.made));
    assert_eq!(old.interests().unwrap(), new.interests().unwrap());
    let archived = |store: &Store| archive::page(store, None).unwrap();
    assert_eq!(archived(&old), archived(&new));
    assert_eq!(archived(&new).len(), restored.archived);
}

#[tokio::test]
async fn a_broken_backup_a_wrong_passphrase_and_a_used_folder_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old");
    home(&old);
    let bytes = backup(&old).await;
    let new = dir.path().join("new");
    let why = |bytes: &[u8], opener: &Opener| {
        let error = restore(bytes, opener, &new, later(500)).unwrap_err();
        assert_eq!(names(dir.path()), ["old"], "it leaves nothing");
        error.downcast::<BackupError>().unwrap()
    };
    // A bit of each part of the file: magic, cost, salt, nonce, what is locked, the hash.
    for at in [0, 9, 25, 40, 70, bytes.len() / 2, bytes.len() - 40, bytes.len() - 1] {
        let mut spoiled = bytes.clone();
        spoiled[at] ^= 1;
        assert!(matches!(why(&spoiled, &right()), BackupError::Damaged(_)), "byte {at}");
    }
    for length in [0, 7, 60, bytes.len() - 1] {
        assert!(
            matches!(why(&bytes[..length], &right()), BackupError::Damaged(_)),
            "{length} bytes"
        );
    }
    assert_eq!(
        why(&bytes, &opener("heron lamp orbit quill")).to_string(),
        "the passphrase does not open the backup"
    );
    let key = Opener::KeyFile(Zeroizing::new(vec![1; 32]));
    assert_eq!(why(&bytes, &key).to_string(), "the backup opens with a passphrase");
    // A vault is no backup.
    let vault = fs::read(old.join("vault")).unwrap();
    assert!(why(&vault, &right()).to_string().contains("no backup of ours"));

    fs::create_dir(&new).unwrap();
    fs::write(new.join("notes"), "mine").unwrap();
    let used = restore(&bytes, &right(), &new, later(500)).unwrap_err();
    assert!(used.to_string().contains("is not empty"), "{used}");
    assert_eq!(
        (names(&new), names(dir.path())),
        (vec!["notes".into()], vec!["new".into(), "old".into()])
    );
    fs::remove_file(new.join("notes")).unwrap();
    restore(&bytes, &right(), &new, later(500)).unwrap();
}

#[test]
fn a_ledger_that_was_cut_or_changed_is_no_backup() {
    let ledger = Deal::new().ledger(Side::Customer);
    let chain = intentcast_protocol::ledger::audit(ledger.iter().map(|entry| entry.bytes.as_slice())).unwrap();
    let parts = |entries: Vec<Stored>| parts::Parts {
        about: parts::About::of(later(8), &chain),
        files: [("seed".to_owned(), Zeroizing::new(vec![b'0'; 64]))].into(),
        entries,
        interests: Default::default(),
        archive: Vec::new(),
    };
    let read = |entries| parts::Parts::read(&parts(entries).write()).map(|(parts, _)| parts.entries);
    assert_eq!(read(ledger.clone()).unwrap(), ledger);
    assert!(read(ledger[..3].to_vec()).unwrap_err().contains("ends at entry 3"));
    let mut torn = ledger.clone();
    torn.remove(1);
    assert!(read(torn).unwrap_err().contains("missing"));
    let mut forged = ledger.clone();
    let last = forged[1].bytes.len() - 1;
    forged[1].bytes[last] ^= 1;
    assert!(read(forged).is_err());
    let whole = parts(ledger).write();
    for length in [whole.len() - 1, whole.len() / 2] {
        assert!(parts::Parts::read(&whole[..length]).is_err());
    }
}

#[test]
fn no_file_of_a_backup_leaves_the_folder_or_takes_the_place_of_what_a_node_makes() {
    for name in ["seed", "strands/keys/0a", "rules.toml"] {
        assert!(parts::is_ours(name), "{name}");
    }
    for name in [
        "../seed",
        "/etc/passwd",
        "a/../../b",
        ".ssh",
        "node.redb",
        "index/meta",
        "lock",
        "api.token",
        "",
        "a//b",
        "c:\\x",
    ] {
        assert!(!parts::is_ours(name), "{name}");
    }
}
