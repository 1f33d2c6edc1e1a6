//! What the demo prints: a story for a person, or one JSON object a line for a program.

use std::{
    io::{self, Write as _},
    path::Path,
    sync::Mutex,
    time::Instant,
};

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use intentcast_protocol::{
    category::CategoryId,
    frame::Refusal,
    id::{IntentId, RecordId},
    market::{AgreementView, OfferState, OfferView},
    matching::Ranked,
};
use serde_json::{Value, json};

use crate::want::Want;

/// The steps that the JSON names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Ready,
    Cast,
    Offer,
    Ranked,
    Refused,
    Accepted,
    Agreement,
    Receipt,
    Done,
}

impl Step {
    fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Cast => "cast",
            Self::Offer => "offer",
            Self::Ranked => "ranked",
            Self::Refused => "refused",
            Self::Accepted => "accepted",
            Self::Agreement => "agreement",
            Self::Receipt => "receipt",
            Self::Done => "done",
        }
    }
}

pub(super) struct Screen {
    json: bool,
    cast: Mutex<Option<Instant>>,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        Self {
            json,
            cast: Mutex::new(None),
        }
    }

    /// Milliseconds since the cast; 0 before it.
    fn ms(&self) -> u64 {
        let cast = self.cast.lock().ok().and_then(|cast| *cast);
        cast.map_or(0, |cast| u64::try_from(cast.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn line(&self, text: &str) {
        // A closed pipe ends the show, not the program's good manners: the members still go.
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    fn emit(&self, step: Step, mut fields: Value) {
        if let Value::Object(fields) = &mut fields {
            fields.insert("event".into(), step.word().into());
            fields.insert("ms".into(), self.ms().into());
        }
        self.line(&fields.to_string());
    }

    /// One step: JSON, or a line.
    pub(super) fn say(&self, step: Step, fields: Value) {
        if self.json {
            return self.emit(step, fields);
        }
        let ms = self.ms();
        let id = |key: &str| {
            fields[key]
                .as_str()
                .unwrap_or_default()
                .get(..8)
                .unwrap_or_default()
                .to_owned()
        };
        let number = |key: &str| fields[key].as_u64().unwrap_or_default();
        match step {
            Step::Ready => self.line(&format!(
                "ready: {} shops and a customer know each other",
                number("shops")
            )),
            Step::Accepted => self.line(&format!("\n{ms:>6} ms  accepted offer {}", id("offer"))),
            Step::Agreement => self.line(&format!("{ms:>6} ms  agreement {}: both have signed", id("agreement"))),
            Step::Receipt => self.line(&format!(
                "{ms:>6} ms  receipt {}: {}",
                id("receipt"),
                fields["what"].as_str().unwrap_or_default()
            )),
            Step::Done => self.line(&format!(
                "\n{} of {} shops heard the want; {} had it, and {} of them answered.",
                number("heard"),
                number("shops"),
                number("due"),
                number("answered"),
            )),
            Step::Cast | Step::Offer | Step::Ranked | Step::Refused => {}
        }
    }

    pub(super) fn starting(&self, shops: usize) {
        if !self.json {
            self.line(&format!(
                "starting a meeting point, {shops} shops and a customer, each a process on this machine ..."
            ));
        }
    }

    pub(super) fn cast(&self, intent: IntentId, want: &Want, category: CategoryId) {
        if let Ok(mut cast) = self.cast.lock() {
            *cast = Some(Instant::now());
        }
        if self.json {
            return self.emit(
                Step::Cast,
                json!({ "intent": intent, "category": category.lookup().map(|c| c.path) }),
            );
        }
        let category = category.lookup().map_or("general", |category| category.path);
        self.line(&format!(
            "\ncast {}: \"{}\" in {}, at most {}",
            intent.short(),
            want.want,
            want.region,
            want.budget
        ));
        self.line(&format!(
            "  category {category}; terms SD-BASE and PDC-INTENT unless said otherwise\n"
        ));
    }

    pub(super) fn unheard(&self) {
        if !self.json {
            self.line("  nobody hears it yet; it waits in the outbox");
        }
    }

    pub(super) fn offer(&self, intent: IntentId, view: &OfferView) {
        let Some(offer) = &view.offer else { return };
        let title = offer
            .lines
            .first()
            .map(|line| line.title.to_string())
            .unwrap_or_default();
        if self.json {
            return self.emit(
                Step::Offer,
                json!({
                    "intent": intent, "offer": view.id, "seller": offer.seller.name, "title": title,
                    "item": offer.lines.first().map(|line| line.item.to_string()),
                    "total": offer.totals.landed(), "place": view.place,
                    "admission": view.admission, "score": view.score,
                }),
            );
        }
        let total = offer.totals.landed().to_string();
        self.line(&format!(
            "{:>6} ms  offer {}  {total:>12}  {title} — {}",
            self.ms(),
            view.id.short(),
            offer.seller.name
        ));
    }

    pub(super) fn ranked(&self, intent: IntentId, order: &[Ranked]) {
        if self.json {
            self.emit(Step::Ranked, json!({ "intent": intent, "order": order }));
        }
    }

    pub(super) fn refused(&self, record: RecordId, why: Refusal, detail: &str) {
        if self.json {
            return self.emit(
                Step::Refused,
                json!({ "record": record, "why": why.word(), "detail": detail }),
            );
        }
        self.line(&format!(
            "{:>6} ms  refused {}: {} ({detail})",
            self.ms(),
            record.short(),
            why.word()
        ));
    }

    pub(super) fn table(&self, offers: &[OfferView]) {
        if self.json {
            return;
        }
        let mut table = Table::new();
        table
            .load_style(UTF8_FULL_CONDENSED)
            .set_header(["", "offer", "shop", "item", "in all", "points", "why"]);
        for view in offers.iter().filter(|view| view.state == OfferState::Open) {
            let (Some(offer), Some(score)) = (&view.offer, &view.score) else {
                continue;
            };
            table.add_row([
                view.place.map(|place| place.to_string()).unwrap_or_default(),
                view.id.short(),
                offer.seller.name.to_string(),
                offer
                    .lines
                    .first()
                    .map(|line| line.title.to_string())
                    .unwrap_or_default(),
                offer.totals.landed().to_string(),
                score.total().to_string(),
                score.to_string(),
            ]);
        }
        self.line(&format!("\n{table}"));
    }

    pub(super) fn held(&self, ours: &AgreementView, theirs: &AgreementView) {
        if self.json {
            return;
        }
        let mut table = Table::new();
        table
            .load_style(UTF8_FULL_CONDENSED)
            .set_header(["", "the customer holds", "the seller holds"]);
        let receipt = |view: &AgreementView| view.receipts.first().map(|it| it.id.short()).unwrap_or_default();
        table.add_row(["agreement", &ours.id.short(), &theirs.id.short()]);
        table.add_row(["its bytes' hash", &ours.bytes_hash.short(), &theirs.bytes_hash.short()]);
        table.add_row(["receipt", &receipt(ours), &receipt(theirs)]);
        table.add_row([
            "in all",
            &ours.agreed.totals.landed().to_string(),
            &theirs.agreed.totals.landed().to_string(),
        ]);
        self.line(&format!("\n{table}"));
    }

    pub(super) fn next_steps(&self, customer: &Path, shop: Option<&Path>) {
        if self.json {
            return;
        }
        let program = std::env::current_exe().map_or_else(|_| "intentcast".into(), |path| path.display().to_string());
        self.line("\nThe market stays open until Ctrl-C. In another terminal, try:\n");
        let customer = customer.display();
        for command in ["intent list", "offer list", "receipt list", "status"] {
            self.line(&format!("  {program} --home {customer} {command}"));
        }
        self.line(&format!(
            "  {program} --home {customer} cast \"a child's stroller, fair trade\" --region GB-LEW --budget 150GBP --wait 10s"
        ));
        if let Some(shop) = shop {
            self.line(&format!("  {program} --home {} offer list", shop.display()));
        }
    }
}
