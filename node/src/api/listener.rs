//! A listener that holds only so many connections, so that a program gone wild does not take every file handle; and
//! that lets go the one that has been silent longest when another comes, so that a program that hangs, or many, does
//! not keep the person out.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Connections at once; streams of events count.
pub const CONNECTIONS: usize = 256;

pub struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    seated: Arc<Seated>,
    next: u64,
}

/// Who is connected: when something last went through, and how to end it.
#[derive(Default)]
struct Seated(Mutex<BTreeMap<u64, (Instant, CancellationToken)>>);

impl Seated {
    fn with<R>(&self, look: impl FnOnce(&mut BTreeMap<u64, (Instant, CancellationToken)>) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn stirred(&self, seat: u64) {
        self.with(|seats| {
            if let Some((at, _)) = seats.get_mut(&seat) {
                *at = Instant::now();
            }
        });
    }

    fn end_the_most_silent(&self) {
        self.with(|seats| {
            let waiting = seats.values().filter(|(_, cut)| !cut.is_cancelled());
            if let Some((_, cut)) = waiting.min_by_key(|(at, _)| *at) {
                cut.cancel();
            }
        });
    }
}

impl Bounded {
    pub fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(CONNECTIONS)),
            seated: Arc::default(),
            next: 0,
        }
    }
}

impl Listener for Bounded {
    type Io = Placed;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Placed, SocketAddr) {
        let (stream, addr) = Listener::accept(&mut self.listener).await;
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                self.seated.end_the_most_silent();
                let place = Arc::clone(&self.places).acquire_owned();
                place.await.expect("the semaphore is never closed")
            }
        };
        // An event is one small write that should not wait for the next.
        let _ = stream.set_nodelay(true);
        let cut = CancellationToken::new();
        let (seat, ended) = (self.next, Box::pin(cut.clone().cancelled_owned()));
        self.next += 1;
        self.seated.with(|seats| seats.insert(seat, (Instant::now(), cut)));
        let placed = Placed {
            stream,
            ended,
            seat,
            seated: Arc::clone(&self.seated),
            _place: place,
        };
        (placed, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection and its place.
pub struct Placed {
    stream: TcpStream,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    seat: u64,
    seated: Arc<Seated>,
    _place: OwnedSemaphorePermit,
}

impl Placed {
    /// Whether another needed the place more.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.ended.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        self.seated.with(|seats| seats.remove(&self.seat));
    }
}

impl AsyncRead for Placed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_ended(cx)?;
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        self.seated.stirred(self.seat);
        Poll::Ready(read)
    }
}

impl AsyncWrite for Placed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_ended(cx)?;
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.seated.stirred(self.seat);
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
