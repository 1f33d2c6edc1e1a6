//! Which admissible offer comes first: whole points, added up from parts that each say what they are for.

use std::{cmp::Reverse, collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    attribute::{Holds, Strength, words},
    category::Relation,
    id::OfferId,
    intent::Intent,
    offer::{Fit, Line, Offer},
    time::Timestamp,
};

/// Points for a want all of whose words are in the item's title.
const LIKENESS: i64 = 400;
/// Points for a preference of weight 1, so that one of weight 100 outweighs half a perfect likeness.
const PREFERENCE: i64 = 2;
/// Points for half the budget saved, in proportion below that, and no more above it: what costs far less than somebody
/// is ready to pay is rather another thing than a better bargain.
const PRICE: i64 = 100;
/// Points for being there at once; one less for each day.
const DELIVERY: i64 = 30;
/// Points off where the item is near what was asked and not it.
const NEAR: i64 = 150;

/// One reason for points.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Part {
    /// What for.
    pub what: String,
    /// How many; below zero against it.
    pub points: i64,
    /// What was found, for a person.
    pub why: String,
}

/// Points and where they come from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
pub struct Score {
    /// Each part.
    pub parts: Vec<Part>,
}

impl Score {
    /// The sum of the parts.
    pub fn total(&self) -> i64 {
        self.parts.iter().map(|part| part.points).sum()
    }

    fn add(&mut self, what: impl Into<String>, points: i64, why: impl Into<String>) {
        self.parts.push(Part {
            what: what.into(),
            points,
            why: why.into(),
        });
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self
            .parts
            .iter()
            .map(|part| format!("{} {:+}", part.why, part.points))
            .collect();
        f.write_str(&parts.join(", "))
    }
}

/// An offer in its place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Ranked {
    /// Which.
    pub offer: OfferId,
    /// 1 is the first.
    pub place: usize,
    /// Why there.
    pub score: Score,
}

/// Words that say nothing about the thing: the small ones of English.
pub(crate) const SMALL: &[&str] = &[
    "a", "an", "and", "am", "any", "as", "at", "be", "but", "by", "for", "from", "have", "i", "in", "is", "it",
    "looking", "me", "my", "of", "on", "or", "s", "some", "that", "the", "this", "to", "want", "with",
];

/// A word without its plural, so that `strollers` is `stroller`.
pub(crate) fn singular(word: &str) -> String {
    match word {
        _ if word.len() > 4 && word.ends_with("ies") => format!("{}y", &word[..word.len() - 3]),
        _ if word.len() > 4 && (word.ends_with("ches") || word.ends_with("shes") || word.ends_with("xes")) => {
            word[..word.len() - 2].into()
        }
        _ if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") => word[..word.len() - 1].into(),
        _ => word.into(),
    }
}

fn bag<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    texts.into_iter().flat_map(words).map(|word| singular(&word)).collect()
}

/// How much of the want's words the line says, in thousandths: a word of the title counts whole, one of brand,
/// attributes or category two thirds. Says nothing of a catalogue's statistics, so that every node finds the same.
pub fn likeness(intent: &Intent, line: &Line) -> u32 {
    let wanted: BTreeSet<String> = bag([intent.title.as_str()])
        .into_iter()
        .filter(|word| !SMALL.contains(&word.as_str()))
        .collect();
    if wanted.is_empty() {
        return 0;
    }
    let title = bag([line.title.as_str()]);
    let attributes: Vec<String> = line
        .attributes
        .iter()
        .map(|a| format!("{} {}", a.name, a.value))
        .collect();
    let mut about = bag(attributes.iter().map(String::as_str).chain([line.brand.as_str()]));
    if let Some(category) = line.category.lookup()
        && crate::category::relation(intent.category, line.category) == Relation::Within
    {
        about.extend(bag([category.name]
            .into_iter()
            .chain(category.synonyms.iter().copied())));
        about.extend(
            intent
                .category
                .lookup()
                .into_iter()
                .flat_map(|asked| bag(asked.synonyms.iter().copied())),
        );
    }
    let points: u64 = wanted
        .iter()
        .map(|word| match word {
            _ if title.contains(word) => 1000,
            _ if about.contains(word) => 667,
            _ => 0,
        })
        .sum();
    (points / wanted.len() as u64) as u32
}

/// How much of the want's words an offer says, in thousandths: as its least like line does. It does not change with
/// time, and is the larger part of a score's cost.
pub fn alike(intent: &Intent, offer: &Offer) -> u32 {
    offer.lines.iter().map(|line| likeness(intent, line)).min().unwrap_or(0)
}

/// The points of one offer for one intent, at a moment.
pub fn score(now: Timestamp, intent: &Intent, offer: &Offer) -> Score {
    score_alike(now, intent, offer, alike(intent, offer))
}

/// The same where [`alike`] is known already.
pub fn score_alike(now: Timestamp, intent: &Intent, offer: &Offer, like: u32) -> Score {
    let mut score = Score::default();
    score.add(
        "likeness",
        LIKENESS * i64::from(like) / 1000,
        format!("{}% like the want", like / 10),
    );
    for wish in &intent.wishes {
        let holds = |line: &Line| wish.holds(&line.attributes);
        let all = |verdict| offer.lines.iter().all(|line| holds(line) == verdict);
        match wish.strength {
            Strength::Must => {}
            Strength::Prefer(weight) if all(Holds::Met) => {
                score.add(wish.name.as_str(), PREFERENCE * i64::from(weight), format!("{wish}"));
            }
            Strength::Prefer(_) if all(Holds::Unknown) => score.add(wish.name.as_str(), 0, format!("{wish} not said")),
            Strength::Prefer(_) => score.add(wish.name.as_str(), 0, format!("{wish} missed")),
            Strength::Avoid(_) if all(Holds::Unmet) => score.add(wish.name.as_str(), 0, format!("not {wish}")),
            Strength::Avoid(weight) if offer.lines.iter().any(|line| holds(line) == Holds::Met) => {
                score.add(
                    wish.name.as_str(),
                    -PREFERENCE * i64::from(weight),
                    format!("{wish}, to avoid"),
                );
            }
            Strength::Avoid(_) => score.add(wish.name.as_str(), 0, format!("{wish} not said")),
        }
    }
    let (ceiling, landed) = (intent.budget.ceiling(), offer.totals.landed());
    // Of a budget that is not said nothing can be saved: then only the cheaper of two equals comes first.
    if let Some(ceiling) = ceiling
        && let Ok(saved) = ceiling.checked_sub(landed)
        && ceiling.minor > 0
    {
        let points = (i128::from(2 * PRICE) * i128::from(saved.minor) / i128::from(ceiling.minor)) as i64;
        score.add(
            "price",
            points.clamp(-PRICE, PRICE),
            format!("{landed}, {saved} below the budget"),
        );
    }
    let days = offer.deliver_by.since(now).div_ceil(86_400_000);
    score.add(
        "delivery",
        (DELIVERY - days.min(DELIVERY as u64) as i64).max(0),
        format!("in {days} days"),
    );
    if offer.lines.iter().any(|line| line.fit != Fit::Exact) {
        score.add("fit", -NEAR, "near what was asked");
    }
    score
}

/// The offers in the order of their points, what is near behind all that is exact; then the cheaper, then the smaller
/// id.
///
/// It ranks what it is given: admitting comes first and is not done here.
pub fn rank<'a>(
    now: Timestamp,
    intent: &Intent,
    offers: impl IntoIterator<Item = (OfferId, &'a Offer)>,
) -> Vec<Ranked> {
    let offers = offers.into_iter().map(|(id, offer)| (id, offer, alike(intent, offer)));
    rank_alike(now, intent, offers)
}

/// The same where [`alike`] is known already of each.
pub fn rank_alike<'a>(
    now: Timestamp,
    intent: &Intent,
    offers: impl IntoIterator<Item = (OfferId, &'a Offer, u32)>,
) -> Vec<Ranked> {
    let mut scored: Vec<(bool, Reverse<i64>, i64, OfferId, Score)> = offers
        .into_iter()
        .map(|(id, offer, like)| {
            let score = score_alike(now, intent, offer, like);
            let near = offer.lines.iter().any(|line| line.fit != Fit::Exact);
            (near, Reverse(score.total()), offer.totals.total, id, score)
        })
        .collect();
    scored.sort_by_key(|it| (it.0, it.1, it.2, it.3));
    scored
        .into_iter()
        .enumerate()
        .map(|(at, (_, _, _, offer, score))| Ranked {
            offer,
            place: at + 1,
            score,
        })
        .collect()
}
