//! A sweep as one figure: a measure against a key, the mean of each point's replicates.

use std::collections::BTreeMap;

use super::{Row, columns};
use crate::report::plot::{Plot, Series, Shape};
use crate::scenario::nearest;

/// The column `y` against the key `x`, a line for each value of `by`.
pub fn against(rows: &[Row], x: &str, y: &str, by: Option<&str>) -> Result<Plot, String> {
    if rows.is_empty() {
        return Err("the sweep has no rows yet".into());
    }
    let mut lines: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for row in rows {
        let at = key(row, x)?;
        let right: f64 = match at.parse() {
            Ok(number) => number,
            Err(_) => number_within(at).ok_or_else(|| format!("{x} = {at} is no number to go to the right"))?,
        };
        let figures = columns(&row.summary);
        let Some((_, up)) = figures.iter().find(|(name, _)| name == y) else {
            let near = nearest(y, figures.iter().map(|(name, _)| name.as_str()));
            let near = near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            return Err(format!("no column {y}{near}"));
        };
        let name = match by {
            Some(by) => format!("{by} = {}", key(row, by)?),
            None => y.to_owned(),
        };
        lines.entry(name).or_default().extend(up.map(|up| (right, up)));
    }
    if lines.values().all(Vec::is_empty) {
        return Err(format!("{y} has no value in any row"));
    }
    let series = lines.into_iter().map(|(name, points)| Series {
        name,
        points: means(points),
    });
    Ok(Plot {
        spans: Vec::new(),
        title: format!("{y} against {x}"),
        x: x.to_owned(),
        y: y.to_owned(),
        shape: Shape::Lines,
        series: series.collect(),
    })
}

fn key<'a>(row: &'a Row, key: &str) -> Result<&'a str, String> {
    let found = row.point.iter().find(|(name, _)| name == key);
    found.map(|(_, value)| value.as_str()).ok_or_else(|| {
        let keys: Vec<&str> = row.point.iter().map(|(name, _)| name.as_str()).collect();
        format!("the sweep does not vary {key}; it varies {}", keys.join(", "))
    })
}

/// The number in a value of one key, as in `{ constant_ms = 10 }`.
fn number_within(value: &str) -> Option<f64> {
    let (_, number) = value.trim_end_matches(['}', ' ']).rsplit_once('=')?;
    number.trim().parse().ok()
}

/// One point for each x, by rising x: the mean of what was seen there.
fn means(mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let groups = points.chunk_by(|a, b| a.0 == b.0);
    let mean = |group: &[(f64, f64)]| {
        let sum: f64 = group.iter().map(|(_, y)| y).sum();
        (group[0].0, sum / group.len() as f64)
    };
    groups.map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Outcome, Summary};

    fn row(d: &str, latency: &str, nodes: u32) -> Row {
        let outcome = Outcome {
            nodes,
            ..Outcome::default()
        };
        Row {
            number: 0,
            hash: String::new(),
            replicate: 0,
            seed: 0,
            point: vec![("d".into(), d.into()), ("l".into(), latency.into())],
            summary: Summary::of(&outcome),
        }
    }

    #[test]
    fn a_line_is_the_mean_of_replicates_by_rising_key() {
        let rows = [
            row("8", "{ constant_ms = 5 }", 30),
            row("6", "x", 10),
            row("8", "{ constant_ms = 5 }", 50),
        ];
        let plot = against(&rows, "d", "nodes", None).expect("drawn");
        assert_eq!(plot.series[0].points, [(6.0, 10.0), (8.0, 40.0)]);
        let by = against(&rows, "d", "nodes", Some("l")).expect("drawn");
        assert_eq!(by.series.len(), 2);
        assert!(against(&rows, "l", "nodes", None).is_err(), "x is no number");
        assert!(against(&[], "d", "nodes", None).is_err(), "nothing to draw");
        let mute = against(&rows, "d", "latency_p50_ms", None).expect_err("nothing arrived");
        assert!(mute.contains("no value"), "{mute}");
        assert_eq!(
            against(&rows[..1], "l", "nodes", None).expect("drawn").series[0].points,
            [(5.0, 30.0)]
        );
        assert!(
            against(&rows, "d", "node", None)
                .expect_err("no such column")
                .contains("`nodes`")
        );
        assert!(
            against(&rows, "e", "nodes", None)
                .expect_err("no such key")
                .contains("d, l")
        );
    }
}
