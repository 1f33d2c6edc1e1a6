//! Every bound on what a stranger may feed us, in one place, each with its arithmetic.

use crate::time::Seconds;

/// The wire version that this code speaks.
pub const VERSION: u8 = 1;

/// Largest gossip message, bytes. An intent with every field full is about 5 KiB; two such would not be one message.
pub const GOSSIP_BYTES: usize = 8 * 1024;
/// Largest envelope body of a record that travels by gossip, bytes: half the message, so the envelope always fits.
pub const INTENT_BODY_BYTES: usize = 4 * 1024;
/// Largest frame on a direct stream, bytes: an agreement carries an intent, an amendment, an offer and two signatures
/// over them: 4 + 4 + 4 KiB and two short records, below 16 KiB.
pub const FRAME_BYTES: usize = 16 * 1024;
/// Largest envelope body of any record, bytes: what leaves room for header, stamp and signature (under 256 bytes) in a
/// frame that carries one record.
pub const BODY_BYTES: usize = FRAME_BYTES - 512;
/// Largest body of an offer, bytes, so that an agreement of two intent bodies and an offer fits one frame.
pub const OFFER_BODY_BYTES: usize = 4 * 1024;

/// An intent lives at most this long: two weeks are a long want, and what has expired is forgotten everywhere.
pub const INTENT_LIFE: Seconds = Seconds(14 * 24 * 3600);
/// An offer lives at most this long after the intent's last moment.
pub const OFFER_LIFE: Seconds = Seconds(30 * 24 * 3600);
/// A record of an agreement (acceptance, confirmation, receipt) stays verifiable this long: ten years of warranty law.
pub const DEED_LIFE: Seconds = Seconds(10 * 366 * 24 * 3600);
/// A question for what the other side of a deal holds stays good this long: it is answered at once or not at all.
pub const INQUIRY_LIFE: Seconds = Seconds(5 * 60);
/// How long a receipt is brought to a customer who does not answer: a quarter of a year, counted from the newest.
pub const RECEIPT_POSTING: Seconds = Seconds(90 * 24 * 3600);
/// How far ahead of ours a stranger's clock may run.
pub const CLOCK_SKEW: Seconds = Seconds(120);

/// Leading zero bits that the stamp of a gossiped record must show: 2^12 hashes are about a millisecond for the one
/// who casts and one hash for each who hears; a flood of a thousand intents a second costs its sender a core.
pub const GOSSIP_STAMP_BITS: u32 = 12;

/// Title of a want or of an item, bytes of UTF-8.
pub const TITLE_BYTES: usize = 160;
/// Free text of a want, bytes of UTF-8: a tenth of the body.
pub const TEXT_BYTES: usize = 512;
/// Name of a person's or shop's choosing, bytes of UTF-8.
pub const NAME_BYTES: usize = 80;
/// Name of an attribute, strand, purpose or clause, bytes.
pub const WORD_BYTES: usize = 48;
/// Text value of an attribute, bytes.
pub const VALUE_BYTES: usize = 80;
/// Attributes that a want may name: 16 x (48 + 80) bytes are half the body.
pub const ATTRIBUTES: usize = 16;
/// Standing interests that one node keeps: ten thousand of at most 4 KiB are 40 MiB of its disk, and each intent heard is
/// held against them in microseconds.
pub const INTERESTS: usize = 10_000;
/// Sellers of whom a customer thinks anything: each is 33 bytes, and a person who names so many has a program.
pub const REGARDS: usize = 10_000;
/// Favourites that a want is told before all others: each is a stream of its own, and more of them are not first.
pub const FAVOURITES: usize = 64;
/// Terms that an intent may ask for.
pub const TERMS: usize = 8;
/// Strands of personal data that an intent may let be asked, and an offer may ask.
pub const STRANDS: usize = 8;
/// Fields that an intent may withhold: 8 x (48 + 32 + 2) bytes are a sixth of its body.
pub const WITHHELD: usize = 8;
/// Lines of one offer.
pub const LINES: usize = 8;
/// Peer id, bytes: an identity multihash of an ed25519 key is 38, a SHA-256 one 34.
pub const PEER_ID_BYTES: usize = 64;
/// One binary multiaddr, bytes: a relayed address with two peer ids is about 100.
pub const ADDR_BYTES: usize = 128;
/// Addresses on a reply path.
pub const ADDRS: usize = 8;
/// Offers that a customer takes in for one intent, whatever the intent says.
pub const OFFERS_PER_INTENT: u16 = 64;
/// Offers that one seller may send to one intent, whatever the intent says.
pub const OFFERS_PER_SELLER: u8 = 16;
/// Amendments that one intent may see: one an hour for half its life.
pub const AMENDMENTS: u32 = 168;
/// Receipts that one agreement may gather: confirmed, paid, ten parcels there and back, refunded, with room.
pub const RECEIPTS_PER_AGREEMENT: usize = 64;

/// Intents that a node keeps open to relay and to hand to late listeners: 20,000 x about 1 KiB is 20 MiB at most at
/// 1 KiB each; the byte bound below holds when they are larger.
pub const OPEN_INTENTS: usize = 20_000;
/// Bytes of open intents kept, whatever their count.
pub const OPEN_INTENT_BYTES: usize = 16 * 1024 * 1024;
/// Intents of which an amendment or a withdrawal came before they did: 256 x 2 x 5 KiB are 2.5 MiB.
pub const EARLY: usize = 256;
/// Such records kept for one intent.
pub const EARLY_PER_INTENT: usize = 2;
/// Ids remembered as seen: 100,000 x 48 bytes are 5 MiB.
pub const SEEN: usize = 100_000;
/// Refused records kept per intent to be shown: a flood must not fill the disk.
pub const REFUSALS_PER_INTENT: usize = 32;
/// Open intents that one customer may have at once.
pub const OWN_INTENTS: usize = 256;
/// Frames that one peer may send a minute before it is told to wait, and how many at once.
pub const FRAMES_PER_MINUTE: u32 = 240;
/// Gossip messages that one peer may bring a minute, and how many at once: 50 a second is busier than any topic the
/// simulator has shown.
pub const GOSSIP_PER_MINUTE: u32 = 3_000;
/// Peers whose rates are remembered.
pub const METERED_PEERS: usize = 4_096;
/// Intents asked of a peer in one pull, bounded by the frame anyway.
pub const PULL: usize = 64;
/// Candidates that a search may hand to the market for one intent.
pub const CANDIDATES: usize = 512;

/// Rounds of haggling that a want may allow: whoever needs more should meet.
pub const ROUNDS: u8 = 16;
/// Fields that a counter-offer or a proposal may change: every field there is, with room.
pub const CHANGES: usize = 8;
/// Fields that one letter may open of what a want withheld.
pub const DISCLOSURES: usize = 8;
/// An offer inside a letter, bytes: its body and an envelope around it.
pub const REVISED_BYTES: usize = OFFER_BODY_BYTES + 256;
/// Largest body of a letter, bytes: a revised offer, a reply path and the chain around them, below half a frame.
pub const LETTER_BODY_BYTES: usize = 7 * 1024;
/// A rating ticket, bytes: two keys, an envelope.
pub const TICKET_BYTES: usize = 512;
/// Others that a strand may go to.
pub const RECIPIENTS: usize = 4;
/// Things that a seller may keep of one strand by law: invoice, warranty, tax, and one more.
pub const KEPT: usize = 4;
/// One photo or document, bytes: what a telephone's camera makes.
pub const DOCUMENT_BYTES: usize = 4 * 1024 * 1024;
/// A piece of a document, bytes: what leaves room for version, number, hash, total, offset and length (under 64 bytes)
/// in a frame. A document of 4 MiB is 274 of them.
pub const PIECE_BYTES: usize = 15 * 1024;
/// Pieces that one side asks of the other a minute, and how many at once: half of the frames that it may send, so that
/// its letters never wait for a photo. 1.75 MiB come at once, and 4 MiB within 77 s.
pub const PIECES_PER_MINUTE: u32 = FRAMES_PER_MINUTE / 2;
/// Documents that each side may announce in one thread: 16 x 4 MiB are half of all that the other side keeps.
pub const DOCUMENTS_PER_SIDE: usize = 16;
/// Letters that each side may write in one thread: one a day for five years of warranty; 2,048 x 8 KiB are 16 MiB of
/// the other side's disk at most, and less than one in practice.
pub const LETTERS_PER_SIDE: usize = 2_048;
/// Threads about one want in which sellers have written who have made no offer: as many as there are offers.
pub const THREADS_PER_INTENT: usize = 64;
/// Questions that one side of a thread may leave unanswered before it must wait.
pub const OPEN_QUESTIONS: usize = 16;
/// How long after a grant's end the seller's last report and its deletion receipt may take: it deletes at the end, and
/// a receipt is under way for an hour where somebody's node is down.
pub const AFTER_GRANT: Seconds = Seconds(3600);
/// Records on one page of what somebody lacks of a conversation; the page's bytes are the nearer bound. 32 of the usual
/// 300 bytes are 10 KiB.
pub const RECALLED: usize = 32;
/// Bytes of those records, each with its length of 3: what leaves room for version, number and count in a frame.
pub const RECALLED_BYTES: usize = FRAME_BYTES - 64;
/// Pages that are asked for in a row: 2 x 2,048 letters and 64 receipts with room, two on a page at the least, since the
/// longest letter is below half a frame. Whoever sends more sends what is not wanted.
pub const RECALLED_PAGES: u32 = 2_200;
/// How often a restored node doubts a conversation because the other side's letter follows one that is not here: an honest
/// node loses its newest records a few times in its life; whoever claims more is not believed.
pub const DOUBTS: u32 = 8;
/// How long a want with an offer of ours is kept for a customer who has not said, after a restore, whether it accepted.
pub const UNSURE_FOR: Seconds = Seconds(30 * 24 * 3600);
/// Strands that a seller may ask for in one thread, over its whole life.
pub const REQUESTS_PER_THREAD: usize = 64;

/// A value that is sealed to one seller, bytes: an address of ten lines is 500, and a letter that carries it still fits
/// its frame seven times.
pub const SEALED_VALUE_BYTES: usize = 2 * 1024;
/// What a value is padded to a multiple of before it is sealed, bytes, so that its length tells little: most values,
/// from a shoe size to a mail address, are one block.
pub const SEALED_BLOCK_BYTES: usize = 64;
/// A sealed value, bytes: the sender's one-time key 32, length 2, value and padding up to 33 blocks, tag 16.
pub const SEALED_BYTES: usize = 32 + (2 + SEALED_VALUE_BYTES).next_multiple_of(SEALED_BLOCK_BYTES) + 16;
