//! One payment, from asking for its invoice to its preimage.
//!
//! This file holds what a payment is and shows; the files below it hold what changes it, one step each.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;

use crate::error::{Error, ErrorKind, Rule, Stage};
use crate::exchange::end::EndReason;
use crate::exchange::ids::PaymentId;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::purpose::Purpose;
use crate::exchange::payer::quote::Quote;
use crate::exchange::payer::receipt::Receipt;
use crate::exchange::payer::state::State;
use crate::exchange::schedule::Schedule;
use crate::exchange::secret::Token;
use crate::invoice::{Invoice, PayableInvoice};
use crate::invoice_request::Refund;
use crate::offer::Offer;
use crate::payer_proof::Preimage;
use crate::units::{Msat, UnixTime};

mod answers;
mod decisions;
#[cfg(feature = "recurrence")]
mod recurring;
mod requests;
mod saved;
mod start;

/// How often a payment asks for another invoice because one expired before it was paid, or was above the limit.
pub const MAX_RENEWALS: u8 = 15;

/// What a payment must not exceed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) max: Msat,
    pub(crate) estimate: Option<Msat>,
    pub(crate) deadline: UnixTime,
    pub(crate) ask_again: bool,
}

/// Where a payment stands.
#[derive(Debug)]
pub(crate) enum Phase {
    Asking,
    Quoted(Box<Invoice>),
    Paying(Box<Invoice>),
    Paid(Box<Invoice>, Preimage),
    Ended(EndReason),
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
    asked: Purpose,
    bounds: Bounds,
    schedule: Schedule,
    generation: u8,
    /// The ways over which an error came for the present generation.
    refused: Vec<u8>,
    /// What was said last over a way that is closed.
    told: Option<EndReason>,
    /// Invoices that were begun to be paid, and failed. One may turn out to be paid after all.
    begun: Vec<Invoice>,
    phase: Phase,
}

impl Payment {
    pub(crate) fn new(payer: Payer, id: PaymentId, asked: Purpose, bounds: Bounds, schedule: Schedule) -> Self {
        let (refused, told, begun, phase) = (Vec::new(), None, Vec::new(), Phase::Asking);
        let schedule = schedule.seeded(payer.delays(id));
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
            Purpose::Offer(asked) => Some(&asked.offer),
            Purpose::Refund(_) => None,
        }
    }

    /// The refund to publish, if this is one.
    pub fn refund(&self) -> Option<&Refund> {
        match &self.asked {
            Purpose::Offer(_) => None,
            Purpose::Refund(asked) => Some(&asked.refund),
        }
    }

    /// The amount that was chosen, or that the issuer suggested; nothing if it is left to the issuer.
    pub fn amount(&self) -> Option<Msat> {
        match &self.asked {
            Purpose::Offer(asked) => asked.choices.amount,
            Purpose::Refund(asked) => Some(asked.refund.amount()),
        }
    }

    /// How many items of an offer are asked for, if it sells several.
    pub fn quantity(&self) -> Option<u64> {
        match &self.asked {
            Purpose::Offer(asked) => asked.choices.quantity(),
            Purpose::Refund(_) => None,
        }
    }

    /// What is said to the issuer of an offer; empty if nothing is.
    pub fn payer_note(&self) -> &str {
        match &self.asked {
            Purpose::Offer(asked) => asked.choices.payer_note(),
            Purpose::Refund(_) => "",
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

    fn own_token(&self, position: u8) -> Token {
        Token { id: self.id.0, generation: self.generation, position }
    }

    /// The last second at which paying an invoice can be begun.
    fn quoted_until(&self, invoice: &Invoice) -> UnixTime {
        let until = invoice.expires_at();
        match &self.asked {
            Purpose::Offer(asked) => asked.series.as_ref().map_or(until, |series| series.until(invoice).min(until)),
            Purpose::Refund(_) => until,
        }
    }

    /// An error for a step that cannot be taken now.
    pub(crate) fn wrong_state(&self) -> Error {
        let stage = match &self.phase {
            Phase::Asking => Stage::Asking,
            Phase::Quoted(_) => Stage::Quoted,
            Phase::Paying(_) => Stage::Paying,
            Phase::Paid(..) => Stage::Paid,
            Phase::Ended(_) => Stage::Ended,
        };
        Error::new(ErrorKind::WrongState { stage }, Rule::Exc4)
    }

    /// Asks for another invoice, with other requests; those before are no longer answered.
    fn ask_anew(&mut self, end: EndReason) {
        self.refused.clear();
        self.told = None;
        self.phase = match self.asked {
            // A refund is published once, and stands until its deadline.
            Purpose::Refund(_) => Phase::Asking,
            Purpose::Offer(_) if self.generation < MAX_RENEWALS => {
                self.generation = self.generation.saturating_add(1);
                Phase::Asking
            }
            Purpose::Offer(_) => Phase::Ended(end),
        };
    }
}

/// Whether nobody has refused over a way yet.
fn is_open(refused: &[u8]) -> impl Fn(usize) -> bool {
    move |way| !refused.iter().any(|position| usize::from(*position) == way)
}
