//! A manager behind a lock, for whatever brings the messages.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use std::sync::Mutex;

use super::application::{Application, NotOurs, ToDo, lock};
use crate::exchange::{Event, IncomingMessage, OffersManager, OutgoingMessage, Payee, Payer, Received, Refused};
use crate::onion::HopKey;
use crate::units::UnixTime;

/// How many conversations a poll does something for at most. The time that it returns says that there are more.
const MAX_AT_ONCE: usize = 100;

/// An [`OffersManager`] behind a lock, with the [`Application`] whose conversations it holds.
///
/// After each change it has the application [save](Application::save) what changed, and [tells](Application::event) it
/// what became of that. It does nothing by itself: call [`poll`](Self::poll) when it says so.
pub struct Desk<A> {
    application: A,
    payer: Payer,
    payee: Payee,
    manager: Mutex<OffersManager>,
}

impl<A: Application> Desk<A> {
    /// A desk for a manager, in which what was saved is [loaded](OffersManager::load) already.
    pub fn new(application: A, manager: OffersManager) -> Self {
        let (payer, payee) = (manager.payer().clone(), manager.payee().clone());
        Self { application, payer, payee, manager: Mutex::new(manager) }
    }

    /// The application.
    pub fn application(&self) -> &A {
        &self.application
    }

    /// The payee.
    pub fn payee(&self) -> &Payee {
        &self.payee
    }

    /// The payer.
    pub fn payer(&self) -> &Payer {
        &self.payer
    }

    /// Looks at the manager, which is locked meanwhile: `look` must not call the desk.
    pub fn look<R>(&self, look: impl FnOnce(&OffersManager) -> R) -> R {
        look(&lock(&self.manager))
    }

    /// Takes a step with the manager, which is locked meanwhile: adds a conversation, for example, or begins to pay.
    /// The step is given the [time](Application::now), and must not call the desk. Then saves what changed, and tells
    /// what became of it. [Poll](Self::poll) afterwards.
    pub fn update<R>(&self, step: impl FnOnce(&mut OffersManager, UnixTime) -> R) -> R {
        let now = self.application.now();
        let result = step(&mut lock(&self.manager), now);
        self.settle();
        result
    }

    /// What to send now, and when to ask again.
    pub fn poll(&self) -> ToDo {
        self.update(|manager, now| manager.poll(now, MAX_AT_ONCE));
        let mut send = Vec::new();
        loop {
            let next = lock(&self.manager).next_message();
            let Some(message) = next else { break };
            // It is signed while nothing is locked.
            let id = message.id();
            match message.message() {
                Ok(message) => send.push(message),
                Err(error) => self.application.event(Event::Stuck { id, error }),
            }
        }
        ToDo { send, next: self.look(OffersManager::wake_at) }
    }

    /// Reports that a message could not be delivered: see [`OffersManager::unreachable`]. [Poll](Self::poll)
    /// afterwards.
    pub fn unreachable(&self, outgoing: &OutgoingMessage) {
        self.update(|manager, now| manager.unreachable(outgoing, now));
    }

    /// Reports that a message cannot be sent over any path: see [`OffersManager::unsendable`].
    pub fn unsendable(&self, outgoing: &OutgoingMessage) {
        self.update(|manager, now| manager.unsendable(outgoing, now));
    }

    /// A message arrived. Returns the answer, if it is a request. [Poll](Self::poll) afterwards, because an answer may
    /// have made another message due.
    ///
    /// `hop_key` is the key under which the node was reached, if that is known: see
    /// [`Application::invoice_request`].
    ///
    /// # Errors
    ///
    /// [`NotOurs`] for a request that our payee does not recognise, and for an answer that came over no path that we
    /// made.
    pub fn receive(
        &self,
        message: IncomingMessage,
        hop_key: Option<&HopKey>,
    ) -> Result<Option<OutgoingMessage>, NotOurs> {
        match self.update(|manager, now| manager.receive(message, now)) {
            // It needs no lock.
            Ok(Received::Request(message)) => match self.payee.receive(message) {
                Ok(request) => {
                    let signing_key = hop_key.map(HopKey::keypair);
                    Ok(self.application.invoice_request(request, signing_key.as_ref()))
                }
                Err(refused) => self.refuse(refused),
            },
            Ok(Received::Answer(_)) => Ok(None),
            // What there is to answer is among what to send.
            Err(refused) => self.refuse(refused),
        }
    }

    fn refuse(&self, refused: Box<Refused>) -> Result<Option<OutgoingMessage>, NotOurs> {
        self.application.refused(&refused);
        if refused.is_cheap() { Err(NotOurs) } else { Ok(refused.into_answer()) }
    }

    /// Has everything saved and told. Nothing is locked while the application does so.
    fn settle(&self) {
        loop {
            let next = lock(&self.manager).next_save();
            if let Some(save) = next {
                let is_saved = self.application.save(&save);
                let now = self.application.now();
                let mut manager = lock(&self.manager);
                if is_saved {
                    manager.saved(save.number);
                } else {
                    manager.save_failed(save.number, now);
                }
                continue;
            }
            let next = lock(&self.manager).next_event();
            let Some(event) = next else { return };
            self.application.event(event);
        }
    }
}

impl<A> fmt::Debug for Desk<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("manager", &*lock(&self.manager)).finish_non_exhaustive()
    }
}
