//! What a static invoice server derives from its secret, and how much it does.

use alloc::sync::Arc;
use core::time::Duration;

use zeroize::Zeroizing;

use super::slot::{Slot, SlotToken};
use crate::exchange::ids::{ClientId, PathId};
use crate::exchange::secret::MacKey;
use crate::field::KnownFeatures;
use crate::units::UnixTime;

/// A static invoice server: a node that is always online, and answers for payees that are often not.
///
/// It holds no state. Whom a path was given to, for which slot and until when stands in the path id, under a MAC. All that
/// has to be stored is one record for each client and slot, in any storage that maps [slots](crate::exchange::Slot) to bytes; records have a
/// MAC too. Everything follows from the secret, so replicas with the same secret and the same storage are one server.
///
/// Each message leads to a value with the next step, and what depends on the storage is given out by the step after it:
/// there is no confirmation without a record that was stored (EXC-15), and no answer without the record of that slot.
///
/// | message | what comes of it | then |
/// | --- | --- | --- |
/// | a client asks for paths | [`PathsAsked`](crate::exchange::PathsAsked) | make paths, [answer](crate::exchange::PathsAsked::answer) |
/// | a client hands in a static invoice | [`ToServe`](crate::exchange::ToServe) | [compare](crate::exchange::ToServe::compare) it with the record of its slot, store the new [record](crate::exchange::Storing::record), say that it [is stored](crate::exchange::Storing::stored) |
/// | somebody asks a client's offer for an invoice | [`ServedRequest`](crate::exchange::ServedRequest) | [answer](crate::exchange::ServedRequest::answer) with the record of its slot, and forward |
///
/// Cloning is cheap.
#[derive(Clone, Debug)]
pub struct StaticInvoiceServer {
    pub(super) keys: Arc<Keys>,
    pub(super) limits: ServerLimits,
    pub(super) known: &'static KnownFeatures,
}

/// One key for each purpose.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) client_paths: MacKey,
    pub(super) serve_paths: MacKey,
    pub(super) offer_paths: MacKey,
    pub(super) records: MacKey,
}

/// How much a [`StaticInvoiceServer`] does for each client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// How many static invoices it keeps for each client, in slots that are counted from 0. 10 by default, as many as LDK's
    /// clients use.
    pub slots: u16,
    /// The longest static invoice, in bytes. 5120 by default, as in LDK.
    pub invoice_len: usize,
    /// How long the paths that it gives out lead to it, in whole seconds. A year by default, as in LDK, whose clients want
    /// 90 days at least.
    pub paths_lifetime: Duration,
    /// How long a static invoice stays before another takes its place, in whole seconds: so often a client makes the server
    /// write. 10 seconds by default. LDK's clients send one a minute at most.
    pub replace_after: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            slots: 10,
            invoice_len: 5 * 1024,
            paths_lifetime: Duration::from_secs(365 * 86_400),
            replace_after: Duration::from_secs(10),
        }
    }
}

impl StaticInvoiceServer {
    /// A server with this secret. The secret must be unpredictable, and serve no other purpose.
    pub fn new(secret: [u8; 32], limits: ServerLimits) -> Self {
        let secret = Zeroizing::new(secret);
        let key = |purpose| MacKey::derive(&secret, purpose);
        let keys = Keys {
            client_paths: key("server client path"),
            serve_paths: key("server serve path"),
            offer_paths: key("server offer path"),
            records: key("server record"),
        };
        Self { keys: Arc::new(keys), limits, known: KnownFeatures::default_ref() }
    }

    /// Declares the compulsory features that the application knows.
    #[must_use]
    pub fn knowing(mut self, known: &'static KnownFeatures) -> Self {
        self.known = known;
        self
    }

    /// The path id for the paths over which a client asks this server: make paths with it, and give them to the client in
    /// private. Whoever has one of them can put static invoices of its own into the client's slots.
    ///
    /// Without an end they lead here as long as the server has its secret: then forget a client by refusing it at
    /// [`PathsAsked`](crate::exchange::PathsAsked) and [`ToServe`](crate::exchange::ToServe).
    pub fn client_path_id(&self, client: ClientId, until: Option<UnixTime>) -> PathId {
        SlotToken { slot: Slot { client, number: 0 }, until: until.unwrap_or(UnixTime(u64::MAX)) }
            .path_id(&self.keys.client_paths)
    }
}
