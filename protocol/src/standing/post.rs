//! Where an interest lies, and what is seen of it there: enough that most that a thing does not answer are passed by
//! without a look at the interest itself.

use std::cmp::Reverse;

use super::{interest::Prices, lexicon::Lexicon, thing::Thing};

/// Words that a post tells.
const DEPTH: usize = 4;
/// Posts that one wording may have where it tells more than one word of each.
const POSTS: usize = 20;
/// No wish.
pub const NONE: u32 = u32::MAX;

/// An interest where it lies. What is said here in fewer bits than the interest has never passes by what the
/// interest would take. It is small, since a look at a thing is mostly waiting for these to come from memory.
#[derive(Clone, Copy, Debug)]
pub struct Post {
    /// Words that must be there besides the two that it lies under, or one of those again.
    others: [u32; DEPTH - 2],
    /// The least and the most that one piece costs.
    prices: (u32, u32),
    /// The number of its bounds.
    pub bounds: u32,
    /// The number of the one wish, or [`NONE`].
    pub wish: u32,
    /// Twice which interest it is, and one more where more is asked than this says.
    which: u32,
}

impl Post {
    /// What is seen of an interest before its words: its prices, and the number of its bounds.
    pub fn of(prices: Option<Prices>, bounds: u32, kept: u32) -> Self {
        let (least, most) = prices.map_or((0, i64::MAX), |asked| (asked.least, asked.most));
        Self {
            others: [0; DEPTH - 2],
            prices: (short(least), short(most)),
            bounds,
            wish: NONE,
            which: kept << 1 | u32::from(most < 0),
        }
    }

    /// Which interest.
    pub fn kept(&self) -> u32 {
        self.which >> 1
    }

    /// The key of an order in which those come first that pay most.
    pub fn dearest_first(&self) -> (Reverse<u32>, u32) {
        (Reverse(self.prices.1), self.which)
    }

    /// Whether more is asked than this says.
    pub fn is_short(&self) -> bool {
        self.which & 1 == 1
    }

    /// The same, and more is asked than it says.
    pub fn shortened(self) -> Self {
        Self {
            which: self.which | 1,
            ..self
        }
    }

    /// The places where a wording lies: it needs `least` of its words, the rarest first. Each is under two words.
    ///
    /// Whatever answers has some `depth` words that come before all its others, and those are among the
    /// `words - least + depth` rarest: it lies under each set of `depth` of them, as deep as there are not too many.
    pub fn each(self, words: &[u32], least: usize, mut see: impl FnMut(u32, u32, Self)) {
        let spare = words.len() - least;
        let depths = (2..=DEPTH.min(least)).rev();
        let depth = depths
            .into_iter()
            .find(|depth| sets(spare + depth, *depth) <= POSTS)
            .unwrap_or(1);
        let post = if least > depth { self.shortened() } else { self };
        let mut chosen: Vec<usize> = (0..depth).collect();
        loop {
            let word = |at: usize| words[chosen[at.min(depth - 1)]];
            let others = [word(2), word(3)];
            see(word(0), word(1), Self { others, ..post });
            // The next set in order: the last word that can still go on does, and those behind it follow it closely.
            let Some(at) = (0..depth).rev().find(|at| chosen[*at] < spare + at) else {
                return;
            };
            let from = chosen[at] + 1;
            for (place, word) in chosen[at..].iter_mut().zip(from..) {
                *place = word;
            }
        }
    }
}

/// How many sets of `members` there are among `of`.
fn sets(of: usize, members: usize) -> usize {
    (0..members).fold(1, |sets, at| sets * (of - at) / (at + 1))
}

/// An amount in fewer bits, of which a larger one is never smaller.
fn short(minor: i64) -> u32 {
    minor.clamp(0, i64::from(u32::MAX)) as u32
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
        let price = thing.each.minor;
        Self {
            thing,
            words,
            slots,
            coarse: coarse_bits,
            price: short(price),
            plain: (0..i64::from(u32::MAX)).contains(&price),
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

    /// Whether the post lets the thing through, its bounds and wish aside, and some though their words are not all
    /// there.
    #[inline]
    pub fn may_pass(&self, post: &Post) -> bool {
        // No lazy operators: which of them says no cannot be guessed, and a wrong guess takes longer than all of them.
        self.may_have(post.others[0])
            & self.may_have(post.others[1])
            & (post.prices.0 <= self.price)
            & (self.price <= post.prices.1)
    }

    /// Whether all words that the post tells are there.
    #[inline]
    pub fn has_others(&self, post: &Post) -> bool {
        post.others.iter().all(|word| self.has(*word))
    }

    /// Whether this pays what the thing costs.
    #[inline]
    pub fn affords(&self, post: &Post) -> bool {
        self.price <= post.prices.1
    }

    #[inline]
    pub fn may_have(&self, word: u32) -> bool {
        let bit = coarse(word);
        self.coarse[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// Whether what the post lets through is not known to be taken.
    #[inline]
    pub fn doubts(&self, post: &Post) -> bool {
        post.is_short() || !self.plain
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
