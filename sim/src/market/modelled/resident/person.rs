//! The person at the node: casts, chooses, and says what may be known of them.

use intentcast_protocol::{
    id::{IntentId, RecordId, digest},
    letter::{Matter, Operation, Operations, Permission},
    list::{Bytes, List},
    market::{About, Command, Event, IntentState, OfferState, Role},
    text::{Phrase, Word},
    time::Seconds,
};

use super::{Later, Resident};
use crate::gossipsub::World;
use crate::market::modelled::{diary::Cast, peers::clock};
use crate::scenario::seconds;

/// What shops ask for under a deal, and what for.
const STRAND: &str = "address.delivery";
const PURPOSE: &str = "to bring what you bought";
/// How long they may keep it.
const GRANT: Seconds = Seconds(3_600);

impl Resident {
    /// Casts a want of the load.
    pub(super) fn wish(&mut self, now: u64, world: &World, number: u32) {
        let stage = self.stage.clone();
        let want = &stage.load.wants[number as usize];
        let open = Seconds(stage.load.market.open_s.max(1.0) as u32);
        let budget = want.budget;
        #[cfg(test)]
        let budget = budget * (1 + i64::from(self.is_sabotaged(super::Sabotage::Spend)));
        let mut draft = stage.load.goods.draft(clock(now), want.cell, want.kind, budget, open);
        draft.may_ask = vec![Word::lossy(STRAND)];
        let entropy = digest(
            "intentcast-sim/market/nonce",
            &[&stage.seed.to_be_bytes(), &number.to_be_bytes()],
        );
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&entropy[..16]);
        let draft = Box::new(draft);
        self.casting = Some((number, now));
        self.command(now, world, Command::Cast { draft, nonce });
    }

    /// Something happened that a person would be told.
    pub(super) fn told(&mut self, now: u64, event: Event) {
        match event {
            Event::Cast { intent } => {
                if let Some((want, at)) = self.casting.take() {
                    self.cast += 1;
                    self.diary.cast.push(Cast { want, intent, at });
                    let window = seconds(self.stage.load.market.offer_window_s);
                    self.later(at + window, Later::Choose(intent));
                }
            }
            Event::Heard { intent } => self.diary.heard.push((intent, now)),
            Event::Offer { intent, offer } => {
                self.diary.offers.push((intent, offer, now));
                if let Some(at) = self.eager.iter().position(|eager| *eager == intent) {
                    self.eager.swap_remove(at);
                    self.later(now, Later::Choose(intent));
                }
            }
            Event::Ranked { intent, order } => {
                if let Some(first) = order.iter().find(|ranked| ranked.place == 1) {
                    self.diary.best.insert(intent, first.offer);
                }
            }
            Event::AcceptanceRefused { intent, .. } => {
                self.later(now, Later::Choose(intent));
            }
            Event::Agreement {
                intent,
                offer,
                agreement,
            } => {
                if self.has_cast(intent) {
                    self.diary.deals.push((intent, offer, now));
                } else {
                    self.diary.sold.push(offer);
                    if self.chance.unit() < self.stage.load.market.strands {
                        let asks = self.asks(now, agreement);
                        self.later(now, Later::Say(Box::new(asks)));
                    }
                }
            }
            Event::Letter {
                thread,
                from: Role::Seller,
                ..
            } => {
                let id = thread.hash();
                self.later(now, Later::Answer(id));
            }
            _ => {}
        }
    }

    fn has_cast(&self, intent: IntentId) -> bool {
        self.diary.cast.iter().any(|cast| cast.intent == intent)
    }

    /// A seller asks for what it needs to deliver.
    fn asks(&mut self, now: u64, agreement: intentcast_protocol::id::AgreementId) -> Command {
        let mut key = [0; 32];
        for eight in key.chunks_mut(8) {
            eight.copy_from_slice(&self.chance.bits().to_le_bytes());
        }
        let permission = Permission {
            agreement,
            strand: Word::lossy(STRAND),
            purpose: Phrase::lossy(PURPOSE),
            operations: Operations::of(&[Operation::Use]).expect("one operation is some"),
            recipients: List::default(),
            ends: clock(now).plus(GRANT),
        };
        Command::Say {
            about: About::Agreement(agreement),
            matter: Box::new(Matter::PermissionRequest {
                permission,
                benefit: Phrase::lossy("it comes to your door"),
                key,
            }),
        }
    }

    /// A customer grants what was asked for under a deal.
    pub(super) fn answer(&mut self, now: u64, world: &World, thread: RecordId) {
        let Some(view) = self
            .market
            .as_ref()
            .and_then(|market| market.thread(clock(now), thread))
        else {
            return;
        };
        if view.role != Role::Customer {
            return;
        }
        let granted = |request: &RecordId| view.grants.iter().any(|it| it.grant.request == *request);
        let open: Vec<_> = view
            .requests
            .iter()
            .filter(|request| !granted(&request.id))
            .cloned()
            .collect();
        for request in open {
            let matter = Matter::Granted {
                request: request.id,
                permission: request.permission.clone(),
                alias: false,
                sealed: Bytes::new(digest("intentcast-sim/strand", &[&request.id.0])).unwrap_or_default(),
            };
            let about = About::Agreement(request.permission.agreement);
            let matter = Box::new(matter);
            self.command(now, world, Command::Say { about, matter });
        }
    }

    /// Says yes to the best offer that there is; without one, to the next that comes.
    pub(super) fn choose(&mut self, now: u64, world: &World, intent: IntentId) {
        let at = clock(now);
        let Some(market) = &self.market else { return };
        let Some(view) = market.intent(at, intent) else { return };
        if !matches!(view.state, IntentState::Open | IntentState::Due | IntentState::Unheard) {
            return;
        }
        let offers = market.offers(at, Some(intent));
        let best = offers
            .iter()
            .find(|offer| offer.state == OfferState::Open)
            .map(|offer| offer.id);
        match best {
            Some(offer) => self.command(now, world, Command::Accept(offer)),
            None if !self.eager.contains(&intent) => self.eager.push(intent),
            None => {}
        }
    }

    /// After a start: what was to be chosen still is.
    pub(super) fn choose_again(&mut self, now: u64) {
        let window = seconds(self.stage.load.market.offer_window_s);
        let waiting: Vec<(u64, IntentId)> = self
            .diary
            .cast
            .iter()
            .map(|cast| (cast.at + window, cast.intent))
            .collect();
        for (at, intent) in waiting {
            self.later(at.max(now), Later::Choose(intent));
        }
    }
}
