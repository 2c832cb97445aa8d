//! A connection to a peer over a blocking socket: this crate's alone, without the `lightning` crate and without a
//! runtime.
#![allow(dead_code, reason = "each user has its own share")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use bolt12::UnixTime;
use bolt12::peer::{Connection, ConnectionError, Event};

fn now() -> UnixTime {
    SystemTime::now().into()
}

/// How long a peer may take none of what it is sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no event.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The time that was given is over. The connection goes on.
    Waited,
    /// The connection is over.
    Closed(ConnectionError),
}

impl From<ConnectionError> for Ended {
    fn from(error: ConnectionError) -> Self {
        Self::Closed(error)
    }
}

/// A connection, its socket, and what was read and not yet looked at.
pub(crate) struct Peer {
    pub(crate) connection: Connection,
    stream: TcpStream,
    unread: Vec<u8>,
    /// How many bytes go out at once, for tests.
    pub(crate) piece: usize,
}

impl Peer {
    pub(crate) fn new(connection: Connection, stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        Ok(Self { connection, stream, unread: Vec::new(), piece: usize::MAX })
    }

    /// Waits for the next event, for so long.
    pub(crate) fn next(&mut self, patience: Duration) -> Result<Event, Ended> {
        let end = Instant::now() + patience;
        loop {
            let mut bytes = &self.unread[..];
            let event = self.connection.receive(&mut bytes, now());
            let taken = self.unread.len() - bytes.len();
            self.unread.drain(..taken);
            let flushed = self.flush();
            if let Some(event) = event? {
                return Ok(event);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Ended::Waited);
            }
            if flushed.and_then(|()| self.read(left)).is_err() {
                return Err(self.connection.disconnected().into());
            }
            self.connection.poll(now())?;
        }
    }

    /// Sends what there is to send.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while !self.connection.transmit().is_empty() {
            let bytes = self.connection.transmit();
            let sent = self.stream.write(&bytes[..bytes.len().min(self.piece)])?;
            if sent == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
            self.connection.transmitted(sent);
        }
        Ok(())
    }

    /// Waits for bytes, at most until the connection wants to be woken.
    fn read(&mut self, patience: Duration) -> io::Result<()> {
        let wake_at = self.connection.wake_at().unwrap_or_default();
        let wake = Duration::from_secs(wake_at.0.saturating_sub(now().0).max(1));
        self.stream.set_read_timeout(Some(patience.min(wake)))?;
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                Ok(())
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
                _ => Err(error),
            },
        }
    }
}
