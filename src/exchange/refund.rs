//! Refunds and withdrawals: a payment that the payer publishes, and whoever is to be paid claims.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use super::asked::{Asked, AskedRefund};
use super::expected::ExpectedPayment;
use super::issuer::Issuer;
use super::payer::Payer;
use super::payment::{Action, Bounds, Payment};
use super::received::{Refused, check_expiry};
use super::schedule::{Retry, Schedule};
use super::secret::{Seal, Token};
use super::state::{Kind, Reader, Writer, invalid};
use super::via::{Destination, Incoming, OffersMessage, Outgoing, PathId, PaymentId, Via};
use super::view::End;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::BlindedPath;
use crate::invoice::{DEFAULT_RELATIVE_EXPIRY, Invoice, InvoiceBuilder};
use crate::invoice_error::InvoiceError;
use crate::invoice_request::{AcceptedRequest, Refund, RefundBuilder, RequestFields};
use crate::signed::Unsigned;
use crate::units::{Msat, UnixTime};

/// A refund in the making: what has to be known before its paths and fields are.
///
/// ```
/// # use bolt12::{BlindedPath, Error, Msat, UnixTime};
/// use bolt12::exchange::{PathId, Payer};
///
/// # fn publish(make_path: impl Fn(PathId) -> BlindedPath<'static>) -> Result<(), Error> {
/// let payer = Payer::new([0x42; 32]); // a secret of your own
/// let new = payer.new_refund([7; 32]); // fresh randomness
/// let path = make_path(new.path_id(0)); // a blinded path to your node that holds this path id
/// let refund = new.builder("a cup that broke", Msat(5_000_000)).add_path(path);
/// let payment = new.publish(refund, UnixTime(1_800_000_000))?;
/// println!("{}", payment.refund().unwrap()); // lnr1…
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NewRefund {
    payer: Payer,
    id: PaymentId,
}

impl NewRefund {
    pub(super) fn new(payer: Payer, id: PaymentId) -> Self {
        Self { payer, id }
    }

    /// The path id of the refund's path at this position, counted from 0.
    pub fn path_id(&self, position: u8) -> PathId {
        self.payer.refund_path_id(Token { id: self.id, generation: 0, position })
    }

    /// A builder with a key for this refund alone.
    pub fn builder(&self, description: &str, amount: Msat) -> RefundBuilder {
        let nonce = self.payer.refund_nonce(self.id);
        RefundBuilder::new(description, amount, self.payer.request_keypair(&nonce).public_key(), nonce)
    }

    /// Finishes the refund, whose metadata authenticate all other fields, and waits for a claim until it expires.
    ///
    /// # Errors
    ///
    /// `Missing` without a path: the refund's key is no node's, so nothing else leads here (RQR-12). `Expired`, and
    /// what [`RefundBuilder::build`] refuses.
    pub fn publish(self, refund: RefundBuilder, now: UnixTime) -> Result<Payment, Error> {
        let nonce = self.payer.refund_nonce(self.id);
        let metadata = Seal { nonce, tag: [0; 16] }.to_bytes();
        let payer_id = self.payer.request_keypair(&nonce).public_key();
        let refund = refund.knowing(self.payer.known());
        let refund = refund.build_sealed(payer_id, metadata, |records| self.payer.request_tag(&nonce, records))?;
        if refund.paths().is_none() {
            return Err(Error::missing(Field::INVREQ_PATHS, Rule::Rqr12));
        }
        refund.offer().check_expiry(now)?;
        let bounds = Bounds {
            max: refund.amount(),
            estimate: Some(refund.amount()),
            deadline: refund.offer().absolute_expiry().unwrap_or(UnixTime(u64::MAX)),
            ask_again: false,
        };
        let schedule = Schedule::new(Retry::default(), now);
        let asked = AskedRefund { refund, payee: None, declined: Vec::new() };
        Ok(Payment::new(self.payer, self.id, Asked::Refund(Box::new(asked)), bounds, schedule))
    }
}

impl Issuer {
    /// Begins to claim a refund: that it has not expired and is on one of our chains. The invoice is signed with a
    /// key for this refund alone.
    ///
    /// # Errors
    ///
    /// `Expired` (OFR-9), `UnsupportedChain` (RQR-13), `Zero` and `AmountTooHigh` (D3).
    pub fn claim(&self, refund: &Refund, now: UnixTime, chains: &[ChainHash]) -> Result<AcceptedRefund, Error> {
        let keypair = self.refund_keypair(refund.as_bytes());
        let node_id = refund.accept(now, chains, keypair.public_key())?.node_id();
        let relative_expiry = DEFAULT_RELATIVE_EXPIRY;
        Ok(AcceptedRefund { issuer: self.clone(), refund: refund.clone(), node_id, created_at: now, relative_expiry })
    }

    /// Which claim an error belongs to. Costs a MAC.
    pub fn claim_of(&self, via: &Via) -> Option<PaymentId> {
        let Via::Path(path_id) = via else { return None };
        Token::read(self.claims(), path_id).map(|token| token.id)
    }

    /// Loads what [`Claim::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// As for [`Payer::load`](super::Payer::load).
    pub fn load_claim(&self, bytes: &[u8]) -> Result<Claim, Error> {
        Reader::load(bytes, Kind::Claim, self.states(), |reader| Claim::read(reader, self))
    }
}

/// A refund that will be claimed with an invoice.
#[derive(Clone, Debug)]
pub struct AcceptedRefund {
    issuer: Issuer,
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

    /// The key that will sign the invoice: tell it to whoever pays, in another way, so that nobody else is paid.
    pub fn node_id(&self) -> PublicKey {
        self.node_id
    }

    /// How long the invoice can be paid, in whole seconds; two hours if not set.
    #[must_use]
    pub fn relative_expiry(mut self, expiry: Duration) -> Self {
        self.relative_expiry = expiry;
        self
    }

    /// A payment hash and a path id for the invoice: see
    /// [`Accepted::expected_payment`](super::Accepted::expected_payment).
    pub fn expected_payment(&self) -> ExpectedPayment {
        let request = self.refund.as_bytes();
        self.issuer.payment_for(request, self.refund.amount(), self.created_at, self.relative_expiry)
    }

    /// Begins the invoice. It needs at least one [path](InvoiceBuilder::add_path).
    pub fn invoice(&self, payment_hash: sha256::Hash) -> InvoiceBuilder<'_> {
        let request = AcceptedRequest::new(&self.refund, self.refund.amount(), self.node_id);
        InvoiceBuilder::new(request, self.created_at, payment_hash).relative_expiry(self.relative_expiry)
    }

    /// Signs the invoice, and begins to send it until it is paid, or the deadline, its expiry or the refund's has
    /// passed.
    ///
    /// # Errors
    ///
    /// `WrongKey` for an invoice of another refund, `TimeMismatch` for another [expiry](Self::relative_expiry),
    /// `TooLong` (D7).
    pub fn sign(&self, invoice: Unsigned<Invoice>, deadline: UnixTime, retry: Retry) -> Result<Claim, Error> {
        let invoice = invoice.sign(&self.issuer.refund_keypair(self.refund.as_bytes()))?;
        invoice.check_repeats(&self.refund)?;
        check_expiry(&invoice, self.created_at.saturating_add(self.relative_expiry))?;
        let expiry = self.refund.offer().absolute_expiry().unwrap_or(deadline);
        let deadline = deadline.min(expiry).min(invoice.expires_at());
        let schedule = Schedule::new(retry, self.created_at);
        Ok(Claim { issuer: self.issuer.clone(), invoice, deadline, schedule, phase: ClaimState::Sending })
    }
}

/// Where a claim stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimState {
    /// The invoice is sent again and again.
    Sending,
    /// It was paid.
    Paid,
    /// It was not.
    Ended(End),
}

/// An invoice for a refund on its way to whoever pays it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Claim {
    issuer: Issuer,
    invoice: Invoice,
    deadline: UnixTime,
    schedule: Schedule,
    phase: ClaimState,
}

impl Claim {
    /// Which claim this is: what [`Issuer::claim_of`] finds in the path id of an error.
    pub fn id(&self) -> PaymentId {
        PaymentId(self.issuer.claims().short(&[b"id", self.invoice.as_bytes()]))
    }

    /// The invoice.
    pub fn invoice(&self) -> &Invoice {
        &self.invoice
    }

    /// Where things stand.
    pub fn state(&self) -> &ClaimState {
        &self.phase
    }

    /// What to do now: send the invoice over the refund's paths in order, or to its payer (RQR-12), again and again.
    pub fn poll(&mut self, now: UnixTime) -> Result<Action, Error> {
        if self.phase != ClaimState::Sending {
            return Ok(Action::Nothing);
        }
        if now > self.deadline {
            self.phase = ClaimState::Ended(End::Deadline);
            return Ok(Action::Nothing);
        }
        match self.schedule.next(self.ways(), |_| true, now) {
            Some(way) => {
                let position = u8::try_from(way).unwrap_or(u8::MAX);
                Ok(Action::Send(Box::new(Outgoing {
                    message: OffersMessage::Invoice(self.invoice.clone()),
                    destination: match self.paths().nth(position.into()) {
                        Some(path) => Destination::Path(path.into_owned()),
                        None => Destination::Node(self.invoice.payer_id()),
                    },
                    // MSG-4: it is worth knowing why an invoice is not paid.
                    reply_path_id: Some(self.token(position).path_id(self.issuer.claims())),
                })))
            }
            None => {
                let deadline = UnixTime(self.deadline.0.saturating_add(1));
                Ok(Action::WaitUntil(self.schedule.next_at().min(deadline)))
            }
        }
    }

    /// The transport says that what was sent with this reply path cannot get there: the next way is tried at once.
    pub fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        let token = Token::read(self.issuer.claims(), reply_path_id);
        if let Some(token) = token.filter(|token| token.id == self.id()) {
            let ways = self.ways();
            self.schedule.unreachable(token.position.into(), ways, |_| true, now);
        }
    }

    /// An invoice error arrived. It ends the claim if it came over the reply path of its invoice (EXC-6).
    ///
    /// # Errors
    ///
    /// A refusal, after which everything is as before.
    pub fn receive_error(&mut self, incoming: Incoming) -> Result<(), Box<Refused>> {
        let refused = |kind, rule| Err(Refused::silent(Error::new(kind, rule)));
        if self.issuer.claim_of(&incoming.via) != Some(self.id()) {
            return refused(ErrorKind::WrongArrival, Rule::Exc6);
        }
        if self.phase != ClaimState::Sending {
            return Err(Refused::late());
        }
        let told = InvoiceError::try_from(incoming.bytes).map_err(Refused::silent)?;
        self.phase = ClaimState::Ended(End::refused(told));
        Ok(())
    }

    /// The node says that the invoice was paid.
    pub fn paid(&mut self) {
        self.phase = ClaimState::Paid;
    }

    /// The state as bytes, which [`Issuer::load_claim`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new(Kind::Claim);
        out.bytes(self.invoice.as_bytes());
        out.number(self.deadline.0);
        self.schedule.write(&mut out);
        match &self.phase {
            ClaimState::Sending => out.array([0]),
            ClaimState::Paid => out.array([1]),
            ClaimState::Ended(end) => {
                out.array([2]);
                end.write(&mut out);
            }
        }
        out.finish(self.issuer.states())
    }

    fn read(reader: &mut Reader<'_>, issuer: &Issuer) -> Result<Self, Error> {
        let invoice = Invoice::read(reader.bytes()?.to_vec(), issuer.known())?;
        let deadline = UnixTime(reader.number()?);
        let schedule = Schedule::read(reader)?;
        let phase = match reader.byte()? {
            0 => ClaimState::Sending,
            1 => ClaimState::Paid,
            2 => ClaimState::Ended(End::read(reader)?),
            _ => return Err(invalid()),
        };
        Ok(Self { issuer: issuer.clone(), invoice, deadline, schedule, phase })
    }

    fn token(&self, position: u8) -> Token {
        Token { id: self.id(), generation: 0, position }
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
