//! No offer over its want's budget is accepted.

use intentcast_protocol::market::{Event, Output, Role};

use super::{End, Property, Step};

/// Held against what the customer means to spend, and not against what its want says.
pub(super) struct WithinBudget;

impl Property for WithinBudget {
    fn step(&self, step: &Step<'_>) -> Option<String> {
        let Output::Event(Event::Accepted { intent, offer, .. }) = step.output else {
            return None;
        };
        let cast = step.cast.iter().find(|cast| cast.intent == *intent)?;
        let budget = step.load.wants[cast.want as usize].budget;
        let landed = step.market.offer(step.now, *offer)?.offer?.totals.landed();
        (landed != step.load.goods.money(landed.minor) || landed.minor > budget)
            .then(|| format!("node {} accepts offer {offer}, which is over its budget", step.node))
    }

    fn end(&self, end: &End<'_>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (node, diary, _) in end.honest() {
            for deal in diary.market.iter().flat_map(|market| market.agreements()) {
                let cast = diary.cast.iter().find(|cast| cast.intent == deal.intent);
                let Some(cast) = cast.filter(|_| deal.role == Role::Customer) else {
                    continue;
                };
                if deal.total.minor > end.load.wants[cast.want as usize].budget {
                    wrong.push(format!("node {node} has deal {}, which is over its budget", deal.id));
                }
            }
        }
        wrong
    }
}
