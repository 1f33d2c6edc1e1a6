//! When a node is there: churn, sleeping phones, attackers that come later. Nothing that happens in the network
//! changes it, so each node's times can be told from the seed alone.

use crate::gossipsub::{Chance, mix2, unit};
use crate::scenario::{Churn, ChurnKind, Scenario, seconds};

/// The next stays of one node.
#[derive(Clone, Debug)]
pub struct Presence {
    kind: Kind,
    chance: Chance,
    /// Where the next stay begins, ns; none: there is no next one.
    next: Option<u64>,
}

#[derive(Clone, Debug)]
enum Kind {
    /// From the first instant to the last, or between two of them.
    Always(u64),
    Churn(Churn),
    Phone {
        sleep: f64,
        awake: f64,
    },
    /// What is left of a trace, last first.
    Trace(Vec<(u64, u64)>),
}

/// Rows of a trace: node, from, to; ns.
pub type Trace = Vec<(u32, u64, u64)>;

impl Presence {
    /// Of one node of a scenario. `trace` is that of the churn's file.
    pub fn of(scenario: &Scenario, trace: &Trace, seed: u64, node: u32) -> Self {
        let chance = Chance::of(mix2(seed, 0x9e5), u64::from(node));
        if node >= scenario.nodes {
            let (start, stop) = attacker(scenario, node);
            return Self {
                kind: Kind::Always(stop),
                chance,
                next: Some(start),
            };
        }
        if let Some(phones) = &scenario.phones
            && is_phone(scenario, seed, node)
        {
            let (sleep, awake) = (phones.sleep_s, phones.awake_s);
            let mut chance = chance;
            // As if it had been so for long: awake by that share of the time, and otherwise somewhere in a sleep.
            let next = match chance.unit() < (awake / sleep).min(1.0) {
                true => 0,
                false => seconds(chance.exponential(sleep)),
            };
            return Self {
                kind: Kind::Phone { sleep, awake },
                chance,
                next: Some(next),
            };
        }
        match &scenario.churn {
            Some(churn) if churn.kind == ChurnKind::Trace => {
                let mut stays: Vec<(u64, u64)> = trace
                    .iter()
                    .filter(|(of, ..)| *of == node)
                    .map(|(_, from, to)| (*from, *to))
                    .collect();
                // A node that the file does not name is always there.
                if stays.is_empty() {
                    return Self {
                        kind: Kind::Always(u64::MAX),
                        chance,
                        next: Some(0),
                    };
                }
                stays.sort_unstable_by(|a, b| b.cmp(a));
                let next = stays.last().map(|(from, _)| *from);
                Self {
                    kind: Kind::Trace(stays),
                    chance,
                    next,
                }
            }
            Some(churn) if unit(mix2(mix2(seed, 0xc4), u64::from(node))) < churn.share => Self {
                kind: Kind::Churn(churn.clone()),
                chance,
                next: Some(0),
            },
            _ => Self {
                kind: Kind::Always(u64::MAX),
                chance,
                next: Some(0),
            },
        }
    }
}

impl Iterator for Presence {
    type Item = (u64, u64);

    /// The next stay: from when to when, ns. The last one ends at `u64::MAX`.
    fn next(&mut self) -> Option<(u64, u64)> {
        let from = self.next?;
        let (to, next) = match &mut self.kind {
            Kind::Always(stop) => (*stop, None),
            Kind::Phone { sleep, awake } => {
                let to = from + seconds(self.chance.exponential(*awake)).max(1);
                let woken = from + seconds(self.chance.exponential(*sleep));
                // One that would be woken while it is awake sleeps for a moment, and begins anew.
                (to, Some(woken.max(to + 1)))
            }
            Kind::Trace(stays) => {
                let (_, to) = stays.pop()?;
                // Stays that overlap follow one another.
                (to, stays.last().map(|(next, _)| (*next).max(to.saturating_add(1))))
            }
            Kind::Churn(churn) => {
                let stop = churn.stop_s.map_or(u64::MAX, seconds);
                let to = from.max(seconds(churn.start_s)) + seconds(self.chance.exponential(churn.online_s)).max(1);
                if to >= stop {
                    (u64::MAX, None)
                } else {
                    let away = match churn.kind {
                        ChurnKind::Diurnal => diurnal_away_s(churn, to, self.chance.exponential(1.0)),
                        ChurnKind::Poisson | ChurnKind::Trace => self.chance.exponential(churn.offline_s),
                    };
                    (to, Some(to.saturating_add(seconds(away).max(1)).min(stop)))
                }
            }
        };
        self.next = next.filter(|_| to < u64::MAX);
        Some((from, to.max(from)))
    }
}

/// Steps of a day in which a node's inclination to come back is taken for the same.
const STEPS: u32 = 48;

/// How long one that leaves now is away, s. The inclination to come back is followed through the day, so that who left
/// in the evening comes with the others in the morning: presence swings as a cosine with its noon at the beginning, down
/// to `night` of what it is by day, and lags by about `online_s`. `patience` is how much inclination, summed over the
/// time away, it takes; its mean is one.
fn diurnal_away_s(churn: &Churn, now: u64, patience: f64) -> f64 {
    let step = churn.day_s / f64::from(STEPS);
    let inclined = |number: u32| step * comes_back_per_s(churn, (f64::from(number) + 0.5) / f64::from(STEPS));
    let daily: f64 = (0..STEPS).map(inclined).sum();
    let days = (patience / daily).floor();
    let mut left = patience - days * daily;
    let mut away = days * churn.day_s;
    // The first step has begun already.
    let at = now as f64 / 1e9 / churn.day_s * f64::from(STEPS);
    let (mut number, mut share) = ((at as u64 % u64::from(STEPS)) as u32, 1.0 - at.fract());
    for _ in 0..=STEPS {
        let more = share * inclined(number);
        if more >= left {
            return away + share * step * left / more;
        }
        left -= more;
        away += share * step;
        (number, share) = ((number + 1) % STEPS, 1.0);
    }
    away
}

/// Of those that are away, the share that comes back in a second, where it is this share of a day past noon: what keeps
/// presence where it should be then.
fn comes_back_per_s(churn: &Churn, day: f64) -> f64 {
    let swing = (1.0 + (std::f64::consts::TAU * day).cos()) / 2.0;
    let by_day = churn.online_s / (churn.online_s + churn.offline_s);
    let present = by_day * (churn.night + (1.0 - churn.night) * swing);
    // At a presence of nothing it would be away for ever, at one of all not at all.
    let present = present.clamp(0.001, 0.999);
    present / (1.0 - present) / churn.online_s
}

/// Whether a node is a phone.
pub fn is_phone(scenario: &Scenario, seed: u64, node: u32) -> bool {
    let chance = unit(mix2(mix2(seed, 0xf0e), u64::from(node)));
    node < scenario.nodes && scenario.phones.as_ref().is_some_and(|phones| chance < phones.share)
}

/// When the attack that an attacker belongs to begins and ends.
fn attacker(scenario: &Scenario, node: u32) -> (u64, u64) {
    let mut first = scenario.nodes;
    for attack in &scenario.attack {
        let next = first.saturating_add(attack.nodes(scenario.nodes));
        if node < next {
            return (seconds(attack.start_s), attack.stop_s.map_or(u64::MAX, seconds));
        }
        first = next;
    }
    (0, u64::MAX)
}

/// Reads a trace of so many nodes: lines of node, online and offline in seconds. Empty lines and those that begin with
/// `#` are not read; the first other one is a head, if there is no number in it.
pub fn trace(text: &str, nodes: u32) -> Result<Trace, String> {
    let mut rows = Trace::new();
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    for (nth, (number, line)) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if nth == 0 && cells.iter().all(|cell| cell.parse::<f64>().is_err()) {
            continue;
        }
        let row = match cells.as_slice() {
            [node, from, to] => node
                .parse::<u32>()
                .ok()
                .zip(from.parse::<f64>().ok())
                .zip(to.parse::<f64>().ok()),
            _ => None,
        };
        match row {
            Some(((node, _), _)) if node >= nodes => {
                return Err(format!(
                    "line {}: expected a node below {nodes}, for the scenario has so many, got `{line}`",
                    number + 1
                ));
            }
            Some(((node, from), to)) if from >= 0.0 && to >= from && to.is_finite() => {
                rows.push((node, seconds(from), seconds(to)));
            }
            _ => {
                return Err(format!(
                    "line {}: expected node,online_s,offline_s, got `{line}`",
                    number + 1
                ));
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Phones;

    fn share_there(scenario: &Scenario, at: u64) -> f64 {
        let there = (0..scenario.nodes).filter(|node| {
            let mut presence = Presence::of(scenario, &Trace::new(), 5, *node);
            presence
                .by_ref()
                .take_while(|(from, _)| *from <= at)
                .any(|(_, to)| to > at)
        });
        there.count() as f64 / f64::from(scenario.nodes)
    }

    #[test]
    fn churn_settles_at_its_mean_times() {
        let mut scenario = Scenario::of(4_000);
        scenario.churn = Some(Churn {
            share: 1.0,
            online_s: 300.0,
            offline_s: 100.0,
            start_s: 10.0,
            ..Churn::default()
        });
        assert_eq!(share_there(&scenario, seconds(9.0)), 1.0);
        let settled = share_there(&scenario, seconds(3_000.0));
        assert!((settled - 0.75).abs() < 0.03, "{settled}");
    }

    #[test]
    fn all_are_back_when_churn_ends() {
        let mut scenario = Scenario::of(1_000);
        scenario.churn = Some(Churn {
            share: 1.0,
            offline_s: 10_000.0,
            stop_s: Some(2_000.0),
            ..Churn::default()
        });
        assert!(share_there(&scenario, seconds(1_999.0)) < 0.5);
        assert_eq!(share_there(&scenario, seconds(2_001.0)), 1.0);
    }

    #[test]
    fn fewer_are_there_at_night() {
        let mut scenario = Scenario::of(4_000);
        scenario.churn = Some(Churn {
            kind: ChurnKind::Diurnal,
            share: 1.0,
            online_s: 300.0,
            offline_s: 100.0,
            night: 0.4,
            ..Churn::default()
        });
        let (night, noon) = (
            share_there(&scenario, seconds(43_200.0)),
            share_there(&scenario, seconds(86_400.0)),
        );
        assert!((noon - 0.75).abs() < 0.04, "{noon}");
        assert!((night - 0.30).abs() < 0.06, "{night}");
    }

    #[test]
    fn who_left_in_the_evening_is_back_in_the_morning() {
        let mut scenario = Scenario::of(4_000);
        // By night one would be away for longer than a day.
        scenario.churn = Some(Churn {
            kind: ChurnKind::Diurnal,
            share: 1.0,
            online_s: 60.0,
            offline_s: 20.0,
            day_s: 600.0,
            night: 0.1,
            ..Churn::default()
        });
        let mut there = [300.0, 450.0, 600.0, 900.0].map(|at| share_there(&scenario, seconds(at)));
        assert!(there[0] < 0.25, "{there:?}");
        assert!(there[1] > there[0] && there[2] > 0.65, "{there:?}");
        there[3] = (there[3] - there[0]).abs();
        assert!(there[3] < 0.04, "every night is alike: {there:?}");
    }

    #[test]
    fn a_time_away_takes_as_much_inclination_as_it_has_patience() {
        let churn = Churn {
            kind: ChurnKind::Diurnal,
            online_s: 30.0,
            offline_s: 10.0,
            day_s: 600.0,
            night: 0.0,
            ..Churn::default()
        };
        for (now, patience) in [(0.0, 0.5), (200.0, 1.0), (599.0, 40.0), (300.0, 300.0)] {
            let away = diurnal_away_s(&churn, seconds(now), patience);
            let ticks = 200_000_u32;
            let tick = away / f64::from(ticks);
            let sum: f64 = (0..ticks)
                .map(|n| tick * comes_back_per_s(&churn, ((now + f64::from(n) * tick) / 600.0).fract()))
                .sum();
            assert!((sum / patience - 1.0).abs() < 0.02, "{now} {patience}: {away} s, {sum}");
        }
    }

    #[test]
    fn phones_are_awake_for_their_share_from_the_beginning() {
        let mut scenario = Scenario::of(8_000);
        scenario.phones = Some(Phones {
            share: 1.0,
            sleep_s: 600.0,
            awake_s: 60.0,
            bandwidth_bps: None,
        });
        for at in [1.0, 5_000.0] {
            let awake = share_there(&scenario, seconds(at));
            assert!((awake - 0.1).abs() < 0.02, "{at}: {awake}");
        }
    }

    #[test]
    fn a_trace_is_followed_and_others_stay() {
        let trace = trace("node,online_s,offline_s\n3, 0, 10\n3,20,30\n", 10).unwrap();
        let mut scenario = Scenario::of(10);
        scenario.churn = Some(Churn {
            kind: ChurnKind::Trace,
            ..Churn::default()
        });
        let mut three = Presence::of(&scenario, &trace, 1, 3);
        assert_eq!(three.next(), Some((0, seconds(10.0))));
        assert_eq!(three.next(), Some((seconds(20.0), seconds(30.0))));
        assert_eq!(three.next(), None);
        assert_eq!(Presence::of(&scenario, &trace, 1, 4).next(), Some((0, u64::MAX)));
        assert!(super::trace("3,0,10\n3,x,10\n", 10).unwrap_err().contains("line 2"));
    }

    #[test]
    fn a_first_line_with_a_number_in_it_is_no_head() {
        for first in ["3,10,5", "3,x,5", "node,0,10", "3"] {
            let error = trace(&format!("{first}\n4,0,1\n"), 10).unwrap_err();
            assert!(error.contains("line 1: expected node,online_s,offline_s"), "{error}");
        }
        let headed = trace("# of a day\n\nwho,from,to\n4,0,1\n", 10);
        assert_eq!(headed, Ok(vec![(4, 0, seconds(1.0))]));
        assert!(trace("who,from,to\nwho,from,to\n", 10).unwrap_err().contains("line 2"));
    }

    #[test]
    fn a_row_of_a_node_that_the_scenario_has_not_is_refused() {
        let error = trace("node,online_s,offline_s\n9,0,10\n10,0,10\n", 10).unwrap_err();
        assert!(error.contains("line 3") && error.contains("below 10"), "{error}");
    }
}
