//! What a customer sees of its sellers and of its cart, and what follows from what it thinks of them.

use intentcast_node::cart::Cart;
use intentcast_protocol::{
    id::IntentId,
    keys::PublicKey,
    market::{IntentView, OfferState, OfferView, SupplierView},
    regard::Regard,
};

use crate::{
    member::Member,
    wait::beside_others,
    world::{CAST_A_BIKE, World, bike_wanted, cast},
};

/// The offer of this shop to this want, once it has one that is as it should be.
async fn offer_of(
    customer: &Member,
    intent: IntentId,
    seller: PublicKey,
    as_it_should: fn(&OfferState) -> bool,
) -> OfferView {
    let path = format!("/v1/intents/{intent}/offers");
    customer
        .until("a shop's offer", &path, |all: Vec<OfferView>| {
            all.into_iter()
                .find(|view| view.seller == Some(seller) && as_it_should(&view.state))
        })
        .await
}

fn is_open(state: &OfferState) -> bool {
    *state == OfferState::Open
}

async fn supplier(customer: &Member, name: &str) -> SupplierView {
    customer
        .until("a shop is known", "/v1/suppliers", |all: Vec<SupplierView>| {
            all.into_iter().find(|view| view.name == name)
        })
        .await
}

#[tokio::test]
async fn a_favourite_hears_first_and_a_blocked_shop_is_not_heard() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let favourite = world.bike_shop("Hull Wheels").await;
    let other = world.bike_shop("Spring Bank Cycles").await;
    let mut customer = world.customer("customer").await;
    let first = cast(&customer, &bike_wanted()).await;
    let (wheels, bank) = (
        supplier(&customer, "Hull Wheels").await.seller,
        supplier(&customer, "Spring Bank Cycles").await.seller,
    );
    offer_of(&customer, first, wheels, is_open).await;
    offer_of(&customer, first, bank, is_open).await;

    // One shop is a favourite; it hears of the next want, and though the customer falls the other does not, as long as
    // the head start lasts.
    let said = customer.does(&["supplier", "favourite", "hull wheels"]).await;
    assert_eq!(said["regard"], "favourite");
    let said = customer
        .does(&[&CAST_A_BIKE[..], &["--favourites-first", "20s"]].concat())
        .await;
    assert_eq!(said["told_first"]["favourites"], 1, "{said}");
    let second: IntentId = serde_json::from_value(said["intent"].clone()).unwrap();
    customer.fall().await;
    let ours = offer_of(&customer, second, wheels, is_open).await;
    let theirs = offer_of(&customer, second, bank, is_open).await;
    let view: IntentView = customer.get(&format!("/v1/intents/{second}")).await;
    let head_start = view.head_start.expect("it had one");
    assert_eq!(head_start.favourites, [wheels]);
    assert!(ours.at < theirs.at, "{:?} {:?}", ours.at, theirs.at);
    assert!(theirs.at >= Some(head_start.until), "{:?} {head_start:?}", theirs.at);

    // The other is blocked: what it offered is out of the order, and what it offers next is not taken.
    customer.does(&["supplier", "block", &bank.to_string()[..12]]).await;
    let gone: OfferView = customer.get(&format!("/v1/offers/{}", theirs.id)).await;
    assert_eq!((gone.state, gone.place), (OfferState::Blocked, None));
    customer.fall().await;
    let third = cast(&customer, &bike_wanted()).await;
    offer_of(&customer, third, wheels, is_open).await;
    let refused = offer_of(&customer, third, bank, |state| {
        matches!(state, OfferState::Refused { .. })
    })
    .await;
    let OfferState::Refused { detail, .. } = refused.state else {
        unreachable!("it was looked for")
    };
    assert!(detail.contains("blocked"), "{detail}");
    let shown = customer.cli(&["offer", "list", &third.to_string()]).await;
    assert!(
        shown.out.contains("Hull Wheels") && !shown.out.contains("Spring Bank"),
        "{}",
        shown.out
    );
    assert_eq!(supplier(&customer, "Spring Bank Cycles").await.regard, Regard::Blocked);
    // Undone, what it offered before stands again.
    customer
        .does(&["supplier", "block", "spring bank cycles", "--undo"])
        .await;
    offer_of(&customer, second, bank, is_open).await;
    let again = customer
        .cli(&["supplier", "block", "spring bank cycles", "--undo"])
        .await;
    assert_eq!(again.status.code(), Some(1), "{}", again.complaints);
    for mut member in [favourite, other, customer] {
        member.is_well();
    }
}

#[tokio::test]
async fn a_wish_becomes_a_want_after_a_fall_and_a_saved_offer_outlives_one() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let _shop = world.bike_shop("Hull Wheels").await;
    let mut customer = world.customer("customer").await;
    let wish = [&["cart", "wish", "a bike"], &CAST_A_BIKE[1..]].concat();
    assert_eq!(customer.does(&wish).await["before"], false);
    customer.fall().await;
    let cart: Cart = customer.get("/v1/cart").await;
    assert_eq!((cart.intents.len(), cart.wishes.len()), (0, 1), "nothing was cast");

    let told = customer.does(&["cart", "cast", "a bike", "--wait", "1"]).await;
    assert!(told.is_object(), "{told}");
    let offer = customer
        .until("an offer", "/v1/offers", |all: Vec<OfferView>| {
            all.into_iter().find(|view| is_open(&view.state))
        })
        .await;
    customer.does(&["cart", "save", &offer.id.to_string()[..10]]).await;
    customer.fall().await;
    let cart: Cart = customer.get("/v1/cart").await;
    assert_eq!((cart.intents.len(), cart.wishes.len(), cart.offers.len()), (1, 0, 1));
    assert_eq!(Some(cart.intents[0].id), offer.intent);
    let sums: Vec<String> = [cart.sums[0].wanted, cart.sums[0].saved]
        .map(|money| money.to_string())
        .into();
    assert_eq!(sums, ["500.00 GBP", "454.50 GBP"]);

    // The other names for the same.
    for (short, long) in [("suppliers", "supplier"), ("transactions", "order"), ("cart", "cart")] {
        let (mine, same) = (customer.cli(&["my", short]).await, customer.cli(&[long, "list"]).await);
        assert!(mine.status.success(), "{}", mine.complaints);
        assert_eq!(mine.out, same.out, "my {short}");
    }
    customer.does(&["cart", "remove", &offer.id.to_string()[..10]]).await;
    let none = customer.cli(&["cart", "remove", "a bike"]).await;
    assert_eq!(none.status.code(), Some(1), "{}", none.complaints);
    let cart: Cart = customer.get("/v1/cart").await;
    assert!(cart.offers.is_empty());
    customer.is_well();
}
