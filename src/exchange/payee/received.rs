//! A request that has arrived, and is authentic.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::{Error, ErrorKind, Field, MessageKind, Rule};
use crate::exchange::ids::PathId;
use crate::exchange::limits::{MAX_OFFER_LEN, check_request, offer_len, read_request};
use crate::exchange::message::{IncomingMessage, MessageArrival, OffersMessage, OffersMessageKind, OutgoingMessage};
use crate::exchange::payee::keys::Payee;
use crate::exchange::refused::Refused;
use crate::exchange::saved::{Kind, Reader, Writer};
use crate::exchange::secret::{MacKey, Nonce};
use crate::field::Value;
use crate::field::{BlindedPath, BlindedPaths, CurrencyCode, Rate};
use crate::invoice_error::InvoiceError;
use crate::invoice_request::{InvoiceRequest, RequestArrival};
use crate::offer::Offer;
use crate::signed::Unverified;
use crate::tlv::TlvStream;
use crate::units::Msat;

/// A signed request for one of our offers, which is unchanged. It arrived over the right path.
///
/// This is the state *received*: look at the note and the amounts, and [accept](Self::accept) or
/// [refuse](Self::refuse).
#[derive(Clone, Debug)]
#[must_use]
pub struct ReceivedRequest {
    pub(crate) issuer: Payee,
    pub(crate) request: InvoiceRequest,
    pub(crate) arrival: RequestArrival,
    /// Nothing only for a cancellation, which wants no answer (MSG-3, D13).
    pub(crate) reply_path: Option<BlindedPath<'static>>,
    pub(crate) nonce: Option<Nonce>,
}

impl Payee {
    /// Authenticates a request. It checks that the offer is ours and unchanged (RQR-6), then that the request arrived
    /// over the right path (RQR-7), and only then the form and the signature of the request (EXC-1).
    ///
    /// Time, chain and amount are checked when it is [accepted](ReceivedRequest::accept).
    ///
    /// # Errors
    ///
    /// A refusal, with the answer to send unless silence is better. A refusal that [is cheap](Refused::is_cheap) cost
    /// no curve operation. Many of them can only come from somebody who does not have one of our offers.
    pub fn receive(&self, message: IncomingMessage) -> Result<ReceivedRequest, Box<Refused>> {
        let IncomingMessage { kind, bytes, arrival, reply_path } = message;
        if kind != OffersMessageKind::InvoiceRequest {
            return Err(Refused::wrong_kind(MessageKind::InvoiceRequest, kind));
        }
        let tlvs = read_request(bytes).map_err(Refused::silent)?;
        // MSG-3: a cancellation wants no answer.
        if reply_path.is_none() && !crate::recurrence::cancels(&tlvs) {
            return Err(Refused::silent(Error::new(ErrorKind::NoReplyPath, Rule::Msg3)));
        }
        // Hashing what nobody made costs more than it may, if it is long enough.
        let nonce = if offer_len(&tlvs) > MAX_OFFER_LEN { None } else { self.seal(&tlvs) };
        let Some(nonce) = nonce else {
            // No field is named: what differs is nobody's business who probes for offers.
            return Err(Refused::silent(Error::new(ErrorKind::Differs, Rule::Rqr6)));
        };
        let Some(arrival) = self.arrival(&tlvs, &nonce, arrival) else {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Rqr7)));
        };
        self.verify(tlvs, arrival, reply_path, Some(nonce))
    }

    /// The same for an offer that was made without this payee, for example one from a database, where
    /// [`OfferId::in_message`](crate::OfferId::in_message) finds it. The caller has to say how the request arrived.
    ///
    /// # Errors
    ///
    /// As for [`receive`](Self::receive).
    pub fn receive_for(
        &self,
        offer: &Offer,
        bytes: Vec<u8>,
        arrival: RequestArrival,
        reply_path: BlindedPath<'static>,
    ) -> Result<ReceivedRequest, Box<Refused>> {
        // The length of that offer is the caller's choice.
        let tlvs = TlvStream::read(bytes).map_err(Refused::silent)?;
        if !crate::offer::same_records(&tlvs, offer.tlvs()) {
            return Err(Refused::silent(Error::new(ErrorKind::Differs, Rule::Rqr6)));
        }
        offer.check_arrival(arrival).map_err(Refused::silent)?;
        self.verify(tlvs, arrival, Some(reply_path), None)
    }

    /// The form and the signature of a request that came the right way for one of our offers.
    fn verify(
        &self,
        tlvs: TlvStream,
        arrival: RequestArrival,
        reply_path: Option<BlindedPath<'static>>,
        nonce: Option<Nonce>,
    ) -> Result<ReceivedRequest, Box<Refused>> {
        if let Err(error) = check_request(&tlvs) {
            return Err(Refused::answered(error, reply_path));
        }
        // IVW-3
        let signer = match arrival {
            RequestArrival::OfferPath(last) if !tlvs.contains(Field::OFFER_ISSUER_ID.number()) => Some(last),
            _ => None,
        };
        let unverified = Unverified::<InvoiceRequest>::of(tlvs, self.known);
        match unverified.and_then(|unverified| unverified.verify_with(signer)) {
            Ok(request) => Ok(ReceivedRequest::new(self, request, arrival, reply_path, nonce)),
            // CON-4: whoever signs for somebody else's name gets no answer.
            Err(error) if error.rule() == Rule::Con4 => Err(Refused::answered(error, None)),
            Err(error) => Err(Refused::answered(error, reply_path)),
        }
    }

    /// RQR-7: over one of the offer's paths if it has some, else directly. What a static invoice server forwards (STA-8)
    /// comes over the path that was made for it, as if over the offer's first.
    fn arrival(&self, tlvs: &TlvStream, nonce: &Nonce, arrival: MessageArrival) -> Option<RequestArrival> {
        let paths = tlvs.value(16).map(BlindedPaths::decode);
        match (paths, arrival) {
            (None, MessageArrival::Direct) => Some(RequestArrival::Direct),
            (Some(Ok(paths)), MessageArrival::Path(path_id)) => {
                let mut paths = paths.iter().enumerate();
                let made = |at: usize| u8::try_from(at).map(|at| [at]);
                // A short one is the start of the same.
                let verifies = |key: &MacKey, parts: &[&[u8]]| match path_id.as_short() {
                    Some(short) => key.verifies(parts, short),
                    None => key.verifies_whole(parts, &path_id.0),
                };
                let is_over = |at: usize, key: &MacKey| made(at).is_ok_and(|at| verifies(key, &[nonce, &at]));
                let first = paths.clone().next().filter(|_| self.is_forward_path(nonce, &path_id));
                let (_, path) = first.or_else(|| paths.find(|(at, _)| is_over(*at, &self.keys.offer_paths)))?;
                Some(RequestArrival::OfferPath(path.last_blinded_node_id()))
            }
            _ => None,
        }
    }

    /// Whether the path was made for what a static invoice server forwards of an offer.
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    fn is_forward_path(&self, nonce: &Nonce, path_id: &PathId) -> bool {
        self.keys.forward_paths.verifies_whole(&[nonce], &path_id.0)
    }

    #[cfg(not(all(feature = "async_payments", feature = "onion")))]
    fn is_forward_path(&self, _: &Nonce, _: &PathId) -> bool {
        false
    }

    /// Loads what [`ReceivedRequest::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// As for [`Payer::load`](crate::exchange::Payer::load).
    pub fn load_received(&self, bytes: &[u8]) -> Result<ReceivedRequest, Error> {
        Reader::load(bytes, Kind::Received, self.states(), |reader| ReceivedRequest::read(reader, self))
    }
}

impl ReceivedRequest {
    pub(crate) fn new(
        issuer: &Payee,
        request: InvoiceRequest,
        arrival: RequestArrival,
        reply_path: Option<BlindedPath<'static>>,
        nonce: Option<Nonce>,
    ) -> Self {
        Self { issuer: issuer.clone(), request, arrival, reply_path, nonce }
    }

    /// The request.
    pub fn request(&self) -> &InvoiceRequest {
        &self.request
    }

    /// The path of the offer over which it arrived.
    pub fn arrival(&self) -> RequestArrival {
        self.arrival
    }

    /// The currency whose exchange rate is needed to accept the request.
    pub fn currency(&self) -> Option<CurrencyCode> {
        self.request.offer().currency()
    }

    /// The amount due for all items, if the offer has a price (RQR-9).
    ///
    /// # Errors
    ///
    /// `RateNeeded` and `WrongCurrency` without the rate of the offer's currency, `Overflow`.
    pub fn due(&self, rate: Option<Rate>) -> Result<Option<Msat>, Error> {
        self.request.due(rate)
    }

    /// Refuses for a reason of your own, for example "out of coffee", or because of a note. `None` for a cancellation
    /// that wants no answer.
    #[must_use]
    pub fn refuse(self, why: InvoiceError) -> Option<OutgoingMessage> {
        Some(OutgoingMessage::answer(OffersMessage::InvoiceError(why), self.reply_path?))
    }

    /// The state as bytes, which [`Payee::load_received`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new(Kind::Received);
        self.write(&mut out);
        out.finish(self.issuer.states())
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.bytes(self.request.as_bytes());
        out.optional(match &self.arrival {
            RequestArrival::OfferPath(last) => Some(last.to_bytes()),
            _ => None,
        });
        out.bytes(self.reply_path.as_ref().map_or(&[], |path| path.as_bytes()));
        out.optional(self.nonce);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, issuer: &Payee) -> Result<Self, Error> {
        let request = InvoiceRequest::read(reader.bytes()?.to_vec(), issuer.known())?;
        let arrival = match reader.optional()? {
            Some(last) => RequestArrival::OfferPath(reader.point(last)?),
            None => RequestArrival::Direct,
        };
        let reply_path = reader.optional_path()?;
        Ok(Self { issuer: issuer.clone(), request, arrival, reply_path, nonce: reader.optional()? })
    }
}
