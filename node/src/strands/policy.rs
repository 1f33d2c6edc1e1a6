//! What a seller binds itself to, strand by strand and purpose by purpose: a file that a person writes.

use std::fmt;

use intentcast_protocol::{
    letter::{Kept, Operation, Operations, Permission},
    limits,
    near::nearest,
    purpose::Purpose,
    strand::{self, Sensitivity, StrandName},
    text::{Name, Phrase, Word},
    time::{Seconds, Timestamp},
};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::toml_file::{self, Wrong};

/// The longest that a policy may keep a strand, days: ten years.
const DAYS: u16 = 3660;

/// A whole policy, each line with a word on what it does.
pub fn example() -> &'static str {
    include_str!("../../../deploy/config/policy.toml")
}

/// What is kept of a strand after it was deleted, and by what right.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct KeptRule {
    /// What: "name and address on the invoice".
    pub what: Phrase,
    /// The law or contract that asks for it.
    pub ground: Phrase,
    /// For how long after the deletion, days.
    pub days: u16,
}

/// What may be done with one strand for one purpose.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct Rule {
    /// Which.
    pub strand: StrandName,
    /// What for.
    pub purpose: Phrase,
    /// What may be done.
    pub operations: Operations,
    /// How long after it was asked at most, days.
    pub days: u16,
    /// Who else may have it.
    pub recipients: Vec<Name>,
    /// Recipients who are to be told when it is deleted: for a day at most the receipt waits for the word that they were.
    pub told: Vec<Name>,
    /// What the customer has of it; asked for by itself only where this is said.
    pub benefit: Option<Phrase>,
    /// What is kept all the same.
    pub kept: Vec<KeptRule>,
}

impl Rule {
    /// What of a permission goes beyond this, in words; `from` is when it was asked.
    pub fn beyond(&self, from: Timestamp, permission: &Permission) -> Vec<String> {
        let mut beyond = Vec::new();
        for operation in permission.operations.list() {
            if !self.operations.has(operation) {
                beyond.push(format!("{} is not in the policy", operation.word()));
            }
        }
        for name in &permission.recipients {
            if !self.recipients.contains(name) {
                beyond.push(format!("the policy has no recipient {name}"));
            }
        }
        if permission.ends > self.ends(from) {
            beyond.push(format!(
                "until {}, and the policy keeps it {} days",
                permission.ends, self.days
            ));
        }
        beyond
    }

    /// Until when it may be kept at most.
    pub fn ends(&self, from: Timestamp) -> Timestamp {
        from.plus(Seconds(u32::from(self.days) * 86_400))
    }

    /// What a deletion receipt says is kept.
    pub fn kept(&self, now: Timestamp) -> Vec<Kept> {
        let kept = self.kept.iter().map(|kept| Kept {
            what: kept.what.clone(),
            ground: kept.ground.clone(),
            until: now.plus(Seconds(u32::from(kept.days) * 86_400)),
        });
        kept.collect()
    }
}

/// A seller's policy.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Default)]
pub struct Policy {
    /// Its rules, one for each strand and purpose.
    pub rules: Vec<Rule>,
}

impl Policy {
    /// The rule for this strand and purpose.
    pub fn rule(&self, strand: &Word, purpose: &Phrase) -> Option<&Rule> {
        self.rules
            .iter()
            .find(|rule| rule.strand.as_str() == strand.as_str() && rule.purpose == *purpose)
    }

    /// What of a permission goes beyond the policy, in words.
    pub fn beyond(&self, from: Timestamp, permission: &Permission) -> Vec<String> {
        match self.rule(&permission.strand, &permission.purpose) {
            Some(rule) => rule.beyond(from, permission),
            None => {
                let purposes: Vec<&str> = self
                    .rules
                    .iter()
                    .filter(|rule| rule.strand.as_str() == permission.strand.as_str())
                    .map(|rule| rule.purpose.as_str())
                    .collect();
                let (strand, purpose) = (&permission.strand, &permission.purpose);
                vec![match purposes.is_empty() {
                    true => format!("the policy asks nobody for {strand}"),
                    false => format!("the policy has {strand} for {}, not for {purpose}", purposes.join(", ")),
                }]
            }
        }
    }
}

/// The policy that `text` says.
///
/// # Errors
/// [`Wrong`], with the line where there is one.
pub fn parse(text: &str) -> Result<Policy, Wrong> {
    let written = toml_file::parse::<Written>(text)?;
    let mut rules: Vec<Rule> = Vec::new();
    for strand in written.strand {
        let rule = strand.rule()?;
        if rules
            .iter()
            .any(|other| other.strand == rule.strand && other.purpose == rule.purpose)
        {
            return Err(wrong(&rule, "it stands there twice"));
        }
        rules.push(rule);
    }
    Ok(Policy { rules })
}

/// What is allowed and probably not meant.
pub fn doubts(policy: &Policy) -> Vec<String> {
    let mut doubts = Vec::new();
    if policy.rules.is_empty() {
        doubts.push("no [[strand]]: nobody is asked for anything, and every grant is outside of the policy".to_owned());
    }
    for rule in &policy.rules {
        let (strand, purpose) = (&rule.strand, &rule.purpose);
        let known = Purpose::new(purpose.as_str()).ok().and_then(|purpose| purpose.known());
        if known.is_some_and(|known| !known.needs(strand)) {
            doubts.push(format!(
                "{strand} for {purpose}: it does not usually need that; people will ask why"
            ));
        }
        if strand.sensitivity() == Sensitivity::Special {
            doubts.push(format!(
                "{strand} for {purpose}: a special category of personal data, for which most laws ask more than a grant"
            ));
        }
        if rule.days > 366 {
            doubts.push(format!(
                "{strand} for {purpose}: kept {} days, more than a year",
                rule.days
            ));
        }
        if rule.benefit.is_none() {
            doubts.push(format!(
                "{strand} for {purpose}: without a benefit it is not asked for by itself"
            ));
        }
    }
    doubts
}

fn wrong(rule: &Rule, why: &str) -> Wrong {
    Wrong {
        line: None,
        why: format!("{} for {}: {why}", rule.strand, rule.purpose),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    strand: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    name: Known,
    purpose: Meant,
    operations: Vec<Done>,
    days: Days,
    #[serde(default)]
    recipients: Vec<Name>,
    #[serde(default)]
    told: Vec<Name>,
    #[serde(default)]
    benefit: Option<Phrase>,
    #[serde(default)]
    kept: Vec<WrittenKept>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKept {
    what: Phrase,
    ground: Phrase,
    days: Days,
}

impl WrittenRule {
    fn rule(self) -> Result<Rule, Wrong> {
        let operations: Vec<Operation> = self.operations.into_iter().map(|Done(operation)| operation).collect();
        let rule = Rule {
            strand: self.name.0,
            purpose: self.purpose.0,
            operations: Operations::of(&operations).ok_or_else(|| Wrong {
                line: None,
                why: "operations: one at least of use, store, share, derive".into(),
            })?,
            days: self.days.0,
            recipients: self.recipients,
            told: self.told,
            benefit: self.benefit,
            kept: self
                .kept
                .into_iter()
                .map(|kept| KeptRule {
                    what: kept.what,
                    ground: kept.ground,
                    days: kept.days.0,
                })
                .collect(),
        };
        if !rule.recipients.is_empty() && !rule.operations.has(Operation::Share) {
            return Err(wrong(
                &rule,
                "recipients, and nothing is to be shared: add \"share\" to operations",
            ));
        }
        if rule.recipients.len() > limits::RECIPIENTS {
            return Err(wrong(&rule, &format!("at most {} recipients", limits::RECIPIENTS)));
        }
        if rule.kept.len() > limits::KEPT {
            return Err(wrong(&rule, &format!("at most {} [[strand.kept]]", limits::KEPT)));
        }
        if let Some(name) = rule.told.iter().find(|name| !rule.recipients.contains(name)) {
            let near = nearest(name.as_str(), rule.recipients.iter().map(Name::as_str), 1);
            let near = near
                .first()
                .map(|near| format!("; did you mean {near}?"))
                .unwrap_or_default();
            return Err(wrong(&rule, &format!("told: {name} is no recipient{near}")));
        }
        Ok(rule)
    }
}

/// A strand of the vocabulary, or one of one's own.
struct Known(StrandName);

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        strand::resolve(&text).map(Self).map_err(de::Error::custom)
    }
}

/// A purpose that says what is done.
struct Meant(Phrase);

impl<'de> Deserialize<'de> for Meant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let purpose = Purpose::new(&text).map_err(de::Error::custom)?;
        Ok(Self(purpose.as_phrase().clone()))
    }
}

/// An operation by its word.
struct Done(Operation);

impl<'de> Deserialize<'de> for Done {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        operation(&text).map(Self).map_err(de::Error::custom)
    }
}

/// The operation of this word.
///
/// # Errors
/// With the nearest word that there is.
pub fn operation(text: &str) -> Result<Operation, String> {
    Operation::from_word(text).ok_or_else(|| {
        let words = Operation::ALL.map(Operation::word);
        match nearest(text, words.into_iter(), 1).first() {
            Some(near) => format!("no operation {text:?}; did you mean {near:?}?"),
            None => format!("no operation {text:?}; there are {}", words.join(", ")),
        }
    })
}

/// A number of days, one at least.
struct Days(u16);

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl de::Visitor<'_> for Count {
            type Value = Days;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a number of days, 1 to {DAYS}")
            }
            fn visit_i64<E: de::Error>(self, days: i64) -> Result<Days, E> {
                match u16::try_from(days) {
                    Ok(days @ 1..=DAYS) => Ok(Days(days)),
                    _ => Err(E::invalid_value(de::Unexpected::Signed(days), &self)),
                }
            }
        }
        deserializer.deserialize_i64(Count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
[[strand]]
name = "address.delivery"
purpose = "deliver_order"
operations = ["use", "share"]
days = 30
recipients = ["Northern Couriers"]
benefit = "it comes to your door"

[[strand.kept]]
what = "name and address on the invoice"
ground = "tax law"
days = 3650
"#;

    #[test]
    fn the_example_is_read_and_raises_no_doubt() {
        let policy = parse(example()).unwrap();
        assert!(!policy.rules.is_empty());
        assert!(doubts(&policy).is_empty(), "{:?}", doubts(&policy));
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_its_line_and_what_was_probably_meant() {
        let error = |from: &str, to: &str| parse(&POLICY.replacen(from, to, 1)).unwrap_err().to_string();
        for (from, to, told) in [
            (
                "address.delivery",
                "adress.delivery",
                "line 3: no strand is called \"adress.delivery\"; did you mean address.delivery",
            ),
            (
                "\"deliver_order\"",
                "\"marketing\"",
                "line 4: \"marketing\" is no purpose",
            ),
            (
                "\"share\"",
                "\"shar\"",
                "line 5: no operation \"shar\"; did you mean \"share\"?",
            ),
            ("days = 30", "days = 0", "line 6: "),
            (
                "recipients",
                "recipient",
                "line 7: unknown key `recipient`; did you mean `recipients`?",
            ),
            (", \"share\"", "", "add \"share\""),
            (
                "benefit",
                "told = [\"Northen Couriers\"]\nbenefit",
                "did you mean Northern Couriers?",
            ),
        ] {
            let error = error(from, to);
            assert!(error.contains(told), "{to}: {error}");
        }
        assert!(
            parse(&format!("{POLICY}{POLICY}"))
                .unwrap_err()
                .to_string()
                .contains("twice")
        );
    }

    #[test]
    fn a_permission_beyond_the_policy_is_told_in_words() {
        let policy = parse(POLICY).unwrap();
        let now = Timestamp(1_790_000_000_000);
        let asked = Permission {
            agreement: Default::default(),
            strand: Word::new("address.delivery").unwrap(),
            purpose: Phrase::new("deliver_order").unwrap(),
            operations: Operations::of(&[Operation::Use]).unwrap(),
            recipients: Default::default(),
            ends: now.plus(Seconds(10 * 86_400)),
        };
        assert!(policy.beyond(now, &asked).is_empty());
        let longer = Permission {
            ends: now.plus(Seconds(31 * 86_400)),
            operations: Operations::of(&[Operation::Derive]).unwrap(),
            ..asked.clone()
        };
        assert_eq!(policy.beyond(now, &longer).len(), 2);
        let other = Permission {
            purpose: Phrase::new("warranty").unwrap(),
            ..asked
        };
        assert!(policy.beyond(now, &other)[0].contains("for deliver_order, not for warranty"));
        let kept = policy.rules[0].kept(now);
        assert_eq!(kept[0].until, now.plus(Seconds(3650 * 86_400)));
    }
}
