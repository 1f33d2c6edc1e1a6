//! A deal in one file: every signed record, the terms word for word, the receipts, and what they say in words, to be
//! checked by anybody with nothing but the file.
//!
//! It holds no secret and proves nothing about who a key belongs to. What the file says in words is never believed: it
//! is worked out again from the signed bytes and held against them.

use serde::{Deserialize, Serialize};

use crate::{
    deed::{Acceptance, Agreement, Confirmation, Settled},
    envelope::{Record, Signed, Verified, open, record_id},
    fault::Fault,
    id::{AgreementId, IntentId, OfferId, RecordId, TermsHash},
    intent::{Amendment, Intent},
    keys::PublicKey,
    letter::{Letter, ThreadId},
    limits,
    list::{Bytes, List},
    money::Money,
    offer::Offer,
    order::{Order, OrderView},
    receipt::Receipt,
    terms::{self, Act},
    thread::{Role, Thread},
    time::Timestamp,
};

/// What stands in every file of this form.
pub const FORMAT: &str = "intentcast-evidence/1";
/// Largest file, bytes: five records and 64 receipts in hexadecimal, twice, are under 200 KiB, terms under 100 KiB; the
/// rest is for letters, of which a long conversation has some hundreds.
pub const FILE_BYTES: usize = 32 * 1024 * 1024;
/// Records of one agreement, its receipts aside.
const RECORDS: usize = 5;
/// Letters of one thread: all that its two sides may write.
const LETTERS: usize = 2 * limits::LETTERS_PER_SIDE;
/// Clauses of one document of terms; the longest has six.
const CLAUSES: usize = 64;

/// One deal, whole.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// [`FORMAT`].
    pub format: String,
    /// The hash of intent, offer and terms.
    pub agreement_id: AgreementId,
    /// What the rest says, in words.
    pub summary: Summary,
    /// The intent, its amendment if there is one, the offer, the acceptance and the confirmation.
    pub records: List<RecordCopy, RECORDS>,
    /// The order's events, first to last.
    pub receipts: List<RecordCopy, { limits::RECEIPTS_PER_AGREEMENT }>,
    /// The terms that the seller signed, word for word.
    pub terms: List<TermsText, { limits::TERMS }>,
    /// The two-sided record's bytes, the same in both stores.
    pub agreement: Bytes<{ 2 * limits::FRAME_BYTES }>,
    /// What the two wrote to each other, first to last.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub letters: List<Bytes<{ limits::FRAME_BYTES }>, LETTERS>,
}

fn is_empty<T, const MAX: usize>(list: &List<T, MAX>) -> bool {
    list.is_empty()
}

/// One signed record, copied.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RecordCopy {
    /// `intent`, `amendment`, `offer`, `acceptance`, `confirmation` or `receipt`.
    pub kind: String,
    /// The hash of what was signed.
    pub id: RecordId,
    /// The envelope as it travelled.
    pub hex: Bytes<{ limits::FRAME_BYTES }>,
}

/// One document of terms.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct TermsText {
    /// Its name in the roster.
    pub id: String,
    /// Which wording.
    pub version: u16,
    /// What the signature pins: the hash of the rest.
    pub hash: TermsHash,
    /// What a machine reads.
    pub clauses: List<Clause, CLAUSES>,
    /// What a person reads.
    pub text: String,
}

/// One rule of the terms.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// Allowed, forbidden or owed.
    pub kind: terms::Kind,
    /// What is.
    pub act: Act,
}

/// The deal in words.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each name is what a person reads")]
pub struct Summary {
    pub customer: PublicKey,
    pub seller: PublicKey,
    pub seller_name: String,
    pub intent: IntentId,
    pub want: String,
    pub offer: OfferId,
    pub items: Vec<String>,
    pub delivery: String,
    pub deliver_by: String,
    pub total: String,
    pub terms: String,
    pub agreed_at: String,
    pub returns_days: u16,
    pub warranty_months: u16,
    pub receipts: Vec<String>,
}

/// The first thing in a file that does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Flaw {
    /// Where: a record by what it is, `offer`, `receipt 3 (shipped)`, and everything else as a path into the file,
    /// `summary.total`.
    pub place: String,
    /// Why it does not hold.
    pub why: String,
}

/// What a file that holds proves.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct Report {
    /// The deal.
    pub agreement: AgreementId,
    /// Signed records that verified, receipts among them.
    pub signatures: usize,
    /// Documents of terms whose text is the pinned one.
    pub terms: usize,
    /// The last moment that a receipt tells of, or that of the deal.
    pub until: Timestamp,
    /// How far the order has come.
    pub order: OrderView,
    /// What the customer pays, all in, with every change that both sides have taken.
    pub total: Money,
    /// How many changes both sides have taken since the deal was made.
    pub changes: usize,
    /// The deal in words, as it was made.
    pub summary: Summary,
}

/// The agreed terms are not in this build's roster, so their text cannot be told.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the text of the terms {0} is not known here")]
pub struct NoText(pub String);

fn flaw<T>(place: impl Into<String>, why: impl Into<String>) -> Result<T, Flaw> {
    Err(Flaw {
        place: place.into(),
        why: why.into(),
    })
}

/// What is wrong with a record, said of its bytes.
fn broken(fault: &Fault) -> String {
    match fault {
        Fault::BadSignature => "signature: not its author's over these bytes: they were changed".into(),
        fault => fault.to_string(),
    }
}

/// A receipt by its place in the chain, from 1, and what it claims to tell of.
fn receipt_place(at: usize, copy: &RecordCopy) -> String {
    let claim = Signed::<Receipt>::parse(&copy.hex)
        .ok()
        .and_then(|signed| signed.claim());
    let what = claim.map(|claim| format!(" ({})", claim.event.word()));
    format!("receipt {}{}", at + 1, what.unwrap_or_default())
}

impl RecordCopy {
    fn of<T: Record>(record: &Verified<T>) -> Self {
        let hex = Bytes::new(record.bytes()).expect("a verified record is no longer than a frame");
        Self {
            kind: T::KIND.word().into(),
            id: record.id(),
            hex,
        }
    }

    /// The record, verified, if it is what it is said to be.
    fn read<T: Record>(&self, place: &str) -> Result<Verified<T>, Flaw> {
        if self.kind != T::KIND.word() {
            let expected = T::KIND.word();
            return flaw(place, format!("kind: {expected} is expected here"));
        }
        let record = open(&self.hex).or_else(|fault| flaw(place, broken(&fault)))?;
        if record_id(&self.hex) != self.id {
            return flaw(place, format!("id: the record's hash is {}", record_id(&self.hex)));
        }
        Ok(record)
    }
}

impl TermsText {
    fn of(terms: &terms::TermsRef) -> Result<Self, NoText> {
        let document = terms.document().ok_or_else(|| NoText(terms.id.to_string()))?;
        let clauses = document.clauses.iter().map(|clause| Clause {
            kind: clause.kind,
            act: clause.act,
        });
        Ok(Self {
            id: document.id.into(),
            version: document.version,
            hash: terms.hash,
            clauses: List::cut(clauses),
            text: document.text(),
        })
    }

    fn computed_hash(&self) -> TermsHash {
        let rules: Vec<(terms::Kind, Act)> = self.clauses.iter().map(|clause| (clause.kind, clause.act)).collect();
        terms::hash_of(&self.id, self.version, &rules, &self.text)
    }
}

impl Summary {
    fn of(settled: &Settled, receipts: &[Verified<Receipt>]) -> Self {
        let offer = settled.offer.body();
        let each = |minor| Money::new(minor, offer.totals.currency);
        Self {
            customer: settled.intent.header().author,
            seller: settled.offer.header().author,
            seller_name: offer.seller.name.to_string(),
            intent: settled.intent.id().into(),
            want: settled.wanted().title.to_string(),
            offer: settled.offer.id().into(),
            items: offer
                .lines
                .iter()
                .map(|line| format!("{} x {} at {}", line.quantity, line.title, each(line.unit_minor)))
                .collect(),
            delivery: format!("{} for {}", offer.serves, each(offer.totals.delivery)),
            deliver_by: offer.deliver_by.to_string(),
            total: settled.acceptance.total.to_string(),
            terms: settled.wanted().terms.to_string(),
            agreed_at: settled.at().to_string(),
            returns_days: offer.returns_days,
            warranty_months: offer.warranty_months,
            receipts: receipts
                .iter()
                .map(|receipt| format!("{} {}", receipt.header().created, receipt.event.word()))
                .collect(),
        }
    }

    /// Each field, as it compares.
    fn fields(&self) -> [(&'static str, String); 15] {
        [
            ("customer", self.customer.to_string()),
            ("seller", self.seller.to_string()),
            ("seller_name", self.seller_name.clone()),
            ("intent", self.intent.to_string()),
            ("want", self.want.clone()),
            ("offer", self.offer.to_string()),
            ("items", self.items.join(", ")),
            ("delivery", self.delivery.clone()),
            ("deliver_by", self.deliver_by.clone()),
            ("total", self.total.clone()),
            ("terms", self.terms.clone()),
            ("agreed_at", self.agreed_at.clone()),
            ("returns_days", self.returns_days.to_string()),
            ("warranty_months", self.warranty_months.to_string()),
            ("receipts", self.receipts.join(", ")),
        ]
    }
}

impl Evidence {
    /// The evidence of a deal.
    ///
    /// # Errors
    /// [`NoText`] where the roster no longer has the terms' text.
    pub fn of(settled: &Settled, receipts: &[Verified<Receipt>]) -> Result<Self, NoText> {
        let mut records = vec![RecordCopy::of(&settled.intent)];
        records.extend(settled.amendment.as_ref().map(RecordCopy::of));
        records.extend([
            RecordCopy::of(&settled.offer),
            RecordCopy::of(&settled.acceptance),
            RecordCopy::of(&settled.confirmation),
        ]);
        let terms: Vec<TermsText> = settled
            .wanted()
            .terms
            .iter()
            .map(TermsText::of)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            format: FORMAT.into(),
            agreement_id: settled.id,
            summary: Summary::of(settled, receipts),
            records: List::cut(records),
            receipts: List::cut(receipts.iter().map(RecordCopy::of)),
            terms: List::cut(terms),
            agreement: Bytes::new(settled.bytes()).expect("the limits of its records add up to less"),
            letters: List::default(),
        })
    }

    /// The same with what the two wrote to each other, each letter after all that its author had before them.
    pub fn with_letters<'a>(mut self, letters: impl IntoIterator<Item = &'a Verified<Letter>>) -> Self {
        let copies = letters
            .into_iter()
            .map(|letter| Bytes::new(letter.bytes()).expect("a verified record is no longer than a frame"));
        self.letters = List::cut(copies);
        self
    }

    /// Works everything out again from the signed bytes: signatures and ids, how the records refer to one another, the
    /// agreement, the terms' text, the receipts, and last what is said in words.
    ///
    /// # Errors
    /// The first [`Flaw`].
    pub fn verify(&self) -> Result<Report, Flaw> {
        if self.format != FORMAT {
            return flaw("format", format!("{FORMAT} is what this program reads"));
        }
        let settled = self.settled()?;
        if settled.bytes() != &self.agreement[..] {
            return flaw("agreement", "not the two-sided record of these records");
        }
        if settled.id != self.agreement_id {
            return flaw("agreement_id", format!("intent, offer and terms make {}", settled.id));
        }
        self.check_terms(&settled)?;
        let agreed = self.check_letters(&settled)?.view().terms(&settled);
        let (receipts, order) = self.check_receipts(&settled, &agreed.totals)?;
        let computed = Summary::of(&settled, &receipts);
        for ((name, said), (_, signed)) in self.summary.fields().into_iter().zip(computed.fields()) {
            if said != signed {
                return flaw(format!("summary.{name}"), format!("the signed records say {signed}"));
            }
        }
        // Lists that read the same joined may still be parted differently.
        if self.summary != computed {
            return flaw("summary", "not what the signed records say");
        }
        Ok(Report {
            agreement: settled.id,
            signatures: self.records.len() + receipts.len() + self.letters.len(),
            terms: self.terms.len(),
            until: receipts.last().map_or(settled.at(), |last| last.header().created),
            order: order.view(),
            total: agreed.total,
            changes: agreed.taken.len(),
            summary: computed,
        })
    }

    fn settled(&self) -> Result<Settled, Flaw> {
        let (amended, copies) = match &self.records[..] {
            [a, b, c, d] => (None, [a, b, c, d]),
            [a, amendment, b, c, d] => (Some(amendment), [a, b, c, d]),
            _ => {
                return flaw(
                    "records",
                    "intent, amendment if there is one, offer, acceptance, confirmation",
                );
            }
        };
        let intent: Verified<Intent> = copies[0].read("intent")?;
        let amendment: Option<Verified<Amendment>> = amended.map(|copy| copy.read("amendment")).transpose()?;
        let offer: Verified<Offer> = copies[1].read("offer")?;
        let acceptance: Verified<Acceptance> = copies[2].read("acceptance")?;
        let confirmation: Verified<Confirmation> = copies[3].read("confirmation")?;
        Agreement::of(&intent, amendment.as_ref(), &offer, &acceptance, &confirmation)
            .or_else(|unsettled| flaw("records", unsettled.to_string()))
    }

    fn check_terms(&self, settled: &Settled) -> Result<(), Flaw> {
        let agreed: Vec<_> = settled.wanted().terms.iter().collect();
        if agreed.len() != self.terms.len() {
            return flaw("terms", format!("the intent names {} documents", agreed.len()));
        }
        for (at, (text, pinned)) in self.terms.iter().zip(agreed).enumerate() {
            let place = |field: &str| format!("terms[{at}].{field}");
            if text.id != pinned.id.as_str() {
                return flaw(place("id"), format!("the intent names {}", pinned.id));
            }
            if text.hash != pinned.hash {
                return flaw(place("hash"), format!("the intent pins {}", pinned.hash));
            }
            if text.computed_hash() != pinned.hash {
                return flaw(
                    place("text"),
                    "version, clauses and text are not those that the intent pins",
                );
            }
        }
        Ok(())
    }

    /// Each side's letters are one chain without a gap, and none speaks of one that is not there.
    fn check_letters(&self, settled: &Settled) -> Result<Thread, Flaw> {
        let thread = ThreadId {
            intent: settled.intent.id().into(),
            seller: settled.offer.header().author,
        };
        let customer = settled.intent.header().author;
        let mut chains: [Vec<RecordId>; 2] = Default::default();
        let mut said = Thread::new(thread);
        for (at, bytes) in self.letters.iter().enumerate() {
            let letter: Verified<Letter> = open(bytes).or_else(|fault| flaw(format!("letter {at}"), broken(&fault)))?;
            let place = format!("letter {at} ({})", letter.matter.word());
            let author = letter.header().author;
            let side = match author {
                author if author == customer => Role::Customer,
                author if author == thread.seller => Role::Seller,
                _ => return flaw(place, "its author is neither the customer nor the seller"),
            };
            let (ours, theirs) = (&chains[side as usize], &chains[side.other() as usize]);
            if letter.thread != thread {
                return flaw(place, "it is of another conversation");
            }
            if letter.number as usize != ours.len() || letter.before != ours.last().copied() {
                return flaw(
                    place,
                    format!("a letter of the {side} before it is missing or was exchanged"),
                );
            }
            if letter.after.is_some_and(|after| !theirs.contains(&after)) {
                return flaw(place, "the letter of the other side that it follows is not before it");
            }
            chains[side as usize].push(letter.id());
            said.add(letter.header().created, side, letter);
        }
        Ok(said)
    }

    /// Every link of the chain in turn: its bytes, its signature, its place, and whether it may follow.
    fn check_receipts(&self, settled: &Settled, totals: &[Money]) -> Result<(Vec<Verified<Receipt>>, Order), Flaw> {
        let mut receipts: Vec<Verified<Receipt>> = Vec::new();
        for (at, copy) in self.receipts.iter().enumerate() {
            receipts.push(copy.read(&receipt_place(at, copy))?);
        }
        if receipts.is_empty() {
            return flaw("receipts", "an agreement has one at least: confirmed");
        }
        let order = Order::of(settled, totals, &receipts)
            .or_else(|(at, difference)| flaw(receipt_place(at, &self.receipts[at]), difference.to_string()))?;
        Ok((receipts, order))
    }
}
