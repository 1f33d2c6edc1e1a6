//! From the name that a person gives a region to its code; names never travel.

use std::sync::LazyLock;

use rust_iso3166::iso3166_2::SUBDIVISION_MAP;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::region::{Region, RegionError};
use crate::near::nearest;

/// Longest name taken, bytes: the longest of ISO 3166 has 65.
const NAME_BYTES: usize = 120;
/// Regions that an error lists.
const LISTED: usize = 5;
/// A name within a longer one counts from this many letters on, so that "la" or "of" never does.
const INNER_LETTERS: usize = 4;

/// The square mile is not what a person means by London, and no code of ISO 3166-2 is.
const CITY_OF_LONDON: &str = "GB-LND";

/// Names in daily English use that ISO 3166 writes otherwise.
const ALSO_CALLED: &[(&str, &str)] = &[
    ("america", "US"),
    ("andalusia", "ES-AN"),
    ("basque country", "ES-PV"),
    ("bavaria", "DE-BY"),
    ("britain", "GB"),
    ("brittany", "FR-BRE"),
    ("brussels", "BE-BRU"),
    ("carinthia", "AT-2"),
    ("catalonia", "ES-CT"),
    ("corsica", "FR-20R"),
    ("czech republic", "CZ"),
    ("flanders", "BE-VLG"),
    ("geneva", "CH-GE"),
    ("great britain", "GB"),
    ("hesse", "DE-HE"),
    ("holland", "NL"),
    ("ivory coast", "CI"),
    ("lombardy", "IT-25"),
    ("lower austria", "AT-3"),
    ("lower saxony", "DE-NI"),
    ("lucerne", "CH-LU"),
    ("normandy", "FR-NOR"),
    ("north korea", "KP"),
    ("north rhine westphalia", "DE-NW"),
    ("piedmont", "IT-21"),
    ("prague", "CZ-10"),
    ("rhineland palatinate", "DE-RP"),
    ("russia", "RU"),
    ("sardinia", "IT-88"),
    ("saxony", "DE-SN"),
    ("saxony anhalt", "DE-ST"),
    ("sicily", "IT-82"),
    ("south korea", "KR"),
    ("styria", "AT-6"),
    ("thuringia", "DE-TH"),
    ("turkey", "TR"),
    ("tuscany", "IT-52"),
    ("tyrol", "AT-7"),
    ("uk", "GB"),
    ("united kingdom", "GB"),
    ("united states", "US"),
    ("upper austria", "AT-4"),
    ("usa", "US"),
    ("vienna", "AT-9"),
    ("vietnam", "VN"),
    ("wallonia", "BE-WAL"),
];

impl Region {
    /// The region that a person means by a code (`GB-KHL`) or by a name (`Hull`, `Bavaria`, `Limburg, NL`).
    ///
    /// # Errors
    /// [`RegionError`], when nothing or more than one thing is so called.
    pub fn resolve(text: &str) -> Result<Self, RegionError> {
        let shown = || text.chars().take(40).collect::<String>();
        let not_known = |near| RegionError::UnknownName { name: shown(), near };
        if text.len() > NAME_BYTES {
            return Err(not_known(Vec::new()));
        }
        let by_code = text.parse();
        if by_code.is_ok() {
            return by_code;
        }
        let named = called(text, None);
        // "Bristol, City of" stands in the list like this, so the whole comes before its halves.
        let (name, around) = match text.rsplit_once(',') {
            Some((name, around)) if named.is_empty() => match Self::resolve(around) {
                Ok(around) => (name, Some(around)),
                Err(_) => (text, None),
            },
            _ => (text, None),
        };
        let named = if around.is_some() { called(name, around) } else { named };
        match named.as_slice() {
            [region] => Ok(*region),
            [] if Self::well_formed(&text.trim().to_ascii_uppercase()).is_some() => by_code,
            [] => Err(not_known(similar(name, around).iter().map(described).collect())),
            several => Err(RegionError::Ambiguous {
                name: shown(),
                regions: several.iter().take(LISTED).map(described).collect(),
            }),
        }
    }
}

/// Regions within `around` whose names are like `name`.
fn similar(name: &str, around: Option<Region>) -> Vec<Region> {
    let name = plain(name);
    let near = nearest(&name, names(around).map(|(known, _)| known.as_str()), LISTED);
    let code = |near: &str| {
        names(around)
            .find(|(known, _)| known == near)
            .map(|(_, region)| *region)
    };
    let mut regions: Vec<Region> = near.into_iter().filter_map(code).collect();
    if name == "london" {
        regions.splice(0..0, Region::well_formed(CITY_OF_LONDON));
    }
    regions.dedup();
    regions
}

fn described(region: &Region) -> String {
    match region.name() {
        Some(name) => format!("{region} ({name})"),
        None => region.to_string(),
    }
}

/// The regions within `around` that are called `name`, or else whose name holds it; the outer one of two nested ones.
fn called(name: &str, around: Option<Region>) -> Vec<Region> {
    let name = plain(name);
    if name.is_empty() {
        return Vec::new();
    }
    let matching = |is: &dyn Fn(&str) -> bool| {
        let regions = names(around).filter(|(known, _)| is(known)).map(|(_, region)| *region);
        outermost(regions.collect())
    };
    let exactly = matching(&|known| known == name);
    if !exactly.is_empty() || name.chars().count() < INNER_LETTERS || name == "london" {
        return exactly;
    }
    matching(&|known| format!(" {known} ").contains(&format!(" {name} ")))
}

fn outermost(mut regions: Vec<Region>) -> Vec<Region> {
    regions.sort_unstable();
    regions.dedup();
    let inner = |region: &Region| regions.iter().any(|outer| outer != region && outer.covers(region));
    regions.iter().filter(|region| !inner(region)).copied().collect()
}

/// The names of the regions within `around`, in plain letters.
fn names(around: Option<Region>) -> impl Iterator<Item = &'static (String, Region)> {
    let within = move |region: &Region| around.is_none_or(|around| around.covers(region));
    NAMES.iter().filter(move |(_, region)| within(region))
}

/// Every name of every region, about a megabyte that only those pay for who resolve a name.
static NAMES: LazyLock<Vec<(String, Region)>> = LazyLock::new(|| {
    let countries = rust_iso3166::ALL.iter().map(|country| (country.alpha2, country.name));
    let parts = SUBDIVISION_MAP.values().map(|part| (part.code, part.name));
    let listed = countries
        .chain(parts)
        .flat_map(|(code, name)| spellings(code, name).into_iter().map(move |name| (name, code)));
    let also = ALSO_CALLED.iter().map(|(name, code)| ((*name).to_owned(), *code));
    listed
        .chain(also)
        .filter_map(|(name, code)| Some((name, Region::well_formed(code)?)))
        .collect()
});

/// A listed name as people say it: without what stands in brackets, and "Bristol, City of" in either order.
fn spellings(code: &str, name: &str) -> Vec<String> {
    let unbracketed = name.split(['(', '[']).next().unwrap_or(name);
    let mut spellings = vec![plain(name), plain(unbracketed)];
    if let Some((name, kind)) = unbracketed.split_once(", ") {
        spellings.push(plain(&format!("{kind} {name}")));
        if code == CITY_OF_LONDON {
            spellings.retain(|spelling| spelling.starts_with("city"));
        } else {
            spellings.push(plain(name));
        }
    }
    spellings.sort_unstable();
    spellings.dedup();
    spellings
}

/// Small letters and digits without marks, one space between words.
fn plain(text: &str) -> String {
    let letters: String = text
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_daily_name_leads_to_a_listed_region() {
        for (name, code) in ALSO_CALLED {
            assert_eq!(plain(name), *name);
            assert_eq!(
                Region::resolve(name).map(|region| region.to_string()),
                Ok((*code).to_owned())
            );
        }
    }
}
