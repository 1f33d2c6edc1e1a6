//! There is no agreement without both records: the customer's yes and the seller's, on both disks.

use intentcast_protocol::market::{Event, Output};

use super::{End, Property, Step};

/// A seller has the deal first: it says its yes when both records are on its disk, and the customer takes it from there.
pub(super) struct TwoRecords;

impl Property for TwoRecords {
    fn step(&self, step: &Step<'_>) -> Option<String> {
        let Output::Event(Event::Agreement { agreement, .. }) = step.output else {
            return None;
        };
        let sound = step.shelf.deal(*agreement).is_some_and(|pair| {
            let (yes, yes_too) = (pair.acceptance, pair.confirmation);
            yes.1 != yes_too.1 && step.shelf.holds(yes.0) && step.shelf.holds(yes_too.0)
        });
        (!sound).then(|| format!("node {} has agreement {agreement} without both records", step.node))
    }

    fn end(&self, end: &End<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (node, diary, shelf) in end.honest() {
            // A deal that its person was told of.
            for (intent, ..) in &diary.deals {
                if !shelf.deals().any(|(_, pair)| pair.intent == *intent) {
                    wrong.push(format!(
                        "node {node} was told of a deal on {intent} that its disk does not hold"
                    ));
                }
            }
            for (id, pair) in shelf
                .deals()
                .filter(|(_, pair)| diary.cast.iter().any(|cast| cast.intent == pair.intent))
            {
                // Whoever sells and is not honest may keep nothing.
                let Some(seller) = end.sellers.get(&pair.confirmation.1) else {
                    wrong.push(format!("deal {id} of node {node} has a seller that nobody is"));
                    continue;
                };
                let theirs = end.shelf_of(pair.confirmation.1).and_then(|shelf| shelf.deal(id));
                if *seller < end.plan.scenario.nodes && theirs != Some(pair) {
                    wrong.push(format!(
                        "node {node} holds deal {id}, and its seller, node {seller}, does not hold the same"
                    ));
                }
            }
        }
        wrong
    }
}
