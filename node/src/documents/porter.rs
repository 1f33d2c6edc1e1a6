//! The task that brings announced documents here, piece by piece, from the one side that announced them, and says of each
//! how far it has come.
//!
//! It asks again, ever more rarely, until the other side answers, goes on where it was after a fall, and never asks for
//! more in a minute than leaves room for letters. All it knows of what must come is in the letters, and of what has come
//! on the disk: it keeps nothing of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::StreamExt as _;
use intentcast_protocol::{
    document::Form,
    frame::Refusal,
    id::{EntryHash, RecordId, unhex},
    letter::ThreadId,
    limits,
    market::{Announced, Answered, Command, Denied, Event, Role},
    time::{Seconds, Timestamp},
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{Documents, Key, NotKept, OnDisk, ROOM, Whole, fits};
use crate::api::backend::{Backend, CommandError, Stopped};

/// Conversations in which documents come at once; each has its own other side, and its own patience.
const AT_ONCE: usize = 4;
/// How long it rests at most.
const REST: Duration = Duration::from_secs(60);
/// Waits between tries: doubled each time, from the first to the last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(3600);
/// The longest that an answer may take; the exchange's own deadline comes first.
const ANSWER: Duration = Duration::from_secs(60);
/// How long after its letter a document is asked for; then it rests until the other side writes again.
const TRIED_FOR: Seconds = Seconds(30 * 24 * 3600);
/// How often what nothing speaks of any more is swept out.
const SWEEP: Duration = Duration::from_secs(3600);
/// Bytes of all that come from sellers with whom there is no deal: whoever may begin to talk fills no more than half.
const STRANGERS_ROOM: u64 = ROOM / 2;

/// How far a document has come.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// It is here.
    Held,
    /// It is known of, and nothing has been asked yet.
    Announced,
    /// It is coming.
    Fetching {
        /// Bytes that are here.
        have: u64,
        /// Bytes in all, once that is known.
        of: Option<u32>,
    },
    /// The last try came to nothing; there will be another.
    Waiting {
        /// Bytes that are here.
        have: u64,
        /// Bytes in all, once that is known.
        of: Option<u32>,
        /// Tries in a row that came to nothing.
        tries: u32,
        /// Why the last did.
        why: String,
    },
    /// It was not taken, and nothing of it is here.
    Refused {
        /// Why not.
        why: String,
    },
    /// You wanted it no more.
    Forgotten,
    /// Nothing is taken from its seller.
    Blocked,
    /// You announced it, and it is not on this disk: the other side waits for it.
    Missing,
}

/// A document of a conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct DocumentView {
    /// SHA-256 of it.
    pub hash: EntryHash,
    /// In which conversation.
    pub thread: RecordId,
    /// In which letter.
    pub letter: RecordId,
    /// When that was written, by its author's clock.
    pub at: Timestamp,
    /// Who has it.
    pub from: Role,
    /// Whether that is us.
    pub ours: bool,
    /// What the other side calls it; a stranger's word.
    pub name: Option<String>,
    /// What it is, by its bytes where it is here, and by its letter where not.
    pub mime: Option<String>,
    /// How long it is, bytes; by its letter where it is not here.
    pub bytes: Option<u32>,
    /// How far it has come.
    #[serde(flatten)]
    pub state: State,
}

/// What is under way with one announcement.
#[derive(Clone, Debug, Default)]
struct Progress {
    thread: Option<ThreadId>,
    fetching: bool,
    of: Option<u32>,
    tries: u32,
    why: String,
    not_before: Option<Instant>,
}

/// What is under way.
#[derive(Debug, Default)]
struct Ways {
    all: BTreeMap<Key, Progress>,
    /// Conversations whose documents are coming now.
    busy: BTreeSet<ThreadId>,
    /// When the next piece may be asked of somebody.
    paces: BTreeMap<RecordId, Instant>,
    swept: Option<Instant>,
}

/// Why a document does not come now.
#[derive(Debug)]
enum Later {
    /// It will be tried again, at the earliest after this.
    Wait(String, Duration),
    /// It will not.
    Never(String),
    /// The node is going down.
    Stopped,
}

impl From<Stopped> for Later {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

fn wait(why: impl ToString) -> Later {
    Later::Wait(why.to_string(), Duration::ZERO)
}

/// The store, and what is on its way into it.
#[derive(Debug)]
pub struct Porter {
    documents: Arc<Documents>,
    ways: Mutex<Ways>,
    wanted: Notify,
}

/// Brings what is announced until `stop`.
pub async fn keep<B: Backend>(porter: Arc<Porter>, backend: B, stop: CancellationToken) {
    let mut events = pin!(backend.events(None));
    let mut turns = JoinSet::new();
    loop {
        let next = match porter.begin(&backend, &mut turns).await {
            Ok(next) => next,
            Err(Stopped) => return,
        };
        let heard = async {
            while let Some((.., event)) = events.next().await {
                if porter.hear(&event) {
                    return;
                }
            }
            // The node is going down.
            std::future::pending().await
        };
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = turns.join_next() => {}
            () = heard => {}
            () = porter.wanted.notified() => {}
            () = sleep_until(next) => {}
        }
    }
}

impl Porter {
    /// A porter over this store, who has not begun yet.
    pub fn new(documents: Arc<Documents>) -> Self {
        Self {
            documents,
            ways: Mutex::default(),
            wanted: Notify::new(),
        }
    }

    /// The store.
    pub fn documents(&self) -> &Arc<Documents> {
        &self.documents
    }

    fn ways(&self) -> MutexGuard<'_, Ways> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Work on the disk, where it may block.
    async fn on_disk<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Documents) -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        let documents = self.documents.clone();
        let done = tokio::task::spawn_blocking(move || work(&documents)).await;
        done.map_err(|_| Stopped)
    }

    /// Every document that either side announced, conversation by conversation.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn views<B: Backend>(&self, backend: &B) -> Result<Vec<DocumentView>, Stopped> {
        let all = backend.read(|_, market| market.documents()).await?;
        Ok(all.iter().map(|announced| self.view(announced)).collect())
    }

    fn view(&self, announced: &Announced) -> DocumentView {
        let key = Key::of(announced);
        let whole = self.documents.whole(key.hash);
        let told = announced.told.as_ref();
        DocumentView {
            hash: announced.hash,
            thread: announced.thread.hash(),
            letter: announced.letter,
            at: announced.at,
            from: announced.from,
            ours: announced.ours,
            name: told.map(|told| told.name.to_string()),
            mime: whole
                .map(|whole| whole.mime.to_string())
                .or_else(|| told.map(|told| told.mime.to_string())),
            bytes: whole.map(|whole| whole.bytes).or(told.map(|told| told.bytes)),
            state: self.state(announced),
        }
    }

    fn state(&self, announced: &Announced) -> State {
        let key = Key::of(announced);
        if announced.ours {
            return match self.documents.whole(key.hash) {
                Some(_) => State::Held,
                None => State::Missing,
            };
        }
        let have = match self.documents.state(&key) {
            // It came in another letter, which spoke the truth; this one may not.
            OnDisk::Whole(whole) => {
                return match fits(&whole, announced.told.as_ref()) {
                    Ok(()) => State::Held,
                    Err(why) => State::Refused { why: why.to_string() },
                };
            }
            OnDisk::Refused(why) => return State::Refused { why },
            OnDisk::Forgotten => return State::Forgotten,
            OnDisk::Part(bytes) => bytes,
            OnDisk::Nothing => 0,
        };
        if announced.turned_away {
            return State::Blocked;
        }
        let said = announced.told.as_ref().map(|told| told.bytes);
        match self.ways().all.get(&key) {
            Some(way) if way.fetching => State::Fetching {
                have,
                of: way.of.or(said),
            },
            Some(way) if way.tries > 0 => State::Waiting {
                have,
                of: way.of.or(said),
                tries: way.tries,
                why: way.why.clone(),
            },
            _ if have > 0 => State::Fetching { have, of: said },
            _ => State::Announced,
        }
    }

    /// Takes back that a document was forgotten or refused, and asks for it at once.
    ///
    /// # Errors
    /// Where the disk does not take that down, or the node is going down.
    pub async fn want_again(&self, hash: EntryHash) -> anyhow::Result<()> {
        self.on_disk(move |documents| documents.want_again(hash)).await??;
        self.ways().all.retain(|key, way| key.hash != hash || way.fetching);
        self.wanted.notify_one();
        Ok(())
    }

    /// Removes a document; what waited for room is tried at once.
    ///
    /// # Errors
    /// Where it cannot be removed, or the node is going down.
    pub async fn forget(&self, hash: EntryHash) -> anyhow::Result<bool> {
        let gone = self.on_disk(move |documents| documents.forget(hash)).await??;
        for way in self.ways().all.values_mut() {
            way.not_before = None;
        }
        self.wanted.notify_one();
        Ok(gone)
    }

    /// Whether an event changes what is to be brought. Whoever writes is there: what waited for it is tried at once.
    fn hear(&self, event: &Event) -> bool {
        let (Event::Letter { thread, .. } | Event::LetterDelivered { thread, .. }) = event else {
            return matches!(event, Event::Agreement { .. });
        };
        let mut ways = self.ways();
        for way in ways.all.values_mut().filter(|way| way.thread == Some(*thread)) {
            way.not_before = None;
        }
        true
    }

    /// Begins what is due and fits; says when to look again.
    async fn begin<B: Backend>(self: &Arc<Self>, backend: &B, turns: &mut JoinSet<()>) -> Result<Instant, Stopped> {
        let (now, all) = backend.read(|now, market| (now, market.documents())).await?;
        self.sweep(backend, &all).await?;
        let mut waiting: BTreeMap<ThreadId, Vec<Announced>> = BTreeMap::new();
        let mut next = Instant::now() + REST;
        let strangers = self.strangers(&all);
        let mut ways = self.ways();
        ways.paces.retain(|_, at| *at > Instant::now());
        for announced in all.into_iter().filter(|announced| !announced.ours) {
            let key = Key::of(&announced);
            if announced.turned_away || !matches!(self.documents.state(&key), OnDisk::Nothing | OnDisk::Part(_)) {
                ways.all.remove(&key);
                continue;
            }
            let way = ways.all.entry(key).or_default();
            way.thread = Some(announced.thread);
            let is_old = announced.at.plus(TRIED_FOR) < now && way.tries > 0 && way.not_before.is_some();
            match way.not_before {
                _ if way.fetching || is_old => {}
                Some(at) if at > Instant::now() => next = next.min(at),
                _ if !announced.agreed && announced.from == Role::Seller && strangers > STRANGERS_ROOM => {
                    way.tries += 1;
                    way.why =
                        "documents of sellers you have no deal with take half of the room: `document forget` makes \
                               some"
                            .into();
                    way.not_before = Some(Instant::now() + LAST_WAIT);
                }
                _ => waiting.entry(announced.thread).or_default().push(announced),
            }
        }
        for (thread, due) in waiting {
            // Whoever finds no place is looked at when one is free.
            if ways.busy.len() >= AT_ONCE || !ways.busy.insert(thread) {
                continue;
            }
            let (porter, backend) = (self.clone(), backend.clone());
            turns.spawn(async move {
                for announced in due {
                    if !porter.bring(&backend, &announced).await {
                        break;
                    }
                }
                porter.ways().busy.remove(&thread);
            });
        }
        Ok(next)
    }

    /// Bytes that are here of sellers with whom there is no deal.
    fn strangers(&self, all: &[Announced]) -> u64 {
        let agreed: BTreeSet<EntryHash> = all.iter().filter(|it| it.agreed || it.ours).map(|it| it.hash).collect();
        let theirs = all
            .iter()
            .filter(|it| it.from == Role::Seller && !agreed.contains(&it.hash));
        let hashes: BTreeSet<EntryHash> = theirs.map(|it| it.hash).collect();
        let whole = hashes.into_iter().filter_map(|hash| self.documents.whole(hash));
        whole.map(|whole| u64::from(whole.bytes)).sum()
    }

    /// Removes what no letter, no want and no wish speaks of any more.
    async fn sweep<B: Backend>(&self, backend: &B, all: &[Announced]) -> Result<(), Stopped> {
        let now = Instant::now();
        if self.ways().swept.is_some_and(|at| now.duration_since(at) < SWEEP) {
            return Ok(());
        }
        self.ways().swept = Some(now);
        let letters: BTreeSet<Key> = all.iter().map(Key::of).collect();
        let mut hashes: BTreeSet<EntryHash> = all.iter().map(|announced| announced.hash).collect();
        hashes.extend(backend.read(|_, market| market.documents_kept_back()).await?);
        let Ok(basket) = backend.basket().await else {
            return Ok(());
        };
        let said = basket
            .wishes
            .values()
            .flat_map(|want| want.once_signed.iter().chain(&want.once_accepted));
        hashes.extend(said.filter_map(|said| {
            let hash = said.strip_prefix("photo=").and_then(unhex)?;
            Some(EntryHash(hash.try_into().ok()?))
        }));
        self.ways().all.retain(|key, _| letters.contains(key));
        match self
            .on_disk(move |documents| documents.sweep(&letters, &hashes))
            .await?
        {
            Ok(0) => {}
            Ok(gone) => info!(gone, "documents that nothing speaks of any more were removed"),
            Err(why) => warn!(%why, "documents that nothing speaks of any more cannot be removed"),
        }
        Ok(())
    }

    /// Brings one document; `false` where its side does not answer now, so that the rest would wait in vain.
    async fn bring<B: Backend>(&self, backend: &B, announced: &Announced) -> bool {
        let key = Key::of(announced);
        self.change(key, |way| way.fetching = true);
        let brought = self.fetch(backend, announced).await;
        let mut goes_on = true;
        match brought {
            Ok(whole) => {
                info!(document = %key.hash.short(), bytes = whole.bytes, "a document is here");
                self.ways().all.remove(&key);
            }
            Err(Later::Never(why)) => {
                info!(document = %key.hash.short(), "a document is not taken");
                debug!(document = %key.hash.short(), why, "why");
                let noted = self.on_disk(move |documents| documents.refuse(&key, &why)).await;
                if let Ok(Err(why)) = noted {
                    warn!(%why, "that a document was refused could not be written down");
                }
                self.ways().all.remove(&key);
            }
            Err(Later::Wait(why, at_least)) => {
                goes_on = false;
                debug!(document = %key.hash.short(), why, "a document waits");
                let share = u32::from(key.hash.0[0]);
                self.change(key, |way| {
                    let wait = FIRST_WAIT.saturating_mul(1 << way.tries.min(12)).min(LAST_WAIT);
                    // A share that differs from one to the next, so that not all come back at once.
                    let wait = wait + wait * share / 1024;
                    way.fetching = false;
                    way.tries += 1;
                    way.why = why;
                    way.not_before = Some(Instant::now() + wait.max(at_least));
                });
            }
            Err(Later::Stopped) => goes_on = false,
        }
        goes_on
    }

    fn change(&self, key: Key, change: impl FnOnce(&mut Progress)) {
        change(self.ways().all.entry(key).or_default());
    }

    async fn fetch<B: Backend>(&self, backend: &B, announced: &Announced) -> Result<Whole, Later> {
        let key = Key::of(announced);
        let told = announced.told.as_ref();
        if let Some(told) = told
            && Form::of_mime(told.mime.as_str()).is_none()
        {
            return Err(Later::Never(format!("{} is not taken", told.mime)));
        }
        let start = self.documents.resume_at(&key);
        match self.fetch_from(backend, announced, start).await {
            // What lay here from before may have been spoiled by a fall: only what came in one go is held against anybody.
            Err(Later::Never(_)) if start > 0 => {
                debug!(document = %key.hash.short(), "what had come before does not fit: it begins anew");
                self.on_disk(move |documents| documents.drop_part(&key))
                    .await?
                    .map_err(wait)?;
                self.fetch_from(backend, announced, 0).await
            }
            ended => ended,
        }
    }

    async fn fetch_from<B: Backend>(&self, backend: &B, announced: &Announced, start: u32) -> Result<Whole, Later> {
        let key = Key::of(announced);
        let told = announced.told.clone();
        let mut offset = start;
        let mut of = told.as_ref().map(|told| told.bytes);
        loop {
            let (total, bytes) = self.piece(backend, announced, offset).await?;
            if let Some(said) = of.filter(|of| *of != total) {
                return Err(Later::Never(format!(
                    "it was announced with {said} bytes, and has {total}"
                )));
            }
            of = Some(total);
            let next = offset + u32::try_from(bytes.len()).expect("a piece is short");
            let appended = self
                .on_disk(move |documents| documents.append(&key, offset, &bytes))
                .await?;
            appended.map_err(wait)?;
            offset = next;
            self.change(key, |way| {
                way.of = of;
                way.tries = 0;
            });
            if offset == total {
                break;
            }
        }
        let finished = self
            .on_disk(move |documents| documents.finish(&key, told.as_ref()))
            .await?;
        finished.map_err(|why| match why {
            NotKept::Unfit(why) => Later::Never(why),
            NotKept::OtherBytes => Later::Never(NotKept::OtherBytes.to_string()),
            NotKept::NoRoom | NotKept::Disk(_) => wait(why),
        })
    }

    /// One piece, when it may be asked for.
    async fn piece<B: Backend>(
        &self,
        backend: &B,
        announced: &Announced,
        offset: u32,
    ) -> Result<(u32, Vec<u8>), Later> {
        self.pace(announced).await;
        let command = Command::Fetch {
            thread: announced.thread,
            hash: announced.hash,
            offset,
        };
        let answered = timeout(ANSWER, backend.command(command))
            .await
            .map_err(|_| wait("the other side does not answer"))?;
        match answered {
            Ok(Answered::Piece { total, bytes }) => Ok((total, bytes.into_vec())),
            Ok(other) => Err(wait(format!("the market answered {other:?}"))),
            Err(CommandError::Stopped(_)) => Err(Later::Stopped),
            Err(CommandError::Denied(Denied::Unanswered(why))) => Err(match why {
                Refusal::Busy { retry } => Later::Wait(
                    "the other side asks to wait".into(),
                    Duration::from_secs(retry.0.into()).min(LAST_WAIT),
                ),
                Refusal::Early | Refusal::NotStored => wait("the other side cannot read it for now"),
                Refusal::Malformed => wait("what the other side sends is no piece of it"),
                why => wait(format!("the other side does not give it ({})", why.word())),
            }),
            Err(CommandError::Denied(why)) => Err(wait(why)),
        }
    }

    /// Waits until the next piece may be asked of that side: a minute's worth at once, and then evenly.
    async fn pace(&self, announced: &Announced) {
        let interval = Duration::from_secs(60) / limits::PIECES_PER_MINUTE;
        let whom = match announced.from {
            Role::Seller => RecordId(announced.thread.seller.0),
            Role::Customer => announced.thread.hash(),
        };
        let at = {
            let mut ways = self.ways();
            let now = Instant::now();
            // When the minute's worth would be there again whole.
            let whole = ways.paces.get(&whom).copied().unwrap_or(now).max(now) + interval;
            ways.paces.insert(whom, whole);
            whole.checked_sub(Duration::from_secs(60)).unwrap_or(now)
        };
        sleep_until(at).await;
    }
}
