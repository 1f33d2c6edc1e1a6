//! What may be said, by whom, when: one rule a kind of letter.

use super::{Ground, Objection, OfferFate, Role, View, change::Standing};
use crate::{
    deed::Settled,
    disclosure::{self, Stage},
    envelope::{Verified, open},
    id::{OfferId, RecordId},
    letter::{Ask, DealChange, Letter, Matter, Permission},
    limits,
    offer::Offer,
    purpose::Purpose,
    rating::Ticket,
    seal::SealKey,
    strand::{self, StrandName},
    terms::Act,
};

type Judged = Result<(), Objection>;

fn deal<'a>(ground: &Ground<'a>) -> Result<&'a Settled, Objection> {
    // The customer may hear from a seller who has confirmed before it has the confirmation.
    ground.deal.ok_or(Objection::Early("an agreement"))
}

fn no_deal(ground: &Ground) -> Judged {
    match ground.deal {
        Some(_) if ground.writing => Err(Objection::Over(
            "there is an agreement on this already: propose a change to it",
        )),
        _ => Ok(()),
    }
}

/// That an offer has not become the deal. A seller who took it back first has refused the yes, so this holds on both
/// sides, whatever crossed.
fn not_agreed(ground: &Ground, offer: OfferId) -> Judged {
    match ground.deal {
        Some(deal) if OfferId::from(deal.offer.id()) == offer => {
            Err(Objection::Over("the offer has become an agreement"))
        }
        _ => Ok(()),
    }
}

fn only(role: Role, may: Role) -> Judged {
    if role == may {
        Ok(())
    } else {
        Err(Objection::NotTheirs(may))
    }
}

fn unfit(why: impl Into<String>) -> Objection {
    Objection::Unfit(why.into())
}

/// That there is such an offer, as far as we can tell: one that the customer has never seen may still be on its way, or
/// was not taken, or gave way to another, and its seller may speak of it all the same.
fn offered(role: Role, ground: &Ground, offer: OfferId) -> Judged {
    let known = ground.offers.iter().any(|(id, _)| *id == offer);
    match role {
        _ if known => Ok(()),
        Role::Seller if !ground.writing => Ok(()),
        _ => Err(Objection::Early("an offer")),
    }
}

/// That an offer stands in the eyes of the letter's author.
fn stands(view: &View, role: Role, ground: &Ground, offer: OfferId) -> Judged {
    offered(role, ground, offer)?;
    match view.fate(offer) {
        OfferFate::Stands => Ok(()),
        OfferFate::Revised { .. } => Err(Objection::Over("another offer has taken its place")),
        OfferFate::Retracted => Err(Objection::Over("the seller took the offer back")),
    }
}

/// What somebody said, by its kind.
fn said<T>(view: &View, role: Role, id: RecordId, pick: impl Fn(&Matter) -> Option<T>) -> Option<T> {
    view.of(role)
        .iter()
        .find(|entry| entry.id() == id)
        .and_then(|entry| pick(entry.matter()))
}

fn was_said(view: &View, role: Role, is: impl Fn(&Matter) -> bool) -> bool {
    view.of(role).iter().any(|entry| is(entry.matter()))
}

/// Whether `role`, who has `view`, may say this.
pub(super) fn matter(view: &View, role: Role, ground: &Ground, letter: &Verified<Letter>) -> Judged {
    if view.of(role).len() >= limits::LETTERS_PER_SIDE {
        return Err(Objection::TooMany("letters", limits::LETTERS_PER_SIDE));
    }
    match &letter.matter {
        Matter::Moved => Ok(()),
        Matter::Document { .. } => {
            let is_document = |entry: &&super::Entry| matches!(entry.matter(), Matter::Document { .. });
            if view.of(role).iter().filter(is_document).count() >= limits::DOCUMENTS_PER_SIDE {
                return Err(Objection::TooMany("documents", limits::DOCUMENTS_PER_SIDE));
            }
            Ok(())
        }
        Matter::Seen { letter } => {
            let theirs = view.of(role.other()).iter().any(|entry| entry.id() == *letter);
            if theirs {
                Ok(())
            } else {
                Err(Objection::Unknown("letter"))
            }
        }
        Matter::Question { about, .. } => question(view, role, ground, *about),
        Matter::Answer { question, to_all, .. } => answer(view, role, *question, *to_all),
        Matter::Counter { offer, round, changes } => {
            only(role, Role::Customer)?;
            no_deal(ground)?;
            stands(view, role, ground, *offer)?;
            if view.open_counters().next().is_some() {
                return Err(Objection::Over("your last counter-offer has not been answered yet"));
            }
            in_round(view, ground, *round, 1)?;
            let (_, now) = ground
                .offers
                .iter()
                .find(|(id, _)| id == offer)
                .ok_or(Objection::Early("an offer"))?;
            super::haggle::apply(now, changes).map(|_| ()).map_err(unfit)
        }
        Matter::Revised {
            offer,
            counter,
            round,
            with,
        } => {
            only(role, Role::Seller)?;
            no_deal(ground)?;
            not_agreed(ground, *offer)?;
            stands(view, role, ground, *offer)?;
            match counter {
                Some(counter) => {
                    counter_open(view, *counter, Some(*offer))?;
                    in_round(view, ground, *round, 0)?;
                }
                None => in_round(view, ground, *round, 1)?,
            }
            revised(ground, letter, with)
        }
        Matter::CounterRefused { counter, .. } => {
            only(role, Role::Seller)?;
            counter_open(view, *counter, None)
        }
        Matter::Retracted { offer } => {
            only(role, Role::Seller)?;
            not_agreed(ground, *offer)?;
            stands(view, role, ground, *offer)
        }
        Matter::Disclosed { offer, fields } => {
            only(role, Role::Customer)?;
            offered(role, ground, *offer)?;
            let (_, to) = ground
                .offers
                .iter()
                .find(|(id, _)| id == offer)
                .ok_or(Objection::Early("an offer"))?;
            let agreed = ground.deal.is_some_and(|deal| OfferId::from(deal.offer.id()) == *offer);
            let stage = if agreed { Stage::Accepted } else { Stage::Signed };
            let said = ground.said.iter().find(|(version, _)| *version == to.revision);
            let (_, said) = said.ok_or(Objection::Unknown("version of the want"))?;
            disclosure::judge(said, stage, fields).map_err(|undue| unfit(undue.to_string()))
        }
        Matter::Proposal(proposal) => {
            let deal = deal(ground)?;
            for change in &proposal.changes {
                if let DealChange::Purpose { to, .. } = change {
                    Purpose::new(to.as_str()).map_err(|why| unfit(why.to_string()))?;
                }
            }
            if proposal.agreement != deal.id {
                return Err(Objection::Unknown("agreement"));
            }
            if view
                .proposals()
                .iter()
                .any(|(.., standing)| *standing == Standing::Open)
            {
                return Err(Objection::Over("another proposal waits to be answered"));
            }
            let terms = view.terms(deal);
            if terms.version != proposal.version {
                return Err(unfit("it is about another version of the deal"));
            }
            terms
                .holds(view, proposal)
                .map_err(|difference| unfit(difference.to_string()))
        }
        Matter::Verdict { proposal, yes } => {
            let found = view.proposals().into_iter().find(|(_, id, ..)| id == proposal);
            match found {
                None => Err(Objection::Unknown("proposal")),
                // Whoever made it may take it back.
                Some((author, .., Standing::Open)) if author != role || !yes => Ok(()),
                Some((.., Standing::Withdrawn)) => Err(Objection::Over("the proposal was taken back")),
                Some((author, ..)) if author == role => Err(Objection::NotTheirs(role.other())),
                Some((.., Standing::Crossed)) => Err(Objection::Over("another proposal crossed it, and stands")),
                Some(_) => Err(Objection::Over("the proposal was answered")),
            }
        }
        Matter::Acknowledged { receipt } => {
            only(role, Role::Customer)?;
            deal(ground)?;
            if !ground.receipts.contains(receipt) {
                return Err(Objection::Early("a receipt"));
            }
            once(
                view,
                role,
                |it| matches!(it, Matter::Acknowledged { receipt: of } if of == receipt),
            )
        }
        Matter::Asked { what, .. } => {
            only(role, Role::Customer)?;
            let terms = &deal(ground)?.wanted().terms;
            match what {
                Ask::Data if terms.owes(Act::ReturnData).is_none() => Err(Objection::Unfit(format!(
                    "the agreed terms, {terms}, do not make the seller give data back: SD-BASE-DP does"
                ))),
                Ask::Data | Ask::Cancel | Ask::Return => Ok(()),
            }
        }
        Matter::RatingAsked { .. } => {
            only(role, Role::Customer)?;
            deal(ground)?;
            once(view, role, |it| matches!(it, Matter::RatingAsked { .. }))
        }
        Matter::RatingGiven { ticket } => rating(view, role, ground, letter, ticket),
        Matter::PermissionRequest { permission, key, .. } => request(view, role, ground, permission, key),
        Matter::Granted { .. } | Matter::GrantRefused { .. } => grant(view, role, ground, &letter.matter),
        Matter::UseReport(report) => {
            only(role, Role::Seller)?;
            is_granted(view, report.grant)
        }
        Matter::Suggestion { grant, about, .. } => {
            is_granted(view, *grant)?;
            match about {
                Some(about) if view.find(*about).is_none() => Err(Objection::Unknown("letter")),
                _ => Ok(()),
            }
        }
        Matter::Revoked { grant, delete, .. } => {
            only(role, Role::Customer)?;
            is_granted(view, *grant)?;
            if was_said(
                view,
                role.other(),
                |it| matches!(it, Matter::Deleted(of) if of.grant == *grant),
            ) {
                return Err(Objection::Over("the seller has deleted it"));
            }
            once(
                view,
                role,
                |it| matches!(it, Matter::Revoked { grant: of, delete: did, .. } if of == grant && (*did || !*delete)),
            )
        }
        Matter::Deleted(deletion) => {
            only(role, Role::Seller)?;
            is_granted(view, deletion.grant)?;
            once(
                view,
                role,
                |it| matches!(it, Matter::Deleted(of) if of.grant == deletion.grant),
            )
        }
    }
}

fn once(view: &View, role: Role, same: impl Fn(&Matter) -> bool) -> Judged {
    if was_said(view, role, same) {
        return Err(Objection::Over("that was said before"));
    }
    Ok(())
}

fn question(view: &View, role: Role, ground: &Ground, about: Option<OfferId>) -> Judged {
    if let Some(offer) = about {
        offered(role, ground, offer)?;
    } else if role == Role::Customer && ground.offers.is_empty() && view.of(Role::Seller).is_empty() {
        return Err(Objection::Unknown("offer"));
    }
    let open = view.of(role).iter().filter(|entry| {
        let answered = |it: &Matter| matches!(it, Matter::Answer { question, .. } if *question == entry.id());
        matches!(entry.matter(), Matter::Question { .. }) && !was_said(view, role.other(), answered)
    });
    if open.count() >= limits::OPEN_QUESTIONS {
        return Err(Objection::TooMany(
            "questions without an answer",
            limits::OPEN_QUESTIONS,
        ));
    }
    Ok(())
}

fn answer(view: &View, role: Role, question: RecordId, to_all: bool) -> Judged {
    if to_all {
        only(role, Role::Customer)?;
    }
    let asked = |it: &Matter| matches!(it, Matter::Question { .. }).then_some(());
    said(view, role.other(), question, asked).ok_or(Objection::Unknown("question"))?;
    once(
        view,
        role,
        |it| matches!(it, Matter::Answer { question: of, .. } if *of == question),
    )
}

/// That a round is the one that comes (`step` after the last), and one that the customer still goes through.
fn in_round(view: &View, ground: &Ground, round: u8, step: u8) -> Judged {
    let most = ground.intent.max_rounds;
    if round > most {
        return Err(Objection::TooMany("rounds of haggling", most.into()));
    }
    let due = view.round().saturating_add(step);
    if round == due {
        Ok(())
    } else {
        Err(unfit(format!("this is round {due}")))
    }
}

fn counter_open(view: &View, counter: RecordId, of: Option<OfferId>) -> Judged {
    let made = |it: &Matter| match it {
        Matter::Counter { offer, .. } => Some(*offer),
        _ => None,
    };
    let offer = said(view, Role::Customer, counter, made).ok_or(Objection::Unknown("counter-offer"))?;
    if of.is_some_and(|of| of != offer) {
        return Err(Objection::Unknown("counter-offer to this offer"));
    }
    match view.answer_to(counter) {
        Some(_) => Err(Objection::Over("the counter-offer was answered")),
        None => Ok(()),
    }
}

fn revised(ground: &Ground, letter: &Letter, with: &[u8]) -> Judged {
    let offer = open::<Offer>(with).map_err(|fault| unfit(format!("the new offer: {fault}")))?;
    if offer.header().author != letter.thread.seller || offer.intent != letter.thread.intent {
        return Err(unfit("the new offer is another seller's, or to another want"));
    }
    if offer.terms != ground.intent.terms.hash() {
        return Err(unfit("the new offer is not under the want's terms"));
    }
    Ok(())
}

fn rating(view: &View, role: Role, ground: &Ground, letter: &Letter, ticket: &[u8]) -> Judged {
    only(role, Role::Seller)?;
    deal(ground)?;
    let asked = view.of(Role::Customer).iter().find_map(|entry| match entry.matter() {
        Matter::RatingAsked { key } => Some(*key),
        _ => None,
    });
    let key = asked.ok_or(Objection::Unknown("request for a rating key"))?;
    let ticket = open::<Ticket>(ticket).map_err(|fault| unfit(format!("the ticket: {fault}")))?;
    if ticket.header().author != letter.thread.seller || ticket.key != key {
        return Err(unfit("the ticket is not the seller's for that key"));
    }
    once(view, role, |it| matches!(it, Matter::RatingGiven { .. }))
}

fn request(view: &View, role: Role, ground: &Ground, permission: &Permission, key: &[u8; 32]) -> Judged {
    only(role, Role::Seller)?;
    let deal = deal(ground)?;
    if permission.agreement != deal.id {
        return Err(Objection::Unknown("agreement"));
    }
    let may_ask = &deal.wanted().may_ask;
    if !may_ask.contains(&permission.strand) {
        // A slip in the name is told as one.
        strand::resolve(permission.strand.as_str()).map_err(|unknown| unfit(unknown.to_string()))?;
        let lets = may_ask.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let lets = if lets.is_empty() { "nothing".into() } else { lets };
        return Err(unfit(format!(
            "the want does not let {} be asked: it lets {lets}",
            permission.strand
        )));
    }
    StrandName::new(permission.strand.as_str()).map_err(|why| unfit(why.to_string()))?;
    Purpose::new(permission.purpose.as_str()).map_err(|why| unfit(why.to_string()))?;
    if !SealKey(*key).is_sound() {
        return Err(unfit("anybody could open what is sealed to the request's key"));
    }
    let open = view.requests();
    let same = open
        .iter()
        .any(|it| it.granted.is_none() && it.refused.is_none() && it.permission == *permission);
    if same {
        return Err(Objection::Over("that was asked and not answered yet"));
    }
    if open.len() >= limits::REQUESTS_PER_THREAD {
        return Err(Objection::TooMany("requests", limits::REQUESTS_PER_THREAD));
    }
    Ok(())
}

fn grant(view: &View, role: Role, ground: &Ground, matter: &Matter) -> Judged {
    only(role, Role::Customer)?;
    deal(ground)?;
    let (Matter::Granted { request, .. } | Matter::GrantRefused { request, .. }) = matter else {
        return Ok(());
    };
    let asked = view.requests().into_iter().find(|it| it.id == *request);
    let asked = asked.ok_or(Objection::Unknown("request"))?;
    if asked.granted.is_some() || asked.refused.is_some() {
        return Err(Objection::Over("the request was answered"));
    }
    match matter {
        Matter::Granted { permission, .. } if !permission.is_within(&asked.permission) => {
            Err(unfit("more is granted than was asked"))
        }
        Matter::Granted {
            permission,
            alias: true,
            ..
        } if !strand::resolve(permission.strand.as_str())
            .is_ok_and(|name| name.strand().is_some_and(|it| it.alias)) =>
        {
            Err(unfit(format!("{} has no aliases", permission.strand)))
        }
        _ => Ok(()),
    }
}

fn is_granted(view: &View, grant: RecordId) -> Judged {
    let granted = |it: &Matter| matches!(it, Matter::Granted { .. }).then_some(());
    said(view, Role::Customer, grant, granted).ok_or(Objection::Unknown("grant"))
}
