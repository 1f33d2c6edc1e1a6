//! The desk of a seller at which strands are asked for, used, reported and deleted: each step on disk before it is on
//! the wire, and nothing handed out that the grant does not allow.

mod unasked;

use std::sync::Arc;

use intentcast_protocol::{
    id::{AgreementId, RecordId},
    letter::{Matter, Operation, Operations, Permission, UseReport},
    list::List,
    market::{About, Answered, Command, Denied, Role},
    purpose::Purpose,
    strand,
    text::{Name, Phrase, Word},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use tracing::info;
use zeroize::Zeroizing;

use super::{
    Deed, Holding, State, Strands,
    compliance::{self, Compliance, UseKey, reported, uses},
    holding,
    policy::Policy,
    telling::Telling,
};
use crate::api::backend::{Backend, CommandError, Stopped};

/// Why the desk does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// No such request or grant.
    #[error("no such grant: `grant list` shows them")]
    NoGrant,
    /// It is the other side's to do.
    #[error("only the {0} may do that")]
    NotOurs(Role),
    /// It cannot be meant.
    #[error("{0}")]
    Unclear(String),
    /// The grant does not allow it; that is written down.
    #[error("{0}")]
    Refused(String),
    /// The policy does not allow it.
    #[error("the policy does not allow it: {0}")]
    Policy(String),
    /// The market does not do it.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The node is going down.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The disk does not do it.
    #[error("{0:#}")]
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for DeskError {
    fn from(why: anyhow::Error) -> Self {
        Self::Broken(why)
    }
}

impl DeskError {
    /// Whether it is put off until the customer has said what it holds; what else is due waits for nobody.
    fn is_put_off(&self) -> bool {
        matches!(self, Self::Command(CommandError::Denied(Denied::Unsure(_))))
    }
}

/// What a seller asks for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Under which deal.
    pub agreement: AgreementId,
    /// Which strand.
    pub strand: String,
    /// What for.
    pub purpose: String,
    /// What the person has of it.
    pub benefit: Phrase,
    /// What would be done; to use it, where nothing is said.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// Who else would have it.
    #[serde(default)]
    pub recipients: Vec<Name>,
    /// Until when.
    pub until: Timestamp,
}

/// What a value is taken for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// What for.
    pub purpose: Phrase,
    /// What is done with it.
    pub operation: Operation,
    /// Whom it goes to, if to anybody else.
    #[serde(default)]
    pub recipient: Option<Name>,
    /// It was done already, elsewhere: write it down, whatever the grant says, and hand out nothing.
    #[serde(default)]
    pub outside: bool,
}

/// A seller's store, its policy, and what is done with both.
#[derive(Debug)]
pub struct Desk {
    strands: Arc<Strands>,
    policy: Option<Policy>,
    /// A step at a time: two that destroy the same secret would both say so.
    busy: tokio::sync::Mutex<()>,
}

/// The report of uses of one kind.
pub(super) fn use_report(
    grant: RecordId,
    (operation, purpose, recipient): &UseKey,
    times: u32,
    from: Timestamp,
    to: Timestamp,
) -> UseReport {
    UseReport {
        grant,
        operation: *operation,
        purpose: purpose.clone(),
        times,
        from,
        to,
        shared_with: List::cut(recipient.clone()),
    }
}

impl Desk {
    /// The desk over this store.
    pub fn new(strands: Strands, policy: Option<Policy>) -> Self {
        Self {
            strands: Arc::new(strands),
            policy,
            busy: tokio::sync::Mutex::default(),
        }
    }

    /// Its policy.
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// Work on the disk, where it may block.
    async fn on_disk<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Strands) -> anyhow::Result<R> + Send + 'static,
    ) -> Result<R, DeskError> {
        let strands = self.strands.clone();
        let done = tokio::task::spawn_blocking(move || work(&strands)).await;
        Ok(done.map_err(|_| Stopped)??)
    }

    async fn note(&self, at: Timestamp, deed: Deed) -> Result<(), DeskError> {
        self.on_disk(move |strands| strands.note(at, deed)).await
    }

    async fn destroy(&self, at: Timestamp, holding: &Holding, why: &str) -> Result<(), DeskError> {
        let (request, key) = (holding.request.id, holding.request.key);
        let strand = holding.request.permission.strand.clone();
        let why = why.to_owned();
        let gone = self
            .on_disk(move |strands| {
                let gone = strands.destroy(&key)?;
                if gone {
                    strands.note(at, Deed::Destroyed { request, strand, why })?;
                }
                Ok(gone)
            })
            .await?;
        if gone {
            info!(request = %request.short(), "the secret of a strand is destroyed");
        }
        Ok(())
    }

    /// Everything that was asked, with whether its secret is here.
    ///
    /// # Errors
    /// [`DeskError::Stopped`] or [`DeskError::Broken`].
    pub async fn holdings<B: Backend>(&self, backend: &B) -> Result<(Timestamp, Vec<Holding>), DeskError> {
        let (now, mut all) = backend.read(|now, market| (now, holding::all(market, now))).await?;
        let all = self
            .on_disk(move |strands| {
                for holding in all.iter_mut().filter(|holding| holding.role == Role::Seller) {
                    holding.openable = Some(strands.has(&holding.request.key));
                }
                Ok(all)
            })
            .await?;
        Ok((now, all))
    }

    async fn ours<B: Backend>(&self, backend: &B, id: RecordId) -> Result<(Timestamp, Holding), DeskError> {
        let (now, all) = self.holdings(backend).await?;
        let found = all
            .into_iter()
            .find(|holding| holding.is(id))
            .ok_or(DeskError::NoGrant)?;
        match found.role {
            Role::Seller => Ok((now, found)),
            Role::Customer => Err(DeskError::NotOurs(Role::Seller)),
        }
    }

    /// Asks for a strand: the one-time secret is on disk before the request is on the wire.
    ///
    /// # Errors
    /// [`DeskError`]; then nothing is left behind.
    pub async fn ask<B: Backend>(&self, backend: &B, ask: Ask) -> Result<RecordId, DeskError> {
        let unclear = |why: &dyn std::fmt::Display| DeskError::Unclear(why.to_string());
        let name = strand::resolve(&ask.strand).map_err(|why| unclear(&why))?;
        let purpose = Purpose::new(&ask.purpose).map_err(|why| unclear(&why))?;
        let operations = match ask.operations[..] {
            [] => &[Operation::Use],
            ref said => said,
        };
        let permission = Permission {
            agreement: ask.agreement,
            strand: Word::new(name.as_str()).map_err(|why| unclear(&why))?,
            purpose: purpose.as_phrase().clone(),
            operations: Operations::of(operations).ok_or_else(|| unclear(&"say what would be done"))?,
            recipients: List::new(ask.recipients).map_err(|why| unclear(&format!("recipients: {why}")))?,
            ends: ask.until,
        };
        let now = backend.read(|now, _| now).await?;
        if let Some(policy) = &self.policy {
            let beyond = policy.beyond(now, &permission);
            if !beyond.is_empty() {
                return Err(DeskError::Policy(beyond.join("; ")));
            }
        }
        self.send_request(backend, permission, ask.benefit).await
    }

    async fn send_request<B: Backend>(
        &self,
        backend: &B,
        permission: Permission,
        benefit: Phrase,
    ) -> Result<RecordId, DeskError> {
        let key = self.on_disk(Strands::new_key).await?;
        let about = About::Agreement(permission.agreement);
        let matter = Matter::PermissionRequest {
            permission,
            benefit,
            key: key.0,
        };
        match say(backend, about, matter).await {
            Ok(letter) => Ok(letter),
            Err(why) => {
                // It was told to nobody.
                self.on_disk(move |strands| strands.destroy(&key.0)).await?;
                Err(why)
            }
        }
    }

    /// Hands out a value, if the grant allows it; either way it is written down first.
    ///
    /// # Errors
    /// [`DeskError::Refused`] where it does not.
    pub async fn take<B: Backend>(
        &self,
        backend: &B,
        id: RecordId,
        take: Take,
    ) -> Result<Option<Zeroizing<String>>, DeskError> {
        let _busy = self.busy.lock().await;
        let (now, held) = self.ours(backend, id).await?;
        let Some(grant) = held.grant_id() else {
            return Err(DeskError::Unclear(format!("the request is {}", held.state.word())));
        };
        let purpose = match Purpose::new(take.purpose.as_str()) {
            Ok(purpose) => purpose.as_phrase().clone(),
            // What is too broad to be asked for is certainly not what was granted.
            Err(_) => take.purpose.clone(),
        };
        let strand = held.permission().strand.clone();
        let used = Deed::Used {
            grant,
            strand: strand.clone(),
            operation: take.operation,
            purpose: purpose.clone(),
            recipient: take.recipient.clone(),
            outside: take.outside,
        };
        if take.outside {
            self.note(now, used).await?;
            return Ok(None);
        }
        if let Err(why) = may_take(&held, &purpose, &take) {
            let refused = Deed::Refused {
                grant,
                strand,
                purpose,
                recipient: take.recipient,
                why: why.clone(),
            };
            self.note(now, refused).await?;
            return Err(DeskError::Refused(why));
        }
        let (key, request) = (held.request.key, held.request.id);
        let sealed = held.sealed.ok_or(DeskError::NoGrant)?;
        let value = self
            .on_disk(move |strands| {
                let Some(secret) = strands.secret(&key)? else {
                    anyhow::bail!(
                        "the secret of this strand is not here: it was destroyed, or the folder is another's"
                    );
                };
                let value = secret.open(&sealed.permission.context(request), &sealed.bytes)?;
                let text = std::str::from_utf8(&value).map(|text| Zeroizing::new(text.to_owned()));
                let text = text.map_err(|_| anyhow::anyhow!("the value is no text"))?;
                // Written down before anybody has it.
                strands.note(now, used)?;
                Ok(text)
            })
            .await?;
        Ok(Some(value))
    }

    /// Reports every use that was not reported yet, and says how many letters that took.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn report<B: Backend>(&self, backend: &B, id: RecordId) -> Result<Vec<RecordId>, DeskError> {
        let _busy = self.busy.lock().await;
        let (now, held) = self.ours(backend, id).await?;
        self.tell_uses(backend, now, &held).await
    }

    /// Writes down that a recipient of a value was told that it is to go. Where the deletion receipt waited for nothing
    /// else, it goes out.
    ///
    /// # Errors
    /// [`DeskError::Unclear`] where the log does not say that they ever had it, or the receipt is out.
    pub async fn told<B: Backend>(&self, backend: &B, id: RecordId, recipient: Name) -> Result<(), DeskError> {
        {
            let _busy = self.busy.lock().await;
            let (now, held) = self.ours(backend, id).await?;
            let Some(grant) = held.grant_id() else {
                return Err(DeskError::Unclear(format!("the request is {}", held.state.word())));
            };
            let (lines, _) = self.on_disk(Strands::lines).await?;
            let telling = Telling::of(&lines, grant);
            if telling.told.contains(&recipient) {
                return Ok(());
            }
            if !telling.untold.contains(&recipient) {
                let had = telling.told.iter().chain(&telling.untold);
                let had: Vec<&str> = had.map(Name::as_str).collect();
                let why = match had.is_empty() {
                    true => "nobody else had it, by the log".to_owned(),
                    false => format!("by the log, {} had it, not {recipient}", had.join(", ")),
                };
                return Err(DeskError::Unclear(why));
            }
            self.note(now, Deed::Told { grant, recipient }).await?;
        }
        self.sweep(backend).await?;
        Ok(())
    }

    /// What is in the log and not in the ledger's reports goes out. Both are on disk, so however often this breaks off,
    /// each use is told once.
    async fn tell_uses<B: Backend>(
        &self,
        backend: &B,
        now: Timestamp,
        held: &Holding,
    ) -> Result<Vec<RecordId>, DeskError> {
        let Some(view) = &held.grant else { return Ok(Vec::new()) };
        let grant = &view.grant;
        let (lines, _) = self.on_disk(Strands::lines).await?;
        let told = reported(grant);
        let mut letters = Vec::new();
        for (key, at) in uses(&lines, grant.id) {
            let before = told.get(&key).copied().unwrap_or_default() as usize;
            let Some(new) = at.get(before..).filter(|new| !new.is_empty()) else {
                continue;
            };
            let report = use_report(grant.id, &key, new.len() as u32, new[0], new[new.len() - 1]);
            letters.push(say(backend, About::Agreement(held.agreement), Matter::UseReport(report)).await?);
        }
        // That nothing was done is a report, too, once it is over.
        let is_over = held.state != State::Granted;
        if letters.is_empty() && is_over && grant.report_due().is_some() {
            let operation = grant
                .permission
                .operations
                .list()
                .first()
                .copied()
                .unwrap_or(Operation::Use);
            let key = (operation, grant.permission.purpose.clone(), None);
            let to = grant.over_at().min(now);
            let report = use_report(grant.id, &key, 0, grant.at.min(to), to);
            letters.push(say(backend, About::Agreement(held.agreement), Matter::UseReport(report)).await?);
        }
        Ok(letters)
    }

    /// Whether the seller keeps to what it was granted.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn compliance<B: Backend>(&self, backend: &B) -> Result<Compliance, DeskError> {
        let (now, holdings) = self.holdings(backend).await?;
        let (lines, broken) = self.on_disk(Strands::lines).await?;
        Ok(compliance::report(
            now,
            self.policy.as_ref(),
            &holdings,
            &lines,
            broken.as_ref(),
        ))
    }
}

/// Whether a grant allows this, and why not.
fn may_take(held: &Holding, purpose: &Phrase, take: &Take) -> Result<(), String> {
    let permission = held.permission();
    match held.state {
        State::Granted => {}
        State::Ended => return Err(format!("the grant was until {}", permission.ends)),
        state => return Err(format!("the grant is {}", state.word())),
    }
    if *purpose != permission.purpose {
        return Err(format!(
            "{} was granted for {}, not for {purpose}",
            permission.strand, permission.purpose
        ));
    }
    if !permission.operations.has(take.operation) {
        let operations = permission.operations;
        return Err(format!(
            "to {} was not granted, but to {operations}",
            take.operation.word()
        ));
    }
    match &take.recipient {
        Some(name) if take.operation != Operation::Share => Err(format!("what goes to {name} is shared")),
        Some(name) if !permission.recipients.contains(name) => {
            let names: Vec<&str> = permission.recipients.iter().map(Name::as_str).collect();
            let names = if names.is_empty() {
                "nobody".into()
            } else {
                names.join(", ")
            };
            Err(format!("{name} is no recipient; it may go to {names}"))
        }
        None if take.operation == Operation::Share => Err("say with whom it is shared".into()),
        _ => Ok(()),
    }
}

/// Writes a letter.
///
/// # Errors
/// As [`Backend::command`].
pub(crate) async fn say<B: Backend>(backend: &B, about: About, matter: Matter) -> Result<RecordId, DeskError> {
    let matter = Box::new(matter);
    match backend.command(Command::Say { about, matter }).await? {
        Answered::Said(letter) => Ok(letter),
        answered => Err(DeskError::Unclear(format!("the market answered {answered:?}"))),
    }
}
