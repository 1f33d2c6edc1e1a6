//! Wants, offers, orders, ratings and letters in the words of schema.org.

use intentcast_protocol::{
    attribute::Attribute,
    category::CategoryId,
    evidence::Evidence,
    id::{AgreementId, RecordId},
    intent::Condition,
    letter::Matter,
    market::{AgreementView, IntentView, Market, OfferView, ReceiptView, Role, ThreadView},
    money::Money,
    offer::{Line, Offer},
    order::OrderState,
    receipt::OrderEvent,
};
use serde_json::{Value, json};

use super::{originals::Originals, urn};

/// An amount as schema.org has it: a decimal number as text, and beside it the currency.
fn amount(money: Money) -> (String, String) {
    let text = money.to_string();
    let number = text.split(' ').next().unwrap_or_default().to_owned();
    (number, money.currency.code().to_owned())
}

fn category(id: CategoryId) -> &'static str {
    id.lookup().map_or("unknown", |category| category.path)
}

fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::New => "https://schema.org/NewCondition",
        Condition::Refurbished => "https://schema.org/RefurbishedCondition",
        Condition::Used => "https://schema.org/UsedCondition",
    }
}

fn attribute(attribute: &Attribute) -> Value {
    json!({ "@type": "PropertyValue", "name": attribute.name, "value": attribute.value.to_string() })
}

/// A want.
pub(super) fn demand(view: &IntentView, originals: &Originals) -> Value {
    let intent = &view.intent;
    let mut price = json!({ "@type": "PriceSpecification", "priceCurrency": intent.budget.currency().code() });
    if let Some(ceiling) = intent.budget.ceiling() {
        price["maxPrice"] = json!(amount(ceiling).0);
    }
    let first: RecordId = RecordId(view.id.0);
    let signed: Vec<&str> = [Some(first), (view.revision != first).then_some(view.revision)]
        .into_iter()
        .flatten()
        .filter_map(|id| originals.find(id))
        .collect();
    json!({
        "@type": "Demand",
        "@id": urn("intent", &view.id),
        "identifier": view.id,
        "name": intent.title,
        "description": intent.text,
        "inLanguage": intent.language,
        "validFrom": view.created.to_string(),
        "validThrough": view.expires.to_string(),
        "itemOffered": {
            "@type": "Product",
            "name": intent.title,
            "category": category(intent.category),
            "additionalProperty": intent.wishes.iter().map(|wish| json!({
                "@type": "PropertyValue", "name": "ic:wish", "value": wish.to_string(),
            })).collect::<Vec<_>>(),
        },
        "itemCondition": intent.conditions.list().into_iter().map(condition).collect::<Vec<_>>(),
        "eligibleQuantity": { "@type": "QuantitativeValue", "value": intent.quantity },
        "priceSpecification": price,
        "areaServed": intent.place.region.to_string(),
        "ic:role": view.role,
        "ic:state": view.state,
        "ic:terms": intent.terms.to_string(),
        "ic:signed": signed,
    })
}

fn item(line: &Line) -> Value {
    let mut product = json!({
        "@type": "Product",
        "name": line.title,
        "sku": line.item,
        "category": category(line.category),
        "itemCondition": condition(line.condition),
        "additionalProperty": line.attributes.iter().map(attribute).collect::<Vec<_>>(),
    });
    if !line.brand.is_empty() {
        product["brand"] = json!({ "@type": "Brand", "name": line.brand });
    }
    if let Some(gtin) = line.gtin {
        product["gtin"] = json!(gtin.to_string());
    }
    product
}

fn said(offer: &Offer) -> Value {
    let (price, currency) = amount(offer.totals.landed());
    json!({
        "price": price,
        "priceCurrency": currency,
        "itemOffered": offer.lines.iter().map(item).collect::<Vec<_>>(),
        "validThrough": offer.valid_until.to_string(),
        "areaServed": offer.serves.region.to_string(),
        "hasMerchantReturnPolicy": {
            "@type": "MerchantReturnPolicy",
            "merchantReturnDays": offer.returns_days,
        },
        "warranty": {
            "@type": "WarrantyPromise",
            "durationOfWarranty": {
                "@type": "QuantitativeValue", "value": offer.warranty_months, "unitCode": "MON",
            },
        },
        "ic:deliverBy": offer.deliver_by.to_string(),
    })
}

/// An offer that was taken in or made; nothing of one that was refused.
pub(super) fn offer(view: &OfferView, originals: &Originals) -> Option<Value> {
    let (offer, signed) = (view.offer.as_ref()?, originals.find(RecordId(view.id.0))?);
    let mut node = said(offer);
    node["@type"] = json!("Offer");
    node["@id"] = json!(urn("offer", &view.id));
    node["identifier"] = json!(view.id);
    node["offeredBy"] = seller(view.seller.as_ref()?, offer.seller.name.as_str());
    node["ic:answers"] = json!({ "@id": urn("intent", &offer.intent) });
    node["ic:role"] = json!(view.role);
    node["ic:state"] = json!(serde_json::to_value(&view.state).ok()?["state"]);
    node["ic:signed"] = json!(signed);
    Some(node)
}

fn seller(key: &impl ToString, name: &str) -> Value {
    json!({ "@type": "Organization", "@id": urn("key", key), "identifier": key.to_string(), "name": name })
}

fn status(view: &AgreementView) -> &'static str {
    let was_cancelled = || {
        let mut events = view.receipts.iter().map(|receipt| &receipt.receipt.event);
        events.any(|event| matches!(event, OrderEvent::Cancelled { .. }))
    };
    match view.order.state {
        OrderState::Confirmed | OrderState::Paid => "https://schema.org/OrderProcessing",
        OrderState::Shipped => "https://schema.org/OrderInTransit",
        OrderState::Delivered => "https://schema.org/OrderDelivered",
        OrderState::Cancelled => "https://schema.org/OrderCancelled",
        OrderState::Closed | OrderState::Refunded if was_cancelled() => "https://schema.org/OrderCancelled",
        OrderState::Returning | OrderState::Refunded | OrderState::Closed => "https://schema.org/OrderReturned",
    }
}

fn parcel(view: &AgreementView, receipt: &ReceiptView) -> Option<Value> {
    let OrderEvent::Shipped { carrier, tracking } = &receipt.receipt.event else {
        return None;
    };
    Some(json!({
        "@type": "ParcelDelivery",
        "@id": urn("receipt", &receipt.id),
        "provider": { "@type": "Organization", "name": carrier },
        "trackingNumber": tracking,
        "expectedArrivalUntil": view.deliver_by.to_string(),
        "deliveryStatus": {
            "@type": "DeliveryEvent",
            "startDate": receipt.at.to_string(),
            "endDate": view.order.delivered_at.map(|at| at.to_string()),
        },
    }))
}

/// What is agreed and what became of it, with the evidence that verifies alone; letters stand beside it, but for those of a
/// deal whose price was changed, which are part of what is proved.
pub(super) fn order(market: &Market, view: &AgreementView, originals: &Originals) -> Value {
    let (price, currency) = amount(view.total);
    let receipts: Vec<Value> = view
        .receipts
        .iter()
        .map(|receipt| {
            json!({
                "@type": "ic:Receipt",
                "@id": urn("receipt", &receipt.id),
                "ic:event": receipt.receipt.event.word(),
                "description": receipt.receipt.event.to_string(),
                "startDate": receipt.at.to_string(),
                "ic:signed": originals.find(receipt.id),
            })
        })
        .collect();
    let parcels: Vec<Value> = view.receipts.iter().filter_map(|it| parcel(view, it)).collect();
    let evidence = market
        .settled(view.id)
        .and_then(|(settled, receipts)| Evidence::of(settled, receipts).ok());
    // Receipts of a price that both have changed are proved by the letters with which they did.
    let evidence = match market.totals(view.id).len() {
        0 | 1 => evidence,
        _ => evidence.map(|evidence| evidence.with_letters(market.letters_under(view.id))),
    };
    json!({
        "@type": "Order",
        "@id": urn("agreement", &view.id),
        "orderNumber": view.id,
        "orderDate": view.at.to_string(),
        "orderStatus": status(view),
        "seller": seller(&view.seller, view.agreed.seller.name.as_str()),
        // A key of this one want, and no name.
        "customer": { "@type": "Person", "@id": urn("key", &view.customer), "identifier": view.customer },
        "acceptedOffer": { "@id": urn("offer", &view.offer) },
        "orderedItem": view.agreed.lines.iter().map(|line| json!({
            "@type": "OrderItem",
            "orderQuantity": line.quantity,
            "orderedItem": item(line),
        })).collect::<Vec<_>>(),
        "price": price,
        "priceCurrency": currency,
        "orderDelivery": parcels,
        "ic:wants": { "@id": urn("intent", &view.intent) },
        "ic:role": view.role,
        "ic:state": view.order.state,
        "ic:returnsUntil": view.order.returns_until.map(|at| at.to_string()),
        "ic:warrantyUntil": view.order.warranty_until.map(|at| at.to_string()),
        "ic:receipts": receipts,
        "ic:evidence": evidence,
    })
}

/// What the customer thinks of it.
pub(super) fn review(view: &AgreementView) -> Option<Value> {
    let rating = view.rating.as_ref()?;
    Some(json!({
        "@type": "Review",
        "@id": urn("rating", &rating.id),
        "datePublished": rating.at.to_string(),
        "reviewBody": rating.text,
        "itemReviewed": seller(&view.seller, view.agreed.seller.name.as_str()),
        "reviewRating": { "@type": "Rating", "ratingValue": rating.stars, "bestRating": 5, "worstRating": 1 },
        "ic:signed": rating.record,
    }))
}

/// The words of a letter, where it has any.
fn words(matter: &Matter) -> Option<String> {
    match matter {
        Matter::Question { text, .. } | Matter::Answer { text, .. } | Matter::Suggestion { text, .. } => {
            Some(text.to_string())
        }
        Matter::Asked { why, .. } | Matter::GrantRefused { why, .. } => Some(why.to_string()),
        Matter::Proposal(proposal) => Some(proposal.why.to_string()),
        Matter::PermissionRequest { benefit, .. } => Some(benefit.to_string()),
        _ => None,
    }
}

/// Every letter of a conversation. What the customer opened of what its want withholds is not in it.
pub(super) fn messages(thread: &ThreadView, originals: &Originals) -> Vec<Value> {
    let message = |letter: &intentcast_protocol::market::LetterView| {
        json!({
            "@type": "Message",
            "@id": urn("letter", &letter.id),
            "dateSent": letter.at.to_string(),
            "text": words(&letter.matter),
            "ic:from": letter.from,
            "ic:number": letter.number,
            "ic:matter": letter.what,
            "isPartOf": { "@type": "Conversation", "@id": urn("thread", &thread.id) },
            "about": { "@id": urn("intent", &thread.intent) },
            "ic:signed": originals.find(letter.id),
        })
    };
    thread.letters.iter().map(message).collect()
}

/// Whether a conversation led to this agreement.
pub(super) fn is_of(thread: &ThreadView, agreement: AgreementId) -> bool {
    thread.deal.as_ref().is_some_and(|deal| deal.agreement == agreement)
}

/// Which side of an agreement we are on.
pub(super) fn is_seller(view: &AgreementView) -> bool {
    view.role == Role::Seller
}
