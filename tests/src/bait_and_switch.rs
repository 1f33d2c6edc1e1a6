//! A seller who offers one thing and then another, or offers what it may not: each is refused, kept, and shown.

use intentcast_node::{api::CastReply, want::Want};
use intentcast_protocol::{
    contact::ReplyPath,
    envelope::{Verified, record_id},
    frame::{Frame, Refusal},
    id::{AgreementId, IntentId, OfferId, RecordId, TermsHash},
    intent::Intent,
    list::Bytes,
    market::{AgreementView, OfferState, OfferView},
    money::Money,
    offer::Offer,
    receipt::OrderEvent,
    text::Title,
};

use crate::{
    member::Member,
    rogue::{Rogue, refusal, spoiled},
    wait::beside_others,
    world::{World, accept, agreed, agreement_on, bike_wanted, offers, until_offer},
};

/// A customer, a rogue that has heard what the customer wants, and where it answers.
struct Scene {
    customer: Member,
    rogue: Rogue,
    id: IntentId,
    intent: Verified<Intent>,
    _world: World,
}

impl Scene {
    async fn set(want: Want) -> Self {
        let world = World::new().await;
        let customer = world.customer("customer").await;
        let mut rogue = Rogue::start(world.address()).await;
        let reply: CastReply = customer.client().post("/v1/intents", &want).await.unwrap();
        let intent = rogue.hear(reply.intent).await;
        Self {
            customer,
            rogue,
            id: reply.intent,
            intent,
            _world: world,
        }
    }

    fn to(&self) -> ReplyPath {
        self.intent.reply.clone()
    }

    /// Sends an honest offer, which is taken.
    async fn offer(&mut self, minor: i64) -> Verified<Offer> {
        let offer = self.rogue.sign(self.rogue.honest(&self.intent, minor));
        let reply = self.rogue.offer(&self.to(), offer.bytes()).await;
        assert_eq!(reply, Frame::Stored(offer.id()));
        offer
    }

    /// Sends what must be refused for this reason, and finds it so in the customer's list of offers.
    async fn refused(&mut self, bytes: &[u8], why: Refusal) -> OfferView {
        let record = record_id(bytes);
        let reply = self.rogue.offer(&self.to(), bytes).await;
        assert_eq!(refusal(&reply), Some((record, why)), "{reply:?}");
        let all: Vec<OfferView> = self.customer.get("/v1/offers").await;
        let found = all.into_iter().find(|view| {
            view.id == OfferId::from(record)
                && matches!(&view.state, OfferState::Refused { why: shown, detail } if *shown == why && !detail.is_empty())
        });
        found.unwrap_or_else(|| panic!("a record refused as {} is in GET /v1/offers", why.word()))
    }

    /// Says yes to an honest offer, answers with `answer`, and gives what the customer finds different.
    async fn switched(&mut self, minor: i64, answer: impl FnOnce(&Rogue, &Accepted) -> Frame) -> (Refusal, String) {
        let offer = self.offer(minor).await;
        accept(&self.customer, offer.id().into()).await;
        let (exchange, acceptance) = self.rogue.accepted().await;
        let frame = answer(&self.rogue, &acceptance);
        self.rogue.answer(exchange, &frame).await;
        until_offer(&self.customer, offer.id().into(), |state| match state {
            OfferState::NotHonoured { why, difference } => {
                Some((*why, difference.as_ref().map(|it| it.field.clone()).unwrap_or_default()))
            }
            _ => None,
        })
        .await
    }

    async fn end(mut self) {
        self.customer.is_well();
        self.customer.stop().await;
        crate::world::audit(&self.customer);
    }
}

type Accepted = Verified<intentcast_protocol::deed::Acceptance>;

fn dearer(total: Money) -> Money {
    Money {
        minor: total.minor + 1_00,
        ..total
    }
}

#[tokio::test]
async fn what_is_confirmed_is_what_was_accepted_or_nothing() {
    let _stage = beside_others().await;
    let mut scene = Scene::set(Want {
        offers_per_seller: Some(16),
        ..bike_wanted()
    })
    .await;

    let price = scene
        .switched(400_00, |rogue, acceptance| {
            let honest = Rogue::confirmation(acceptance);
            let total = dearer(honest.total);
            rogue.confirmed(
                intentcast_protocol::deed::Confirmation { total, ..honest },
                Rogue::receipt(acceptance),
            )
        })
        .await;
    assert_eq!(price, (Refusal::Changed, "total".into()));

    let terms = scene
        .switched(401_00, |rogue, acceptance| {
            let honest = Rogue::confirmation(acceptance);
            let terms = TermsHash([7; 32]);
            rogue.confirmed(
                intentcast_protocol::deed::Confirmation { terms, ..honest },
                Rogue::receipt(acceptance),
            )
        })
        .await;
    assert_eq!(terms, (Refusal::Changed, "terms".into()));

    // Another item is another offer, and another offer another agreement.
    let item = scene
        .switched(402_00, |rogue, acceptance| {
            let honest = Rogue::confirmation(acceptance);
            let agreement = AgreementId([7; 32]);
            rogue.confirmed(
                intentcast_protocol::deed::Confirmation { agreement, ..honest },
                Rogue::receipt(acceptance),
            )
        })
        .await;
    assert_eq!(item, (Refusal::Changed, "agreement".into()));

    let receipt = scene
        .switched(403_00, |rogue, acceptance| {
            let mut receipt = Rogue::receipt(acceptance);
            receipt.total = dearer(receipt.total);
            rogue.confirmed(Rogue::confirmation(acceptance), receipt)
        })
        .await;
    assert_eq!(receipt, (Refusal::Changed, "receipt's total".into()));

    let stranger = Rogue::start(scene._world.address()).await;
    let forged = scene
        .switched(404_00, |_, acceptance| {
            stranger.confirmed(Rogue::confirmation(acceptance), Rogue::receipt(acceptance))
        })
        .await;
    assert_eq!(forged, (Refusal::Changed, "confirmation's author".into()));

    let agreements: Vec<AgreementView> = scene.customer.get("/v1/agreements").await;
    assert!(agreements.is_empty(), "nobody agreed to any of this");
    let refused = offers(&scene.customer, scene.id).await;
    let kept = refused
        .iter()
        .filter(|view| {
            matches!(
                view.state,
                OfferState::NotHonoured {
                    why: Refusal::Changed,
                    ..
                }
            )
        })
        .count();
    assert_eq!(kept, 5, "each is kept and shown");

    // The want is still open, and an honest seller still gets it.
    let honest = scene.offer(410_00).await;
    accept(&scene.customer, honest.id().into()).await;
    let (exchange, acceptance) = scene.rogue.accepted().await;
    let frame = scene
        .rogue
        .confirmed(Rogue::confirmation(&acceptance), Rogue::receipt(&acceptance));
    scene.rogue.answer(exchange, &frame).await;
    let view = agreement_on(&scene.customer, honest.id().into()).await;
    assert_eq!(view.agreed.totals.total, 410_00);
    scene.end().await;
}

#[tokio::test]
async fn a_later_price_is_refused() {
    let _stage = beside_others().await;
    let mut scene = Scene::set(bike_wanted()).await;
    let offer = scene.offer(400_00).await;
    accept(&scene.customer, offer.id().into()).await;
    let (exchange, acceptance) = scene.rogue.accepted().await;
    let first = Rogue::receipt(&acceptance);
    let frame = scene.rogue.confirmed(Rogue::confirmation(&acceptance), first.clone());
    scene.rogue.answer(exchange, &frame).await;
    let view = agreement_on(&scene.customer, offer.id().into()).await;

    let mut later = first;
    later.sequence = 1;
    later.previous = Some(view.receipts[0].id);
    later.event = OrderEvent::Delivered;
    later.total = dearer(later.total);
    let later = scene.rogue.sign_deed(later);
    let frame = Frame::Receipt(Bytes::new(later.bytes()).unwrap());
    let reply = scene.rogue.ask(&scene.to(), &frame).await;
    assert_eq!(refusal(&reply), Some((later.id(), Refusal::Changed)), "{reply:?}");

    let view = agreed(&scene.customer, view.id).await;
    assert_eq!(view.receipts.len(), 1);
    assert_eq!(view.agreed.totals.total, 400_00);
    let difference = view.differences.first().expect("it is kept and shown");
    assert!(difference.field.contains("total"), "{difference}");
    let mut shown = scene.customer.command(&["agreement", "diff", &view.id.to_string()]);
    let shown = shown.output().await.unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["agreed"], "400.00 GBP", "field by field: {shown}");
    assert_eq!(shown["field"], "receipt's total");

    // Nor does a second offer change what is agreed.
    let second = scene.rogue.sign(scene.rogue.honest(&scene.intent, 450_00));
    scene.refused(second.bytes(), Refusal::Withdrawn).await;
    assert_eq!(agreed(&scene.customer, view.id).await.agreed.totals.total, 400_00);
    scene.end().await;
}

#[tokio::test]
async fn an_offer_said_twice_is_one_offer_and_answers_no_other_want() {
    let _stage = beside_others().await;
    let mut scene = Scene::set(bike_wanted()).await;
    let offer = scene.offer(400_00).await;
    let again = scene.rogue.offer(&scene.to(), offer.bytes()).await;
    assert_eq!(again, Frame::Stored(offer.id()));
    assert_eq!(offers(&scene.customer, scene.id).await.len(), 1);

    // To somebody who never asked for it.
    let other = scene._world.customer("other").await;
    let reply: CastReply = other.client().post("/v1/intents", &bike_wanted()).await.unwrap();
    let heard = scene.rogue.hear(reply.intent).await;
    let said = scene.rogue.offer(&heard.reply.clone(), offer.bytes()).await;
    assert_eq!(refusal(&said), Some((offer.id(), Refusal::Unknown)));
    assert!(offers(&other, reply.intent).await.is_empty());
    let strays: Vec<OfferView> = other.get("/v1/offers").await;
    assert!(matches!(
        strays[..],
        [OfferView {
            state: OfferState::Refused {
                why: Refusal::Unknown,
                ..
            },
            ..
        }]
    ));

    // An old confirmation does for no other yes.
    accept(&scene.customer, offer.id().into()).await;
    let (exchange, acceptance) = scene.rogue.accepted().await;
    let old = RecordId([3; 32]);
    let honest = Rogue::confirmation(&acceptance);
    let replayed = intentcast_protocol::deed::Confirmation {
        acceptance: old,
        ..honest
    };
    let frame = scene.rogue.confirmed(replayed, Rogue::receipt(&acceptance));
    scene.rogue.answer(exchange, &frame).await;
    let field = until_offer(&scene.customer, offer.id().into(), |state| match state {
        OfferState::NotHonoured { difference, .. } => difference.as_ref().map(|it| it.field.clone()),
        _ => None,
    })
    .await;
    assert_eq!(field, "acceptance");
    scene.end().await;
}

#[tokio::test]
async fn what_is_no_offer_to_this_want_is_refused_kept_and_shown() {
    let _stage = beside_others().await;
    let want = Want {
        max_offers: Some(3),
        offers_per_seller: Some(2),
        ..bike_wanted()
    };
    let mut scene = Scene::set(want).await;
    let honest = |scene: &Scene, minor| scene.rogue.honest(&scene.intent, minor);

    let forged = spoiled(scene.rogue.sign(honest(&scene, 300_00)).bytes());
    let shown = scene.refused(&forged, Refusal::BadSignature).await;
    assert_eq!(
        shown.intent,
        Some(scene.id),
        "it is shown beside the offers to the want that it names"
    );

    let wrong = Offer {
        intent: IntentId([5; 32]),
        ..honest(&scene, 301_00)
    };
    let wrong = scene.rogue.sign(wrong);
    let shown = scene.refused(wrong.bytes(), Refusal::Unknown).await;
    assert_eq!(shown.intent, None);

    let stale = scene.rogue.sign_stale(honest(&scene, 302_00));
    scene.refused(stale.bytes(), Refusal::Expired).await;

    let never_said = Offer {
        revision: RecordId([6; 32]),
        ..honest(&scene, 303_00)
    };
    let never_said = scene.rogue.sign(never_said);
    scene.refused(never_said.bytes(), Refusal::Superseded).await;

    let too_dear = scene.rogue.sign(honest(&scene, 500_01));
    let shown = scene.refused(too_dear.bytes(), Refusal::NotAdmitted).await;
    assert!(
        shown.admission.is_some_and(|admission| !admission.admitted()),
        "and says which limit it breaks"
    );

    let mut elsewhere = honest(&scene, 304_00);
    elsewhere.serves.region = "GB-LEW".parse().unwrap();
    let elsewhere = scene.rogue.sign(elsewhere);
    scene.refused(elsewhere.bytes(), Refusal::NotAdmitted).await;

    let mut other_thing = honest(&scene, 305_00);
    other_thing.lines = intentcast_protocol::list::List::cut(other_thing.lines.iter().cloned().map(|mut line| {
        line.title = Title::lossy("a tricycle");
        line.attributes = intentcast_protocol::list::List::cut([]);
        line
    }));
    let other_thing = scene.rogue.sign(other_thing);
    scene.refused(other_thing.bytes(), Refusal::NotAdmitted).await;

    let not_a_record = [0x5a; 700];
    scene.refused(&not_a_record, Refusal::Malformed).await;

    // As many of one seller as were asked for, and no more; nor of all together.
    scene.offer(310_00).await;
    scene.offer(311_00).await;
    let third = scene.rogue.sign(honest(&scene, 312_00));
    scene.refused(third.bytes(), Refusal::OverCap).await;
    let key = std::mem::replace(
        &mut scene.rogue.key,
        intentcast_protocol::keys::Key::from_seed(&[11; 32]),
    );
    scene.offer(313_00).await;
    let fourth = scene.rogue.sign(honest(&scene, 314_00));
    scene.refused(fourth.bytes(), Refusal::OverCap).await;
    scene.rogue.key = key;

    let open = offers(&scene.customer, scene.id).await;
    let open: Vec<i64> = open
        .iter()
        .filter(|view| view.state == OfferState::Open)
        .filter_map(|view| view.offer.as_ref().map(|offer| offer.totals.total))
        .collect();
    assert_eq!(
        open,
        [310_00, 311_00, 313_00],
        "what may be accepted is what was promised rightly, best first"
    );

    let _: serde_json::Value = scene
        .customer
        .client()
        .delete(&format!("/v1/intents/{}", scene.id))
        .await
        .unwrap();
    let late = scene.rogue.sign(honest(&scene, 299_00));
    scene.refused(late.bytes(), Refusal::Withdrawn).await;
    scene.end().await;
}
