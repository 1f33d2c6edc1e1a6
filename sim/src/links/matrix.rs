//! Latency between regions: a table that is shipped, or a CSV file.

use super::BadMatrix;

/// Regions, how many nodes are in each, and how far they are from each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    names: Vec<String>,
    /// Running sums of the nodes' shares; the last is 1.
    shares: Vec<f64>,
    /// One way, ns, row by row.
    delays: Vec<u64>,
}

/// Where a table leaves a region's own latency empty, ms one way.
const WITHIN_MS: f64 = 2.0;
/// Longest way of a table, ms one way: as that of any latency of a scenario.
const MOST_MS: f64 = 3.6e6;
/// Regions of one table.
const MOST_REGIONS: usize = 1_000;
/// Bytes of one file.
const MOST_BYTES: u64 = 16 << 20;

/// Tables that are shipped, by name.
const SHIPPED: [(&str, &str); 1] = [("continents", include_str!("continents.csv"))];

impl Matrix {
    /// Whether a table of this name is shipped; then no file of that name is read.
    pub fn is_shipped(name: &str) -> bool {
        SHIPPED.iter().any(|(shipped, _)| *shipped == name)
    }

    /// A shipped table of this name, or the file of this path.
    pub fn named(name: &str) -> Result<Self, BadMatrix> {
        if let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
            return Self::parse(name, text);
        }
        let bad = |expected: String| BadMatrix {
            name: name.to_owned(),
            expected,
        };
        let shipped = SHIPPED.map(|(name, _)| name).join(", ");
        let size = std::fs::metadata(name)
            .map_err(|error| bad(format!("neither a shipped table ({shipped}) nor a file: {error}")))?;
        if size.len() > MOST_BYTES {
            return Err(bad(format!("expected at most {MOST_BYTES} bytes")));
        }
        let text = std::fs::read_to_string(name).map_err(|error| bad(error.to_string()))?;
        Self::parse(name, &text)
    }

    /// Reads a table: a head line, then a line for each region with its name first.
    ///
    /// A column whose head is a region's name holds milliseconds; one way, or both ways if the head of the first
    /// column has `rtt` in it. A column whose head begins with `node_` holds the nodes' weights; all are alike
    /// without it. Other columns, and lines that begin with `#`, are not read.
    pub fn parse(name: &str, text: &str) -> Result<Self, BadMatrix> {
        let bad = |expected: String| BadMatrix {
            name: name.to_owned(),
            expected,
        };
        let mut lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let head: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
        let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').map(str::trim).collect()).collect();
        if rows.is_empty() || rows.len() > MOST_REGIONS {
            return Err(bad(format!("expected 1 to {MOST_REGIONS} regions, got {}", rows.len())));
        }
        let ways = if head[0].contains("rtt") { 2.0 } else { 1.0 };
        let names: Vec<String> = rows.iter().map(|row| row[0].to_owned()).collect();
        for (at, region) in names.iter().enumerate() {
            let columns = head.iter().skip(1).filter(|head| *head == region).count();
            if names[..at].contains(region) || columns > 1 {
                return Err(bad(format!("region `{region}` is there twice")));
            }
        }
        let column = |name: &str| head.iter().skip(1).position(|head| *head == name).map(|at| at + 1);
        let number = |row: &[&str], at: usize| -> Result<Option<f64>, BadMatrix> {
            let cell = row.get(at).copied().unwrap_or_default();
            if cell.is_empty() {
                return Ok(None);
            }
            let value = cell
                .parse::<f64>()
                .ok()
                .filter(|value| value.is_finite() && *value >= 0.0);
            value
                .map(Some)
                .ok_or_else(|| bad(format!("row `{}`: expected a number, got `{cell}`", row[0])))
        };

        let mut delays = Vec::with_capacity(names.len() * names.len());
        for row in &rows {
            for to in &names {
                let at = column(to).ok_or_else(|| bad(format!("no column for region `{to}`")))?;
                let ms = match number(row, at)? {
                    Some(ms) => ms / ways,
                    None if row[0] == to => WITHIN_MS,
                    None => return Err(bad(format!("row `{}`: nothing for `{to}`", row[0]))),
                };
                if ms > MOST_MS {
                    return Err(bad(format!(
                        "row `{}`: expected at most {MOST_MS} ms one way to `{to}`, got {ms}",
                        row[0]
                    )));
                }
                delays.push((ms * 1e6) as u64);
            }
        }
        let weights = head.iter().position(|head| head.starts_with("node_"));
        let mut shares = Vec::with_capacity(names.len());
        let mut sum = 0.0;
        for row in &rows {
            sum += match weights {
                Some(at) => number(row, at)?.unwrap_or(0.0),
                None => 1.0,
            };
            shares.push(sum);
        }
        if sum <= 0.0 {
            return Err(bad("all weights are zero".to_owned()));
        }
        if !sum.is_finite() {
            return Err(bad("the sum of all weights is beyond any number".to_owned()));
        }
        shares.iter_mut().for_each(|share| *share /= sum);
        Ok(Self { names, shares, delays })
    }

    /// The region that a number in 0..1 falls into.
    pub fn region(&self, at: f64) -> usize {
        self.shares
            .partition_point(|share| *share <= at)
            .min(self.names.len() - 1)
    }

    /// What all regions are called.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What a region is called.
    pub fn name(&self, region: usize) -> &str {
        &self.names[region]
    }

    /// One way, ns. A table need not say the same both ways; links do, so the mean counts.
    pub fn delay(&self, a: usize, b: usize) -> u64 {
        let n = self.names.len();
        (self.delays[a * n + b] + self.delays[b * n + a]) / 2
    }

    /// The least of all, ns.
    pub fn least(&self) -> u64 {
        let n = self.names.len();
        let all = (0..n).flat_map(|a| (a..n).map(move |b| (a, b)));
        all.map(|(a, b)| self.delay(a, b)).min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_round_trips_is_halved_and_its_own_regions_are_near() {
        let matrix = Matrix::parse("t", "rtt_ms_p95,Here,There\nHere,,80\nThere,80,\n").unwrap();
        assert_eq!(matrix.delay(0, 1), 40_000_000);
        assert_eq!(matrix.delay(1, 1), 2_000_000);
        assert_eq!(matrix.least(), 2_000_000);
    }

    #[test]
    fn weights_decide_how_many_nodes_a_region_has() {
        let text = "latency_ms,A,B,download_bps,node_share\nA,1,9,1000,0.25\nB,9,1,1000,0.75\n";
        let matrix = Matrix::parse("t", text).unwrap();
        assert_eq!(matrix.region(0.2), 0);
        assert_eq!(matrix.region(0.3), 1);
        assert_eq!(matrix.name(matrix.region(0.999_999)), "B");
    }

    #[test]
    fn a_table_with_a_hole_is_refused_by_name() {
        for text in ["ms,A,B\nA,1,\nB,2,1\n", "ms,A\nA,1\nB,2\n", "ms,A\nA,x\n", "ms,A\n", ""] {
            let error = Matrix::parse("t.csv", text).unwrap_err();
            assert!(error.to_string().contains("t.csv"), "{error}");
        }
    }

    #[test]
    fn a_table_that_no_network_has_is_refused_in_words() {
        for (text, said) in [
            ("ms,A,B\nA,1,1e300\nB,2,1\n", "row `A`: expected at most 3600000 ms"),
            ("ms,A,B\nA,1,2\nA,2,1\n", "region `A` is there twice"),
            ("ms,A,A\nA,1,2\n", "region `A` is there twice"),
            ("ms,A,B,node_n\nA,1,2,1e308\nB,2,1,1e308\n", "sum of all weights"),
        ] {
            let error = Matrix::parse("t.csv", text).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
        // There and back it is 3.6e6 ms each way.
        assert!(Matrix::parse("t", "rtt,A,B\nA,1,7.2e6\nB,7.2e6,1\n").is_ok());
    }

    /// Kilometres between two places on a sphere.
    fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
        let ((lat_a, lon_a), (lat_b, lon_b)) = (
            (a.0.to_radians(), a.1.to_radians()),
            (b.0.to_radians(), b.1.to_radians()),
        );
        let half = |x: f64| (x / 2.0).sin().powi(2);
        let h = half(lat_b - lat_a) + lat_a.cos() * lat_b.cos() * half(lon_b - lon_a);
        2.0 * 6_371.0 * h.sqrt().asin()
    }

    #[test]
    fn the_shipped_table_is_what_its_head_says() {
        let (_, text) = SHIPPED[0];
        let places: Vec<(f64, f64)> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# at "))
            .map(|line| {
                let mut numbers = line.rsplitn(3, ' ').map(|n| n.parse::<f64>().unwrap());
                let lon = numbers.next().unwrap();
                (numbers.next().unwrap(), lon)
            })
            .collect();
        let matrix = Matrix::named("continents").unwrap();
        assert_eq!(places.len(), matrix.names.len());
        for (a, from) in places.iter().enumerate() {
            for (b, to) in places.iter().enumerate() {
                let ms = (5.0 + distance(*from, *to) * 1.5 / 200.0).round() as u64;
                assert_eq!(
                    matrix.delay(a, b),
                    ms * 1_000_000,
                    "{} {}",
                    matrix.name(a),
                    matrix.name(b)
                );
            }
        }
    }
}
