//! One payment, from asking for its invoice to its preimage.
//!
//! This file has the payment and what it shows. The files below it have the steps that change it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use secp256k1::schnorr;

use crate::error::{Error, ErrorKind, Rule, Stage};
use crate::exchange::end::EndReason;
use crate::exchange::ids::PaymentId;
use crate::exchange::payer::budget::{Budget, Objection};
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::purpose::Purpose;
use crate::exchange::payer::quote::Quote;
use crate::exchange::payer::receipt::Receipt;
use crate::exchange::payer::state::{Attempt, Paying, State};
use crate::exchange::schedule::Schedule;
use crate::exchange::secret::Token;
use crate::field::{CurrencyCode, HumanReadableName};
use crate::invoice::Invoice;
use crate::invoice_request::Refund;
use crate::offer::Offer;
use crate::payer_proof::Preimage;
use crate::signed::Unsigned;
use crate::units::{Msat, UnixTime};

mod answers;
#[cfg(feature = "async_payments")]
pub(crate) mod asleep;
mod decisions;
#[cfg(feature = "recurrence")]
mod recurring;
mod requests;
mod saved;
mod signing;
mod start;

/// How often a payment requests another invoice because one expired, differed from the price, or was above the limit.
/// The count starts again whenever the user [allows](Payment::allow) something.
pub const MAX_RENEWALS: u8 = 15;

/// How long after an invoice that was off the price another is asked for, in seconds: at least; twice as long each time
/// up to the most.
const RENEWAL: RangeInclusive<u64> = 10..=320;

/// The state of a payment.
#[derive(Debug)]
pub(crate) enum Phase {
    Asking,
    Quoted(Box<Invoice>),
    Paying(Box<Invoice>, Attempt),
    Paid(Box<Invoice>, Preimage),
    Ended(EndReason),
}

/// The effect of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// There is an invoice that may be paid: see [`Payment::state`].
    Quoted,
    /// There is an invoice, and only the user's approval is missing: see [`Payment::state`].
    NeedsApproval,
    /// The answer was refused, for this reason if it was an invoice, and another one is requested:
    /// [poll](Payment::poll).
    AskingAgain(Option<Error>),
    /// The payment ended without being made: see [`Payment::state`].
    Ended,
}

/// One payment for an offer, or of a refund. It requests an invoice until it has one, checks it, makes sure that it is
/// paid at most once, and ends by its deadline.
///
/// It does nothing by itself. [`poll`](Self::poll) says what to do now, messages go in through
/// [`receive`](Self::receive), rates through [`set_rate`](Self::set_rate), and [`state`](Self::state) returns the
/// current state:
///
/// ```text
/// asking ──▶ quoted ──▶ paying ──▶ paid
///   ▲         │  ▲        │
///   └─expired─┘  └─failed─┘           ended: from asking and quoted
///     or off the price
/// ```
///
/// Every step is safe to repeat. After a crash, [load](Payer::load) the state that was [saved](Self::to_bytes) last. A
/// payment that was in progress still is, and the node knows whether it was made. A payment cannot be cloned, because
/// both copies would be paid.
///
/// # When the rate moves
///
/// An offer may ask for dollars, but the issuer's invoice is in bitcoin. Until paying begins, pass each new rate to the
/// payment. If the invoice then differs from the price by more than the [tolerance](crate::exchange::Limit), the
/// payment requests another one by itself, at most [`MAX_RENEWALS`] times and with growing delays (EXC-9). The limit
/// that the user authorised is binding: an invoice above it, or too far from the price, is not paid. The state is then
/// [`NeedsApproval`](State::NeedsApproval), until the rates agree again or the user [allows](Self::allow) it.
///
/// # Several ways
///
/// An invoice above the limit, or an error, closes only the path over which it arrived (EXC-14). A refund keeps several
/// claims: see [`quotes`](Self::quotes).
#[derive(Debug)]
#[must_use]
pub struct Payment {
    payer: Payer,
    id: PaymentId,
    purpose: Purpose,
    budget: Budget,
    schedule: Schedule,
    /// Which requests answers are waited for.
    generation: u8,
    /// Their signature, if it is made elsewhere.
    signature: Option<Box<schnorr::Signature>>,
    /// How often another invoice was asked for since the owner decided last.
    renewals: u8,
    /// When that was because of the price.
    renewed_at: Option<UnixTime>,
    /// The ways over which something came for the present generation that closed them.
    closed: Vec<u8>,
    /// What came last over a way that is closed.
    last_refusal: Option<Box<EndReason>>,
    /// The best invoice over a way that is closed, which only its owner can allow.
    objected: Option<Box<Invoice>>,
    /// How often paying was begun.
    attempts: u32,
    /// Invoices that were begun to be paid, and failed. One may turn out to be paid after all.
    failed: Vec<Invoice>,
    /// Whether it is from a backup.
    restored: bool,
    phase: Phase,
}

impl Payment {
    pub(crate) fn new(payer: Payer, id: PaymentId, purpose: Purpose, budget: Budget, schedule: Schedule) -> Self {
        let schedule = schedule.seeded(payer.delays(id));
        Self {
            payer,
            id,
            purpose,
            budget,
            schedule,
            generation: 0,
            signature: None,
            renewals: 0,
            renewed_at: None,
            closed: Vec::new(),
            last_refusal: None,
            objected: None,
            attempts: 0,
            failed: Vec::new(),
            restored: false,
            phase: Phase::Asking,
        }
    }

    /// The id of this payment, which [`Payer::payment_of`] finds in the path id of an answer.
    pub fn id(&self) -> PaymentId {
        self.id
    }

    /// The limit on the amount of an invoice.
    pub fn max_amount(&self) -> Msat {
        self.budget.max
    }

    /// The deadline. Paying cannot begin after it, but a payment in progress is not affected.
    pub fn deadline(&self) -> UnixTime {
        self.budget.deadline
    }

    /// The chain to pay on.
    pub fn chain(&self) -> ChainHash {
        self.purpose.chain()
    }

    /// The currency of the price that a quote is compared with at the payer's rate (EXC-9): `None` if the price is in
    /// bitcoin, or an amount was chosen.
    pub fn currency(&self) -> Option<CurrencyCode> {
        self.budget.price.map(|(currency, _)| currency)
    }

    /// The offer, unless this is a refund.
    pub fn offer(&self) -> Option<&Offer> {
        self.purpose.offer().map(|asked| &asked.offer)
    }

    /// The refund to publish, if this is one.
    pub fn refund(&self) -> Option<&Refund> {
        match &self.purpose {
            Purpose::Offer(_) => None,
            Purpose::Refund(asked) => Some(&asked.refund),
        }
    }

    /// The same refund with a signature. An invoice for one is a claim of the other. Core Lightning and LND accept only
    /// a signed refund, LDK only an unsigned one (D1): show both texts, or the one that the other side accepts.
    pub fn signed_refund(&self) -> Option<Refund> {
        let refund = self.refund()?;
        let unsigned = Unsigned::<Refund>::try_from(refund.as_bytes().to_vec()).ok()?;
        unsigned.sign(&self.payer.keypair(refund)?).ok()
    }

    /// The amount that the user chose or the issuer suggested; `None` if the issuer sets it.
    pub fn amount(&self) -> Option<Msat> {
        match &self.purpose {
            Purpose::Offer(asked) => asked.choices.amount,
            Purpose::Refund(asked) => Some(asked.refund.amount()),
        }
    }

    /// The number of items, if the offer sells several.
    pub fn quantity(&self) -> Option<u64> {
        self.purpose.offer().and_then(|asked| asked.choices.quantity())
    }

    /// The note to the issuer of an offer; empty if there is none.
    pub fn payer_note(&self) -> &str {
        self.purpose.offer().map_or("", |asked| asked.choices.payer_note())
    }

    /// The name that led to the offer, to be shown as `₿user@domain` (NAM-9); nothing if there is none.
    pub fn bip_353_name(&self) -> Option<&HumanReadableName<'static>> {
        self.purpose.offer().and_then(|asked| asked.choices.name.as_deref())
    }

    /// The payment hashes of attempts that [failed](Self::failed), even after the payment has ended. If one of them
    /// turns out to be [paid](Self::paid), it belongs to this payment. Once one is paid, this includes the hash of the
    /// attempt that was in progress then.
    pub fn failed_hashes(&self) -> impl Iterator<Item = sha256::Hash> + '_ {
        self.failed.iter().map(|invoice| invoice.payment_hash())
    }

    /// The current state. For a refund with several claims, it shows the first one that can [begin](Self::begin), or
    /// else the first (EXC-14): see [`quotes`](Self::quotes).
    pub fn state(&self) -> State<'_> {
        let can_begin = |invoice: &&Invoice| self.budget.objection(invoice).is_none();
        let mut claims = self.purpose.claims();
        match &self.phase {
            Phase::Asking => match claims.clone().find(can_begin).or_else(|| claims.next()).or(self.waiting()) {
                Some(invoice) => self.quoted(invoice),
                None => State::Asking { attempts: self.schedule.attempts() },
            },
            Phase::Quoted(invoice) => self.quoted(invoice),
            Phase::Paying(invoice, attempt) => {
                State::Paying(Paying::new(invoice, *attempt, self.budget.fees.of(invoice.amount())))
            }
            Phase::Paid(invoice, preimage) => State::Paid(Receipt::new(&self.payer, invoice, *preimage)),
            Phase::Ended(end) => State::Ended(end),
        }
    }

    /// The payment hash that is being paid, or was paid.
    pub(crate) fn begun_hash(&self) -> Option<sha256::Hash> {
        match &self.phase {
            Phase::Paying(invoice, _) | Phase::Paid(invoice, _) => Some(invoice.payment_hash()),
            _ => None,
        }
    }

    /// What speaks against the invoice that came last.
    pub(crate) fn latest_objection(&self) -> Option<Objection> {
        let quoted = match (&self.phase, self.objected.as_deref()) {
            (Phase::Quoted(invoice), _) => Some(invoice.as_ref()),
            (_, objected) => objected,
        };
        self.purpose.claims().last().or(quoted).and_then(|invoice| self.budget.objection(invoice))
    }

    fn quoted<'a>(&'a self, invoice: &'a Invoice) -> State<'a> {
        let quote = self.quote(invoice);
        match self.budget.objection(invoice) {
            None => State::Quoted(quote),
            Some(objection) => State::NeedsApproval { quote, objection },
        }
    }

    fn quote<'a>(&self, invoice: &'a Invoice) -> Quote<'a> {
        Quote::new(invoice, self.budget.estimate, self.budget.fees.of(invoice.amount()))
    }

    /// The invoices that [could be paid](Self::begin). For an offer there is one. For a refund there is one for each
    /// claimant, at most [`MAX_CLAIMS`](crate::exchange::MAX_CLAIMS), identified by its [`node_id`](Quote::node_id).
    pub fn quotes(&self) -> impl Iterator<Item = Quote<'_>> {
        let quoted = match &self.phase {
            Phase::Quoted(invoice) => Some(invoice.as_ref()),
            _ => None,
        };
        let claims = self.purpose.claims().filter(|_| matches!(self.phase, Phase::Asking));
        quoted.into_iter().chain(claims).map(|invoice| self.quote(invoice))
    }

    /// What only its owner can allow, once each of the other ways was asked and did not answer. They still are.
    fn waiting(&self) -> Option<&Invoice> {
        let offer = self.purpose.offer()?;
        let others_are_silent = self.schedule.attempts() > offer.ways().into();
        let waits = |invoice: &&Invoice| others_are_silent && self.budget.objection(invoice).is_some();
        self.objected.as_deref().filter(waits).filter(|_| matches!(self.phase, Phase::Asking))
    }

    fn own_token(&self, position: u8) -> Token {
        Token { id: self.id.0, generation: self.generation, position }
    }

    /// The last second in which paying an invoice can begin.
    fn quoted_until(&self, invoice: &Invoice) -> UnixTime {
        let until = invoice.expires_at();
        match &self.purpose {
            Purpose::Offer(asked) => asked.series.as_ref().map_or(until, |series| series.until(invoice).min(until)),
            Purpose::Refund(_) => until,
        }
    }

    /// Whether it waits for an invoice, or for a decision about one: [`poll`](Self::poll) does nothing in any other
    /// state.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Asking | Phase::Quoted(_))
    }

    /// An error for a step that cannot be taken now.
    pub(crate) fn wrong_state(&self) -> Error {
        let stage = match &self.phase {
            Phase::Asking => Stage::Asking,
            Phase::Quoted(_) => Stage::Quoted,
            Phase::Paying(..) => Stage::Paying,
            Phase::Paid(..) => Stage::Paid,
            Phase::Ended(_) => Stage::Ended,
        };
        Error::new(ErrorKind::WrongState { stage }, Rule::Exc4)
    }

    /// Asks for another invoice, with other requests; those before are no longer answered. Where that was done too
    /// often, everything stays as it is.
    fn ask_anew(&mut self, why: Option<EndReason>) -> bool {
        let next = self.generation.checked_add(1).filter(|_| self.renewals < MAX_RENEWALS);
        let Some(generation) = next else { return false };
        self.generation = generation;
        if !self.asks_the_same_again() {
            self.signature = None;
        }
        self.renewals = self.renewals.saturating_add(1);
        self.closed.clear();
        self.last_refusal = why.map(Box::new);
        self.objected = None;
        self.phase = Phase::Asking;
        true
    }

    /// From when on another invoice may be asked for because of the price; `None` if none may.
    fn next_renewal(&self) -> Option<UnixTime> {
        let may = self.budget.can_change() && self.failed.is_empty() && self.renewals < MAX_RENEWALS;
        let at = |before: UnixTime| {
            let delay = RENEWAL.start().checked_shl(self.renewals.into()).unwrap_or(u64::MAX).min(*RENEWAL.end());
            UnixTime(before.0.saturating_add(delay))
        };
        may.then(|| self.renewed_at.map_or(UnixTime(0), at))
    }
}
