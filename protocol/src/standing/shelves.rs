//! Where interests lie under their words: those of the same two words side by side.

use super::post::{Look, Post};

/// Interests under words.
#[derive(Clone, Debug, Default)]
pub struct Shelves {
    /// Where among the runs those under a word begin; one more than there are words.
    begins: Vec<u32>,
    /// Those under a word are in the order of their second words; behind the last is one that is none.
    runs: Vec<Run>,
    /// The posts of all runs in their order, in each those first that pay most.
    posts: Vec<Post>,
    /// Under each word what came since all was laid out, with its second word.
    since: Vec<Vec<(u32, Post)>>,
}

/// Posts under the same two words.
#[derive(Clone, Copy, Debug)]
struct Run {
    second: u32,
    begin: u32,
}

impl Shelves {
    /// Lays these out, each under its two words; there are so many words.
    pub fn of(mut all: Vec<(u32, u32, Post)>, words: usize) -> Self {
        all.sort_unstable_by_key(|(under, second, post)| (*under, *second, post.dearest_first()));
        let (mut begins, mut runs) = (vec![0], Vec::<Run>::new());
        for (at, (under, second, _)) in all.iter().enumerate() {
            if at == 0 || (all[at - 1].0, all[at - 1].1) != (*under, *second) {
                begins.resize(*under as usize + 1, runs.len() as u32);
                runs.push(Run {
                    second: *second,
                    begin: at as u32,
                });
            }
        }
        begins.resize(words + 1, runs.len() as u32);
        runs.push(Run {
            second: u32::MAX,
            begin: all.len() as u32,
        });
        runs.shrink_to_fit();
        Self {
            begins,
            runs,
            posts: all.into_iter().map(|(_, _, post)| post).collect(),
            since: vec![Vec::new(); words],
        }
    }

    /// There are so many words from now on, no fewer than before.
    pub fn grow(&mut self, words: usize) {
        self.begins.resize(words + 1, self.runs.len().saturating_sub(1) as u32);
        self.since.resize(words, Vec::new());
    }

    /// Puts one more under a word that there is.
    pub fn put(&mut self, under: u32, second: u32, post: Post) {
        let there = &mut self.since[under as usize];
        if there.len() == there.capacity() {
            // Mostly there are very few.
            there.reserve_exact(1 + there.len() / 4);
        }
        there.push((second, post));
    }

    /// Shows what lies under two words that a thing has and what [`Look::may_pass`].
    ///
    /// One step after the other, for all of them each: what a step looks at lies all over the memory, and a core fetches
    /// many at once where it need not know what comes of one to go on to the next.
    pub fn each(&self, look: &Look, mut see: impl FnMut(&Post)) {
        let under = |word: &u32| {
            let word = *word as usize;
            (self.begins[word] as usize, self.begins[word + 1] as usize)
        };
        let ranges: Vec<(usize, usize)> = look.words.iter().map(under).collect();
        let since: Vec<&[(u32, Post)]> = look.words.iter().map(|word| &*self.since[*word as usize]).collect();
        let most = ranges.iter().map(|(first, end)| end - first).sum();
        let (mut met, mut count) = (vec![0usize; most], 0);
        for (first, end) in ranges {
            for (at, run) in (first..end).zip(&self.runs[first..end]) {
                met[count] = at;
                count += usize::from(look.may_have(run.second));
            }
        }
        met.truncate(count);
        met.retain(|at| look.has(self.runs[*at].second));
        let met: Vec<(u32, u32)> = met
            .into_iter()
            .map(|at| (self.runs[at].begin, self.runs[at + 1].begin))
            .collect();
        let most = met.iter().map(|(begin, end)| (end - begin) as usize).sum();
        let (mut passing, mut count) = (vec![0u32; most], 0);
        for (begin, end) in met {
            let affordable = self.posts[begin as usize..end as usize]
                .iter()
                .take_while(|post| look.affords(post));
            for (at, post) in (begin..end).zip(affordable) {
                passing[count] = at;
                count += usize::from(look.may_pass(post));
            }
        }
        passing[..count].iter().for_each(|at| see(&self.posts[*at as usize]));
        for (second, post) in since.into_iter().flatten() {
            if look.may_pass(post) && look.has(*second) {
                see(post);
            }
        }
    }

    /// How many posts there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.posts.len() + self.since.iter().map(Vec::len).sum::<usize>()
    }
}
