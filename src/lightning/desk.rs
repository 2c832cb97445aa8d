//! Both sides of the exchange in one place, for whatever brings the messages.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;
use core::fmt;
use std::sync::Mutex;

use super::application::{Application, NotOurs, ToDo, lock};
use super::subscriptions::Subscriptions;
use crate::error::Error;
use crate::exchange::{
    Action, Claim, ClaimId, ClaimState, ConversationId, IncomingMessage, MessageArrival, OffersMessageKind,
    OutgoingMessage, Payee, Payer, Payment, PaymentId, Refused,
};
#[cfg(feature = "recurrence")]
use crate::exchange::{Subscription, SubscriptionId};
use crate::onion::HopKey;
use crate::units::UnixTime;

/// An issuer and a payer with their payments and claims, and with subscriptions, where that feature is on.
///
/// It finds out what a message belongs to, and asks the [`Application`] what to do with requests. It does nothing by
/// itself: call [`poll`](Self::poll) when it says so. What is finished stays until it is [removed](Self::remove).
pub struct Desk<A> {
    application: A,
    issuer: Payee,
    payer: Payer,
    payments: Mutex<BTreeMap<PaymentId, Payment>>,
    claims: Mutex<BTreeMap<ClaimId, Claim>>,
    subscriptions: Subscriptions,
}

impl<A: Application> Desk<A> {
    /// A desk without payments.
    pub fn new(application: A, issuer: Payee, payer: Payer) -> Self {
        let (payments, claims, subscriptions) = Default::default();
        Self { application, issuer, payer, payments, claims, subscriptions }
    }

    /// The application.
    pub fn application(&self) -> &A {
        &self.application
    }

    /// The issuer.
    pub fn issuer(&self) -> &Payee {
        &self.issuer
    }

    /// The payer.
    pub fn payer(&self) -> &Payer {
        &self.payer
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
    pub fn add_claim(&self, claim: Claim) -> ClaimId {
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
    pub fn claim<R>(&self, id: ClaimId, look: impl FnOnce(&Claim) -> R) -> Option<R> {
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
    pub fn update_claim<R>(&self, id: ClaimId, step: impl FnOnce(&mut Claim) -> R) -> Option<R> {
        let mut claims = lock(&self.claims);
        let claim = claims.get_mut(&id)?;
        let result = step(claim);
        self.application.claim_changed(claim);
        Some(result)
    }

    /// Lets go of a conversation. Answers to it are ignored from then on. The issuer of a subscription is not told:
    /// [cancel](crate::exchange::Payment) it for that.
    pub fn remove(&self, id: impl Into<ConversationId>) {
        match id.into() {
            ConversationId::Payment(id) => drop(lock(&self.payments).remove(&id)),
            ConversationId::Claim(id) => drop(lock(&self.claims).remove(&id)),
            #[cfg(feature = "recurrence")]
            ConversationId::Subscription(id) => self.subscriptions.remove(id),
        }
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

    fn poll_one(&self, one: &mut impl Pending, to_do: &mut ToDo, stuck: &mut Vec<(ConversationId, Error)>) {
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

    /// What was to be sent cannot get there: if it waits for an answer, the next path is tried at once (EXC-5).
    /// [Poll](Self::poll) afterwards.
    pub fn unreachable(&self, outgoing: &OutgoingMessage) {
        let Some(path_id) = &outgoing.reply_path_id else { return };
        let arrival = MessageArrival::Path(*path_id);
        let now = self.application.now();
        if let Some(id) = self.payer.payment_of(&arrival) {
            self.update_payment(id, |payment| payment.unreachable(path_id, now));
            self.subscriptions.unreachable(id, path_id, &self.application);
        } else if let Some(id) = self.issuer.claim_of(&arrival) {
            self.update_claim(id, |claim| claim.unreachable(path_id, now));
        }
    }

    /// What was to be sent cannot be sent at all: a payment that waits for an answer to it
    /// [ends](Payment::unsendable), a claim is [removed](Self::remove), and the application is
    /// [told](Application::given_up).
    pub fn unsendable(&self, outgoing: &OutgoingMessage, why: &dyn core::error::Error) {
        let Some(path_id) = &outgoing.reply_path_id else { return };
        let arrival = MessageArrival::Path(*path_id);
        let id = if let Some(id) = self.payer.payment_of(&arrival) {
            let has_ended = self.update_payment(id, Payment::unsendable);
            let has_stopped = || self.subscriptions.unsendable(id, &self.application);
            has_ended.unwrap_or_else(has_stopped).then_some(id.into())
        } else if let Some(id) = self.issuer.claim_of(&arrival) {
            lock(&self.claims).remove(&id).map(|_| id.into())
        } else {
            None
        };
        if let Some(id) = id {
            self.application.given_up(id, why);
        }
    }

    /// A message arrived. Returns what to send because of it. [Poll](Self::poll) afterwards: it may be that another
    /// request is due.
    ///
    /// `hop_key` is the key under which the node was reached, if that is known: see
    /// [`Application::invoice_request`].
    ///
    /// # Errors
    ///
    /// [`NotOurs`] for a request that our issuer does not recognise, and for an answer that came over no path that we
    /// made.
    pub fn receive(
        &self,
        message: IncomingMessage,
        hop_key: Option<&HopKey>,
    ) -> Result<Option<OutgoingMessage>, NotOurs> {
        if message.kind == OffersMessageKind::InvoiceRequest {
            return match self.issuer.receive(message) {
                Ok(request) => {
                    let signing_key = hop_key.map(HopKey::keypair);
                    Ok(self.application.invoice_request(request, signing_key.as_ref()))
                }
                Err(refused) => self.refuse(refused),
            };
        }
        let now = self.application.now();
        let received = if let Some(id) = self.payer.payment_of(&message.arrival) {
            if self.has_payment(id) {
                self.update_payment(id, |payment| payment.receive(message, now).map(drop))
            } else {
                self.subscriptions.receive(id, message, &self.application)
            }
        } else if let Some(id) = self.issuer.claim_of(&message.arrival) {
            self.update_claim(id, |claim| claim.receive(message, now))
        } else {
            return Err(NotOurs);
        };
        match received {
            Some(Err(refused)) => self.refuse(refused).or(Ok(None)),
            Some(Ok(())) | None => Ok(None),
        }
    }

    fn refuse(&self, refused: Box<Refused>) -> Result<Option<OutgoingMessage>, NotOurs> {
        self.application.refused(&refused);
        if refused.is_cheap() { Err(NotOurs) } else { Ok(refused.answer().cloned()) }
    }
}

#[cfg(feature = "recurrence")]
impl<A: Application> Desk<A> {
    /// Takes a subscription over: a new one, or one that was loaded. Then [poll](Self::poll).
    ///
    /// Its payments are not among the desk's: the [application](Application::subscription_changed) hears of them, and
    /// [begins](Subscription::begin) what is quoted. If the same subscription is here already, that one stays, as with
    /// [payments](Self::add_payment).
    pub fn add_subscription(&self, subscription: Subscription) -> SubscriptionId {
        let id = subscription.id();
        if let Entry::Vacant(place) = lock(&self.subscriptions.0).entry(id) {
            self.application.subscription_changed(&subscription);
            place.insert(subscription);
        }
        id
    }

    /// Looks at a subscription. Returns what `look` returned; nothing without such a subscription.
    pub fn subscription<R>(&self, id: SubscriptionId, look: impl FnOnce(&Subscription) -> R) -> Option<R> {
        lock(&self.subscriptions.0).get(&id).map(look)
    }

    /// Takes a step with a subscription: for example [begins](Subscription::begin) to pay, or
    /// [cancels](Subscription::cancel) it. Returns what `step` returned; nothing without such a subscription.
    /// [Poll](Self::poll) afterwards.
    pub fn update_subscription<R>(&self, id: SubscriptionId, step: impl FnOnce(&mut Subscription) -> R) -> Option<R> {
        let mut subscriptions = lock(&self.subscriptions.0);
        let subscription = subscriptions.get_mut(&id)?;
        let result = step(subscription);
        self.application.subscription_changed(subscription);
        Some(result)
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
    fn id(&self) -> ConversationId;
    fn poll(&mut self, now: UnixTime) -> Result<Action, Error>;
    /// Whether there may be something to do.
    fn is_open(&self) -> bool;
    /// Tells that it changed.
    fn tell(&self, application: &impl Application);
}

impl Pending for Payment {
    fn id(&self) -> ConversationId {
        self.id().into()
    }

    fn poll(&mut self, now: UnixTime) -> Result<Action, Error> {
        self.poll(now)
    }

    fn is_open(&self) -> bool {
        self.is_open()
    }

    fn tell(&self, application: &impl Application) {
        application.payment_changed(self);
    }
}

impl Pending for Claim {
    fn id(&self) -> ConversationId {
        self.id().into()
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
