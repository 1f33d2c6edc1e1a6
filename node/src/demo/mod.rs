//! A whole market on one machine: a meeting point, some shops and a customer, each a process of its own on loopback.
//!
//! It is what a newcomer sees first, so it hides nothing: it speaks with its nodes through the same local API as
//! everybody, and what it prints can be asked again by hand. It leaves no process and no file behind.

mod process;
mod shops;
mod show;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use futures::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use intentcast_protocol::{
    id::{AgreementId, IntentId, OfferId},
    item::Item,
    market::{AgreementView, Event, OfferState, OfferView},
    place::Region,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::{
    process::Member,
    shops::Shop,
    show::{Screen, Step},
};
use crate::{
    api::{
        CastReply, NodeStatus, RulesTest,
        backend::{Outcome, Tried},
    },
    client::Client,
    driver::now,
    want::Want,
};

/// How long a member may take until it is ready. Fifty of them on two cores take their turns.
const READY: Duration = Duration::from_secs(120);
/// How long the customer waits for offers that are due, and how much longer for each shop: a crowd on two cores takes
/// its turns.
const OFFERS: Duration = Duration::from_secs(60);
const OFFERS_EACH: Duration = Duration::from_secs(3);
/// How long nothing more must come after everybody has answered.
const FURTHER: Duration = Duration::from_millis(300);
/// How long the seller may take to confirm.
const CONFIRMED: Duration = Duration::from_secs(30);
/// The most shops: each is a process of some 20 MB.
pub const MAX_SHOPS: usize = 200;

/// What to show.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many shops.
    pub shops: usize,
    /// What the shops sell, in place of what we ship.
    pub catalogue: Option<Vec<Item>>,
    /// What the customer wants.
    pub want: Want,
    /// Whether to end when the purchase is made.
    pub exit: bool,
    /// Whether to print one JSON object an event.
    pub json: bool,
}

/// The members of the market, started.
struct Stage {
    shops: Vec<(Shop, Member)>,
    customer: Member,
    _bootstrap: Member,
    // Last, so that the processes are gone before their folders.
    _dir: tempfile::TempDir,
}

/// Shows a purchase from cast to receipt.
///
/// # Errors
/// Where a member does not start, nobody offers, or the seller does not confirm.
pub async fn run(options: Options, shutdown: CancellationToken) -> Result<()> {
    if options.shops == 0 || options.shops > MAX_SHOPS {
        bail!("--shops takes 1 to {MAX_SHOPS}");
    }
    // Everything that can be wrong with the want is said before anything is started.
    options.want.draft(now()).map_err(|why| anyhow::anyhow!("{why}"))?;
    let screen = Screen::new(options.json);
    tokio::select! {
        biased;
        () = shutdown.cancelled() => Ok(()),
        shown = play(&options, &screen) => {
            let stage = shown?;
            if !options.exit {
                screen.next_steps(stage.customer.home(), stage.shops.first().map(|(_, shop)| shop.home()));
                shutdown.cancelled().await;
            }
            stage.end().await;
            Ok(())
        }
    }
}

impl Stage {
    async fn set(options: &Options, screen: &Screen) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("intentcast-demo-")
            .tempdir()
            .context("no temporary folder")?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        screen.starting(options.shops);
        let bootstrap = Member::bootstrap(&program, dir.path().join("bootstrap"), READY).await?;
        let meeting = bootstrap
            .addresses()
            .first()
            .context("the meeting point listens nowhere")?
            .clone();

        let shops = shops::open(options.catalogue.clone(), &country(&options.want.region), options.shops)?;
        let start = |shop: Shop| {
            let (program, meeting, home) = (&program, &meeting, dir.path().join(&shop.folder));
            async move {
                let member = Member::seller(program, home, meeting, &shop, READY).await?;
                Ok::<_, anyhow::Error>((shop, member))
            }
        };
        // A few at a time: two cores start two at once, and a crowd only waits longer.
        let started: Vec<_> = futures::stream::iter(shops).map(start).buffered(8).collect().await;
        let shops = started.into_iter().collect::<Result<Vec<_>>>()?;
        let customer = Member::customer(&program, dir.path().join("customer"), &meeting, READY).await?;
        Ok(Self {
            shops,
            customer,
            _bootstrap: bootstrap,
            _dir: dir,
        })
    }

    async fn end(self) {
        let Self {
            shops,
            customer,
            _bootstrap,
            _dir,
        } = self;
        customer.stop().await;
        join_all(shops.into_iter().map(|(_, member)| member.stop())).await;
        _bootstrap.stop().await;
    }

    /// The shops whose rules make an offer of what they have: from each of these an offer is due.
    async fn due(&self, want: &Want) -> Result<BTreeMap<String, usize>> {
        let asked: FuturesUnordered<_> = self
            .shops
            .iter()
            .map(|(shop, member)| async move {
                let tried = try_rules(&member.client()?, &shop.rules_text, want)
                    .await
                    .with_context(|| format!("{} cannot say what it would offer", shop.name))?;
                let offers = tried
                    .iter()
                    .filter(|tried| matches!(tried.outcome, Outcome::Offer { .. }))
                    .count();
                Ok::<_, anyhow::Error>((shop.name.clone(), offers))
            })
            .collect();
        let all: Vec<_> = asked.collect().await;
        let all = all.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(all.into_iter().filter(|(_, offers)| *offers > 0).collect())
    }

    /// How many shops have heard the intent.
    async fn heard(&self) -> usize {
        let asked = self.shops.iter().map(|(_, member)| async {
            let status = member.client().ok()?.get::<NodeStatus>("/v1/status").await.ok()?;
            (status.market.gossip_accepted > 0 || status.market.relayed_intents > 0).then_some(())
        });
        join_all(asked).await.into_iter().flatten().count()
    }
}

/// The purchase itself.
async fn play(options: &Options, screen: &Screen) -> Result<Stage> {
    let stage = Stage::set(options, screen).await?;
    let client = stage.customer.client()?;
    let due = stage.due(&options.want).await?;
    screen.say(
        Step::Ready,
        json!({ "shops": stage.shops.len(), "due": due.len(), "customer": stage.customer.peer() }),
    );

    let mut events = Box::pin(client.events(None, Some(0)).await?);
    let cast: CastReply = client.post("/v1/intents", &options.want).await?;
    let began = tokio::time::Instant::now();
    screen.cast(cast.intent, &options.want, cast.category);

    let mut answered = BTreeSet::new();
    let deadline = began + OFFERS + OFFERS_EACH * stage.shops.len() as u32;
    loop {
        // Once everybody has answered, what else they have follows at once or not at all.
        let all = answered.len() >= due.len();
        let until = deadline.min(tokio::time::Instant::now() + if all { FURTHER } else { OFFERS });
        let Ok(told) = tokio::time::timeout_at(until, events.next()).await else {
            break;
        };
        let told = told.context("the customer's node stopped")??;
        match told.event {
            Event::Offer { intent, offer } if intent == cast.intent => {
                let view: OfferView = client
                    .get(&format!("/v1/offers/{offer}"))
                    .await
                    .context("the customer's node does not show an offer that it has")?;
                answered.extend(view.offer.as_ref().map(|offer| offer.seller.name.to_string()));
                screen.offer(intent, &view);
            }
            Event::Ranked { intent, order } if intent == cast.intent => screen.ranked(intent, &order),
            Event::Refused {
                record, why, detail, ..
            } => screen.refused(record, why, &detail),
            Event::Unheard { .. } => screen.unheard(),
            _ => {}
        }
    }
    let offers: Vec<OfferView> = client.get(&format!("/v1/intents/{}/offers", cast.intent)).await?;
    let best = offers
        .iter()
        .find(|view| view.state == OfferState::Open && view.place == Some(1));
    let Some(best) = best else {
        let (heard, shops) = (stage.heard().await, stage.shops.len());
        bail!(
            "{heard} of {shops} shops heard the want and none of them has it within its limits: try another --budget or --want"
        );
    };
    screen.table(&offers);
    let agreement = accept(&client, screen, cast.intent, best, &mut events).await?;
    let seller = both_sides(&stage, best, agreement).await?;
    let ours: AgreementView = client.get(&format!("/v1/agreements/{agreement}")).await?;
    if ours.bytes_hash != seller.bytes_hash || receipts(&ours) != receipts(&seller) {
        bail!("the two sides hold different records of agreement {agreement}");
    }
    screen.held(&ours, &seller);
    let heard = stage.heard().await;
    screen.say(
        Step::Done,
        json!({
            "intent": cast.intent, "agreement": agreement, "shops": stage.shops.len(), "heard": heard,
            "due": due.len(), "answered": answered.len(),
            "offers": offers.iter().filter(|view| !matches!(view.state, OfferState::Refused { .. })).count(),
            "missing": due.keys().filter(|name| !answered.contains(*name)).collect::<Vec<_>>(),
        }),
    );
    Ok(stage)
}

fn receipts(view: &AgreementView) -> Vec<intentcast_protocol::id::RecordId> {
    view.receipts.iter().map(|receipt| receipt.id).collect()
}

async fn accept(
    client: &Client,
    screen: &Screen,
    intent: IntentId,
    best: &OfferView,
    events: &mut (impl futures::Stream<Item = Result<crate::api::Told, crate::client::ClientError>> + Unpin),
) -> Result<AgreementId> {
    let offer: OfferId = best.id;
    client
        .post::<serde_json::Value>(&format!("/v1/offers/{offer}/accept"), &json!({}))
        .await?;
    let confirmed = async {
        let mut agreed = None;
        loop {
            let told = events.next().await.context("the customer's node stopped")??;
            match told.event {
                Event::Accepted {
                    intent: whose,
                    offer,
                    agreement,
                } if whose == intent => {
                    screen.say(
                        Step::Accepted,
                        json!({ "intent": intent, "offer": offer, "agreement": agreement }),
                    );
                }
                Event::Agreement {
                    intent: whose,
                    offer,
                    agreement,
                } if whose == intent => {
                    screen.say(
                        Step::Agreement,
                        json!({ "intent": intent, "offer": offer, "agreement": agreement }),
                    );
                    agreed = Some(agreement);
                }
                Event::Receipt {
                    agreement,
                    receipt,
                    what,
                } if agreed == Some(agreement) => {
                    screen.say(
                        Step::Receipt,
                        json!({ "agreement": agreement, "receipt": receipt, "what": what }),
                    );
                    return Ok(agreement);
                }
                Event::AcceptanceRefused { intent: whose, why, .. } if whose == intent => {
                    bail!("the seller refused: {}", why.word());
                }
                _ => {}
            }
        }
    };
    tokio::time::timeout(CONFIRMED, confirmed)
        .await
        .context("the seller did not confirm in time")?
}

/// The agreement as the seller's own node holds it.
async fn both_sides(stage: &Stage, best: &OfferView, agreement: AgreementId) -> Result<AgreementView> {
    let name = best
        .offer
        .as_ref()
        .map(|offer| offer.seller.name.to_string())
        .unwrap_or_default();
    let (_, member) = stage
        .shops
        .iter()
        .find(|(shop, _)| shop.name == name)
        .context("an offer from no shop of ours")?;
    Ok(member.client()?.get(&format!("/v1/agreements/{agreement}")).await?)
}

/// What a shop's rules would make of the want.
async fn try_rules(client: &Client, rules: &str, want: &Want) -> Result<Vec<Tried>> {
    let test = RulesTest {
        rules: Some(rules.to_owned()),
        intent: None,
        want: Some(want.clone()),
    };
    Ok(client.post("/v1/rules/test", &test).await?)
}

/// The country that shops of a catalogue of the person's own deliver to, and ours to as well: where it is wanted, if
/// that is somewhere we have heard of.
fn country(region: &str) -> String {
    Region::resolve(region).map_or_else(|_| "GB".into(), |region| region.country.to_string())
}
