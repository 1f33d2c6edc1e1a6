//! Where interests lie under their words: those of the same words side by side.

use super::post::{Also, Look, Post};

/// Interests under words.
#[derive(Clone, Debug, Default)]
pub struct Shelves {
    /// Where among the sets those under a word begin; one more than there are words.
    begins: Vec<u32>,
    /// Sets of words: those under a word are in order.
    sets: Vec<Set>,
    /// The posts of all sets in their order.
    posts: Vec<Post>,
    /// Under each word what came since all was laid out.
    since: Vec<Vec<(Also, Post)>>,
}

/// Posts with the same words.
#[derive(Clone, Copy, Debug)]
struct Set {
    also: Also,
    /// The most that any of them pays.
    dearest: u32,
    /// Where its posts end and those of the next begin.
    end: u32,
}

impl Shelves {
    /// Lays these out, each under its word, of which there are so many.
    pub fn of(mut all: Vec<(u32, Also, Post)>, words: usize) -> Self {
        all.sort_unstable_by_key(|(under, also, post)| (*under, *also, post.kept));
        let (mut begins, mut sets, mut posts) = (vec![0], Vec::<Set>::new(), Vec::with_capacity(all.len()));
        for (at, (under, also, post)) in all.iter().enumerate() {
            if at == 0 || (all[at - 1].0, all[at - 1].1) != (*under, *also) {
                begins.resize(*under as usize + 1, sets.len() as u32);
                sets.push(Set {
                    also: *also,
                    dearest: 0,
                    end: 0,
                });
            }
            posts.push(*post);
            let set = sets.last_mut().expect("there is one before a post");
            set.dearest = set.dearest.max(post.dearest());
            set.end = posts.len() as u32;
        }
        begins.resize(words + 1, sets.len() as u32);
        sets.shrink_to_fit();
        Self {
            begins,
            sets,
            posts,
            since: vec![Vec::new(); words],
        }
    }

    /// There are so many words from now on, no fewer than before.
    pub fn grow(&mut self, words: usize) {
        self.begins.resize(words + 1, self.sets.len() as u32);
        self.since.resize(words, Vec::new());
    }

    /// Puts one more under a word that there is.
    pub fn put(&mut self, under: u32, also: Also, post: Post) {
        let there = &mut self.since[under as usize];
        if there.len() == there.capacity() {
            // Mostly there are very few.
            there.reserve_exact(1 + there.len() / 4);
        }
        there.push((also, post));
    }

    /// Shows what lies under the words that a thing has, all of whose words it has and which [`Look::passes`].
    ///
    /// One step after the other, for all of them each: what a step looks at lies all over the memory, and a core fetches
    /// many at once where it need not know what comes of one to go on to the next.
    pub fn each(&self, look: &Look, see: impl FnMut(&Post)) {
        let ranges: Vec<(usize, usize)> = look
            .words
            .iter()
            .map(|under| {
                (
                    self.begins[*under as usize] as usize,
                    self.begins[*under as usize + 1] as usize,
                )
            })
            .collect();
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for (first, end) in ranges {
            let mut begin = match first {
                0 => 0,
                first => self.sets[first - 1].end,
            };
            let (mut second, mut has_second) = (None, false);
            for set in &self.sets[first..end] {
                // Sets with the same second word follow each other.
                if second != Some(set.also[0]) {
                    (second, has_second) = (Some(set.also[0]), look.has(set.also[0]));
                }
                if has_second && look.affords(set.dearest) && look.has(set.also[1]) && look.has(set.also[2]) {
                    runs.push((begin, set.end));
                }
                begin = set.end;
            }
        }
        let most = runs.iter().map(|(begin, end)| (end - begin) as usize).sum();
        let (mut passing, mut count) = (vec![0u32; most], 0);
        for (begin, end) in runs {
            for (at, post) in (begin..end).zip(&self.posts[begin as usize..end as usize]) {
                passing[count] = at;
                count += usize::from(look.passes(post));
            }
        }
        let laid_out = passing[..count].iter().map(|at| &self.posts[*at as usize]);
        let since = look.words.iter().flat_map(|under| &self.since[*under as usize]);
        laid_out
            .chain(
                since
                    .filter(|(also, post)| look.has_all(*also) && look.passes(post))
                    .map(|(_, post)| post),
            )
            .for_each(see);
    }

    /// How many posts there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.posts.len() + self.since.iter().map(Vec::len).sum::<usize>()
    }
}
