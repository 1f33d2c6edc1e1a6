//! Where interests lie under their words: those of the same words side by side.

use super::post::{Also, Look, Post};

/// Interests under words.
#[derive(Clone, Debug, Default)]
pub struct Shelves {
    /// Where among the sets those under a word begin; one more than there are words.
    begins: Vec<u32>,
    /// Sets of words: those under a word are in order.
    sets: Vec<Set>,
    /// The posts of all sets in their order, those of one set in the order of [`Post::dearest_first`].
    posts: Vec<Post>,
    /// Under each word what came since all was laid out.
    since: Vec<Vec<(Also, Post)>>,
}

/// Posts with the same words.
#[derive(Clone, Copy, Debug)]
struct Set {
    also: Also,
    /// Where its posts end and those of the next begin.
    end: u32,
}

impl Shelves {
    /// Lays these out, each under its word, of which there are so many.
    pub fn of(mut all: Vec<(u32, Also, Post)>, words: usize) -> Self {
        all.sort_unstable_by_key(|(under, also, post)| (*under, *also, post.dearest_first()));
        let (mut begins, mut sets, mut posts) = (vec![0], Vec::<Set>::new(), Vec::with_capacity(all.len()));
        for (at, (under, also, post)) in all.iter().enumerate() {
            if at == 0 || (all[at - 1].0, all[at - 1].1) != (*under, *also) {
                begins.resize(*under as usize + 1, sets.len() as u32);
                sets.push(Set { also: *also, end: 0 });
            }
            posts.push(*post);
            sets.last_mut().expect("there is one before a post").end = posts.len() as u32;
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

    /// Shows what lies under the words that a thing has, and all of whose words it has, some that want it cheaper left
    /// out.
    pub fn each(&self, look: &Look, mut see: impl FnMut(&Post)) {
        for under in &look.words {
            let under = *under as usize;
            let sets = self.begins[under] as usize..self.begins[under + 1] as usize;
            let mut begin = match sets.start {
                0 => 0,
                first => self.sets[first - 1].end as usize,
            };
            let (mut first, mut has_first) = (None, false);
            for set in &self.sets[sets] {
                let end = set.end as usize;
                // Sets with the same first word follow each other.
                if first != Some(set.also[0]) {
                    (first, has_first) = (Some(set.also[0]), look.has(set.also[0]));
                }
                if has_first && look.has_all(set.also) {
                    look.affordable(&self.posts[begin..end]).iter().for_each(&mut see);
                }
                begin = end;
            }
            let since = self.since[under].iter();
            since
                .filter(|(also, _)| look.has_all(*also))
                .for_each(|(_, post)| see(post));
        }
    }

    /// How many posts there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.posts.len() + self.since.iter().map(Vec::len).sum::<usize>()
    }
}
