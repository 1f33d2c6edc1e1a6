//! One side's handles on a connection and its streams, as libp2p wants them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};

use crate::network::{self, Side};

/// One side of a connection.
#[derive(Debug)]
pub struct Muxer {
    connection: usize,
    side: Side,
}

impl Muxer {
    /// Takes the side's handle over.
    pub fn new(connection: usize, side: Side) -> Self {
        Self { connection, side }
    }
}

impl StreamMuxer for Muxer {
    type Substream = Substream;
    type Error = io::Error;

    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Substream>> {
        let stream = network::with(|network| network.poll_stream(self.connection, self.side, cx));
        let stream = stream.unwrap_or_else(|| Poll::Ready(Err(over())));
        stream.map_ok(|stream| Substream {
            stream,
            side: self.side,
        })
    }

    fn poll_outbound(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<Substream>> {
        let stream = network::with(|network| network.open_stream(self.connection, self.side));
        let stream = stream.unwrap_or_else(|| Err(over()));
        Poll::Ready(stream.map(|stream| Substream {
            stream,
            side: self.side,
        }))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        network::with(|network| network.close(self.connection, self.side));
        Poll::Ready(Ok(()))
    }

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        // All there is to do happens when parcels arrive, and wakes whom it concerns.
        Poll::Pending
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        network::with(|network| network.hang_up(self.connection, self.side));
    }
}

/// One side of a stream.
#[derive(Debug)]
pub struct Substream {
    stream: usize,
    side: Side,
}

impl AsyncRead for Substream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        network::with(|network| network.poll_read(self.stream, self.side, buffer, cx))
            .unwrap_or_else(|| Poll::Ready(Err(over())))
    }
}

impl AsyncWrite for Substream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        network::with(|network| network.poll_write(self.stream, self.side, bytes, cx))
            .unwrap_or_else(|| Poll::Ready(Err(over())))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        network::with(|network| network.end_stream(self.stream, self.side));
        Poll::Ready(Ok(()))
    }
}

impl Drop for Substream {
    fn drop(&mut self) {
        network::with(|network| network.drop_stream(self.stream, self.side));
    }
}

/// The run is over.
fn over() -> io::Error {
    io::ErrorKind::NotConnected.into()
}
