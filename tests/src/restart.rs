//! SIGKILL at every step, then the same folder again: nothing that was acknowledged is lost, nothing happens twice, and
//! the purchase goes on. Slow: every story is a market of its own.

use std::collections::BTreeSet;

use intentcast_node::api::NodeStatus;
use intentcast_protocol::{
    id::{IntentId, OfferId},
    market::{AgreementView, IntentState, IntentView, OfferState, OfferView},
};
use serde_json::json;

use crate::{
    goods,
    member::Member,
    wait::beside_others,
    world::{World, accept, agreed, agreement_on, audit, bike_wanted, cast, offers, same_deal},
};

#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Customer,
    Seller,
    Meeting,
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Cast,
    Offered,
    Accepting,
    Agreed,
}

struct Scene {
    world: World,
    customer: Member,
    seller: Member,
    victim: Victim,
    falls_at: Step,
}

impl Scene {
    fn victim(&mut self) -> &mut Member {
        match self.victim {
            Victim::Customer => &mut self.customer,
            Victim::Seller => &mut self.seller,
            Victim::Meeting => &mut self.world.meeting,
        }
    }

    /// The step is done: here the victim falls and stands up again, if this is where it does.
    async fn step(&mut self, done: Step) {
        if done == self.falls_at {
            self.victim().kill().await;
            self.victim().restart().await;
        }
    }

    async fn intent(&self, id: IntentId) -> IntentView {
        self.customer.get(&format!("/v1/intents/{id}")).await
    }

    /// The first offer that may be accepted, once there is one.
    async fn first_offer(&self, intent: IntentId) -> OfferId {
        let path = format!("/v1/intents/{intent}/offers");
        self.customer
            .until("an offer", &path, |all: Vec<OfferView>| {
                all.iter()
                    .find(|view| view.state == OfferState::Open)
                    .map(|view| view.id)
            })
            .await
    }

    /// Says yes, and does not wait for what comes of it: here the victim falls before there is an answer.
    async fn accepting(&mut self, offer: OfferId) {
        if self.falls_at != Step::Accepting {
            return accept(&self.customer, offer).await;
        }
        let client = self.customer.client();
        let path = format!("/v1/offers/{offer}/accept");
        let asked = tokio::spawn(async move { client.post::<serde_json::Value>(&path, &json!({})).await });
        self.victim().kill().await;
        let acknowledged = asked.await.unwrap().is_ok();
        self.victim().restart().await;
        let view: OfferView = self.customer.get(&format!("/v1/offers/{offer}")).await;
        let said_yes = matches!(view.state, OfferState::Accepted { .. } | OfferState::Agreed { .. });
        assert!(
            said_yes || !acknowledged,
            "a yes that was acknowledged is lost: {:?}",
            view.state
        );
        if !said_yes {
            assert_eq!(
                view.state,
                OfferState::Open,
                "a yes that nobody acknowledged was never said"
            );
            accept(&self.customer, offer).await;
        }
    }

    async fn play(mut self) {
        let intent = cast(&self.customer, &bike_wanted()).await;
        self.step(Step::Cast).await;
        assert!(matches!(
            self.intent(intent).await.state,
            IntentState::Unheard | IntentState::Open
        ));

        let offer = self.first_offer(intent).await;
        self.step(Step::Offered).await;
        let all = offers(&self.customer, intent).await;
        let kept: Vec<_> = all.iter().map(|view| (view.id, view.state.clone())).collect();
        assert_eq!(
            kept,
            [(offer, OfferState::Open)],
            "the offer that was shown is there, once"
        );

        self.accepting(offer).await;
        let agreement = agreement_on(&self.customer, offer).await;
        agreed(&self.seller, agreement.id).await;
        self.step(Step::Agreed).await;
        let after = agreed(&self.customer, agreement.id).await;
        assert_eq!(after.bytes_hash, agreement.bytes_hash);
        same_deal(&self.customer, &self.seller, agreement.id).await;
        assert_eq!(self.intent(intent).await.state, IntentState::Agreed);
        // To say yes again makes nothing new.
        accept(&self.customer, offer).await;
        same_deal(&self.customer, &self.seller, agreement.id).await;
        self.end().await;
    }

    async fn end(mut self) {
        for member in [&mut self.customer, &mut self.seller] {
            member.is_well();
            member.stop().await;
            assert!(!audit(member).is_empty());
        }
        self.world.meeting.is_well();
    }
}

async fn set(victim: Victim, falls_at: Step) -> Scene {
    let world = World::new().await;
    let seller = world.bike_shop("Hull Wheels").await;
    let customer = world.customer("customer").await;
    Scene {
        world,
        customer,
        seller,
        victim,
        falls_at,
    }
}

macro_rules! falls {
    ($($name:ident: $victim:ident at $step:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let _stage = beside_others().await;
            set(Victim::$victim, Step::$step).await.play().await;
        }
    )*};
}

falls! {
    the_customer_falls_after_the_cast: Customer at Cast;
    the_customer_falls_after_the_first_offer: Customer at Offered;
    the_customer_falls_as_it_says_yes: Customer at Accepting;
    the_customer_falls_after_the_agreement: Customer at Agreed;
    the_seller_falls_after_the_cast: Seller at Cast;
    the_seller_falls_after_the_first_offer: Seller at Offered;
    the_seller_falls_as_the_customer_says_yes: Seller at Accepting;
    the_seller_falls_after_the_agreement: Seller at Agreed;
    the_meeting_point_falls_after_the_cast: Meeting at Cast;
    the_meeting_point_falls_after_the_first_offer: Meeting at Offered;
    the_meeting_point_falls_as_the_customer_says_yes: Meeting at Accepting;
    the_meeting_point_falls_after_the_agreement: Meeting at Agreed;
}

#[tokio::test]
async fn a_want_that_only_the_fallen_had_heard_is_told_to_it_again() {
    let _stage = beside_others().await;
    let world = World::new().await;
    // It hears and asks its owner, who is slow.
    let rules = |answer: &str| goods::rules("Hull Wheels", "GB", "4.50", &format!("answer = {answer:?}"));
    let bike = goods::bike("fell-xl", "XL", "450.00");
    let mut seller = world.seller("seller", &[bike], &rules("ask")).await;
    let customer = world.customer("customer").await;
    let intent = cast(&customer, &bike_wanted()).await;
    seller
        .until("the seller hears it", "/v1/status", |status: NodeStatus| {
            (status.market.relayed_intents > 0).then_some(())
        })
        .await;
    seller.kill().await;
    std::fs::write(seller.home.join("rules.toml"), rules("automatic")).unwrap();
    seller.restart().await;
    let path = format!("/v1/intents/{intent}/offers");
    let offer = |all: Vec<OfferView>| all.into_iter().find(|view| view.state == OfferState::Open);
    customer.until("an offer", &path, offer).await;
    seller.is_well();
}

#[tokio::test]
async fn a_yes_that_was_acknowledged_reaches_a_seller_who_was_down_though_the_customer_fell_too() {
    let _stage = beside_others().await;
    let mut scene = set(Victim::Customer, Step::Agreed).await;
    let intent = cast(&scene.customer, &bike_wanted()).await;
    let offer = scene.first_offer(intent).await;
    scene.seller.kill().await;
    accept(&scene.customer, offer).await;
    scene.customer.kill().await;
    scene.customer.restart().await;
    let view: OfferView = scene.customer.get(&format!("/v1/offers/{offer}")).await;
    assert!(
        matches!(view.state, OfferState::Accepted { .. }),
        "it waits, and says so: {:?}",
        view.state
    );
    assert_eq!(scene.intent(intent).await.state, IntentState::Accepted);
    scene.seller.restart().await;
    let agreement = agreement_on(&scene.customer, offer).await;
    same_deal(&scene.customer, &scene.seller, agreement.id).await;
    scene.end().await;
}

#[tokio::test]
async fn a_withdrawn_want_stays_withdrawn_and_takes_no_offer_after_a_fall() {
    let _stage = beside_others().await;
    let mut scene = set(Victim::Customer, Step::Agreed).await;
    let intent = cast(&scene.customer, &bike_wanted()).await;
    scene.first_offer(intent).await;
    let _: serde_json::Value = scene
        .customer
        .client()
        .delete(&format!("/v1/intents/{intent}"))
        .await
        .unwrap();
    scene.customer.kill().await;
    scene.customer.restart().await;
    assert_eq!(scene.intent(intent).await.state, IntentState::Withdrawn);
    // The seller learns of it, though the customer fell in the moment of saying so.
    let seen: BTreeSet<IntentId> = [intent].into();
    scene
        .seller
        .until("the seller knows", "/v1/intents", |all: Vec<IntentView>| {
            all.iter()
                .find(|view| seen.contains(&view.id) && view.state == IntentState::Withdrawn)
                .map(drop)
        })
        .await;
    let deals: Vec<AgreementView> = scene.seller.get("/v1/agreements").await;
    assert!(deals.is_empty());
    scene.end().await;
}
