//! How the node is: for a person, for a supervisor and for a collector of metrics.

use std::fmt::Write;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use intentcast_protocol::market;
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    backend::{Backend, NetStatus, PeerView},
    problem::Problem,
};

/// The whole of `GET /v1/status`.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct NodeStatus {
    /// This program's version.
    pub version: String,
    /// The market in numbers.
    pub market: market::Status,
    /// How the node stands in the network.
    pub net: NetStatus,
}

pub async fn status<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<NodeStatus>, Problem> {
    let market = shared.backend.read(|now, market| market.status(now)).await?;
    let net = shared.backend.net_status().await?;
    Ok(Json(NodeStatus {
        version: env!("CARGO_PKG_VERSION").into(),
        market,
        net,
    }))
}

pub async fn peers<B: Backend>(State(shared): State<Shared<B>>) -> Result<Json<Vec<PeerView>>, Problem> {
    Ok(Json(shared.backend.peers().await?))
}

/// The process serves.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The market works: its ledger can be written and its network answers. A node alone is ready too.
pub async fn readyz<B: Backend>(State(shared): State<Shared<B>>) -> Response {
    let broken = shared.backend.read(|_, market| market.is_broken()).await;
    let net = shared.backend.net_status().await;
    match (broken, net) {
        (Ok(false), Ok(_)) => "ready\n".into_response(),
        (Ok(true), _) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_stored",
            "the ledger could not be written",
        )
        .into_response(),
        (Err(stopped), _) | (_, Err(stopped)) => Problem::from(stopped).into_response(),
    }
}

/// The text format of Prometheus; numbers alone.
pub async fn metrics<B: Backend>(State(shared): State<Shared<B>>) -> Result<Response, Problem> {
    let market = shared.backend.read(|now, market| market.status(now)).await?;
    let net = shared.backend.net_status().await?;
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        exposition(&market, &net),
    )
        .into_response())
}

fn exposition(market: &market::Status, net: &NetStatus) -> String {
    let mut text = String::new();
    let mut add = |name: &str, kind: &str, help: &str, value: u64| {
        writeln!(
            text,
            "# HELP intentcast_{name} {help}\n# TYPE intentcast_{name} {kind}\nintentcast_{name} {value}"
        )
        .expect("a string takes all that is written to it");
    };
    add(
        "open_intents",
        "gauge",
        "Own intents that are open",
        market.open_intents as u64,
    );
    add("own_intents", "gauge", "Own intents in all", market.own_intents as u64);
    add(
        "heard_intents",
        "gauge",
        "Intents of others answered or being answered",
        market.heard_intents as u64,
    );
    add(
        "relayed_intents",
        "gauge",
        "Open intents kept to relay",
        market.relayed_intents as u64,
    );
    add("agreements", "gauge", "Agreements", market.agreements as u64);
    add(
        "outbox",
        "gauge",
        "Records that wait to reach somebody",
        market.outbox as u64,
    );
    add(
        "ledger_entries_total",
        "counter",
        "Entries of the ledger",
        market.ledger_entries,
    );
    add(
        "gossip_accepted_total",
        "counter",
        "Gossip messages accepted",
        market.gossip_accepted,
    );
    add(
        "gossip_ignored_total",
        "counter",
        "Gossip messages ignored",
        market.gossip_ignored,
    );
    add(
        "gossip_rejected_total",
        "counter",
        "Gossip messages rejected",
        market.gossip_rejected,
    );
    add("peers", "gauge", "Connected peers", net.peers as u64);
    add("connections", "gauge", "Connections", net.connections as u64);
    for (name, value) in &net.counters {
        let legible: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        add(
            &format!("net_{}_total", legible.trim_end_matches("_total")),
            "counter",
            "Counted by the network",
            *value,
        );
    }
    text
}
