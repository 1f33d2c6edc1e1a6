//! Peers who open streams and say nothing more.

use std::time::Duration;

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _, future::join_all};
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol, SwarmBuilder, multiaddr::Protocol, noise, swarm::SwarmEvent, tcp, yamux,
};

use crate::wait::{PATIENCE, within};

const OFFERS: StreamProtocol = StreamProtocol::new("/intentcast/offer/1");

/// Streams that are open and stalled, and the swarms that keep them so.
pub struct Crowd {
    pub streams: Vec<Stream>,
    _swarms: tokio::task::JoinSet<()>,
}

/// Opens streams at `target` from so many peers, so many each, with half a frame's length on each of them.
pub async fn crowd(target: &str, peers: usize, each: usize) -> Crowd {
    let address: Multiaddr = target.parse().unwrap();
    let Some(Protocol::P2p(at)) = address.iter().last() else {
        panic!("{target} ends in a peer id");
    };
    let mut swarms = tokio::task::JoinSet::new();
    let mut controls = Vec::new();
    for _ in 0..peers {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| libp2p_stream::Behaviour::new())
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(120)))
            .build();
        controls.push(swarm.behaviour().new_control());
        swarm.dial(address.clone()).unwrap();
        let connected =
            async { while !matches!(swarm.next().await, Some(SwarmEvent::ConnectionEstablished { .. })) {} };
        within(PATIENCE, "one of the crowd is connected", connected).await;
        swarms.spawn(async move {
            loop {
                swarm.next().await;
            }
        });
    }
    let opened = controls.into_iter().map(|mut control| async move {
        let mut streams = Vec::new();
        for _ in 0..each {
            streams.extend(stalled(&mut control, at).await);
        }
        streams
    });
    let streams = join_all(opened).await.into_iter().flatten().collect();
    Crowd {
        streams,
        _swarms: swarms,
    }
}

async fn stalled(control: &mut libp2p_stream::Control, at: PeerId) -> Option<Stream> {
    let mut stream = control.open_stream(at, OFFERS).await.ok()?;
    // One that is reset at once was cut already, which is as good.
    let _ = stream.write_all(&[0, 0]).await;
    let _ = stream.flush().await;
    Some(stream)
}

impl Crowd {
    /// Waits until the other side has ended every one of them.
    pub async fn all_cut(&mut self) {
        let ends = self.streams.iter_mut().map(|stream| async {
            let mut byte = [0];
            let read = stream.read(&mut byte).await;
            assert!(matches!(read, Ok(0) | Err(_)), "nobody answers half a length");
        });
        join_all(ends).await;
    }
}
