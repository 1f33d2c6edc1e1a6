//! A vault on disk, with little work a guess.

use std::time::{Duration, Instant};

use super::*;

const CHEAP: Cost = Cost {
    kib: 64,
    passes: 1,
    lanes: 1,
};
const NOW: Timestamp = Timestamp(1_790_000_000_000);

fn words(text: &str) -> Opener {
    Opener::Passphrase(Zeroizing::new(text.to_owned()))
}

fn name(text: &str) -> StrandName {
    strand::resolve(text).unwrap()
}

fn right() -> Opener {
    words("heron lamp orbit quilt")
}

struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with a vault in which are two strands.
    fn filled() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let mut vault = Vault::make(folder.path(), &right(), CHEAP).unwrap();
        vault.set(NOW, &name("contact.email"), "ann@example.org").unwrap();
        vault.set(NOW, &name("size.height"), "186cm").unwrap();
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join(FILE)
    }

    fn open(&self, opener: &Opener) -> Result<Vault, VaultError> {
        Vault::open(self.path(), opener)
    }

    fn value(&self, strand: &str) -> Option<String> {
        let vault = self.open(&right()).unwrap();
        vault.get(&name(strand)).map(|value| value.to_string())
    }
}

#[test]
fn what_was_kept_is_there_after_it_was_closed() {
    let folder = Folder::filled();
    assert_eq!(folder.value("size.height").as_deref(), Some("186 cm"));
    let vault = folder.open(&right()).unwrap();
    let held: Vec<String> = vault.held().iter().map(|held| held.name.to_string()).collect();
    assert_eq!(held, ["contact.email", "size.height"]);
    assert_eq!(vault.held()[0].at, NOW);
    assert_eq!(vault.get(&name("size.shoe")), None);
}

#[test]
fn a_later_value_takes_the_place_of_the_first_and_what_is_removed_is_gone() {
    let folder = Folder::filled();
    let mut vault = folder.open(&right()).unwrap();
    assert!(vault.set(NOW, &name("size.height"), "187 cm").unwrap());
    assert!(!vault.set(NOW, &name("own.locker"), "7").unwrap());
    assert!(vault.remove(&name("contact.email")).unwrap());
    assert!(!vault.remove(&name("contact.email")).unwrap());
    assert_eq!(folder.value("size.height").as_deref(), Some("187 cm"));
    assert_eq!(folder.value("contact.email"), None);
    assert_eq!(folder.value("own.locker").as_deref(), Some("7"));
}

#[test]
fn what_no_strand_holds_is_refused_and_changes_nothing() {
    let folder = Folder::filled();
    let mut vault = folder.open(&right()).unwrap();
    let bytes = fs::read(folder.file()).unwrap();
    let wrong = vault.set(NOW, &name("size.height"), "tall").unwrap_err();
    assert!(matches!(wrong, VaultError::NotSo(_)) && !wrong.to_string().contains("tall"));
    let newer = StrandName::new("contact.emial").unwrap();
    let unknown = vault.set(NOW, &newer, "ann@example.org").unwrap_err();
    assert!(unknown.to_string().contains("contact.email"), "{unknown}");
    assert_eq!(fs::read(folder.file()).unwrap(), bytes);
}

#[test]
fn a_wrong_passphrase_is_told_from_a_damaged_file() {
    let folder = Folder::filled();
    let wrong = folder.open(&words("heron lamp orbit quill")).unwrap_err();
    assert_eq!(wrong, VaultError::Wrong(OpensWith::Passphrase));
    let bytes = fs::read(folder.file()).unwrap();
    for cut in [0, 5, 20, 60, bytes.len() / 2, bytes.len() - 1] {
        fs::write(folder.file(), &bytes[..cut]).unwrap();
        let error = folder.open(&right()).unwrap_err();
        assert!(matches!(error, VaultError::Damaged(_)), "cut at {cut}: {error}");
    }
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        fs::write(folder.file(), &altered).unwrap();
        let error = folder.open(&right()).unwrap_err();
        assert!(matches!(error, VaultError::Damaged(_)), "byte {at}: {error}");
    }
    fs::write(folder.file(), &bytes).unwrap();
    assert!(folder.open(&right()).is_ok());
}

#[test]
fn who_alters_the_file_and_its_hash_gains_nothing() {
    use sha2::Digest as _;
    let folder = Folder::filled();
    let bytes = fs::read(folder.file()).unwrap();
    let sound = bytes.len() - 32;
    for at in [8, 9, 21, 40, 70, sound - 1] {
        let mut altered = bytes.clone();
        // The kind and the cost have more than one bit that matters; the next one up is another value of either.
        altered[at] ^= if at < 21 { 3 } else { 1 };
        let hash = sha2::Sha256::digest(&altered[..sound]);
        altered[sound..].copy_from_slice(&hash);
        fs::write(folder.file(), &altered).unwrap();
        assert!(folder.open(&right()).is_err(), "byte {at}");
    }
}

#[test]
fn a_header_that_asks_for_the_whole_machine_is_refused_before_any_work() {
    let folder = Folder::filled();
    let mut bytes = fs::read(folder.file()).unwrap();
    bytes[9..13].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(folder.file(), &bytes).unwrap();
    let error = folder.open(&right()).unwrap_err();
    assert!(error.to_string().contains("more work"), "{error}");
}

#[test]
fn nothing_that_was_kept_stands_in_the_file() {
    let folder = Folder::filled();
    let bytes = fs::read(folder.file()).unwrap();
    for secret in ["ann@example.org", "186", "contact", "heron"] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret}");
    }
    assert_eq!((bytes.len() - 32 - 16 - 24 - 37) % 1024, 0, "its size is one of few");
}

#[test]
fn each_writing_has_a_nonce_of_its_own() {
    let folder = Folder::filled();
    let mut vault = folder.open(&right()).unwrap();
    let mut nonces = std::collections::BTreeSet::new();
    for _ in 0..20 {
        vault.set(NOW, &name("size.height"), "186 cm").unwrap();
        nonces.insert(fs::read(folder.file()).unwrap()[37..61].to_vec());
    }
    assert_eq!(nonces.len(), 20);
}

#[test]
fn after_a_change_the_old_passphrase_opens_nothing() {
    let folder = Folder::filled();
    let mut vault = folder.open(&right()).unwrap();
    assert!(matches!(vault.open_with(&words("short")), Err(VaultError::Weak(_))));
    vault.open_with(&words("another one of these")).unwrap();
    vault.set(NOW, &name("size.shoe"), "EU 46").unwrap();
    assert!(matches!(folder.open(&right()), Err(VaultError::Wrong(_))));
    let vault = folder.open(&words("another one of these")).unwrap();
    assert_eq!(vault.held().len(), 3);
}

#[test]
fn a_key_file_opens_what_it_was_made_for() {
    let dir = tempfile::tempdir().unwrap();
    let key = |byte: u8, length| Opener::KeyFile(Zeroizing::new(vec![byte; length]));
    assert!(matches!(
        Vault::make(dir.path(), &key(1, 31), CHEAP),
        Err(VaultError::Weak(_))
    ));
    drop(Vault::make(dir.path(), &key(1, 32), CHEAP).unwrap());
    assert!(Vault::open(dir.path(), &key(1, 32)).is_ok());
    assert_eq!(
        Vault::open(dir.path(), &key(2, 32)).unwrap_err(),
        VaultError::Wrong(OpensWith::KeyFile)
    );
    assert_eq!(
        Vault::open(dir.path(), &right()).unwrap_err(),
        VaultError::OtherKind(OpensWith::KeyFile)
    );
    assert_eq!(opens_with(dir.path()), Ok(Some(OpensWith::KeyFile)));
}

#[test]
fn a_vault_is_never_made_over_another() {
    let folder = Folder::filled();
    let error = Vault::make(folder.path(), &words("something else"), CHEAP).unwrap_err();
    assert_eq!(error, VaultError::Exists);
    assert!(folder.open(&right()).is_ok());
}

#[test]
#[cfg(unix)]
fn a_vault_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::filled();
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(folder.open(&right()).unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn a_full_vault_takes_no_more_but_keeps_what_it_has() {
    let folder = Folder::filled();
    let mut vault = folder.open(&right()).unwrap();
    // Straight into memory: five hundred writings of the file would say nothing more.
    for number in vault.strands.len()..STRANDS {
        let kept = Kept {
            value: Zeroizing::new("x".repeat(2048)),
            at: NOW,
        };
        vault.strands.insert(name(&format!("own.n{number}")), kept);
    }
    assert_eq!(vault.set(NOW, &name("own.more"), "x"), Err(VaultError::Full));
    assert!(vault.set(NOW, &name("own.n7"), "y").unwrap());
    assert_eq!(folder.open(&right()).unwrap().held().len(), STRANDS);
    assert!(fs::metadata(folder.file()).unwrap().len() < VAULT.bytes as u64);
}

#[test]
fn each_grant_is_given_an_address_of_its_own_also_after_a_restart() {
    let folder = Folder::filled();
    let (email, height) = (name("contact.email"), name("size.height"));
    let grants = [RecordId([1; 32]), RecordId([2; 32])];
    let vault = folder.open(&right()).unwrap();
    let given = vault.alias(&email, &grants[0]).unwrap().unwrap();
    assert!(given.starts_with("ann+") && given.ends_with("@example.org"));
    assert_eq!(vault.alias(&height, &grants[0]).unwrap().unwrap().as_str(), "186 cm");
    assert_eq!(vault.alias(&name("size.shoe"), &grants[0]).unwrap(), None);
    let again = folder.open(&right()).unwrap();
    assert_eq!(again.grant_of(&given, &grants), Some(&grants[0]));
    assert_ne!(again.alias(&email, &grants[1]).unwrap().unwrap(), given);
}

#[test]
fn nothing_secret_is_shown_by_its_debug_form() {
    let folder = Folder::filled();
    let vault = folder.open(&right()).unwrap();
    let hidden = Hidden(Zeroizing::new("ann@example.org".into()));
    let shown = format!("{vault:?} {:?} {hidden:?}", right());
    assert!(!shown.contains("ann") && !shown.contains("heron"), "{shown}");
}

fn keeper(folder: &Folder, lock_after_min: u32) -> Keeper {
    Keeper::with_cost(folder.path(), &Config { lock_after_min }, CHEAP)
}

#[test]
fn a_session_opens_once_and_gives_nothing_while_it_is_locked() {
    let folder = Folder::filled();
    let keeper = keeper(&folder, 0);
    let email = name("contact.email");
    assert_eq!(keeper.get(&email), Err(VaultError::Locked));
    assert!(keeper.unlock(&words("wrong and long")).is_err());
    assert_eq!(keeper.get(&email), Err(VaultError::Locked));
    keeper.unlock(&right()).unwrap();
    assert_eq!(keeper.get(&email).unwrap().unwrap().as_str(), "ann@example.org");
    assert!(keeper.unlock(&words("wrong and long")).is_err());
    assert!(
        keeper.get(&email).is_ok(),
        "a wrong one does not lock whom the right one let in"
    );
    let status = keeper.status().unwrap();
    assert_eq!((status.open, status.strands), (true, Some(2)));
    assert!(keeper.lock() && !keeper.lock());
    assert_eq!(keeper.get(&email), Err(VaultError::Locked));
    let status = keeper.status().unwrap();
    assert_eq!(
        (status.open, status.strands, status.opens_with),
        (false, None, Some(OpensWith::Passphrase))
    );
}

#[test]
fn a_passphrase_is_changed_by_who_knows_it_alone() {
    let folder = Folder::filled();
    let keeper = keeper(&folder, 0);
    let new = words("another one of these");
    keeper.unlock(&right()).unwrap();
    assert!(keeper.open_with(&words("wrong and long"), &new).is_err());
    keeper.open_with(&right(), &new).unwrap();
    assert!(keeper.get(&name("contact.email")).is_ok(), "it is as open as before");
    keeper
        .with(|vault| vault.set(NOW, &name("size.shoe"), "EU 46"))
        .unwrap()
        .unwrap();
    keeper.lock();
    keeper.open_with(&new, &right()).unwrap();
    assert_eq!(keeper.get(&name("size.shoe")), Err(VaultError::Locked), "and as locked");
    assert_eq!(folder.value("size.shoe").as_deref(), Some("EU 46"));
}

#[test]
fn a_vault_that_nobody_uses_locks_itself() {
    let folder = Folder::filled();
    let keeper = keeper(&folder, 5);
    keeper.unlock(&right()).unwrap();
    let later = |minutes: u64| Instant::now() + Duration::from_secs(60 * minutes);
    assert!(keeper.open_at(later(4)).is_some());
    assert!(keeper.open_at(later(6)).is_none());
    assert_eq!(keeper.get(&name("contact.email")), Err(VaultError::Locked));
    let never = super::Keeper::with_cost(folder.path(), &Config::default(), CHEAP);
    never.unlock(&right()).unwrap();
    assert!(never.open_at(later(100_000)).is_some());
}

#[tokio::test]
async fn a_node_that_stops_locks_its_vault() {
    let folder = Folder::filled();
    let keeper = keeper(&folder, 0);
    keeper.unlock(&right()).unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    keeper.clone().watch(stop).await;
    assert!(!keeper.status().unwrap().open);
}

#[test]
fn where_there_is_no_vault_the_keeper_says_how_to_make_one() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let keeper = keeper(&folder, 0);
    assert_eq!(keeper.status().unwrap().opens_with, None);
    assert_eq!(keeper.unlock(&right()), Err(VaultError::None));
    assert!(
        keeper
            .get(&name("size.shoe"))
            .unwrap_err()
            .to_string()
            .contains("vault set")
    );
    keeper.make(&right()).unwrap();
    assert_eq!(keeper.get(&name("size.shoe")), Ok(None));
}
