//! The API over a real socket, before a market without a network.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use intentcast_protocol::{
    contact::ReplyPath,
    id::IntentId,
    intent::Intent,
    item::Item,
    keys::Seed,
    ledger::Stored,
    list::{Bytes, List},
    market::{Answered, Command, Config as MarketConfig, Done, Event, Input, IntentView, Market, Output, Request},
    rules::Rules,
    standing::Sought,
    text::Word,
    time::Timestamp,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

use super::{
    backend::{CatalogueStats, CommandError, Failed, Found, Imported, NetStatus, PeerView, Search, Stopped, Tried},
    *,
};
use crate::{
    cart::{Basket, BasketChange},
    client::Client,
    portability::archive::{self, Archived, Taken},
    store::Store,
};

mod data;
mod vault;
mod views;

const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// A market whose every record is stored at once, and whose network is one silent peer.
#[derive(Clone)]
struct Alone {
    market: Arc<Mutex<Market>>,
    told: Arc<Mutex<Vec<(u64, Timestamp, Event)>>>,
    more: Arc<Notify>,
    items: Arc<Mutex<usize>>,
    interests: Arc<Mutex<BTreeMap<Word, Sought>>>,
    basket: Arc<Mutex<Basket>>,
    store: Arc<Store>,
}

impl Alone {
    fn new() -> Self {
        let alone = Self {
            market: Arc::new(Mutex::new(Market::new(Seed::new([7; 32]), MarketConfig::default()))),
            told: Arc::default(),
            more: Arc::default(),
            items: Arc::default(),
            interests: Arc::default(),
            basket: Arc::default(),
            store: Arc::new(Store::in_memory().unwrap()),
        };
        let peer = Bytes::new(*b"peer").unwrap();
        alone.drive(Input::Reachable(ReplyPath {
            peer,
            addrs: List::default(),
        }));
        alone
    }

    fn drive(&self, input: Input) -> Option<Result<Answered, intentcast_protocol::market::Denied>> {
        let mut market = self.market.lock().unwrap();
        let (mut inputs, mut answer) = (vec![input], None);
        while let Some(input) = inputs.pop() {
            market.handle(NOW, input);
            while let Some(output) = market.poll() {
                match output {
                    Output::Append { task, entries } => {
                        self.store.append(&entries).unwrap();
                        inputs.push(Input::Done(task, Done::Stored));
                    }
                    Output::Publish { task, .. } => inputs.push(Input::Done(task, Done::Published(1))),
                    Output::Answer(_, answered) => answer = Some(answered),
                    Output::Event(event) => {
                        let mut told = self.told.lock().unwrap();
                        let number = told.len() as u64 + 1;
                        told.push((number, NOW, event));
                        self.more.notify_waiters();
                    }
                    _ => {}
                }
            }
        }
        answer
    }
}

impl Backend for Alone {
    async fn command(&self, command: Command) -> Result<Answered, CommandError> {
        Ok(self.drive(Input::Command(Request(1), command)).ok_or(Stopped)??)
    }

    async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(Timestamp, &Market) -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        Ok(look(NOW, &self.market.lock().unwrap()))
    }

    fn events(&self, after: Option<u64>) -> impl Stream<Item = (u64, Timestamp, Event)> + Send + use<> {
        let alone = self.clone();
        let from = after.unwrap_or_else(|| alone.told.lock().unwrap().len() as u64);
        futures::stream::unfold((alone, from), |(alone, from)| async move {
            loop {
                let more = alone.more.notified();
                let next = alone
                    .told
                    .lock()
                    .unwrap()
                    .iter()
                    .find(|(number, ..)| *number > from)
                    .cloned();
                match next {
                    Some(next) => {
                        let number = next.0;
                        return Some((next, (alone.clone(), number)));
                    }
                    None => more.await,
                }
            }
        })
    }

    async fn import_catalogue<E: From<Failed> + Send>(
        &self,
        batches: impl Stream<Item = Result<Vec<Item>, E>> + Send,
    ) -> Result<Imported, E> {
        let items = batches
            .try_fold(0, async |sum, batch: Vec<Item>| Ok(sum + batch.len()))
            .await?;
        *self.items.lock().unwrap() = items;
        Ok(Imported {
            added: items as u64,
            ..Imported::default()
        })
    }

    async fn search_catalogue(&self, _: Search) -> Result<Vec<Found>, Failed> {
        Ok(Vec::new())
    }

    async fn catalogue_stats(&self) -> Result<CatalogueStats, Failed> {
        Err(Failed::Broken("the disk is gone".into()))
    }

    async fn try_rules(&self, _: Rules, _: Intent, _: Timestamp) -> Result<Vec<Tried>, Failed> {
        Ok(Vec::new())
    }

    async fn interests(&self) -> Result<BTreeMap<Word, Sought>, Failed> {
        Ok(self.interests.lock().unwrap().clone())
    }

    async fn wait_for(&self, name: Word, sought: Sought) -> Result<bool, CommandError> {
        let before = self.interests.lock().unwrap().insert(name.clone(), sought.clone());
        self.command(Command::Await(name, Some(Box::new(sought)))).await?;
        Ok(before.is_some())
    }

    async fn wait_no_more(&self, name: Word) -> Result<bool, CommandError> {
        let before = self.interests.lock().unwrap().remove(&name);
        self.command(Command::Await(name, None)).await?;
        Ok(before.is_some())
    }

    async fn basket(&self) -> Result<Basket, Failed> {
        Ok(self.basket.lock().unwrap().clone())
    }

    async fn change_basket(&self, change: BasketChange) -> Result<bool, Failed> {
        let mut basket = self.basket.lock().unwrap();
        Ok(match change {
            BasketChange::Wish(name, want) => basket.wishes.insert(name, *want).is_some(),
            BasketChange::Unwish(name) => basket.wishes.remove(&name).is_some(),
            BasketChange::Save(offer, at) => basket.saved.insert(offer, at).is_some(),
            BasketChange::Unsave(offer) => basket.saved.remove(&offer).is_some(),
        })
    }

    async fn ledger(&self, from: u64) -> Result<Vec<Stored>, Failed> {
        Ok(self.store.entries_page(from).unwrap())
    }

    async fn archived(&self, after: Option<String>) -> Result<Vec<Archived>, Failed> {
        Ok(archive::page(&self.store, after.as_deref()).unwrap())
    }

    async fn archive(&self, archived: Vec<Archived>) -> Result<Taken, Failed> {
        Ok(archive::keep(&self.store, &archived).unwrap())
    }

    async fn net_status(&self) -> Result<NetStatus, Stopped> {
        Ok(NetStatus {
            peers: 1,
            counters: [("dials".to_owned(), 3)].into(),
            ..NetStatus::default()
        })
    }

    async fn peers(&self) -> Result<Vec<PeerView>, Stopped> {
        Ok(Vec::new())
    }
}

struct Running {
    home: tempfile::TempDir,
    base: String,
    token: String,
    client: Client,
    http: reqwest::Client,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<Result<(), std::io::Error>>,
}

async fn running() -> Running {
    let home = tempfile::tempdir().unwrap();
    let server = Server::bind(&Config::default(), home.path()).await.unwrap();
    let base = format!("http://{}", server.addr());
    let token = std::fs::read_to_string(home.path().join(TOKEN_FILE)).unwrap();
    let vault = Keeper::new(home.path(), &crate::vault::Config::default());
    let (stop, stopped) = oneshot::channel();
    let desk = Arc::new(Desk::new(crate::strands::Strands::open(home.path()).unwrap(), None));
    let documents = crate::documents::Documents::open(home.path()).unwrap();
    let porter = Arc::new(crate::documents::Porter::new(Arc::new(documents)));
    let served = tokio::spawn(server.run(Alone::new(), vault, desk, porter, async move {
        let _ = stopped.await;
    }));
    let client = Client::of_home(home.path()).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Running {
        home,
        base,
        token,
        client,
        http,
        stop,
        served,
    }
}

impl Running {
    fn ask(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }

    async fn cast(&self) -> IntentId {
        let reply: CastReply = self.client.post("/v1/intents", &bike()).await.unwrap();
        reply.intent
    }
}

fn bike() -> Value {
    json!({ "want": "a mountain bike", "region": "GB-KHL", "budget": "500GBP" })
}

async fn problem(response: reqwest::Response) -> (StatusCode, String) {
    let status = response.status();
    assert_eq!(response.headers()["content-type"], problem::MEDIA_TYPE);
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.status, status.as_u16());
    (status, problem.code)
}

#[tokio::test]
async fn without_the_token_nothing_is_told_but_health() {
    let running = running().await;
    for path in ["/v1/status", "/v1/intents", "/v1/events", "/v1/nothing"] {
        let response = running
            .http
            .get(format!("{}{path}", running.base))
            .send()
            .await
            .unwrap();
        assert_eq!(
            problem(response).await,
            (StatusCode::UNAUTHORIZED, "unauthorized".into()),
            "{path}"
        );
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let response = running
            .http
            .get(format!("{}{path}", running.base))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_page_that_resolves_its_own_name_to_loopback_is_turned_away() {
    let running = running().await;
    for path in ["/v1/status", "/healthz"] {
        let response = running
            .ask(Method::GET, path)
            .header("Host", "evil.example")
            .send()
            .await
            .unwrap();
        assert_eq!(
            problem(response).await,
            (StatusCode::MISDIRECTED_REQUEST, "wrong_host".into()),
            "{path}"
        );
    }
}

#[tokio::test]
#[cfg(unix)]
async fn only_the_owner_can_read_the_token() {
    use std::os::unix::fs::PermissionsExt as _;
    let running = running().await;
    let mode = std::fs::metadata(running.home.path().join(TOKEN_FILE))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn too_large_a_body_is_refused() {
    let running = running().await;
    let large = "x".repeat(BODY_BYTES + 1);
    let response = running
        .ask(Method::POST, "/v1/intents")
        .json(&json!({ "want": large }))
        .send()
        .await
        .unwrap();
    assert_eq!(
        problem(response).await,
        (StatusCode::PAYLOAD_TOO_LARGE, "too_large".into())
    );
}

#[tokio::test]
async fn what_is_no_want_is_told_what_is_wrong() {
    let running = running().await;
    let cases = [
        ("{ not json", StatusCode::BAD_REQUEST, "malformed"),
        ("\u{0}\u{1}", StatusCode::BAD_REQUEST, "malformed"),
        (
            r#"{"want":"bike","region":"GB","budget":"5GBP","colour":"red"}"#,
            StatusCode::BAD_REQUEST,
            "malformed",
        ),
        (
            r#"{"want":"bike","region":"GB","budget":"5"}"#,
            StatusCode::UNPROCESSABLE_ENTITY,
            "unclear",
        ),
    ];
    for (body, status, code) in cases {
        let request = running
            .ask(Method::POST, "/v1/intents")
            .header("Content-Type", "application/json");
        let response = request.body(body).send().await.unwrap();
        assert_eq!(problem(response).await, (status, code.to_owned()), "{body}");
    }
    let response = running
        .ask(Method::POST, "/v1/intents")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(problem(response).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_want_is_cast_seen_and_withdrawn() {
    let running = running().await;
    let id = running.cast().await;
    let view: IntentView = running.client.get(&format!("/v1/intents/{id}")).await.unwrap();
    assert_eq!((view.id, view.intent.title.as_str()), (id, "a mountain bike"));
    let all: Vec<IntentView> = running.client.get("/v1/intents").await.unwrap();
    assert_eq!(all.len(), 1);
    let answered: Answered = running.client.delete(&format!("/v1/intents/{id}")).await.unwrap();
    assert_eq!(answered, Answered::Withdrawn(id));
    let status: NodeStatus = running.client.get("/v1/status").await.unwrap();
    assert_eq!((status.market.open_intents, status.market.own_intents), (0, 1));
}

#[tokio::test]
async fn what_is_not_there_has_its_own_problem() {
    let running = running().await;
    let none = "00".repeat(32);
    for path in [
        format!("/v1/intents/{none}"),
        format!("/v1/offers/{none}"),
        format!("/v1/agreements/{none}/evidence"),
        "/v1/x".into(),
    ] {
        let response = running.ask(Method::GET, &path).send().await.unwrap();
        assert_eq!(problem(response).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let response = running
        .ask(Method::POST, &format!("/v1/offers/{none}/accept"))
        .send()
        .await
        .unwrap();
    assert_eq!(problem(response).await, (StatusCode::NOT_FOUND, "no_offer".into()));
    let response = running.ask(Method::GET, "/v1/intents/xyz").send().await.unwrap();
    assert_eq!(problem(response).await, (StatusCode::BAD_REQUEST, "malformed".into()));
    let response = running.ask(Method::PUT, "/v1/intents").send().await.unwrap();
    assert_eq!(problem(response).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let response = running.ask(Method::GET, "/v1/catalogue/stats").send().await.unwrap();
    assert_eq!(
        problem(response).await,
        (StatusCode::INTERNAL_SERVER_ERROR, "failed".into())
    );
}

/// The ids and names of the first `count` events of a stream.
async fn first_events(response: reqwest::Response, count: usize) -> Vec<(u64, String)> {
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (mut chunks, mut text, mut events) = (response.bytes_stream(), String::new(), Vec::new());
    let gather = async {
        while events.len() < count {
            text += std::str::from_utf8(&chunks.next().await.unwrap().unwrap()).unwrap();
            while let Some((event, rest)) = text.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name).map(|v| v.trim().to_owned()))
                };
                events.extend(field("id:").map(|id| (id.parse().unwrap(), field("event:").unwrap())));
                text = rest.to_owned();
            }
        }
        events
    };
    tokio::time::timeout(Duration::from_secs(10), gather)
        .await
        .expect("the events come")
}

#[tokio::test]
async fn a_reader_takes_up_where_it_left_off() {
    let running = running().await;
    running.cast().await;
    let from = |id: &str| {
        running
            .ask(Method::GET, "/v1/events")
            .header("Last-Event-ID", id.to_owned())
            .send()
    };
    let all = first_events(from("0").await.unwrap(), 2).await;
    assert_eq!(all[0], (1, "cast".into()));
    let rest = first_events(from("1").await.unwrap(), 1).await;
    assert_eq!(rest[0], all[1]);
    let response = from("yesterday").await.unwrap();
    assert_eq!(problem(response).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_asks_for_one_want_hears_of_no_other() {
    let running = running().await;
    let (first, second) = (running.cast().await, running.cast().await);
    running
        .client
        .delete::<Answered>(&format!("/v1/intents/{second}"))
        .await
        .unwrap();
    let mut events = std::pin::pin!(running.client.events(Some(&second.to_string()), Some(0)).await.unwrap());
    let hear = async {
        loop {
            let told = events.next().await.unwrap().unwrap();
            let text = serde_json::to_string(&told).unwrap();
            assert!(!text.contains(&first.to_string()), "{text}");
            if matches!(told.event, Event::Withdrawn { .. }) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), hear)
        .await
        .expect("the withdrawal is told");
}

fn line(id: &str) -> String {
    let item = json!({
        "id": id, "title": "A bike", "brand": "", "description": "", "gtin": null, "category": "sports/cycling",
        "price": "100.00 GBP", "condition": "new", "stock": null, "language": [101, 110], "attributes": [],
    });
    format!("{item}\n")
}

/// A body that comes in pieces which end anywhere.
fn body(text: &str) -> impl Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static {
    let pieces: Vec<_> = text.as_bytes().chunks(7).map(|piece| Ok(piece.to_vec())).collect();
    futures::stream::iter(pieces)
}

#[tokio::test]
async fn a_catalogue_whose_sender_breaks_off_is_none() {
    let running = running().await;
    let broken = body(&line("a")).chain(futures::stream::iter([Err(std::io::Error::other("no"))]));
    assert!(running.client.import(broken).await.is_err());
    let many: String = (0..3000).map(|n| line(&format!("i{n}")) + "\n").collect();
    assert_eq!(running.client.import(body(&many)).await.unwrap().added, 3000);
}

#[tokio::test]
async fn a_catalogue_goes_in_whole_or_not_at_all() {
    let running = running().await;
    let lines = line("a") + "\n" + &line("b");
    assert_eq!(running.client.import(body(&lines)).await.unwrap().added, 2);
    let response = running
        .ask(Method::POST, "/v1/catalogue")
        .body(lines + "{\"id\":3}\n")
        .send()
        .await
        .unwrap();
    let (status, code) = problem(response).await;
    assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "malformed"));
    let endless = "x".repeat(200_000);
    let response = running
        .ask(Method::POST, "/v1/catalogue")
        .body(endless)
        .send()
        .await
        .unwrap();
    assert_eq!(problem(response).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn metrics_count_and_name_nothing() {
    let running = running().await;
    running.cast().await;
    let text = running.client.text("/metrics").await.unwrap();
    assert!(text.contains("\nintentcast_own_intents 1\n"), "{text}");
    assert!(text.contains("\nintentcast_net_dials_total 3\n"), "{text}");
    assert!(!text.contains("bike") && !text.contains("GB-KHL"));
}

#[tokio::test]
async fn a_node_that_stops_ends_its_streams_and_leaves_no_address() {
    let running = running().await;
    let events = running.client.events(None, None).await.unwrap();
    running.stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        let told: Vec<_> = events.collect().await;
        assert!(told.is_empty());
        running.served.await.unwrap().unwrap();
    });
    ended.await.expect("everything ends");
    let gone = |name: &str| !Path::new(running.home.path()).join(name).exists();
    assert!(gone(ADDR_FILE) && gone(TOKEN_FILE));
    let error = running.client.get::<NodeStatus>("/v1/status").await.unwrap_err();
    assert!(error.to_string().starts_with("no node runs on"), "{error}");
}

#[tokio::test]
async fn an_address_that_is_not_loopback_is_never_listened_on() {
    let home = tempfile::tempdir().unwrap();
    let config = Config {
        listen: "0.0.0.0:0".parse().unwrap(),
    };
    let error = Server::bind(&config, home.path()).await.unwrap_err();
    assert!(matches!(error, StartError::NotLoopback(_)));
}

#[tokio::test]
async fn connections_that_hang_make_room_for_one_that_asks() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let running = running().await;
    let addr = running.base.strip_prefix("http://").unwrap().to_owned();
    let mut hanging = Vec::new();
    for _ in 0..listener::CONNECTIONS + 8 {
        let mut stream = tokio::net::TcpStream::connect(&addr).await.unwrap();
        stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: ").await.unwrap();
        hanging.push(stream);
    }
    let answer = running.ask(Method::GET, "/v1/status").send();
    let answer = tokio::time::timeout(Duration::from_secs(20), answer).await;
    assert_eq!(answer.expect("there is room").unwrap().status(), StatusCode::OK);
    // Whoever has been silent longest went.
    let mut byte = [0];
    let end = tokio::time::timeout(Duration::from_secs(20), hanging[0].read(&mut byte)).await;
    assert!(matches!(end.expect("it was let go"), Ok(0) | Err(_)));
}

#[tokio::test]
async fn an_interest_stands_until_it_is_removed() {
    let running = running().await;
    let e_bikes = json!({ "words": ["e-bike"], "region": "GB-YOR", "over": "800GBP" });
    let stands: Stands = running.client.post("/v1/interests", &e_bikes).await.unwrap();
    assert_eq!(
        (stands.name.as_str(), stands.before),
        ("e-bike-gb-yor-over-800gbp", false)
    );
    let again: Stands = running.client.post("/v1/interests", &e_bikes).await.unwrap();
    assert!(again.before);
    let listed: Vec<Value> = running.client.get("/v1/interests").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["over"], "800.00 GBP");
    for (unclear, field) in [
        (json!({}), "words"),
        (json!({ "words": ["bike"], "over": "5" }), "over"),
    ] {
        let refused = running
            .client
            .post::<Stands>("/v1/interests", &unclear)
            .await
            .unwrap_err();
        assert!(refused.to_string().starts_with(field), "{refused}");
    }
    let path = format!("/v1/interests/{}", stands.name);
    assert!(running.client.delete::<Stands>(&path).await.is_ok());
    assert!(
        running.client.delete::<Stands>(&path).await.is_err(),
        "there is none any more"
    );
}

#[tokio::test]
async fn orders_are_looked_up_and_what_is_no_order_is_told_apart() {
    let running = running().await;
    let found: Vec<Value> = running
        .client
        .get("/v1/orders?q=bike&state=shipped&since=2026-01-01&until=2026-12-31")
        .await
        .unwrap();
    assert!(found.is_empty());
    for (query, status, code) in [
        ("state=lost", StatusCode::BAD_REQUEST, "malformed"),
        ("colour=red", StatusCode::BAD_REQUEST, "malformed"),
        ("since=yesterday", StatusCode::UNPROCESSABLE_ENTITY, "unclear"),
    ] {
        let response = running
            .ask(Method::GET, &format!("/v1/orders?{query}"))
            .send()
            .await
            .unwrap();
        assert_eq!(problem(response).await, (status, code.into()), "{query}");
    }
    let none = "00".repeat(32);
    let verify = running
        .ask(Method::GET, &format!("/v1/agreements/{none}/verify"))
        .send();
    assert_eq!(
        problem(verify.await.unwrap()).await,
        (StatusCode::NOT_FOUND, "no_agreement".into())
    );
    let tell = running.ask(Method::POST, &format!("/v1/agreements/{none}/receipts"));
    let delivered = tell.json(&json!({ "event": "delivered" })).send();
    assert_eq!(
        problem(delivered.await.unwrap()).await,
        (StatusCode::NOT_FOUND, "no_agreement".into())
    );
    let tell = running.ask(Method::POST, &format!("/v1/agreements/{none}/receipts"));
    let lost = tell.json(&json!({ "event": "lost" })).send();
    assert_eq!(problem(lost.await.unwrap()).await.0, StatusCode::BAD_REQUEST);
}
