//! No strand of personal data leaves before a stored agreement grants it.

use intentcast_protocol::{
    envelope::open,
    frame::Frame,
    letter::{Letter, Matter},
    market::Output,
};

use super::{End, Property, Step};

/// A strand leaves in a letter that grants it.
pub(super) struct GrantedFirst;

impl Property for GrantedFirst {
    fn step(&self, step: &Step<'_>) -> Option<String> {
        let Output::Send { frame, .. } = step.output else {
            return None;
        };
        let Ok(Frame::Letter(record)) = Frame::decode(frame) else {
            return None;
        };
        let letter = open::<Letter>(&record).ok()?;
        let Matter::Granted { permission, .. } = &letter.matter else {
            return None;
        };
        let stored = step.shelf.holds(letter.id()) && step.shelf.deal(permission.agreement).is_some();
        (!stored).then(|| format!("node {} sends a strand before its disk holds the agreement", step.node))
    }

    fn end(&self, end: &End<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (node, _, shelf) in end.honest() {
            for (letter, deal, grounded) in shelf.grants() {
                let Some(pair) = shelf.deal(deal).filter(|_| grounded) else {
                    wrong.push(format!(
                        "node {node} keeps grant {letter} without an agreement before it"
                    ));
                    continue;
                };
                let seller = end.sellers.get(&pair.confirmation.1);
                let is_honest = seller.is_some_and(|seller| *seller < end.plan.scenario.nodes);
                if is_honest
                    && end
                        .shelf_of(pair.confirmation.1)
                        .is_none_or(|shelf| shelf.deal(deal).is_none())
                {
                    wrong.push(format!(
                        "node {node} granted {letter} under a deal that its seller does not hold"
                    ));
                }
            }
        }
        wrong
    }
}
