//! Both sides of the exchange in one place, for whatever brings the messages.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;
use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use secp256k1::{Keypair, PublicKey};

use super::subscriptions::Subscriptions;
use crate::error::Error;
use crate::exchange::{
    Action, Claim, ClaimState, Incoming, Issuer, Outgoing, Payer, Payment, PaymentId, ReceivedRequest, Refused, State,
};
#[cfg(feature = "recurrence")]
use crate::exchange::{Subscription, SubscriptionId};
#[cfg(feature = "recurrence")]
use crate::field::{CurrencyCode, Rate};
use crate::field::{Direction, ShortChannelId};
use crate::onion::HopKey;
use crate::units::UnixTime;

/// What the application around a [`Desk`] knows, decides and keeps.
///
/// [`now`](Self::now) and the `changed` functions are called while the desk is locked: they must not call it, and not take
/// long. All others may.
pub trait Application {
    /// The time.
    fn now(&self) -> UnixTime;

    /// A request came for an offer of ours, by the right way, and signed. Returns the answer, if it is to be sent
    /// now: what [`Accepted::answer`](crate::exchange::Accepted::answer) or
    /// [`ReceivedRequest::refuse`] make. One that takes time can be sent later.
    ///
    /// `signing_key` signs the invoice of an offer without an issuer id (PTH-3). The onion messages of an LDK node
    /// do not reveal it; those of [`OnionPeers`](super::OnionPeers) do.
    fn invoice_request(&self, request: ReceivedRequest, signing_key: Option<&Keypair>) -> Option<Outgoing>;

    /// A payment changed, and has to be saved ([`Payment::to_bytes`]): before this returns, nothing is sent.
    fn payment_changed(&self, payment: &Payment) {
        let _ = payment;
    }

    /// A claim changed, and has to be saved.
    fn claim_changed(&self, claim: &Claim) {
        let _ = claim;
    }

    /// A subscription changed, and has to be saved. It may have a quote now, which can be
    /// [begun](Subscription::begin) once the desk is not locked any more.
    #[cfg(feature = "recurrence")]
    fn subscription_changed(&self, subscription: &Subscription) {
        let _ = subscription;
    }

    /// What a currency is worth now, for a subscription that is priced in it. Without an answer its payments wait,
    /// unless the limit is a fixed amount.
    #[cfg(feature = "recurrence")]
    fn rate(&self, currency: CurrencyCode) -> Option<Rate> {
        let _ = currency;
        None
    }

    /// A subscription could not say what to do next, for want of a [rate](Self::rate). It is asked again in a minute.
    #[cfg(feature = "recurrence")]
    fn subscription_stuck(&self, id: SubscriptionId, error: &Error) {
        let _ = (id, error);
    }

    /// A message was refused. If that [is cheap](Refused::is_cheap), it may be for somebody else.
    fn refused(&self, refused: &Refused) {
        let _ = refused;
    }

    /// Something could not be sent: what is too long or has no counterpart in the `lightning` crate, or for which there
    /// is no way. The next way is tried, unless it is [given up](Self::given_up).
    fn not_sent(&self, outgoing: &Outgoing, why: &dyn core::error::Error) {
        let _ = (outgoing, why);
    }

    /// What a payment or claim asks or says cannot be sent, whatever the way: the payment has
    /// [ended](Payment::unsendable) because of it, and the claim is [removed](Desk::remove). The payment may be the
    /// present one of a subscription, which has stopped then.
    fn given_up(&self, id: PaymentId, why: &dyn core::error::Error) {
        let _ = (id, why);
    }

    /// The node at this end of a channel, if it is known (MSG-5): from gossip, for example. [`OnionPeers`](super::OnionPeers)
    /// needs it for paths that name their start so. Without it, an answer goes to whoever brought the question, and is
    /// lost if that peer only passed it on; and a question is [not sent](Self::not_sent).
    fn channel_end(&self, scid: ShortChannelId, end: Direction) -> Option<PublicKey> {
        let _ = (scid, end);
        None
    }

    /// A payment or claim could not say what to do next. What began without an error does not get here.
    fn stuck(&self, id: PaymentId, error: &Error) {
        let _ = (id, error);
    }
}

/// A message that is not for this desk: about no offer, request or refund of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs;

/// What to do now, and when to ask again.
#[derive(Debug, Default)]
#[must_use]
pub struct ToDo {
    /// Messages to send.
    pub send: Vec<Outgoing>,
    /// When to ask again, unless a message arrives; never if nothing is waited for.
    pub next: Option<UnixTime>,
}

impl ToDo {
    /// Asks again at this time, if not before.
    pub(super) fn come_again(&mut self, at: UnixTime) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }
}

/// An issuer and a payer with their payments and claims, and with subscriptions, where that feature is on.
///
/// It finds out what a message belongs to, and asks the [`Application`] what to do with requests. It does nothing by
/// itself: call [`poll`](Self::poll) when it says so. What is finished stays until it is [removed](Self::remove).
pub struct Desk<A> {
    application: A,
    issuer: Issuer,
    payer: Payer,
    payments: Mutex<BTreeMap<PaymentId, Payment>>,
    claims: Mutex<BTreeMap<PaymentId, Claim>>,
    subscriptions: Subscriptions,
}

impl<A: Application> Desk<A> {
    /// A desk without payments.
    pub fn new(application: A, issuer: Issuer, payer: Payer) -> Self {
        let (payments, claims, subscriptions) = Default::default();
        Self { application, issuer, payer, payments, claims, subscriptions }
    }

    /// The application.
    pub fn application(&self) -> &A {
        &self.application
    }

    /// The issuer.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The payer.
    pub fn payer(&self) -> &Payer {
        &self.payer
    }

    #[cfg(feature = "recurrence")]
    pub(super) fn subscriptions(&self) -> &Subscriptions {
        &self.subscriptions
    }

    /// Takes a payment over: a new one, or one that was loaded. Then [poll](Self::poll).
    ///
    /// If the same payment is here already, that one stays and the other is dropped: it may be an older state, and
    /// what is being paid would be paid again. [Remove](Self::remove) it first to replace it.
    pub fn add_payment(&self, payment: Payment) -> PaymentId {
        let id = payment.id();
        if let Entry::Vacant(place) = lock(&self.payments).entry(id) {
            self.application.payment_changed(&payment);
            place.insert(payment);
        }
        id
    }

    fn has_payment(&self, id: PaymentId) -> bool {
        lock(&self.payments).contains_key(&id)
    }

    /// Takes a claim over: a new one, or one that was loaded. Then [poll](Self::poll). If the same claim is here
    /// already, that one stays, as with [payments](Self::add_payment).
    pub fn add_claim(&self, claim: Claim) -> PaymentId {
        let id = claim.id();
        if let Entry::Vacant(place) = lock(&self.claims).entry(id) {
            self.application.claim_changed(&claim);
            place.insert(claim);
        }
        id
    }

    /// Looks at a payment. Returns what `look` returned; nothing without such a payment.
    pub fn payment<R>(&self, id: PaymentId, look: impl FnOnce(&Payment) -> R) -> Option<R> {
        lock(&self.payments).get(&id).map(look)
    }

    /// Looks at a claim.
    pub fn claim<R>(&self, id: PaymentId, look: impl FnOnce(&Claim) -> R) -> Option<R> {
        lock(&self.claims).get(&id).map(look)
    }

    /// Takes a step with a payment: for example [begins](Payment::begin) to pay. Returns what `step` returned;
    /// nothing without such a payment.
    pub fn update_payment<R>(&self, id: PaymentId, step: impl FnOnce(&mut Payment) -> R) -> Option<R> {
        let mut payments = lock(&self.payments);
        let payment = payments.get_mut(&id)?;
        let result = step(payment);
        self.application.payment_changed(payment);
        Some(result)
    }

    /// Takes a step with a claim.
    pub fn update_claim<R>(&self, id: PaymentId, step: impl FnOnce(&mut Claim) -> R) -> Option<R> {
        let mut claims = lock(&self.claims);
        let claim = claims.get_mut(&id)?;
        let result = step(claim);
        self.application.claim_changed(claim);
        Some(result)
    }

    /// Lets go of a payment or claim. Answers to it are ignored from then on.
    pub fn remove(&self, id: PaymentId) {
        lock(&self.payments).remove(&id);
        lock(&self.claims).remove(&id);
    }

    /// What to send now, and when to ask again.
    pub fn poll(&self) -> ToDo {
        let (mut to_do, mut stuck) = (ToDo::default(), Vec::new());
        lock(&self.payments).values_mut().for_each(|payment| self.poll_one(payment, &mut to_do, &mut stuck));
        lock(&self.claims).values_mut().for_each(|claim| self.poll_one(claim, &mut to_do, &mut stuck));
        // Now that nothing is locked: whoever hears it may want to remove it.
        stuck.iter().for_each(|(id, error)| self.application.stuck(*id, error));
        self.subscriptions.poll(&self.application, &mut to_do);
        to_do
    }

    fn poll_one(&self, one: &mut impl Pending, to_do: &mut ToDo, stuck: &mut Vec<(PaymentId, Error)>) {
        if !one.is_open() {
            return;
        }
        let now = self.application.now();
        let next = match one.poll(now) {
            Ok(Action::Send(outgoing)) => {
                to_do.send.push(*outgoing);
                let next = one.poll(now);
                one.tell(&self.application);
                next
            }
            other => {
                if !one.is_open() {
                    one.tell(&self.application);
                }
                other
            }
        };
        match next {
            Ok(Action::WaitUntil(at)) => to_do.come_again(at),
            Ok(Action::Nothing) => {}
            // Two messages at once would be one too many.
            Ok(Action::Send(_)) => to_do.come_again(now),
            Err(error) => stuck.push((one.id(), error)),
        }
    }

    /// What was to be sent cannot get there: if it waits for an answer, the next way is tried at once (EXC-5).
    /// [Poll](Self::poll) afterwards.
    pub fn unreachable(&self, outgoing: &Outgoing) {
        let Some(path_id) = &outgoing.reply_path_id else { return };
        let via = crate::exchange::Via::Path(*path_id);
        let now = self.application.now();
        if let Some(id) = self.payer.payment_of(&via) {
            self.update_payment(id, |payment| payment.unreachable(path_id, now));
            self.subscriptions.unreachable(id, path_id, &self.application);
        } else if let Some(id) = self.issuer.claim_of(&via) {
            self.update_claim(id, |claim| claim.unreachable(path_id, now));
        }
    }

    /// What was to be sent cannot be sent at all: a payment that waits for an answer to it
    /// [ends](Payment::unsendable), a claim is [removed](Self::remove), and the application is
    /// [told](Application::given_up).
    pub fn unsendable(&self, outgoing: &Outgoing, why: &dyn core::error::Error) {
        let Some(path_id) = &outgoing.reply_path_id else { return };
        let via = crate::exchange::Via::Path(*path_id);
        let id = if let Some(id) = self.payer.payment_of(&via) {
            let has_ended = self.update_payment(id, Payment::unsendable);
            let has_stopped = || self.subscriptions.unsendable(id, &self.application);
            has_ended.unwrap_or_else(has_stopped).then_some(id)
        } else if let Some(id) = self.issuer.claim_of(&via) {
            lock(&self.claims).remove(&id).map(|_| id)
        } else {
            None
        };
        if let Some(id) = id {
            self.application.given_up(id, why);
        }
    }

    /// A request arrived. Returns the answer, if there is one.
    ///
    /// # Errors
    ///
    /// [`NotOurs`] for a request that our issuer does not recognise.
    pub fn invoice_request(
        &self,
        incoming: Incoming,
        signing_key: Option<&HopKey>,
    ) -> Result<Option<Outgoing>, NotOurs> {
        match self.issuer.receive(incoming) {
            Ok(request) => {
                let signing_key = signing_key.map(HopKey::keypair);
                Ok(self.application.invoice_request(request, signing_key.as_ref()))
            }
            Err(refused) => self.refuse(refused),
        }
    }

    /// An invoice arrived. Returns what to send because of it: an error, or another request.
    ///
    /// # Errors
    ///
    /// [`NotOurs`] for an invoice that came over no path that our payer made.
    pub fn invoice(&self, incoming: Incoming) -> Result<Option<Outgoing>, NotOurs> {
        let id = self.payer.payment_of(&incoming.via).ok_or(NotOurs)?;
        let now = self.application.now();
        let received = if self.has_payment(id) {
            self.update_payment(id, |payment| payment.receive_invoice(incoming, now))
        } else {
            self.subscriptions.receive_invoice(id, incoming, &self.application)
        };
        match received {
            Some(Err(refused)) => self.refuse(refused).or(Ok(None)),
            Some(Ok(_)) | None => Ok(None),
        }
    }

    /// An invoice error arrived. [Poll](Self::poll) afterwards: it may be that another request is due.
    ///
    /// # Errors
    ///
    /// [`NotOurs`] for an error that came over no path that we made.
    pub fn invoice_error(&self, incoming: Incoming) -> Result<(), NotOurs> {
        let now = self.application.now();
        let refused = if let Some(id) = self.payer.payment_of(&incoming.via) {
            let received = if self.has_payment(id) {
                self.update_payment(id, |payment| payment.receive_error(incoming, now))
            } else {
                self.subscriptions.receive_error(id, incoming, &self.application)
            };
            received.map(|received| received.map(drop))
        } else if let Some(id) = self.issuer.claim_of(&incoming.via) {
            self.update_claim(id, |claim| claim.receive_error(incoming))
        } else {
            return Err(NotOurs);
        };
        if let Some(Err(refused)) = refused {
            self.application.refused(&refused);
        }
        Ok(())
    }

    fn refuse(&self, refused: Box<Refused>) -> Result<Option<Outgoing>, NotOurs> {
        self.application.refused(&refused);
        if refused.is_cheap() { Err(NotOurs) } else { Ok(refused.answer().cloned()) }
    }
}

impl<A> fmt::Debug for Desk<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("payments", &lock(&self.payments).len())
            .field("claims", &lock(&self.claims).len())
            .field("subscriptions", &self.subscriptions.len())
            .finish_non_exhaustive()
    }
}

/// What payments and claims have in common.
trait Pending {
    fn id(&self) -> PaymentId;
    fn poll(&mut self, now: UnixTime) -> Result<Action, Error>;
    /// Whether there may be something to do.
    fn is_open(&self) -> bool;
    /// Tells that it changed.
    fn tell(&self, application: &impl Application);
}

impl Pending for Payment {
    fn id(&self) -> PaymentId {
        self.id()
    }

    fn poll(&mut self, now: UnixTime) -> Result<Action, Error> {
        self.poll(now)
    }

    fn is_open(&self) -> bool {
        matches!(self.state(), State::Asking { .. } | State::Quoted(_))
    }

    fn tell(&self, application: &impl Application) {
        application.payment_changed(self);
    }
}

impl Pending for Claim {
    fn id(&self) -> PaymentId {
        self.id()
    }

    fn poll(&mut self, now: UnixTime) -> Result<Action, Error> {
        self.poll(now)
    }

    fn is_open(&self) -> bool {
        *self.state() == ClaimState::Sending
    }

    fn tell(&self, application: &impl Application) {
        application.claim_changed(self);
    }
}

/// The lock, even if somebody panicked with it: every step leaves behind what is complete.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
