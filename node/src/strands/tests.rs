//! A seller's store by hand: secrets that are gone, a log that cannot be mended, a report that finds what is wrong.

use intentcast_protocol::{
    id::RecordId,
    letter::{Operation, Operations, Permission, UseReport},
    list::List,
    market::{GrantView, Role},
    seal::seal,
    text::{Name, Phrase, Word},
    thread::{Grant, Request},
};

use super::{
    compliance::{Kind, report},
    telling::Telling,
    *,
};

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const DAY: u64 = 86_400_000;
const ADDRESS: &[u8] = b"1 Whitefriargate\nHull HU1 2ER";

fn phrase(text: &str) -> Phrase {
    Phrase::new(text).unwrap()
}

fn id(number: u8) -> RecordId {
    RecordId([number; 32])
}

fn used(operation: Operation, purpose: &str, recipient: Option<&str>, outside: bool) -> Deed {
    Deed::Used {
        grant: id(2),
        strand: Word::new("address.delivery").unwrap(),
        operation,
        purpose: phrase(purpose),
        recipient: recipient.map(|name| Name::new(name).unwrap()),
        outside,
    }
}

/// Everything in a folder, by its bytes.
fn says(dir: &Path, needle: &[u8]) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => says(&path, needle),
            false => fs::read(path)
                .unwrap()
                .windows(needle.len())
                .any(|bytes| bytes == needle),
        }
    })
}

#[test]
fn a_secret_opens_what_was_sealed_to_it_until_it_is_destroyed() {
    let home = tempfile::tempdir().unwrap();
    let strands = Strands::open(home.path()).unwrap();
    let key = strands.new_key().unwrap();
    let sealed = seal(&key, b"context", ADDRESS, &[9; 32]).unwrap();
    // After a restart it is there still.
    let strands = Strands::open(home.path()).unwrap();
    assert_eq!(strands.keys().unwrap(), [key.0]);
    let secret = strands.secret(&key.0).unwrap().unwrap();
    assert_eq!(*secret.open(b"context", &sealed).unwrap(), ADDRESS);
    let bytes = *secret.bytes();
    assert!(says(home.path(), &bytes));
    assert!(strands.destroy(&key.0).unwrap());
    assert!(!strands.destroy(&key.0).unwrap(), "there is nothing left to destroy");
    assert!(strands.secret(&key.0).unwrap().is_none() && !strands.has(&key.0));
    assert!(!says(home.path(), &bytes));
}

#[test]
fn a_secret_that_was_half_written_when_the_power_went_is_gone_at_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let strands = Strands::open(home.path()).unwrap();
    let half = strands.file(&[1; 32]).with_extension("new");
    fs::write(&half, [7; 20]).unwrap();
    Strands::open(home.path()).unwrap();
    assert!(!half.exists());
}

#[test]
fn the_log_goes_on_after_a_torn_line_and_shows_where_it_was_changed() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(DIR).join(LOG);
    let strands = Strands::open(home.path()).unwrap();
    for _ in 0..2 {
        strands
            .note(NOW, used(Operation::Use, "deliver_order", None, false))
            .unwrap();
    }
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str("{\"number\":2,\"at\":");
    fs::write(&file, &text).unwrap();
    let strands = Strands::open(home.path()).unwrap();
    strands
        .note(NOW, used(Operation::Use, "deliver_order", None, false))
        .unwrap();
    let (lines, broken) = strands.lines().unwrap();
    assert_eq!((lines.len(), broken), (3, None));
    let text = fs::read_to_string(&file).unwrap();
    // A use that is made to look as if it was for something else, and one that is left out.
    fs::write(&file, text.replacen("deliver_order", "fetch_returns", 1)).unwrap();
    assert_eq!(strands.lines().unwrap().1.unwrap().line, 2);
    let without: Vec<&str> = text
        .lines()
        .enumerate()
        .filter(|(at, _)| *at != 1)
        .map(|(_, line)| line)
        .collect();
    fs::write(&file, without.join("\n")).unwrap();
    assert_eq!(strands.lines().unwrap().1.unwrap().line, 2);
}

/// A grant to deliver with one courier.
fn held() -> Holding {
    let permission = Permission {
        agreement: Default::default(),
        strand: Word::new("address.delivery").unwrap(),
        purpose: phrase("deliver_order"),
        operations: Operations::of(&[Operation::Use, Operation::Share]).unwrap(),
        recipients: List::cut([Name::new("Northern Couriers").unwrap()]),
        ends: NOW.plus_millis(30 * DAY),
    };
    let grant = Grant {
        id: id(2),
        request: id(1),
        at: NOW,
        permission: permission.clone(),
        alias: false,
        reports: Vec::new(),
        reported_since: false,
        suggestions: Vec::new(),
        revoked: None,
        deleted: None,
    };
    Holding {
        thread: id(9),
        role: Role::Seller,
        agreement: Default::default(),
        seller: intentcast_protocol::keys::Seed::new([1; 32]).seller_key().public(),
        with: "customer of ab".into(),
        title: "Where to deliver".into(),
        state: State::Granted,
        request: Request {
            id: id(1),
            at: NOW,
            permission,
            benefit: phrase("it comes to your door"),
            key: [3; 32],
            granted: Some(id(2)),
            refused: None,
        },
        grant: Some(GrantView {
            live: true,
            due: grant.answer_due(),
            overdue: false,
            report_due: grant.report_due(),
            report_overdue: false,
            beyond: Vec::new(),
            grant,
        }),
        openable: Some(true),
        sealed: None,
    }
}

fn line(number: u64, deed: Deed) -> Line {
    Line {
        number,
        at: NOW.plus_millis(number + 1),
        before: Default::default(),
        deed,
    }
}

fn kinds(holding: &Holding, lines: &[Line], policy: Option<&str>) -> Vec<Kind> {
    let policy = policy.map(|text| policy::parse(text).unwrap());
    let report = report(
        NOW.plus_millis(DAY),
        policy.as_ref(),
        std::slice::from_ref(holding),
        lines,
        None,
    );
    assert_eq!(report.met, report.findings.is_empty());
    report.findings.into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn who_keeps_to_the_grant_meets_it_and_a_refused_attempt_is_no_wrong() {
    let lines = [
        line(0, used(Operation::Use, "deliver_order", None, false)),
        line(
            1,
            used(Operation::Share, "deliver_order", Some("Northern Couriers"), false),
        ),
        line(
            2,
            Deed::Refused {
                grant: id(2),
                strand: Word::new("address.delivery").unwrap(),
                purpose: phrase("marketing"),
                recipient: None,
                why: "granted for deliver_order".into(),
            },
        ),
    ];
    let report = report(NOW, None, &[held()], &lines, None);
    assert!(report.met, "{:?}", report.findings);
    let row = &report.purposes[0];
    assert_eq!(
        (row.asked, row.live, row.used, row.shared, row.refused),
        (1, 1, 2, 1, 1)
    );
    assert_eq!(report.refused[0].purpose, phrase("marketing"));
}

#[test]
fn a_use_through_another_door_is_found() {
    let sold = [line(
        0,
        used(Operation::Share, "send offers for prams", Some("Data Brokers"), true),
    )];
    assert_eq!(
        kinds(&held(), &sold, None),
        [Kind::Beyond, Kind::Beyond],
        "purpose and recipient"
    );
    // Told to the customer, and not in the log: lines were cut off.
    let mut cut = held();
    let view = cut.grant.as_mut().unwrap();
    let told = UseReport {
        grant: id(2),
        operation: Operation::Use,
        purpose: phrase("deliver_order"),
        times: 3,
        from: NOW,
        to: NOW,
        shared_with: List::default(),
    };
    view.grant.reports.push((id(5), NOW, told));
    assert_eq!(kinds(&cut, &[], None), [Kind::Unlogged]);
    let mut kept = held();
    kept.state = State::Deleted;
    assert_eq!(kinds(&kept, &[], None), [Kind::NotDestroyed]);
    let used = [line(0, used(Operation::Use, "deliver_order", None, false))];
    kept.openable = Some(false);
    assert_eq!(kinds(&kept, &used, None), [Kind::Unreported]);
    let mut late = held();
    late.grant.as_mut().unwrap().overdue = true;
    assert_eq!(kinds(&late, &[], None), [Kind::Overdue]);
    let mail = "[[strand]]\nname = \"contact.email\"\npurpose = \"send_receipt\"\noperations = [\"use\"]\ndays = 3\n";
    assert_eq!(kinds(&held(), &[], Some(mail)), [Kind::OutsidePolicy]);
}

#[test]
fn a_receipt_names_who_was_told_and_waits_a_while_for_who_was_not() {
    let name = |name: &str| Name::new(name).unwrap();
    let courier = name("Northern Couriers");
    let shared = used(Operation::Share, "deliver_order", Some("Northern Couriers"), false);
    let told = Deed::Told {
        grant: id(2),
        recipient: courier.clone(),
    };
    let line = |(number, deed): (usize, &Deed)| Line {
        number: number as u64,
        at: NOW,
        before: Default::default(),
        deed: deed.clone(),
    };
    let of = |deeds: &[Deed]| Telling::of(&deeds.iter().enumerate().map(line).collect::<Vec<_>>(), id(2));
    let mut grant = held().grant.unwrap().grant;
    let (to_tell, day) = ([courier.clone()], NOW.plus_millis(DAY));

    let nobody = of(&[used(Operation::Use, "deliver_order", None, false), told.clone()]);
    assert_eq!(nobody, Telling::default(), "who never had it is not named");
    let untold = of(std::slice::from_ref(&shared));
    assert_eq!(untold.untold, to_tell);
    assert_eq!(
        untold.waits_until(&[], NOW, &grant),
        None,
        "the policy says of nobody that they are told"
    );
    grant.permission.ends = NOW.plus_millis(30 * DAY);
    assert_eq!(untold.waits_until(&to_tell, NOW, &grant), Some(day));
    // Never so long that the customer has to wait for the receipt.
    grant.permission.ends = NOW;
    let waits = untold.waits_until(&to_tell, NOW, &grant).unwrap();
    assert!(NOW < waits && waits < grant.answer_due().unwrap(), "{waits}");
    let telling = of(&[shared, told]);
    assert_eq!(
        (&telling.told[..], telling.waits_until(&to_tell, NOW, &grant)),
        (&to_tell[..], None)
    );
}
