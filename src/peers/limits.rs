//! What peers may make us keep and compute.

use core::time::Duration;

/// A budget: so much at once, and so much more in every second. What is not used is saved up to what may be used at
/// once. Nothing at once is nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How much may be used at once.
    pub burst: u32,
    /// How much is added in a second.
    pub per_second: u32,
}

/// How often a peer is sent a message: nodes drop what comes faster, without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many messages at once.
    pub at_once: u32,
    /// The time after which there may be one more, at least a millisecond.
    pub every: Duration,
}

/// Three at once, then one in 300 milliseconds. Core Lightning takes four, and one more for every 250 milliseconds
/// since the last, which it counts at its own end: what the network holds up and delivers together would be one too
/// many.
impl Default for Pace {
    fn default() -> Self {
        Self { at_once: 3, every: Duration::from_millis(300) }
    }
}

/// What peers may make us keep and compute (EXC-20). Nobody is refused a connection because of a limit: who is above
/// one is not heard for a while, and what is dropped is [counted](super::Counts).
///
/// Budgets count curve multiplications. Opening a message takes 2, each dummy hop of our own 4 more, and answering over
/// a reply path 2 for each hop and 4 for what it holds. On a computer of today a thousand take from 50
/// to 100 milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many of those that came to us are heard at the same time. Where more are connected, the one that was idle
    /// longest makes room for who says something; where none is idle, the one that has the most waiting. That happens
    /// 64 times in a second at most, and newcomers come before those that lost a place lately. Peers that
    /// [we keep or chose](super::Standing) are not counted. 128 by default.
    pub strangers: usize,
    /// For each peer. 800 at once and 160 in a second by default: 50 requests with their answers, and 10.
    pub peer: Budget,
    /// For all those together that came to us within the last minute: who comes again and again under new names is
    /// heard no more often. 1,600 at once and 500 in a second by default.
    pub newcomers: Budget,
    /// For all those together that came to us. 4,000 at once and 1,000 in a second by default: a tenth of a
    /// core. Peers that we keep or chose have only their own budgets.
    pub all_strangers: Budget,
    /// How many messages of one peer wait until there is budget to open them. 64 by default.
    pub unopened: usize,
    /// How many bytes of such messages there are at most, of all strangers together. Anyone who has the most of them
    /// gives way. Every other peer has a sixteenth as many for itself. 4 MiB by default.
    pub unopened_bytes: usize,
    /// How many messages of others wait to be sent to one peer: answers, and what is passed on. More are not accepted
    /// than it is sent in 20 seconds. Strangers have half of them, and peers that we keep or chose, where both want them;
    /// what the peer itself asked for comes before both. 64 by default. Of our own there may be as many again, or more:
    /// see [`own_waiting`](Self::own_waiting).
    pub waiting: usize,
    /// How many bytes of such messages. 256 KiB by default.
    pub waiting_bytes: usize,
    /// How many messages that begin at us wait to be sent to one peer. They go first. 256 by default.
    pub own_waiting: usize,
    /// How often a peer is sent a message.
    pub pace: Pace,
    /// Whether a payee is told what is wrong with an invoice: once for each request, where it wants to know. Not by
    /// default: who answers can be recognised.
    pub answers_invoices: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            strangers: 128,
            peer: Budget { burst: 800, per_second: 160 },
            newcomers: Budget { burst: 1_600, per_second: 500 },
            all_strangers: Budget { burst: 4_000, per_second: 1_000 },
            unopened: 64,
            unopened_bytes: 4 << 20,
            waiting: 64,
            waiting_bytes: 256 << 10,
            own_waiting: 256,
            pace: Pace::default(),
            answers_invoices: false,
        }
    }
}
