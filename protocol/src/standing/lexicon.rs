//! Words as numbers.

use std::collections::BTreeMap;

/// Bytes of a word that fit into a number: nearly every word there is.
const SHORT: usize = 16;
/// Slots of the smallest table; every table has a power of two.
const SLOTS: usize = 64;
/// No word's number.
const FREE: u32 = u32::MAX;

/// Words and their numbers, given out from 0.
///
/// A short word is kept as a number itself, in a table by its own mixed bits: looking for one takes a glance at a slot
/// and a comparison, follows no pointers, and is where looking at a thing would spend its time. The words are the
/// owner's, so nobody gains by finding many that fall into one slot.
#[derive(Clone, Debug)]
pub struct Lexicon {
    /// Of each number its word, zero where the word is long.
    words: Vec<u128>,
    /// Of each short word a part of its mixed bits and its number, at the first slot from where the other bits say that
    /// was free.
    slots: Vec<(u32, u32)>,
    long: BTreeMap<Box<str>, u32>,
}

impl Default for Lexicon {
    fn default() -> Self {
        Self {
            words: Vec::new(),
            slots: vec![(0, FREE); SLOTS],
            long: BTreeMap::new(),
        }
    }
}

impl Lexicon {
    /// How many words it has.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// The number of a word that it has.
    pub fn find(&self, word: &str) -> Option<u32> {
        match packed(word) {
            Some(short) => self.find_short(short),
            None => self.long.get(word).copied(),
        }
    }

    /// The number of a word that it has, [`packed`] before.
    pub fn find_short(&self, short: u128) -> Option<u32> {
        self.slot(short).ok()
    }

    /// The number of a word, which it has from now on.
    pub fn add(&mut self, word: &str) -> u32 {
        let next = self.words.len() as u32;
        match packed(word) {
            Some(short) => match self.slot(short) {
                Ok(known) => known,
                Err(free) => {
                    self.slots[free] = (mixed(short) as u32, next);
                    self.words.push(short);
                    if self.words.len() * 2 > self.slots.len() {
                        self.lay_out(self.slots.len() * 2);
                    }
                    next
                }
            },
            None => match self.long.get(word) {
                Some(known) => *known,
                None => {
                    self.long.insert(word.into(), next);
                    self.words.push(0);
                    next
                }
            },
        }
    }

    /// Forgets the words whose number `stays` denies and numbers the others anew; says by the old number what the new
    /// one is.
    pub fn renumber(&mut self, stays: impl Fn(u32) -> bool) -> Vec<Option<u32>> {
        let mut next = 0;
        let renamed: Vec<Option<u32>> = (0..self.words.len() as u32)
            .map(|old| {
                let number = stays(old).then_some(next);
                next += u32::from(number.is_some());
                number
            })
            .collect();
        let mut old = renamed.iter();
        self.words
            .retain(|_| old.next().expect("each word has an old number").is_some());
        self.long.retain(|_, number| match renamed[*number as usize] {
            Some(new) => {
                *number = new;
                true
            }
            None => false,
        });
        self.lay_out((self.words.len() * 2).next_power_of_two().max(SLOTS));
        renamed
    }

    /// The number of a short word, or the slot where it would come.
    fn slot(&self, short: u128) -> Result<u32, usize> {
        let bits = mixed(short);
        let mut at = self.first(bits);
        loop {
            match self.slots[at] {
                (_, FREE) => return Err(at),
                (part, number) if part == bits as u32 && self.words[number as usize] == short => return Ok(number),
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }

    fn first(&self, bits: u64) -> usize {
        (bits >> 32) as usize & (self.slots.len() - 1)
    }

    /// Gives every short word its slot anew among so many.
    fn lay_out(&mut self, slots: usize) {
        self.slots = vec![(0, FREE); slots];
        for (number, short) in self.words.iter().enumerate().filter(|(_, short)| **short != 0) {
            let bits = mixed(*short);
            let mut at = self.first(bits);
            while self.slots[at].1 != FREE {
                at = (at + 1) & (slots - 1);
            }
            self.slots[at] = (bits as u32, number as u32);
        }
    }
}

/// A short word's bytes as one number, in the words' order. No word has a zero byte, so no two give the same.
pub fn packed(word: &str) -> Option<u128> {
    if word.len() > SHORT {
        return None;
    }
    let mut bytes = [0; SHORT];
    bytes[..word.len()].copy_from_slice(word.as_bytes());
    Some(u128::from_be_bytes(bytes))
}

/// The bits of a short word, each of them about all of it.
fn mixed(short: u128) -> u64 {
    let (high, low) = ((short >> 64) as u64, short as u64);
    let mut bits = (high ^ low.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ low;
    bits = (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 32)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_its_number_until_others_are_forgotten() {
        let mut lexicon = Lexicon::default();
        let words = ["bike", "stroller", "sphygmomanometer cuff", "sphygmomanometer", "bik"];
        let numbers: Vec<u32> = words.iter().map(|word| lexicon.add(word)).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        assert_eq!(lexicon.add("stroller"), 1);
        assert_eq!(lexicon.find("strolle"), None);
        let renamed = lexicon.renumber(|number| number != 0);
        assert_eq!(lexicon.find("bike"), None);
        for (word, old) in words.iter().zip(numbers).skip(1) {
            assert_eq!(lexicon.find(word), renamed[old as usize], "{word}");
            assert!(lexicon.find(word).unwrap() < 4);
        }
        assert_eq!(lexicon.add("bike"), 4);
    }
}
