//! One connection: a thread that reads, and one that writes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bolt12::onion::OnionMessage;
use bolt12::peer::{Connection, ConnectionError, Event, Init};
use bolt12::secp256k1::PublicKey;

use super::clock::now;

/// How long a peer may take none of what it is sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a thread that writes waits at most until it looks again.
const LOOK: Duration = Duration::from_secs(10);

/// So many bytes are made ready to be sent at once.
const READY: usize = 64 * 1024;

/// How many warnings are kept.
const SAID: usize = 5;

/// The lock, even if somebody panicked with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection, its socket, and what became of it.
pub(crate) struct Link {
    connection: Mutex<Connection>,
    wake: Condvar,
    stream: TcpStream,
    pub(crate) is_inbound: bool,
    init: Mutex<Option<Init>>,
    said: Mutex<Vec<String>>,
    heard_at: Mutex<Instant>,
    end: Mutex<Option<ConnectionError>>,
}

impl Link {
    pub(crate) fn new(connection: Connection, stream: TcpStream, is_inbound: bool) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let (connection, heard_at) = (Mutex::new(connection), Mutex::new(Instant::now()));
        let (wake, init, said, end) = Default::default();
        Ok(Self { connection, wake, stream, is_inbound, init, said, heard_at, end })
    }

    pub(crate) fn node_id(&self) -> Option<PublicKey> {
        lock(&self.connection).node_id()
    }

    /// What the peer said when it was connected.
    pub(crate) fn init(&self) -> Option<Init> {
        lock(&self.init).clone()
    }

    /// Why it is over, if it is.
    pub(crate) fn end(&self) -> Option<ConnectionError> {
        lock(&self.end).clone()
    }

    /// What the peer said in warnings and errors, the last at the end.
    pub(crate) fn said(&self) -> Vec<String> {
        lock(&self.said).clone()
    }

    /// When the peer last said something that is for us. Pings are not, nor is half a handshake.
    pub(crate) fn heard_at(&self) -> Instant {
        *lock(&self.heard_at)
    }

    /// There is something to send.
    pub(crate) fn wake(&self) {
        // Not between looking and waiting.
        drop(lock(&self.connection));
        self.wake.notify_all();
    }

    pub(crate) fn close(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Reads until the end, and tells `heard` of what comes.
    pub(crate) fn read(&self, mut heard: impl FnMut(Event)) {
        let mut buffer = [0; 8192];
        let error = loop {
            let count = match (&self.stream).read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => break lock(&self.connection).disconnected(),
                Ok(count) => count,
            };
            match self.take(&buffer[..count], &mut heard) {
                Ok(()) => self.wake(),
                Err(error) => break error,
            }
        };
        *lock(&self.end) = Some(error);
        self.wake();
    }

    fn take(&self, mut bytes: &[u8], heard: &mut impl FnMut(Event)) -> Result<(), ConnectionError> {
        loop {
            let event = lock(&self.connection).receive(&mut bytes, now())?;
            match event {
                None => return Ok(()),
                Some(Event::Connected(init)) => {
                    *lock(&self.heard_at) = Instant::now();
                    heard(Event::Connected(init.clone()));
                    // Whoever sees this sends at once.
                    *lock(&self.init) = Some(init);
                }
                Some(Event::Warning(notice) | Event::Error(notice)) => {
                    let mut said = lock(&self.said);
                    said.push(notice.to_string());
                    let more = said.len().saturating_sub(SAID);
                    said.drain(..more);
                }
                Some(event) => {
                    *lock(&self.heard_at) = Instant::now();
                    heard(event);
                }
            }
        }
    }

    /// Writes until the end. `next` gives what is to be sent, and says when it is to be asked again. It is called while the
    /// connection is locked.
    pub(crate) fn write(&self, next: impl Fn(PublicKey) -> (Option<OnionMessage>, Option<Duration>)) {
        let mut connection = lock(&self.connection);
        loop {
            let mut is_over = connection.poll(now()).is_err() || self.end().is_some();
            let mut patience = LOOK;
            while connection.is_connected() && connection.transmit().len() < READY {
                match connection.node_id().map(&next) {
                    Some((Some(message), _)) => drop(connection.send(&message)),
                    waiting => {
                        let again = waiting.and_then(|(_, again)| again);
                        patience = again.map_or(patience, |again| again.min(patience));
                        break;
                    }
                }
            }
            let bytes = connection.transmit().to_vec();
            connection.transmitted(bytes.len());
            if !bytes.is_empty() {
                drop(connection);
                is_over |= (&self.stream).write_all(&bytes).is_err();
                connection = lock(&self.connection);
                if !is_over {
                    continue;
                }
            }
            if is_over {
                return self.close();
            }
            let due = connection.wake_at().map_or(LOOK, |at| Duration::from_secs(at.0.saturating_sub(now().0)));
            let patience = patience.min(due).max(Duration::from_millis(10));
            let waited = self.wake.wait_timeout(connection, patience);
            connection = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
