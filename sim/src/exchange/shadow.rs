//! A scenario as a configuration of Shadow over the real node: https://shadow.github.io/docs/guide/shadow_config_spec.html
//!
//! Shadow runs unmodified programs in virtual time. Each node of the scenario becomes a host that runs `intentcast up`
//! and finds the others through one meeting point; who publishes, or wants something, is a host on which
//! `intentcast cast` runs at its time.

mod load;

use std::fmt::Write;

use self::load::{Load, amount};
use super::identity;
use crate::engine::Plan;
use crate::links::Links;
use crate::scenario::{Error, Latency, Scenario, seconds};

/// Beyond so many places a graph of all pairs is larger than what it describes.
const MAX_PLACES: u32 = 256;
/// What Shadow is told of a host whose scenario knows no limit.
const UNLIMITED_BPS: f64 = 1e9;
/// Where the meeting point is; hosts' own addresses are given by Shadow, which begins at 11.0.0.1.
const MEETING_ADDRESS: &str = "192.0.2.1";
const PORT: u16 = 4401;

/// Files to write beside each other, and what of the scenario is not in them.
#[derive(Clone, Debug)]
pub struct Exported {
    /// `shadow.yaml`.
    pub config: String,
    /// `rules.toml` of the nodes that sell.
    pub rules: String,
    /// `catalog.csv` of the nodes that sell.
    pub catalogue: String,
    /// `meeting/identity.key`, for its owner's eyes alone: the meeting point refuses it otherwise.
    pub identity: Vec<u8>,
    /// What Shadow or the real node cannot be told, a sentence each.
    pub left_out: Vec<String>,
}

/// The scenario as files for Shadow. `program` is the path of the real node's program.
pub fn export(scenario: &Scenario, seed: u64, program: &str) -> Result<Exported, String> {
    let plan = Plan::of(scenario, seed).map_err(|error| error.to_string())?;
    let links = Links::of(scenario, seed).map_err(|error| error.to_string())?;
    let load = Load::of(plan)?;
    let (identity, meeting) = identity::of_seed(seed);
    let places = Places::of(scenario, &links);
    let mut config = head(scenario, seed, &load);
    put(
        &mut config,
        format_args!("network:\n  graph:\n    type: gml\n    inline: |\n"),
    );
    graph(&mut config, scenario, &places);
    put(&mut config, format_args!("hosts:\n"));
    host(&mut config, "meeting", 0, Some(MEETING_ADDRESS));
    process(
        &mut config,
        program,
        &format!("--home ../../../meeting bootstrap --listen /ip4/0.0.0.0/tcp/{PORT}"),
        0.5,
        "running",
    );
    let bootstrap = format!("/ip4/{MEETING_ADDRESS}/tcp/{PORT}/p2p/{meeting}");
    let mut casts = vec![Vec::new(); scenario.nodes as usize];
    for (number, cast) in load.casts.iter().enumerate() {
        casts[cast.by as usize].push((number, cast.at_ns as f64 / 1e9));
    }
    for node in 0..scenario.nodes {
        host(&mut config, &format!("node{node}"), places.of_node(node, &links), None);
        let sells = if load.sells[node as usize] {
            " --rules ../../../rules.toml --catalog ../../../catalog.csv"
        } else {
            ""
        };
        let up = format!("--home home up --listen /ip4/0.0.0.0/tcp/{PORT} --bootstrap {bootstrap}{sells}");
        // All at once would be a crowd at the meeting point that no real network knows.
        let start = 1.0 + f64::from(node % 1_000) * 0.01;
        process(&mut config, program, &up, start, "running");
        for (number, at_s) in &casts[node as usize] {
            let cast = format!(
                "--home home cast 'a stroller for twins, number {number}' --region GB {}",
                load.flags
            );
            process(&mut config, program, &cast, *at_s, "{exited: 0}");
        }
    }
    Ok(Exported {
        config,
        rules: rules(&load),
        catalogue: catalogue(&load),
        identity,
        left_out: left_out(scenario, &places, load),
    })
}

fn rules(load: &Load) -> String {
    format!(
        "shop = \"a simulated shop\"\ncategories = [\"prams\"]\n\n[[delivery]]\nregion = \"GB\"\nmode = \"delivery\"\nprice = \"{} GBP\"\ndays = 3\n",
        amount(load.delivery)
    )
}

fn catalogue(load: &Load) -> String {
    format!(
        "sku,title,description,category,price,currency,stock\ntwin,Tandem twin stroller,Folds flat,prams,{},GBP,{}\n",
        amount(load.price),
        load.pieces
    )
}

/// On which of the graph's nodes a host is.
enum Places {
    /// All on one.
    One(u64),
    /// By region: a name and one node that is in it.
    Regions(Vec<(String, u32)>, Vec<Vec<u64>>),
    /// Each node on its own, or many on each of so many.
    Many(Vec<Vec<u64>>),
}

impl Places {
    fn of(scenario: &Scenario, links: &Links) -> Self {
        match &scenario.links.latency {
            Latency::ConstantMs(_) => Places::One(links.delay(0, 1)),
            Latency::Matrix(_) => {
                let mut regions: Vec<(String, u32)> = Vec::new();
                let mut second = std::collections::BTreeMap::new();
                for node in 0..scenario.nodes {
                    let Some(name) = links.region_of(node) else { continue };
                    match regions.iter().position(|(known, _)| known == name) {
                        None => regions.push((name.to_owned(), node)),
                        Some(at) => {
                            second.entry(at).or_insert(node);
                        }
                    }
                }
                let delay = |a: usize, b: usize| {
                    let other = if a == b {
                        second.get(&a).copied()
                    } else {
                        Some(regions[b].1)
                    };
                    links.delay(regions[a].1, other.unwrap_or(regions[a].1))
                };
                let rows = (0..regions.len()).map(|a| (0..regions.len()).map(|b| delay(a, b)).collect());
                let rows = rows.collect();
                Places::Regions(regions, rows)
            }
            Latency::UniformMs(_) | Latency::LogNormal { .. } => {
                let count = scenario.nodes.min(MAX_PLACES);
                // Two hosts on one place are as far apart as it is from its neighbour's double.
                let delay = |a: u32, b: u32| links.delay(a, if a == b { b + count } else { b });
                let rows = (0..count).map(|a| (0..count).map(|b| delay(a.min(b), a.max(b))).collect());
                Places::Many(rows.collect())
            }
        }
    }

    fn count(&self) -> usize {
        match self {
            Places::One(_) => 1,
            Places::Regions(_, rows) | Places::Many(rows) => rows.len(),
        }
    }

    fn delay(&self, a: usize, b: usize) -> u64 {
        match self {
            Places::One(ns) => *ns,
            Places::Regions(_, rows) | Places::Many(rows) => rows[a][b],
        }
    }

    fn of_node(&self, node: u32, links: &Links) -> usize {
        match self {
            Places::One(_) => 0,
            Places::Regions(regions, _) => {
                let name = links.region_of(node);
                regions
                    .iter()
                    .position(|(known, _)| Some(known.as_str()) == name)
                    .unwrap_or(0)
            }
            Places::Many(rows) => node as usize % rows.len(),
        }
    }
}

fn head(scenario: &Scenario, seed: u64, load: &Load) -> String {
    // Chance says when the last want comes, and it is heard out.
    let last = load.casts.last().map_or(0, |cast| cast.at_ns);
    let heard_out = last.saturating_add(seconds(scenario.time.cool_down_s));
    format!(
        "# {} with seed {seed}, for the real node under Shadow: shadow shadow.yaml\n\
         general:\n  stop_time: \"{} ms\"\n  seed: {}\n  progress: true\n  model_unblocked_syscall_latency: true\n",
        Error::shown(&scenario.name),
        scenario.length_ns().max(heard_out).div_ceil(1_000_000),
        // Shadow's is of 32 bits.
        seed & 0xffff_ffff
    )
}

fn graph(config: &mut String, scenario: &Scenario, places: &Places) {
    let (up, down) = match &scenario.links.bandwidth {
        Some(bandwidth) => (bandwidth.up_bps, bandwidth.down_bps),
        None => (UNLIMITED_BPS, UNLIMITED_BPS),
    };
    put(config, format_args!("      graph [\n        directed 0\n"));
    for place in 0..places.count() {
        put(
            config,
            format_args!(
                "        node [\n          id {place}\n          host_bandwidth_up \"{} bit\"\n          host_bandwidth_down \"{} bit\"\n        ]\n",
                whole_bytes(up),
                whole_bytes(down)
            ),
        );
    }
    for a in 0..places.count() {
        for b in a..places.count() {
            put(
                config,
                format_args!(
                    "        edge [\n          source {a}\n          target {b}\n          latency \"{} us\"\n          packet_loss {}\n        ]\n",
                    (places.delay(a, b) / 1_000).max(1),
                    scenario.links.loss
                ),
            );
        }
    }
    put(config, format_args!("      ]\n"));
}

/// Shadow takes no part of a byte.
fn whole_bytes(bps: f64) -> u64 {
    (bps as u64).next_multiple_of(8)
}

fn host(config: &mut String, name: &str, place: usize, address: Option<&str>) {
    put(config, format_args!("  {name}:\n    network_node_id: {place}\n"));
    if let Some(address) = address {
        put(config, format_args!("    ip_addr: {address}\n"));
    }
    put(config, format_args!("    processes:\n"));
}

fn process(config: &mut String, program: &str, words: &str, start_s: f64, ends: &str) {
    put(
        config,
        format_args!(
            "    - path: {}\n      args: {}\n      start_time: \"{:.0} ms\"\n      expected_final_state: {ends}\n",
            quoted(program),
            quoted(words),
            start_s * 1e3
        ),
    );
}

/// A YAML string in double quotes, on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '\\' | '"' => quoted.extend(['\\', c]),
            // Line breaks of YAML, and what it takes for no text at all.
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                put(&mut quoted, format_args!("\\u{:04x}", u32::from(c)))
            }
            c if c.is_control() => put(&mut quoted, format_args!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn left_out(scenario: &Scenario, places: &Places, load: Load) -> Vec<String> {
    let mut told = vec!["who dials whom: real nodes find each other through the meeting point".to_owned()];
    let mut say = |is: bool, what: &str| {
        if is {
            told.push(what.to_owned());
        }
    };
    say(
        scenario.gossipsub != crate::scenario::Gossipsub::default(),
        "the gossip's knobs: the real node has its own",
    );
    say(scenario.links.jitter > 0.0, "jitter, which Shadow does not have yet");
    say(
        scenario.links.slow_start.is_some(),
        "slow start's figures: Shadow has a TCP of its own",
    );
    say(scenario.churn.is_some(), "churn");
    say(!scenario.partition.is_empty(), "partitions");
    say(scenario.nat.is_some(), "address translation");
    say(scenario.phones.is_some(), "phones that sleep");
    say(!scenario.attack.is_empty(), "attackers");
    say(
        matches!(places, Places::Many(rows) if rows.len() < scenario.nodes as usize),
        "a place of its own for each node: 256 places are shared",
    );
    told.extend(load.left_out);
    told
}

fn put(to: &mut String, what: std::fmt::Arguments<'_>) {
    to.write_fmt(what).expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests;
