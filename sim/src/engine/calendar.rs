//! Events to come, by window of virtual time.

use std::collections::{BTreeMap, VecDeque};

use super::event::Event;

/// Windows that are kept in a row; later ones are in a map.
const ROW: u64 = 8_192;
/// Empty lists that are kept for their memory.
const SPARE: usize = 4;

/// Events to come of one part of the nodes.
#[derive(Debug)]
pub struct Calendar {
    /// ns; no event of one node reaches another sooner.
    window: u64,
    /// The number of the row's first window.
    first: u64,
    row: VecDeque<Vec<Event>>,
    later: BTreeMap<u64, Vec<Event>>,
    spare: Vec<Vec<Event>>,
}

impl Calendar {
    /// One of windows of this length, ns.
    pub fn new(window: u64) -> Self {
        Self {
            window: window.max(1),
            first: 0,
            row: VecDeque::new(),
            later: BTreeMap::new(),
            spare: Vec::new(),
        }
    }

    /// The window that an instant is in.
    pub fn window_of(&self, time: u64) -> u64 {
        time / self.window
    }

    /// Notes an event, which must not be in a window that was taken.
    pub fn put(&mut self, event: Event) {
        let window = self.window_of(event.time);
        debug_assert!(window >= self.first, "an event in the past: {event:?}");
        let at = window.saturating_sub(self.first);
        if at >= ROW {
            self.later.entry(window).or_default().push(event);
            return;
        }
        while self.row.len() as u64 <= at {
            self.row.push_back(Vec::new());
        }
        let list = &mut self.row[at as usize];
        if list.capacity() == 0
            && let Some(spare) = self.spare.pop()
        {
            *list = spare;
        }
        list.push(event);
    }

    /// The next window in which anything happens.
    pub fn next(&self) -> Option<u64> {
        let in_row = self
            .row
            .iter()
            .position(|list| !list.is_empty())
            .map(|at| self.first + at as u64);
        let later = self.later.keys().next().copied();
        match (in_row, later) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// All of one window, in no order. Earlier windows must be empty.
    pub fn take(&mut self, window: u64) -> Vec<Event> {
        while self.first < window && !self.row.is_empty() {
            let passed = self.row.pop_front();
            debug_assert!(passed.is_none_or(|list| list.is_empty()), "a window was left out");
            self.first += 1;
        }
        let mut taken = self.row.pop_front().unwrap_or_default();
        self.first = window + 1;
        if let Some(mut more) = self.later.remove(&window) {
            taken.append(&mut more);
        }
        // What was far ahead and no more is.
        while let Some((next, _)) = self.later.first_key_value()
            && *next < self.first + ROW / 2
        {
            let (_, list) = self.later.pop_first().expect("one was seen");
            for event in list {
                self.put(event);
            }
        }
        taken
    }

    /// Gives back a list's memory.
    pub fn recycle(&mut self, mut list: Vec<Event>) {
        list.clear();
        if self.spare.len() < SPARE && list.capacity() > 0 {
            self.spare.push(list);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::What;

    fn at(time: u64) -> Event {
        Event {
            time,
            dest: 0,
            src: 0,
            slot: 0,
            seq: 0,
            what: What::Fin,
        }
    }

    #[test]
    fn windows_come_in_their_order_near_and_far() {
        let mut calendar = Calendar::new(10);
        let times = [5, 12, 19, 10 * ROW * 3 + 7, 10 * ROW, 400, 10 * ROW * 3 + 1];
        for time in times {
            calendar.put(at(time));
        }
        let mut seen = Vec::new();
        while let Some(window) = calendar.next() {
            let list = calendar.take(window);
            assert!(!list.is_empty() && list.iter().all(|event| event.time / 10 == window));
            seen.extend(list.iter().map(|event| event.time));
            calendar.recycle(list);
        }
        let windows: Vec<u64> = seen.iter().map(|time| time / 10).collect();
        assert!(windows.is_sorted(), "{seen:?}");
        seen.sort_unstable();
        let mut times = times.to_vec();
        times.sort_unstable();
        assert_eq!(seen, times);
    }

    #[test]
    fn a_window_can_be_filled_while_an_earlier_one_is_done() {
        let mut calendar = Calendar::new(10);
        calendar.put(at(3));
        let list = calendar.take(0);
        calendar.put(at(10));
        calendar.put(at(10 * (ROW + 5)));
        calendar.recycle(list);
        assert_eq!(calendar.next(), Some(1));
        assert_eq!(calendar.take(1).len(), 1);
        assert_eq!(calendar.next(), Some(ROW + 5));
        assert_eq!(calendar.take(ROW + 5).len(), 1);
        assert_eq!(calendar.next(), None);
    }
}
