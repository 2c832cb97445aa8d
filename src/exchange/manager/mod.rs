//! All conversations of a wallet in one value.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::fmt;
use core::ops::Bound;

use crate::exchange::ids::ConversationId;
use crate::exchange::payee::keys::Payee;
use crate::exchange::payer::keys::Payer;
use crate::field::{CurrencyCode, Rate};
use crate::units::UnixTime;

mod book;
mod claims;
mod conversation;
mod decisions;
pub(crate) mod error;
mod held;
mod keys;
pub(crate) mod limits;
pub(crate) mod loading;
pub(crate) mod messages;
pub(crate) mod output;
mod payments;
mod polling;
mod saving;
mod stage;
pub(crate) mod status;
#[cfg(feature = "recurrence")]
mod subscriptions;
mod views;

use book::Book;
use conversation::Parties;
use limits::ManagerLimits;
use output::{Event, ToSend, Unsaved};

/// All conversations of a wallet in one value: payments, published refunds, claims and subscriptions.
///
/// It knows no transport, no clock, no storage and no lock, and has no callbacks. Messages, the time, rates, the node's
/// results and the user's decisions go in. After each, take what comes out, in this order: [states to
/// save](Self::next_save), [messages to send](Self::next_message), [events](Self::next_event), and [the time of the
/// next poll](Self::wake_at). Nothing that follows from a change comes out before its save is [confirmed](Self::saved)
/// (EXC-15). No step costs in proportion to the number of conversations (EXC-16).
///
/// The [guide](crate::guide::manager) shows the whole loop, and explains what happens after a crash, what each step
/// costs, and what strangers can cause.
pub struct OffersManager {
    parties: Parties,
    limits: ManagerLimits,
    book: Book,
    /// What waits to be given out to be saved.
    unsaved: VecDeque<Unsaved>,
    /// The number of the last save.
    number: u64,
    /// What is to be deleted, and is not confirmed to be.
    removing: BTreeSet<ConversationId>,
    /// The saves that are not confirmed.
    in_flight: BTreeMap<u64, ConversationId>,
    messages: VecDeque<ToSend>,
    events: VecDeque<Event>,
    rates: BTreeMap<CurrencyCode, (Rate, UnixTime)>,
    /// What waits for a rate.
    waiting_for_rate: BTreeMap<CurrencyCode, BTreeSet<ConversationId>>,
    /// What a rate that is there now concerns.
    rate_came_for: BTreeSet<ConversationId>,
    /// Whose turn it is among what is due.
    turn: u8,
    /// The time that was given last.
    now: UnixTime,
    /// Up to where everything was looked at again, after the clock was set back.
    recheck_from: Option<Bound<ConversationId>>,
}

impl OffersManager {
    /// A manager without conversations.
    pub fn new(payer: Payer, payee: Payee, limits: ManagerLimits) -> Self {
        Self {
            parties: Parties { payer, payee },
            limits,
            book: Book::default(),
            unsaved: VecDeque::new(),
            number: 0,
            removing: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            messages: VecDeque::new(),
            events: VecDeque::new(),
            rates: BTreeMap::new(),
            waiting_for_rate: BTreeMap::new(),
            rate_came_for: BTreeSet::new(),
            turn: 0,
            now: UnixTime(0),
            recheck_from: None,
        }
    }

    /// The payer, for drafts and refunds.
    pub fn payer(&self) -> &Payer {
        &self.parties.payer
    }

    /// The payee, for offers, requests and claims. Clone it, which is cheap, to use it outside a lock around the
    /// manager.
    pub fn payee(&self) -> &Payee {
        &self.parties.payee
    }

    /// The next message to send. Everything that it depends on is saved.
    pub fn next_message(&mut self) -> Option<ToSend> {
        self.messages.pop_front()
    }

    /// The next event. Everything that it depends on is saved.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

/// Shows the number of conversations, and how much is waiting.
impl fmt::Debug for OffersManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OffersManager")
            .field("conversations", &self.len())
            .field("unsaved", &self.unsaved.len())
            .field("in_flight", &self.in_flight.len())
            .field("messages", &self.messages.len())
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}
