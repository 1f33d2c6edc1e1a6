//! A set of slots: one word for the usual node, more for one with more than 64 peers.

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    head: u64,
    // The box keeps the empty case at one pointer, and there are several sets in every node.
    #[expect(clippy::box_collection)]
    rest: Option<Box<Vec<u64>>>,
}

impl Bits {
    /// Words in use; `word` gives zero beyond.
    pub fn words(&self) -> usize {
        1 + self.rest.as_ref().map_or(0, |rest| rest.len())
    }

    /// 64 members at once.
    pub fn word(&self, at: usize) -> u64 {
        if at == 0 {
            return self.head;
        }
        self.rest
            .as_ref()
            .and_then(|rest| rest.get(at - 1))
            .copied()
            .unwrap_or(0)
    }

    fn word_mut(&mut self, at: usize) -> &mut u64 {
        if at == 0 {
            return &mut self.head;
        }
        let rest = self.rest.get_or_insert_default();
        if rest.len() < at {
            rest.resize(at, 0);
        }
        &mut rest[at - 1]
    }

    /// Whether it is in.
    pub fn has(&self, n: u32) -> bool {
        self.word(n as usize / 64) & (1 << (n % 64)) != 0
    }

    /// Puts it in; whether it was not.
    pub fn put(&mut self, n: u32) -> bool {
        let word = self.word_mut(n as usize / 64);
        let bit = 1 << (n % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Takes it out; whether it was in.
    pub fn take(&mut self, n: u32) -> bool {
        if !self.has(n) {
            return false;
        }
        *self.word_mut(n as usize / 64) &= !(1 << (n % 64));
        true
    }

    /// How many are in.
    pub fn len(&self) -> usize {
        let rest = self
            .rest
            .as_ref()
            .map_or(0, |rest| rest.iter().map(|word| word.count_ones()).sum());
        (self.head.count_ones() + rest) as usize
    }

    /// Whether none is in.
    pub fn is_empty(&self) -> bool {
        self.head == 0 && self.rest.as_ref().is_none_or(|rest| rest.iter().all(|word| *word == 0))
    }

    /// How many are in both.
    pub fn common(&self, other: &Bits) -> usize {
        (0..self.words())
            .map(|at| (self.word(at) & other.word(at)).count_ones() as usize)
            .sum()
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        members(self.words(), |at| self.word(at))
    }

    /// The members that are not in the other, ascending.
    pub fn without<'a>(&'a self, other: &'a Bits) -> impl Iterator<Item = u32> + 'a {
        members(self.words(), move |at| self.word(at) & !other.word(at))
    }
}

/// The members of a set that is given word by word.
pub fn members(words: usize, word: impl Fn(usize) -> u64) -> impl Iterator<Item = u32> {
    let (mut at, mut left) = (0, word(0));
    std::iter::from_fn(move || {
        while left == 0 {
            at += 1;
            if at >= words {
                return None;
            }
            left = word(at);
        }
        let n = left.trailing_zeros();
        left &= left - 1;
        Some(at as u32 * 64 + n)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_beyond_the_first_word_come_and_go() {
        let mut bits = Bits::default();
        for n in [3, 63, 64, 200] {
            assert!(bits.put(n));
            assert!(!bits.put(n));
        }
        assert_eq!(bits.iter().collect::<Vec<_>>(), [3, 63, 64, 200]);
        assert_eq!(bits.len(), 4);
        assert!(bits.take(64));
        assert!(!bits.take(64));
        assert!(!bits.take(9_999));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [3, 63, 200]);
    }

    #[test]
    fn one_set_without_another() {
        let (mut a, mut b) = (Bits::default(), Bits::default());
        for n in [1, 70, 71] {
            a.put(n);
        }
        for n in [70, 300] {
            b.put(n);
        }
        assert_eq!(a.without(&b).collect::<Vec<_>>(), [1, 71]);
        assert_eq!(a.common(&b), 1);
        assert_eq!(b.without(&a).collect::<Vec<_>>(), [300]);
    }
}
