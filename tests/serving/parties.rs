//! Those who take part, each with what it has stored.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bolt12::exchange::{
    AsyncPayment, AsyncRecipient, ClientId, Payee, RecipientTerms, ServerLimits, Slot, StaticInvoiceServer,
};
use bolt12::{OfferId, UnixTime};

use super::serving::DAY;
use super::sides::path_with;

/// How long the paths of an offer lead to a server: short, so that many offers take over from others.
pub(crate) const LIFETIME: u64 = 8 * DAY;
pub(crate) const SLOTS: u16 = 3;

/// A server and its storage.
pub(crate) struct Server {
    pub(crate) node: u8,
    pub(crate) server: StaticInvoiceServer,
    pub(crate) storage: BTreeMap<Slot, Vec<u8>>,
    /// The slots that are being written.
    pub(crate) writing: BTreeSet<Slot>,
    /// Everything that was ever stored: the static invoices of each slot.
    pub(crate) ever: BTreeSet<(Slot, Vec<u8>)>,
    /// When the one was made that is in each slot.
    pub(crate) newest: BTreeMap<Slot, UnixTime>,
}

impl Server {
    pub(crate) fn new(node: u8) -> Self {
        let (storage, writing, ever, newest) = Default::default();
        Self { node, server: StaticInvoiceServer::new([node; 32], limits()), storage, writing, ever, newest }
    }

    /// Nothing is left but its secret and its storage.
    pub(crate) fn restart(&mut self) {
        self.server = StaticInvoiceServer::new([self.node; 32], limits());
        self.writing.clear();
    }
}

fn limits() -> ServerLimits {
    ServerLimits { slots: SLOTS, paths_lifetime: Duration::from_secs(LIFETIME), ..ServerLimits::default() }
}

/// A phone, which is served by one server.
pub(crate) struct Phone {
    pub(crate) node: u8,
    pub(crate) server: usize,
    pub(crate) payee: Payee,
    pub(crate) recipient: AsyncRecipient,
    pub(crate) disk: Vec<u8>,
    pub(crate) is_awake: bool,
    /// The offers that it has shown, and when they expire.
    pub(crate) shown: BTreeMap<OfferId, u64>,
    /// When it was last told to send, and how often in that second.
    pub(crate) sends: (u64, u32),
    /// The event at which it looks what there is to do.
    pub(crate) looks: u64,
}

impl Phone {
    pub(crate) fn new(node: u8, server: usize, at: &Server) -> Self {
        let payee = Payee::new([node; 32]);
        let path_id = at.server.client_path_id(client(node), None);
        let terms = RecipientTerms {
            slots: SLOTS,
            min_paths_lifetime: Duration::from_secs(LIFETIME / 2),
            ..RecipientTerms::default()
        };
        let recipient = payee.async_recipient([path_with(at.node, path_id)], [node; 32], terms).unwrap();
        let disk = recipient.to_bytes();
        let (shown, sends, looks) = Default::default();
        Self { node, server, payee, recipient, disk, is_awake: true, shown, sends, looks }
    }

    pub(crate) fn reload(&mut self) {
        self.recipient = self.payee.load_async_recipient(&self.disk).unwrap();
    }
}

/// Whom a server serves under which id.
pub(crate) fn client(phone: u8) -> ClientId {
    ClientId([phone; 8])
}

/// Somebody who pays once.
pub(crate) struct Buyer {
    pub(crate) payment: AsyncPayment,
    pub(crate) phone: usize,
    pub(crate) is_over: bool,
    /// Whether the payee was asked to release the payment, and did.
    pub(crate) released: bool,
    /// The event at which it looks what there is to do.
    pub(crate) looks: u64,
}
