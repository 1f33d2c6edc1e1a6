//! Some of the nodes, and one thread's work on them.

use super::desk::Desk;
use super::event::{Event, Key, rounds};
use super::host::Host;

/// A run of nodes.
pub struct Part<'a> {
    /// The first one's number.
    pub first: u32,
    pub hosts: Vec<Host>,
    pub desk: Desk<'a>,
    /// The last event in the window's list of each node, by node; [`NO_EVENT`]: none.
    heads: Vec<u32>,
    /// The event before each, of the same node.
    links: Vec<u32>,
    touched: Vec<u32>,
    order: Vec<(Key, u32)>,
}

const NO_EVENT: u32 = u32::MAX;

impl<'a> Part<'a> {
    /// Of these nodes.
    pub fn new(first: u32, hosts: Vec<Host>, desk: Desk<'a>) -> Self {
        Self {
            first,
            heads: vec![NO_EVENT; hosts.len()],
            links: Vec::new(),
            touched: Vec::new(),
            order: Vec::new(),
            hosts,
            desk,
        }
    }

    /// Handles all of one window.
    ///
    /// No event of this window can cause one of another node in it, so nodes are done one after the other, each in
    /// the order of its own events: what happens is the same whoever is done first, and by whom.
    pub fn run(&mut self, window: u64) {
        let mut events = self.desk.calendar.take(window);
        self.desk.window = window;
        self.links.clear();
        self.links.reserve(events.len());
        for (number, event) in events.iter().enumerate() {
            let head = &mut self.heads[(event.dest - self.first) as usize];
            if *head == NO_EVENT {
                self.touched.push(event.dest - self.first);
            }
            self.links.push(*head);
            *head = number as u32;
        }
        for node in std::mem::take(&mut self.touched) {
            let mut at = std::mem::replace(&mut self.heads[node as usize], NO_EVENT);
            self.order.clear();
            while at != NO_EVENT {
                self.order.push((events[at as usize].key(), at));
                at = self.links[at as usize];
            }
            self.order.sort_unstable();
            rounds(&mut self.order);
            self.node(node, &mut events);
        }
        self.desk.calendar.recycle(events);
    }

    /// Handles all of one node: the window's list, and timers that are set and due within the window.
    fn node(&mut self, node: u32, events: &mut [Event]) {
        let host = &mut self.hosts[node as usize];
        let order = std::mem::take(&mut self.order);
        for (key, at) in &order {
            while let Some(soon) = earliest(&mut self.desk.soon, Some(*key)) {
                host.handle(&mut self.desk, soon);
            }
            let event = &mut events[*at as usize];
            let event = Event {
                what: std::mem::take(&mut event.what),
                ..*event
            };
            host.handle(&mut self.desk, event);
        }
        while let Some(soon) = earliest(&mut self.desk.soon, None) {
            host.handle(&mut self.desk, soon);
        }
        self.order = order;
    }
}

/// Takes out the earliest, if it comes before a limit. There are hardly ever more than a few.
fn earliest(soon: &mut Vec<Event>, before: Option<Key>) -> Option<Event> {
    let (at, key) = soon.iter().map(Event::key).enumerate().min_by_key(|(_, key)| *key)?;
    before.is_none_or(|before| key < before).then(|| soon.swap_remove(at))
}
