//! Who else had a value under a grant, and who of them was told that it is to go. A deletion receipt names those alone of
//! whom the log says so.

use intentcast_protocol::{
    id::RecordId,
    letter::Operation,
    text::Name,
    thread::Grant,
    time::{Seconds, Timestamp},
};

use super::{Deed, Line, compliance::uses};

/// How long a deletion receipt waits at most for the word that the recipients know. The value itself goes at once.
const WAITS: Seconds = Seconds(24 * 3600);
/// How long before the customer expects it the receipt goes out all the same.
const SPARE: Seconds = Seconds(300);

/// The recipients of one grant's value, in the order of their names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Telling {
    /// Those who were told.
    pub told: Vec<Name>,
    /// Those who were not.
    pub untold: Vec<Name>,
}

impl Telling {
    /// As the log has it.
    pub fn of(lines: &[Line], grant: RecordId) -> Self {
        let mut recipients: Vec<Name> = uses(lines, grant)
            .into_keys()
            .filter(|(operation, ..)| *operation == Operation::Share)
            .filter_map(|(.., recipient)| recipient)
            .collect();
        recipients.sort();
        recipients.dedup();
        let is_told = |name: &Name| {
            let says = |line: &Line| matches!(&line.deed, Deed::Told { grant: of, recipient } if (*of, recipient) == (grant, name));
            lines.iter().any(says)
        };
        let (told, untold) = recipients.into_iter().partition(is_told);
        Self { told, untold }
    }

    /// Until when the receipt waits for somebody who is in `to_tell` and was not told; nothing where there is nobody.
    pub fn waits_until(&self, to_tell: &[Name], destroyed: Timestamp, grant: &Grant) -> Option<Timestamp> {
        self.untold.iter().find(|name| to_tell.contains(name))?;
        let longest = destroyed.plus(WAITS);
        let in_time = |due: Timestamp| Timestamp(due.0.saturating_sub(SPARE.millis()));
        Some(grant.answer_due().map_or(longest, |due| longest.min(in_time(due))))
    }
}

/// When the secret of a request was destroyed, by the log.
pub(super) fn destroyed(lines: &[Line], of: RecordId) -> Option<Timestamp> {
    let destroyed = |line: &Line| matches!(&line.deed, Deed::Destroyed { request, .. } if *request == of);
    lines.iter().find(|line| destroyed(line)).map(|line| line.at)
}
