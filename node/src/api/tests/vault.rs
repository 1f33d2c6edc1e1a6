//! The vault through the API.

use super::*;

const OPENER: &str = "heron lamp orbit quilt";

async fn code(running: &Running, method: Method, path: &str, body: Value) -> (StatusCode, String) {
    problem(running.ask(method, path).json(&body).send().await.unwrap()).await
}

#[tokio::test]
async fn a_vault_is_made_filled_locked_and_opened() {
    let running = running().await;
    let client = &running.client;
    let email = "/v1/vault/strands/contact.email";
    assert_eq!(
        code(&running, Method::GET, email, json!({})).await,
        (StatusCode::NOT_FOUND, "no_vault".into())
    );

    let opener = json!({ "passphrase": OPENER });
    let status: Value = client.post("/v1/vault", &opener).await.unwrap();
    assert_eq!(
        (&status["open"], &status["opens_with"]),
        (&json!(true), &json!("passphrase"))
    );
    let again = code(&running, Method::POST, "/v1/vault", opener.clone()).await;
    assert_eq!(again, (StatusCode::CONFLICT, "vault_exists".into()));

    let set: Changed = client
        .post(email, &json!({ "value": "Ann@Example.org" }))
        .await
        .unwrap();
    assert_eq!((set.name.as_str(), set.before), ("contact.email", false));
    let shown: Value = client.get(email).await.unwrap();
    assert_eq!(shown["value"], "Ann@example.org");
    let listed: Vec<Value> = client.get("/v1/vault/strands").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["at"], &listed[0]["value"]), (&json!(NOW), &Value::Null));

    let status: Value = client.post("/v1/vault/lock", &json!({})).await.unwrap();
    assert_eq!(status["open"], json!(false));
    for (method, path) in [
        (Method::GET, email),
        (Method::GET, "/v1/vault/strands"),
        (Method::DELETE, email),
    ] {
        assert_eq!(
            code(&running, method, path, json!({})).await,
            (StatusCode::CONFLICT, "locked".into()),
            "{path}"
        );
    }
    let wrong = json!({ "passphrase": "heron lamp orbit quill" });
    let wrong = code(&running, Method::POST, "/v1/vault/unlock", wrong).await;
    assert_eq!(wrong, (StatusCode::FORBIDDEN, "wrong_secret".into()));
    let other = json!({ "key_file": "ab".repeat(32) });
    let other = code(&running, Method::POST, "/v1/vault/unlock", other).await;
    assert_eq!(other, (StatusCode::CONFLICT, "other_secret".into()));
    let status: Value = client.post("/v1/vault/unlock", &opener).await.unwrap();
    assert_eq!(status["strands"], json!(1));

    let gone: Changed = client.delete(email).await.unwrap();
    assert!(gone.before);
    let none = code(&running, Method::DELETE, email, json!({})).await;
    assert_eq!(none, (StatusCode::NOT_FOUND, "not_found".into()));
}

#[tokio::test]
async fn no_answer_to_a_mistake_repeats_what_was_sent() {
    let running = running().await;
    let _: Value = running
        .client
        .post("/v1/vault", &json!({ "passphrase": OPENER }))
        .await
        .unwrap();
    for (path, body) in [
        (
            "/v1/vault/strands/contact.email",
            json!({ "value": "secret at example" }),
        ),
        ("/v1/vault/strands/contact.email", json!({ "value": ["secret"] })),
        ("/v1/vault/strands/contact.email", json!({ "secret": "secret" })),
        (
            "/v1/vault/strands/contact.emial",
            json!({ "value": "secret@example.org" }),
        ),
        ("/v1/vault/unlock", json!({ "passphrase": "secret of mine" })),
        ("/v1/vault/unlock", json!("secret")),
        ("/v1/vault/unlock", json!({ "key_file": "secret" })),
        (
            "/v1/vault/passphrase",
            json!({ "from": { "passphrase": OPENER }, "to": { "passphrase": "secret" } }),
        ),
    ] {
        let response = running.ask(Method::POST, path).json(&body).send().await.unwrap();
        assert!(response.status().is_client_error(), "{path}: {}", response.status());
        let said = response.text().await.unwrap();
        assert!(
            !said.contains("secret") || said.contains("wrong_secret") && !said.contains("of mine"),
            "{path}: {said}"
        );
    }
}

#[tokio::test]
async fn a_name_that_there_is_not_is_told_with_the_one_that_was_meant() {
    let running = running().await;
    let _: Value = running
        .client
        .post("/v1/vault", &json!({ "passphrase": OPENER }))
        .await
        .unwrap();
    let refused = running
        .client
        .get::<Value>("/v1/vault/strands/contact.emial")
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("did you mean contact.email"), "{refused}");
}
