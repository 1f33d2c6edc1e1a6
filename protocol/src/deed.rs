//! How an offer becomes an agreement: the customer accepts, the seller confirms, and both hold the same bytes.

use serde::{Deserialize, Serialize};

use crate::{
    codec::{decode, encode},
    envelope::{Header, Kind, Record, Verified, open},
    fault::Fault,
    id::{AgreementId, EntryHash, IntentId, OfferId, RecordId, TermsHash, digest},
    intent::{Amendment, Intent},
    limits,
    list::{Bytes, List},
    money::Money,
    offer::Offer,
    time::{Seconds, Timestamp},
};

/// The id of what is agreed: the hash of the intent, as it stood, the offer and the terms. It is fixed before anyone
/// accepts, so that every later record can name it and none can mean another deal.
pub fn agreement_id(intent: IntentId, revision: RecordId, offer: OfferId, terms: TermsHash) -> AgreementId {
    AgreementId(digest(
        "intentcast/1/agreement",
        &[&intent.0, &revision.0, &offer.0, &terms.0],
    ))
}

/// The customer's yes to one offer, whole and unchanged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Acceptance {
    /// What is agreed.
    pub agreement: AgreementId,
    /// Whose want.
    pub intent: IntentId,
    /// Which offer; its id is the hash of all that the seller signed.
    pub offer: OfferId,
    /// Which of its lines, by position. All of them, in this version: the totals are of the whole.
    pub lines: List<u8, { limits::LINES }>,
    /// The landed total that is agreed.
    pub total: Money,
    /// The terms that are agreed.
    pub terms: TermsHash,
}

impl Record for Acceptance {
    const KIND: Kind = Kind::Acceptance;
    const MAX_BODY: usize = 256;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::DEED_LIFE;

    fn check(&self, _: &Header) -> Result<(), Fault> {
        if self.lines.is_empty() || !self.lines.is_sorted_by(|a, b| a < b) {
            return Err(Fault::Invalid {
                field: "lines",
                why: "in order, each once, at least one".into(),
            });
        }
        Ok(())
    }
}

/// The seller's word that the acceptance came in time and the deal stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Confirmation {
    /// What is agreed.
    pub agreement: AgreementId,
    /// The acceptance that is confirmed.
    pub acceptance: RecordId,
    /// The landed total that is agreed.
    pub total: Money,
    /// The terms that are agreed.
    pub terms: TermsHash,
}

impl Record for Confirmation {
    const KIND: Kind = Kind::Confirmation;
    const MAX_BODY: usize = 256;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::DEED_LIFE;

    fn check(&self, _: &Header) -> Result<(), Fault> {
        Ok(())
    }
}

/// A party's question to the other: what do you hold of this deal? Signed with the key that the party signed the deal
/// with, and short-lived.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Inquiry {
    /// Which deal.
    pub agreement: AgreementId,
}

impl Record for Inquiry {
    const KIND: Kind = Kind::Inquiry;
    const MAX_BODY: usize = 64;
    const STAMP_BITS: u32 = 0;
    const LIFE: Seconds = limits::INQUIRY_LIFE;

    fn check(&self, _: &Header) -> Result<(), Fault> {
        Ok(())
    }
}

/// The two-sided record: every signature that the deal stands on, the same bytes in both stores.
///
/// It carries no signature of its own; the four inside are of exactly the two parties.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Agreement {
    /// The intent as first cast.
    pub intent: Bytes<{ limits::GOSSIP_BYTES }>,
    /// Its amendment that the offer answered, if it was amended.
    pub amendment: Option<Bytes<{ limits::GOSSIP_BYTES }>>,
    /// The offer.
    pub offer: Bytes<{ limits::FRAME_BYTES }>,
    /// The customer's yes.
    pub acceptance: Bytes<1024>,
    /// The seller's.
    pub confirmation: Bytes<1024>,
}

/// An agreement all of whose records verify and fit each other.
#[derive(Clone, Debug)]
pub struct Settled {
    /// What is agreed.
    pub id: AgreementId,
    /// The intent as first cast.
    pub intent: Verified<Intent>,
    /// What was wanted when the offer was made.
    pub amendment: Option<Verified<Amendment>>,
    /// What was offered.
    pub offer: Verified<Offer>,
    /// The customer's yes.
    pub acceptance: Verified<Acceptance>,
    /// The seller's.
    pub confirmation: Verified<Confirmation>,
    bytes: Vec<u8>,
}

impl Settled {
    /// The agreement's encoding, equal on both sides.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the encoding, tagged, to compare across the two stores.
    pub fn bytes_hash(&self) -> EntryHash {
        EntryHash(digest("intentcast/1/agreement-bytes", &[&self.bytes]))
    }

    /// The want as it stood when the offer was made.
    pub fn wanted(&self) -> &Intent {
        self.amendment
            .as_ref()
            .map_or(self.intent.body(), |amendment| &amendment.now)
    }

    /// When the deal was made: the seller's confirmation.
    pub fn at(&self) -> Timestamp {
        self.confirmation.header().created
    }
}

/// How two records of one deal disagree: what was agreed, and what came instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{field} differs: agreed {agreed}, named {named}")]
pub struct Difference {
    /// What differs.
    pub field: String,
    /// As agreed.
    pub agreed: String,
    /// As the other record names it.
    pub named: String,
}

impl Difference {
    /// A difference unless the two are the same.
    pub fn unless_same<T: PartialEq + ToString>(field: &str, agreed: &T, named: &T) -> Result<(), Self> {
        if agreed == named {
            return Ok(());
        }
        Err(Self {
            field: field.into(),
            agreed: agreed.to_string(),
            named: named.to_string(),
        })
    }
}

/// Why an agreement does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// A record inside does not verify.
    #[error("{0}: {1}")]
    Record(&'static str, Fault),
    /// Two records inside do not fit.
    #[error(transparent)]
    Difference(#[from] Difference),
}

/// That `acceptance` says yes to exactly `offer`.
///
/// # Errors
/// The first [`Difference`].
pub fn accepts(acceptance: &Acceptance, offer_id: OfferId, offer: &Offer) -> Result<(), Difference> {
    Difference::unless_same("offer", &offer_id, &acceptance.offer)?;
    Difference::unless_same("intent", &offer.intent, &acceptance.intent)?;
    Difference::unless_same("terms", &offer.terms, &acceptance.terms)?;
    Difference::unless_same("total", &offer.totals.landed(), &acceptance.total)?;
    let all: Vec<u8> = (0..offer.lines.len() as u8).collect();
    Difference::unless_same("lines", &format!("{all:?}"), &format!("{:?}", &acceptance.lines[..]))?;
    let agreement = agreement_id(offer.intent, offer.revision, offer_id, offer.terms);
    Difference::unless_same("agreement", &agreement, &acceptance.agreement)
}

/// That `confirmation` confirms exactly `acceptance`.
///
/// # Errors
/// The first [`Difference`].
pub fn confirms(confirmation: &Confirmation, id: RecordId, acceptance: &Acceptance) -> Result<(), Difference> {
    Difference::unless_same("agreement", &acceptance.agreement, &confirmation.agreement)?;
    Difference::unless_same("acceptance", &id, &confirmation.acceptance)?;
    Difference::unless_same("total", &acceptance.total, &confirmation.total)?;
    Difference::unless_same("terms", &acceptance.terms, &confirmation.terms)
}

impl Agreement {
    /// The agreement of these records, if they fit.
    ///
    /// # Errors
    /// As [`Agreement::settle`].
    pub fn of(
        intent: &Verified<Intent>,
        amendment: Option<&Verified<Amendment>>,
        offer: &Verified<Offer>,
        acceptance: &Verified<Acceptance>,
        confirmation: &Verified<Confirmation>,
    ) -> Result<Settled, Unsettled> {
        fn held<const N: usize>(what: &'static str, bytes: &[u8]) -> Result<Bytes<N>, Unsettled> {
            Bytes::new(bytes).map_err(|_| {
                Unsettled::Record(
                    what,
                    Fault::Exceeded {
                        what: "bytes",
                        limit: N as u64,
                    },
                )
            })
        }
        Self {
            intent: held("intent", intent.bytes())?,
            amendment: amendment
                .map(|amendment| held("amendment", amendment.bytes()))
                .transpose()?,
            offer: held("offer", offer.bytes())?,
            acceptance: held("acceptance", acceptance.bytes())?,
            confirmation: held("confirmation", confirmation.bytes())?,
        }
        .settle()
    }

    /// The agreement in `bytes`, every signature checked and every record held against the others.
    ///
    /// # Errors
    /// [`Unsettled`], naming the first record or field that is wrong.
    pub fn read(bytes: &[u8]) -> Result<Settled, Unsettled> {
        decode::<Self>(bytes)
            .map_err(|malformed| Unsettled::Record("agreement", malformed.into()))?
            .settle()
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`Unsettled`], naming the first record or field that is wrong.
    pub fn settle(self) -> Result<Settled, Unsettled> {
        fn read<T: Record>(what: &'static str, bytes: &[u8]) -> Result<Verified<T>, Unsettled> {
            open(bytes).map_err(|fault| Unsettled::Record(what, fault))
        }
        let bytes = encode(&self);
        let intent: Verified<Intent> = read("intent", &self.intent)?;
        let amendment: Option<Verified<Amendment>> = self
            .amendment
            .as_ref()
            .map(|bytes| read("amendment", bytes))
            .transpose()?;
        let offer: Verified<Offer> = read("offer", &self.offer)?;
        let acceptance: Verified<Acceptance> = read("acceptance", &self.acceptance)?;
        let confirmation: Verified<Confirmation> = read("confirmation", &self.confirmation)?;

        let id = IntentId::from(intent.id());
        let customer = intent.header().author;
        if let Some(amendment) = &amendment {
            Difference::unless_same("amendment's intent", &id, &amendment.intent)?;
            Difference::unless_same("amendment's author", &customer, &amendment.header().author)?;
        }
        let revision = amendment.as_ref().map_or(intent.id(), Verified::id);
        let wanted = amendment.as_ref().map_or(intent.body(), |amendment| &amendment.now);
        Difference::unless_same("offer's intent", &id, &offer.intent)?;
        Difference::unless_same("offer's revision", &revision, &offer.revision)?;
        Difference::unless_same("offer's terms", &wanted.terms.hash(), &offer.terms)?;
        Difference::unless_same("acceptance's author", &customer, &acceptance.header().author)?;
        accepts(&acceptance, offer.id().into(), &offer)?;
        Difference::unless_same(
            "confirmation's author",
            &offer.header().author,
            &confirmation.header().author,
        )?;
        confirms(&confirmation, acceptance.id(), &acceptance)?;
        Ok(Settled {
            id: acceptance.agreement,
            intent,
            amendment,
            offer,
            acceptance,
            confirmation,
            bytes,
        })
    }
}
