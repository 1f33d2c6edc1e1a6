//! The envelope every signed record travels in, and the two types that keep the unverified from the verified.
//!
//! What is signed is what travels: a domain tag and the envelope's own bytes up to the signature. Those bytes are kept
//! as they came and never encoded again to verify them.

use std::{fmt, marker::PhantomData, ops::Deref, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    codec::{decode, encode},
    fault::Fault,
    id::{RecordId, digest},
    keys::{Key, PublicKey, Signature},
    limits,
    list::Bytes,
    time::{Seconds, Timestamp},
};

const SIGN_TAG: &[u8] = b"intentcast/1/sign\0";
const SIGNATURE_BYTES: usize = 64;

/// What a record is. The numbers are the wire's and never change their meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// [`crate::intent::Intent`]
    Intent = 1,
    /// [`crate::intent::Amendment`]
    Amendment = 2,
    /// [`crate::intent::Withdrawal`]
    Withdrawal = 3,
    /// [`crate::offer::Offer`]
    Offer = 4,
    /// [`crate::offer::Decline`]
    Decline = 5,
    /// [`crate::deed::Acceptance`]
    Acceptance = 6,
    /// [`crate::deed::Confirmation`]
    Confirmation = 7,
    /// [`crate::receipt::Receipt`]
    Receipt = 8,
    /// [`crate::letter::Letter`]
    Letter = 9,
    /// [`crate::rating::Ticket`]
    Ticket = 10,
    /// [`crate::rating::Rating`]
    Rating = 11,
    /// [`crate::deed::Inquiry`]
    Inquiry = 12,
    /// [`crate::document::Fetch`]
    Fetch = 13,
    /// [`crate::recall::Recall`]
    Recall = 14,
}

impl Kind {
    /// Every kind that this version knows.
    pub const ALL: [Self; 14] = [
        Self::Intent,
        Self::Amendment,
        Self::Withdrawal,
        Self::Offer,
        Self::Decline,
        Self::Acceptance,
        Self::Confirmation,
        Self::Receipt,
        Self::Letter,
        Self::Ticket,
        Self::Rating,
        Self::Inquiry,
        Self::Fetch,
        Self::Recall,
    ];

    /// The kind with this number on the wire.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// The word for it, as evidence and the golden vectors have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Amendment => "amendment",
            Self::Withdrawal => "withdrawal",
            Self::Offer => "offer",
            Self::Decline => "decline",
            Self::Acceptance => "acceptance",
            Self::Confirmation => "confirmation",
            Self::Receipt => "receipt",
            Self::Letter => "letter",
            Self::Ticket => "ticket",
            Self::Rating => "rating",
            Self::Inquiry => "inquiry",
            Self::Fetch => "fetch",
            Self::Recall => "recall",
        }
    }
}

/// A body that can be signed.
pub trait Record: Serialize + DeserializeOwned + Clone + fmt::Debug {
    /// Its number on the wire.
    const KIND: Kind;
    /// Largest encoded body, bytes.
    const MAX_BODY: usize;
    /// Leading zero bits its stamp must show; none for what goes to one peer over a metered stream.
    const STAMP_BITS: u32;
    /// Longest time from created to expires.
    const LIFE: Seconds;

    /// The semantic stage: what must hold between the fields, whoever sent them and whatever else is known.
    ///
    /// # Errors
    /// [`Fault::Invalid`] naming the field.
    fn check(&self, header: &Header) -> Result<(), Fault>;
}

/// Who says it, and from when until when it counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// What the body is.
    pub kind: Kind,
    /// Who signed.
    pub author: PublicKey,
    /// When, by the author's clock.
    pub created: Timestamp,
    /// From when on it counts no more.
    pub expires: Timestamp,
}

impl Header {
    /// The contextual stage's share that needs a clock: neither from the future nor over.
    ///
    /// # Errors
    /// [`Fault::FromTheFuture`], [`Fault::Expired`].
    pub fn timely(&self, now: Timestamp) -> Result<(), Fault> {
        if self.created > now.plus(limits::CLOCK_SKEW) {
            return Err(Fault::FromTheFuture);
        }
        if self.expires <= now {
            return Err(Fault::Expired);
        }
        Ok(())
    }
}

/// The envelope as it is laid out on the wire.
#[derive(Serialize, Deserialize)]
struct Wire {
    version: u8,
    kind: u8,
    author: PublicKey,
    created: Timestamp,
    expires: Timestamp,
    stamp: u64,
    body: Bytes<{ limits::BODY_BYTES }>,
    signature: Signature,
}

impl Wire {
    /// What the stamp is worked out over: everything signed but itself, in one short message.
    fn stamped(&self) -> [u8; 32] {
        digest(
            "intentcast/1/stamped",
            &[
                &[self.version, self.kind],
                &self.author.0,
                &self.created.0.to_le_bytes(),
                &self.expires.0.to_le_bytes(),
                &self.body,
            ],
        )
    }
}

fn stamp_bits(stamped: &[u8; 32], stamp: u64) -> u32 {
    let hash = digest("intentcast/1/stamp", &[stamped, &stamp.to_le_bytes()]);
    u64::from_be_bytes(hash[..8].try_into().expect("eight of 32 bytes")).leading_zeros()
}

fn signed_message(prefix: &[u8]) -> Vec<u8> {
    [SIGN_TAG, prefix].concat()
}

/// An envelope off the wire whose structure is right and whose signature nobody has checked.
///
/// The body is out of reach until [`Signed::verify`].
#[derive(Clone)]
pub struct Signed<T> {
    bytes: Arc<[u8]>,
    header: Header,
    signature: Signature,
    stamp: u64,
    stamped: [u8; 32],
    body: Vec<u8>,
    id: RecordId,
    record: PhantomData<T>,
}

/// The kind of the envelope that `bytes` seem to be, to choose the type to parse them as.
pub fn kind_of(bytes: &[u8]) -> Option<Kind> {
    match bytes {
        [version, kind, ..] if *version == limits::VERSION => Kind::from_number(*kind),
        _ => None,
    }
}

/// The id of the record in `bytes`: the hash of what was signed. Any bytes have one.
pub fn record_id(bytes: &[u8]) -> RecordId {
    RecordId(digest(
        "intentcast/1/record",
        &[&bytes[..bytes.len().saturating_sub(SIGNATURE_BYTES)]],
    ))
}

impl<T: Record> Signed<T> {
    /// The structural stage: an envelope of this version and kind, within its size and its life.
    ///
    /// # Errors
    /// [`Fault`]; never a panic, whatever the bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        match bytes.first() {
            None => return Err(Fault::Missing("envelope")),
            Some(version) if *version != limits::VERSION => return Err(Fault::Unsupported { version: *version }),
            Some(_) => {}
        }
        if bytes.len() > limits::FRAME_BYTES {
            return Err(Fault::Exceeded {
                what: "envelope bytes",
                limit: limits::FRAME_BYTES as u64,
            });
        }
        let wire: Wire = decode(bytes)?;
        if wire.kind != T::KIND as u8 {
            return Err(Fault::Unexpected { kind: wire.kind });
        }
        if wire.body.len() > T::MAX_BODY {
            return Err(Fault::Exceeded {
                what: "body bytes",
                limit: T::MAX_BODY as u64,
            });
        }
        if wire.expires <= wire.created {
            return Err(Fault::Invalid {
                field: "expires",
                why: "not after it was created".into(),
            });
        }
        if wire.expires > wire.created.plus(T::LIFE) {
            return Err(Fault::Exceeded {
                what: "life in seconds",
                limit: u64::from(T::LIFE.0),
            });
        }
        Ok(Self {
            header: Header {
                kind: T::KIND,
                author: wire.author,
                created: wire.created,
                expires: wire.expires,
            },
            signature: wire.signature,
            stamp: wire.stamp,
            stamped: wire.stamped(),
            body: wire.body.into_vec(),
            id: record_id(bytes),
            bytes: bytes.into(),
            record: PhantomData,
        })
    }

    /// What the body claims, signed or not: to say what was refused, and for nothing else.
    pub fn claim(&self) -> Option<T> {
        decode(&self.body).ok()
    }

    /// Who claims to say it, and from when until when.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The hash of what was signed.
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// The contextual stage's share that needs a clock: neither from the future nor over.
    ///
    /// # Errors
    /// [`Fault::FromTheFuture`], [`Fault::Expired`].
    pub fn timely(&self, now: Timestamp) -> Result<(), Fault> {
        self.header.timely(now)
    }

    /// Checks stamp, signature and body, cheapest first, and opens the body.
    ///
    /// # Errors
    /// [`Fault::BadStamp`], [`Fault::BadSignature`], or what is wrong in the body.
    pub fn verify(self) -> Result<Verified<T>, Fault> {
        if T::STAMP_BITS > 0 && stamp_bits(&self.stamped, self.stamp) < T::STAMP_BITS {
            return Err(Fault::BadStamp);
        }
        let prefix = &self.bytes[..self.bytes.len() - SIGNATURE_BYTES];
        self.header
            .author
            .verify(&signed_message(prefix), &self.signature)
            .map_err(|_| Fault::BadSignature)?;
        let body: T = decode(&self.body)?;
        body.check(&self.header)?;
        Ok(Verified {
            bytes: self.bytes,
            header: self.header,
            body,
            id: self.id,
        })
    }
}

/// A record whose signature, stamp and fields have been checked. It comes from [`Signed::verify`] or [`sign`] alone.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    bytes: Arc<[u8]>,
    header: Header,
    body: T,
    id: RecordId,
}

impl<T> Verified<T> {
    /// The bytes as they were signed and travelled.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Who said it, and from when until when.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The hash of what was signed.
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// What was said.
    pub fn body(&self) -> &T {
        &self.body
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.body
    }
}

/// A verified record is kept as the bytes that were signed, and verified again when it is read back.
impl<T> Serialize for Verified<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&crate::id::hex(&self.bytes))
        } else {
            serializer.serialize_bytes(&self.bytes)
        }
    }
}

impl<'de, T: Record> Deserialize<'de> for Verified<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Bytes::<{ limits::FRAME_BYTES }>::deserialize(deserializer)?;
        open(&bytes).map_err(serde::de::Error::custom)
    }
}

/// Signs `body` as `key`'s record, with a stamp where its kind needs one.
///
/// # Errors
/// What [`Signed::parse`] and [`Record::check`] would refuse: nobody signs what others would throw away.
pub fn sign<T: Record>(key: &Key, created: Timestamp, expires: Timestamp, body: T) -> Result<Verified<T>, Fault> {
    let encoded = encode(&body);
    if encoded.len() > T::MAX_BODY {
        return Err(Fault::Exceeded {
            what: "body bytes",
            limit: T::MAX_BODY as u64,
        });
    }
    let header = Header {
        kind: T::KIND,
        author: key.public(),
        created,
        expires,
    };
    body.check(&header)?;
    let mut wire = Wire {
        version: limits::VERSION,
        kind: T::KIND as u8,
        author: header.author,
        created,
        expires,
        stamp: 0,
        body: Bytes::new(encoded).expect("a body within its kind's limit is within the envelope's"),
        signature: Signature([0; SIGNATURE_BYTES]),
    };
    if T::STAMP_BITS > 0 {
        let stamped = wire.stamped();
        wire.stamp = (0..u64::MAX)
            .find(|stamp| stamp_bits(&stamped, *stamp) >= T::STAMP_BITS)
            .unwrap_or_default();
    }
    let mut bytes = encode(&wire);
    let at = bytes.len() - SIGNATURE_BYTES;
    let signature = key.sign(&signed_message(&bytes[..at]));
    bytes[at..].copy_from_slice(&signature.0);
    let signed = Signed::<T>::parse(&bytes)?;
    Ok(Verified {
        bytes: signed.bytes,
        header,
        body,
        id: signed.id,
    })
}

/// Parses and verifies in one step, without regard to the clock: for records out of a store or a file.
///
/// # Errors
/// As [`Signed::parse`] and [`Signed::verify`].
pub fn open<T: Record>(bytes: &[u8]) -> Result<Verified<T>, Fault> {
    Signed::parse(bytes)?.verify()
}
