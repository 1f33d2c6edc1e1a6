use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::id::RecordId;

fn name(text: &str) -> StrandName {
    resolve(text).unwrap()
}

fn read(strand: &str, typed: &str) -> Option<String> {
    name(strand).form().read(typed).ok().map(|value| value.to_string())
}

#[test]
fn the_vocabulary_says_enough_of_each_strand() {
    assert!(all().len() >= 60);
    let titles: BTreeSet<&str> = all().map(|strand| strand.title).collect();
    assert_eq!(titles.len(), all().len(), "two strands with one title are one strand");
    for strand in all() {
        assert!(!strand.title.is_empty() && !strand.name.is_own(), "{}", strand.name);
        assert_eq!(strand.alias, strand.form == Form::Email, "{}", strand.name);
        for term in [strand.schema, strand.dpv].into_iter().flatten() {
            assert!(term.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{term}");
        }
        let family = strand.name.family();
        if ["health", "belief"].contains(&family) {
            assert_eq!(strand.sensitivity, Sensitivity::Special, "{}", strand.name);
        }
    }
    assert!(all().filter(|strand| strand.dpv.is_some()).count() > 50);
}

#[test]
fn a_wrong_name_is_answered_with_the_right_one() {
    for (asked, meant) in [
        ("contact.emial", "contact.email"),
        ("email", "contact.email"),
        ("shoe size", "size.shoe"),
        ("adress.delivery", "address.delivery"),
        ("height", "size.height"),
        ("preference.biking", "preference.cycling"),
    ] {
        let unknown = resolve(asked).unwrap_err();
        assert!(unknown.nearest.contains(&meant), "{asked}: {:?}", unknown.nearest);
        assert!(unknown.to_string().contains("did you mean"), "{unknown}");
    }
    assert!(resolve(&"x".repeat(5000)).unwrap_err().to_string().len() < 200);
}

#[test]
fn what_a_person_makes_up_is_called_own() {
    let own = name("own.bank_of_my_aunt");
    assert!(own.is_own() && own.strand().is_none());
    assert_eq!(
        (own.form(), own.sensitivity(), own.title()),
        (&Form::Text, Sensitivity::Personal, "own.bank_of_my_aunt")
    );
    for no in ["own", "own.", "own..x", "own.X y", "own.1", "Own/x", "own.\u{e9}"] {
        assert!(resolve(no).is_err(), "{no}");
    }
}

#[test]
fn a_name_that_is_newer_than_we_are_is_still_a_name() {
    let newer = StrandName::new("garden.soil").unwrap();
    assert_eq!(newer.strand(), None);
    assert_eq!(newer.sensitivity(), Sensitivity::Personal);
    assert!(resolve("garden.soil").is_err(), "but nobody keeps it in a vault");
    let bytes = crate::codec::encode(&newer);
    assert_eq!(crate::codec::decode::<StrandName>(&bytes), Ok(newer));
    assert!(crate::codec::decode::<StrandName>(&crate::codec::encode("Not.One")).is_err());
}

#[test]
fn a_family_means_its_strands_alone() {
    let height = name("size.height");
    assert!(height.is_meant_by("size.*") && height.is_meant_by("size.height"));
    assert!(!height.is_meant_by("siz.*") && !height.is_meant_by("size") && !height.is_meant_by("body.*"));
}

#[test]
fn a_value_is_what_its_strand_holds() {
    for (strand, typed, kept) in [
        ("contact.email", " Ann.Lee@Example.ORG ", Some("Ann.Lee@example.org")),
        (
            "contact.email",
            "ann+shop@xn--mnchen-3ya.de",
            Some("ann+shop@xn--mnchen-3ya.de"),
        ),
        ("contact.email", "ann@example", None),
        ("contact.email", "ann@@example.org", None),
        ("contact.email", "an n@example.org", None),
        ("contact.email", ".ann@example.org", None),
        ("contact.email", "ann@-example.org", None),
        ("contact.phone", "+44 1482 300-300", Some("+441482300300")),
        ("contact.phone", "01482 300300", None),
        ("contact.phone", "+44 (0)1482 300300", None),
        ("contact.phone", "+12", None),
        (
            "address.delivery",
            "1 Whitefriargate,  Hull HU1 2ER",
            Some("1 Whitefriargate\nHull HU1 2ER"),
        ),
        (
            "address.delivery",
            "Ann Lee\r\n\r\n1, Whitefriargate\r\nHull",
            Some("Ann Lee\n1, Whitefriargate\nHull"),
        ),
        ("address.delivery", "Hull", None),
        ("size.height", "186cm", Some("186 cm")),
        ("size.height", "1.860 M", Some("1.86 m")),
        ("size.height", "186", None),
        ("size.height", "186 kg", None),
        ("size.height", "-3 cm", None),
        ("size.height", "0 cm", None),
        ("household.people", "4 people", Some("4 people")),
        ("identity.birth_date", "1992-02-29", Some("1992-02-29")),
        ("identity.birth_date", "1900-02-29", None),
        ("identity.birth_date", "2000-13-01", None),
        ("identity.birth_date", "2000-04-31", None),
        ("identity.birth_date", "30.4.1990", None),
        ("identity.over_18", "YES", Some("yes")),
        ("identity.over_18", "maybe", None),
        (
            "preference.cycling",
            "hills,\n  twice a week",
            Some("hills,\ntwice a week"),
        ),
        ("preference.cycling", "  \n ", None),
        ("preference.cycling", "e\u{301}t\u{e9}", Some("\u{e9}t\u{e9}")),
        ("preference.cycling", "a\u{1b}[2Jb", None),
        ("own.thing", "anything", Some("anything")),
    ] {
        assert_eq!(read(strand, typed).as_deref(), kept, "{strand}: {typed:?}");
    }
    assert_eq!(read("own.thing", &"x".repeat(2049)), None);
}

#[test]
fn what_is_wrong_with_a_value_is_said_without_it() {
    let why = name("contact.email")
        .form()
        .read("secret at example")
        .unwrap_err()
        .to_string();
    assert_eq!(why, "a mail address looks like ann@example.org");
    let why = name("size.shoe").form().read("secret\u{202e}").unwrap_err().to_string();
    assert!(!why.contains("secret"), "{why}");
}

const SECRET: [u8; 32] = [5; 32];

#[test]
fn each_grant_has_an_address_of_its_own_and_a_leak_leads_back() {
    let secret = AliasSecret::new(SECRET);
    let grants = [RecordId([1; 32]), RecordId([2; 32])];
    let given: Vec<String> = grants
        .iter()
        .map(|grant| alias("ann@example.org", grant, &secret).unwrap())
        .collect();
    assert_ne!(given[0], given[1]);
    assert!(
        given[0].starts_with("ann+") && given[0].ends_with("@example.org"),
        "{}",
        given[0]
    );
    assert_eq!(grant_of(&given[1].to_uppercase(), &grants, &secret), Some(&grants[1]));
    assert_eq!(grant_of("ann@example.org", &grants, &secret), None);
    assert_eq!(grant_of("ann+guessed123@example.org", &grants, &secret), None);
    assert_eq!(grant_of(&given[0], &grants, &AliasSecret::new([6; 32])), None);
    assert_eq!(format!("{secret:?}"), "AliasSecret(..)");
}

#[test]
fn an_address_with_a_tag_keeps_it() {
    let (secret, grant) = (AliasSecret::new(SECRET), RecordId([1; 32]));
    let given = alias("ann+shops@example.org", &grant, &secret).unwrap();
    assert!(given.starts_with("ann+shops-"), "{given}");
    assert_eq!(grant_of(&given, [&grant], &secret), Some(&grant));
}

#[test]
fn an_address_that_cannot_take_a_tag_has_no_alias() {
    let (secret, grant) = (AliasSecret::new(SECRET), RecordId([1; 32]));
    let long = format!("{}@example.org", "a".repeat(60));
    assert_eq!(alias(&long, &grant, &secret), Err(NoAlias::TooLong));
    assert_eq!(alias("ann", &grant, &secret), Err(NoAlias::NotAnAddress));
}

proptest! {
    #[test]
    fn an_alias_is_a_mail_address_and_leads_back(
        local in "[a-z0-9]{1,20}(\\+[a-z]{1,5})?", grant in any::<[u8; 32]>(), secret in any::<[u8; 32]>(),
    ) {
        let (grant, secret) = (RecordId(grant), AliasSecret::new(secret));
        let given = alias(&format!("{local}@example.org"), &grant, &secret).unwrap();
        let kept = Form::Email.read(&given).unwrap();
        prop_assert_eq!(kept.as_str(), given.as_str());
        prop_assert_eq!(grant_of(&given, [&grant], &secret), Some(&grant));
    }

    #[test]
    fn what_was_kept_reads_as_itself(at in 0..all().len(), typed in any::<String>()) {
        let form = &all().nth(at).unwrap().form;
        if let Ok(kept) = form.read(&typed) {
            prop_assert_eq!(form.read(&kept).unwrap(), kept);
        }
    }

    #[test]
    fn no_text_breaks_a_name(text in any::<String>()) {
        let _ = resolve(&text);
        if let Ok(name) = StrandName::new(text.clone()) {
            prop_assert_eq!(name.as_str(), text.as_str());
        }
    }
}
