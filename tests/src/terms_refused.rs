//! Terms are the customer's: who does not sign exactly them makes no offer.

use intentcast_node::{api::CastReply, want::Want};
use intentcast_protocol::{
    frame::Refusal,
    list::List,
    market::{Event, OfferState, OfferView},
    offer::{Need, Offer},
    terms::TermsSet,
    text::{Phrase, Word},
};

use crate::{
    goods,
    rogue::{Rogue, refusal},
    wait::beside_others,
    world::{World, bike_wanted, cast, offered, offers},
};

#[tokio::test]
async fn an_offer_under_other_terms_is_refused_kept_and_shown() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut customer = world.customer("customer").await;
    let mut rogue = Rogue::start(world.address()).await;
    let id = cast(&customer, &bike_wanted()).await;
    let heard = rogue.hear(id).await;
    assert!(
        heard.terms.contains("SD-BASE") && heard.terms.contains("PDC-INTENT"),
        "what is asked where nothing is said"
    );

    let fewer = TermsSet::of(&["PDC-INTENT"]).unwrap().hash();
    let more = TermsSet::of(&["SD-BASE", "PDC-INTENT", "ic:no-resale"]).unwrap().hash();
    for (minor, terms) in [(400_00, fewer), (401_00, more)] {
        let offer = rogue.sign(Offer {
            terms,
            ..rogue.honest(&heard, minor)
        });
        let reply = rogue.offer(&heard.reply.clone(), offer.bytes()).await;
        assert_eq!(refusal(&reply), Some((offer.id(), Refusal::Terms)));
    }
    let needs = List::cut([Need {
        strand: Word::lossy("phone.mobile"),
        purpose: Phrase::lossy("to call about other things"),
    }]);
    let asks = rogue.sign(Offer {
        needs,
        ..rogue.honest(&heard, 402_00)
    });
    let reply = rogue.offer(&heard.reply.clone(), asks.bytes()).await;
    assert_eq!(refusal(&reply), Some((asks.id(), Refusal::Terms)));

    let shown = offers(&customer, id).await;
    assert_eq!(shown.len(), 3);
    for view in &shown {
        let OfferState::Refused {
            why: Refusal::Terms,
            detail,
        } = &view.state
        else {
            panic!("only what was refused is here: {view:?}");
        };
        assert!(!detail.is_empty());
    }
    // And nobody can say yes to one of them.
    let yes = customer
        .post(&format!("/v1/offers/{}/accept", asks.id()), &serde_json::json!({}))
        .await;
    assert!(yes.is_err());
    customer.is_well();
}

#[tokio::test]
async fn a_shop_that_will_not_sign_the_terms_stays_silent() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let bikes = [goods::bike("fell-xl", "XL", "450.00")];
    let narrow = goods::rules("Small Print", "GB", "0.00", "terms = [\"SD-BASE\", \"PDC-INTENT\"]");
    let narrow = world.seller("narrow", &bikes, &narrow).await;
    let _broad = world.bike_shop("Plain Dealing").await;
    let customer = world.customer("customer").await;
    let mut watch = customer.watch().await;

    let want = Want {
        terms: ["SD-BASE", "PDC-INTENT", "ic:no-resale"].map(String::from).to_vec(),
        ..bike_wanted()
    };
    let reply: CastReply = customer.client().post("/v1/intents", &want).await.unwrap();
    let offer = offered(&customer, &mut watch, reply.intent).await;
    let said = offer.offer.unwrap();
    assert_eq!(said.seller.name.to_string(), "Plain Dealing");
    assert_eq!(said.terms, TermsSet::of(&want.terms).unwrap().hash());

    // The other one hears the next want, which it can sign: by then it has passed over the first one.
    let mut heard = narrow.watch().await;
    let plain = cast(&customer, &bike_wanted()).await;
    heard
        .until("the shop answers the want it can sign", |event| match event {
            Event::Delivered { intent, .. } if *intent == plain => Some(()),
            _ => None,
        })
        .await;
    let first: Vec<OfferView> = narrow.get("/v1/offers").await;
    assert!(
        first.iter().all(|view| view.intent == Some(plain)),
        "it made no offer to the first want"
    );
    assert_eq!(offers(&customer, reply.intent).await.len(), 1);
}
