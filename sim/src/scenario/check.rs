//! What TOML's types cannot say: ranges, and keys that only make sense together.

use super::{
    Attack, AttackKind, Choice, ChurnKind, Demand, Gossipsub, Latency, Level, Publishers, Scenario, Shape, Topics,
    Traffic, error::Fault,
};

/// Nodes of one run; ids are u32 and the engine keeps some for attackers.
const MAX_NODES: u32 = 16_000_000;
/// A year of virtual time, so that sums of times stay far from the end of u64 ns.
const MAX_SECONDS: f64 = 366.0 * 86_400.0;
const MAX_MESSAGE_BYTES: u32 = 16 << 20;
/// Heartbeats of a backoff: the real code keeps a list for each.
const MAX_BACKOFF: f64 = 100_000.0;

impl Scenario {
    pub(super) fn check(&self) -> Result<(), Fault> {
        whole("nodes", self.nodes, 1, MAX_NODES)?;
        if self.all_nodes() > MAX_NODES {
            return Err(Fault::new(
                "attack",
                format!("with their attackers at most {MAX_NODES} nodes"),
            ));
        }
        if i64::try_from(self.seed).is_err() {
            return Err(Fault::new("seed", "expected an integer below 2^63"));
        }
        self.check_shape()?;
        self.check_gossipsub()?;
        self.check_links()?;
        self.check_weather()?;
        self.check_attacks()?;
        self.check_market()?;
        if self.length_ns() as f64 > MAX_SECONDS * 1e9 {
            return Err(Fault::new("time", "all of it together may take a year of virtual time"));
        }
        Ok(())
    }

    fn check_shape(&self) -> Result<(), Fault> {
        let Scenario {
            time,
            topology,
            topics,
            traffic,
            ..
        } = self;
        span("time.warm_up_s", time.warm_up_s)?;
        span("time.cool_down_s", time.cool_down_s)?;
        if let Some(run) = time.run_s {
            span("time.run_s", run)?;
        }
        span("topology.first_dial_ms", topology.first_dial_ms / 1e3)?;
        span("topology.dial_interval_ms", topology.dial_interval_ms / 1e3)?;
        match (topology.kind, &topology.file) {
            (Shape::File, None) => {
                return Err(Fault::new(
                    "topology.file",
                    "`kind = \"file\"` needs a file's name here",
                ));
            }
            (Shape::Uniform | Shape::Ring, Some(_)) => {
                return Err(Fault::new("topology.file", "is only read with `kind = \"file\"`"));
            }
            (Shape::File, Some(_)) | (Shape::Uniform | Shape::Ring, None) => {}
        }
        if topology.kind != Shape::File && topology.dials >= self.nodes && self.nodes > 1 {
            let expected = format!(
                "expected fewer than nodes ({}), for a node dials distinct others; got {}",
                self.nodes, topology.dials
            );
            return Err(Fault::new("topology.dials", expected));
        }
        whole("topics.count", topics.count, 1, 1 << 16)?;
        whole("topics.joined", topics.joined, 0, topics.count)?;
        whole("topics.backbone", topics.backbone, 0, topics.count)?;
        share("topics.listeners", topics.listeners)?;
        if topics.choice == Choice::Zipf {
            number("topics.exponent", topics.exponent, 0.0, 10.0)?;
        }
        span("topics.subscribe_ms", topics.subscribe_ms / 1e3)?;
        if traffic.publishers == Publishers::Number(0) && traffic.messages > 0 {
            return Err(Fault::new("traffic.publishers", "expected at least 1, or no messages"));
        }
        if let Publishers::Number(n) = traffic.publishers
            && n > self.nodes
        {
            let expected = format!("expected at most nodes ({}), got {n}", self.nodes);
            return Err(Fault::new("traffic.publishers", expected));
        }
        number("traffic.interval_ms", traffic.interval_ms, 0.001, MAX_SECONDS * 1e3)?;
        if traffic.interval_ms * f64::from(traffic.messages) > MAX_SECONDS * 1e3 {
            return Err(Fault::new(
                "traffic.interval_ms",
                "all messages together may take a year of virtual time",
            ));
        }
        whole("traffic.size_bytes", traffic.size_bytes, 1, MAX_MESSAGE_BYTES)
    }

    fn check_gossipsub(&self) -> Result<(), Fault> {
        let g = &self.gossipsub;
        whole("gossipsub.d", g.d, 1, 1_000)?;
        // The real configuration refuses the same: outbound <= n / 2, outbound <= low <= n <= high.
        whole("gossipsub.d_low", g.d_low, 0, g.d)?;
        whole("gossipsub.d_high", g.d_high, g.d, 10_000)?;
        whole("gossipsub.d_out", g.d_out, 0, g.d_low.min(g.d / 2))?;
        if self.level == Level::Real && !g.graft_on_subscribe {
            return Err(Fault::new(
                "gossipsub.graft_on_subscribe",
                "the real code grafts on subscribe; `false` is the model's alone",
            ));
        }
        whole("gossipsub.d_lazy", g.d_lazy, 0, 10_000)?;
        share("gossipsub.gossip_factor", g.gossip_factor)?;
        number("gossipsub.heartbeat_ms", g.heartbeat_ms, 1.0, 3.6e6)?;
        number("gossipsub.heartbeat_initial_ms", g.heartbeat_initial_ms, 0.0, 3.6e6)?;
        number("gossipsub.heartbeat_spread_ms", g.heartbeat_spread_ms, 0.0, 3.6e6)?;
        whole("gossipsub.history_length", g.history_length, 1, 255)?;
        whole("gossipsub.history_gossip", g.history_gossip, 0, g.history_length)?;
        for (key, s) in [
            ("duplicate_cache_s", g.duplicate_cache_s),
            ("fanout_ttl_s", g.fanout_ttl_s),
            ("iwant_followup_s", g.iwant_followup_s),
            ("prune_backoff_s", g.prune_backoff_s),
            ("unsubscribe_backoff_s", g.unsubscribe_backoff_s),
            ("graft_flood_threshold_s", g.graft_flood_threshold_s),
            ("validation_ms", g.validation_ms / 1e3),
        ] {
            span(&format!("gossipsub.{key}"), s)?;
        }
        whole(
            "gossipsub.opportunistic_graft_ticks",
            g.opportunistic_graft_ticks,
            1,
            u32::MAX,
        )?;
        whole("gossipsub.id_bytes", g.id_bytes, 1, 255)?;
        whole("gossipsub.queue_length", g.queue_length, 1, 1 << 20)?;
        whole("gossipsub.backoff_slack", g.backoff_slack, 0, 1_000)?;
        for (key, s) in [
            ("prune_backoff_s", g.prune_backoff_s),
            ("unsubscribe_backoff_s", g.unsubscribe_backoff_s),
        ] {
            if s * 1e3 / g.heartbeat_ms > MAX_BACKOFF {
                let expected = format!("expected at most {MAX_BACKOFF} heartbeats (gossipsub.heartbeat_ms)");
                return Err(Fault::new(format!("gossipsub.{key}"), expected));
            }
        }
        if self.level != Level::Real {
            g.check_queues()?;
        }
        g.check_scoring()
    }

    fn check_links(&self) -> Result<(), Fault> {
        let links = &self.links;
        let most = 3.6e6;
        match &links.latency {
            Latency::ConstantMs(ms) => number("links.latency", *ms, 0.001, most)?,
            Latency::UniformMs([from, to]) => {
                number("links.latency", *from, 0.001, most)?;
                number("links.latency", *to, *from, most)?;
            }
            Latency::LogNormal { median_ms, sigma } => {
                number("links.latency.log_normal.median_ms", *median_ms, 0.001, most)?;
                number("links.latency.log_normal.sigma", *sigma, 0.0, 5.0)?;
            }
            Latency::Matrix(name) if name.is_empty() => {
                return Err(Fault::new(
                    "links.latency.matrix",
                    "expected a shipped table's name or a CSV file's path",
                ));
            }
            Latency::Matrix(_) => {}
        }
        number("links.jitter", links.jitter, 0.0, 10.0)?;
        number("links.loss", links.loss, 0.0, 0.9)?;
        span("links.retransmit_ms", links.retransmit_ms / 1e3)?;
        number("links.handshake_round_trips", links.handshake_round_trips, 0.0, 100.0)?;
        if let Some(bandwidth) = &links.bandwidth {
            number("links.bandwidth.up_bps", bandwidth.up_bps, 1_000.0, 1e15)?;
            number("links.bandwidth.down_bps", bandwidth.down_bps, 1_000.0, 1e15)?;
        }
        if let Some(slow) = &links.slow_start {
            whole("links.slow_start.initial_bytes", slow.initial_bytes, 1, 1 << 30)?;
            whole(
                "links.slow_start.max_bytes",
                slow.max_bytes,
                slow.initial_bytes,
                1 << 30,
            )?;
            span("links.slow_start.idle_s", slow.idle_s)?;
        }
        Ok(())
    }

    fn check_weather(&self) -> Result<(), Fault> {
        if let Some(churn) = &self.churn {
            share("churn.share", churn.share)?;
            number("churn.online_s", churn.online_s, 0.001, MAX_SECONDS)?;
            number("churn.offline_s", churn.offline_s, 0.001, MAX_SECONDS)?;
            number("churn.day_s", churn.day_s, 1.0, MAX_SECONDS)?;
            share("churn.night", churn.night)?;
            span("churn.start_s", churn.start_s)?;
            match (churn.kind, &churn.file) {
                (ChurnKind::Trace, None) => {
                    return Err(Fault::new("churn.file", "`kind = \"trace\"` needs a file's name here"));
                }
                (ChurnKind::Poisson | ChurnKind::Diurnal, Some(_)) => {
                    return Err(Fault::new("churn.file", "is only read with `kind = \"trace\"`"));
                }
                (ChurnKind::Trace, Some(_)) | (ChurnKind::Poisson | ChurnKind::Diurnal, None) => {}
            }
            after("churn.stop_s", churn.start_s, churn.stop_s)?;
        }
        for (at, partition) in self.partition.iter().enumerate() {
            span(&format!("partition[{at}].start_s"), partition.start_s)?;
            after(
                &format!("partition[{at}].stop_s"),
                partition.start_s,
                Some(partition.stop_s),
            )?;
            share(&format!("partition[{at}].share"), partition.share)?;
            if !partition.regions.is_empty() && !matches!(self.links.latency, Latency::Matrix(_)) {
                let expected = "only a latency matrix has regions: set links.latency = { matrix = ... }";
                return Err(Fault::new(format!("partition[{at}].regions"), expected));
            }
        }
        if let Some(nat) = &self.nat {
            share("nat.share", nat.share)?;
            share("nat.punched", nat.punched)?;
            span("nat.relay_ms", nat.relay_ms / 1e3)?;
        }
        if let Some(phones) = &self.phones {
            share("phones.share", phones.share)?;
            number("phones.sleep_s", phones.sleep_s, 0.001, MAX_SECONDS)?;
            number("phones.awake_s", phones.awake_s, 0.001, MAX_SECONDS)?;
            if let Some(bps) = phones.bandwidth_bps {
                number("phones.bandwidth_bps", bps, 1_000.0, 1e15)?;
            }
        }
        Ok(())
    }

    fn check_attacks(&self) -> Result<(), Fault> {
        for (at, attack) in self.attack.iter().enumerate() {
            let key = |name: &str| format!("attack[{at}].{name}");
            if let Some((name, kinds)) = attack.foreign() {
                let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
                return Err(Fault::new(
                    key(name),
                    format!("is only of the kind {}", kinds.join(", ")),
                ));
            }
            if attack.kind == AttackKind::Spies && attack.size(self.nodes) > self.nodes {
                let name = if attack.count.is_some() { "count" } else { "share" };
                let expected = format!("spies are honest nodes: expected at most all {} of them", self.nodes);
                return Err(Fault::new(key(name), expected));
            }
            number(&key("share"), attack.share, 0.0, 1_000.0)?;
            span(&key("start_s"), attack.start_s)?;
            after(&key("stop_s"), attack.start_s, attack.stop_s)?;
            whole(&key("per_address"), attack.per_address, 1, MAX_NODES)?;
            if let Some(victims) = attack.victims {
                whole(&key("victims"), victims, 1, self.nodes)?;
            }
            if let Some(rate) = attack.rate_per_s {
                number(&key("rate_per_s"), rate, 0.0, 1e6)?;
            }
            if let Some(censored) = attack.censored {
                share(&key("censored"), censored)?;
            }
            if let Some(drops) = attack.drops {
                share(&key("drops"), drops)?;
            }
            if let Some(covert) = attack.covert_s {
                span(&key("covert_s"), covert)?;
            }
            if let Some(size) = attack.size_bytes {
                whole(&key("size_bytes"), size, 1, MAX_MESSAGE_BYTES)?;
            }
        }
        Ok(())
    }

    fn check_market(&self) -> Result<(), Fault> {
        let Some(market) = &self.market else {
            return Ok(());
        };
        if self.level == Level::Gossip {
            let expected = "a market needs `level = \"market\"`; the gossip level knows no intents";
            return Err(Fault::new("market", expected));
        }
        number("market.interval_ms", market.interval_ms, 0.001, MAX_SECONDS * 1e3)?;
        number("market.day_s", market.day_s, 1.0, MAX_SECONDS)?;
        match (market.demand, &market.file) {
            (Demand::Trace, None) => {
                return Err(Fault::new(
                    "market.file",
                    "`demand = \"trace\"` needs a file's name here",
                ));
            }
            (Demand::Trace, Some(_)) | (_, None) => {}
            (_, Some(_)) => {
                return Err(Fault::new("market.file", "is only read with `demand = \"trace\"`"));
            }
        }
        if self.level == Level::Market {
            self.check_load()?;
        }
        whole("market.categories", market.categories, 1, 8)?;
        whole("market.regions", market.regions, 1, 8)?;
        number("market.zipf", market.zipf, 0.0, 10.0)?;
        share("market.sellers", market.sellers)?;
        whole(
            "market.coverage",
            market.coverage,
            1,
            market.categories * market.regions,
        )?;
        share("market.stock", market.stock)?;
        whole("market.pieces", market.pieces, 1, 1 << 20)?;
        number("market.budget", market.budget, 1.0, 1e12)?;
        number("market.price", market.price, 1.0, 1e12)?;
        number("market.spread", market.spread, 0.0, 10.0)?;
        span("market.answer_ms", market.answer_ms / 1e3)?;
        span("market.offer_window_s", market.offer_window_s)?;
        number("market.open_s", market.open_s, 1.0, 14.0 * 86_400.0)?;
        share("market.strands", market.strands)
    }
}

impl Scenario {
    /// All that is said in a market is said by customers and sellers, on the product's own topics.
    fn check_load(&self) -> Result<(), Fault> {
        if self.traffic != Traffic::default() {
            return Err(Fault::new(
                "traffic",
                "is not said on the market level: customers and sellers say what [market] tells",
            ));
        }
        let product = Topics {
            subscribe_ms: self.topics.subscribe_ms,
            ..Topics::default()
        };
        if self.topics != product {
            return Err(Fault::new(
                "topics",
                "are the product's own on the market level: only topics.subscribe_ms can be set",
            ));
        }
        Ok(())
    }
}

impl Attack {
    /// A key that is said and that attacks of this kind have no use for, and those that have.
    fn foreign(&self) -> Option<(&'static str, &'static [AttackKind])> {
        let of: [(bool, &str, &[AttackKind]); 5] = [
            (
                self.rate_per_s.is_some(),
                "rate_per_s",
                &[AttackKind::ControlSpam, AttackKind::Forgery, AttackKind::OfferFlood],
            ),
            (self.size_bytes.is_some(), "size_bytes", &[AttackKind::Forgery]),
            (
                self.covert_s.is_some(),
                "covert_s",
                &[AttackKind::CovertFlash, AttackKind::Dawn],
            ),
            (self.censored.is_some(), "censored", &[AttackKind::Censor]),
            (self.drops.is_some(), "drops", &[AttackKind::Sybil]),
        ];
        of.into_iter()
            .find(|(is_said, _, kinds)| *is_said && !kinds.contains(&self.kind))
            .map(|(_, name, kinds)| (name, kinds))
    }
}

impl Gossipsub {
    /// The model's queues have no end, so that nobody is slow.
    fn check_queues(&self) -> Result<(), Fault> {
        let usual = Self::default();
        let (own, usual_scoring) = (&self.scoring, &usual.scoring);
        let is_off = own.slow_peer_weight == 0.0;
        for (key, is_told) in [
            ("queue_length", self.queue_length != usual.queue_length),
            (
                "scoring.slow_peer_weight",
                !is_off && own.slow_peer_weight != usual_scoring.slow_peer_weight,
            ),
            (
                "scoring.slow_peer_threshold",
                !is_off && own.slow_peer_threshold != usual_scoring.slow_peer_threshold,
            ),
            (
                "scoring.slow_peer_decay",
                !is_off && own.slow_peer_decay != usual_scoring.slow_peer_decay,
            ),
        ] {
            if is_told {
                return Err(Fault::new(
                    format!("gossipsub.{key}"),
                    "only `level = \"real\"` has queues that run over: the model's have no end",
                ));
            }
        }
        Ok(())
    }

    fn check_scoring(&self) -> Result<(), Fault> {
        let s = &self.scoring;
        let key = "gossipsub.scoring";
        number(&format!("{key}.gossip_threshold"), s.gossip_threshold, f64::MIN, 0.0)?;
        number(
            &format!("{key}.publish_threshold"),
            s.publish_threshold,
            f64::MIN,
            s.gossip_threshold,
        )?;
        number(
            &format!("{key}.graylist_threshold"),
            s.graylist_threshold,
            f64::MIN,
            s.publish_threshold,
        )?;
        number(
            &format!("{key}.decay_interval_s"),
            s.decay_interval_s,
            0.001,
            MAX_SECONDS,
        )?;
        for (name, decay) in [
            ("behaviour_penalty_decay", s.behaviour_penalty_decay),
            ("slow_peer_decay", s.slow_peer_decay),
            (
                "topic.first_message_deliveries_decay",
                s.topic.first_message_deliveries_decay,
            ),
            (
                "topic.mesh_message_deliveries_decay",
                s.topic.mesh_message_deliveries_decay,
            ),
            ("topic.mesh_failure_penalty_decay", s.topic.mesh_failure_penalty_decay),
            (
                "topic.invalid_message_deliveries_decay",
                s.topic.invalid_message_deliveries_decay,
            ),
        ] {
            share(&format!("{key}.{name}"), decay)?;
        }
        for (name, penalty) in [
            ("ip_colocation_factor_weight", s.ip_colocation_factor_weight),
            ("behaviour_penalty_weight", s.behaviour_penalty_weight),
            ("slow_peer_weight", s.slow_peer_weight),
            (
                "topic.mesh_message_deliveries_weight",
                s.topic.mesh_message_deliveries_weight,
            ),
            ("topic.mesh_failure_penalty_weight", s.topic.mesh_failure_penalty_weight),
            (
                "topic.invalid_message_deliveries_weight",
                s.topic.invalid_message_deliveries_weight,
            ),
        ] {
            number(&format!("{key}.{name}"), penalty, f64::MIN, 0.0)?;
        }
        for (name, value, least) in [
            ("opportunistic_graft_threshold", s.opportunistic_graft_threshold, 0.0),
            ("topic_score_cap", s.topic_score_cap, 0.0),
            ("app_specific_weight", s.app_specific_weight, f64::MIN),
            ("ip_colocation_factor_threshold", s.ip_colocation_factor_threshold, 0.0),
            ("behaviour_penalty_threshold", s.behaviour_penalty_threshold, 0.0),
            ("slow_peer_threshold", s.slow_peer_threshold, 0.0),
            ("topic.topic_weight", s.topic.topic_weight, 0.0),
            ("topic.time_in_mesh_weight", s.topic.time_in_mesh_weight, 0.0),
            ("topic.time_in_mesh_cap", s.topic.time_in_mesh_cap, 0.0),
            (
                "topic.first_message_deliveries_weight",
                s.topic.first_message_deliveries_weight,
                0.0,
            ),
            (
                "topic.first_message_deliveries_cap",
                s.topic.first_message_deliveries_cap,
                0.0,
            ),
            (
                "topic.mesh_message_deliveries_cap",
                s.topic.mesh_message_deliveries_cap,
                0.0,
            ),
            (
                "topic.mesh_message_deliveries_threshold",
                s.topic.mesh_message_deliveries_threshold,
                0.0,
            ),
        ] {
            number(&format!("{key}.{name}"), value, least, f64::MAX)?;
        }
        number(&format!("{key}.decay_to_zero"), s.decay_to_zero, 0.0, 1.0)?;
        for (name, s) in [
            ("retain_score_s", s.retain_score_s),
            (
                "topic.mesh_message_deliveries_window_ms",
                s.topic.mesh_message_deliveries_window_ms / 1e3,
            ),
            (
                "topic.mesh_message_deliveries_activation_s",
                s.topic.mesh_message_deliveries_activation_s,
            ),
        ] {
            span(&format!("{key}.{name}"), s)?;
        }
        number(
            &format!("{key}.topic.time_in_mesh_quantum_s"),
            s.topic.time_in_mesh_quantum_s,
            1e-9,
            MAX_SECONDS,
        )
    }
}

fn whole(key: &str, value: u32, least: u32, most: u32) -> Result<(), Fault> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Fault::new(key, format!("expected {least} to {most}, got {value}")))
}

/// NaN is in no range.
fn number(key: &str, value: f64, least: f64, most: f64) -> Result<(), Fault> {
    if value.is_finite() && value >= least && value <= most {
        return Ok(());
    }
    let expected = match least > f64::MIN {
        true => format!("expected {least} to {most}, got {value}"),
        false => format!("expected at most {most}, got {value}"),
    };
    Err(Fault::new(key, expected))
}

fn share(key: &str, value: f64) -> Result<(), Fault> {
    number(key, value, 0.0, 1.0)
}

fn span(key: &str, s: f64) -> Result<(), Fault> {
    number(key, s, 0.0, MAX_SECONDS)
}

fn after(key: &str, start_s: f64, stop_s: Option<f64>) -> Result<(), Fault> {
    match stop_s {
        Some(stop) => number(key, stop, start_s, MAX_SECONDS),
        None => Ok(()),
    }
}
