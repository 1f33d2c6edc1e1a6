use intentcast_protocol::letter::Operation;

use super::*;

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const DAY: u64 = 86_400_000;

fn strand(number: u8, name: &str) -> Strand {
    Strand {
        grant: RecordId([number; 32]),
        strand: name.into(),
        title: name.into(),
        purpose: "deliver_order".into(),
        operations: Operations::of(&[Operation::Use]).unwrap(),
        recipients: Vec::new(),
        since: NOW,
        until: NOW.plus_millis(30 * DAY),
        alias: false,
        state: State::Granted,
        used: 0,
        shared_with: Vec::new(),
        beyond: Vec::new(),
        late: Vec::new(),
        openable: None,
        kept: Vec::new(),
    }
}

fn holder(name: &str, strands: Vec<Strand>) -> Holder {
    Holder {
        role: Role::Customer,
        id: name.into(),
        name: name.into(),
        strands,
    }
}

fn told(holders: &[Holder]) -> Vec<String> {
    let risks = risk::of(NOW, holders);
    risks
        .iter()
        .map(|risk| format!("{}: {}", risk.level.word(), risk.why))
        .collect()
}

#[test]
fn an_address_alone_for_a_month_is_no_risk_to_speak_of() {
    assert!(told(&[holder("Wheels", vec![strand(1, "address.delivery")])]).is_empty());
    assert!(
        told(&[holder(
            "Wheels",
            vec![strand(1, "size.height"), strand(2, "address.town")]
        )])
        .is_empty()
    );
}

#[test]
fn what_one_holder_could_combine_is_said_with_its_reason_and_its_grants() {
    let mut strands = vec![strand(1, "contact.name"), strand(2, "address.delivery")];
    let risks = risk::of(NOW, &[holder("Wheels", strands.clone())]);
    assert_eq!((risks.len(), risks[0].level), (1, Level::Raised));
    assert_eq!(risks[0].grants, [RecordId([1; 32]), RecordId([2; 32])]);
    strands.push(strand(3, "contact.phone"));
    let risks = risk::of(NOW, &[holder("Wheels", strands.clone())]);
    assert_eq!((risks.len(), risks[0].level), (1, Level::High));
    assert!(risks[0].why.contains("pass for you"), "{}", risks[0].why);
    // What is deleted is not there to be combined.
    strands[2].state = State::Deleted;
    strands[0].state = State::Deleted;
    assert!(told(&[holder("Wheels", strands)]).is_empty());
}

#[test]
fn what_comes_together_at_a_recipient_counts_as_its_own() {
    let to = |mut strand: Strand| {
        strand.recipients = vec![Name::new("Northern Couriers").unwrap()];
        strand
    };
    let told = told(&[
        holder(
            "Wheels",
            vec![to(strand(1, "contact.name")), to(strand(2, "contact.phone"))],
        ),
        holder("Prams", vec![to(strand(3, "address.home"))]),
    ]);
    assert!(
        told[0].starts_with("high: Northern Couriers, a recipient of Prams and Wheels"),
        "{told:?}"
    );
    assert!(
        told.iter().any(|risk| risk.contains("both customers are you")),
        "{told:?}"
    );
}

#[test]
fn the_same_mail_address_at_two_sellers_links_them_and_an_alias_does_not() {
    let mail = |number, alias| Strand {
        alias,
        ..strand(number, "contact.email")
    };
    let holders = |alias| {
        [
            holder("Wheels", vec![mail(1, alias)]),
            holder("Prams", vec![mail(2, alias)]),
        ]
    };
    assert!(told(&holders(false))[0].contains("each have your contact.email"));
    assert!(told(&holders(true)).is_empty());
}

#[test]
fn what_is_beyond_late_or_long_is_told_and_what_is_wrong_comes_first() {
    let mut strand = strand(1, "address.delivery");
    strand.until = NOW.plus_millis(400 * DAY);
    strand.beyond = vec!["shared with Data Brokers, who is not a recipient".into()];
    strand.late = vec![Late {
        what: "the deletion receipt".into(),
        since: NOW,
    }];
    let told = told(&[holder("Wheels", vec![strand])]);
    assert_eq!(told.len(), 3);
    assert!(
        told[0].starts_with("high: Wheels owes the deletion receipt"),
        "{told:?}"
    );
    assert!(told[1].contains("Data Brokers"), "{told:?}");
    assert!(told[2].starts_with("raised: "), "{told:?}");
}

#[test]
fn a_sellers_own_customers_are_no_risk_of_its_own() {
    let mut customer = holder(
        "customer of ab",
        vec![strand(1, "contact.name"), strand(2, "address.home")],
    );
    customer.role = Role::Seller;
    assert!(told(&[customer]).is_empty());
}
