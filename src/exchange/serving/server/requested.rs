//! Somebody asks a client's offer for an invoice: answered with the static invoice, and forwarded.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::keys::StaticInvoiceServer;
use super::record::Record;
use super::slot::Slot;
use super::storing::check_good;
use crate::error::{Error, ErrorKind, Field, Rule, ServingFault};
use crate::exchange::between::ForwardedRequest;
use crate::exchange::limits::{check_request, read_request};
use crate::exchange::message::{OffersMessage, OutgoingMessage};
use crate::exchange::refused::Refused;
use crate::field::BlindedPath;
use crate::invoice_request::InvoiceRequest;
use crate::offer::same_records;
use crate::signed::Unverified;
use crate::tlv::TlvStream;
use crate::units::UnixTime;

/// A request that came over a path of a client's offer, and that nobody has looked at.
///
/// How many of them a client gets is the application's to limit: each is forwarded, and may wake a phone.
#[derive(Clone, Debug)]
#[must_use]
pub struct ServedRequest {
    server: StaticInvoiceServer,
    slot: Slot,
    bytes: Vec<u8>,
    reply_path: BlindedPath<'static>,
}

/// What to send because of a request: the same whether the client is awake or not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ServedAnswer {
    /// The request, for the client: send this first. If it is awake, it answers itself.
    pub forward: OutgoingMessage,
    /// The static invoice, for whoever asked; nothing if it has expired.
    pub answer: Option<OutgoingMessage>,
}

impl ServedRequest {
    pub(super) fn new(
        server: StaticInvoiceServer,
        slot: Slot,
        bytes: Vec<u8>,
        reply_path: BlindedPath<'static>,
    ) -> Self {
        Self { server, slot, bytes, reply_path }
    }

    /// Whose offer is asked, and the slot of its static invoice.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Answers with the record of its [slot](Self::slot), if there is one. The request is compared with the record's offer
    /// before its signature is looked at (EXC-1).
    ///
    /// # Errors
    ///
    /// A refusal, with the answer to send unless the fault is not the sender's: `NotServed` if nothing is stored, or for
    /// another offer than the stored one (STA-4, STA-8); `Expired` for the offer (OFR-9); `TooLong`, and any rule of a
    /// request. `InvalidState` and `UnknownVersion` for a damaged record, or one of another slot or of another version: then
    /// nothing is sent.
    pub fn answer(self, stored: Option<&[u8]>, now: UnixTime) -> Result<ServedAnswer, Box<Refused>> {
        let Self { server, slot, bytes, reply_path } = self;
        let Some(stored) = stored else { return Err(not_served(reply_path)) };
        let record = Record::load(&server, slot, stored)?;
        // EXC-1: of the record, what is dear is read only for a request that is one.
        let request = match read(bytes, &record.tlvs()?, &server) {
            Ok(Some(request)) => request,
            Ok(None) => return Err(not_served(reply_path)),
            Err(error) => return Err(Refused::with_answer(error, reply_path)),
        };
        let (invoice, forward_path) = (record.invoice(&server)?, record.forward_path()?);
        if let Err(error) = invoice.offer().check_expiry(now) {
            return Err(Refused::with_answer(error, reply_path));
        }
        let is_good = check_good(&invoice, now).is_ok();
        let answer =
            is_good.then(|| OutgoingMessage::answer(OffersMessage::StaticInvoice(invoice), reply_path.clone()));
        let forwarded = OffersMessage::Forwarded(ForwardedRequest::new(request, reply_path));
        Ok(ServedAnswer { forward: OutgoingMessage::answer(forwarded, forward_path), answer })
    }
}

/// The request, if it is for the offer of this static invoice.
fn read(bytes: Vec<u8>, invoice: &TlvStream, server: &StaticInvoiceServer) -> Result<Option<InvoiceRequest>, Error> {
    let tlvs = read_request(bytes)?;
    if !same_records(&tlvs, invoice) {
        return Ok(None);
    }
    check_request(&tlvs)?;
    Unverified::<InvoiceRequest>::of(tlvs, server.known).and_then(Unverified::verify).map(Some)
}

fn not_served(reply_path: BlindedPath<'static>) -> Box<Refused> {
    let error = Error::of(Field::OFFER_PATHS, ErrorKind::Serving(ServingFault::NotServed), Rule::Sta8);
    Refused::with_answer(error, reply_path)
}
