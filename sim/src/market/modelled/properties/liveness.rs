//! Once the last partition has healed, what was begun comes to an end: wants are heard, and a yes is answered.

use intentcast_protocol::market::{IntentState, Role};

use super::{End, Property};
use crate::market::modelled::peers::clock;
use crate::scenario::seconds;

/// How long the network has for it, ns: twice the longest wait between two tries of a frame, dials of who was lost, and
/// an exchange.
const PATIENCE: u64 = 150_000_000_000;

/// Of nodes that have been there that long. With attackers about, nobody is promised to be heard.
pub(super) struct ComesToRest;

impl Property for ComesToRest {
    fn end(&self, end: &End<'_>) -> Vec<String> {
        let plan = end.plan;
        let healed = plan
            .scenario
            .partition
            .iter()
            .map(|it| seconds(it.stop_s))
            .max()
            .unwrap_or(0);
        let Some(patient) = end.at.checked_sub(PATIENCE).filter(|patient| *patient >= healed) else {
            // It ended before there was time.
            return Vec::new();
        };
        let there = |node: u32| end.diaries[node as usize].since.is_some_and(|since| since <= patient);
        let able = if plan.scenario.attack.is_empty() {
            end.load.able()
        } else {
            Vec::new()
        };
        let now = clock(end.at);
        let mut wrong = Vec::new();
        for (node, diary, _) in end.honest().filter(|(node, ..)| there(*node)) {
            let Some(market) = &diary.market else { continue };
            for cast in diary.cast.iter().filter(|cast| cast.at <= patient) {
                let Some(view) = market
                    .intent(now, cast.intent)
                    .filter(|view| view.role == Role::Customer)
                else {
                    continue;
                };
                if view.state == IntentState::Accepted {
                    wrong.push(format!(
                        "node {node} still waits for an answer to its yes for {}",
                        cast.intent
                    ));
                }
                let Some(able) = able.get(cast.want as usize) else {
                    continue;
                };
                if view.state == IntentState::Unheard && !able.is_empty() {
                    wrong.push(format!("nobody has heard want {} of node {node}", cast.intent));
                }
                let waits = matches!(view.state, IntentState::Open | IntentState::Due);
                let mut there = able.iter().filter(|seller| there(**seller)).peekable();
                let heard = |seller: &&u32| {
                    let heard = &end.diaries[**seller as usize].heard;
                    heard.iter().any(|(intent, _)| *intent == cast.intent)
                };
                if waits && there.peek().is_some() && !there.any(|seller| heard(&seller)) {
                    wrong.push(format!(
                        "no seller that could serve it has heard want {} of node {node}",
                        cast.intent
                    ));
                }
            }
        }
        wrong
    }
}
