//! Where a want is heard: 64 gossip topics, each a group of categories in a group of countries.
//!
//! Ten thousand categories times every country would be empty meshes and one topic for all would be no mesh, so both
//! sides are cut into eight. Everything finer stays in the body and is matched on the listener's own node, which also
//! hides what precisely it listens for. A topic of another generation or another grammar is refused.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::category::{CategoryGroup, CategoryId, UnknownGroup};

/// The cut of the topics that this release speaks. A later cut may be finer; both may then live side by side.
pub const GENERATION: u8 = 1;

/// Everything before the generation: the name of the network and the version of its protocol.
const PREFIX: &str = "/intentcast/1/";

/// What the backbone hash is of, besides the peer: no other hash in the protocol can be the same.
const BACKBONE_TAG: &[u8] = b"intentcast/1/backbone-topics";

/// One gossip topic, written `/intentcast/1/<generation>/<category group>/<region group>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    pub generation: u8,
    pub category: CategoryGroup,
    pub region: RegionGroup,
}

impl Topic {
    /// How many topics a generation has.
    pub const COUNT: usize = CategoryGroup::ALL.len() * RegionGroup::ALL.len();

    /// A topic of the present generation.
    pub const fn new(category: CategoryGroup, region: RegionGroup) -> Topic {
        Topic {
            generation: GENERATION,
            category,
            region,
        }
    }

    /// All topics of the present generation, in their order.
    pub fn all() -> impl ExactSizeIterator<Item = Topic> {
        (0..Topic::COUNT).map(Topic::nth)
    }

    fn nth(n: usize) -> Topic {
        Topic::new(
            CategoryGroup::ALL[n / RegionGroup::ALL.len()],
            RegionGroup::ALL[n % RegionGroup::ALL.len()],
        )
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Topic {
            generation,
            category,
            region,
        } = self;
        write!(f, "{PREFIX}{generation}/{category}/{region}")
    }
}

/// The text is not a market topic of a generation that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a market topic of this generation")]
pub struct NotATopic;

impl FromStr for Topic {
    type Err = NotATopic;

    fn from_str(text: &str) -> Result<Topic, NotATopic> {
        let mut parts = text.strip_prefix(PREFIX).ok_or(NotATopic)?.split('/');
        let (Some("1"), Some(category), Some(region), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotATopic);
        };
        Ok(Topic::new(
            category.parse().map_err(|_| NotATopic)?,
            region.parse().map_err(|_| NotATopic)?,
        ))
    }
}

/// Whether a stranger's subscription names one of our topics, letter for letter.
pub fn is_market_topic(text: &str) -> bool {
    text.parse::<Topic>().is_ok()
}

/// The topics to publish an intent to: its category's group, in every region that could serve it.
///
/// Countries are ISO 3166-1 alpha-2. A country that does not exist has no region and so adds no topic.
pub fn for_intent(category: CategoryId, countries: impl IntoIterator<Item = impl AsRef<str>>) -> BTreeSet<Topic> {
    countries
        .into_iter()
        .filter_map(|country| RegionGroup::of_country(country.as_ref()))
        .map(|region| Topic::new(category.group(), region))
        .collect()
}

/// The topics a listener joins: the groups it serves and `general`, where wants for anything are cast, in its regions.
pub fn for_listener(
    categories: impl IntoIterator<Item = CategoryId>,
    countries: impl IntoIterator<Item = impl AsRef<str>>,
) -> BTreeSet<Topic> {
    let groups: BTreeSet<CategoryGroup> = categories
        .into_iter()
        .map(CategoryId::group)
        .chain([CategoryGroup::General])
        .collect();
    countries
        .into_iter()
        .filter_map(|country| RegionGroup::of_country(country.as_ref()))
        .flat_map(|region| groups.iter().map(move |group| Topic::new(*group, region)))
        .collect()
}

/// The two topics that a reachable node joins besides its own, so that no mesh is empty.
///
/// They follow from the peer's id alone: anybody can compute them, nobody can pick them without making new keys.
pub fn backbone(peer_id_bytes: &[u8]) -> [Topic; 2] {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(BACKBONE_TAG)
        .chain_update(peer_id_bytes)
        .finalize()
        .into();
    // 64 divides 256, and 65,536 mod 63 is 16: the second draw leans by less than one part in a thousand.
    let first = usize::from(hash[0]) % Topic::COUNT;
    let step = 1 + usize::from(u16::from_be_bytes([hash[1], hash[2]])) % (Topic::COUNT - 1);
    [Topic::nth(first), Topic::nth((first + step) % Topic::COUNT)]
}

/// The eight groups that countries fall into: the other half of a topic's name.
///
/// They follow trade and delivery rather than geology, and are a matter of who hears whom, nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegionGroup {
    EuropeWest,
    EuropeEast,
    NorthAmerica,
    LatinAmerica,
    Africa,
    MiddleEast,
    AsiaSouth,
    AsiaPacific,
}

impl RegionGroup {
    pub const ALL: [RegionGroup; 8] = [
        RegionGroup::EuropeWest,
        RegionGroup::EuropeEast,
        RegionGroup::NorthAmerica,
        RegionGroup::LatinAmerica,
        RegionGroup::Africa,
        RegionGroup::MiddleEast,
        RegionGroup::AsiaSouth,
        RegionGroup::AsiaPacific,
    ];

    /// The group's name as it stands in a topic.
    pub const fn slug(self) -> &'static str {
        match self {
            RegionGroup::EuropeWest => "europe-west",
            RegionGroup::EuropeEast => "europe-east",
            RegionGroup::NorthAmerica => "north-america",
            RegionGroup::LatinAmerica => "latin-america",
            RegionGroup::Africa => "africa",
            RegionGroup::MiddleEast => "middle-east",
            RegionGroup::AsiaSouth => "asia-south",
            RegionGroup::AsiaPacific => "asia-pacific",
        }
    }

    /// The group of a country by its ISO 3166-1 alpha-2 code, upper case; `None` if there is no such country.
    pub fn of_country(alpha2: &str) -> Option<RegionGroup> {
        Self::ALL
            .into_iter()
            .find(|group| group.countries().any(|country| country == alpha2))
    }

    /// The countries and territories of this group, ISO 3166-1 alpha-2, in alphabetical order.
    ///
    /// Every code of the standard is in exactly one group, and so is XK, which Kosovo uses though it is not in it.
    pub fn countries(self) -> impl Iterator<Item = &'static str> {
        match self {
            RegionGroup::EuropeWest => {
                "AD AT AX BE BV CH DE DK ES FI FO FR GB GG GI GL IE IM IS IT JE LI LU MC MT NL NO PT SE SJ SM VA"
            }
            RegionGroup::EuropeEast => "AL AM AZ BA BG BY CY CZ EE GE GR HR HU LT LV MD ME MK PL RO RS RU SI SK UA XK",
            RegionGroup::NorthAmerica => "BM CA PM UM US",
            RegionGroup::LatinAmerica => {
                "AG AI AR AW BB BL BO BQ BR BS BZ CL CO CR CU CW DM DO EC FK GD GF GP GS GT GY HN HT JM KN KY LC MF MQ \
                 MS MX NI PA PE PR PY SR SV SX TC TT UY VC VE VG VI"
            }
            RegionGroup::Africa => {
                "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW IO KE KM LR LS LY MA MG ML MR MU \
                 MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TF TG TN TZ UG YT ZA ZM ZW"
            }
            RegionGroup::MiddleEast => "AE BH IL IQ IR JO KW LB OM PS QA SA SY TR YE",
            RegionGroup::AsiaSouth => "AF BD BT IN KG KZ LK MV NP PK TJ TM UZ",
            RegionGroup::AsiaPacific => {
                "AQ AS AU BN CC CK CN CX FJ FM GU HK HM ID JP KH KI KP KR LA MH MM MN MO MP MY NC NF NR NU NZ PF PG PH \
                 PN PW SB SG TH TK TL TO TV TW VN VU WF WS"
            }
        }
        .split_ascii_whitespace()
    }
}

impl fmt::Display for RegionGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl FromStr for RegionGroup {
    type Err = UnknownGroup;

    fn from_str(slug: &str) -> Result<Self, UnknownGroup> {
        Self::ALL
            .into_iter()
            .find(|group| group.slug() == slug)
            .ok_or(UnknownGroup)
    }
}

/// Two numbers on the wire, the written form where a person may read it.
impl serde::Serialize for Topic {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let at = Topic::all().position(|topic| topic == *self).unwrap_or(Topic::COUNT);
        (self.generation, at as u8).serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Topic {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer)?.parse().map_err(D::Error::custom);
        }
        match <(u8, u8)>::deserialize(deserializer)? {
            (GENERATION, at) => Topic::all().nth(at.into()).ok_or_else(|| D::Error::custom(NotATopic)),
            _ => Err(D::Error::custom(NotATopic)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::{GENERAL, by_path};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn topic(text: &str) -> Topic {
        text.parse().expect("a topic")
    }

    #[test]
    fn a_mountain_bike_in_hull_is_heard_on_one_topic() {
        let bikes = by_path("sports/cycling/mountain-bikes").expect("known").id;
        let heard: Vec<String> = for_intent(bikes, ["GB"]).iter().map(Topic::to_string).collect();
        assert_eq!(heard, ["/intentcast/1/1/mobility/europe-west"]);
    }

    #[test]
    fn an_intent_for_several_regions_goes_to_each_once() {
        let bikes = by_path("sports/cycling").expect("known").id;
        let topics = for_intent(bikes, ["GB", "IE", "PL", "ZZ", "gb", ""]);
        assert_eq!(
            topics,
            BTreeSet::from([
                topic("/intentcast/1/1/mobility/europe-west"),
                topic("/intentcast/1/1/mobility/europe-east"),
            ])
        );
        assert_eq!(for_intent(bikes, [] as [&str; 0]), BTreeSet::new());
    }

    #[test]
    fn every_listener_hears_wants_for_anything() {
        let bikes = by_path("sports/cycling").expect("known").id;
        let joined = for_listener([bikes], ["GB"]);
        assert!(for_intent(GENERAL, ["GB"]).is_subset(&joined));
        assert!(for_intent(bikes, ["GB"]).is_subset(&joined));
        assert_eq!(joined.len(), 2);
    }

    #[test]
    fn there_are_64_topics_and_each_reads_back() {
        let all: BTreeSet<Topic> = Topic::all().collect();
        assert_eq!(all.len(), 64);
        for one in all {
            assert_eq!(one.to_string().parse(), Ok(one));
            assert!(is_market_topic(&one.to_string()));
        }
    }

    #[test]
    fn what_only_looks_like_a_topic_is_refused() {
        for text in [
            "",
            "/",
            "mobility/europe-west",
            "/intentcast/1/1/mobility/europe-west/",
            "/intentcast/1/1/mobility/europe-west/GB",
            "/intentcast/1/1/mobility",
            "/intentcast/1/1/mobility/atlantis",
            "/intentcast/1/1/strollers/europe-west",
            "/intentcast/1/1/Mobility/europe-west",
            "/intentcast/1/2/mobility/europe-west",
            "/intentcast/2/1/mobility/europe-west",
            "/intentcast/1/01/mobility/europe-west",
            "/intentcast/1//mobility/europe-west",
            " /intentcast/1/1/mobility/europe-west",
            "/intentcast/1/1/mobility/europe-west\n",
            "/intentcast/1/1/europe-west/mobility",
            "/intentcast/1/1/mobility/europe-wes\u{301}t",
        ] {
            assert!(!is_market_topic(text), "{text:?}");
        }
    }

    #[test]
    fn every_country_is_in_one_group() {
        let mut of = BTreeMap::new();
        for group in RegionGroup::ALL {
            for country in group.countries() {
                assert!(country.len() == 2 && country.chars().all(|c| c.is_ascii_uppercase()));
                assert_eq!(of.insert(country, group), None, "{country} twice");
                assert_eq!(RegionGroup::of_country(country), Some(group));
            }
            assert_eq!(group.slug().parse(), Ok(group));
        }
        assert_eq!(of.len(), 250, "249 of the standard, and XK");
        assert_eq!(of["GB"], RegionGroup::EuropeWest);
        assert_eq!(of["PL"], RegionGroup::EuropeEast);
        assert_eq!(of["IN"], RegionGroup::AsiaSouth);
    }

    #[test]
    fn the_backbone_spreads_over_all_topics_and_is_the_same_for_ever() {
        let mut members: BTreeMap<Topic, u32> = BTreeMap::new();
        for peer in 0..6_400u32 {
            for one in backbone(&peer.to_be_bytes()) {
                *members.entry(one).or_default() += 1;
            }
        }
        assert_eq!(members.len(), 64);
        // 12,800 places on 64 topics: 200 each, with a standard deviation of 14.
        assert!(members.values().all(|n| (130..=270).contains(n)), "{members:?}");
        assert_eq!(
            backbone(b"a peer").map(|one| one.to_string()),
            ["/intentcast/1/1/general/europe-east", "/intentcast/1/1/home/asia-south"]
        );
    }

    proptest! {
        #[test]
        fn the_two_backbone_topics_differ(peer: Vec<u8>) {
            let [one, other] = backbone(&peer);
            prop_assert_ne!(one, other);
            prop_assert_eq!(backbone(&peer), [one, other]);
        }

        #[test]
        fn a_topic_with_a_letter_changed_is_no_topic_or_another(n in 0..64usize, at in 0..32usize, letter in "[ -~]") {
            let good = Topic::nth(n).to_string();
            let mut text = good.clone();
            let at = at % text.len();
            text.replace_range(at..=at, &letter);
            prop_assert_eq!(is_market_topic(&text), text == good);
        }

        #[test]
        fn junk_is_no_topic(text in "\\PC*", tail in "[a-z/]*") {
            prop_assert!(!is_market_topic(&text));
            if let Ok(read) = format!("{PREFIX}{tail}").parse::<Topic>() {
                prop_assert_eq!(read.to_string(), format!("{PREFIX}{tail}"));
            }
        }
    }
}
