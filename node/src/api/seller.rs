//! The seller's side: the catalogue and trying out rules.

use axum::{
    Json,
    body::{Body as RawBody, BodyDataStream},
    extract::State,
    http::StatusCode,
};
use futures::StreamExt;
use intentcast_protocol::{
    attribute::{Strength, Wish},
    category,
    contact::ReplyPath,
    disclosure::Salt,
    id::IntentId,
    item::Item,
    limits,
    money::Money,
    place::Region,
};
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    backend::{self, Backend, CatalogueStats, Failed, Found, Imported, Tried},
    ids::{Asked, Body},
    problem::{Problem, too_large},
};
use crate::{
    index::Filters,
    rules_file,
    want::{Want, again},
};

/// Bytes of one item's line: the longest description, every attribute, and JSON's escapes around them.
const LINE_BYTES: usize = 64 * 1024;
/// Items that a search shows at most.
const FOUND: usize = 100;

/// Items of one import: what the disk bears many times over, and an end to a body that has none.
const MAX_ITEMS: usize = 10_000_000;

/// Takes the body, one item of JSON a line, as the whole catalogue. Nothing changes unless all of it is understood; of
/// its length no more is held than a few lines.
pub async fn import<B: Backend>(State(shared): State<Shared<B>>, body: RawBody) -> Result<Json<Imported>, Problem> {
    let coming = Coming {
        chunks: body.into_data_stream(),
        line: Vec::new(),
        number: 0,
        is_done: false,
    };
    let batches = futures::stream::try_unfold(coming, async |mut coming| {
        Ok(coming.batch().await?.map(|batch| (batch, coming)))
    });
    Ok(Json(shared.backend.import_catalogue::<Problem>(batches).await?))
}

/// A catalogue on its way in.
struct Coming {
    chunks: BodyDataStream,
    /// What has come of the line that has no end yet.
    line: Vec<u8>,
    /// Lines that came whole.
    number: usize,
    is_done: bool,
}

impl Coming {
    /// The items of the next piece of the body; `None` at its end.
    async fn batch(&mut self) -> Result<Option<Vec<Item>>, Problem> {
        if self.is_done {
            return Ok(None);
        }
        let mut items = Vec::new();
        let Some(chunk) = self.chunks.next().await else {
            self.is_done = true;
            items.extend(item(self.number + 1, &self.line)?);
            return Ok(Some(items));
        };
        let chunk = chunk.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "malformed", error.to_string()))?;
        let mut pieces = chunk.split(|byte| *byte == b'\n');
        self.line.extend(pieces.next().unwrap_or_default());
        for piece in pieces {
            self.number += 1;
            items.extend(item(self.number, &self.line)?);
            self.line.clear();
            self.line.extend(piece);
        }
        if self.line.len() > LINE_BYTES {
            return Err(malformed(self.number + 1, "longer than an item can be"));
        }
        if self.number > MAX_ITEMS {
            return Err(too_large());
        }
        Ok(Some(items))
    }
}

fn item(number: usize, line: &[u8]) -> Result<Option<Item>, Problem> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    if line.len() > LINE_BYTES {
        return Err(malformed(number, "longer than an item can be"));
    }
    serde_json::from_slice(line)
        .map(Some)
        .map_err(|error| malformed(number, &error.to_string()))
}

fn malformed(number: usize, why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed", format!("line {number}: {why}"))
}

/// What to search for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    q: String,
    #[serde(default)]
    limit: Option<usize>,
    /// `500GBP`: at most this.
    #[serde(default)]
    budget: Option<Money>,
    /// A category's path, name or synonym.
    #[serde(default)]
    category: Option<String>,
    /// Where it must be sent.
    #[serde(default)]
    region: Option<Region>,
    /// Wishes, one a line, that each item is held against; with `explain`.
    #[serde(default)]
    prefer: String,
    #[serde(default)]
    explain: bool,
}

pub async fn search<B: Backend>(
    State(shared): State<Shared<B>>,
    Asked(search): Asked<Search>,
) -> Result<Json<Vec<Found>>, Problem> {
    let bad = |why: String| Problem::new(StatusCode::BAD_REQUEST, "bad_request", why);
    let category = search.category.as_deref().map(category::resolve).transpose();
    let wishes = search.prefer.lines().take(limits::ATTRIBUTES);
    let wishes = wishes.map(|line| Wish::parse(line, Strength::Prefer(50)));
    let search = backend::Search {
        words: search.q,
        limit: search.limit.unwrap_or(20).clamp(1, FOUND),
        filters: Filters {
            ceiling: search.budget,
            category: category.map_err(|why| bad(why.to_string()))?.map(|found| found.id),
            region: search.region,
            ..Filters::default()
        },
        wishes: wishes.collect::<Result<_, _>>().map_err(|why| bad(why.to_string()))?,
        explain: search.explain,
    };
    Ok(Json(shared.backend.search_catalogue(search).await?))
}

pub async fn stats<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<CatalogueStats>, Problem> {
    Ok(Json(shared.backend.catalogue_stats().await?))
}

/// Rules, and what to try them on: an intent that the node knows, or a want that nobody casts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RulesTest {
    /// The text of a rules file; those that the node sells by where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// An intent that the node cast or heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentId>,
    /// A want.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub want: Option<Want>,
}

pub async fn test_rules<B: Backend>(
    State(shared): State<Shared<B>>,
    Body(test): Body<RulesTest>,
) -> Result<Json<Vec<Tried>>, Problem> {
    let rules = match &test.rules {
        Some(text) => rules_file::parse(text).map_err(|error| error.to_string()),
        None => {
            let ours = shared.backend.read(|_, market| market.rules().cloned()).await?;
            ours.ok_or_else(|| "this node sells by no rules: name a file with --rules".into())
        }
    };
    let rules = rules.map_err(|why| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "rules", why))?;
    let (intent, expires) = match (test.intent, test.want) {
        (Some(id), None) => {
            let view = shared
                .backend
                .read(move |now, market| market.intent(now, id).map(|view| (now, view)))
                .await?;
            let (now, view) = view.ok_or_else(|| Problem::no("intent"))?;
            again(now, &view.intent)
        }
        (None, Some(want)) => {
            let (draft, _) = want.draft(shared.backend.read(|now, _| now).await?)?;
            let expires = draft.expires;
            // Nobody but the rules sees it: what a commitment would hide is hidden by its field alone.
            let intent = draft.addressed(ReplyPath::default(), |_, _| Salt::default());
            let (intent, _) = intent.map_err(|fault| Failed::Broken(fault.to_string()))?;
            (intent, expires)
        }
        _ => {
            let detail = "name an intent or a want, and not both";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unclear", detail));
        }
    };
    Ok(Json(shared.backend.try_rules(rules, intent, expires).await?))
}
