//! A market on loopback: a meeting point and whoever the story brings to it.

use std::path::PathBuf;

use intentcast_node::{
    api::{CastReply, NodeStatus},
    want::Want,
};
use intentcast_protocol::{
    id::{AgreementId, IntentId, OfferId},
    ledger,
    market::{AgreementView, Event, OfferState, OfferView},
};
use serde_json::json;

use crate::{goods, member::Member, wait::until, watch::Watch};

/// Where members listen.
pub const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
pub const TCP: &str = "/ip4/127.0.0.1/tcp/0";

pub struct World {
    pub meeting: Member,
    dir: tempfile::TempDir,
}

impl World {
    /// A meeting point, and nobody there yet.
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let meeting = Member::start(&dir.path().join("bootstrap"), &["bootstrap", "--listen", TCP]).await;
        Self { meeting, dir }
    }

    /// What members know of the world.
    pub fn address(&self) -> &str {
        &self.meeting.addresses[0]
    }

    pub fn home(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub async fn customer(&self, name: &str) -> Member {
        Member::start(
            &self.home(name),
            &["up", "--listen", QUIC, "--bootstrap", self.address()],
        )
        .await
    }

    /// A shop with this catalogue and these rules.
    pub async fn seller(&self, name: &str, items: &[String], rules: &str) -> Member {
        let home = self.home(name);
        std::fs::create_dir_all(&home).unwrap();
        let (catalogue, by) = (home.join("catalogue.jsonl"), home.join("rules.toml"));
        std::fs::write(&catalogue, items.join("\n")).unwrap();
        std::fs::write(&by, rules).unwrap();
        let (catalogue, by) = (catalogue.to_str().unwrap(), by.to_str().unwrap());
        let args = [
            "up",
            "--listen",
            QUIC,
            "--bootstrap",
            self.address(),
            "--catalog",
            catalogue,
            "--rules",
            by,
        ];
        Member::start(&home, &args).await
    }

    /// A shop for bikes that delivers all over Britain.
    pub async fn bike_shop(&self, name: &str) -> Member {
        self.seller(
            name,
            &[goods::bike("fell-xl", "XL", "450.00")],
            &goods::rules(name, "GB", "4.50", ""),
        )
        .await
    }
}

/// Somebody tall in Hull, with 500 pounds.
pub fn bike_wanted() -> Want {
    Want {
        want: "mountain bike".into(),
        region: "GB-KHL".into(),
        budget: "500GBP".into(),
        must: vec!["frame=XL".into()],
        ..Want::default()
    }
}

/// A person's words for [`bike_wanted`].
pub const CAST_A_BIKE: [&str; 8] = [
    "cast",
    "mountain bike",
    "--region",
    "GB-KHL",
    "--budget",
    "500GBP",
    "--must",
    "frame=XL",
];

/// Casts, and gives the intent that is on disk.
pub async fn cast(customer: &Member, want: &Want) -> IntentId {
    let reply: CastReply = customer.client().post("/v1/intents", want).await.unwrap();
    reply.intent
}

/// The next offer to this intent, as it is shown.
pub async fn offered(customer: &Member, watch: &mut Watch, intent: IntentId) -> OfferView {
    let offer = watch
        .until("an offer", |event| match event {
            Event::Offer { intent: to, offer } if *to == intent => Some(*offer),
            _ => None,
        })
        .await;
    customer.get(&format!("/v1/offers/{offer}")).await
}

pub async fn offers(member: &Member, intent: IntentId) -> Vec<OfferView> {
    member.get(&format!("/v1/intents/{intent}/offers")).await
}

pub async fn accept(customer: &Member, offer: OfferId) {
    customer
        .post(&format!("/v1/offers/{offer}/accept"), &json!({}))
        .await
        .unwrap();
}

/// Looks until the offer is in a state that is wanted.
pub async fn until_offer<T>(member: &Member, offer: OfferId, wanted: impl Fn(&OfferState) -> Option<T>) -> T {
    let path = format!("/v1/offers/{offer}");
    member
        .until("the offer's state changes", &path, |view: OfferView| {
            wanted(&view.state)
        })
        .await
}

/// The agreement as this member holds it, once it does, with its first receipt.
pub async fn agreed(member: &Member, agreement: AgreementId) -> AgreementView {
    let path = format!("/v1/agreements/{agreement}");
    member
        .until("an agreement with its receipt", &path, |view: AgreementView| {
            (!view.receipts.is_empty()).then_some(view)
        })
        .await
}

/// The agreement that the yes to this offer became, on the customer's side.
pub async fn agreement_on(customer: &Member, offer: OfferId) -> AgreementView {
    let id = until_offer(customer, offer, |state| match state {
        OfferState::Agreed { agreement } => Some(*agreement),
        _ => None,
    })
    .await;
    agreed(customer, id).await
}

/// Fails unless both hold the same deal in the same bytes, with the same receipts, and no other one.
pub async fn same_deal(customer: &Member, seller: &Member, agreement: AgreementId) {
    let (ours, theirs) = (agreed(customer, agreement).await, agreed(seller, agreement).await);
    assert_eq!(ours.bytes_hash, theirs.bytes_hash, "the same bytes in both stores");
    let receipts = |view: &AgreementView| view.receipts.iter().map(|receipt| receipt.id).collect::<Vec<_>>();
    assert_eq!(receipts(&ours), receipts(&theirs), "the same receipts in both stores");
    for member in [customer, seller] {
        let all: Vec<AgreementView> = member.get("/v1/agreements").await;
        assert_eq!(all.len(), 1, "one purchase makes one agreement");
    }
}

/// Waits until the member is connected with so many others.
pub async fn until_peers(member: &Member, least: usize) {
    until("peers", async || {
        let status: NodeStatus = member.try_get("/v1/status").await.ok()?;
        (status.net.peers >= least).then_some(())
    })
    .await;
}

/// Reads a stopped member's ledger as it lies on disk and follows its chain from the first entry to the last.
pub fn audit(member: &Member) -> ledger::Chain {
    let store = intentcast_node::store::Store::open(&member.home).unwrap();
    let entries: Vec<_> = store.entries(0).unwrap().map(Result::unwrap).collect();
    ledger::audit(entries.iter().map(|entry| entry.bytes.as_slice())).unwrap()
}
