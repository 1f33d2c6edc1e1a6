//! Chance for one node: a counter-based generator, so that a million of them are eight bytes each.

/// A stream of chances; the same start, the same stream, on every machine.
///
/// SplitMix64: a Weyl sequence through a bijective finisher. Streams that start at different, well mixed numbers do
/// not meet within any run that is feasible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chance(u64);

/// 2^64 over the golden ratio, odd: the step that spreads a counter best.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A bijection of 64 bits that leaves no visible structure.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// One number of two, for streams that are named by a pair.
pub fn mix2(a: u64, b: u64) -> u64 {
    mix(mix(a.wrapping_add(STEP)) ^ b.wrapping_mul(STEP))
}

impl Chance {
    /// The stream that a seed and a name give.
    pub fn of(seed: u64, name: u64) -> Self {
        Self(mix2(seed, name))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `end`; zero where there is none below it.
    pub fn below(&mut self, end: u64) -> u64 {
        // 64 random bits over an `end` that is small: the lean is beyond any measuring.
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// A number in 0..1.
    pub fn unit(&mut self) -> f64 {
        unit(self.bits())
    }

    /// A waiting time of the exponential distribution with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Leaves `n` of them, each set of `n` alike likely; all of them where there are no more. Their order is random
    /// only if some had to go.
    pub fn sample<T>(&mut self, from: &mut Vec<T>, n: usize) {
        if from.len() <= n {
            return;
        }
        for at in 0..n {
            let other = at + self.below((from.len() - at) as u64) as usize;
            from.swap(at, other);
        }
        from.truncate(n);
    }

    /// Puts them in a random order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            let other = self.below(at as u64 + 1) as usize;
            all.swap(at, other);
        }
    }
}

/// The upper 53 bits as a number in 0..1.
pub fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_takes_each_of_them_alike_often() {
        let mut chance = Chance::of(1, 2);
        let mut taken = [0_u32; 10];
        for _ in 0..30_000 {
            let mut all: Vec<usize> = (0..10).collect();
            chance.sample(&mut all, 3);
            for one in all {
                taken[one] += 1;
            }
        }
        // 9,000 expected, with a standard deviation of 79.
        assert!(taken.iter().all(|n| (8_600..9_400).contains(n)), "{taken:?}");
    }

    #[test]
    fn two_names_give_two_streams() {
        let (mut a, mut b) = (Chance::of(1, 1), Chance::of(1, 2));
        assert!((0..100).all(|_| a.bits() != b.bits()));
        assert_eq!(Chance::of(7, 3).bits(), Chance::of(7, 3).bits());
    }

    #[test]
    fn an_exponential_has_its_mean() {
        let mut chance = Chance::of(5, 5);
        let mean = (0..100_000).map(|_| chance.exponential(3.0)).sum::<f64>() / 100_000.0;
        assert!((mean - 3.0).abs() < 0.05, "{mean}");
    }
}
