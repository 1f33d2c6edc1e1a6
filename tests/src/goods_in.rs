//! A catalogue that comes into a shop that is open: from a file that is followed, from a pipe, from an address on this
//! machine.

use std::{io::Write as _, path::Path, process::Stdio, time::Duration};

use flate2::{Compression, write::GzEncoder};
use intentcast_node::api::backend::{CatalogueStats, Found};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStderr, ChildStdout},
};

use crate::{
    goods,
    member::{Ended, Member},
    wait::{PATIENCE, beside_others, within},
    world::World,
};

/// A feed as shops write it, plain.
fn feed(rows: &[(&str, &str, &str)]) -> String {
    let rows = rows.iter().map(|(id, title, price)| format!("{id},{title},{price}\n"));
    ["id,title,price\n".to_owned()].into_iter().chain(rows).collect()
}

fn packed(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

fn diff(said: &Value) -> [u64; 4] {
    ["added", "changed", "removed", "unchanged"].map(|what| said["imported"][what].as_u64().unwrap())
}

async fn items(shop: &Member) -> u64 {
    shop.get::<CatalogueStats>("/v1/catalogue/stats").await.items
}

async fn price(shop: &Member, words: &str) -> String {
    let found: Vec<Found> = shop.client().search(&[("q", words), ("limit", "1")]).await.unwrap();
    found[0].item.price.to_string()
}

/// Runs an import of what is piped into it.
async fn piped(shop: &Member, flags: &[&str], bytes: &[u8]) -> Ended {
    let mut command = shop.command(&[&["catalog", "import", "-"], flags].concat());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writing = tokio::spawn(async move {
        // A command that has seen enough reads no more.
        let _ = stdin.write_all(&bytes).await;
    });
    let output = within(PATIENCE, "the import ends", child.wait_with_output())
        .await
        .unwrap();
    writing.await.unwrap();
    Ended {
        status: output.status,
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        complaints: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// An import that goes on.
struct Follower {
    said: Lines<BufReader<ChildStdout>>,
    complaints: Lines<BufReader<ChildStderr>>,
    _child: Child,
}

impl Follower {
    fn of(shop: &Member, file: &Path) -> Self {
        let file = file.to_str().unwrap();
        let mut child = shop
            .command(&["catalog", "import", file, "--currency", "GBP", "--watch"])
            .spawn()
            .unwrap();
        Self {
            said: BufReader::new(child.stdout.take().unwrap()).lines(),
            complaints: BufReader::new(child.stderr.take().unwrap()).lines(),
            _child: child,
        }
    }

    /// What the next import did.
    async fn next(&mut self) -> [u64; 4] {
        let line = within(PATIENCE, "the file is taken in", self.said.next_line())
            .await
            .unwrap();
        diff(&serde_json::from_str(&line.expect("it goes on")).unwrap())
    }

    /// What it complains of next.
    async fn complaint(&mut self) -> String {
        let line = within(PATIENCE, "a complaint", self.complaints.next_line())
            .await
            .unwrap();
        line.expect("it goes on")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_file_is_taken_in_whenever_it_changes() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let mut shop = world.bike_shop("shop").await;
    let file = world.home("shop").join("feed.csv");
    let beside = world.home("shop").join("feed.csv.new");
    let write = |rows: &[(&str, &str, &str)]| std::fs::write(&file, feed(rows)).unwrap();

    write(&[("a", "Red kettle", "20.00"), ("b", "Blue teapot", "30.00")]);
    let mut follower = Follower::of(&shop, &file);
    assert_eq!(
        follower.next().await,
        [2, 0, 1, 0],
        "the catalogue is what the file says, and the bike is not in it"
    );

    std::fs::write(
        &beside,
        feed(&[("a", "Red kettle", "21.00"), ("b", "Blue teapot", "30.00")]),
    )
    .unwrap();
    std::fs::rename(&beside, &file).unwrap();
    assert_eq!(follower.next().await, [0, 1, 0, 1], "another file in its place");
    assert_eq!(price(&shop, "red kettle").await, "21.00 GBP");

    write(&[("a", "Red kettle", "21.00"), ("c", "Green toaster", "40.00")]);
    assert_eq!(follower.next().await, [1, 0, 1, 1], "written over where it stands");

    write(&[]);
    assert!(follower.complaint().await.contains("the catalogue is as it was"));
    std::fs::write(&file, "").unwrap();
    assert!(follower.complaint().await.contains("the file is empty"));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(items(&shop).await, 2);

    std::fs::write(&file, packed(&feed(&[("c", "Green toaster", "39.00")]))).unwrap();
    assert_eq!(follower.next().await, [0, 1, 1, 0], "gone, back, and packed");

    // A node that is down when the file changes has it when it is back.
    shop.stop().await;
    write(&[("c", "Green toaster", "38.00")]);
    assert!(follower.complaint().await.contains("the catalogue is as it was"));
    shop.restart().await;
    assert_eq!(
        follower.next().await,
        [1, 0, 1, 0],
        "the bike is back with the start, and goes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_piped_in_is_taken_or_refused_whole() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let shop = world.bike_shop("shop").await;
    let good = feed(&[("a", "Red kettle", "20.00"), ("b", "Blue teapot", "30.00")]);

    let asked = piped(&shop, &[], good.as_bytes()).await;
    assert!(
        !asked.status.success() && asked.complaints.contains("--currency"),
        "{}",
        asked.complaints
    );
    let whole = packed(&good);
    let ended = piped(&shop, &["--currency", "GBP"], &whole).await;
    assert!(ended.status.success(), "{}", ended.complaints);
    assert_eq!(diff(&serde_json::from_str(&ended.out).unwrap()), [2, 0, 1, 0]);

    // A pipe that breaks, a row that is bad where none may be, an id twice: all stays as it was.
    let broken = piped(&shop, &["--currency", "GBP"], &whole[..whole.len() - 4]).await;
    assert!(
        broken.complaints.contains("reading stopped after line"),
        "{}",
        broken.complaints
    );
    let bad = format!("{good}c,Green toaster,free\na,Red kettle,1.00\n");
    let strict = piped(&shop, &["--currency", "GBP", "--strict"], bad.as_bytes()).await;
    assert!(
        strict.complaints.contains("line 4: price is") && !strict.status.success(),
        "{}",
        strict.complaints
    );
    assert_eq!(
        (items(&shop).await, price(&shop, "red kettle").await.as_str()),
        (2, "20.00 GBP")
    );

    // Else the good rows go in, and the last of an id counts.
    let ended = piped(&shop, &["--currency", "GBP"], bad.as_bytes()).await;
    let said: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&said["bad"], &said["duplicates"]), (&json!(1), &json!(1)));
    assert_eq!(diff(&said), [0, 1, 0, 1]);
    assert_eq!(price(&shop, "red kettle").await, "1.00 GBP");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_within_a_region_says_where_each_item_is_sent() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let shop = world.bike_shop("shop").await;
    let goods = feed(&[("a", "Red kettle", "20.00")]);
    for (sent, said) in [
        (
            &["--ships-to", "GB-YOR"][..],
            "place: asked GB-YOR, offered delivery GB-YOR: met",
        ),
        (&[], "ships_to: asked ships_to=GB-YOR, offered not said: unknown"),
    ] {
        let ended = piped(&shop, &[&["--currency", "GBP"], sent].concat(), goods.as_bytes()).await;
        assert!(ended.status.success(), "{}", ended.complaints);
        let asked = [("q", "red kettle"), ("region", "GB-YOR"), ("explain", "true")];
        let found: Vec<Found> = shop.client().search(&asked).await.unwrap();
        let constraints = &found[0].explained.as_ref().unwrap().constraints;
        let lines: Vec<String> = constraints.iter().map(|check| check.test.to_string()).collect();
        assert_eq!(lines, [said]);
    }
}

/// Answers each request with this, once.
async fn serve(listener: TcpListener, answers: Vec<Vec<u8>>) {
    for answer in answers {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            assert!(socket.read_buf(&mut request).await.unwrap() > 0, "a whole request");
        }
        socket.write_all(&answer).await.unwrap();
        socket.shutdown().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_on_this_machine_is_fetched_and_no_other() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let shop = world.bike_shop("shop").await;
    let body = packed(&feed(&[("a", "Red kettle", "20.00")]));
    let head =
        |status: &str, length: usize| format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    let whole = [head("200 OK", body.len()), body.clone()].concat();
    let half = [head("200 OK", body.len()), body[..body.len() / 2].to_vec()].concat();
    let elsewhere = b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/feed.csv\r\nContent-Length: 0\r\n\r\n".to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/feed.csv", listener.local_addr().unwrap());
    let serving = tokio::spawn(serve(listener, vec![whole, half, head("404 Not Found", 0), elsewhere]));

    let import = async |url: &str| {
        let mut command = shop.command(&["catalog", "import", url, "--currency", "GBP"]);
        within(Duration::from_secs(60), "an import", command.output())
            .await
            .unwrap()
    };
    let ended = import(&url).await;
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(diff(&serde_json::from_slice(&ended.stdout).unwrap()), [1, 0, 1, 0]);
    for (what, why) in [
        ("half of it", "reading stopped"),
        ("nothing", "404"),
        ("a way elsewhere", "302"),
    ] {
        let ended = import(&url).await;
        let complaints = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(
            !ended.status.success() && complaints.contains(why),
            "{what}: {complaints}"
        );
    }
    serving.await.unwrap();
    let ended = import("http://192.0.2.1/feed.csv").await;
    assert_eq!(
        ended.status.code(),
        Some(2),
        "an address of another machine is a matter of usage"
    );
    assert_eq!(items(&shop).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_at_once_come_one_after_the_other() {
    let _stage = beside_others().await;
    let world = World::new().await;
    let shop = world
        .seller(
            "shop",
            &[goods::bike("fell-xl", "XL", "450.00")],
            &goods::rules("shop", "GB", "1.00", ""),
        )
        .await;
    for round in 1..=3 {
        let price_of = |n: u32| format!("{}.00", round * 10 + n);
        let feeds = [1, 2].map(|n| feed(&[("a", "Red kettle", &price_of(n)), ("b", "Blue teapot", "30.00")]));
        let flags = ["--currency", "GBP"];
        let [one, two] = &feeds;
        let (one, two) = tokio::join!(
            piped(&shop, &flags, one.as_bytes()),
            piped(&shop, &flags, two.as_bytes())
        );
        for ended in [&one, &two] {
            assert!(ended.status.success(), "{}", ended.complaints);
        }
        let now = price(&shop, "red kettle").await;
        assert!([1, 2].iter().any(|n| now == format!("{} GBP", price_of(*n))), "{now}");
        assert_eq!(items(&shop).await, 2);
    }
}
