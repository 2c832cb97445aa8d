//! How a subscription begins, ends, and is saved.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::{Hash, sha256};

use super::super::payer::Payer;
use super::super::payment::{Action, Payment};
use super::super::secret::{Nonce, Token};
use super::super::state::{Kind, Reader, Writer, invalid};
use super::super::via::{OffersMessage, Outgoing, PathId, PaymentId, Via};
use super::super::view::State;
use super::draft::SubscriptionDraft;
use super::plan::Plan;
use super::series::small;
use super::{Subscription, SubscriptionId};
use crate::error::Error;
use crate::offer::Offer;
use crate::units::{Msat, UnixTime};

/// Whether a subscription goes on, and else over which way that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cancel {
    No,
    Wanted(u8),
    Sent(u8),
}

/// The attempt that stands for a cancellation in the derivation of ids.
const CANCELS: u32 = u32::MAX;

impl Payer {
    /// Begins a subscription to an offer that recurs, has not expired, and is on one of the payer's chains, which are
    /// given in the order of preference.
    ///
    /// # Errors
    ///
    /// `UnsupportedChain` (OFR-3), `Expired` (OFR-9), `IsNotRecurring` (REC-3).
    pub fn subscribe<'a>(
        &self,
        offer: &'a Offer,
        now: UnixTime,
        chains: &[ChainHash],
    ) -> Result<SubscriptionDraft<'a>, Error> {
        SubscriptionDraft::new(self.clone(), offer.usable(now, chains)?, now)
    }

    /// Loads what [`Subscription::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn load_subscription(&self, bytes: &[u8]) -> Result<Subscription, Error> {
        Reader::load(bytes, Kind::Subscription, self.states(), |reader| Subscription::read(reader, self))
    }

    fn subscription_id(&self, entropy: &[u8; 32], what: &[u8]) -> SubscriptionId {
        SubscriptionId(self.subscriptions().short(&[&[0], entropy, what]))
    }

    /// RQW-6: unpredictable for everybody else.
    pub(super) fn series_nonce(&self, id: SubscriptionId) -> Nonce {
        self.subscriptions().short(&[&[1], &id.0])
    }

    pub(super) fn series_payment_id(&self, id: SubscriptionId, counter: u32, attempt: u32) -> PaymentId {
        let parts: [&[u8]; 4] = [&[2], &id.0, &counter.to_be_bytes(), &attempt.to_be_bytes()];
        PaymentId(self.subscriptions().short(&parts))
    }
}

impl Subscription {
    pub(super) fn new(payer: Payer, entropy: &[u8; 32], what: &[u8], plan: Plan) -> Self {
        Self {
            id: payer.subscription_id(entropy, what),
            payer,
            counter: 0,
            basetime: plan.base(),
            plan,
            last_paid: None,
            last_begun: Vec::new(),
            payment: None,
            attempt: 0,
            again: None,
            consent: None,
            cancel: Cancel::No,
        }
    }

    /// Checks that the first request can be made, so that whatever cannot be asked for is refused at once.
    pub(super) fn check_request(payer: &Payer, plan: &Plan) -> Result<(), Error> {
        let first = Self::new(payer.clone(), &[0; 32], &[], plan.clone());
        plan.asked(first.series(0, false)).check(payer)
    }

    /// Whether an answer that came this way is for this subscription (IVR-13). Costs a MAC.
    pub fn is_for(&self, via: &Via) -> bool {
        self.payer.payment_of(via).is_some_and(|id| self.asks_as(id))
    }

    /// Whether answers for this payment are for this subscription.
    pub(crate) fn asks_as(&self, id: PaymentId) -> bool {
        let is_payment = self.payment.as_ref().is_some_and(|payment| payment.id() == id);
        is_payment || (self.is_cancelled() && id == self.token(CANCELS, 0).id)
    }

    fn token(&self, attempt: u32, position: u8) -> Token {
        let id = self.payer.series_payment_id(self.id, self.counter, attempt);
        Token { id, generation: 0, position }
    }

    /// Ends the subscription: nothing more is begun, and the issuer is told once (REC-11): [poll](Self::poll) says what
    /// to send. A payment that is being made is waited for before. Nothing is sent if nothing was paid yet, or if there
    /// is no period left.
    pub fn cancel(&mut self) {
        if self.cancel != Cancel::No {
            return;
        }
        self.cancel = Cancel::Wanted(0);
        if let Some(payment) = &mut self.payment {
            if matches!(payment.state(), State::Asking { .. } | State::Quoted(_)) {
                // These can be declined.
                drop(payment.decline());
            }
        }
    }

    /// Whether the subscription was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancel != Cancel::No
    }

    pub(super) fn send_cancel(&mut self) -> Result<Action, Error> {
        let Cancel::Wanted(way) = self.cancel else { return Ok(Action::Nothing) };
        self.cancel = Cancel::Sent(way);
        let index = u64::from(self.plan.start.unwrap_or(0)).saturating_add(self.counter.into());
        let is_over = self.plan.recurrence.limit.is_some_and(|limit| index > limit.get().into());
        if self.counter == 0 || is_over {
            return Ok(Action::Nothing);
        }
        let (asked, token) = (self.plan.asked(self.series(self.counter, true)), self.token(CANCELS, way));
        Ok(Action::Send(Box::new(Outgoing {
            message: OffersMessage::InvoiceRequest(asked.request(&self.payer, token)?),
            destination: asked.destination(way)?,
            reply_path_id: Some(self.payer.reply_path_id(token)),
        })))
    }

    /// What could not be sent over one way is sent over the next.
    pub(super) fn cancel_over_next_way(&mut self, reply_path_id: &PathId) {
        let Cancel::Sent(way) = self.cancel else { return };
        let is_it = self.payer.reply(reply_path_id) == Some(self.token(CANCELS, way));
        let ways = self.plan.asked(self.series(self.counter, true)).ways();
        if let Some(next) = way.checked_add(1).filter(|next| is_it && *next < ways) {
            self.cancel = Cancel::Wanted(next);
        }
    }

    /// The state as bytes, which [`Payer::load_subscription`] reads. The payment that was begun last is in it, with the
    /// preimage if it was made; no other secret.
    ///
    /// Save after every step that changed something, and before anything is acted upon: before sending, so that
    /// answers find the payment; before paying, so that no period is paid twice. An older state than the last one must
    /// not be loaded, which nothing in it can tell.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new(Kind::Subscription);
        out.array(self.id.0);
        self.plan.write(&mut out);
        out.number(self.counter.into());
        out.optional_number(self.basetime.map(|time| time.0));
        out.optional(self.last_paid.map(|hash| hash.to_byte_array()));
        out.number(self.last_begun.len() as u64);
        self.last_begun.iter().for_each(|hash| out.array(hash.to_byte_array()));
        out.number(self.attempt.into());
        out.optional_number(self.again.map(|at| at.0));
        out.optional_number(self.consent.map(|max| max.0));
        let (cancel, way) = match self.cancel {
            Cancel::No => (0, 0),
            Cancel::Wanted(way) => (1, way),
            Cancel::Sent(way) => (2, way),
        };
        out.array([cancel, way]);
        out.flag(self.payment.is_some());
        if let Some(payment) = &self.payment {
            payment.write(&mut out);
        }
        out.finish(self.payer.states())
    }

    fn read(reader: &mut Reader<'_>, payer: &Payer) -> Result<Self, Error> {
        let id = SubscriptionId(reader.array()?);
        let plan = Plan::read(reader, payer)?;
        let counter = small(reader.number()?)?;
        let basetime = reader.optional_number()?.map(UnixTime);
        let last_paid = reader.optional()?.map(sha256::Hash::from_byte_array);
        let mut last_begun = Vec::new();
        for _ in 0..reader.number()? {
            last_begun.push(sha256::Hash::from_byte_array(reader.array()?));
        }
        let attempt = small(reader.number()?)?;
        let again = reader.optional_number()?.map(UnixTime);
        let consent = reader.optional_number()?.map(Msat);
        let cancel = match (reader.byte()?, reader.byte()?) {
            (0, 0) => Cancel::No,
            (1, way) => Cancel::Wanted(way),
            (2, way) => Cancel::Sent(way),
            _ => return Err(invalid()),
        };
        let payment = if reader.flag()? { Some(Payment::read(reader, payer)?) } else { None };
        let payer = payer.clone();
        let loaded = Self {
            payer,
            id,
            plan,
            counter,
            basetime,
            last_paid,
            last_begun,
            payment,
            attempt,
            again,
            consent,
            cancel,
        };
        if loaded.is_consistent() { Ok(loaded) } else { Err(invalid()) }
    }

    /// What holds of every state that was saved: the start of period 0 is known from the offer or the first payment, and
    /// the payment is the next one or the last one.
    fn is_consistent(&self) -> bool {
        let knows_basetime = match self.plan.base() {
            Some(base) => self.basetime == Some(base),
            None => self.basetime.is_some() == (self.counter > 0),
        };
        knows_basetime && self.payment.as_ref().is_none_or(|payment| self.is_own(payment))
    }

    fn is_own(&self, payment: &Payment) -> bool {
        let Some(series) = payment.series() else { return false };
        let counter = series.request.counter;
        let is_paid = matches!(payment.state(), State::Paid(_));
        let is_next = if is_paid { counter.checked_add(1) == Some(self.counter) } else { counter == self.counter };
        // How often it took, nobody asks once it is paid.
        let is_its_id = is_paid || payment.id() == self.payer.series_payment_id(self.id, counter, self.attempt);
        is_next && is_its_id && series.nonce == self.payer.series_nonce(self.id)
    }
}
