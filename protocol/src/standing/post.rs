//! Where an interest lies, and what is seen of it there: enough that most that a thing does not answer are passed by
//! without a look at the interest itself.

use super::{
    interest::{Limits, of_kind},
    lexicon::Lexicon,
    thing::Thing,
};
use crate::{
    category::{CategoryId, GENERAL},
    intent::{Condition, Conditions},
    money::{Currency, Money},
};

/// Words besides the one that it lies under.
const ALSO: usize = 3;
/// Sets of words that a wording may lie under, each of one size, for nothing more to be asked of its words.
const SETS: usize = 6;
/// Threes or twos of words that a longer wording may lie under.
const FIRST: usize = 10;
/// No wish.
pub const NONE: u32 = u32::MAX;

/// An interest where it lies. What is said here in fewer bits than the interest has never passes by what the
/// interest would take.
#[derive(Clone, Copy, Debug)]
pub struct Post {
    /// Words that must be there besides the two that it lies under, or one of those again.
    others: [u32; ALSO - 1],
    /// The least and the most that one piece costs.
    prices: (u32, u32),
    /// Of the prices; without one they say nothing.
    currency: Option<Currency>,
    category: CategoryId,
    /// The number of the place and the ways.
    pub place: u32,
    /// The number of the one wish, or [`NONE`].
    pub wish: u32,
    states: u8,
    /// Whether more is asked than this says.
    pub more: bool,
    pieces: u16,
    /// Which interest.
    pub kept: u32,
}

impl Post {
    /// What is seen of an interest that has these limits, its place and ways of this number, before its words.
    pub fn of(limits: &Limits, place: u32, kept: u32) -> Self {
        let (mut prices, mut more) = ((0, u32::MAX), false);
        if let Some(asked) = limits.prices {
            prices = (short(asked.least), short(asked.most));
            more |= asked.most < 0;
        }
        let pieces = u16::try_from(limits.pieces).unwrap_or(u16::MAX);
        Self {
            others: [0; ALSO - 1],
            prices,
            currency: limits.prices.map(|asked| asked.currency),
            category: limits.category.unwrap_or(GENERAL),
            place,
            wish: NONE,
            states: limits.conditions.map_or(u8::MAX, states),
            more: more || u32::from(pieces) != limits.pieces,
            pieces,
            kept,
        }
    }

    /// The most that it pays, if a price is said.
    pub fn dearest(&self) -> u32 {
        if self.currency.is_some() {
            self.prices.1
        } else {
            u32::MAX
        }
    }

    /// The places where a wording lies: it needs `least` of its words, the rarest first.
    ///
    /// Few words lie under each set of `least` of them. Of more, whatever answers has three that come before all its
    /// others, the first among the `words - least + 1` rarest, the second among those and the next, and so on: they lie
    /// under each such three, or where those are many each such two, or the first alone.
    pub fn each(self, words: &[u32], least: usize, mut see: impl FnMut(u32, u32, Post)) {
        let spare = words.len() - least;
        let mut put = |under: u32, [second, others @ ..]: [u32; ALSO], more: bool| {
            let post = Post {
                others,
                more: self.more || more,
                ..self
            };
            see(under, second, post);
        };
        if least <= ALSO + 1 && sets(words.len(), least) <= SETS {
            for set in 0..1u32 << words.len() {
                if set.count_ones() as usize == least {
                    let mut members = words
                        .iter()
                        .enumerate()
                        .filter(|(at, _)| set >> at & 1 == 1)
                        .map(|(_, word)| *word);
                    let under = members.next().expect("a wording needs a word at least");
                    put(under, [(); ALSO].map(|()| members.next().unwrap_or(under)), false);
                }
            }
        } else if least > 2 && (spare + 1) * (spare + 2) * (spare + 3) / 6 <= FIRST {
            for (at, under) in words[..=spare].iter().enumerate() {
                for (next, second) in words[..=spare + 1].iter().enumerate().skip(at + 1) {
                    for third in &words[next + 1..=spare + 2] {
                        put(*under, [*second, *third, *third], true);
                    }
                }
            }
        } else if least > 1 && (spare + 1) * (spare + 2) / 2 <= FIRST {
            for (at, under) in words[..=spare].iter().enumerate() {
                for second in &words[at + 1..=spare + 1] {
                    put(*under, [*second; ALSO], true);
                }
            }
        } else {
            for under in &words[..=spare] {
                put(*under, [*under; ALSO], true);
            }
        }
    }
}

/// How many sets of `least` there are among so many words, or more than [`SETS`].
fn sets(words: usize, least: usize) -> usize {
    match words - least {
        0 => 1,
        1 => words,
        2 => words * (words - 1) / 2,
        _ => SETS + 1,
    }
}

/// An amount in fewer bits, of which a larger one is never smaller.
fn short(minor: i64) -> u32 {
    minor.clamp(0, i64::from(u32::MAX)) as u32
}

fn states(conditions: Conditions) -> u8 {
    let has = |state: &&Condition| conditions.has(**state);
    Condition::ALL
        .iter()
        .filter(has)
        .fold(0, |bits, state| bits | 1 << *state as u8)
}

/// A thing as posts are held against it.
#[derive(Debug)]
pub struct Look<'a> {
    pub thing: &'a Thing<'a>,
    /// Its words by number: those that any interest has.
    pub words: Vec<u32>,
    /// The words once more, each at the first slot from its own that was free: four times as many slots, so that a
    /// glance or two tell whether a word is there.
    slots: Vec<u32>,
    /// A bit for each word, shared by words: half a kilobyte that stays at hand.
    coarse: [u64; COARSE / 64],
    price: u32,
    currency: Currency,
    states: u8,
    pieces: u32,
    /// Whether the price in fewer bits is the price.
    plain: bool,
}

/// No word's number.
const FREE: u32 = u32::MAX;

impl<'a> Look<'a> {
    pub fn at(thing: &'a Thing<'a>, lexicon: &Lexicon) -> Self {
        let words = thing.numbers(lexicon);
        let mut slots = vec![FREE; (words.len() * 4).next_power_of_two()];
        for word in &words {
            let mut at = first(*word, slots.len());
            while slots[at] != FREE {
                at = (at + 1) & (slots.len() - 1);
            }
            slots[at] = *word;
        }
        let mut coarse_bits = [0; COARSE / 64];
        // Of posts without words their others are zero.
        for word in words.iter().chain(&[0]) {
            let bit = coarse(*word);
            coarse_bits[bit / 64] |= 1u64 << (bit % 64);
        }
        let Money { minor, currency } = thing.each;
        Self {
            thing,
            words,
            slots,
            coarse: coarse_bits,
            price: short(minor),
            currency,
            states: states(thing.conditions),
            pieces: thing.pieces.unwrap_or(u32::MAX),
            plain: (0..i64::from(u32::MAX)).contains(&minor),
        }
    }

    #[inline]
    pub fn has(&self, word: u32) -> bool {
        let mut at = first(word, self.slots.len());
        loop {
            match self.slots[at] {
                FREE => return false,
                there if there == word => return true,
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }

    /// Whether the post lets the thing through, its category, place and wish aside, and some though their words are
    /// not all there.
    #[inline]
    pub fn may_pass(&self, post: &Post) -> bool {
        // No lazy operators: which of them says no cannot be guessed, and a wrong guess takes longer than all of them.
        let priced = post.currency.is_none()
            | ((post.currency == Some(self.currency)) & (post.prices.0 <= self.price) & (self.price <= post.prices.1));
        self.may_have(post.others[0])
            & self.may_have(post.others[1])
            & priced
            & (post.states & self.states != 0)
            & (self.pieces >= u32::from(post.pieces))
    }

    /// Whether what [`Look::may_pass`] passes in all but its place and wish.
    #[inline]
    pub fn passes(&self, post: &Post, worded: bool) -> bool {
        of_kind(post.category, self.thing, worded) && (!worded || post.others.iter().all(|word| self.has(*word)))
    }

    #[inline]
    fn may_have(&self, word: u32) -> bool {
        let bit = coarse(word);
        self.coarse[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// Whether what the post lets through is not known to be taken.
    #[inline]
    pub fn doubts(&self, post: &Post) -> bool {
        post.more || !self.plain
    }
}

/// Bits of the coarse answer to whether a thing has a word.
const COARSE: usize = 4_096;

#[inline]
fn coarse(word: u32) -> usize {
    (word.wrapping_mul(0x9e37_79b9) >> 20) as usize % COARSE
}

fn first(word: u32, slots: usize) -> usize {
    (word.wrapping_mul(0x9e37_79b9) >> 16) as usize & (slots - 1)
}
