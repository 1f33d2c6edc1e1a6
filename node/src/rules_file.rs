//! A seller's rules as a file: read, and checked for what would make them answer nothing or something unmeant.

use intentcast_protocol::{
    rules::{Answer, Rules},
    terms,
};

use crate::toml_file::{self, Wrong};

/// The rules that `text` says.
///
/// # Errors
/// [`Wrong`], with the line where there is one.
pub fn parse(text: &str) -> Result<Rules, Wrong> {
    let rules: Rules = toml_file::parse(text)?;
    let wrong = |why: String| Err(Wrong { line: None, why });
    if let Some(unknown) = rules.terms.iter().find(|id| terms::by_id(id).is_none()) {
        let near = terms::TermsSet::of(&[unknown]).map_or_else(|error| error.to_string(), |_| String::new());
        return wrong(format!("terms: {near}"));
    }
    if let Some(unknown) = rules.categories.iter().find(|category| category.lookup().is_none()) {
        return wrong(format!("categories: there is no category {unknown}"));
    }
    if let Some(rule) = rules.delivery.iter().find(|rule| !rule.region.exists()) {
        return wrong(format!("delivery: there is no region {}", rule.region));
    }
    if rules.delivery.iter().any(|rule| rule.price.minor < 0) {
        return wrong("delivery: a price below nothing".into());
    }
    if rules.floor_basis_points > 10_000 {
        return wrong("floor_basis_points: a floor above the price; 10000 is the price itself".into());
    }
    if rules.likeness > 100 {
        return wrong("likeness: percent, 0 to 100".into());
    }
    if rules.valid_for.0 == 0 {
        return wrong("valid_for: seconds, more than nothing".into());
    }
    Ok(rules)
}

/// What is allowed and probably not meant.
pub fn doubts(rules: &Rules) -> Vec<String> {
    let mut doubts = Vec::new();
    if rules.answer == Answer::Never {
        doubts.push("answer = \"never\": no intent gets an offer".to_owned());
    }
    if rules.delivery.is_empty() {
        doubts.push("no [[delivery]]: without a way to bring it, no intent gets an offer".to_owned());
    }
    for id in ["SD-BASE", "PDC-INTENT"] {
        if !rules.terms.iter().any(|own| own.eq_ignore_ascii_case(id)) {
            doubts.push(format!("terms without {id}: most intents ask for it"));
        }
    }
    if rules.offers_per_hour == 0 || rules.offers_per_intent == 0 {
        doubts.push("offers_per_hour or offers_per_intent is 0: no intent gets an offer".to_owned());
    }
    if rules.meet_budget && rules.floor_basis_points == 10_000 {
        doubts.push("meet_budget with a floor of 10000 basis points: no price can go down".to_owned());
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r#"
shop = "Wheels of Hull"
categories = ["sports/cycling", "pram"]
floor_basis_points = 9000
meet_budget = true

[[delivery]]
region = "GB-ENG"
mode = "delivery"
price = "4.99 GBP"
days = 3

[[adjust]]
category = "sports/cycling/mountain-bikes"
basis_points = -500
"#;

    #[test]
    fn a_shop_writes_its_rules_in_words() {
        let rules = parse(SHOP).unwrap();
        assert_eq!(rules.categories[0].to_string(), "sports/cycling");
        assert_eq!(rules.delivery[0].price.to_string(), "4.99 GBP");
        assert!(doubts(&rules).is_empty(), "{:?}", doubts(&rules));
    }

    #[test]
    fn what_a_shop_cannot_mean_is_named() {
        let error = |from: &str, to: &str| parse(&SHOP.replace(from, to)).unwrap_err().to_string();
        assert!(error("meet_budget", "meet_budgit").contains("did you mean `meet_budget`?"));
        assert!(error("\"pram\"", "\"bogus thing\"").starts_with("line 3: "));
        assert!(error("GB-ENG", "GB-XXX").contains("no region GB-XXX"));
        assert!(error("9000", "10001").contains("floor"));
        assert!(error("shop =", "terms = [\"SD-BASS\"]\nshop =").contains("did you mean SD-BASE?"));
    }

    #[test]
    fn rules_that_answer_nothing_raise_doubts() {
        assert!(
            doubts(&Rules::default())
                .iter()
                .any(|doubt| doubt.contains("[[delivery]]"))
        );
        let silent = Rules {
            terms: vec!["PDC-AI".into()],
            ..parse(SHOP).unwrap()
        };
        assert_eq!(doubts(&silent).len(), 2);
    }
}
