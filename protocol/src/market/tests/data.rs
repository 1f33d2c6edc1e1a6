//! Personal data: asked for, granted for one purpose, used, reported, revoked, deleted.

use super::{
    Node, after, draft, exchange, gossip, stroller,
    talking::{say, settle},
};
use crate::{
    id::{AgreementId, RecordId},
    letter::{Deletion, Kept, Matter, Operation, Operations, Permission, UseReport},
    limits,
    list::{Bytes, List},
    market::{About, Command, Denied, Draft, GrantView, Passage, ThreadView},
    seal::{OneTime, SealKey, seal},
    text::{Name, Phrase, Word},
    time::Timestamp,
};

const ADDRESS: &str = "1 Whitefriargate\nHull HU1 2ER";
const DAY: u64 = 24 * 3_600_000;

/// Who may be asked for the address and the mail address, and the seller; they have agreed.
fn agreed() -> (Node, Node, AgreementId) {
    let mut customer = Node::customer();
    let mut seller = Node::seller("seller", vec![stroller("twin-1", "120 GBP")]);
    let word = |text: &str| Word::new(text).unwrap();
    customer.cast(Draft {
        may_ask: vec![word("address.delivery"), word("contact.email")],
        ..draft()
    });
    gossip(after(0), &mut customer, &mut [&mut seller]);
    exchange(after(0), &mut seller, &mut customer);
    let offer = customer.open_offers()[0];
    customer.command(after(10), Command::Accept(offer)).unwrap();
    settle(after(10), &mut customer, &mut seller);
    let id = customer.market.agreements()[0].id;
    (customer, seller, id)
}

fn secret() -> OneTime {
    OneTime::new([7; 32])
}

/// Delivery of the address for ten days, with a courier.
fn permission(agreement: AgreementId) -> Permission {
    Permission {
        agreement,
        strand: Word::new("address.delivery").unwrap(),
        purpose: Phrase::new("deliver_order").unwrap(),
        operations: Operations::of(&[Operation::Use, Operation::Store, Operation::Share]).unwrap(),
        recipients: List::cut([Name::new("Northern Couriers").unwrap()]),
        ends: after(10 * DAY),
    }
}

fn request(permission: Permission) -> Matter {
    Matter::PermissionRequest {
        permission,
        benefit: Phrase::new("it comes to your door").unwrap(),
        key: secret().public().0,
    }
}

fn grant(request: RecordId, permission: Permission) -> Matter {
    let sealed = seal(
        &secret().public(),
        &permission.context(request),
        ADDRESS.as_bytes(),
        &[3; 32],
    )
    .unwrap();
    Matter::Granted {
        request,
        permission,
        alias: false,
        sealed: Bytes::new(sealed).unwrap(),
    }
}

fn report(grant: RecordId, operation: Operation, to: Timestamp) -> UseReport {
    UseReport {
        grant,
        operation,
        purpose: Phrase::new("deliver_order").unwrap(),
        times: 1,
        from: to,
        to,
        shared_with: List::default(),
    }
}

fn thread(node: &Node, now: Timestamp) -> ThreadView {
    node.market.threads(now).into_iter().next().unwrap()
}

fn the_grant(node: &Node, now: Timestamp) -> GrantView {
    let grants = thread(node, now).grants;
    assert_eq!(grants.len(), 1);
    grants.into_iter().next().unwrap()
}

fn why(said: Result<RecordId, Denied>) -> String {
    said.unwrap_err().to_string()
}

/// The address is granted, and both sides hold the grant.
fn granted() -> (Node, Node, AgreementId, RecordId) {
    let (mut customer, mut seller, deal) = agreed();
    let about = About::Agreement(deal);
    let asked = say(&mut seller, after(20), about, request(permission(deal))).unwrap();
    settle(after(20), &mut customer, &mut seller);
    let given = say(&mut customer, after(30), about, grant(asked, permission(deal))).unwrap();
    settle(after(30), &mut customer, &mut seller);
    (customer, seller, deal, given)
}

#[test]
fn what_was_asked_is_granted_and_only_the_asker_can_open_it() {
    let (customer, seller, _, given) = granted();
    let (ours, theirs) = (the_grant(&customer, after(40)), the_grant(&seller, after(40)));
    assert_eq!(ours.grant, theirs.grant);
    assert!(ours.live && !ours.overdue && ours.due == Some(after(10 * DAY).plus(limits::AFTER_GRANT)));
    let letters = thread(&seller, after(40)).letters;
    let letter = letters.iter().find(|letter| letter.id == given).unwrap();
    let Matter::Granted {
        request,
        permission,
        sealed,
        ..
    } = &letter.matter
    else {
        panic!("{letter:?}")
    };
    let opened = secret().open(&permission.context(*request), sealed).unwrap();
    assert_eq!(*opened, ADDRESS.as_bytes());
    assert!(
        secret().open(&permission.context(given), sealed).is_err(),
        "under another request it says nothing"
    );
    assert!(
        OneTime::new([8; 32])
            .open(&permission.context(*request), sealed)
            .is_err()
    );
    let plain = |node: &Node| {
        node.disk
            .iter()
            .any(|entry| entry.bytes.windows(8).any(|bytes| bytes == b"Whitefri"))
    };
    assert!(!plain(&customer) && !plain(&seller), "no ledger has the plain value");
}

#[test]
fn no_strand_is_asked_for_or_granted_before_the_agreement() {
    let (mut customer, mut seller, _, offer) = super::offered();
    let about = About::Offer(offer);
    let early = say(
        &mut seller,
        after(5),
        about,
        request(permission(AgreementId::default())),
    );
    assert!(why(early).contains("agreement"));
    let unasked = grant(RecordId::default(), permission(AgreementId::default()));
    assert!(why(say(&mut customer, after(5), about, unasked)).contains("agreement"));
    assert!(customer.market.threads(after(5)).is_empty() && seller.market.threads(after(5)).is_empty());
}

#[test]
fn a_request_that_is_generic_unknown_or_not_let_be_asked_is_refused_with_a_hint() {
    let (_, mut seller, deal) = agreed();
    let mut refused = |change: &dyn Fn(&mut Permission)| {
        let mut asked = permission(deal);
        change(&mut asked);
        why(say(&mut seller, after(20), About::Agreement(deal), request(asked)))
    };
    let word = |text: &str| Word::new(text).unwrap();
    let phrase = |text: &str| Phrase::new(text).unwrap();
    let broad = refused(&|asked| asked.purpose = phrase("marketing"));
    assert!(
        broad.contains("marketing") && broad.contains("say what is sent"),
        "{broad}"
    );
    let any = refused(&|asked| asked.purpose = phrase("any"));
    assert!(any.contains("deliver_order"), "{any}");
    let slip = refused(&|asked| asked.strand = word("adress.delivery"));
    assert!(slip.contains("did you mean address.delivery"), "{slip}");
    let closed = refused(&|asked| asked.strand = word("contact.phone"));
    assert!(closed.contains("does not let contact.phone be asked"), "{closed}");
    let late = refused(&|asked| asked.ends = after(1));
    assert!(late.contains("ends"), "{late}");
    let weak = Matter::PermissionRequest {
        permission: permission(deal),
        benefit: phrase("it comes to your door"),
        key: SealKey::default().0,
    };
    assert!(why(say(&mut seller, after(20), About::Agreement(deal), weak)).contains("anybody"));
    assert!(
        seller
            .market
            .threads(after(20))
            .iter()
            .all(|thread| thread.requests.is_empty())
    );
}

#[test]
fn a_grant_may_be_less_than_was_asked_and_never_more() {
    let (mut customer, mut seller, deal) = agreed();
    let about = About::Agreement(deal);
    let asked = say(&mut seller, after(20), about, request(permission(deal))).unwrap();
    settle(after(20), &mut customer, &mut seller);
    let mut more = permission(deal);
    more.ends = after(11 * DAY);
    assert!(why(say(&mut customer, after(30), about, grant(asked, more))).contains("more"));
    let mut more = permission(deal);
    more.recipients = List::cut([Name::new("Data Brokers").unwrap()]);
    assert!(why(say(&mut customer, after(30), about, grant(asked, more))).contains("more"));
    let empty = Matter::Granted {
        request: asked,
        permission: permission(deal),
        alias: false,
        sealed: Bytes::default(),
    };
    assert!(why(say(&mut customer, after(30), about, empty)).contains("sealed"));
    let alias = match grant(asked, permission(deal)) {
        Matter::Granted {
            request,
            permission,
            sealed,
            ..
        } => Matter::Granted {
            request,
            permission,
            alias: true,
            sealed,
        },
        other => other,
    };
    assert!(why(say(&mut customer, after(30), about, alias)).contains("no aliases"));
    let mut less = permission(deal);
    less.operations = Operations::of(&[Operation::Use]).unwrap();
    less.recipients = List::default();
    less.ends = after(2 * DAY);
    say(&mut customer, after(30), about, grant(asked, less.clone())).unwrap();
    settle(after(30), &mut customer, &mut seller);
    assert_eq!(the_grant(&seller, after(31)).grant.permission, less);
    let again = say(&mut customer, after(32), about, grant(asked, less));
    assert!(why(again).contains("answered"));
}

#[test]
fn a_refusal_is_told_with_its_reason_and_nothing_is_given_after_it() {
    let (mut customer, mut seller, deal) = agreed();
    let about = About::Agreement(deal);
    let asked = say(&mut seller, after(20), about, request(permission(deal))).unwrap();
    settle(after(20), &mut customer, &mut seller);
    let no = Matter::GrantRefused {
        request: asked,
        why: Phrase::new("I fetch it myself").unwrap(),
    };
    say(&mut customer, after(30), about, no).unwrap();
    settle(after(30), &mut customer, &mut seller);
    let requests = thread(&seller, after(31)).requests;
    assert_eq!(requests[0].refused.as_ref().unwrap().as_str(), "I fetch it myself");
    assert!(say(&mut customer, after(32), about, grant(asked, permission(deal))).is_err());
    assert!(thread(&customer, after(33)).grants.is_empty());
}

#[test]
fn a_report_beyond_the_grant_is_kept_and_shown_as_beyond() {
    let (mut customer, mut seller, deal, given) = granted();
    let about = About::Agreement(deal);
    let within = report(given, Operation::Use, after(50));
    say(&mut seller, after(60), about, Matter::UseReport(within)).unwrap();
    settle(after(60), &mut customer, &mut seller);
    assert!(the_grant(&customer, after(61)).beyond.is_empty());
    let mut shared = report(given, Operation::Share, after(62));
    shared.purpose = Phrase::new("send offers for prams").unwrap();
    shared.shared_with = List::cut([Name::new("Data Brokers").unwrap()]);
    let mut derived = report(given, Operation::Derive, after(63));
    derived.times = 3;
    for report in [shared, derived] {
        say(&mut seller, after(70), about, Matter::UseReport(report)).unwrap();
    }
    settle(after(70), &mut customer, &mut seller);
    let beyond = the_grant(&customer, after(71)).beyond.join("; ");
    for said in ["send offers for prams", "Data Brokers", "derive was not granted"] {
        assert!(beyond.contains(said), "{beyond}");
    }
    let future = report(given, Operation::Use, after(9 * DAY));
    assert!(
        say(&mut seller, after(80), about, Matter::UseReport(future)).is_err(),
        "what has not happened"
    );
}

#[test]
fn either_side_says_a_word_about_the_use_and_the_other_answers_it() {
    let (mut customer, mut seller, deal, given) = granted();
    let about = About::Agreement(deal);
    let word = |about, text: &str| Matter::Suggestion {
        grant: given,
        about,
        text: crate::text::Prose::new(text).unwrap(),
    };
    let first = say(&mut customer, after(40), about, word(None, "use it for the pump too")).unwrap();
    settle(after(40), &mut customer, &mut seller);
    say(&mut seller, after(50), about, word(Some(first), "gladly")).unwrap();
    settle(after(50), &mut customer, &mut seller);
    let said = the_grant(&customer, after(51)).grant.suggestions;
    assert_eq!(said.len(), 2);
    assert_eq!(said[1].3, Some(first));
    let letters = thread(&customer, after(51)).letters;
    let letter = letters.iter().find(|letter| letter.id == first).unwrap();
    assert_eq!(letter.passage, Some(Passage::Seen));
}

fn revoked(grant: RecordId, delete: bool, answer_by: Timestamp) -> Matter {
    Matter::Revoked {
        grant,
        delete,
        answer_by,
    }
}

#[test]
fn a_revoked_strand_is_deleted_and_the_receipt_is_on_both_disks() {
    let (mut customer, mut seller, deal, given) = granted();
    let about = About::Agreement(deal);
    say(&mut customer, after(100), about, revoked(given, true, after(DAY))).unwrap();
    settle(after(100), &mut customer, &mut seller);
    let view = the_grant(&seller, after(101));
    assert!(!view.live && view.due == Some(after(DAY)) && view.report_due == Some(after(DAY)));
    say(
        &mut seller,
        after(110),
        about,
        Matter::UseReport(report(given, Operation::Use, after(50))),
    )
    .unwrap();
    let deletion = Deletion {
        grant: given,
        at: after(110),
        kept: List::cut([Kept {
            what: Phrase::new("name and address on the invoice").unwrap(),
            ground: Phrase::new("tax law, 10 years").unwrap(),
            until: after(3650 * DAY),
        }]),
        told: List::cut([Name::new("Northern Couriers").unwrap()]),
    };
    say(&mut seller, after(111), about, Matter::Deleted(deletion.clone())).unwrap();
    settle(after(111), &mut customer, &mut seller);
    customer.restart(after(120));
    for node in [&customer, &seller] {
        let view = the_grant(node, after(2 * DAY));
        assert_eq!(view.grant.deleted.as_ref().unwrap().1, deletion);
        assert!(
            !view.overdue && !view.report_overdue && view.due.is_none() && view.beyond.is_empty(),
            "{view:?}"
        );
    }
    // Whoever uses it after that says so itself.
    let late = report(given, Operation::Use, after(200));
    say(&mut seller, after(210), about, Matter::UseReport(late)).unwrap();
    settle(after(210), &mut customer, &mut seller);
    let beyond = the_grant(&customer, after(211)).beyond.join("; ");
    assert!(
        beyond.contains("deleted at") && beyond.contains("revoked at"),
        "{beyond}"
    );
    assert!(
        say(&mut customer, after(220), about, revoked(given, true, after(DAY))).is_err(),
        "it is gone"
    );
}

#[test]
fn a_silent_seller_is_overdue_at_the_hour_and_not_before() {
    let (mut customer, mut seller, deal, given) = granted();
    say(
        &mut customer,
        after(100),
        About::Agreement(deal),
        revoked(given, true, after(5_000)),
    )
    .unwrap();
    let before = the_grant(&customer, after(4_999));
    assert!(!before.overdue && !before.report_overdue);
    let view = the_grant(&customer, after(5_000));
    assert!(view.overdue && view.report_overdue);
    settle(after(6_000), &mut customer, &mut seller);
    assert!(
        the_grant(&seller, after(6_001)).overdue,
        "the seller's own office shows the same"
    );
}

#[test]
fn a_grant_that_ran_out_is_to_be_reported_and_deleted_within_the_hour() {
    let (customer, _, _, _) = granted();
    let end = after(10 * DAY);
    let view = the_grant(&customer, end);
    assert!(!view.live && !view.overdue, "{view:?}");
    let view = the_grant(&customer, end.plus(limits::AFTER_GRANT));
    assert!(view.overdue && view.report_overdue);
}

#[test]
fn to_stop_is_not_yet_to_delete_and_a_second_word_asks_for_it() {
    let (mut customer, mut seller, deal, given) = granted();
    let about = About::Agreement(deal);
    say(&mut customer, after(100), about, revoked(given, false, after(DAY))).unwrap();
    let view = the_grant(&customer, after(101));
    assert!(
        !view.live && view.due == Some(after(10 * DAY).plus(limits::AFTER_GRANT)),
        "kept until its end"
    );
    assert!(
        say(&mut customer, after(102), about, revoked(given, false, after(DAY))).is_err(),
        "said before"
    );
    say(&mut customer, after(103), about, revoked(given, true, after(2 * DAY))).unwrap();
    settle(after(104), &mut customer, &mut seller);
    let view = the_grant(&seller, after(105));
    assert_eq!(view.due, Some(after(2 * DAY)));
    assert_eq!(
        view.grant.revoked.unwrap().at,
        after(100),
        "it was over with the first word"
    );
}
