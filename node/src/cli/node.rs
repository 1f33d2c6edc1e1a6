//! `intentcast status`, `peers` and `health`: the node itself.

use anyhow::Result;
use serde_json::json;

use super::Global;
use crate::api::{NodeStatus, backend::PeerView};

pub async fn status(global: &Global) -> Result<()> {
    let status: NodeStatus = global.client()?.get("/v1/status").await?;
    let out = global.out();
    out.value(&status)?;
    let market = &status.market;
    let mut fields = vec![
        ("version", status.version.clone()),
        ("peer id", status.net.peer_id.clone()),
        (
            "peers",
            format!("{} ({} connections)", status.net.peers, status.net.connections),
        ),
        (
            "wants",
            format!("{} open of {}", market.open_intents, market.own_intents),
        ),
        (
            "heard",
            format!("{} answered, {} relayed", market.heard_intents, market.relayed_intents),
        ),
        ("agreements", market.agreements.to_string()),
        ("outbox", format!("{} waiting", market.outbox)),
        (
            "ledger",
            format!("{} entries, head {}", market.ledger_entries, market.ledger_head.short()),
        ),
        (
            "gossip",
            format!(
                "{} accepted, {} ignored, {} rejected",
                market.gossip_accepted, market.gossip_ignored, market.gossip_rejected
            ),
        ),
    ];
    fields.extend(status.net.listening.iter().map(|addr| ("listening", addr.clone())));
    fields.extend(
        status
            .net
            .topics
            .iter()
            .map(|(topic, mesh)| ("topic", format!("{topic}, {mesh} in its mesh"))),
    );
    out.fields(&fields)?;
    Ok(())
}

pub async fn peers(global: &Global) -> Result<()> {
    let peers: Vec<PeerView> = global.client()?.get("/v1/peers").await?;
    let row = |peer: &PeerView| {
        vec![
            peer.peer.clone(),
            peer.addrs.join(" "),
            peer.agent.clone().unwrap_or_default(),
            peer.topics.to_string(),
        ]
    };
    global
        .out()
        .list(&peers, &["peer", "where", "runs", "topics"], row, "no peers")?;
    Ok(())
}

pub async fn health(global: &Global) -> Result<()> {
    global.client()?.text("/readyz").await?;
    let out = global.out();
    out.value(&json!({ "ready": true }))?;
    out.line("ready")?;
    Ok(())
}
