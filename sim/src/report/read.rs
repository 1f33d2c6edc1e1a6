//! A run's tables read back, as far as figures need them.

use std::fs::File;
use std::path::Path;

use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::table::MILLION;
use crate::outcome::{Besieged, Deliveries, IntentFate, MarketOutcome, NodeBytes, Outcome, Second, Summary};

/// Meshes of one summary: a million nodes with a hundred topics each. What says more was not written by a run.
const MOST_MESHES: u64 = 1 << 27;
/// Rows read at once.
const BATCH: usize = 1 << 16;

/// One file's columns, each asked for by name.
struct Columns(SerializedFileReader<File>);

impl Columns {
    fn open(directory: &Path, name: &str) -> Result<Self, ParquetError> {
        let path = directory.join(name);
        let told = |error: &dyn std::fmt::Display| ParquetError::General(format!("{}: {error}", path.display()));
        let file = File::open(&path).map_err(|error| told(&error))?;
        Ok(Self(SerializedFileReader::new(file).map_err(|error| told(&error))?))
    }

    /// A column's values, a narrower one widened; none where a row has none.
    fn whole(&self, name: &str) -> Result<Vec<Option<u64>>, ParquetError> {
        let schema = self.0.metadata().file_metadata().schema_descr();
        let found = (0..schema.num_columns()).find(|at| schema.column(*at).name() == name);
        let at = found.ok_or_else(|| ParquetError::General(format!("no column {name}")))?;
        let optional = schema.column(at).max_def_level() > 0;
        let mut cells = Vec::new();
        for group in 0..self.0.num_row_groups() {
            let group = self.0.get_row_group(group)?;
            let (mut values, mut levels) = (Vec::new(), Vec::new());
            match group.get_column_reader(at)? {
                ColumnReader::Int32ColumnReader(mut reader) => {
                    let mut narrow = Vec::new();
                    while reader.read_records(BATCH, Some(&mut levels), None, &mut narrow)?.0 > 0 {}
                    values.extend(narrow.into_iter().map(|value: i32| u64::from(value as u32)));
                }
                ColumnReader::Int64ColumnReader(mut reader) => {
                    let mut wide = Vec::new();
                    while reader.read_records(BATCH, Some(&mut levels), None, &mut wide)?.0 > 0 {}
                    values.extend(wide.into_iter().map(|value: i64| value as u64));
                }
                _ => return Err(ParquetError::General(format!("{name} is not of whole numbers"))),
            }
            let mut values = values.into_iter();
            match optional {
                true => cells.extend(
                    levels
                        .into_iter()
                        .map(|level| if level > 0 { values.next() } else { None }),
                ),
                false => cells.extend(values.map(Some)),
            }
        }
        Ok(cells)
    }

    fn has(&self, name: &str) -> bool {
        let schema = self.0.metadata().file_metadata().schema_descr();
        (0..schema.num_columns()).any(|at| schema.column(at).name() == name)
    }

    /// A column that has a value in each row.
    fn u64s(&self, name: &str) -> Result<Vec<u64>, ParquetError> {
        let values: Vec<u64> = self.whole(name)?.into_iter().flatten().collect();
        let rows = self.0.metadata().file_metadata().num_rows();
        match i64::try_from(values.len()) == Ok(rows) {
            true => Ok(values),
            false => Err(ParquetError::General(format!(
                "{name} has not a value in each of {rows} rows"
            ))),
        }
    }

    fn u32s(&self, name: &str) -> Result<Vec<u32>, ParquetError> {
        Ok(self.u64s(name)?.into_iter().map(|value| value as u32).collect())
    }
}

/// What figures need of a run that was written to this directory; who published what is not in it.
pub fn outcome(directory: &Path, summary: &Summary) -> Result<Outcome, ParquetError> {
    let arrived = Columns::open(directory, "deliveries.parquet")?;
    let deliveries = Deliveries {
        message: arrived.u32s("message")?,
        node: arrived.u32s("node")?,
        latency_ns: arrived.u64s("latency_ns")?,
        hops: arrived.u32s("hops")?.into_iter().map(|hops| hops as u8).collect(),
    };
    let degrees = degrees(&summary.mesh_degree.histogram)?;
    let bytes = match directory.join("nodes.parquet").is_file() {
        true => node_bytes(directory)?,
        false => NodeBytes::default(),
    };
    Ok(Outcome {
        nodes: summary.nodes,
        attackers: summary.attackers,
        deliveries,
        counters: summary.counters,
        bytes,
        degrees,
        timeline: timeline(directory)?,
        siege: match summary.attackers {
            0 => Vec::new(),
            _ => siege(directory)?,
        },
        market: match directory.join("intents.parquet").is_file() {
            true => Some(intents(directory)?),
            false => None,
        },
        measures: summary.measures.clone(),
        violations: summary.violations.clone(),
        events: summary.events,
        end_ns: (summary.virtual_s * 1e9).round() as u64,
        partial: summary.partial,
        ..Outcome::default()
    })
}

/// Each mesh's degree, of a histogram.
fn degrees(histogram: &[u64]) -> Result<Vec<u16>, ParquetError> {
    let wrong = |expected: &str| ParquetError::General(format!("summary.json: mesh_degree.histogram: {expected}"));
    let all = histogram.iter().try_fold(0_u64, |all, meshes| all.checked_add(*meshes));
    if all.is_none_or(|all| all > MOST_MESHES) {
        return Err(wrong(&format!("expected at most {MOST_MESHES} meshes in all")));
    }
    let mut degrees = Vec::new();
    for (degree, meshes) in histogram.iter().enumerate() {
        let degree = u16::try_from(degree).map_err(|_| wrong("expected degrees below 65536"))?;
        degrees.extend(std::iter::repeat_n(degree, *meshes as usize));
    }
    Ok(degrees)
}

fn node_bytes(directory: &Path) -> Result<NodeBytes, ParquetError> {
    let nodes = Columns::open(directory, "nodes.parquet")?;
    Ok(NodeBytes {
        payload_up: nodes.u64s("payload_up_bytes")?,
        payload_down: nodes.u64s("payload_down_bytes")?,
        control_up: nodes.u64s("control_up_bytes")?,
        control_down: nodes.u64s("control_down_bytes")?,
    })
}

fn timeline(directory: &Path) -> Result<Vec<Second>, ParquetError> {
    let seconds = Columns::open(directory, "timeline.parquet")?;
    let columns = [
        "published",
        "delivered",
        "payload_sends",
        "duplicates",
        "control_sends",
        "bytes",
        "online",
    ];
    let [
        published,
        delivered,
        payload_sends,
        duplicates,
        control_sends,
        bytes,
        online,
    ] = columns.map(|name| seconds.u64s(name));
    let (published, delivered, payload_sends) = (published?, delivered?, payload_sends?);
    let (duplicates, control_sends, bytes, online) = (duplicates?, control_sends?, bytes?, online?);
    let second = |at: usize| Second {
        published: published[at],
        delivered: delivered[at],
        payload_sends: payload_sends[at],
        duplicates: duplicates[at],
        control_sends: control_sends[at],
        bytes: bytes[at],
        online: online[at],
    };
    Ok((0..published.len()).map(second).collect())
}

/// How far attackers came: a part of the timeline, where there are any.
fn siege(directory: &Path) -> Result<Vec<Besieged>, ParquetError> {
    let seconds = Columns::open(directory, "timeline.parquet")?;
    if !seconds.has("mesh_slots") {
        return Ok(Vec::new());
    }
    let (slots, held) = (seconds.u64s("mesh_slots")?, seconds.u64s("mesh_slots_attackers")?);
    let (victim_slots, victim_held) = (seconds.u64s("victim_slots")?, seconds.u64s("victim_slots_attackers")?);
    let (ties, sour) = (seconds.u64s("attacker_ties")?, seconds.u64s("attacker_ties_sour")?);
    let scores = seconds.whole("attacker_score_millionths")?;
    let second = |at: usize| Besieged {
        slots: slots[at],
        held: held[at],
        victim_slots: victim_slots[at],
        victim_held: victim_held[at],
        ties: ties[at],
        sour: sour[at],
        score: scores[at].map_or(0.0, |bits| bits as i64 as f64 / MILLION),
    };
    Ok((0..slots.len()).map(second).collect())
}

fn intents(directory: &Path) -> Result<MarketOutcome, ParquetError> {
    let rows = Columns::open(directory, "intents.parquet")?;
    let cast = rows.u64s("cast_ns")?;
    let (first, best) = (rows.whole("first_offer_ns")?, rows.whole("best_offer_ns")?);
    let fate = |at: usize| IntentFate {
        cast_ns: cast[at],
        first_offer_ns: first[at],
        best_offer_ns: best[at],
        ..IntentFate::default()
    };
    Ok(MarketOutcome {
        intents: (0..cast.len()).map(fate).collect(),
        ..MarketOutcome::default()
    })
}
