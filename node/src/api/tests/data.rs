//! Grants and offices of a node that has no deal yet: empty, and clear about what is not there.

use super::*;
use crate::{office::Office, strands::compliance::Compliance};

#[tokio::test]
async fn a_node_without_a_deal_has_an_empty_office_and_keeps_to_everything() {
    let node = running().await;
    let grants: Vec<Value> = node.client.get("/v1/grants").await.unwrap();
    assert!(grants.is_empty());
    let office: Office = node.client.get("/v1/office").await.unwrap();
    assert!(office.holders.is_empty() && office.risks.is_empty());
    let report: Compliance = node.client.get("/v1/compliance").await.unwrap();
    assert!(report.met && !report.policy && report.purposes.is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    let node = running().await;
    let id = "ab".repeat(32);
    for (path, body) in [
        ("approve", json!({})),
        ("refuse", json!({ "why": "no" })),
        ("revoke", json!({ "delete": true })),
        ("use", json!({ "purpose": "deliver_order", "operation": "use" })),
        ("report", json!({})),
        ("suggest", json!({ "text": "a word" })),
    ] {
        let answer = node
            .ask(Method::POST, &format!("/v1/grants/{id}/{path}"))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let all = json!({ "of": "contact.*", "delete": true });
    let answer = node
        .ask(Method::POST, "/v1/office/revoke")
        .json(&all)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_request_without_a_deal_leaves_no_secret_behind_and_a_slip_is_told() {
    let node = running().await;
    let ask = |strand: &str, purpose: &str| {
        let body = json!({
            "agreement": "ab".repeat(32), "strand": strand, "purpose": purpose, "benefit": "it comes",
            "until": NOW.0 + 1_000_000,
        });
        node.ask(Method::POST, "/v1/grants").json(&body).send()
    };
    let told = async |strand: &str, purpose: &str| {
        let answer = ask(strand, purpose).await.unwrap();
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap();
        (status, problem["detail"].as_str().unwrap().to_owned())
    };
    let (status, why) = told("adress.delivery", "deliver_order").await;
    assert!(
        status == StatusCode::UNPROCESSABLE_ENTITY && why.contains("did you mean address.delivery"),
        "{why}"
    );
    let (status, why) = told("address.delivery", "analytics").await;
    assert!(
        status == StatusCode::UNPROCESSABLE_ENTITY && why.contains("which question"),
        "{why}"
    );
    let (status, why) = told("address.delivery", "deliver_order").await;
    assert!(status == StatusCode::NOT_FOUND && why.contains("agreement"), "{why}");
    let keys = node.home.path().join("strands").join("keys");
    assert_eq!(std::fs::read_dir(keys).unwrap().count(), 0);
}
