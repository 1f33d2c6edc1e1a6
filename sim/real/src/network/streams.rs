//! Streams: opened, written, read, and ended.

use std::io;
use std::task::{Context, Poll};

use super::{Network, Parcel, Piece, Side, wake};
use crate::clock;
use crate::pipe::Pipe;
use crate::rpc::Counts;

#[derive(Debug)]
pub(super) struct Stream {
    connection: usize,
    opener: Side,
    /// Whether the other side has heard of it, which it does with the first bytes.
    announced: bool,
    /// By the side that reads.
    pipes: [Pipe; 2],
    /// Handles and parcels that name it.
    uses: u32,
}

impl Network {
    /// Opens a stream; this side's handle on it is given back.
    pub fn open_stream(&mut self, connection: usize, opener: Side) -> io::Result<usize> {
        if self.connections[connection].ends[opener.at()].closed || self.is_torn(connection, opener) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.hold(connection);
        Ok(self.streams.insert(Stream {
            connection,
            opener,
            announced: false,
            pipes: Default::default(),
            uses: 1,
        }))
    }

    /// Writes as much as there is room for.
    pub fn poll_write(
        &mut self,
        stream: usize,
        side: Side,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let to = side.opposite();
        let Stream {
            connection,
            pipes,
            uses,
            ..
        } = &mut self.streams[stream];
        let connection = *connection;
        let pipe = &mut pipes[to.at()];
        let mut counts = Counts::default();
        let Some(written) = pipe.write(bytes, &mut counts)? else {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        };
        *uses += 1;

        let nodes = self.connections[connection].nodes;
        let [from, there] = [side, to].map(|side| nodes[side.at()] as usize);
        self.total.add(&counts);
        self.stations[from].traffic.said.add(&counts);
        let heard = &mut self.stations[there].traffic.heard;
        heard.0 += counts.payload_bytes;
        heard.1 += counts.control_bytes + counts.other_bytes;

        let at = self.due_bytes(connection, to, written);
        let piece = Piece {
            bytes: written as u32,
            payloads: counts.payloads as u32,
        };
        self.send(at, Parcel::Line { stream, to, piece });
        Poll::Ready(Ok(written))
    }

    /// A piece has come as far as the line of the node that it is for.
    pub(super) fn queue(&mut self, stream: usize, to: Side, piece: Piece) {
        let node = self.connections[self.streams[stream].connection].nodes[to.at()];
        let path = self.plan.links.path();
        let now = clock::now();
        let gauges = self.stations[node as usize].gauges.as_mut();
        let at = gauges.map_or(now, |gauges| {
            path.received(now, u64::from(piece.bytes) + path.overhead, gauges)
        });
        if at > now {
            self.send(at, Parcel::Bytes { stream, to, piece });
        } else {
            self.bytes(stream, to, piece);
        }
    }

    pub(super) fn bytes(&mut self, stream: usize, to: Side, piece: Piece) {
        let Stream {
            connection,
            opener,
            announced,
            pipes,
            uses,
        } = &mut self.streams[stream];
        let (connection, opener) = (*connection, *opener);
        let node = self.connections[connection].nodes[to.at()];
        if !self.connections[connection].ends[to.at()].is_deaf() {
            pipes[to.at()].arrive(piece.bytes as usize);
            self.payloads_arrived += u64::from(piece.payloads);
            if to != opener && !std::mem::replace(announced, true) {
                *uses += 1;
                let end = &mut self.connections[connection].ends[to.at()];
                end.streams.push_back(stream);
                wake(&mut end.waker);
            }
        }
        self.note(b'b', node, piece.bytes.into());
        self.release_stream(stream);
    }

    /// Reads what has come.
    pub fn poll_read(
        &mut self,
        stream: usize,
        side: Side,
        buffer: &mut [u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let pipe = &mut self.streams[stream].pipes[side.at()];
        match pipe.read(buffer) {
            Some(read) => Poll::Ready(Ok(read)),
            None => {
                pipe.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Nothing more is written by this side.
    pub fn end_stream(&mut self, stream: usize, side: Side) {
        if !self.streams[stream].pipes[side.opposite().at()].close() {
            self.tell_end(stream, side, false);
        }
    }

    /// This side's handle goes.
    pub fn drop_stream(&mut self, stream: usize, side: Side) {
        let pipes = &mut self.streams[stream].pipes;
        pipes[side.opposite().at()].close();
        pipes[side.at()].discard();
        self.tell_end(stream, side, true);
        self.release_stream(stream);
    }

    fn tell_end(&mut self, stream: usize, side: Side, dropped: bool) {
        let to = side.opposite();
        let connection = self.streams[stream].connection;
        self.streams[stream].uses += 1;
        let at = self.due(connection, to);
        self.send(at, Parcel::End { stream, to, dropped });
    }

    pub(super) fn ended(&mut self, stream: usize, to: Side, dropped: bool) {
        let pipes = &mut self.streams[stream].pipes;
        pipes[to.at()].end();
        if dropped {
            pipes[to.opposite().at()].discard();
        }
        self.release_stream(stream);
    }

    fn release_stream(&mut self, stream: usize) {
        let uses = &mut self.streams[stream].uses;
        *uses -= 1;
        if *uses == 0 {
            let connection = self.streams.remove(stream).connection;
            self.release(connection);
        }
    }
}
