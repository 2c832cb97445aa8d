//! The claim of a refund.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, MessageKind, Rule};
use crate::exchange::action::{Action, Step};
use crate::exchange::end::EndReason;
use crate::exchange::ids::{ClaimId, PathId};
use crate::exchange::message::{
    Destination, IncomingMessage, MessageArrival, OffersMessage, OffersMessageKind, OutgoingMessage,
};
use crate::exchange::payee::accepted::check_expiry;
use crate::exchange::payee::expected::ExpectedPayment;
use crate::exchange::payee::keys::Payee;
use crate::exchange::payee::sale::Sale;
use crate::exchange::refused::Refused;
use crate::exchange::saved::{Kind, Reader, Writer, invalid};
use crate::exchange::schedule::{Retry, Schedule, is_open};
use crate::exchange::secret::Token;
use crate::field::BlindedPath;
use crate::invoice::{DEFAULT_RELATIVE_EXPIRY, Invoice, InvoiceBuilder};
use crate::invoice_error::InvoiceError;
use crate::invoice_request::{AcceptedRequest, Refund, RequestFields};
use crate::signed::Unsigned;
use crate::units::UnixTime;

impl Payee {
    /// Prepares the claim of a refund that has not expired and is on one of our chains. The invoice is signed with a
    /// key for this refund alone.
    ///
    /// # Errors
    ///
    /// `Expired` (OFR-9), `UnsupportedChain` (RQR-13), `Zero` and `AmountTooHigh` (D3).
    pub fn claim(&self, refund: &Refund, now: UnixTime, chains: &[ChainHash]) -> Result<AcceptedRefund, Error> {
        let keypair = self.refund_keypair(refund.as_bytes());
        self.claim_as(keypair.public_key(), refund, now, chains)
    }

    /// The same with an invoice that is signed elsewhere, with this key. Build the [invoice](AcceptedRefund::invoice),
    /// which is then [`Unsigned`]: show it to the signer, [complete](Unsigned::complete) it, and
    /// [begin](AcceptedRefund::begin) to send it. After a restart the same refund, time and key give the same again.
    ///
    /// # Errors
    ///
    /// As for [`claim`](Self::claim).
    pub fn claim_as(
        &self,
        node_id: PublicKey,
        refund: &Refund,
        now: UnixTime,
        chains: &[ChainHash],
    ) -> Result<AcceptedRefund, Error> {
        let node_id = refund.accept(now, chains, node_id)?.node_id();
        let relative_expiry = DEFAULT_RELATIVE_EXPIRY;
        Ok(AcceptedRefund { issuer: self.clone(), refund: refund.clone(), node_id, created_at: now, relative_expiry })
    }

    /// The claim that an error belongs to. Costs a MAC.
    pub fn claim_of(&self, arrival: &MessageArrival) -> Option<ClaimId> {
        let MessageArrival::Path(path_id) = arrival else { return None };
        Token::read(self.claims(), path_id).map(|token| ClaimId(token.id))
    }

    /// Loads what [`Claim::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// As for [`Payer::load`](crate::exchange::Payer::load).
    pub fn load_claim(&self, bytes: &[u8]) -> Result<Claim, Error> {
        Reader::load(bytes, Kind::Claim, self.states(), |reader| Claim::read(reader, self))
    }

    /// Loads a state that was kept in memory.
    pub(crate) fn reload_claim(&self, fields: &[u8]) -> Result<Claim, Error> {
        Reader::reload(fields, Kind::Claim, |reader| Claim::read(reader, self))
    }
}

/// A refund that is going to be claimed with an invoice.
#[derive(Clone, Debug)]
#[must_use]
pub struct AcceptedRefund {
    issuer: Payee,
    refund: Refund,
    node_id: PublicKey,
    created_at: UnixTime,
    relative_expiry: Duration,
}

impl AcceptedRefund {
    /// The refund.
    pub fn refund(&self) -> &Refund {
        &self.refund
    }

    /// The key that will sign the invoice. Tell the payer out of band, so that nobody else is paid.
    pub fn node_id(&self) -> PublicKey {
        self.node_id
    }

    /// The lifetime of the invoice, in whole seconds. The default is two hours.
    pub fn relative_expiry(mut self, expiry: Duration) -> Self {
        self.relative_expiry = expiry;
        self
    }

    /// A payment hash and a path id for the invoice: see
    /// [`Accepted::expected_payment`](crate::exchange::Accepted::expected_payment).
    pub fn expected_payment(&self) -> ExpectedPayment {
        let sale = Sale::of(&self.issuer, &self.refund, self.refund.payer_id(), self.created_at);
        let expires_at = self.created_at.saturating_add(self.relative_expiry);
        ExpectedPayment::new(&self.issuer, sale, self.refund.amount(), expires_at)
    }

    /// A builder for the invoice. It needs at least one [path](InvoiceBuilder::add_path).
    pub fn invoice(&self, payment_hash: sha256::Hash) -> InvoiceBuilder<'_> {
        let request = AcceptedRequest::new(&self.refund, self.refund.amount(), self.node_id);
        InvoiceBuilder::new(request, self.created_at, payment_hash).relative_expiry(self.relative_expiry)
    }

    /// Signs the invoice, and starts the claim. It sends the invoice until it is paid, or until the deadline, the
    /// invoice or the refund has expired.
    ///
    /// # Errors
    ///
    /// `WrongKey` for an invoice of another refund, `TimeMismatch` for another [expiry](Self::relative_expiry),
    /// `TooLong` (D7).
    pub fn sign(&self, invoice: Unsigned<Invoice>, deadline: UnixTime, retry: Retry) -> Result<Claim, Error> {
        self.begin(invoice.sign(&self.issuer.refund_keypair(self.refund.as_bytes()))?, deadline, retry)
    }

    /// Begins to send an invoice that was signed [elsewhere](Payee::claim_as), as [`sign`](Self::sign) does.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn begin(&self, invoice: Invoice, deadline: UnixTime, retry: Retry) -> Result<Claim, Error> {
        if invoice.node_id() != self.node_id {
            return Err(Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Ivw6));
        }
        invoice.check_repeats(&self.refund)?;
        check_expiry(&invoice, self.created_at.saturating_add(self.relative_expiry))?;
        let expiry = self.refund.offer().absolute_expiry().unwrap_or(deadline);
        let deadline = deadline.min(expiry).min(invoice.expires_at());
        let (issuer, closed, phase) = (self.issuer.clone(), Vec::new(), ClaimState::Sending);
        let schedule = Schedule::new(retry, self.created_at);
        let mut claim = Claim { issuer, invoice, deadline, schedule, closed, phase };
        let seed = claim.issuer.claims().short(&[b"delays", &claim.id().0]);
        claim.schedule = schedule.seeded(u64::from_be_bytes(seed));
        Ok(claim)
    }
}

/// The state of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimState {
    /// The invoice is being sent.
    Sending,
    /// It was paid.
    Paid,
    /// It was not paid.
    Ended(EndReason),
}

/// An invoice for a refund, on its way to the payer.
#[derive(Clone, Debug)]
#[must_use]
pub struct Claim {
    issuer: Payee,
    invoice: Invoice,
    deadline: UnixTime,
    schedule: Schedule,
    /// The ways over which an error came.
    closed: Vec<u8>,
    phase: ClaimState,
}

impl Claim {
    /// The id of this claim, which [`Payee::claim_of`] finds in the path id of an error.
    pub fn id(&self) -> ClaimId {
        ClaimId(self.issuer.claims().short(&[b"id", self.invoice.as_bytes()]))
    }

    /// The invoice.
    pub fn invoice(&self) -> &Invoice {
        &self.invoice
    }

    /// The current state.
    pub fn state(&self) -> &ClaimState {
        &self.phase
    }

    /// What to do now: send the invoice over the refund's paths in order, or to its payer (RQR-12), until the deadline.
    ///
    /// # Errors
    ///
    /// None at present.
    pub fn poll(&mut self, now: UnixTime) -> Result<Action, Error> {
        self.step(now).with(Ok)
    }

    pub(crate) fn step(&mut self, now: UnixTime) -> Step<OutgoingMessage> {
        if self.phase != ClaimState::Sending {
            return Step::Nothing;
        }
        if now > self.deadline {
            self.phase = ClaimState::Ended(EndReason::Deadline);
            return Step::Nothing;
        }
        let way = self.schedule.next(self.ways(), is_open(&self.closed), now);
        let wake = self.schedule.next_at().min(self.deadline.next_second());
        let Some(way) = way else { return Step::WaitUntil(wake) };
        let position = u8::try_from(way).unwrap_or(u8::MAX);
        let message = Box::new(OutgoingMessage {
            message: OffersMessage::Invoice(self.invoice.clone()),
            destination: match self.paths().nth(position.into()) {
                Some(path) => Destination::Path(path.into_owned()),
                None => Destination::Node(self.invoice.payer_id()),
            },
            // MSG-4: it is worth knowing why an invoice is not paid.
            reply_path_id: Some(self.token(position).path_id(self.issuer.claims())),
        });
        Step::Send { message, wake }
    }

    /// Reports that the message with this reply path could not be delivered: the next path is tried at once.
    pub fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        let token = Token::read(self.issuer.claims(), reply_path_id);
        if let Some(token) = token.filter(|token| token.id == self.id().0) {
            let ways = self.ways();
            self.schedule.unreachable(token.position.into(), ways, is_open(&self.closed), now);
        }
    }

    /// An invoice error arrived. If it arrived over the reply path of its invoice (EXC-6), nothing more is sent over
    /// that path, and if it was the last path, the claim ends (EXC-14).
    ///
    /// # Errors
    ///
    /// A refusal, which changes nothing. `WrongKind` for an invoice or a request.
    pub fn receive(&mut self, message: IncomingMessage, now: UnixTime) -> Result<(), Box<Refused>> {
        if message.kind != OffersMessageKind::InvoiceError {
            return Err(Refused::wrong_kind(MessageKind::InvoiceError, message.kind));
        }
        let token = match &message.arrival {
            MessageArrival::Path(path_id) => Token::read(self.issuer.claims(), path_id),
            _ => None,
        };
        let Some(token) = token.filter(|token| token.id == self.id().0) else {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Exc6)));
        };
        if self.phase != ClaimState::Sending || self.closed.contains(&token.position) {
            return Err(Refused::late());
        }
        let told = InvoiceError::try_from(message.bytes).map_err(Refused::silent)?;
        self.closed.push(token.position);
        if (0..self.ways()).any(is_open(&self.closed)) {
            self.schedule.hurry(now);
        } else {
            self.phase = ClaimState::Ended(EndReason::refused(told));
        }
        Ok(())
    }

    /// When it ends, unless it is paid before.
    pub fn deadline(&self) -> UnixTime {
        self.deadline
    }

    /// Reports that the invoice cannot be sent over any path (EXC-5): the claim ends, unless it was paid. Returns
    /// whether it has ended because of this.
    pub fn unsendable(&mut self) -> bool {
        let sends = self.phase == ClaimState::Sending;
        if sends {
            self.phase = ClaimState::Ended(EndReason::Unsendable);
        }
        sends
    }

    /// Reports that the invoice was paid.
    pub fn paid(&mut self) {
        self.phase = ClaimState::Paid;
    }

    /// The state as bytes, which [`Payee::load_claim`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.state_fields().finish(self.issuer.states())
    }

    pub(crate) fn state_fields(&self) -> Writer {
        let mut out = Writer::new(Kind::Claim);
        out.bytes(self.invoice.as_bytes());
        out.number(self.deadline.0);
        self.schedule.write(&mut out);
        out.bytes(&self.closed);
        match &self.phase {
            ClaimState::Sending => out.array([0]),
            ClaimState::Paid => out.array([1]),
            ClaimState::Ended(end) => {
                out.array([2]);
                end.write(&mut out);
            }
        }
        out
    }

    fn read(reader: &mut Reader<'_>, issuer: &Payee) -> Result<Self, Error> {
        let invoice = Invoice::read(reader.bytes()?.to_vec(), issuer.known())?;
        let deadline = UnixTime(reader.number()?);
        let schedule = Schedule::read(reader)?;
        let closed = reader.bytes()?.to_vec();
        let phase = match reader.byte()? {
            0 => ClaimState::Sending,
            1 => ClaimState::Paid,
            2 => ClaimState::Ended(EndReason::read(reader)?),
            _ => return Err(invalid()),
        };
        Ok(Self { issuer: issuer.clone(), invoice, deadline, schedule, closed, phase })
    }

    fn token(&self, position: u8) -> Token {
        Token { id: self.id().0, generation: 0, position }
    }

    fn request(&self) -> &RequestFields {
        self.invoice.request()
    }

    fn paths(&self) -> impl Iterator<Item = BlindedPath<'_>> {
        self.request().paths().into_iter().flat_map(|paths| paths.iter()).take(u8::MAX.into())
    }

    fn ways(&self) -> usize {
        self.paths().count().max(1)
    }
}
