//! Where a thing belongs in our vocabulary, from what other vocabularies' numbers and shops' own words say.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use intentcast_protocol::category::{self, CategoryId, GENERAL, Unresolved};

use super::report::shown;

/// Texts whose meaning is remembered while a file is read: finding out what a wrong one may mean is slow. What comes
/// beyond them is known by its title only.
const MAX_TEXTS: usize = 10_000;
/// Texts without a category that are told.
const TOLD: usize = 10;
/// What marks a number as one of Google's: a shop's own numbers look the same.
pub const GOOGLE: &str = "google:";

/// Numbers of Google's taxonomy that the vocabulary does not name itself, filed under the nearest that it does.
static GOOGLE_IDS: LazyLock<HashMap<u32, CategoryId>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for line in include_str!("../../assets/google-categories.tsv").lines() {
        if let Some((ours, theirs)) = line.split_once('\t') {
            let ours = CategoryId(ours.parse().expect("our file has our numbers"));
            let theirs = theirs
                .split(' ')
                .map(|id| id.parse().expect("our file has Google's numbers"));
            known.extend(theirs.map(|id: u32| (id, ours)));
        }
    }
    known.extend(category::all().filter_map(|category| Some((category.google?, category.id))));
    known
});

static SHOPIFY_IDS: LazyLock<HashMap<&str, CategoryId>> = LazyLock::new(|| {
    category::all()
        .filter_map(|category| Some((category.shopify?, category.id)))
        .collect()
});

/// What told the category.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// A number of another vocabulary.
    Code,
    /// A path or name in the row.
    Text,
    /// The title, or the mapping's constant.
    Title,
}

/// Files things, and remembers what led nowhere.
#[derive(Default)]
pub struct Filing {
    known: BTreeMap<String, Option<(CategoryId, How)>>,
    unmapped: BTreeMap<String, u64>,
}

impl Filing {
    /// The category of a thing of which its row says `said`, the most telling first.
    pub fn file(&mut self, said: &[String], title: &str, constant: Option<CategoryId>) -> (CategoryId, How) {
        if let Some(found) = said.iter().find_map(|said| self.meaning(said)) {
            return found;
        }
        if let Some(first) = said.first() {
            if let Some(count) = self.unmapped.get_mut(first) {
                *count += 1;
            } else if self.unmapped.len() < MAX_TEXTS {
                self.unmapped.insert(first.clone(), 1);
            }
        }
        let constant_first = constant.filter(|_| said.is_empty());
        let found = constant_first
            .or_else(|| category::infer(title).map(|category| category.id))
            .or(constant);
        (found.unwrap_or(GENERAL), How::Title)
    }

    /// The texts without a category that came most often, as they may be shown.
    pub fn unmapped(&self) -> Vec<(String, u64)> {
        let mut texts: Vec<(&String, u64)> = self.unmapped.iter().map(|(text, count)| (text, *count)).collect();
        texts.sort_by_key(|(text, count)| (std::cmp::Reverse(*count), *text));
        texts
            .into_iter()
            .take(TOLD)
            .map(|(text, count)| (shown(text), count))
            .collect()
    }

    fn meaning(&mut self, said: &str) -> Option<(CategoryId, How)> {
        if let Some(known) = self.known.get(said) {
            return *known;
        }
        if self.known.len() >= MAX_TEXTS {
            return None;
        }
        let found = by_code(said)
            .map(|id| (id, How::Code))
            .or_else(|| by_text(said).map(|id| (id, How::Text)));
        self.known.insert(said.to_owned(), found);
        found
    }
}

/// The category of Google's number, marked as one, or of Shopify's, which says itself where it stands.
fn by_code(said: &str) -> Option<CategoryId> {
    if let Some(number) = said.strip_prefix(GOOGLE) {
        return GOOGLE_IDS.get(&number.parse().ok()?).copied();
    }
    let code = said.strip_prefix("gid://shopify/TaxonomyCategory/").unwrap_or(said);
    let mut parts = code.split('-');
    let root = parts.next()?;
    let is_code = root.len() == 2
        && root.bytes().all(|byte| byte.is_ascii_lowercase())
        && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        && (code.contains('-') || code.len() < said.len());
    let ancestors = std::iter::successors(Some(code), |code| code.rsplit_once('-').map(|(above, _)| above));
    ancestors
        .take_while(|_| is_code)
        .find_map(|code| SHOPIFY_IDS.get(code).copied())
}

/// The category of a path, name or synonym, or of the finest known step of somebody else's path.
fn by_text(said: &str) -> Option<CategoryId> {
    // "1604 - Apparel & Accessories > Clothing": the number is Google's.
    if let Some((number, _)) = said.split_once(" - ")
        && let Some(id) = number.trim().parse().ok().and_then(|number| GOOGLE_IDS.get(&number))
    {
        return Some(*id);
    }
    if let Ok(category) = category::resolve(said) {
        return Some(category.id);
    }
    let steps: Vec<&str> = said
        .split(['>', '/', '|'])
        .map(str::trim)
        .filter(|step| !step.is_empty())
        .collect();
    for (at, step) in steps.iter().enumerate().rev() {
        match category::resolve(step) {
            Ok(category) => return Some(category.id),
            Err(Unresolved::Ambiguous { candidates, .. }) => {
                // What stands above it in the path may tell which is meant.
                let above: Vec<CategoryId> = steps[..at]
                    .iter()
                    .filter_map(|step| Some(category::resolve(step).ok()?.id))
                    .collect();
                let ids = candidates.iter().filter_map(|path| Some(category::by_path(path)?.id));
                let meant = ids.into_iter().find(|id| above.iter().any(|above| above.covers(*id)));
                if meant.is_some() {
                    return meant;
                }
            }
            Err(Unresolved::Unknown { .. }) => {}
        }
    }
    steps.iter().rev().find_map(|step| Some(category::infer(step)?.id))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a story fails")]
mod tests {
    use super::*;

    fn path(said: &str) -> Option<String> {
        Filing::default().meaning(said).map(|(id, _)| id.to_string())
    }

    #[test]
    fn other_vocabularies_numbers_are_known() {
        for (said, is) in [
            ("google:568", "baby/strollers"),
            ("google:1604", "fashion"),
            ("gid://shopify/TaxonomyCategory/bt-6-3-2", "baby/strollers/double"),
            ("bt-6-3-2-7", "baby/strollers/double"),
            ("gid://shopify/TaxonomyCategory/bt", "baby"),
            (
                "568 - Baby & Toddler > Baby Transport > Baby Strollers",
                "baby/strollers",
            ),
        ] {
            assert!(
                path(said).is_some_and(|path| path.starts_with(is)),
                "{said}: {:?}",
                path(said)
            );
        }
        assert_eq!(path("google:99999999"), None);
        assert_eq!(path("17"), None, "a shop's own number is nobody else's");
    }

    #[test]
    fn every_number_of_googles_leads_to_a_category_of_ours() {
        assert!(GOOGLE_IDS.len() > 5_000);
        assert!(GOOGLE_IDS.values().all(|ours| ours.lookup().is_some()));
    }

    #[test]
    fn shops_words_find_their_way() {
        for (said, is) in [
            ("Apparel & Accessories > Jewelry > Watches", "jewellery/watches"),
            ("Bikes / Hardtail", "sports/cycling/mountain-bikes"),
            ("Our best prams", "baby/strollers"),
        ] {
            assert!(
                path(said).is_some_and(|path| path.starts_with(is)),
                "{said}: {:?}",
                path(said)
            );
        }
    }

    #[test]
    fn what_leads_nowhere_is_counted() {
        let mut filing = Filing::default();
        for said in ["xyzzy", "plugh", "xyzzy"] {
            let (id, _) = filing.file(&[said.to_owned()], "Qwertz", None);
            assert_eq!(id, GENERAL);
        }
        assert_eq!(filing.unmapped(), [("xyzzy".to_owned(), 2), ("plugh".to_owned(), 1)]);
    }
}
