//! Those who mean harm: which attack, with how many nodes, from when to when.

use serde::{Deserialize, Serialize};

/// One attack. Its nodes come on top of the honest ones; but those of `spies` are some of the honest ones, for they are
/// honest in all they do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// What they do.
    pub kind: AttackKind,
    /// Attacking nodes; unset: by `share`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Attacking nodes as a share of the honest ones.
    #[serde(default = "tenth")]
    pub share: f64,
    /// When it begins, s.
    #[serde(default)]
    pub start_s: f64,
    /// When it ends, s; unset: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_s: Option<f64>,
    /// Honest nodes that it is aimed at; unset: all, but for `eclipse`, which takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub victims: Option<u32>,
    /// Honest nodes that each attacker dials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dials: Option<u32>,
    /// Attackers that share one address, which peer scores can see.
    #[serde(default = "one")]
    pub per_address: u32,
    /// What each attacker sends: control messages, intents, offers, per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// Bytes of each, where the attack sends its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u32>,
    /// Of `covert_flash`: how long its nodes behave before they turn, s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covert_s: Option<f64>,
    /// Of `censor`: share of publishers whose messages are not passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub censored: Option<f64>,
    /// Of `sybil`: share of messages that each drops, by chance; what it does not drop it passes on to every mesh that
    /// it is in. Unset: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drops: Option<f64>,
}

/// What attackers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackKind {
    /// Many nodes that join meshes and pass nothing on.
    Sybil,
    /// All of a victim's connections are the attackers'.
    Eclipse,
    /// Nodes that pass on everything but some publishers' messages.
    Censor,
    /// Attackers are there before the honest nodes join.
    ColdBoot,
    /// Attackers earn a good score first, then drop everything at once.
    CovertFlash,
    /// Attackers come while a diurnal network sleeps.
    Dawn,
    /// Floods of GRAFT, PRUNE, IHAVE, IWANT.
    ControlSpam,
    /// Intents with bad signatures, and good ones said again.
    Forgery,
    /// Sellers that answer everything.
    OfferFlood,
    /// Sellers that offer low and confirm high.
    BaitAndSwitch,
    /// Honest-looking nodes that write down who said what first.
    Spies,
}

impl AttackKind {
    /// All of them.
    pub const ALL: [AttackKind; 11] = [
        AttackKind::Sybil,
        AttackKind::Eclipse,
        AttackKind::Censor,
        AttackKind::ColdBoot,
        AttackKind::CovertFlash,
        AttackKind::Dawn,
        AttackKind::ControlSpam,
        AttackKind::Forgery,
        AttackKind::OfferFlood,
        AttackKind::BaitAndSwitch,
        AttackKind::Spies,
    ];

    /// As it is written in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            AttackKind::Sybil => "sybil",
            AttackKind::Eclipse => "eclipse",
            AttackKind::Censor => "censor",
            AttackKind::ColdBoot => "cold_boot",
            AttackKind::CovertFlash => "covert_flash",
            AttackKind::Dawn => "dawn",
            AttackKind::ControlSpam => "control_spam",
            AttackKind::Forgery => "forgery",
            AttackKind::OfferFlood => "offer_flood",
            AttackKind::BaitAndSwitch => "bait_and_switch",
            AttackKind::Spies => "spies",
        }
    }
}

impl Attack {
    /// With nothing but its kind said.
    pub fn of(kind: AttackKind) -> Self {
        Self {
            kind,
            count: None,
            share: tenth(),
            start_s: 0.0,
            stop_s: None,
            victims: None,
            dials: None,
            per_address: one(),
            rate_per_s: None,
            size_bytes: None,
            covert_s: None,
            censored: None,
            drops: None,
        }
    }

    /// Attackers beside these honest nodes: all of them, but for spies.
    pub fn nodes(&self, honest: u32) -> u32 {
        match self.kind {
            AttackKind::Spies => 0,
            _ => self.size(honest),
        }
    }

    /// Nodes that take part in it.
    pub fn size(&self, honest: u32) -> u32 {
        self.count
            .unwrap_or_else(|| (f64::from(honest) * self.share).round() as u32)
    }
}

fn tenth() -> f64 {
    0.1
}

fn one() -> u32 {
    1
}
