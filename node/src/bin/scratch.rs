// not committed
use intentcast_node::*;
use std::{collections::BTreeMap, path::PathBuf};
use tokio_util::sync::CancellationToken;
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut flags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut cmd = String::new();
    let mut it = args.into_iter().peekable();
    while let Some(a) = it.next() {
        if let Some(f) = a.strip_prefix("--") {
            let v = match it.peek() {
                Some(n) if !n.starts_with("--") && !["json", "tied", "exit"].contains(&f) => it.next().unwrap(),
                _ => String::new(),
            };
            flags.entry(f.into()).or_default().push(v);
        } else {
            cmd = a;
        }
    }
    let one = |k: &str| flags.get(k).and_then(|v| v.first().cloned());
    let stop = CancellationToken::new();
    if flags.contains_key("tied") {
        up::tie_to_stdin(stop.clone());
    }
    match cmd.as_str() {
        "bootstrap" => {
            let home = PathBuf::from(one("home").unwrap());
            let config = intentcast_bootstrap::Config {
                home,
                listen: flags["listen"].clone(),
                ..Default::default()
            };
            intentcast_bootstrap::run(config, stop, |r| {
                println!("{}", serde_json::json!({"event":"ready","addresses": r.addresses}));
            })
            .await
        }
        "up" => {
            let mut net = net::Config::default();
            net.listen = flags["listen"].clone();
            net.bootstrap = flags["bootstrap"].clone();
            let seller = one("catalog")
                .map(|c| -> anyhow::Result<node::Shop> {
                    let rules = rules_file::parse(&std::fs::read_to_string(one("rules").unwrap())?)
                        .map_err(|e| anyhow::anyhow!("{e}"))?;
                    let items = catalogue::import(std::path::Path::new(&c), &Default::default())?.items;
                    let countries: Vec<String> = rules.delivery.iter().map(|d| d.region.country.to_string()).collect();
                    let listen = intentcast_protocol::topic::for_listener(items.iter().map(|i| i.category), countries);
                    Ok(node::Shop {
                        rules,
                        listen,
                        catalogue: Some(items),
                    })
                })
                .transpose()?;
            up::serve(
                node::Setup {
                    home: one("home").unwrap().into(),
                    net,
                    api: Default::default(),
                    identity: Default::default(),
                    seller,
                },
                true,
                stop,
            )
            .await
        }
        "demo" => {
            let want = want::Want {
                want: one("want").unwrap_or("mountain bike".into()),
                region: one("region").unwrap_or("GB-KHL".into()),
                budget: one("budget").unwrap_or("500GBP".into()),
                must: flags.get("must").cloned().unwrap_or_default(),
                prefer: flags.get("prefer").cloned().unwrap_or_default(),
                ..Default::default()
            };
            let catalogue = one("catalog")
                .map(|c| -> anyhow::Result<_> {
                    let m = catalogue::Mapping::load(std::path::Path::new(&one("map").unwrap()))?;
                    Ok(catalogue::import(std::path::Path::new(&c), &m)?.items)
                })
                .transpose()?;
            let r = demo::run(
                demo::Options {
                    shops: one("shops").map_or(3, |s| s.parse().unwrap()),
                    catalogue,
                    want,
                    exit: flags.contains_key("exit"),
                    json: flags.contains_key("json"),
                },
                stop,
            )
            .await;
            r
        }
        _ => anyhow::bail!("?"),
    }
}
