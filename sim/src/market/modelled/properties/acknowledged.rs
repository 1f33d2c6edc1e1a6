//! A record that a node told somebody it has on disk is on its disk, and stays there.

use intentcast_protocol::{envelope::record_id, frame::Frame, market::Output};

use super::{End, Property, Step};

/// `Stored` and `Confirmed` are such words; the sender of what they are about forgets it upon them.
pub(super) struct NothingLost;

impl Property for NothingLost {
    fn step(&self, step: &Step<'_>) -> Option<String> {
        let Output::Reply(_, frame) = step.output else {
            return None;
        };
        let sound = match Frame::decode(frame) {
            Ok(Frame::Stored(about)) => step.shelf.holds(about),
            Ok(Frame::Confirmed { confirmation, receipt }) => {
                step.shelf.holds(record_id(&confirmation)) && step.shelf.holds(record_id(&receipt))
            }
            _ => true,
        };
        (!sound).then(|| format!("node {} acknowledges what it has not stored", step.node))
    }

    fn end(&self, end: &End<'_>) -> Vec<String> {
        let lost = end.honest().flat_map(|(node, diary, shelf)| {
            let lost = diary.acknowledged.iter().filter(|record| !shelf.holds(**record));
            lost.map(move |record| format!("node {node} acknowledged record {record}, and it is lost"))
        });
        lost.collect()
    }
}
