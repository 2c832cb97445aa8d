//! One payment, from asking for its invoice to its preimage.

#[cfg(feature = "recurrence")]
mod recurring;
mod saved;

use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use super::asked::{Asked, AskedOffer};
use super::payer::Payer;
use super::received::Refused;
use super::schedule::Schedule;
use super::secret::Token;
use super::via::{Incoming, OffersMessage, Outgoing, PathId, PaymentId, Via};
use super::view::{End, Quote, Receipt, State};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::invoice::{Invoice, PayableInvoice};
use crate::invoice_error::InvoiceError;
use crate::invoice_request::Refund;
use crate::offer::Offer;
use crate::payer_proof::Preimage;
use crate::signed::Unverified;
use crate::tlv::TlvStream;
use crate::units::{Msat, UnixTime};

/// How often a payment asks for another invoice because one expired before it was paid, or was above the limit.
pub const MAX_RENEWALS: u8 = 15;

/// How many claims of a refund can be declined before it ends.
const MAX_DECLINED: usize = 100;

/// What a payment must not exceed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) max: Msat,
    pub(super) estimate: Option<Msat>,
    pub(super) deadline: UnixTime,
    pub(super) ask_again: bool,
}

/// Where a payment stands.
#[derive(Debug)]
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
    /// [Save](Payment::to_bytes) the payment if it is kept, send this, and [poll](Payment::poll) again.
    Send(Box<Outgoing>),
    /// Nothing before this time, unless a message arrives or whoever owns the money decides.
    WaitUntil(UnixTime),
    /// Nothing: it is paid, being paid, or over; or it is a refund without expiry, for which messages come or do not.
    /// See [`Payment::state`].
    Nothing,
}

/// What an answer led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// There is an invoice that may be paid: see [`Payment::state`].
    Quoted,
    /// The answer was refused, for this reason if it was an invoice, and another is asked for: [poll](Payment::poll).
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
/// being paid is still being paid, and the node says whether it was. A payment cannot be cloned, since two of them
/// would be made.
#[derive(Debug)]
#[must_use]
pub struct Payment {
    payer: Payer,
    id: PaymentId,
    asked: Asked,
    bounds: Bounds,
    schedule: Schedule,
    generation: u8,
    /// The ways over which an error came for the present generation.
    refused: Vec<u8>,
    /// What was said last over a way that is closed.
    told: Option<End>,
    /// Invoices that were begun to be paid, and failed. One may turn out to be paid after all.
    begun: Vec<Invoice>,
    phase: Phase,
}

impl Payment {
    pub(super) fn new(payer: Payer, id: PaymentId, asked: Asked, bounds: Bounds, schedule: Schedule) -> Self {
        let (refused, told, begun, phase) = (Vec::new(), None, Vec::new(), Phase::Asking);
        Self { payer, id, asked, bounds, schedule, generation: 0, refused, told, begun, phase }
    }

    /// Which payment this is: what [`Payer::payment_of`] finds in the path id of an answer.
    pub fn id(&self) -> PaymentId {
        self.id
    }

    /// The most that an invoice may ask for.
    pub fn max_amount(&self) -> Msat {
        self.bounds.max
    }

    /// After this nothing is begun any more. A payment that is being made then is not affected.
    pub fn deadline(&self) -> UnixTime {
        self.bounds.deadline
    }

    /// The chain to pay on.
    pub fn chain(&self) -> ChainHash {
        self.asked.chain()
    }

    /// The offer that is paid for, unless this is a refund.
    pub fn offer(&self) -> Option<&Offer> {
        match &self.asked {
            Asked::Offer(asked) => Some(&asked.offer),
            Asked::Refund(_) => None,
        }
    }

    /// The refund to publish, if this is one.
    pub fn refund(&self) -> Option<&Refund> {
        match &self.asked {
            Asked::Offer(_) => None,
            Asked::Refund(asked) => Some(&asked.refund),
        }
    }

    /// The amount that was chosen, or that the issuer suggested; nothing if it is left to the issuer.
    pub fn amount(&self) -> Option<Msat> {
        match &self.asked {
            Asked::Offer(asked) => asked.choices.amount,
            Asked::Refund(asked) => Some(asked.refund.amount()),
        }
    }

    /// How many items of an offer are asked for, if it sells several.
    pub fn quantity(&self) -> Option<u64> {
        match &self.asked {
            Asked::Offer(asked) => asked.choices.quantity(),
            Asked::Refund(_) => None,
        }
    }

    /// What is said to the issuer of an offer; empty if nothing is.
    pub fn payer_note(&self) -> &str {
        match &self.asked {
            Asked::Offer(asked) => asked.choices.payer_note(),
            Asked::Refund(_) => "",
        }
    }

    /// The payment hashes of invoices that were begun and said to have [failed](Self::failed), also after the payment
    /// has ended: if one of them turns out to be [paid](Self::paid), this is the payment it belongs to. Once one is
    /// paid, also the one that was being paid then.
    pub fn begun(&self) -> impl Iterator<Item = sha256::Hash> + '_ {
        self.begun.iter().map(|invoice| invoice.payment_hash())
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

    /// What to do now. Never blocks, and may be called at any time. A clock that was set back makes the next request
    /// go out at once; one that jumps ahead may end the payment.
    ///
    /// A quote that has gone stale is asked for again (EXC-7), at most [`MAX_RENEWALS`] times, unless paying it was
    /// begun before: then the payment ends.
    ///
    /// # Errors
    ///
    /// What [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) refuses. What began without an
    /// error goes on without one.
    pub fn poll(&mut self, now: UnixTime) -> Result<Action, Error> {
        let expires_at = match &self.phase {
            Phase::Asking => None,
            Phase::Quoted(invoice) => Some(self.quoted_until(invoice)),
            Phase::Paying(_) | Phase::Paid(..) | Phase::Ended(_) => return Ok(Action::Nothing),
        };
        if now > self.bounds.deadline {
            self.end_because(End::Deadline);
            return Ok(Action::Nothing);
        }
        match expires_at {
            Some(at) if now <= at => return Ok(Action::WaitUntil(after(at.min(self.bounds.deadline)))),
            // Another invoice has another payment hash: both could be paid.
            Some(_) if !self.begun.is_empty() => self.phase = Phase::Ended(End::QuoteExpired),
            Some(_) => {
                self.ask_anew(End::QuoteExpired);
                self.schedule.restart(0, now);
            }
            None => {}
        }
        if !matches!(self.phase, Phase::Asking) {
            return Ok(Action::Nothing);
        }
        let deadline = after(self.bounds.deadline);
        let Asked::Offer(asked) = &self.asked else {
            // A refund may stand for ever.
            let never = self.bounds.deadline == UnixTime(u64::MAX);
            return Ok(if never { Action::Nothing } else { Action::WaitUntil(deadline) });
        };
        if asked.has_expired(now) {
            // An answer to what was sent before may still come.
            if self.schedule.attempts() > 0 {
                return Ok(Action::WaitUntil(deadline));
            }
            self.end_because(End::OfferExpired);
            return Ok(Action::Nothing);
        }
        let way = self.schedule.next(asked.ways().into(), is_open(&self.refused), now);
        match way.and_then(|way| u8::try_from(way).ok()) {
            Some(position) => self.send(asked, position).map(|outgoing| Action::Send(Box::new(outgoing))),
            None => Ok(Action::WaitUntil(self.schedule.next_at().min(deadline))),
        }
    }

    /// The transport says that what was sent with this reply path cannot get there: the next way is tried at once
    /// (EXC-5).
    pub fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        let Asked::Offer(asked) = &self.asked else { return };
        let token = self.payer.reply(reply_path_id);
        if let Some(token) = token.filter(|token| token.id == self.id && token.generation == self.generation) {
            self.schedule.unreachable(token.position.into(), asked.ways().into(), is_open(&self.refused), now);
        }
    }

    /// The transport says that what is asked for cannot be sent at all, over any way (EXC-5): ends the payment, unless
    /// there is an invoice already. Returns whether it has ended because of this.
    pub fn unsendable(&mut self) -> bool {
        let asks = matches!((&self.phase, &self.asked), (Phase::Asking, Asked::Offer(_)));
        if asks {
            self.phase = Phase::Ended(End::Unsendable);
        }
        asks
    }

    /// An invoice arrived. Only one that came over the reply path of a request of this payment, or over a path of
    /// this refund, answers it (IVR-13); it is checked in full, and nothing changes unless it is right (EXC-4).
    ///
    /// An answer that is right but for having expired, or for being above the limit, makes the payment ask for
    /// another, or end.
    ///
    /// # Errors
    ///
    /// A refusal, after which everything is as before. `WrongArrival` and `Differs` for what answers something else,
    /// `AlreadyAnswered` for what comes late or twice, and what [`Invoice::check`] refuses.
    pub fn receive_invoice(&mut self, incoming: Incoming, now: UnixTime) -> Result<Progress, Box<Refused>> {
        let Incoming { bytes, via, reply_path } = incoming;
        let token = self.token(&via, Rule::Ivr13, now)?;
        // EXC-1: a MAC is cheaper than a signature.
        let tlvs = TlvStream::read(bytes).map_err(Refused::silent)?;
        self.asked.check_own(&self.payer, &tlvs, token).map_err(Refused::silent)?;
        let verified = Unverified::<Invoice>::of(tlvs, self.payer.known()).and_then(Unverified::verify);
        let invoice = match verified {
            Ok(invoice) => invoice,
            Err(error) => return Err(Refused::about_invoice(error, reply_path)),
        };
        match self.asked.check(&invoice, token, now, self.bounds.max) {
            Ok(()) => {
                self.phase = Phase::Quoted(Box::new(invoice));
                Ok(Progress::Quoted)
            }
            // EXC-7
            Err(error) if error.rule() == Rule::Ivr11 => {
                let end = End::TooExpensive { amount: invoice.amount() };
                if self.bounds.ask_again {
                    self.bounds.ask_again = false;
                    self.ask_anew(end);
                    self.schedule.restart(self.way_after(token), now);
                } else {
                    self.phase = Phase::Ended(end);
                }
                Ok(self.progress(Some(error)))
            }
            // RQR-5: whoever answers a repeated request with its first invoice does so for ever.
            Err(error) if error.rule() == Rule::Ivr4 && self.refund().is_none() => {
                self.ask_anew(End::QuoteExpired);
                // Each time later, since all would expire at once if it is a clock that is wrong.
                self.schedule.restart_later(self.way_after(token), self.generation, now);
                Ok(self.progress(Some(error)))
            }
            Err(error) => Err(Refused::about_invoice(error, reply_path)),
        }
    }

    /// An invoice error arrived. If it came over the reply path of a request of this payment (EXC-6), nothing more
    /// is asked over that way, and the payment ends if it was the last. But if the price is in another currency, asking
    /// again is [allowed](super::Draft::ask_again), and the error suggests a higher amount within the limit, then that
    /// is asked for (ERR-2).
    ///
    /// # Errors
    ///
    /// A refusal, after which everything is as before.
    pub fn receive_error(&mut self, incoming: Incoming, now: UnixTime) -> Result<Progress, Box<Refused>> {
        let token = self.token(&incoming.via, Rule::Exc6, now)?;
        let told = InvoiceError::try_from(incoming.bytes).map_err(Refused::silent)?;
        let Asked::Offer(asked) = &self.asked else {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Exc6)));
        };
        // Whoever says it again would make us ask the others again at once, and keep it each time.
        if self.refused.contains(&token.position) {
            return Err(Refused::late());
        }
        if let Some(better) = self.suggested(asked, &told) {
            self.asked = Asked::Offer(Box::new(better));
            self.bounds.ask_again = false;
            self.ask_anew(End::refused(told));
            self.schedule.restart(0, now);
            return Ok(self.progress(None));
        }
        self.refused.push(token.position);
        if !(0..asked.ways().into()).any(is_open(&self.refused)) {
            self.phase = Phase::Ended(End::refused(told));
        } else {
            self.told = Some(End::refused(told));
            self.schedule.hurry(now);
        }
        Ok(self.progress(None))
    }

    /// ERR-2: what to ask for instead, if that is possible and authorised.
    fn suggested(&self, asked: &AskedOffer, told: &InvoiceError) -> Option<AskedOffer> {
        told.erroneous_field().filter(|field| *field == Field::INVREQ_AMOUNT)?;
        let amount = told.suggested_amount()?;
        let is_more = asked.choices.amount.is_none_or(|asked| asked < amount);
        // What is priced in bitcoin needs nobody's suggestion.
        let flows = self.bounds.ask_again && asked.offer.currency().is_some();
        let next = self.generation.checked_add(1).filter(|_| flows && is_more && amount <= self.bounds.max)?;
        let better = AskedOffer { choices: asked.choices.with_suggested(amount), ..asked.clone() };
        // What cannot be asked for does not replace what can.
        better.request(&self.payer, Token { generation: next, ..self.own_token(0) }).ok()?;
        Some(better)
    }

    /// Begins to pay what was quoted: the quote with this payment hash, which is the one that was shown to whoever
    /// decided. [Save](Self::to_bytes) the payment now, and only then pay ([`State::Paying`]): after a crash the
    /// saved state says that the money may be on its way.
    ///
    /// # Errors
    ///
    /// `NotNow` without that quote, or after the deadline; `Expired` for a quote that went stale (IVR-4):
    /// [poll](Self::poll) asks for another.
    pub fn begin(&mut self, payment_hash: sha256::Hash, now: UnixTime) -> Result<(), Error> {
        let Phase::Quoted(invoice) = &self.phase else { return Err(not_now()) };
        if invoice.payment_hash() != payment_hash || now > self.bounds.deadline {
            return Err(not_now());
        }
        let at = self.quoted_until(invoice);
        if now > at {
            return Err(Error::of(Field::INVOICE_CREATED_AT, ErrorKind::Expired { at }, Rule::Ivr4));
        }
        self.phase = Phase::Paying(invoice.clone());
        Ok(())
    }

    /// The last second at which paying an invoice can be begun.
    fn quoted_until(&self, invoice: &Invoice) -> UnixTime {
        let until = invoice.expires_at();
        match &self.asked {
            Asked::Offer(asked) => asked.series.as_ref().map_or(until, |series| series.until(invoice).min(until)),
            Asked::Refund(_) => until,
        }
    }

    /// The payment was made. Saying it twice does no harm, and it is never too late: also a payment that was said to
    /// have [failed](Self::failed) is paid if this is its preimage.
    ///
    /// # Errors
    ///
    /// `NotNow` if nothing was quoted, `WrongPreimage`, and `AlreadyAnswered` for the preimage of another invoice than
    /// the one that is known to be paid: then money was sent twice, because a payment was said to have failed that had
    /// not.
    pub fn paid(&mut self, preimage: Preimage) -> Result<(), Error> {
        let hash = preimage.payment_hash();
        let is_paid = |invoice: &&Invoice| invoice.payment_hash() == hash;
        let present = match &self.phase {
            Phase::Paid(invoice, _) if is_paid(&invoice.as_ref()) => return Ok(()),
            Phase::Quoted(invoice) | Phase::Paying(invoice) | Phase::Paid(invoice, _) => Some(invoice.as_ref()),
            Phase::Asking | Phase::Ended(_) => None,
        };
        if present.is_none() && self.begun.is_empty() {
            return Err(not_now());
        }
        match present.into_iter().chain(&self.begun).find(is_paid) {
            None => Err(Error::of(Field::PROOF_PREIMAGE, ErrorKind::WrongPreimage, Rule::Exc4)),
            // The receipt that there is stays.
            Some(_) if matches!(self.phase, Phase::Paid(..)) => Err(Error::new(ErrorKind::AlreadyAnswered, Rule::Exc4)),
            Some(invoice) => {
                let paid = Phase::Paid(Box::new(invoice.clone()), preimage);
                let before = core::mem::replace(&mut self.phase, paid);
                // What is on its way beside it may arrive, too.
                if let Phase::Paying(other) = before {
                    if other.payment_hash() != hash && !self.begun.contains(&other) {
                        self.begun.push(*other);
                    }
                }
                Ok(())
            }
        }
    }

    /// The payment failed for good: the node says that nothing is on its way any more. That no answer came in time is
    /// no such failure. The quote stands as long as it has not expired, and can be [begun](Self::begin) again; after
    /// that the payment ends, and another takes a new one.
    ///
    /// # Errors
    ///
    /// `NotNow` unless it was begun.
    pub fn failed(&mut self) -> Result<(), Error> {
        let Phase::Paying(invoice) = &self.phase else { return Err(not_now()) };
        if !self.begun.contains(invoice) {
            self.begun.push(Invoice::clone(invoice));
        }
        self.phase = Phase::Quoted(invoice.clone());
        Ok(())
    }

    /// Whoever owns the money does not want to pay: ends the payment. Of a refund only the quote is dropped, and
    /// whoever signed it cannot claim it any more; others still can, until a hundred were declined.
    ///
    /// # Errors
    ///
    /// `NotNow` if the payment was begun.
    pub fn decline(&mut self) -> Result<(), Error> {
        match (&self.phase, &mut self.asked) {
            (Phase::Quoted(invoice), Asked::Refund(asked))
                if self.begun.is_empty() && asked.declined.len() < MAX_DECLINED =>
            {
                asked.declined.push(invoice.node_id());
                self.phase = Phase::Asking;
            }
            (Phase::Asking | Phase::Quoted(_), _) => self.phase = Phase::Ended(End::Declined),
            (Phase::Ended(_), _) => {}
            (Phase::Paying(_) | Phase::Paid(..), _) => return Err(not_now()),
        }
        Ok(())
    }

    /// Says who is to claim a refund, as was confirmed in another way: an invoice that another key signs is refused
    /// (IVR-9). Without it, whoever sees the refund first can claim it, and [`Quote::node_id`] is to be looked at: the
    /// wrong one is [declined](Self::decline).
    ///
    /// # Errors
    ///
    /// `NotNow` if an invoice has come already, or if this is no refund.
    pub fn expect_payee(&mut self, node_id: PublicKey) -> Result<(), Error> {
        match (&self.phase, &mut self.asked) {
            (Phase::Asking, Asked::Refund(asked)) => {
                asked.declined.retain(|declined| *declined != node_id);
                asked.payee = Some(node_id);
            }
            _ => return Err(not_now()),
        }
        Ok(())
    }

    fn send(&self, asked: &AskedOffer, position: u8) -> Result<Outgoing, Error> {
        let token = self.own_token(position);
        Ok(Outgoing {
            message: OffersMessage::InvoiceRequest(asked.request(&self.payer, token)?),
            destination: asked.destination(position)?,
            // MSG-2
            reply_path_id: Some(self.payer.reply_path_id(token)),
        })
    }

    /// Ends what was not begun in time: because of the last refusal, if there was one.
    fn end_because(&mut self, end: End) {
        let told = self.told.take().filter(|_| matches!(self.phase, Phase::Asking));
        self.phase = Phase::Ended(told.unwrap_or(end));
    }

    /// The way whose turn is after the one that a token is for.
    fn way_after(&self, token: Token) -> u32 {
        u32::from(token.position).saturating_add(1)
    }

    fn own_token(&self, position: u8) -> Token {
        Token { id: self.id, generation: self.generation, position }
    }

    /// Which message of this payment an answer is for, if it came the right way and one is still waited for.
    fn token(&self, via: &Via, rule: Rule, now: UnixTime) -> Result<Token, Box<Refused>> {
        let token = self.asked.token(&self.payer, via).filter(|token| token.id == self.id);
        let token = token.ok_or_else(|| Refused::silent(Error::new(ErrorKind::WrongArrival, rule)))?;
        let waits = matches!(self.phase, Phase::Asking) && now <= self.bounds.deadline;
        if token.generation == self.generation && waits { Ok(token) } else { Err(Refused::late()) }
    }

    /// Asks for another invoice, with other requests; those before are no longer answered.
    fn ask_anew(&mut self, end: End) {
        self.refused.clear();
        self.told = None;
        self.phase = match self.asked {
            // A refund is published once, and stands until its deadline.
            Asked::Refund(_) => Phase::Asking,
            Asked::Offer(_) if self.generation < MAX_RENEWALS => {
                self.generation = self.generation.saturating_add(1);
                Phase::Asking
            }
            Asked::Offer(_) => Phase::Ended(end),
        };
    }

    fn progress(&self, error: Option<Error>) -> Progress {
        match &self.phase {
            Phase::Ended(_) => Progress::Ended,
            _ => Progress::AskingAgain(error),
        }
    }
}

/// Whether nobody has refused over a way yet.
fn is_open(refused: &[u8]) -> impl Fn(usize) -> bool {
    move |way| !refused.iter().any(|position| usize::from(*position) == way)
}

/// The second after.
fn after(time: UnixTime) -> UnixTime {
    UnixTime(time.0.saturating_add(1))
}

fn not_now() -> Error {
    Error::new(ErrorKind::NotNow, Rule::Exc4)
}
