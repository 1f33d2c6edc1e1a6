//! One direction of a stream: bytes that were written, have arrived, and are read.

use std::collections::VecDeque;
use std::io;
use std::task::Waker;

use crate::rpc::{Counts, Reader};

/// Bytes that may be written and not yet read: the window with which a stream of the node's begins.
pub const WINDOW: usize = 256 << 10;

#[derive(Debug, Default)]
pub struct Pipe {
    /// As they were written, the oldest first; of that one, `taken` bytes are read already.
    chunks: VecDeque<Box<[u8]>>,
    taken: usize,
    /// Bytes that were written and not yet read, and those of them that have arrived.
    held: usize,
    arrived: usize,
    /// Nothing more is written.
    closed: bool,
    /// Nothing more arrives.
    ended: bool,
    /// Nobody reads.
    discarded: bool,
    pub reader: Option<Waker>,
    pub writer: Option<Waker>,
    listener: Reader,
}

impl Pipe {
    /// Takes as many bytes as there is room for and counts what they say; none, when there is no room.
    pub fn write(&mut self, bytes: &[u8], counts: &mut Counts) -> io::Result<Option<usize>> {
        if self.closed || self.discarded {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let written = bytes.len().min(WINDOW - self.held);
        if written == 0 && !bytes.is_empty() {
            return Ok(None);
        }
        let bytes = &bytes[..written];
        self.listener.read(bytes, counts);
        self.held += written;
        self.chunks.push_back(bytes.into());
        Ok(Some(written))
    }

    /// The next so many bytes have arrived.
    pub fn arrive(&mut self, bytes: usize) {
        if !self.discarded {
            self.arrived += bytes;
            wake(&mut self.reader);
        }
    }

    /// Copies what has arrived: none, when nothing has; zero bytes at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if self.arrived == 0 {
            return self.ended.then_some(0);
        }
        let mut read = 0;
        while read < buffer.len()
            && self.arrived > 0
            && let Some(chunk) = self.chunks.front()
        {
            let left = &chunk[self.taken..];
            let part = left.len().min(buffer.len() - read).min(self.arrived);
            buffer[read..read + part].copy_from_slice(&left[..part]);
            read += part;
            self.arrived -= part;
            self.taken += part;
            if self.taken == chunk.len() {
                self.taken = 0;
                self.chunks.pop_front();
            }
        }
        self.held -= read;
        wake(&mut self.writer);
        Some(read)
    }

    /// Nothing more is written; says whether that was so already.
    pub fn close(&mut self) -> bool {
        wake(&mut self.writer);
        std::mem::replace(&mut self.closed, true)
    }

    /// Nothing more arrives.
    pub fn end(&mut self) {
        self.ended = true;
        wake(&mut self.reader);
    }

    /// Nobody reads any more.
    pub fn discard(&mut self) {
        self.discarded = true;
        self.chunks = VecDeque::new();
        (self.taken, self.held, self.arrived) = (0, 0, 0);
        wake(&mut self.writer);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(pipe: &mut Pipe, bytes: &[u8]) -> Option<usize> {
        pipe.write(bytes, &mut Counts::default()).unwrap()
    }

    #[test]
    fn only_what_has_arrived_is_read() {
        let mut pipe = Pipe::default();
        assert_eq!(write(&mut pipe, b"abc"), Some(3));
        assert_eq!(write(&mut pipe, b"defg"), Some(4));
        let mut buffer = [0; 16];
        assert_eq!(pipe.read(&mut buffer), None);
        pipe.arrive(3);
        assert_eq!(pipe.read(&mut buffer[..2]), Some(2));
        assert_eq!(pipe.read(&mut buffer[2..]), Some(1), "the rest is still on its way");
        pipe.arrive(4);
        assert_eq!(pipe.read(&mut buffer[3..]), Some(4));
        assert_eq!(&buffer[..7], b"abcdefg");
        pipe.end();
        assert_eq!(pipe.read(&mut buffer), Some(0));
    }

    #[test]
    fn a_full_pipe_takes_no_more_until_it_is_read() {
        let mut pipe = Pipe::default();
        assert_eq!(write(&mut pipe, &vec![1; WINDOW + 5]), Some(WINDOW));
        assert_eq!(write(&mut pipe, b"x"), None);
        pipe.arrive(WINDOW);
        assert_eq!(pipe.read(&mut [0; 10]), Some(10));
        assert_eq!(write(&mut pipe, &[2; 20]), Some(10));
    }

    #[test]
    fn what_nobody_reads_cannot_be_written() {
        let mut pipe = Pipe::default();
        write(&mut pipe, b"abc");
        pipe.discard();
        pipe.arrive(3);
        assert!(pipe.write(b"d", &mut Counts::default()).is_err());
        let mut pipe = Pipe::default();
        assert!(!pipe.close());
        assert!(pipe.close());
        assert!(pipe.write(b"d", &mut Counts::default()).is_err());
    }
}
