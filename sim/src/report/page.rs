//! One self-contained page: the figures of one run, or of several beside each other.

use super::figures::{Named, figures};
use super::plot::{Plot, escape, label};
use crate::outcome::{Latencies, Summary};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#57606a;--grid:#e3e6ea;\
--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#8a6d00;--c5:#56b4e9;--c6:#7a3db8;--c7:#5c5c5c}\
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0f1318;--soft:#9aa4af;--grid:#2a313a;\
--c0:#58a6e0;--c1:#ff9350;--c2:#3fcf9f;--c3:#eda6cd;--c4:#e0c04a;--c5:#8fd0f7;--c6:#b58bea;--c7:#a8a8a8}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:76rem;margin:2rem auto;padding:0 1rem}\
h1{line-height:1.2;margin-bottom:.2rem}p{max-width:46rem}.soft{color:var(--soft)}\
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,28rem),1fr));gap:1.5rem;margin:2rem 0}\
figure{margin:0}svg{width:100%;height:auto}\
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
th,td{padding:.25rem .9rem .25rem 0;text-align:right;border-bottom:1px solid var(--grid)}\
th:first-child,td:first-child{text-align:left}\
.warn{border-left:4px solid var(--c1);padding:.2rem .8rem}\
svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .title{font-size:15px;font-weight:600}svg .tick{fill:var(--soft)}\
.grid{stroke:var(--grid);fill:none}.axis{stroke:var(--soft);fill:none}.span{opacity:.1}.edge{fill:none;stroke-dasharray:3 3;opacity:.6}.line{fill:none;stroke-width:2}\
.s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}\
.s4{stroke:var(--c4)}.s5{stroke:var(--c5)}.s6{stroke:var(--c6)}.s7{stroke:var(--c7)}\
.f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}\
.f4{fill:var(--c4)}.f5{fill:var(--c5)}.f6{fill:var(--c6)}.f7{fill:var(--c7)}\
code{font-size:.9em;overflow-wrap:anywhere}";

/// The page of these runs; `about` is a sentence under the heading, `source` what to say to get them again.
pub fn page(title: &str, about: &str, source: &[String], runs: &[(Named<'_>, &Summary)]) -> String {
    let plots = figures(&runs.iter().map(|(named, _)| *named).collect::<Vec<_>>());
    let mut body = String::new();
    for (named, summary) in runs {
        if summary.partial {
            body.push_str(&warning(&format!(
                "{} was ended before its time, after {:.1} s of virtual time: the figures are of what there is.",
                named.name, summary.virtual_s
            )));
        }
        for violation in &summary.violations {
            body.push_str(&warning(&format!("{}: {violation}", named.name)));
        }
    }
    let named: Vec<(&str, &Summary)> = runs.iter().map(|(named, summary)| (named.name, *summary)).collect();
    body.push_str(&table(&named));
    body.push_str(&gallery(&plots));
    body.push_str("<h2>Again</h2>");
    for line in source {
        body.push_str(&format!("<p><code>{}</code></p>", escape(line)));
    }
    document(title, about, &body)
}

/// A page of figures alone.
pub fn plots_page(title: &str, about: &str, plots: &[Plot]) -> String {
    document(title, about, &gallery(plots))
}

/// One figure as a file of its own, with the page's colours in it.
pub fn standalone(plot: &Plot) -> String {
    plot.svg().replacen('>', &format!("><style>{STYLE}</style>"), 1) + "\n"
}

fn gallery(plots: &[Plot]) -> String {
    let figures: String = plots
        .iter()
        .map(|plot| format!("<figure>{}</figure>", plot.svg()))
        .collect();
    format!("<div class=\"figures\">{figures}</div>")
}

fn document(title: &str, about: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style></head>\n<body><h1>{title}</h1><p class=\"soft\">{about}</p>{body}</body></html>\n",
        title = escape(title),
        about = escape(about)
    )
}

fn warning(text: &str) -> String {
    format!("<p class=\"warn\">{}</p>", escape(text))
}

/// The measures of each run in a column of its own, and the last one's difference from the first where there are two.
fn table(runs: &[(&str, &Summary)]) -> String {
    let summaries: Vec<&Summary> = runs.iter().map(|(_, summary)| *summary).collect();
    let mut html = String::from("<div class=\"wide\"><table><thead><tr><th>measure</th>");
    for (name, _) in runs {
        html.push_str(&format!("<th>{}</th>", escape(name)));
    }
    let compares = runs.len() == 2;
    if compares {
        html.push_str("<th>difference</th>");
    }
    html.push_str("</tr></thead><tbody>");
    for (measure, values) in beside(&summaries) {
        html.push_str(&format!("<tr><td>{}</td>", escape(&measure)));
        for value in &values {
            html.push_str(&format!("<td>{}</td>", value.map_or("–".into(), label)));
        }
        if compares {
            html.push_str(&format!(
                "<td>{}</td>",
                difference(values.first().copied().flatten(), values.last().copied().flatten())
            ));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
    html
}

fn difference(base: Option<f64>, other: Option<f64>) -> String {
    match (base, other) {
        (Some(base), Some(other)) if base != 0.0 => format!("{:+.2} %", (other - base) / base * 100.0),
        (Some(_), Some(other)) => format!("{:+}", label(other)),
        _ => String::new(),
    }
}

/// Each measure that any of these runs has, with its value in each of them: an attack's are beside a calm run's blanks.
pub fn beside(runs: &[&Summary]) -> Vec<(String, Vec<Option<f64>>)> {
    let mut rows: Vec<(String, Vec<Option<f64>>)> = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let mut place = 0;
        for (name, value) in measures(run) {
            let found = rows.iter().position(|(known, _)| *known == name);
            // What an earlier run does not have goes where this one has it.
            let row = found.unwrap_or(place);
            if found.is_none() {
                rows.insert(row, (name, vec![None; runs.len()]));
            }
            rows[row].1[at] = value;
            place = row + 1;
        }
    }
    rows.retain(|(_, values)| values.iter().any(Option::is_some));
    rows
}

/// What tables tell of a run, by name with the unit; none where nothing was counted.
pub fn measures(summary: &Summary) -> Vec<(String, Option<f64>)> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: Option<f64>| rows.push((name.to_owned(), value));
    row("nodes", Some(f64::from(summary.nodes)));
    row(
        "attackers",
        (summary.attackers > 0).then_some(f64::from(summary.attackers)),
    );
    row("messages", Some(summary.messages as f64));
    row("delivery, %", summary.delivery_ratio.map(|ratio| ratio * 100.0));
    times("latency", &summary.latency, &mut row);
    row("hops, mean", summary.hops_mean);
    row("sends per delivery", summary.sends_per_delivery);
    row("duplicates per delivery", summary.duplicates_per_delivery);
    row("mesh degree, mean", summary.mesh_degree.mean);
    row("mesh degree, least", summary.mesh_degree.min.map(f64::from));
    row("mesh degree, most", summary.mesh_degree.max.map(f64::from));
    row("bytes up a node, mean", summary.bytes_up.mean);
    row("bytes down a node, mean", summary.bytes_down.mean);
    row("payload bytes", Some(summary.counters.payload_bytes as f64));
    row("control bytes", Some(summary.counters.control_bytes as f64));
    row("IHAVE", Some(summary.counters.ihave as f64));
    row("IWANT", Some(summary.counters.iwant as f64));
    row("GRAFT", Some(summary.counters.graft as f64));
    row("PRUNE", Some(summary.counters.prune as f64));
    row("IDONTWANT", Some(summary.counters.idontwant as f64));
    let market = summary.market.as_ref();
    row("intents", market.map(|m| m.intents as f64));
    row(
        "sellers reached, %",
        market.and_then(|m| m.sellers_reached).map(|share| share * 100.0),
    );
    row(
        "match rate, %",
        market.and_then(|m| m.match_rate).map(|share| share * 100.0),
    );
    row("offers per intent", market.and_then(|m| m.offers_per_intent));
    let none = Latencies::default();
    times("first offer", market.map_or(&none, |m| &m.first_offer), &mut row);
    times("best offer", market.map_or(&none, |m| &m.best_offer), &mut row);
    row(
        "saved by a customer, minor units, mean",
        market.and_then(|m| m.surplus_mean),
    );
    row(
        "sellers' bytes wasted, %",
        market.and_then(|m| m.wasted_share).map(|share| share * 100.0),
    );
    row("nodes that saw a want, mean", market.and_then(|m| m.saw_mean));
    for (name, value) in &summary.measures {
        row(name, Some(*value));
    }
    rows
}

fn times(of: &str, latencies: &Latencies, row: &mut impl FnMut(&str, Option<f64>)) {
    row(&format!("{of}, mean, ms"), latencies.mean_ms);
    row(&format!("{of}, p50, ms"), latencies.p50_ms);
    row(&format!("{of}, p90, ms"), latencies.p90_ms);
    row(&format!("{of}, p99, ms"), latencies.p99_ms);
    row(&format!("{of}, most, ms"), latencies.max_ms);
}
