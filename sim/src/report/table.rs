//! Tables of a run, as Parquet and as CSV: columns of whole numbers, told by name, kind and row.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Encoding, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use crate::outcome::{MarketOutcome, NodeBytes, Outcome};

/// Rows in one group: what is held in memory at once, and what a reader can skip.
const GROUP: usize = 1 << 20;

/// Tables are of whole numbers: scores are told in millionths.
pub(super) const MILLION: f64 = 1e6;

/// A table.
pub struct Table<'a> {
    rows: usize,
    columns: Vec<Column<'a>>,
}

struct Column<'a> {
    name: &'static str,
    kind: Kind,
    /// The value in a row; a u64 as its bits. None only in an optional column.
    at: Box<dyn Fn(usize) -> Option<i64> + 'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    U8,
    U32,
    U64,
    OptionalU64,
    OptionalI64,
}

impl Kind {
    fn is_optional(self) -> bool {
        matches!(self, Kind::OptionalU64 | Kind::OptionalI64)
    }

    fn is_signed(self) -> bool {
        self == Kind::OptionalI64
    }

    /// Bits of the number.
    fn width(self) -> i8 {
        match self {
            Kind::U8 => 8,
            Kind::U32 => 32,
            Kind::U64 | Kind::OptionalU64 | Kind::OptionalI64 => 64,
        }
    }
}

impl<'a> Table<'a> {
    fn of(rows: usize) -> Self {
        Self {
            rows,
            columns: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, kind: Kind, at: impl Fn(usize) -> Option<i64> + 'a) -> Self {
        let at = Box::new(at);
        self.columns.push(Column { name, kind, at });
        self
    }

    fn u64(self, name: &'static str, at: impl Fn(usize) -> u64 + 'a) -> Self {
        self.with(name, Kind::U64, move |row| Some(at(row) as i64))
    }

    fn u32(self, name: &'static str, at: impl Fn(usize) -> u32 + 'a) -> Self {
        self.with(name, Kind::U32, move |row| Some(i64::from(at(row))))
    }

    /// First arrivals, with what is known of each one's message.
    pub fn deliveries(outcome: &'a Outcome) -> Self {
        let arrived = &outcome.deliveries;
        let message = |row: usize| outcome.messages.get(arrived.message[row] as usize);
        Self::of(arrived.len())
            .u32("message", |row| arrived.message[row])
            .u32("publisher", move |row| message(row).map_or(u32::MAX, |m| m.node))
            .u32("topic", move |row| message(row).map_or(0, |m| m.topic))
            .u64("published_ns", move |row| message(row).map_or(0, |m| m.at_ns))
            .u32("node", |row| arrived.node[row])
            .u64("latency_ns", |row| arrived.latency_ns[row])
            .with("hops", Kind::U8, |row| Some(i64::from(arrived.hops[row])))
    }

    /// One row for each second of virtual time.
    pub fn timeline(outcome: &'a Outcome) -> Self {
        let seconds = &outcome.timeline;
        let table = Self::of(seconds.len())
            .u64("second", |row| row as u64)
            .u64("published", |row| seconds[row].published)
            .u64("delivered", |row| seconds[row].delivered)
            .u64("payload_sends", |row| seconds[row].payload_sends)
            .u64("duplicates", |row| seconds[row].duplicates)
            .u64("control_sends", |row| seconds[row].control_sends)
            .u64("bytes", |row| seconds[row].bytes)
            .u64("online", |row| seconds[row].online);
        if outcome.siege.is_empty() {
            return table;
        }
        let siege = |row: usize| outcome.siege.get(row).copied().unwrap_or_default();
        table
            .u64("mesh_slots", move |row| siege(row).slots)
            .u64("mesh_slots_attackers", move |row| siege(row).held)
            .u64("victim_slots", move |row| siege(row).victim_slots)
            .u64("victim_slots_attackers", move |row| siege(row).victim_held)
            .u64("attacker_ties", move |row| siege(row).ties)
            .u64("attacker_ties_sour", move |row| siege(row).sour)
            .with("attacker_score_millionths", Kind::OptionalI64, move |row| {
                let row = siege(row);
                (row.ties > 0).then_some((row.score * MILLION).round() as i64)
            })
    }

    /// One row for each node, attackers in; none where bytes were not counted.
    pub fn nodes(outcome: &'a Outcome) -> Option<Self> {
        let NodeBytes {
            payload_up,
            payload_down,
            control_up,
            control_down,
        } = &outcome.bytes;
        if payload_up.is_empty() {
            return None;
        }
        let honest = outcome.nodes as usize;
        let table = Self::of(payload_up.len())
            .u64("node", |row| row as u64)
            .with("attacker", Kind::U8, move |row| Some(i64::from(row >= honest)))
            .u64("payload_up_bytes", |row| payload_up[row])
            .u64("payload_down_bytes", |row| payload_down[row])
            .u64("control_up_bytes", |row| control_up[row])
            .u64("control_down_bytes", |row| control_down[row]);
        Some(table)
    }

    /// One row for each intent.
    pub fn intents(market: &'a MarketOutcome) -> Self {
        let fates = &market.intents;
        let bits = |ns: Option<u64>| ns.map(|ns| ns as i64);
        Self::of(fates.len())
            .u64("intent", |row| row as u64)
            .u32("customer", |row| fates[row].customer)
            .u64("cast_ns", |row| fates[row].cast_ns)
            .u32("sellers_able", |row| fates[row].sellers_able)
            .u32("sellers_reached", |row| fates[row].sellers_reached)
            .u32("saw", |row| fates[row].saw)
            .u32("offers", |row| fates[row].offers)
            .with("first_offer_ns", Kind::OptionalU64, move |row| {
                bits(fates[row].first_offer_ns)
            })
            .with("best_offer_ns", Kind::OptionalU64, move |row| {
                bits(fates[row].best_offer_ns)
            })
            .with("surplus", Kind::OptionalI64, |row| fates[row].surplus)
    }

    /// As CSV with a line of names; an absent value is empty.
    pub fn csv(&self, to: &mut impl Write) -> io::Result<()> {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        writeln!(to, "{}", names.join(","))?;
        for row in 0..self.rows {
            for (at, column) in self.columns.iter().enumerate() {
                let comma = if at == 0 { "" } else { "," };
                match (column.at)(row) {
                    None => write!(to, "{comma}")?,
                    Some(value) if column.kind.is_signed() => write!(to, "{comma}{value}")?,
                    Some(value) => write!(to, "{comma}{}", value as u64)?,
                }
            }
            writeln!(to)?;
        }
        Ok(())
    }

    /// As Parquet, version 1 pages, uncompressed: numbers are packed by their differences, repeated ones by a dictionary.
    pub fn parquet(&self, to: impl Write + Send) -> Result<(), ParquetError> {
        let properties = WriterProperties::builder()
            .set_created_by(concat!("intentcast-sim ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_encoding(Encoding::DELTA_BINARY_PACKED)
            .set_dictionary_enabled(true)
            .build();
        let mut writer = SerializedFileWriter::new(to, Arc::new(self.schema()?), Arc::new(properties))?;
        let mut from = 0;
        while from < self.rows {
            let until = self.rows.min(from + GROUP);
            let mut group = writer.next_row_group()?;
            for column in &self.columns {
                match column.kind.width() {
                    64 => column.write::<Int64Type>(&mut group, from..until, |bits| bits)?,
                    _ => column.write::<Int32Type>(&mut group, from..until, |bits| bits as i32)?,
                }
            }
            group.close()?;
            from = until;
        }
        writer.close()?;
        Ok(())
    }

    fn schema(&self) -> Result<Type, ParquetError> {
        let field = |column: &Column<'_>| {
            let kind = column.kind;
            let physical = if kind.width() == 64 {
                Physical::INT64
            } else {
                Physical::INT32
            };
            let repetition = match kind.is_optional() {
                true => Repetition::OPTIONAL,
                false => Repetition::REQUIRED,
            };
            let field = Type::primitive_type_builder(column.name, physical)
                .with_repetition(repetition)
                .with_logical_type(Some(LogicalType::integer(kind.width(), kind.is_signed())));
            Ok(Arc::new(field.build()?))
        };
        let fields = self.columns.iter().map(field).collect::<Result<_, ParquetError>>()?;
        Type::group_type_builder("row").with_fields(fields).build()
    }
}

impl Column<'_> {
    fn write<T: DataType>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
        rows: std::ops::Range<usize>,
        narrow: impl Fn(i64) -> T::T,
    ) -> Result<(), ParquetError> {
        let cells: Vec<Option<i64>> = rows.map(|row| (self.at)(row)).collect();
        let there: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
        let values: Vec<T::T> = cells.into_iter().flatten().map(narrow).collect();
        let Some(mut writer) = group.next_column()? else {
            return Err(ParquetError::General(format!("no column for {}", self.name)));
        };
        let levels = self.kind.is_optional().then_some(there.as_slice());
        writer.typed::<T>().write_batch(&values, levels, None)?;
        writer.close()
    }
}
