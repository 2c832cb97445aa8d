//! A client hands in a static invoice: compared, stored, and then confirmed.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::keys::StaticInvoiceServer;
use super::record::Record;
use super::slot::Slot;
use crate::error::{Error, ErrorKind, Field, Rule, ServingFault};
use crate::exchange::between::ServingMessage;
use crate::exchange::message::{OffersMessage, OutgoingMessage};
use crate::exchange::refused::Refused;
use crate::field::BlindedPath;
use crate::onion::{MAX_REPLY_HOPS, ServeStaticInvoice};
use crate::static_invoice::StaticInvoice;
use crate::units::UnixTime;

/// By how many seconds a client's clock may be ahead: a static invoice that says that it was made later than that is no
/// reason to refuse those that follow.
const AHEAD: u64 = 3_600;

/// The longest forward path, in bytes.
const MAX_FORWARD_LEN: usize = 4_096;

/// A static invoice that a client of a [`StaticInvoiceServer`] hands in, signed by the payee and not expired.
///
/// Drop it if the client is none any more.
#[derive(Clone, Debug)]
#[must_use]
pub struct ToServe {
    server: StaticInvoiceServer,
    slot: Slot,
    invoice: StaticInvoice,
    forward_path: BlindedPath<'static>,
    reply_path: BlindedPath<'static>,
    /// When it came.
    now: UnixTime,
}

impl ToServe {
    /// Reads a message that came over the right path.
    pub(super) fn read(
        server: StaticInvoiceServer,
        slot: Slot,
        bytes: &[u8],
        reply_path: BlindedPath<'static>,
        now: UnixTime,
    ) -> Result<Self, Error> {
        let serve = ServeStaticInvoice::read(bytes)?;
        let field = Field::SERVED_FORWARD_PATH;
        let forward_path = serve.forward_invoice_request_path().ok_or(Error::missing(field, Rule::Sta8))?;
        if forward_path.hops().nth(MAX_REPLY_HOPS).is_some() {
            return Err(Error::of(field, ErrorKind::TooManyEntries, Rule::Sta8));
        }
        too_long(field, forward_path.as_bytes().len(), MAX_FORWARD_LEN)?;
        // Before its signature is looked at.
        too_long(Field::SERVED_STATIC_INVOICE, serve.static_invoice().len(), server.limits.invoice_len)?;
        let invoice = StaticInvoice::read(serve.static_invoice().to_vec(), server.known)?;
        check_good(&invoice, now)?;
        let forward_path = forward_path.into_owned();
        Ok(Self { server, slot, invoice, forward_path, reply_path, now })
    }

    /// Whose it is, and the slot that it is for.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// The static invoice.
    pub fn invoice(&self) -> &StaticInvoice {
        &self.invoice
    }

    /// Where requests are to be forwarded to. The path has to start at this node or at one of its peers: nobody connects
    /// to another node for a client.
    pub fn forward_path(&self) -> &BlindedPath<'static> {
        &self.forward_path
    }

    /// Compares it with the record of its [slot](Self::slot), or with nothing if there is none. Between this and storing
    /// the new record nothing else may change that slot: a transaction, where the storage has them.
    ///
    /// A record that is damaged, or that another version wrote, gives way.
    ///
    /// # Errors
    ///
    /// A refusal, of which the client is not told: it sends another one later. `LaterStored` for one that was made before
    /// the one in the slot, as when a message comes late or again; `ReplacedTooSoon` for another one within the
    /// [time](super::keys::ServerLimits::replace_after) that one stays.
    pub fn compare(self, stored: Option<&[u8]>) -> Result<Storing, Box<Refused>> {
        let Self { server, slot, reply_path, now, .. } = self;
        let (invoice, forward_path) = (self.invoice.as_bytes(), self.forward_path.as_bytes());
        let refused = |fault| {
            let error = Error::of(Field::SERVED_STATIC_INVOICE, ErrorKind::Serving(fault), Rule::Sta8);
            Refused::answered(error, None)
        };
        let load = |stored| {
            let old = Record::load(&server, slot, stored)?;
            old.invoice(&server).map(|invoice| (old, invoice))
        };
        if let Some(Ok((old, old_invoice))) = stored.map(load) {
            if old.invoice == invoice && old.forward_path == forward_path {
                return Ok(Storing { slot, record: None, reply_path });
            }
            let is_ahead = old_invoice.created_at().0 > now.0.saturating_add(AHEAD);
            if self.invoice.created_at() < old_invoice.created_at() && !is_ahead {
                return Err(refused(ServingFault::LaterStored));
            }
            let from = old.stored_at.saturating_add(server.limits.replace_after);
            // A clock that was set back stops nothing.
            if now < from && old.stored_at <= now {
                return Err(refused(ServingFault::ReplacedTooSoon { seconds: from.0.saturating_sub(now.0) }));
            }
        }
        let record = Record { slot, stored_at: now, invoice, forward_path };
        Ok(Storing { slot, record: Some(record.to_bytes(&server)), reply_path })
    }
}

/// Whether a static invoice may still be served (STA-3, OFR-9).
pub(super) fn check_good(invoice: &StaticInvoice, now: UnixTime) -> Result<(), Error> {
    invoice.offer().check_expiry(now)?;
    let at = invoice.expires_at();
    if now > at { Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::Expired { at }, Rule::Ivr4)) } else { Ok(()) }
}

fn too_long(field: Field, len: usize, max: usize) -> Result<(), Error> {
    if len > max { Err(Error::of(field, ErrorKind::TooLong { len, max }, Rule::Sta8)) } else { Ok(()) }
}

/// A static invoice on its way into the storage of a [`StaticInvoiceServer`].
///
/// Drop it if storing fails: the client sends the static invoice again.
#[derive(Clone, Debug)]
#[must_use]
pub struct Storing {
    slot: Slot,
    record: Option<Vec<u8>>,
    reply_path: BlindedPath<'static>,
}

impl Storing {
    /// What to store the record under.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// The record, which takes the place of the one before it; nothing if that is the same, since a client asks again until
    /// it hears that its static invoice is stored.
    pub fn record(&self) -> Option<&[u8]> {
        self.record.as_deref()
    }

    /// The [record](Self::record) is stored, and survives a crash: the message that says so to the client (STA-8).
    pub fn stored(self) -> OutgoingMessage {
        OutgoingMessage::answer(OffersMessage::Serving(ServingMessage::persisted()), self.reply_path)
    }
}
