//! When a peer is asked whether it is still there, and when it is given up.

use core::time::Duration;

use crate::units::UnixTime;

/// How long to wait for a peer, in whole seconds, each at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For handshake and `init` together.
    pub handshake: Duration,
    /// From the last message to a ping.
    pub ping: Duration,
    /// From a ping to the next message, which need not be the answer: there may be a long queue before it.
    pub pong: Duration,
}

/// 30 seconds, 60 seconds and 30 seconds: enough for a peer behind Tor.
impl Default for Timeouts {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(30), ping: Duration::from_secs(60), pong: Duration::from_secs(30) }
    }
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wait {
    Handshake,
    Anything,
    Pong,
}

/// What is waited for, and since when.
pub(super) struct Timer {
    wait: Wait,
    since: UnixTime,
    timeouts: Timeouts,
}

impl Timer {
    pub(super) fn new(timeouts: Timeouts, now: UnixTime) -> Self {
        Self { wait: Wait::Handshake, since: now, timeouts }
    }

    pub(super) fn begin(&mut self, wait: Wait, now: UnixTime) {
        (self.wait, self.since) = (wait, now);
    }

    /// A message came.
    pub(super) fn heard(&mut self, now: UnixTime) {
        if self.wait != Wait::Handshake {
            self.begin(Wait::Anything, now);
        }
    }

    /// How long is waited altogether.
    pub(super) fn limit(&self) -> Duration {
        let limit = match self.wait {
            Wait::Handshake => self.timeouts.handshake,
            Wait::Anything => self.timeouts.ping,
            Wait::Pong => self.timeouts.pong,
        };
        limit.max(Duration::from_secs(1))
    }

    pub(super) fn due(&self) -> UnixTime {
        self.since.saturating_add(self.limit())
    }

    /// What was waited for long enough, if it is time.
    pub(super) fn over(&mut self, now: UnixTime) -> Option<Wait> {
        // A clock that was set back must not make it wait for hours.
        self.since = self.since.min(now);
        (now >= self.due()).then_some(self.wait)
    }
}
