//! What each part of the query brings: every set searched with that part off, beside all of them on.

use std::{fs, path::Path, sync::Arc, time::Instant};

use anyhow::{Context as _, Result};
use intentcast_node::{
    catalogue::{self, Mapping},
    index::{Filters, Index, Shape},
    store::Store,
};
use intentcast_protocol::time::Timestamp;

use crate::measure::{Gain, Measures, Qrels, Run, mean};

struct Set {
    name: String,
    index: Index,
    queries: Vec<(String, String)>,
    qrels: Qrels,
}

/// Parts that can be taken out, and what takes them out.
const PARTS: &[(&str, &str)] = &[
    ("description", "description=0"),
    ("brand", "brand=0"),
    ("attributes", "attributes=0"),
    ("category words", "kind=0"),
    ("codes and measures", "codes=0"),
    ("like model numbers", "model=0"),
    ("words joined and parted", "joined=0"),
    ("other names", "synonym=0"),
    ("typos", "typo=0"),
    ("category by the words", "inferred=0"),
    ("things that go with it counting less", "extra=0"),
    ("how many words are there", "cover=0"),
    ("length of the title", "title_length=0"),
    ("length of the others", "length=0,attributes_length=0"),
];

pub fn all(folder: &Path, weights: &[String], tries: &[String], queries: bool) -> Result<()> {
    let mut shape = Shape::default();
    for weight in weights {
        shape = set(&shape, weight)?;
    }
    let mut sets = Vec::new();
    for entry in fs::read_dir(folder)? {
        let dir = entry?.path();
        if dir.join("qrels").exists() {
            sets.push(Set::load(&dir)?);
        }
    }
    sets.sort_by(|a, b| a.name.cmp(&b.name));
    let mut row = |what: &str, shape: &Shape| -> Result<()> {
        print!("{what:40}");
        for set in &mut sets {
            let begun = Instant::now();
            let run = set.run(shape)?;
            let each = begun.elapsed() / set.queries.len().max(1) as u32;
            let linear = Measures::of(&run, &set.qrels, Gain::Linear);
            let other = Measures::of(&run, &set.qrels, Gain::Exponential);
            print!(
                "  {} {:.4} ({:.4}) R {:.3} MRR {:.3} {:>4} us",
                set.name,
                mean(&linear.ndcg),
                mean(&other.ndcg),
                mean(&linear.recall),
                mean(&linear.reciprocal),
                each.as_micros()
            );
            if queries {
                let mut worst: Vec<(f64, &String)> = linear.ndcg.iter().copied().zip(set.qrels.0.keys()).collect();
                worst.sort_by(|a, b| a.0.total_cmp(&b.0));
                for (ndcg, query) in worst.iter().take(80) {
                    let said = set
                        .queries
                        .iter()
                        .find(|(id, _)| id == *query)
                        .map_or("", |(_, said)| said);
                    println!("\n    {ndcg:.3} {query} {said}");
                    for docid in run.0.get(*query).into_iter().flatten().take(6) {
                        let grade = set.qrels.0[*query].get(docid);
                        let title = set
                            .index
                            .item(docid)?
                            .map(|item| item.title.to_string())
                            .unwrap_or_default();
                        println!("        {grade:?} {docid} {title}");
                    }
                }
            }
        }
        println!();
        Ok(())
    };
    row("all", &shape)?;
    if tries.is_empty() {
        for (what, weight) in PARTS {
            row(&format!("without {what}"), &set(&shape, weight)?)?;
        }
    }
    for tried in tries {
        row(tried, &set(&shape, tried)?)?;
    }
    Ok(())
}

/// The same shape with other weights: `title=2.5`, several of them parted by commas.
fn set(shape: &Shape, weights: &str) -> Result<Shape> {
    let mut json = serde_json::to_value(shape)?;
    for weight in weights.split(',') {
        let (name, weight) = weight.split_once('=').context("a weight is NAME=NUMBER")?;
        json[name] = serde_json::json!(weight.parse::<f32>()?);
    }
    Ok(serde_json::from_value(json)?)
}

impl Set {
    fn load(dir: &Path) -> Result<Self> {
        let mapping = Mapping::load(&dir.join("map.toml"))?;
        let import = catalogue::import(&dir.join("catalogue"), &mapping)?;
        let store = Arc::new(Store::in_memory()?);
        store.replace_catalogue(import.items, Timestamp(1))?;
        let text = fs::read_to_string(dir.join("queries.tsv"))?;
        let queries = text.lines().filter_map(|line| {
            let mut cells = line.split('\t');
            Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
        });
        Ok(Self {
            name: dir.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            index: Index::in_memory(store)?,
            queries: queries.collect(),
            qrels: Qrels::load(&dir.join("qrels"))?,
        })
    }

    fn run(&mut self, shape: &Shape) -> Result<Run> {
        self.index.shape(shape.clone());
        let mut run = Run::default();
        for (id, text) in &self.queries {
            let found = self.index.search_ids(text, &Filters::default(), 100)?;
            run.0
                .insert(id.clone(), found.into_iter().map(|(docid, _)| docid).collect());
        }
        Ok(run)
    }
}
