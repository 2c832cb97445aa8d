//! One payment whose payee may be asleep (feature `async_payments`).
//!
//! This file holds what it is and shows; the files beside it hold what changes it, one step each.

pub(crate) mod answers;
mod decisions;
mod requests;
mod saved;
pub(crate) mod state;

use alloc::boxed::Box;

use secp256k1::schnorr;

use crate::error::{Error, ErrorKind, Field, Rule, Stage};
use crate::exchange::ids::PaymentId;
use crate::exchange::payer::budget::Objection;
use crate::exchange::payer::payment::{Payment, Phase};
use crate::exchange::payer::purpose::OfferPurpose;
use crate::exchange::payer::state::Attempt;
use crate::exchange::schedule::Schedule;
use crate::exchange::secret::Token;
use crate::payer_proof::Preimage;
use crate::static_invoice::{PayableStaticInvoice, StaticInvoice};
use crate::units::{Msat, UnixTime};
use state::{AsyncPaid, AsyncPaying, AsyncQuote, AsyncState, Release};

/// One payment for an offer whose payee may be asleep: a [`Payment`] that also takes a static invoice, which somebody
/// else serves meanwhile (feature `async_payments`, experimental).
///
/// As long as the payee answers itself, it is a payment like any other, with a receipt. If a static invoice comes first,
/// the [state](Self::state) says so: the payee is asleep, and no receipt will prove this payment (STA-6). Whoever owns
/// the money decides whether to [begin](Self::begin_held) it. Then the node *holds* the payment, while the payee is told
/// again and again, with growing delays, that one is waiting. When it wakes, it asks for the payment, and
/// [`AsyncPaying::release`] says so to the node.
///
/// ```text
///                    ┌──▶ as any payment, with a receipt
/// asking ──▶ quoted ─┤
///                    └──▶ held ──▶ released ──▶ paid, without one
///                          └─────▶ given up
/// ```
///
/// Every step is safe to repeat, and to be saved and loaded as with [`Payment`]. What was begun has one preimage, and so
/// one payment hash, however often it [fails](Self::failed): a node that pays a hash at most once pays this once.
#[derive(Debug)]
#[must_use]
pub struct AsyncPayment {
    payment: Payment,
    held: Held,
    /// That of every attempt, from the first on.
    preimage: Option<Preimage>,
    /// How often paying a static invoice was begun.
    attempts: u32,
    /// The attempt that failed last. It may turn out to be paid after all.
    failed: Option<Failed>,
}

/// Where things stand with a static invoice.
#[derive(Debug)]
enum Held {
    /// None has come: it is a payment like any other.
    Nothing,
    /// One may be paid.
    Quoted(Served),
    /// It is being paid.
    Paying(Served, Going),
    /// It was paid.
    Paid(Served, Msat, Preimage),
}

/// A static invoice, and what it answers.
#[derive(Clone, Debug)]
struct Served {
    invoice: Box<StaticInvoice>,
    /// Of the request.
    token: Token,
    /// Of the request, if it was made elsewhere.
    signature: Option<Box<schnorr::Signature>>,
}

/// What an attempt that failed was for.
#[derive(Clone, Debug)]
struct Failed {
    served: Served,
    amount: Msat,
}

/// An attempt.
#[derive(Clone, Debug)]
struct Going {
    attempt: Attempt,
    amount: Msat,
    preimage: Preimage,
    /// The last second in which the payee may ask for it.
    until: UnixTime,
    release: Release,
    /// When the payee is told again.
    schedule: Schedule,
}

impl AsyncPayment {
    /// Takes a payment that was started, and lets its payee be asleep.
    ///
    /// # Errors
    ///
    /// `IsRefund` for a refund, `IsRecurring` for a payment of a subscription (REC-3), and `WrongState` for a payment
    /// that has an invoice already, or has ended.
    pub fn new(payment: Payment) -> Result<Self, Error> {
        let offer = payment.purpose.offer().ok_or(Error::new(ErrorKind::IsRefund, Rule::Ofr7))?;
        if offer.series.is_some() {
            return Err(Error::new(ErrorKind::IsRecurring, Rule::Rec3));
        }
        if !matches!(payment.phase, Phase::Asking) || payment.attempts > 0 {
            return Err(payment.wrong_state());
        }
        Ok(Self { payment, held: Held::Nothing, preimage: None, attempts: 0, failed: None })
    }

    /// Which payment this is: what [`Payer::async_payment_of`](crate::exchange::Payer::async_payment_of) finds.
    pub fn id(&self) -> PaymentId {
        self.payment.id
    }

    /// The payment as far as it is one like any other: what it is for, and what it may cost.
    pub fn payment(&self) -> &Payment {
        &self.payment
    }

    /// Where things stand.
    pub fn state(&self) -> AsyncState<'_> {
        match &self.held {
            Held::Nothing => AsyncState::AsUsual(self.payment.state()),
            Held::Quoted(served) => {
                let quote = AsyncQuote::new(&served.invoice, self.amount(), self.payment.budget.fees);
                match self.amount().map(|amount| self.objection(&served.invoice, amount)) {
                    Some(Some(objection)) => AsyncState::NeedsApproval { quote, objection },
                    _ => AsyncState::Quoted(quote),
                }
            }
            Held::Paying(served, going) => AsyncState::Paying(AsyncPaying {
                payer: &self.payment.payer,
                purpose: &self.payment.purpose,
                token: served.token,
                signature: served.signature.as_deref(),
                payable: PayableStaticInvoice::again(&served.invoice, going.amount),
                preimage: going.preimage,
                attempt: going.attempt,
                limits: self.payment.budget.fees.of(going.amount),
                until: going.until,
                release: going.release,
            }),
            Held::Paid(served, amount, preimage) => {
                AsyncState::Paid(AsyncPaid::new(&served.invoice, *amount, preimage.payment_hash()))
            }
        }
    }

    /// What is paid for a static invoice (STA-5): what was chosen or suggested, or the price at the payer's latest rate.
    fn amount(&self) -> Option<Msat> {
        self.offer().and_then(|offer| offer.choices.amount).or(self.payment.budget.estimate)
    }

    /// The same, or what is missing.
    fn due(&self) -> Result<Msat, Error> {
        let missing = match self.payment.currency() {
            Some(currency) => Error::of(Field::OFFER_AMOUNT, ErrorKind::RateNeeded { currency }, Rule::Sta5),
            None => Error::missing(Field::INVREQ_AMOUNT, Rule::Rqr10),
        };
        self.amount().ok_or(missing)
    }

    /// What speaks against paying so much without asking whoever owns the money.
    fn objection(&self, invoice: &StaticInvoice, amount: Msat) -> Option<Objection> {
        let payable = PayableStaticInvoice::again(invoice, amount);
        self.payment.budget.objection_at(amount, |limits| payable.paths_within(limits).is_ok())
    }

    fn offer(&self) -> Option<&OfferPurpose> {
        self.payment.purpose.offer()
    }

    /// An error for a step that cannot be taken now.
    fn wrong_state(&self) -> Error {
        let stage = match &self.held {
            Held::Nothing => return self.payment.wrong_state(),
            Held::Quoted(_) => Stage::Quoted,
            Held::Paying(..) => Stage::Paying,
            Held::Paid(..) => Stage::Paid,
        };
        Error::new(ErrorKind::WrongState { stage }, Rule::Exc4)
    }
}
