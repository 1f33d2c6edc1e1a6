//! The meeting points of the configuration: dialled at the start, and again, ever more patiently, when they go.

use std::time::Duration;

use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::discovery::backoff;
use super::links::Net;
use super::timers::{Due, jitter};

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A meeting point that takes us in and sends us away at once has not taken us in.
const LASTING: Duration = Duration::from_secs(30);

pub(super) struct Meetings(Vec<Meeting>);

struct Meeting {
    peer: PeerId,
    addrs: Vec<Multiaddr>,
    /// Times in a row that no connection came about, or none that lasted.
    failures: u32,
    since: Option<Instant>,
    /// The next dial has its time set.
    waiting: bool,
}

impl Meetings {
    /// Dials them all.
    pub fn new(net: &mut Net) -> Self {
        let local = *net.swarm.local_peer_id();
        let others = net.settings.bootstrap.iter().filter(|(peer, _)| *peer != local);
        let mut this = Self(
            others
                .map(|(peer, addrs)| Meeting {
                    peer: *peer,
                    addrs: addrs.clone(),
                    failures: 0,
                    since: None,
                    waiting: false,
                })
                .collect(),
        );
        for at in 0..this.0.len() {
            this.dial(net, at);
        }
        this
    }

    pub fn peers(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.0.iter().map(|meeting| meeting.peer)
    }

    pub fn connected(&mut self, peer: PeerId) {
        if let Some(meeting) = self.0.iter_mut().find(|meeting| meeting.peer == peer) {
            meeting.since = Some(Instant::now());
        }
    }

    /// The connection has gone, or did not come about.
    pub fn lost(&mut self, net: &mut Net, peer: PeerId) {
        let Some(at) = self.0.iter().position(|meeting| meeting.peer == peer) else {
            return;
        };
        let meeting = &mut self.0[at];
        if meeting.since.take().is_some_and(|since| since.elapsed() >= LASTING) {
            meeting.failures = 0;
        }
        if !meeting.waiting {
            meeting.waiting = true;
            let wait = backoff(FIRST_WAIT, meeting.failures, LONGEST_WAIT);
            meeting.failures += 1;
            net.timers.add(Instant::now() + jitter(wait), Due::Meeting(at));
        }
    }

    pub fn dial(&mut self, net: &mut Net, at: usize) {
        let Some(meeting) = self.0.get_mut(at) else { return };
        meeting.waiting = false;
        let (peer, addrs) = (meeting.peer, meeting.addrs.clone());
        if net.swarm.is_connected(&peer) {
            return;
        }
        // What fails at once fails as what fails later does.
        if net.dial(DialOpts::peer_id(peer).addresses(addrs).build()).is_err() {
            self.lost(net, peer);
        }
    }
}
