//! Some of the nodes, and one thread's work on them.

use super::desk::Desk;
use super::event::{Event, Key, rounds};
use super::host::Host;
use crate::gossipsub::DEPTHS;

/// A run of nodes.
pub struct Part<'a> {
    /// The first one's number.
    pub first: u32,
    pub hosts: Vec<Host>,
    pub desk: Desk<'a>,
    /// Of each node, how many events of the window it has; then where its next one goes in `sorted`; then none.
    counts: Vec<u32>,
    /// Nodes that have any, ascending, and where each one's end in `sorted`.
    touched: Vec<(u32, u32)>,
    /// The window's events by node, as places in its list.
    sorted: Vec<u32>,
    order: Vec<(Key, u32)>,
}

/// Nodes whose memory is brought near at once: what they have should fit into the nearest cache.
const BATCH: usize = 16;

/// Where one in so many nodes has an event it is quicker to look at all than to sort those that have.
const DENSE: usize = 16;

/// Events of a window whose lists' memory is kept for the next.
const KEPT_EVENTS: usize = 1 << 16;

impl<'a> Part<'a> {
    /// Of these nodes.
    pub fn new(first: u32, hosts: Vec<Host>, desk: Desk<'a>) -> Self {
        Self {
            first,
            counts: vec![0; hosts.len()],
            touched: Vec::new(),
            sorted: Vec::new(),
            order: Vec::new(),
            hosts,
            desk,
        }
    }

    /// Handles all of one window.
    ///
    /// No event of this window can cause one of another node in it, so nodes are done one after the other, each in
    /// the order of its own events: what happens is the same whoever is done first, and by whom. They are done by
    /// number, for so they lie in memory.
    pub fn run(&mut self, window: u64) {
        let mut events = self.desk.calendar.take(window);
        self.desk.window_end = self.desk.calendar.end_of(window);
        self.sort(&events);
        let touched = std::mem::take(&mut self.touched);
        let mut from = 0;
        for batch in touched.chunks(BATCH) {
            self.bring_near(batch, from, &events);
            for (node, end) in batch {
                self.counts[*node as usize] = 0;
                self.order.clear();
                let places = self.sorted[from as usize..*end as usize].iter();
                self.order.extend(places.map(|at| (events[*at as usize].key(), *at)));
                from = *end;
                self.order.sort_unstable();
                rounds(&mut self.order);
                self.node(*node, &mut events);
            }
        }
        self.touched = touched;
        if self.sorted.capacity() > KEPT_EVENTS {
            (self.sorted, self.touched) = (Vec::new(), Vec::new());
        }
        self.desk.calendar.recycle(events);
    }

    /// Sorts the window's events by node, by counting.
    fn sort(&mut self, events: &[Event]) {
        self.touched.clear();
        for event in events {
            let count = &mut self.counts[(event.dest - self.first) as usize];
            if *count == 0 {
                self.touched.push((event.dest - self.first, 0));
            }
            *count += 1;
        }
        if self.touched.len() < self.counts.len() / DENSE {
            self.touched.sort_unstable();
        } else {
            self.touched.clear();
            let all = self.counts.iter().zip(0..);
            self.touched
                .extend(all.filter(|(count, _)| **count > 0).map(|(_, node)| (node, 0)));
        }
        let mut end = 0;
        for (node, ends) in &mut self.touched {
            let count = std::mem::replace(&mut self.counts[*node as usize], end);
            end += count;
            *ends = end;
        }
        self.sorted.clear();
        self.sorted.resize(events.len(), 0);
        for (number, event) in events.iter().enumerate() {
            let place = &mut self.counts[(event.dest - self.first) as usize];
            self.sorted[*place as usize] = number as u32;
            *place += 1;
        }
    }

    /// Looks at what some nodes' events will need, the same depth of all of them at once.
    fn bring_near(&self, batch: &[(u32, u32)], from: u32, events: &[Event]) {
        let end = batch.last().map_or(from, |(_, end)| *end);
        let places = self.sorted[from as usize..end as usize].iter();
        let mut sum: u64 = places.map(|at| events[*at as usize].near()).sum();
        for depth in 0..DEPTHS {
            for (node, _) in batch {
                sum += self.hosts[*node as usize].near(depth);
            }
        }
        std::hint::black_box(sum);
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
