//! One payment, from asking for its invoice to its preimage.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::constants::ChainHash;

use super::draft::Choices;
use super::payer::Payer;
use super::received::Refused;
use super::schedule::Schedule;
use super::secret::{Seal, Token};
use super::state::{Kind, Reader, Writer, invalid};
use super::via::{Destination, Incoming, OffersMessage, Outgoing, PathId, PaymentId, Via};
use super::view::{End, Quote, Receipt, State};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, Value};
use crate::invoice::{Arrival, Invoice, PayableInvoice, RefundContext, SentTo};
use crate::invoice_error::InvoiceError;
use crate::invoice_request::{InvoiceRequest, Refund};
use crate::offer::{Offer, UsableOffer};
use crate::payer_proof::Preimage;
use crate::signed::Unverified;
use crate::tlv::TlvStream;
use crate::units::{Msat, UnixTime};

/// How often a payment asks anew because a quote expired before it was paid, or was above the limit.
const MAX_GENERATIONS: u8 = 16;

/// What a payment is for.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    Offer(Box<AskedOffer>),
    Refund(Box<Refund>),
}

#[derive(Clone, Debug)]
pub(super) struct AskedOffer {
    pub(super) offer: Offer,
    pub(super) chain: ChainHash,
    pub(super) choices: Choices,
}

/// What a payment must not exceed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) max: Msat,
    pub(super) estimate: Option<Msat>,
    pub(super) deadline: UnixTime,
    pub(super) ask_again: bool,
}

/// Where a payment stands.
#[derive(Clone, Debug)]
enum Phase {
    Asking,
    Quoted(Box<Invoice>),
    Paying(Box<Invoice>),
    Paid(Box<Invoice>, Preimage),
    Ended(End),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this, [save](Payment::to_bytes) the payment if it is kept, and [poll](Payment::poll) again.
    Send(Box<Outgoing>),
    /// Nothing before this time, unless a message arrives.
    WaitUntil(UnixTime),
    /// Nothing at all: it is the caller's turn. See [`Payment::state`].
    Nothing,
}

/// What an answer led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// There is an invoice that may be paid: see [`Payment::state`].
    Quoted,
    /// The answer was refused, for this reason, and another invoice is asked for: [poll](Payment::poll).
    AskingAgain(Option<Error>),
    /// The payment came to an end without being made: see [`Payment::state`].
    Ended,
}

/// One payment for an offer, or of a refund: asks for an invoice until it has one, checks it, sees to it that it is
/// paid at most once, and ends by its deadline.
///
/// It does nothing by itself: [`poll`](Self::poll) says what to do now, messages go in through
/// [`receive_invoice`](Self::receive_invoice) and [`receive_error`](Self::receive_error), and
/// [`state`](Self::state) shows where things stand:
///
/// ```text
/// asking ──▶ quoted ──▶ paying ──▶ paid
///   ▲          │  ▲        │
///   └─expired──┘  └─failed─┘          ended: from asking and quoted
/// ```
///
/// Every step is safe to repeat. After a crash, [load](Payer::load) what was [saved](Self::to_bytes) last: what was
/// being paid is still being paid, and the node says whether it was.
#[derive(Clone, Debug)]
#[must_use]
pub struct Payment {
    payer: Payer,
    id: PaymentId,
    asked: Asked,
    bounds: Bounds,
    schedule: Schedule,
    generation: u8,
    phase: Phase,
}

impl Payment {
    pub(super) fn new(payer: Payer, id: PaymentId, asked: Asked, bounds: Bounds, schedule: Schedule) -> Self {
        Self { payer, id, asked, bounds, schedule, generation: 0, phase: Phase::Asking }
    }

    /// Which payment this is: what [`Payer::payment_of`] finds in the path id of an answer.
    pub fn id(&self) -> PaymentId {
        self.id
    }

    /// The most that will be paid.
    pub fn max_amount(&self) -> Msat {
        self.bounds.max
    }

    /// After this nothing is begun any more. A payment that is being made then is not affected.
    pub fn deadline(&self) -> UnixTime {
        self.bounds.deadline
    }

    /// The refund to publish, if this is one.
    pub fn refund(&self) -> Option<&Refund> {
        match &self.asked {
            Asked::Offer(_) => None,
            Asked::Refund(refund) => Some(refund),
        }
    }

    /// Where things stand.
    pub fn state(&self) -> State<'_> {
        match &self.phase {
            Phase::Asking => State::Asking { attempts: self.schedule.attempts() },
            Phase::Quoted(invoice) => State::Quoted(Quote::new(invoice, self.bounds.estimate)),
            Phase::Paying(invoice) => State::Paying(PayableInvoice::again(invoice)),
            Phase::Paid(invoice, preimage) => State::Paid(Receipt::new(&self.payer, invoice, *preimage)),
            Phase::Ended(end) => State::Ended(end),
        }
    }

    /// What to do now. Never blocks, and may be called at any time; time that runs backwards only delays.
    ///
    /// # Errors
    ///
    /// What [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) refuses. What began without an
    /// error goes on without one.
    pub fn poll(&mut self, now: UnixTime) -> Result<Action, Error> {
        let expired = match &self.phase {
            Phase::Asking => false,
            Phase::Quoted(invoice) => now > invoice.expires_at(),
            Phase::Paying(_) | Phase::Paid(..) | Phase::Ended(_) => return Ok(Action::Nothing),
        };
        if now > self.bounds.deadline {
            self.phase = Phase::Ended(End::Deadline);
            return Ok(Action::Nothing);
        }
        if expired {
            // EXC-7: a quote that has gone stale is renewed.
            self.ask_anew(now, End::QuoteExpired);
        }
        if !matches!(self.phase, Phase::Asking) {
            return Ok(Action::Nothing);
        }
        let deadline = UnixTime(self.bounds.deadline.0.saturating_add(1));
        let Asked::Offer(asked) = &self.asked else { return Ok(Action::WaitUntil(deadline)) };
        // An offer may expire while an answer is on its way.
        if asked.offer.check_expiry(now).is_err() {
            return Ok(Action::WaitUntil(deadline));
        }
        let ways = asked.ways();
        match self.schedule.next(ways, now) {
            Some(way) => {
                let position = u8::try_from(way).unwrap_or(u8::MAX);
                self.send(position).map(|outgoing| Action::Send(Box::new(outgoing)))
            }
            None => Ok(Action::WaitUntil(self.schedule.next_at().min(deadline))),
        }
    }

    /// The transport says that what was sent with this reply path cannot get there: the next way is tried at once
    /// (EXC-5).
    pub fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        let Asked::Offer(asked) = &self.asked else { return };
        let token = self.payer.reply(reply_path_id);
        if let Some(token) = token.filter(|token| token.id == self.id && token.generation == self.generation) {
            self.schedule.unreachable(token.position.into(), asked.ways(), now);
        }
    }

    /// An invoice arrived. Only one that came over the reply path of a request of this payment, or over a path of
    /// this refund, answers it (IVR-13); it is checked in full, and nothing changes unless it is right (EXC-4).
    ///
    /// # Errors
    ///
    /// A refusal, after which everything is as before. `WrongArrival` and `Differs` for what answers something else,
    /// `AlreadyAnswered` for what comes late or twice, and what [`Invoice::check`] refuses.
    pub fn receive_invoice(&mut self, incoming: Incoming, now: UnixTime) -> Result<Progress, Box<Refused>> {
        let Incoming { bytes, via, reply_path } = incoming;
        let token = self.token(via, Rule::Ivr13).map_err(Refused::silent)?;
        // EXC-1: a MAC is cheaper than a signature.
        let tlvs = TlvStream::read(bytes).map_err(Refused::silent)?;
        self.check_own(&tlvs, token).map_err(Refused::silent)?;
        let checked = Unverified::<Invoice>::of(tlvs, self.payer.known()).and_then(Unverified::verify);
        let checked = checked.and_then(|invoice| self.check(&invoice, token, now).map(|()| invoice));
        match checked {
            Ok(invoice) => {
                self.phase = Phase::Quoted(Box::new(invoice));
                Ok(Progress::Quoted)
            }
            // EXC-7
            Err(error) if matches!(error.kind(), ErrorKind::AmountTooHigh { .. }) => {
                if self.bounds.ask_again {
                    self.bounds.ask_again = false;
                    self.ask_anew(now, End::TooExpensive);
                } else {
                    self.phase = Phase::Ended(End::TooExpensive);
                }
                Ok(self.progress(Some(error)))
            }
            Err(error) => Err(Refused::about_invoice(error, reply_path)),
        }
    }

    /// An invoice error arrived. It ends the payment if it came over the reply path of a request of this payment
    /// (EXC-6), unless it suggests an amount within the limit and asking again is allowed (ERR-2).
    ///
    /// # Errors
    ///
    /// A refusal, after which everything is as before.
    pub fn receive_error(&mut self, incoming: Incoming, now: UnixTime) -> Result<Progress, Box<Refused>> {
        self.token(incoming.via, Rule::Exc6).map_err(Refused::silent)?;
        let told = InvoiceError::try_from(incoming.bytes).map_err(Refused::silent)?;
        if matches!(self.asked, Asked::Refund(_)) {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Exc6)));
        }
        match self.asking_for_suggested(&told, now) {
            Some(again) => *self = again,
            None => self.phase = Phase::Ended(End::Refused(told)),
        }
        Ok(self.progress(None))
    }

    /// Begins to pay what was quoted. [Save](Self::to_bytes) the payment now, and only then pay
    /// ([`State::Paying`]): after a crash the saved state says that the money may be on its way.
    ///
    /// # Errors
    ///
    /// `NotNow` without a quote, `Expired` for a quote that went stale (IVR-4): [poll](Self::poll) asks for another.
    pub fn begin(&mut self, now: UnixTime) -> Result<(), Error> {
        let Phase::Quoted(invoice) = &self.phase else { return Err(not_now()) };
        let at = invoice.expires_at().min(self.bounds.deadline);
        if now > at {
            return Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::Expired { at }, Rule::Ivr4));
        }
        self.phase = Phase::Paying(invoice.clone());
        Ok(())
    }

    /// The payment was made. Saying it twice does no harm.
    ///
    /// # Errors
    ///
    /// `NotNow` unless it was begun, `WrongPreimage`.
    pub fn paid(&mut self, preimage: Preimage) -> Result<(), Error> {
        let (Phase::Paying(invoice) | Phase::Paid(invoice, _)) = &self.phase else { return Err(not_now()) };
        if preimage.payment_hash() != invoice.payment_hash() {
            return Err(Error::of(Field::PROOF_PREIMAGE, ErrorKind::WrongPreimage, Rule::Exc4));
        }
        self.phase = Phase::Paid(invoice.clone(), preimage);
        Ok(())
    }

    /// The payment failed for good: the node says that nothing is on its way any more. The quote stands as long as
    /// it has not expired, and can be [begun](Self::begin) again.
    ///
    /// # Errors
    ///
    /// `NotNow` unless it was begun.
    pub fn failed(&mut self) -> Result<(), Error> {
        let Phase::Paying(invoice) = &self.phase else { return Err(not_now()) };
        self.phase = Phase::Quoted(invoice.clone());
        Ok(())
    }

    /// Whoever owns the money does not want to pay: ends the payment. Of a refund only the quote is dropped, for
    /// example because somebody else claimed it; others can still claim it.
    ///
    /// # Errors
    ///
    /// `NotNow` if the payment was begun.
    pub fn decline(&mut self) -> Result<(), Error> {
        self.phase = match (&self.phase, &self.asked) {
            (Phase::Quoted(_), Asked::Refund(_)) => Phase::Asking,
            (Phase::Asking | Phase::Quoted(_) | Phase::Ended(_), _) => Phase::Ended(End::Declined),
            (Phase::Paying(_) | Phase::Paid(..), _) => return Err(not_now()),
        };
        Ok(())
    }

    /// The state as bytes, which [`Payer::load`] reads. They hold no secret, but they say who paid whom for what.
    ///
    /// Save after every step that changed something, and before anything is acted upon: before sending, so that
    /// answers find the payment; before paying, so that it is not made twice.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new(Kind::Payment);
        out.array(self.id.0);
        match &self.asked {
            Asked::Offer(asked) => {
                out.flag(true);
                out.bytes(asked.offer.as_bytes());
                out.array(asked.chain.to_bytes());
                asked.choices.write(&mut out);
            }
            Asked::Refund(refund) => {
                out.flag(false);
                out.bytes(refund.as_bytes());
            }
        }
        out.number(self.bounds.max.0);
        out.optional_number(self.bounds.estimate.map(|estimate| estimate.0));
        out.number(self.bounds.deadline.0);
        out.flag(self.bounds.ask_again);
        self.schedule.write(&mut out);
        out.array([self.generation]);
        let (phase, invoice) = match &self.phase {
            Phase::Asking => (0, None),
            Phase::Quoted(invoice) => (1, Some(invoice)),
            Phase::Paying(invoice) => (2, Some(invoice)),
            Phase::Paid(invoice, _) => (3, Some(invoice)),
            Phase::Ended(_) => (4, None),
        };
        out.array([phase]);
        if let Some(invoice) = invoice {
            out.bytes(invoice.as_bytes());
        }
        match &self.phase {
            Phase::Paid(_, preimage) => out.array(preimage.0),
            Phase::Ended(end) => end.write(&mut out),
            _ => {}
        }
        out.finish(self.payer.states())
    }

    pub(super) fn read(reader: &mut Reader<'_>, payer: &Payer) -> Result<Self, Error> {
        let known = payer.known();
        let id = PaymentId(reader.array()?);
        let asked = if reader.flag()? {
            let offer = Offer::read(reader.bytes()?.to_vec(), known)?;
            let chain = ChainHash::from(reader.array()?);
            Asked::Offer(Box::new(AskedOffer { offer, chain, choices: Choices::read(reader)? }))
        } else {
            Asked::Refund(Box::new(Refund::read(reader.bytes()?.to_vec(), known)?))
        };
        let bounds = Bounds {
            max: Msat(reader.number()?),
            estimate: reader.optional_number()?.map(Msat),
            deadline: UnixTime(reader.number()?),
            ask_again: reader.flag()?,
        };
        let schedule = Schedule::read(reader)?;
        let generation = reader.byte()?;
        let phase = reader.byte()?;
        let mut invoice = || Invoice::read(reader.bytes()?.to_vec(), known).map(Box::new);
        let phase = match phase {
            0 => Phase::Asking,
            1 => Phase::Quoted(invoice()?),
            2 => Phase::Paying(invoice()?),
            3 => Phase::Paid(invoice()?, Preimage(reader.array()?)),
            4 => Phase::Ended(End::read(reader)?),
            _ => return Err(invalid()),
        };
        Ok(Self { payer: payer.clone(), id, asked, bounds, schedule, generation, phase })
    }

    /// The request over one of the offer's paths. It is the same every time until it is asked anew, so that sending
    /// it twice is a repetition (EXC-5, RQR-5).
    pub(super) fn request(&self, position: u8) -> Result<InvoiceRequest, Error> {
        let Asked::Offer(asked) = &self.asked else { return Err(not_now()) };
        let nonce = self.payer.nonce(self.own_token(position));
        let keypair = self.payer.request_keypair(&nonce);
        let offer = UsableOffer::again(&asked.offer, asked.chain);
        let metadata = Seal { nonce, tag: [0; 16] }.to_bytes();
        let request = asked.choices.request(offer, keypair.public_key(), metadata)?;
        request.build_sealed(|records| self.payer.request_tag(&nonce, records))?.sign(&keypair)
    }

    fn send(&self, position: u8) -> Result<Outgoing, Error> {
        let Asked::Offer(asked) = &self.asked else { return Err(not_now()) };
        let request = self.request(position)?;
        Ok(Outgoing {
            message: OffersMessage::InvoiceRequest(request),
            destination: asked.destination(position)?,
            // MSG-2
            reply_path_id: Some(self.payer.reply_path_id(self.own_token(position))),
        })
    }

    fn own_token(&self, position: u8) -> Token {
        Token { id: self.id, generation: self.generation, position }
    }

    /// Which message of this payment an answer is for, if it came the right way and one is still waited for.
    fn token(&self, via: Via, rule: Rule) -> Result<Token, Error> {
        let token = match (&self.asked, &via) {
            (Asked::Offer(_), Via::Path(path_id)) => self.payer.reply(path_id),
            (Asked::Refund(_), Via::Path(path_id)) => self.payer.refund_path(path_id),
            _ => None,
        };
        let token = token.filter(|token| token.id == self.id).ok_or(Error::new(ErrorKind::WrongArrival, rule))?;
        if token.generation == self.generation && matches!(self.phase, Phase::Asking) {
            Ok(token)
        } else {
            Err(Error::new(ErrorKind::AlreadyAnswered, Rule::Exc4))
        }
    }

    /// IVR-8, by the MAC in the metadata: whoever does not have the payer's secret cannot change what it covers.
    fn check_own(&self, tlvs: &TlvStream, token: Token) -> Result<(), Error> {
        let nonce = match &self.asked {
            Asked::Offer(_) => self.payer.nonce(token),
            Asked::Refund(_) => self.payer.nonce(Token { position: 0, ..token }),
        };
        match self.payer.seal(tlvs) {
            Some(seal) if seal.nonce == nonce => Ok(()),
            _ => Err(Error::of(Field::INVREQ_METADATA, ErrorKind::Differs, Rule::Ivr8)),
        }
    }

    /// Everything that an invoice has to obey beside having come the right way and repeating its request.
    fn check(&self, invoice: &Invoice, token: Token, now: UnixTime) -> Result<(), Error> {
        match &self.asked {
            Asked::Offer(asked) => {
                let sent_to = asked.sent_to(token.position)?;
                invoice.check_answer(sent_to, now, &[asked.chain], self.bounds.max).map(drop)
            }
            Asked::Refund(refund) => {
                let (arrival, chains) = (Arrival::OwnPath, &[refund.chain()]);
                invoice.check_refund(&RefundContext { refund, arrival, now, chains, payee: None }).map(drop)
            }
        }
    }

    /// Asks for another invoice, with other requests; those before are no longer answered.
    fn ask_anew(&mut self, now: UnixTime, end: End) {
        let is_refund = matches!(self.asked, Asked::Refund(_));
        self.phase = match self.generation.checked_add(1) {
            // A refund is published once, and stands until its deadline.
            _ if is_refund => Phase::Asking,
            Some(next) if next < MAX_GENERATIONS => {
                self.generation = next;
                self.schedule.restart(now);
                Phase::Asking
            }
            _ => Phase::Ended(end),
        };
    }

    /// ERR-2: the payment as it goes on with the amount that an error suggests, if it may ask again, and if that
    /// amount is more than it asked for, within the limit, and not below the price.
    fn asking_for_suggested(&self, told: &InvoiceError, now: UnixTime) -> Option<Self> {
        let amount = suggested_amount(told).filter(|amount| self.bounds.ask_again && *amount <= self.bounds.max)?;
        let mut again = self.clone();
        let Asked::Offer(asked) = &mut again.asked else { return None };
        if asked.choices.amount.is_some_and(|asked| asked >= amount) {
            return None;
        }
        asked.choices.amount = Some(amount);
        again.bounds.ask_again = false;
        again.ask_anew(now, End::Refused(told.clone()));
        // What cannot be asked for ends the payment now, and not at the next poll.
        again.request(0).is_ok().then_some(again)
    }

    fn progress(&self, error: Option<Error>) -> Progress {
        match &self.phase {
            Phase::Ended(_) => Progress::Ended,
            _ => Progress::AskingAgain(error),
        }
    }
}

impl AskedOffer {
    /// The paths of the offer (OFR-11). More than a path id can count are not needed.
    fn paths(&self) -> impl Iterator<Item = BlindedPath<'_>> {
        self.offer.paths().into_iter().flat_map(|paths| paths.iter()).take(u8::MAX.into())
    }

    /// How many ways there are to the issuer.
    fn ways(&self) -> u32 {
        u32::try_from(self.paths().count()).unwrap_or(u32::MAX).max(1)
    }

    /// OFR-11
    fn destination(&self, position: u8) -> Result<Destination, Error> {
        match (self.paths().nth(position.into()), self.offer.issuer_id()) {
            (Some(path), _) => Ok(Destination::Path(path.into_owned())),
            (None, Some(issuer_id)) => Ok(Destination::Node(issuer_id)),
            (None, None) => Err(Error::missing(Field::OFFER_ISSUER_ID, Rule::Ofr7)),
        }
    }

    fn sent_to(&self, position: u8) -> Result<SentTo, Error> {
        match self.destination(position)? {
            Destination::Path(path) => Ok(SentTo::Path(path.last_blinded_node_id())),
            Destination::Node(_) => Ok(SentTo::IssuerId),
        }
    }
}

/// ERR-2: the amount that an error suggests to request.
fn suggested_amount(told: &InvoiceError) -> Option<Msat> {
    let value = told.suggested_value().filter(|_| told.erroneous_field() == Some(Field::INVREQ_AMOUNT));
    value.and_then(|value| Msat::decode(value).ok())
}

fn not_now() -> Error {
    Error::new(ErrorKind::NotNow, Rule::Exc4)
}
