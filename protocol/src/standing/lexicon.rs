//! Words as numbers.

use std::collections::BTreeMap;

/// Bytes of a word that fit into a number: nearly every word there is.
const SHORT: usize = 16;

/// Words and their numbers, given out from 0.
///
/// A short word is kept as a number itself, so that looking for one compares numbers that lie side by side and follows
/// no pointers: that is where looking at a thing would spend its time.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    short: BTreeMap<u128, u32>,
    long: BTreeMap<Box<str>, u32>,
}

impl Lexicon {
    /// How many words it has.
    pub fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// The number of a word that it has.
    pub fn find(&self, word: &str) -> Option<u32> {
        match packed(word) {
            Some(short) => self.short.get(&short).copied(),
            None => self.long.get(word).copied(),
        }
    }

    /// The number of a word, which it has from now on.
    pub fn add(&mut self, word: &str) -> u32 {
        let next = self.len() as u32;
        match packed(word) {
            Some(short) => *self.short.entry(short).or_insert(next),
            None => match self.long.get(word) {
                Some(known) => *known,
                None => {
                    self.long.insert(word.into(), next);
                    next
                }
            },
        }
    }

    /// Forgets the words whose number `stays` denies and numbers the others anew; says by the old number what the new
    /// one is.
    pub fn renumber(&mut self, stays: impl Fn(u32) -> bool) -> Vec<Option<u32>> {
        let mut renamed = vec![None; self.len()];
        let mut next = 0;
        let mut keep = |number: &mut u32| {
            let old = *number;
            if stays(old) {
                *number = next;
                renamed[old as usize] = Some(next);
                next += 1;
            }
            stays(old)
        };
        self.short.retain(|_, number| keep(number));
        self.long.retain(|_, number| keep(number));
        renamed
    }
}

/// A short word's bytes as one number. No word has a zero byte, so no two give the same.
fn packed(word: &str) -> Option<u128> {
    if word.len() > SHORT {
        return None;
    }
    let mut bytes = [0; SHORT];
    bytes[..word.len()].copy_from_slice(word.as_bytes());
    Some(u128::from_be_bytes(bytes))
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
