//! The user's decisions, and the node's results.

use alloc::vec::Vec;

use bitcoin::hashes::sha256;
use secp256k1::{PublicKey, schnorr};

use crate::error::Error;
#[cfg(feature = "recurrence")]
use crate::exchange::ids::SubscriptionId;
use crate::exchange::ids::{ConversationId, ConversationKind, PaymentId};
use crate::exchange::manager::OffersManager;
use crate::exchange::manager::error::ManagerError;
use crate::exchange::manager::held::Held;
use crate::exchange::payee::claim::Claim;
use crate::exchange::payer::limit::{FeeLimit, Limit};
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::state::Attempt;
#[cfg(feature = "recurrence")]
use crate::exchange::payer::subscription::Subscription;
use crate::payer_proof::Preimage;
#[cfg(feature = "recurrence")]
use crate::units::Msat;
use crate::units::UnixTime;

/// The user's decisions.
impl OffersManager {
    /// Begins to pay the [quote](super::Event::Quoted) with this payment hash. Once that is saved,
    /// [`Event::Payable`](super::Event::Payable) follows: pay then, and not before.
    ///
    /// # Errors
    ///
    /// `HashInUse` if another payment with this payment hash has begun; `Refused` as for [`Payment::begin`], which gets
    /// the [rate](Self::set_rate); `Unknown`.
    pub fn begin(
        &mut self,
        id: impl Into<ConversationId>,
        payment_hash: sha256::Hash,
        now: UnixTime,
    ) -> Result<Attempt, ManagerError> {
        let id = id.into();
        let other = self.payers_of(payment_hash).into_iter().find(|other| *other != id);
        if let Some(by) = other {
            return Err(ManagerError::HashInUse { payment_hash, by });
        }
        let begun = self.change(id, now, |change| change.conversation.pays()?.begin(payment_hash, now, change.rate));
        Ok(begun.ok_or(ManagerError::Unknown(id))??)
    }

    /// The signature of a [request that needs one](super::Event::SignatureNeeded), of a payment or a subscription: see
    /// [`Payment::sign`].
    ///
    /// # Errors
    ///
    /// As there, and `Unknown`.
    pub fn sign(
        &mut self,
        id: impl Into<ConversationId>,
        signature: &schnorr::Signature,
        now: UnixTime,
    ) -> Result<(), ManagerError> {
        self.step(id.into(), now, |conversation| conversation.pays()?.sign(signature))
    }

    /// The user does not want to pay: see [`Payment::decline`].
    ///
    /// # Errors
    ///
    /// As there, and `Unknown`.
    pub fn decline(&mut self, id: PaymentId, now: UnixTime) -> Result<(), ManagerError> {
        self.step_payment(id, now, Payment::decline)
    }

    /// Allows another amount: see [`Payment::allow`].
    ///
    /// # Errors
    ///
    /// As there, and `Unknown`.
    pub fn allow(
        &mut self,
        id: PaymentId,
        limit: Limit,
        now: UnixTime,
        deadline: UnixTime,
    ) -> Result<(), ManagerError> {
        self.step_payment(id, now, |payment| payment.allow(limit, now, deadline))
    }

    /// Allows higher fees, or a longer delay: see [`Payment::allow_fee`].
    ///
    /// # Errors
    ///
    /// As there, and `Unknown`.
    pub fn allow_fee(
        &mut self,
        id: PaymentId,
        limit: FeeLimit,
        now: UnixTime,
        deadline: UnixTime,
    ) -> Result<(), ManagerError> {
        self.step_payment(id, now, |payment| payment.allow_fee(limit, now, deadline))
    }

    /// Refuses one claim of a refund: see [`Payment::decline_claim`].
    ///
    /// # Errors
    ///
    /// As there, and `Unknown`.
    pub fn decline_claim(&mut self, id: PaymentId, node_id: PublicKey, now: UnixTime) -> Result<(), ManagerError> {
        self.step_payment(id, now, |payment| payment.decline_claim(node_id))
    }

    /// Sets the expected payee of a refund: see [`Payment::expect_payee`].
    ///
    /// # Errors
    ///
    /// As there, and `Unknown`.
    pub fn expect_payee(&mut self, id: PaymentId, node_id: PublicKey, now: UnixTime) -> Result<(), ManagerError> {
        self.step_payment(id, now, |payment| payment.expect_payee(node_id))
    }

    fn step_payment(
        &mut self,
        id: PaymentId,
        now: UnixTime,
        step: impl FnOnce(&mut Payment) -> Result<(), Error>,
    ) -> Result<(), ManagerError> {
        self.step_as(id.into(), now, step)
    }

    fn step_as<T: Held + 'static>(
        &mut self,
        id: ConversationId,
        now: UnixTime,
        step: impl FnOnce(&mut T) -> Result<(), Error>,
    ) -> Result<(), ManagerError> {
        let stepped = self.change(id, now, |change| change.conversation.as_any_mut().downcast_mut().map(step));
        Ok(stepped.flatten().ok_or(ManagerError::Unknown(id))??)
    }

    fn step(
        &mut self,
        id: ConversationId,
        now: UnixTime,
        step: impl FnOnce(&mut dyn Held) -> Result<(), Error>,
    ) -> Result<(), ManagerError> {
        Ok(self.change(id, now, |change| step(change.conversation)).ok_or(ManagerError::Unknown(id))??)
    }
}

/// The user's decisions about subscriptions.
#[cfg(feature = "recurrence")]
impl OffersManager {
    /// Cancels a subscription: see [`Subscription::cancel`].
    ///
    /// # Errors
    ///
    /// `Unknown`.
    pub fn cancel(&mut self, id: SubscriptionId, now: UnixTime) -> Result<(), ManagerError> {
        self.step_subscription(id, now, |subscription| {
            subscription.cancel();
            Ok(())
        })
    }

    /// Makes an [overdue](super::Event::Overdue) payment at once: see [`Subscription::catch_up`].
    ///
    /// # Errors
    ///
    /// `Unknown`.
    pub fn catch_up(&mut self, id: SubscriptionId, now: UnixTime) -> Result<(), ManagerError> {
        self.step_subscription(id, now, |subscription| {
            subscription.catch_up();
            Ok(())
        })
    }

    /// Allows an amount for the next payment: see [`Subscription::allow_once`].
    ///
    /// # Errors
    ///
    /// As there, and `Unknown`.
    pub fn allow_once(
        &mut self,
        id: SubscriptionId,
        counter: u32,
        max: Msat,
        now: UnixTime,
    ) -> Result<(), ManagerError> {
        self.step_subscription(id, now, |subscription| subscription.allow_once(counter, max))
    }

    /// Sets another limit: see [`Subscription::set_limit`].
    ///
    /// # Errors
    ///
    /// As there, and `Unknown`.
    pub fn set_limit(&mut self, id: SubscriptionId, limit: Limit, now: UnixTime) -> Result<(), ManagerError> {
        self.step_subscription(id, now, |subscription| subscription.set_limit(limit))
    }

    /// Tries a stopped payment again: see [`Subscription::try_again`].
    ///
    /// # Errors
    ///
    /// `Unknown`.
    pub fn try_again(&mut self, id: SubscriptionId, now: UnixTime) -> Result<(), ManagerError> {
        self.step_subscription(id, now, |subscription| {
            subscription.try_again();
            Ok(())
        })
    }

    fn step_subscription(
        &mut self,
        id: SubscriptionId,
        now: UnixTime,
        step: impl FnOnce(&mut Subscription) -> Result<(), Error>,
    ) -> Result<(), ManagerError> {
        self.step_as(id.into(), now, step)
    }
}

/// The node's results.
impl OffersManager {
    /// Reports that the node made a payment, with its preimage. Reporting it twice does no harm, and it is never too
    /// late. Returns the conversation.
    ///
    /// # Errors
    ///
    /// `UnknownHash` if no payment that began here has this payment hash: it is archived, its subscription has moved on
    /// since, or it is not from here. `Refused` as for [`Payment::paid`].
    pub fn paid(&mut self, preimage: Preimage, now: UnixTime) -> Result<ConversationId, ManagerError> {
        let hash = preimage.payment_hash();
        self.tell_all(hash, now, |conversation| conversation.pays()?.paid(preimage))
    }

    /// Reports that the node has given up this [attempt](crate::exchange::Paying::attempt): no part of it is in flight
    /// any more. See [`Payment::failed`].
    ///
    /// # Errors
    ///
    /// `UnknownHash` if no payment in progress has this payment hash; `Refused` as there, for example for an earlier
    /// attempt (EXC-12).
    pub fn failed(
        &mut self,
        payment_hash: sha256::Hash,
        attempt: Attempt,
        now: UnixTime,
    ) -> Result<ConversationId, ManagerError> {
        self.tell_all(payment_hash, now, |conversation| match conversation.paying() {
            Some((paying, _)) if paying == payment_hash => conversation.pays()?.failed(attempt),
            _ => Ok(()),
        })
    }

    /// Reports that the invoice of a claim was paid.
    ///
    /// # Errors
    ///
    /// `UnknownHash` if no claim has an invoice with this payment hash. It is never too late, and reporting it twice
    /// does no harm.
    pub fn claim_paid(&mut self, payment_hash: sha256::Hash, now: UnixTime) -> Result<ConversationId, ManagerError> {
        let mut claims = self.book.of_hash(payment_hash).filter(|id| id.kind() == ConversationKind::Claim);
        let id = claims.next();
        drop(claims);
        let id = id.ok_or(ManagerError::UnknownHash(payment_hash))?;
        self.change(id, now, |change| change.conversation.as_any_mut().downcast_mut().map(Claim::paid));
        Ok(id)
    }

    /// The payments that were begun with a payment hash.
    fn payers_of(&self, hash: sha256::Hash) -> Vec<ConversationId> {
        self.book.of_hash(hash).filter(|id| id.kind() != ConversationKind::Claim).collect()
    }

    fn tell_all(
        &mut self,
        hash: sha256::Hash,
        now: UnixTime,
        step: impl Fn(&mut dyn Held) -> Result<(), Error>,
    ) -> Result<ConversationId, ManagerError> {
        let mut first = Err(ManagerError::UnknownHash(hash));
        for id in self.payers_of(hash) {
            let told = self.step(id, now, &step).map(|()| id);
            if matches!(first, Err(ManagerError::UnknownHash(_))) {
                first = told;
            }
        }
        first
    }
}
