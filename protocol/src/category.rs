//! What a want is about: the category vocabulary, and how people's words find their way into it.
//!
//! It refuses to guess where two categories answer equally well to a name: [`resolve`] then names both.
//!
//! The vocabulary itself is `protocol/vocab/categories.tsv`; its header says how ids are given out.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The slug of the root that means "anything, unsorted".
pub const GENERAL: CategoryId = CategoryId(270_000);

/// Bytes of a category name that [`resolve`] reads; the longest name in the vocabulary has under 50.
pub const MAX_ASKED_BYTES: usize = 128;

/// Words of a want that [`infer`] reads: a title and a long text, at about six letters a word 3 KiB.
pub const MAX_WANT_WORDS: usize = 512;

/// How many near misses an [`Unresolved`] names.
pub const MAX_NEAREST: usize = 5;

/// Words in the longest synonym, with room: how far [`infer`] looks ahead from each word.
const MAX_PHRASE_WORDS: usize = 8;

/// A category's number, as it travels.
///
/// The number says where the category stands (`root * 10000 + branch * 100 + leaf`), so a node with an older
/// vocabulary still knows the family of a category that it has never heard of. Decoding therefore does not check that
/// the category exists; [`CategoryId::lookup`] does.
///
/// On the wire it is the number; where a person reads (JSON, TOML) the path, or `#` and the number where we have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryId(pub u32);

impl CategoryId {
    /// The category of this number, if our vocabulary has it.
    pub fn lookup(self) -> Option<&'static Category> {
        TABLE.by_id(self)
    }

    /// The next coarser category, known to us or not; `None` for a root.
    pub fn parent(self) -> Option<CategoryId> {
        if !self.0.is_multiple_of(100) {
            Some(CategoryId(self.0 - self.0 % 100))
        } else if !self.0.is_multiple_of(10_000) {
            Some(self.root())
        } else {
            None
        }
    }

    /// The root that this category descends from.
    pub fn root(self) -> CategoryId {
        CategoryId(self.0 - self.0 % 10_000)
    }

    /// Which of the eight groups hears of this category; [`CategoryGroup::General`] when even the root is unknown.
    pub fn group(self) -> CategoryGroup {
        self.root().lookup().map_or(CategoryGroup::General, |root| root.group)
    }

    /// Whether `other` is this category or one below it. [`GENERAL`] is "anything", so it covers everything.
    pub fn covers(self, other: CategoryId) -> bool {
        self == other
            || self == GENERAL
            || other
                .parent()
                .is_some_and(|parent| parent == self || parent.parent() == Some(self))
    }
}

/// The path where we know the category, the bare number where we do not.
impl fmt::Display for CategoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lookup() {
            Some(category) => f.write_str(category.path),
            None => write!(f, "#{}", self.0),
        }
    }
}

impl Serialize for CategoryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for CategoryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Readable)
        } else {
            u32::deserialize(deserializer).map(Self)
        }
    }
}

/// A category as a person writes it: its path or any name that [`resolve`] understands, `#` and a number, or a number.
struct Readable;

impl serde::de::Visitor<'_> for Readable {
    type Value = CategoryId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a category such as `sports/cycling`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CategoryId, E> {
        match text.strip_prefix('#').and_then(|number| number.parse().ok()) {
            Some(number) => Ok(CategoryId(number)),
            None => resolve(text).map(|category| category.id).map_err(E::custom),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<CategoryId, E> {
        u32::try_from(number).map(CategoryId).map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<CategoryId, E> {
        u32::try_from(number).map(CategoryId).map_err(E::custom)
    }
}

/// How an offered category stands to the one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// What is offered is what was asked, or a kind of it.
    Within,
    /// What is offered is filed more coarsely than what was asked: it may be the thing, it may not.
    Coarser,
    /// Neither contains the other.
    Apart,
}

/// Branches of a category that hold what goes with the thing and not the thing.
const BESIDE: [&str; 2] = ["accessories", "parts"];

/// Whether `offered` goes with what was asked rather than being it: a rain cover where a stroller is wanted. A root
/// asks for all that is below it.
fn is_beside(asked: CategoryId, offered: CategoryId) -> bool {
    let (Some(asked), Some(offered)) = (asked.lookup(), offered.lookup()) else {
        return false;
    };
    asked.parent.is_some()
        && offered
            .path
            .strip_prefix(asked.path)
            .and_then(|below| below.strip_prefix('/'))
            .and_then(|below| below.split('/').next())
            .is_some_and(|branch| BESIDE.contains(&branch))
}

/// How `offered` stands to `asked`.
pub fn relation(asked: CategoryId, offered: CategoryId) -> Relation {
    if is_beside(asked, offered) {
        Relation::Apart
    } else if asked.covers(offered) {
        Relation::Within
    } else if offered.covers(asked) {
        Relation::Coarser
    } else {
        Relation::Apart
    }
}

/// One entry of the vocabulary.
#[derive(Debug, PartialEq, Eq)]
pub struct Category {
    pub id: CategoryId,
    /// Slugs from the root down, such as `baby/strollers/double`.
    pub path: &'static str,
    /// The English name, in the plural where it has one.
    pub name: &'static str,
    /// Other English names, lower case.
    pub synonyms: Vec<&'static str>,
    /// The next coarser category; `None` for a root.
    pub parent: Option<CategoryId>,
    /// The root's group.
    pub group: CategoryGroup,
    /// The same category's id in Google's product taxonomy of 2021-09-21, where it has one.
    pub google: Option<u32>,
    /// The same category's id in Shopify's product taxonomy of 2025-08, where it has one.
    pub shopify: Option<&'static str>,
}

impl Category {
    /// Levels below the root: 0 for a root, 2 for `baby/strollers/double`.
    pub fn depth(&self) -> usize {
        self.path.matches('/').count()
    }
}

/// Why a name led to no single category; each lists up to [`MAX_NEAREST`] paths worth trying.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unresolved {
    /// No category is called that.
    #[error("no category is called {asked:?}; nearest: {}", nearest.join(", "))]
    Unknown { asked: String, nearest: Vec<&'static str> },
    /// Several categories answer to that name.
    #[error("{asked:?} could be any of: {}", candidates.join(", "))]
    Ambiguous {
        asked: String,
        candidates: Vec<&'static str>,
    },
}

/// Every category, in the order of ids.
pub fn all() -> impl ExactSizeIterator<Item = &'static Category> + Clone {
    TABLE.categories.iter()
}

/// The category of exactly this path.
pub fn by_path(path: &str) -> Option<&'static Category> {
    all().find(|category| category.path == path)
}

/// The one category that a person means by a path, the end of a path, a name or a synonym.
///
/// Case, plurals, spaces and hyphens do not matter: "Pram", "MTB" and "mountainbikes" are all understood. The first
/// of these that fits anything decides: whole path, name, synonym, end of a path.
///
/// # Errors
///
/// [`Unresolved`] if nothing answers to the name, or if several answer to it equally well.
pub fn resolve(asked: &str) -> Result<&'static Category, Unresolved> {
    let asked = clip(asked.trim());
    let steps: Vec<String> = asked.split('/').map(squash).collect();
    let key = steps.concat();
    let readings = [
        TABLE.with_path(|path| path == steps),
        TABLE.names.get(&key).into_iter().copied().collect(),
        TABLE.synonyms.get(&key).into_iter().copied().collect(),
        TABLE.with_path(|path| path.ends_with(&steps)),
    ];
    match readings.iter().find(|found| !key.is_empty() && !found.is_empty()) {
        Some(found) => match found.as_slice() {
            [only] => Ok(&TABLE.categories[*only]),
            several => Err(Unresolved::Ambiguous {
                asked: asked.to_owned(),
                candidates: several
                    .iter()
                    .take(MAX_NEAREST)
                    .map(|at| TABLE.categories[*at].path)
                    .collect(),
            }),
        },
        None => Err(Unresolved::Unknown {
            asked: asked.to_owned(),
            nearest: nearest(asked, &key),
        }),
    }
}

/// What a want in free words seems to be about: the category whose name or synonym is the longest phrase in it.
///
/// - Whole words only, with plurals folded; articles and possessives count for nothing.
/// - A root answers only if nothing finer does: "a desk for my home office" is about a desk.
/// - What stands right behind "X for" is what X is for: "toner for a laser printer" is about toner.
/// - Ties go to the deeper category, then to the lower id. [`GENERAL`] is never inferred.
pub fn infer(text: &str) -> Option<&'static Category> {
    let words: Vec<String> = words(text).take(MAX_WANT_WORDS).collect();
    let mut found: Vec<Phrase> = Vec::new();
    for start in 0..words.len() {
        let mut phrase = String::new();
        for (end, word) in words.iter().enumerate().skip(start).take(MAX_PHRASE_WORDS) {
            phrase.push_str(word);
            if let Some(&at) = TABLE.names.get(&phrase).or_else(|| TABLE.synonyms.get(&phrase)) {
                let (end, length) = (end + 1, phrase.len());
                found.push(Phrase { start, end, length, at });
            }
        }
    }
    let purposes: Vec<&Phrase> = found
        .iter()
        .filter(|phrase| phrase.start >= 2 && words[phrase.start - 1] == "for")
        .filter(|phrase| found.iter().any(|head| head.end == phrase.start - 1))
        .collect();
    found
        .iter()
        .filter(|phrase| !purposes.iter().any(|purpose| purpose.contains(phrase)))
        .map(|phrase| (phrase.length, &TABLE.categories[phrase.at]))
        .filter(|(_, category)| category.id != GENERAL)
        .max_by_key(|(length, category)| {
            let depth = category.depth();
            (depth > 0, *length, depth, std::cmp::Reverse(category.id))
        })
        .map(|(_, category)| category)
}

/// A name or synonym found in a want: words `start..end`, `length` bytes without spaces, of the category `at`.
struct Phrase {
    start: usize,
    end: usize,
    length: usize,
    at: usize,
}

impl Phrase {
    fn contains(&self, other: &Phrase) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// The eight groups that the roots fall into: half of a topic's name.
///
/// A root belongs to one group. Services, business, property and whatever nobody has sorted go to
/// [`CategoryGroup::General`], which everyone hears: a listener joins `general` besides the groups of its own wares,
/// because a want of the root `general` may be for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CategoryGroup {
    /// Getting about and being outdoors: vehicles, travel and rental, sports with cycling.
    Mobility,
    /// Appliances, furniture, homeware, garden, tools.
    Home,
    /// Babies, toys, pets.
    Family,
    /// Clothes, shoes, jewellery, beauty.
    Fashion,
    /// Electronics and software.
    Electronics,
    /// Books, music, arts, tickets.
    Leisure,
    /// Food, drink and health.
    Provisions,
    /// Services, office, property, business, and anything unsorted.
    General,
}

impl CategoryGroup {
    pub const ALL: [CategoryGroup; 8] = [
        CategoryGroup::Mobility,
        CategoryGroup::Home,
        CategoryGroup::Family,
        CategoryGroup::Fashion,
        CategoryGroup::Electronics,
        CategoryGroup::Leisure,
        CategoryGroup::Provisions,
        CategoryGroup::General,
    ];

    /// The group's name as it stands in a topic.
    pub const fn slug(self) -> &'static str {
        match self {
            CategoryGroup::Mobility => "mobility",
            CategoryGroup::Home => "home",
            CategoryGroup::Family => "family",
            CategoryGroup::Fashion => "fashion",
            CategoryGroup::Electronics => "electronics",
            CategoryGroup::Leisure => "leisure",
            CategoryGroup::Provisions => "provisions",
            CategoryGroup::General => "general",
        }
    }
}

impl fmt::Display for CategoryGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// The text is not the slug of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not one of the groups of categories or regions")]
pub struct UnknownGroup;

impl FromStr for CategoryGroup {
    type Err = UnknownGroup;

    fn from_str(slug: &str) -> Result<Self, UnknownGroup> {
        Self::ALL
            .into_iter()
            .find(|group| group.slug() == slug)
            .ok_or(UnknownGroup)
    }
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("../vocab/categories.tsv")));

/// The vocabulary with the indexes that lookups need; a category is named by its place in `categories`.
struct Table {
    /// In the order of ids.
    categories: Vec<Category>,
    /// Each category's path as folded steps, in the same order.
    paths: Vec<Vec<String>>,
    names: BTreeMap<String, usize>,
    synonyms: BTreeMap<String, usize>,
}

impl Table {
    /// Reads our own file, which the tests hold to its form: a panic here is a slip in the file.
    fn parse(tsv: &'static str) -> Table {
        let mut table = Table {
            categories: Vec::new(),
            paths: Vec::new(),
            names: BTreeMap::new(),
            synonyms: BTreeMap::new(),
        };
        let mut group = CategoryGroup::General;
        for line in tsv.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&'static str> = line.split('\t').collect();
            let [id, path, name, synonyms, google, shopify, of_root] = columns[..] else {
                panic!("a category has seven columns: {line}");
            };
            let id = CategoryId(id.parse().expect("an id is a number"));
            if !of_root.is_empty() {
                group = of_root.parse().expect("a root names its group");
            }
            let category = Category {
                id,
                path,
                name,
                synonyms: synonyms.split('|').filter(|s| !s.is_empty()).collect(),
                parent: id.parent(),
                group,
                google: (!google.is_empty()).then(|| google.parse().expect("a Google id is a number")),
                shopify: (!shopify.is_empty()).then_some(shopify),
            };
            let at = table.categories.len();
            table.names.insert(squash(name), at);
            for synonym in &category.synonyms {
                table.synonyms.insert(squash(synonym), at);
            }
            table.paths.push(path.split('/').map(squash).collect());
            table.categories.push(category);
        }
        table
    }

    fn by_id(&self, id: CategoryId) -> Option<&Category> {
        let at = self.categories.binary_search_by_key(&id, |c| c.id).ok()?;
        Some(&self.categories[at])
    }

    fn with_path(&self, fits: impl Fn(&[String]) -> bool) -> Vec<usize> {
        (0..self.paths.len()).filter(|at| fits(&self.paths[*at])).collect()
    }
}

/// The paths that a person who typed `asked` may have meant: first what the words mention, then by spelling.
fn nearest(asked: &str, key: &str) -> Vec<&'static str> {
    let mut distance = vec![usize::MAX; TABLE.categories.len()];
    let mut consider = |known: &str, at: usize| {
        distance[at] = distance[at].min(edit_distance(key, known));
    };
    for (known, at) in TABLE.names.iter().chain(&TABLE.synonyms) {
        consider(known, *at);
    }
    for (at, steps) in TABLE.paths.iter().enumerate() {
        consider(&steps.concat(), at);
    }
    if let Some(mentioned) = infer(asked)
        && let Some(at) = TABLE.categories.iter().position(|c| c == mentioned)
    {
        distance[at] = 0;
    }
    let mut order: Vec<usize> = (0..distance.len()).collect();
    order.sort_by_key(|at| (distance[*at], *at));
    order
        .into_iter()
        .take(MAX_NEAREST)
        .map(|at| TABLE.categories[at].path)
        .collect()
}

/// Insertions, deletions and replacements that turn `a` into `b` (Levenshtein), by characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// At most [`MAX_ASKED_BYTES`] of a text, cut between characters.
fn clip(text: &str) -> &str {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|end| *end <= MAX_ASKED_BYTES).last();
    &text[..end.unwrap_or(0)]
}

/// A name without what does not matter in it: one key for "T-shirts", "t shirt" and "TShirt".
fn squash(name: &str) -> String {
    words(name).collect()
}

/// The words that say something, lower case and in the singular.
fn words(text: &str) -> impl Iterator<Item = String> {
    const SILENT: [&str; 11] = [
        "a", "an", "the", "my", "our", "your", "his", "her", "their", "some", "s",
    ];
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .flat_map(|word| word.split(['\'', '’']))
        .map(str::to_lowercase)
        .filter(|word| !word.is_empty() && !SILENT.contains(&word.as_str()))
        .map(singular)
}

/// One form for singular and plural. It need not be good English, only the same for both.
fn singular(mut word: String) -> String {
    // Without their last letter these are other words, and common ones: "a flat", "in short", "a tight budget".
    const PLURAL_ONLY: [&str; 9] = [
        "crisps", "flats", "glasses", "overalls", "shorts", "spirits", "sweets", "thermals", "tights",
    ];
    if PLURAL_ONLY.contains(&word.as_str()) {
        return word;
    }
    if word.len() > 3 && word.ends_with('s') && !["ss", "us", "is"].iter().any(|e| word.ends_with(e)) {
        word.pop();
    }
    if word.len() > 3 && word.ends_with("ie") {
        word.truncate(word.len() - 2);
        word.push('y');
    }
    if ["xe", "sse", "she", "che"].iter().any(|e| word.ends_with(e)) {
        word.pop();
    }
    word
}

#[cfg(test)]
mod tests;
