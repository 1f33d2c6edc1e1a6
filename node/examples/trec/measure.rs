//! The measures. A query that the run does not answer counts as nothing found; what nobody judged is not relevant.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use anyhow::{Context as _, Result, bail};

/// What a grade is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Gain {
    /// The grade.
    Linear,
    /// Two to the power of the grade, less one.
    Exponential,
}

impl Gain {
    fn of(self, grade: i32) -> f64 {
        let grade = f64::from(grade.max(0));
        match self {
            Self::Linear => grade,
            Self::Exponential => grade.exp2() - 1.0,
        }
    }
}

/// Grades by query and document.
#[derive(Default)]
pub struct Qrels(pub BTreeMap<String, BTreeMap<String, i32>>);

impl Qrels {
    /// # Errors
    /// Where the file cannot be read, or a line is neither form.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut all = Self::default();
        if text.lines().next().is_some_and(|head| head.split(',').count() >= 3) {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let head = reader.headers()?.clone();
            let column = |name: &str| {
                let found = head.iter().position(|known| known == name);
                found.with_context(|| format!("{} has no column {name}", path.display()))
            };
            let (query, docid, rating) = (column("query")?, column("docid")?, column("rating")?);
            for row in reader.records() {
                let row = row?;
                all.judge(&row[query], &row[docid], row[rating].trim().parse()?);
            }
        } else {
            for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let cells: Vec<&str> = line.rsplitn(4, char::is_whitespace).collect();
                let [grade, docid, _, query] = cells[..] else {
                    bail!("{}:{}: not `qid 0 docid grade`", path.display(), at + 1);
                };
                all.judge(query, docid, grade.parse()?);
            }
        }
        Ok(all)
    }

    pub fn judge(&mut self, query: &str, docid: &str, grade: i32) {
        self.0
            .entry(query.to_owned())
            .or_default()
            .insert(docid.to_owned(), grade);
    }
}

/// Documents by query, best first.
#[derive(Default)]
pub struct Run(pub BTreeMap<String, Vec<String>>);

impl Run {
    /// # Errors
    /// Where the file cannot be read, or a line is none of a run.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut ranked: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            // From the right, so that a query may stand for its own number, spaces and all.
            let cells: Vec<&str> = line.rsplitn(6, char::is_whitespace).collect();
            let [_, _, rank, docid, _, query] = cells[..] else {
                bail!("{}:{}: not `qid Q0 docid rank score name`", path.display(), at + 1);
            };
            ranked
                .entry(query.to_owned())
                .or_default()
                .push((rank.parse()?, docid.to_owned()));
        }
        let all = ranked.into_iter().map(|(query, mut found)| {
            found.sort();
            (query, found.into_iter().map(|(_, docid)| docid).collect())
        });
        Ok(Self(all.collect()))
    }
}

/// Measures of one run, query by query.
pub struct Measures {
    pub ndcg: Vec<f64>,
    pub recall: Vec<f64>,
    pub reciprocal: Vec<f64>,
}

impl Measures {
    pub fn of(run: &Run, qrels: &Qrels, gain: Gain) -> Self {
        let mut all = Self {
            ndcg: Vec::new(),
            recall: Vec::new(),
            reciprocal: Vec::new(),
        };
        for (query, grades) in &qrels.0 {
            let found = run.0.get(query).map_or(&[][..], Vec::as_slice);
            let grade = |docid: &String| grades.get(docid).copied().unwrap_or(0);
            let mut ideal: Vec<i32> = grades.values().copied().collect();
            ideal.sort_by_key(|grade| std::cmp::Reverse(*grade));
            let best = discounted(ideal.into_iter(), gain);
            all.ndcg.push(match best > 0.0 {
                true => discounted(found.iter().map(grade), gain) / best,
                false => 0.0,
            });
            let relevant = grades.values().filter(|grade| **grade > 0).count();
            let met = found.iter().take(100).filter(|docid| grade(docid) > 0).count();
            all.recall.push(met as f64 / relevant.max(1) as f64);
            let first = found.iter().position(|docid| grade(docid) > 0);
            all.reciprocal.push(first.map_or(0.0, |at| 1.0 / (at + 1) as f64));
        }
        all
    }
}

fn discounted(grades: impl Iterator<Item = i32>, gain: Gain) -> f64 {
    grades
        .take(10)
        .enumerate()
        .map(|(at, grade)| gain.of(grade) / ((at + 2) as f64).log2())
        .sum()
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

impl fmt::Display for Measures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "NDCG@10 {:.4}  R@100 {:.4}  MRR {:.4}  ({} queries)",
            mean(&self.ndcg),
            mean(&self.recall),
            mean(&self.reciprocal),
            self.ndcg.len()
        )
    }
}

/// What a difference between two runs may be.
pub struct Bootstrap {
    difference: f64,
    low: f64,
    high: f64,
    /// How often the first was not the better one.
    not_better: f64,
}

const DRAWS: usize = 10_000;

/// The difference of two runs over the same queries, drawn anew with replacement: always the same draws.
pub fn bootstrap(mine: &[f64], theirs: &[f64]) -> Option<Bootstrap> {
    let differences: Vec<f64> = mine.iter().zip(theirs).map(|(a, b)| a - b).collect();
    if differences.is_empty() {
        return None;
    }
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % differences.len() as u64) as usize
    };
    let mut means: Vec<f64> = (0..DRAWS)
        .map(|_| (0..differences.len()).map(|_| differences[draw()]).sum::<f64>() / differences.len() as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    Some(Bootstrap {
        difference: mean(&differences),
        low: means[DRAWS * 25 / 1000],
        high: means[DRAWS * 975 / 1000],
        not_better: means.iter().filter(|mean| **mean <= 0.0).count() as f64 / DRAWS as f64,
    })
}

impl fmt::Display for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "NDCG@10 difference {:+.4}, 95% of {DRAWS} draws between {:+.4} and {:+.4}; not better in {:.1}%",
            self.difference,
            self.low,
            self.high,
            100.0 * self.not_better
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged() -> Qrels {
        let mut qrels = Qrels::default();
        for (docid, grade) in [("a", 3), ("b", 1), ("c", 0)] {
            qrels.judge("q", docid, grade);
        }
        qrels
    }

    fn ndcg(found: &[&str], gain: Gain) -> f64 {
        let found = found.iter().map(|docid| (*docid).to_owned()).collect();
        Measures::of(&Run([("q".to_owned(), found)].into()), &judged(), gain).ndcg[0]
    }

    #[test]
    fn the_best_order_is_one_and_nothing_found_is_none() {
        assert_eq!((ndcg(&["a", "b"], Gain::Linear), ndcg(&[], Gain::Linear)), (1.0, 0.0));
        // (1 + 3 / log2(3)) / (3 + 1 / log2(3)), and the same with 1 and 7.
        assert!((ndcg(&["b", "a"], Gain::Linear) - 0.796_708).abs() < 1e-5);
        assert!((ndcg(&["b", "a"], Gain::Exponential) - 0.709_810).abs() < 1e-5);
    }

    #[test]
    fn a_run_that_is_always_better_is_never_not_better() {
        let better = bootstrap(&[0.9, 0.8, 0.7], &[0.5, 0.6, 0.1]).expect("there are queries");
        assert!(better.low > 0.0 && better.not_better == 0.0 && better.high < 0.61);
        assert!(bootstrap(&[], &[]).is_none());
    }
}
