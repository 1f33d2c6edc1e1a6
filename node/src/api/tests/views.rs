//! Suppliers and the cart, over the API.

use intentcast_protocol::{id::OfferId, keys::PublicKey, market::SupplierView, regard::Regard};

use super::*;
use crate::cart::Cart;

#[tokio::test]
async fn a_wish_is_kept_until_it_is_cast_and_is_then_an_intent() {
    let running = running().await;
    let bike = json!({ "want": "mountain bike", "region": "GB-KHL", "budget": "500GBP", "favourites_first": "10m" });
    let wish = json!({ "name": "a bike", "want": bike });
    let kept: InCart = running.client.post("/v1/cart/wishes", &wish).await.unwrap();
    assert!(!kept.before);
    let kept: InCart = running.client.post("/v1/cart/wishes", &wish).await.unwrap();
    assert!(kept.before);
    let cart: Cart = running.client.get("/v1/cart").await.unwrap();
    assert_eq!((cart.wishes.len(), cart.intents.len()), (1, 0));
    assert_eq!(cart.sums[0].wished.to_string(), "500.00 GBP");
    let cast: CastReply = running
        .client
        .post("/v1/cart/wishes/a%20bike/cast", &json!({}))
        .await
        .unwrap();
    let nobody = ToldFirst {
        favourites: 0,
        until: None,
    };
    assert_eq!(cast.told_first, Some(nobody), "and it says so");
    let cart: Cart = running.client.get("/v1/cart").await.unwrap();
    assert!(cart.wishes.is_empty());
    assert_eq!(cart.intents[0].id, cast.intent);
    assert_eq!(cart.sums[0].wanted.to_string(), "500.00 GBP");
    let again = running
        .client
        .post::<CastReply>("/v1/cart/wishes/a%20bike/cast", &json!({}))
        .await;
    assert!(again.unwrap_err().to_string().contains("no such wish"));
}

#[tokio::test]
async fn what_could_never_be_cast_is_no_wish() {
    let running = running().await;
    for (name, want, field) in [
        (
            "bike",
            json!({ "want": "bike", "region": "GB-KHL", "budget": "much" }),
            "budget",
        ),
        (
            "",
            json!({ "want": "bike", "region": "GB-KHL", "budget": "5GBP" }),
            "name",
        ),
        (
            "bike",
            json!({ "want": "bike", "region": "GB-KHL", "budget": "5GBP", "offers_due": "5m", "favourites_first": "5m" }),
            "favourites_first",
        ),
    ] {
        let wish = json!({ "name": name, "want": want });
        let refused = running
            .client
            .post::<InCart>("/v1/cart/wishes", &wish)
            .await
            .unwrap_err();
        assert!(refused.to_string().starts_with(field), "{refused}");
    }
    let path = format!("/v1/cart/offers/{}", OfferId([7; 32]));
    let unknown = running.client.post::<InCart>(&path, &json!({})).await.unwrap_err();
    assert!(unknown.to_string().contains("no such offer"), "{unknown}");
    assert!(running.client.delete::<InCart>(&path).await.is_err());
    assert!(running.client.delete::<InCart>("/v1/cart/wishes/bike").await.is_err());
}

#[tokio::test]
async fn what_is_thought_of_a_seller_is_shown_with_it() {
    let running = running().await;
    let seller = PublicKey([7; 32]);
    let path = format!("/v1/suppliers/{seller}");
    assert!(running.client.get::<SupplierView>(&path).await.is_err());
    for regard in [Regard::Blocked, Regard::Favourite] {
        let _: Answered = running
            .client
            .post(&format!("{path}/regard"), &RegardBody { regard })
            .await
            .unwrap();
        let view: SupplierView = running.client.get(&path).await.unwrap();
        assert_eq!((view.regard, view.reachable, view.offers), (regard, false, 0));
    }
    let regard = Regard::Plain;
    let _: Answered = running
        .client
        .post(&format!("{path}/regard"), &RegardBody { regard })
        .await
        .unwrap();
    let all: Vec<SupplierView> = running.client.get("/v1/suppliers").await.unwrap();
    assert!(all.is_empty());
}
