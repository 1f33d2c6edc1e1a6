//! A ledger that cannot be written promises nothing, says so, and goes on when it can be written again.

use std::process::Command;

use intentcast_node::client::ClientError;
use intentcast_protocol::market::IntentView;

use crate::{
    member::{Member, PROGRAM, program},
    wait::{beside_others, until},
    world::{QUIC, World, audit, bike_wanted, cast},
};

/// Sets how large a file the process may write, bytes. Every page of the store past its first lies beyond the least.
fn room(member: &Member, bytes: &str) {
    let pid = member.pid().to_string();
    let done = Command::new("prlimit")
        .args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")])
        .status()
        .unwrap();
    assert!(done.success());
}

fn can_limit() -> bool {
    Command::new("prlimit")
        .arg("--version")
        .output()
        .is_ok_and(|done| done.status.success())
}

#[tokio::test]
async fn nothing_is_promised_while_the_disk_is_full() {
    if !can_limit() {
        println!("skipped: there is no prlimit here, so no disk can be made full");
        return;
    }
    let _stage = beside_others().await;
    let world = World::new().await;
    // A file that grows too large is an error to the program then, as a full disk is, and no signal.
    let mut shell = program();
    let mut command = std::mem::replace(&mut shell, tokio::process::Command::new("sh"));
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", PROGRAM]);
    shell
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    command.kill_on_drop(true);
    drop(command);
    let args = ["up", "--listen", QUIC, "--bootstrap", world.address()];
    let mut customer = Member::start_as(shell, &world.home("customer"), &args).await;
    let before = cast(&customer, &bike_wanted()).await;

    room(&customer, "4096");
    let refused = customer.post("/v1/intents", &bike_wanted()).await.unwrap_err();
    let ClientError::Problem(problem) = refused else {
        panic!("{refused}")
    };
    assert_eq!(problem.code, "not_stored", "{problem:?}");
    assert!(problem.detail.contains("disk"), "{problem:?}");
    let ready = customer.client().text("/readyz").await;
    assert!(ready.is_err(), "it is not ready, and says so");
    customer.is_well();

    room(&customer, "unlimited");
    until("it is ready again", async || {
        customer.client().text("/readyz").await.ok()
    })
    .await;
    let after = cast(&customer, &bike_wanted()).await;
    let all: Vec<IntentView> = customer.get("/v1/intents").await;
    let mut ids: Vec<_> = all.iter().map(|view| view.id).collect();
    ids.sort();
    let mut wanted = [before, after];
    wanted.sort();
    assert_eq!(ids, wanted, "what was acknowledged, and nothing else");
    customer.stop().await;
    audit(&customer);
}
