//! A folder is a node's whole self, and one process has it at a time.

use crate::{
    member::run,
    wait::beside_others,
    world::{QUIC, World},
};

#[tokio::test]
async fn a_second_node_on_the_same_folder_is_refused_and_harms_nothing() {
    let _stage = beside_others().await;
    let mut world = World::new().await;
    let mut first = world.customer("customer").await;
    let home = first.home.to_str().unwrap().to_owned();
    let second = run(&["--home", &home, "up", "--listen", QUIC]).await;
    assert_eq!(second.status.code(), Some(1), "{}", second.complaints);
    assert!(
        second.complaints.contains("in use by another process"),
        "{}",
        second.complaints
    );
    assert!(second.out.is_empty(), "{}", second.out);
    first.is_well();
    let _: serde_json::Value = first.get("/v1/status").await;

    // What was killed holds no folder.
    first.kill().await;
    first.restart().await;

    let home = world.meeting.home.to_str().unwrap().to_owned();
    let second = run(&["--home", &home, "bootstrap", "--listen", "/ip4/127.0.0.1/tcp/0"]).await;
    assert_eq!(second.status.code(), Some(1), "{}", second.complaints);
    assert!(
        second.complaints.contains("in use by another process"),
        "{}",
        second.complaints
    );
    world.meeting.is_well();
}
