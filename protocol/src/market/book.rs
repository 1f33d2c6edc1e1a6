//! The ledger's write side: facts gather into batches, and promises wait for the batch that they stand on.

use std::collections::VecDeque;

use super::{Denied, Output, TaskId};
use crate::{
    deed::Confirmation,
    envelope::Signed,
    frame::{Frame, Refusal},
    id::RecordId,
    ledger::{Chain, Fact, Stored},
    time::Timestamp,
};

/// The record that a reply of ours is about; zeros where it is about none.
fn replied_about(frame: &[u8]) -> RecordId {
    match Frame::decode(frame) {
        Ok(Frame::Stored(about) | Frame::Refused { about, .. }) => about,
        Ok(Frame::Confirmed { confirmation, .. }) => Signed::<Confirmation>::parse(&confirmation)
            .ok()
            .and_then(|signed| signed.claim())
            .map(|claim| claim.acceptance)
            .unwrap_or_default(),
        _ => RecordId::default(),
    }
}

/// Facts on their way to disk, and what may not be said before they are there.
#[derive(Debug, Default)]
pub(super) struct Book {
    chain: Chain,
    gathering: Vec<Stored>,
    /// The batch under way: its task, and how many facts the ledger has once it is stored.
    storing: Option<(TaskId, u64)>,
    stored: u64,
    held: VecDeque<(u64, Output)>,
    broken: bool,
}

impl Book {
    pub(super) fn after(chain: Chain) -> Self {
        Self {
            chain,
            stored: chain.len(),
            ..Self::default()
        }
    }

    pub(super) fn chain(&self) -> Chain {
        self.chain
    }

    pub(super) fn record(&mut self, now: Timestamp, fact: Fact) {
        self.gathering.push(self.chain.append(now, fact));
    }

    pub(super) fn hold(&mut self, output: Output) {
        self.held.push_back((self.chain.len(), output));
    }

    pub(super) fn wants_to_store(&self) -> bool {
        !self.broken && self.storing.is_none() && !self.gathering.is_empty()
    }

    pub(super) fn take(&mut self, task: TaskId) -> Vec<Stored> {
        self.storing = Some((task, self.chain.len()));
        std::mem::take(&mut self.gathering)
    }

    pub(super) fn stored(&mut self, task: TaskId) {
        if let Some((_, upto)) = self.storing.take_if(|(storing, _)| *storing == task) {
            self.stored = upto;
        }
    }

    /// Storing failed: of all that was held, only those who wait for an answer get one, and it is no.
    pub(super) fn failed(&mut self, task: TaskId) -> bool {
        if self.storing.take_if(|(storing, _)| *storing == task).is_none() {
            return false;
        }
        self.broken = true;
        self.gathering.clear();
        for (needs, output) in &mut self.held {
            *needs = 0;
            match output {
                Output::Answer(_, answer) => *answer = Err(Denied::NotStored),
                Output::Reply(_, frame) => {
                    let about = replied_about(frame);
                    let why = Refusal::NotStored;
                    *frame = Frame::Refused { about, why }.encode();
                }
                _ => {}
            }
        }
        self.held
            .retain(|(_, output)| matches!(output, Output::Answer(..) | Output::Reply(..)));
        true
    }

    pub(super) fn release(&mut self) -> Option<Output> {
        let ready = self
            .held
            .front()
            .is_some_and(|(needs, _)| self.broken || *needs <= self.stored);
        ready.then(|| self.held.pop_front().map(|(_, output)| output)).flatten()
    }

    pub(super) fn is_settling(&self) -> bool {
        self.storing.is_some() || !self.gathering.is_empty()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }
}
