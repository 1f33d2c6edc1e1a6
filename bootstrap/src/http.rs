//! Health and metrics for whoever runs the meeting point. It has no login and tells no peer's id or address.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::Listener;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

/// Connections at once; a monitor needs two.
const CONNECTIONS: usize = 32;

/// How long one connection may last, whatever it does: a scrape takes milliseconds.
const LIFE: Duration = Duration::from_secs(10);

/// How long the swarm's task may take to answer before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(2);

/// A look at the meeting point at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// Whether every listener has an address.
    pub(crate) listening: bool,
    pub(crate) connections: u32,
    /// Peers in the routing table.
    pub(crate) peers: usize,
    /// Peers that hold a relay reservation.
    pub(crate) reservations: usize,
    pub(crate) circuits: usize,
    pub(crate) providers: usize,
    pub(crate) totals: Totals,
}

/// What has happened since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// Connections that ended before they were established: refused by a limit, or not our protocol.
    pub(crate) refused: u64,
    pub(crate) reservations_denied: u64,
    pub(crate) circuits: u64,
    pub(crate) circuits_denied: u64,
    pub(crate) reachability_tests: u64,
}

/// Asks the task that owns the swarm, so that "healthy" means that this very task goes round.
#[derive(Clone)]
pub(crate) struct Probe {
    asks: mpsc::Sender<oneshot::Sender<Snapshot>>,
    started: Instant,
}

impl Probe {
    pub(crate) fn new() -> (Self, mpsc::Receiver<oneshot::Sender<Snapshot>>) {
        let (asks, asked) = mpsc::channel(CONNECTIONS);
        let probe = Self {
            asks,
            started: Instant::now(),
        };
        (probe, asked)
    }

    async fn ask(&self) -> Option<Snapshot> {
        let (answer, answered) = oneshot::channel();
        self.asks.try_send(answer).ok()?;
        tokio::time::timeout(PATIENCE, answered).await.ok()?.ok()
    }
}

/// Serves until `shutdown`. Gives the address it is bound to.
pub(crate) async fn serve(
    address: SocketAddr,
    probe: Probe,
    shutdown: CancellationToken,
) -> anyhow::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot serve health and metrics on {address}"))?;
    let bound = listener.local_addr()?;
    let listener = Bounded {
        listener,
        places: Arc::new(Semaphore::new(CONNECTIONS)),
    };
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(probe);
    let task = tokio::spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::warn!(%error, "health and metrics ended");
        }
    });
    Ok((bound, task))
}

async fn healthz(State(probe): State<Probe>) -> (StatusCode, &'static str) {
    match probe.ask().await {
        Some(_) => (StatusCode::OK, "alive\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the swarm does not answer\n"),
    }
}

async fn readyz(State(probe): State<Probe>) -> (StatusCode, &'static str) {
    match probe.ask().await {
        Some(snapshot) if snapshot.listening => (StatusCode::OK, "listening\n"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "not listening yet\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the swarm does not answer\n"),
    }
}

async fn metrics(State(probe): State<Probe>) -> impl IntoResponse {
    let Some(snapshot) = probe.ask().await else {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            "the swarm does not answer\n".to_owned(),
        );
    };
    let mut text = String::new();
    encode(&mut text, &registry(&snapshot, probe.started.elapsed())).expect("writing to a String does not fail");
    (
        StatusCode::OK,
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    )
}

/// Built anew for each scrape out of one snapshot, so that its figures belong together.
fn registry(snapshot: &Snapshot, uptime: Duration) -> Registry {
    let mut registry = Registry::with_prefix("intentcast_bootstrap");
    let gauges = [
        ("connections", "Established connections", snapshot.connections as usize),
        ("routing_peers", "Peers in the routing table", snapshot.peers),
        (
            "relay_reservations",
            "Peers that hold a relay reservation",
            snapshot.reservations,
        ),
        ("relay_circuits", "Relay circuits under way", snapshot.circuits),
        ("provider_records", "Provider records kept", snapshot.providers),
        (
            "listening",
            "1 when every listener has an address",
            usize::from(snapshot.listening),
        ),
    ];
    for (name, help, value) in gauges {
        registry.register(name, help, ConstGauge::new(value as i64));
    }
    registry.register(
        "uptime_seconds",
        "Time since the start",
        ConstGauge::new(uptime.as_secs_f64()),
    );
    let totals = snapshot.totals;
    let counters = [
        (
            "connections_refused",
            "Connections that were not established",
            totals.refused,
        ),
        (
            "relay_reservations_denied",
            "Reservations refused",
            totals.reservations_denied,
        ),
        ("relay_circuits_opened", "Circuits opened", totals.circuits),
        ("relay_circuits_denied", "Circuits refused", totals.circuits_denied),
        (
            "reachability_tests",
            "Addresses tried out for peers",
            totals.reachability_tests,
        ),
    ];
    for (name, help, value) in counters {
        registry.register(name, help, ConstCounter::new(value));
    }
    registry
}

/// Takes so many connections and no more; the rest wait in the system's queue.
struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Held;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Held, SocketAddr) {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let held = Held {
            stream,
            ends: Box::pin(tokio::time::sleep(LIFE)),
            _place: place,
        };
        (held, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that holds its place, for a bounded time.
struct Held {
    stream: TcpStream,
    ends: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Held {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.ends.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Held {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        pin!(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        pin!(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        pin!(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_shutdown(cx)
    }
}
