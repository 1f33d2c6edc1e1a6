//! What was probably meant, for errors that say so.

/// The `count` of `words` that take the fewest edits to become `given`, at most half its length, nearest first.
pub fn nearest<'a>(given: &str, words: impl Iterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let most = (given.chars().count() / 2).max(1);
    let mut near: Vec<(usize, &str)> = words
        .map(|word| (edits(given, word), word))
        .filter(|(edits, _)| *edits <= most)
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(count).map(|(_, word)| word).collect()
}

/// Levenshtein distance in characters, letters' case aside.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let swapped = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = swapped.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word() {
        assert_eq!(
            nearest("grene", ["red", "green", "grey"].into_iter(), 2),
            ["green", "grey"]
        );
        assert!(nearest("purple", ["red", "green"].into_iter(), 2).is_empty());
    }

    #[test]
    fn edits_are_counted_as_by_hand() {
        for (a, b, n) in [
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abc", "", 3),
            ("Abc", "aBC", 0),
        ] {
            assert_eq!(edits(a, b), n, "{a} {b}");
        }
    }
}
