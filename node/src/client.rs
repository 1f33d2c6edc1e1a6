//! The command line's way to its node: the local API's address and token out of the home, and one method a verb.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{Stream, StreamExt};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

use crate::api::{self, Told, problem::Problem};

/// The longest that a request may take; the node's own deadline comes first, so that its reason is told.
const DEADLINE: Duration = Duration::from_secs(35);
/// The longest line of an event stream, bytes: 64 ranked offers with their reasons are under 64 KiB.
const EVENT_BYTES: usize = 256 * 1024;

/// Why the node did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No address, no token, or nobody at the address.
    #[error("no node runs on {}: start one with `intentcast up`", .0.display())]
    NotRunning(PathBuf),
    /// The node said why.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The connection broke, or what came is no answer of ours.
    #[error("the node's answer did not arrive: {0}")]
    Broken(String),
    /// The home cannot be read.
    #[error("{}: {why}", .file.display())]
    Unreadable {
        /// Which file of it.
        file: PathBuf,
        /// Why not.
        why: io::Error,
    },
}

/// A node's local API.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
    home: PathBuf,
}

impl Client {
    /// The API of the node that runs on `home`.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] where the home does not say where it is.
    pub fn of_home(home: &Path) -> Result<Self, ClientError> {
        let read = |name: &str| {
            let file = home.join(name);
            match std::fs::read_to_string(&file) {
                Ok(text) => Ok(text.trim().to_owned()),
                Err(why) if why.kind() == io::ErrorKind::NotFound => Err(ClientError::NotRunning(home.to_owned())),
                Err(why) => Err(ClientError::Unreadable { file, why }),
            }
        };
        let addr: std::net::SocketAddr = read(api::ADDR_FILE)?
            .parse()
            .map_err(|_| ClientError::NotRunning(home.to_owned()))?;
        let token = read(api::TOKEN_FILE)?;
        // A proxy of the environment has no business between this program and loopback.
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .build();
        let http = http.map_err(|error| ClientError::Broken(error.to_string()))?;
        Ok(Self {
            http,
            base: format!("http://{addr}"),
            token,
            home: home.to_owned(),
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }

    async fn send(&self, request: RequestBuilder) -> Result<reqwest::Response, ClientError> {
        let response = request.send().await.map_err(|error| {
            if error.is_connect() {
                ClientError::NotRunning(self.home.clone())
            } else {
                broken(&error)
            }
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.map_err(|error| broken(&error))?;
        // Another program may have the port by now: what is refused without our kind of words is not our node.
        match serde_json::from_str::<Problem>(&text) {
            Ok(problem) if problem.status == StatusCode::UNAUTHORIZED.as_u16() => {
                Err(ClientError::NotRunning(self.home.clone()))
            }
            Ok(problem) => Err(ClientError::Problem(Box::new(problem))),
            Err(_) => Err(ClientError::NotRunning(self.home.clone())),
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.send(request.timeout(DEADLINE)).await?;
        response.json().await.map_err(|error| broken(&error))
    }

    /// What is at `path`.
    ///
    /// # Errors
    /// [`ClientError`], as for each method here.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.json(self.request(Method::GET, path)).await
    }

    /// The text at `path`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn text(&self, path: &str) -> Result<String, ClientError> {
        let response = self.send(self.request(Method::GET, path).timeout(DEADLINE)).await?;
        response.text().await.map_err(|error| broken(&error))
    }

    /// Asks for `path` with what it takes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    /// Hands over these bytes, as they are.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn post_bytes<T: DeserializeOwned>(&self, path: &str, bytes: Vec<u8>) -> Result<T, ClientError> {
        self.json(self.request(Method::POST, path).body(bytes)).await
    }

    /// The bytes at `path`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn bytes(&self, path: &str) -> Result<Vec<u8>, ClientError> {
        let response = self.send(self.request(Method::GET, path).timeout(DEADLINE)).await?;
        let bytes = response.bytes().await.map_err(|error| broken(&error))?;
        Ok(bytes.to_vec())
    }

    /// Changes what is at `path`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.json(self.request(Method::PATCH, path).json(body)).await
    }

    /// Ends what is at `path`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.json(self.request(Method::DELETE, path)).await
    }

    /// Searches the catalogue: `q` and whatever else the API takes beside it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn search(&self, asked: &[(&str, &str)]) -> Result<Vec<api::backend::Found>, ClientError> {
        let query = form(asked);
        self.get(&format!("/v1/catalogue/search?{query}")).await
    }

    /// Hands over a catalogue, one item of JSON a line, as it comes; an error in it leaves the node's as it was.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn import(
        &self,
        lines: impl Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static,
    ) -> Result<api::backend::Imported, ClientError> {
        let request = self
            .request(Method::POST, "/v1/catalogue")
            .body(reqwest::Body::wrap_stream(lines))
            .timeout(api::IMPORT_DEADLINE);
        let response = self
            .send(request.header("Content-Type", "application/x-ndjson"))
            .await?;
        response.json().await.map_err(|error| broken(&error))
    }

    /// Events as they come, of one intent or all; `after` 0 begins with all that the node remembers.
    ///
    /// # Errors
    /// [`ClientError`], also from within the stream when the node goes away.
    pub async fn events(
        &self,
        intent: Option<&str>,
        after: Option<u64>,
    ) -> Result<impl Stream<Item = Result<Told, ClientError>> + use<>, ClientError> {
        let path = intent.map_or_else(
            || "/v1/events".to_owned(),
            |intent| format!("/v1/events?intent={intent}"),
        );
        let mut request = self.request(Method::GET, &path);
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after.to_string());
        }
        let chunks = self.send(request).await?.bytes_stream().boxed();
        let begin = (chunks, Lines::default());
        Ok(futures::stream::try_unfold(begin, async |(mut chunks, mut lines)| {
            loop {
                if let Some(told) = lines.next()? {
                    return Ok(Some((told, (chunks, lines))));
                }
                match chunks.next().await {
                    None => return Ok(None),
                    Some(chunk) => lines.add(&chunk.map_err(|error| broken(&error))?)?,
                }
            }
        }))
    }
}

fn broken(error: &reqwest::Error) -> ClientError {
    // Its own text ends with the address, which says nothing; the cause says what happened.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    ClientError::Broken(cause.to_string())
}

/// Text as it stands within an address.
pub fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text + &char::from(byte).to_string(),
        byte => text + &format!("%{byte:02X}"),
    })
}

/// A query string.
fn form(pairs: &[(&str, &str)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// Server-sent events out of chunks; only `data`, since the data says everything.
#[derive(Default)]
struct Lines {
    waiting: Vec<u8>,
}

impl Lines {
    fn add(&mut self, chunk: &[u8]) -> Result<(), ClientError> {
        self.waiting.extend_from_slice(chunk);
        if self.waiting.len() > EVENT_BYTES && !self.waiting.contains(&b'\n') {
            return Err(ClientError::Broken("an event without end".into()));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Told>, ClientError> {
        while let Some(end) = self.waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.waiting.drain(..=end).collect();
            if let Some(data) = line.strip_prefix(b"data:") {
                let told = serde_json::from_slice(data.trim_ascii());
                return told.map(Some).map_err(|error| ClientError::Broken(error.to_string()));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_without_an_address_has_no_node() {
        let home = tempfile::tempdir().unwrap();
        let error = Client::of_home(home.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "no node runs on {}: start one with `intentcast up`",
                home.path().display()
            )
        );
    }

    #[test]
    fn words_of_a_search_travel_whole() {
        assert_eq!(
            form(&[("q", "29\" & pram/é"), ("limit", "5")]),
            "q=29%22%20%26%20pram%2F%C3%A9&limit=5"
        );
    }

    #[test]
    fn events_are_put_together_from_any_chunks() {
        let text = b": alive\n\nid: 7\nevent: store_failed\ndata: {\"at\":5,\"event\":\"store_failed\"}\n\n";
        for size in 1..text.len() {
            let (mut lines, mut told) = (Lines::default(), Vec::new());
            for chunk in text.chunks(size) {
                lines.add(chunk).unwrap();
                told.extend(lines.next().unwrap());
            }
            assert_eq!(told.len(), 1, "in chunks of {size}");
            assert_eq!(told[0].at.0, 5);
        }
    }
}
