//! The local API: the person's own programs, and this program's command line, speak with the node through it.
//!
//! It listens on loopback alone and refuses to start elsewhere. `/v1` needs the token of `<home>/api.token`, which
//! only the node's owner can read. `/healthz`, `/readyz` and `/metrics` need none, so that a supervisor can ask: they
//! count, and name no want, no peer and no price. No answer allows another origin to read it.

pub mod backend;
mod cart;
mod data;
mod documents;
mod events;
mod guard;
mod health;
mod ids;
mod interests;
mod listener;
mod market;
mod orders;
mod portability;
pub mod problem;
mod seller;
mod suppliers;
mod threads;
mod vault;

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{delete, get, post},
};
use intentcast_protocol::{id::hex, limits};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

pub(crate) use self::guard::IMPORT_DEADLINE;
use self::{backend::Backend, guard::Guard, listener::Bounded, problem::Problem};
pub use self::{
    cart::InCart,
    data::{
        ApproveBody, RefuseBody, RevokeAllBody, RevokeBody, RevokedAll, Said, SaidAll, SuggestBody, Taken, ToldBody,
    },
    documents::{Kept, SendBody},
    events::Told,
    health::NodeStatus,
    interests::Stands,
    market::{CastReply, DecideBody, DeclineBody, ToldFirst},
    orders::ReceiptBody,
    portability::{ArchivePage, LedgerPage},
    seller::RulesTest,
    suppliers::RegardBody,
    threads::{CatchUpBody, LetterBody, RateBody, ReviseBody, Subject},
    vault::{ChangeBody, Changed, OpenerBody, Shown, ValueBody},
};
use crate::{
    documents::Porter,
    home::{entropy, write_secret},
    strands::Desk,
    vault::Keeper,
};

/// The file in the node's home that says where the API listens.
pub const ADDR_FILE: &str = "api.addr";
/// The file in the node's home that holds the token.
pub const TOKEN_FILE: &str = "api.token";

/// Bytes of a body, the catalogue's aside: a want with every field full is a tenth of it.
const BODY_BYTES: usize = 64 * 1024;

/// Section `[api]` of the configuration.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port on loopback; port 0 takes any free one.
    pub listen: SocketAddr,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

/// Why the API does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Not loopback.
    #[error("api.listen is {0}: the local API listens on loopback alone, like 127.0.0.1:0")]
    NotLoopback(SocketAddr),
    /// The port is taken, or may not be.
    #[error("the local API cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The token or the address could not be put into the home.
    #[error("{0:#}")]
    Home(anyhow::Error),
}

/// An API that has its socket and has told where it is, and serves once it is run.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    addr: SocketAddr,
    token: String,
    home: PathBuf,
}

impl Server {
    /// Opens the socket, makes a token, and writes both into `home`, which must be there.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(config: &Config, home: &Path) -> Result<Self, StartError> {
        if !config.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(config.listen));
        }
        let listen = |why| StartError::Listen(config.listen, why);
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let token = hex(&entropy::<32>().map_err(StartError::Home)?);
        // The token first: who finds the address finds the token that goes with it.
        for (name, text) in [(TOKEN_FILE, &token), (ADDR_FILE, &addr.to_string())] {
            write_secret(&home.join(name), text.as_bytes()).map_err(StartError::Home)?;
        }
        Ok(Self {
            listener,
            addr,
            token,
            home: home.to_owned(),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop` comes, ends the streams, waits for requests under way, and takes the address away.
    ///
    /// # Errors
    /// When the socket breaks.
    pub async fn run(
        self,
        backend: impl Backend,
        vault: Keeper,
        desk: Arc<Desk>,
        porter: Arc<Porter>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), io::Error> {
        let (ending, ended) = tokio::sync::watch::channel(false);
        let shared = Shared {
            backend,
            vault,
            desk,
            porter,
            ended,
        };
        let router = router(shared, Guard::new(&self.token));
        let stop = async move {
            stop.await;
            // A stream of events has no end of its own, and would keep the server from ending.
            ending.send_replace(true);
        };
        let served = axum::serve(Bounded::new(self.listener), router)
            .with_graceful_shutdown(stop)
            .await;
        for name in [ADDR_FILE, TOKEN_FILE] {
            let _ = std::fs::remove_file(self.home.join(name));
        }
        served
    }
}

/// What routes share.
#[derive(Clone)]
struct Shared<B> {
    backend: B,
    vault: Keeper,
    desk: Arc<Desk>,
    porter: Arc<Porter>,
    ended: tokio::sync::watch::Receiver<bool>,
}

fn router<B: Backend>(shared: Shared<B>, guard: Guard) -> Router {
    let paced = Router::new()
        .route("/intents", post(market::cast::<B>).get(market::intents::<B>))
        .route(
            "/intents/{id}",
            get(market::intent::<B>)
                .patch(market::amend::<B>)
                .delete(market::withdraw::<B>),
        )
        .route("/intents/{id}/renew", post(market::renew::<B>))
        .route("/intents/{id}/offers", get(market::offers_of::<B>))
        .route("/intents/{id}/decide", post(market::decide::<B>))
        .route("/offers", get(market::offers::<B>))
        .route("/offers/{id}", get(market::offer::<B>))
        .route("/offers/{id}/accept", post(market::accept::<B>))
        .route("/offers/{id}/decline", post(market::decline::<B>))
        .route("/agreements", get(market::agreements::<B>))
        .route("/agreements/{id}", get(market::agreement::<B>))
        .route("/agreements/{id}/evidence", get(market::evidence::<B>))
        .route("/offers/{id}/revise", post(threads::revise::<B>))
        .route("/offers/{id}/disclose", post(threads::disclose::<B>))
        .route("/offers/{id}/retract", post(threads::retract::<B>))
        .route("/agreements/{id}/rate", post(threads::rate::<B>))
        .route("/threads", get(threads::threads::<B>))
        .route("/threads/{id}", get(threads::thread::<B>))
        .route("/unsure", get(threads::unsure::<B>).post(threads::catch_up::<B>))
        .route("/letters", post(threads::write::<B>))
        .route("/agreements/{id}/verify", get(orders::verify::<B>))
        .route("/agreements/{id}/receipts", post(orders::tell::<B>))
        .route("/orders", get(orders::list::<B>))
        .route("/suppliers", get(suppliers::list::<B>))
        .route("/suppliers/{key}", get(suppliers::show::<B>))
        .route("/suppliers/{key}/regard", post(suppliers::regard::<B>))
        .route("/cart", get(cart::show::<B>))
        .route("/cart/wishes", post(cart::wish::<B>))
        .route("/cart/wishes/{name}", delete(cart::unwish::<B>))
        .route("/cart/wishes/{name}/cast", post(cart::cast::<B>))
        .route("/cart/offers/{id}", post(cart::save::<B>).delete(cart::unsave::<B>))
        .route("/ledger", get(portability::ledger::<B>))
        .route("/archive", get(portability::archived::<B>))
        .route("/status", get(health::status::<B>))
        .route("/peers", get(health::peers::<B>))
        .route("/catalogue/search", get(seller::search::<B>))
        .route("/catalogue/stats", get(seller::stats::<B>))
        .route("/interests", post(interests::add::<B>).get(interests::list::<B>))
        .route("/interests/{name}", delete(interests::remove::<B>))
        .route("/rules/test", post(seller::test_rules::<B>))
        .route("/grants", post(data::ask::<B>).get(data::list::<B>))
        .route("/grants/{id}", get(data::show::<B>))
        .route("/grants/{id}/approve", post(data::approve::<B>))
        .route("/grants/{id}/refuse", post(data::refuse::<B>))
        .route("/grants/{id}/revoke", post(data::revoke::<B>))
        .route("/grants/{id}/suggest", post(data::suggest::<B>))
        .route("/grants/{id}/use", post(data::take::<B>))
        .route("/grants/{id}/told", post(data::told::<B>))
        .route("/grants/{id}/report", post(data::report::<B>))
        .route("/compliance", get(data::compliance::<B>))
        .route("/office", get(data::office::<B>))
        .route("/office/revoke", post(data::revoke_all::<B>))
        .route("/vault", post(vault::make::<B>).get(vault::status::<B>))
        .route("/vault/unlock", post(vault::unlock::<B>))
        .route("/vault/lock", post(vault::lock::<B>))
        .route("/vault/passphrase", post(vault::change::<B>))
        .route("/vault/strands", get(vault::strands::<B>))
        .route(
            "/vault/strands/{name}",
            post(vault::set::<B>).get(vault::show::<B>).delete(vault::remove::<B>),
        )
        .route("/documents", get(documents::list::<B>))
        .route(
            "/documents/{hash}",
            get(documents::read::<B>).delete(documents::forget::<B>),
        )
        .route("/documents/{hash}/send", post(documents::send::<B>))
        .route("/documents/{hash}/fetch", post(documents::fetch::<B>))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(guard.clone(), guard::pace));
    let files = Router::new()
        .route("/documents", post(documents::put::<B>))
        .layer(DefaultBodyLimit::max(limits::DOCUMENT_BYTES))
        .layer(middleware::from_fn_with_state(guard.clone(), guard::pace));
    let documents = Router::new()
        .route("/archive", post(portability::import::<B>))
        .layer(DefaultBodyLimit::max(crate::portability::read::BYTES))
        .layer(middleware::from_fn_with_state(guard.clone(), guard::pace));
    let import = Router::new()
        .route("/catalogue", post(seller::import::<B>))
        .layer(middleware::from_fn_with_state(guard.clone(), guard::pace_import));
    let open = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz::<B>))
        .route("/metrics", get(health::metrics::<B>))
        .layer(middleware::from_fn_with_state(guard.clone(), guard::pace));
    let v1 = paced
        .merge(import)
        .merge(documents)
        .merge(files)
        .route("/events", get(events::events::<B>))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn_with_state(guard, guard::token));
    Router::new()
        .nest("/v1", v1)
        .merge(open)
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn(guard::host))
        .with_state(shared)
}

async fn nowhere() -> Problem {
    Problem::new(axum::http::StatusCode::NOT_FOUND, "no_route", "nothing is here")
}

async fn not_so() -> Problem {
    Problem::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "not with this method",
    )
}
