//! Every command as people write it, held to what it means.

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};

use super::*;

fn parse(line: &str) -> Cli {
    try_parse(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn try_parse(line: &str) -> Result<Cli, clap::Error> {
    // Words with spaces stand between bars.
    let words = line.split('|').enumerate().flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
        _ => vec![part.to_owned()],
    });
    Cli::try_parse_from(["intentcast".to_owned()].into_iter().chain(words))
}

fn refused(line: &str) -> ErrorKind {
    try_parse(line)
        .map(|cli| panic!("{line} was taken as {cli:?}"))
        .unwrap_err()
        .kind()
}

#[test]
fn the_commands_hold_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_reads_as_it_is_documented() {
    let id = "ab".repeat(32);
    for line in [
        "demo",
        "demo --shops 50 --want |twin stroller| --region GB-LEW --budget |150 GBP| --category baby/strollers/double --exit --json",
        "demo --catalog items.csv --map map.toml --must frame=XL --prefer fair_trade=yes:80 --avoid colour=pink",
        "up",
        "up --listen /ip4/127.0.0.1/tcp/0 --listen /ip4/127.0.0.1/udp/0/quic-v1 --bootstrap /ip4/127.0.0.1/tcp/1",
        "up --catalog products.csv --currency GBP --ships-to GB,IE --encoding latin1 --rules r.toml",
        "demo --catalog products.csv --currency GBP --ships-to GB",
        "up --catalog c.csv --rules r.toml --category pram --category MTB --region GB --region FR --api 127.0.0.1:0",
        "cast |mountain bike| --region GB-KHL --budget 500GBP",
        "cast bike --region GB-KHL --budget 500GBP --category MTB --need-by 2026-12-24 --offers-due 2h --must a=b --must c=d \
         --prefer e=f:9 --avoid g=h --quantity 2 --condition new,used --terms SD-BASE --terms PDC-AI --max-offers 9 --wait 30s",
        "cast bike --region GB-KHL --budget 500GBP --wait 3",
        "cast bike --region GB-KHL --budget 500GBP --once-signed photo=me.jpg --keep-metadata",
        "document send abcdef frame.jpg",
        "document send abcdef frame.jpg --name |the frame| --keep-metadata",
        "document list",
        "document save abcdef --to frame.jpg --force",
        "document forget abcdef",
        "document fetch abcdef",
        "grant request abcdef --strand contact.email --purpose delivery_updates --benefit |you know when| --until 30d",
        "grant request abcdef --strand address.delivery --purpose |leave it in the shed| --benefit b --operations use,share \
         --recipients |Northern Couriers,Southern| --until 2026-12-24",
        "grant list",
        "grant show abcdef --value",
        "grant approve abcdef --operations use --recipients a,b --until 3d --alias",
        "grant approve abcdef --no-recipients --no-alias",
        "grant refuse abcdef --why |I fetch it|",
        "grant revoke abcdef --keep --answer-by 3d",
        "use report abcdef",
        "use suggest abcdef |leave it with the neighbour| --about abcdef",
        "use thread abcdef",
        "strand use abcdef --for deliver_order",
        "strand export abcdef --for deliver_order --to |Northern Couriers|",
        "strand record abcdef --for deliver_order --operation share --to c",
        "office show",
        "office overdue",
        "office risk",
        "office revoke contact.* --keep",
        "seller policy check policy.toml",
        "seller compliance",
        "up --rules r.toml --policy p.toml",
        "vault set contact.email",
        "vault set size.height --value |186 cm| --passphrase-file p.txt",
        "vault set own.locker --key-file k.txt",
        "vault list",
        "vault list --all --json",
        "vault show contact.email",
        "vault remove contact.email",
        "vault unlock --passphrase-file p.txt",
        "vault lock",
        "vault passphrase --passphrase-file p.txt --new-key-file k.txt",
        "intent list",
        "intent show abcdef",
        "intent watch abcdef",
        "intent withdraw abcdef",
        "intent decide abcdef --send",
        "intent decide abcdef --drop",
        "offer list",
        "offer list abcdef --refused",
        "offer show abcdef",
        "offer accept abcdef",
        "offer decline abcdef",
        "offer decline abcdef --reason delivery_date",
        "agreement list",
        "agreement show abcdef",
        "agreement verify abcdef",
        "agreement diff abcdef",
        "order list",
        "order list bike |yellow van| --state returning --since 2026-11-01 --until 2026-11-30",
        "order show abcdef",
        "order paid abcdef --reference RF18",
        "order ship abcdef --carrier |Yellow Van| --tracking YV-17",
        "order ship abcdef --carrier |Yellow Van|",
        "order deliver abcdef",
        "order return abcdef",
        "order refund abcdef",
        "order refund abcdef --amount 5GBP",
        "order cancel abcdef --reason |sold out|",
        "cast bike --region GB-KHL --budget 500GBP --favourites-first 10m",
        "supplier list",
        "supplier show abcdef",
        "supplier favourite |Hull Wheels|",
        "supplier favourite abcdef --undo",
        "supplier mute abcdef",
        "supplier mute abcdef --undo",
        "supplier block abcdef",
        "supplier block abcdef --undo",
        "cart list",
        "cart save abcdef",
        "cart remove abcdef",
        "cart remove |a bike|",
        "cart wish |a bike| |mountain bike| --region GB-KHL --budget 500GBP --must frame=XL --favourites-first 10m",
        "cart cast |a bike|",
        "cart cast |a bike| --wait 30s",
        "my suppliers",
        "my transactions bike --state shipped --since 2026-11-01",
        "my cart",
        "intent amend abcdef --must a=b --drop c --budget 5GBP --show-budget hidden --need-by any --offers-due 2h",
        "intent amend abcdef --want |a red bike| --text |or blue| --region GB --cell 861 --radius-km 5",
        "intent renew abcdef --for 7d --quantity 2",
        "cast bike --region GB --budget 5GBP --show-budget 4-6GBP --once-signed text=x --once-accepted contact.phone=1",
        "receipt list",
        "receipt show abcdef",
        "receipt export abcdef -o deal.json",
        "receipt export abcdef",
        "receipt verify deal.json",
        "catalog import items.jsonl.gz --map map.toml",
        "catalog import - --currency GBP --ships-to GB,IE --encoding latin1 --strict",
        "catalog import feed.xml --watch",
        "catalog search |red bike| --limit 5",
        "catalog stats",
        "terms list",
        "terms show SD-BASE",
        "rules check rules.toml",
        "rules test abcdef --rules rules.toml",
        "rules test |red bike| --rules rules.toml --region GB --budget 5GBP --must a=b",
        "status",
        "peers",
        "config show",
        "config check node.toml",
        "health",
        "bootstrap --listen /ip4/127.0.0.1/tcp/0",
        "completions bash",
        "man",
        "--home /tmp/x --json -vv --log-format json status",
        "status --home /tmp/x --json -v",
    ] {
        parse(line);
    }
    parse(&format!("offer show {id}"));
}

#[test]
fn what_cannot_be_meant_is_a_matter_of_usage() {
    assert_eq!(refused("cast bike --budget 5GBP"), ErrorKind::MissingRequiredArgument);
    assert_eq!(
        refused("cast --region GB --budget 5GBP"),
        ErrorKind::MissingRequiredArgument
    );
    assert_eq!(
        refused("cast bike --region GB --budget 5GBP --wait soon"),
        ErrorKind::ValueValidation
    );
    assert_eq!(
        refused("cast bike --region GB --budget 5GBP --radius-km 5"),
        ErrorKind::MissingRequiredArgument
    );
    assert_eq!(refused("demo --shops 0"), ErrorKind::ValueValidation);
    assert_eq!(refused("offer show abc"), ErrorKind::ValueValidation);
    assert_eq!(
        refused("offer decline abcdef --reason rudeness"),
        ErrorKind::InvalidValue
    );
    assert_eq!(refused("order ship abcdef"), ErrorKind::MissingRequiredArgument);
    assert_eq!(refused("order list --state lost"), ErrorKind::InvalidValue);
    assert_eq!(refused("intent decide abcdef"), ErrorKind::MissingRequiredArgument);
    assert_eq!(
        refused("intent decide abcdef --send --drop"),
        ErrorKind::ArgumentConflict
    );
    assert_eq!(
        refused("rules test bike --region GB"),
        ErrorKind::MissingRequiredArgument
    );
    assert_eq!(refused("--log-format xml status"), ErrorKind::InvalidValue);
    assert_eq!(refused("sell"), ErrorKind::InvalidSubcommand);
}

#[test]
fn flags_of_a_want_reach_the_draft() {
    let line = "cast |a stroller| --region GB-LEW --budget |150 GBP| --prefer fair_trade=yes:80 --condition new,used \
                --quantity 2 --terms SD-BASE --max-offers 7 --offers-due 2h --cell 88194ad32dfffff --radius-km 5 \
                --fulfilment pickup,delivery";
    let Command::Cast(args) = parse(line).command else {
        panic!("a cast")
    };
    let want = args.more.want(args.text, args.region, args.budget);
    let now = intentcast_protocol::time::Timestamp(1_790_000_000_000);
    let (draft, _) = want.draft(now).unwrap();
    assert_eq!(draft.budget.most.to_string(), "150.00 GBP");
    assert_eq!(draft.conditions.to_string(), "new, used");
    assert_eq!((draft.quantity, draft.max_offers, draft.place.radius_km), (2, 7, 5));
    assert_eq!(draft.terms.to_string(), "SD-BASE");
    assert_eq!(draft.offers_due.since(now), 7_200_000);
    assert_eq!(draft.fulfilment.to_string(), "delivery or pickup");
}

#[test]
fn the_demo_of_somebody_who_says_nothing_is_the_tall_ones_bike() {
    let Command::Demo(args) = parse("demo").command else {
        panic!("a demo")
    };
    let want = args.want();
    assert_eq!(
        (want.region.as_str(), want.must),
        ("GB-KHL", vec!["frame_size=XL".to_owned()])
    );
    let Command::Demo(args) = parse("demo --want stroller").command else {
        panic!("a demo")
    };
    assert!(args.want().must.is_empty());
}

#[test]
fn the_home_that_is_named_is_the_one() {
    let cli = parse("--home /tmp/x status");
    assert_eq!(cli.global.home().unwrap(), PathBuf::from("/tmp/x"));
}
