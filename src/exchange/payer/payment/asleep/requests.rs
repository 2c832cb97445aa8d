//! What is sent, and when: requests as for any payment, and notices that one is held.

use alloc::boxed::Box;

use super::state::Release;
use super::{AsyncPayment, Going, Held, Served};
use crate::error::Error;
use crate::exchange::action::Action;
use crate::exchange::end::EndReason;
use crate::exchange::ids::PathId;
use crate::exchange::message::{Destination, OffersMessage, OutgoingMessage};
use crate::exchange::payer::payment::{Payment, Phase};
use crate::exchange::secret::Token;
use crate::units::UnixTime;

impl AsyncPayment {
    /// What to do now. Never blocks, and may be called at any time.
    ///
    /// Without a static invoice, and once the payee has answered itself, as [`Payment::poll`]. While a static invoice waits
    /// for a decision nothing is sent; once it has expired, another answer is asked for. While a payment is held, the payee
    /// is told over its message paths, one after the other, with delays that grow to about an hour, until it asks for the
    /// payment or [it is too late](super::AsyncPaying::until): then the payment is to be given up, which this says nothing
    /// of but [`AsyncPaying::release`](super::AsyncPaying::release) does.
    ///
    /// [`Payment::poll`]: crate::exchange::Payment::poll
    ///
    /// # Errors
    ///
    /// As for [`Payment::poll`].
    pub fn poll(&mut self, now: UnixTime) -> Result<Action, Error> {
        match &mut self.held {
            Held::Nothing => self.payment.poll(now),
            Held::Quoted(served) => {
                let until = served.invoice.expires_at().min(self.payment.budget.deadline);
                if now <= until {
                    return Ok(Action::WaitUntil(until.next_second()));
                }
                self.drop_quote(now);
                self.payment.poll(now)
            }
            Held::Paying(served, going) => {
                match going.release {
                    Release::Hold if now > going.until => going.release = Release::GiveUp,
                    Release::Hold => return Ok(notify(&self.payment, served, going, now)),
                    Release::Release | Release::GiveUp => {}
                }
                Ok(Action::Nothing)
            }
            Held::Paid(..) => Ok(Action::Nothing),
        }
    }

    /// What was quoted has expired, or the deadline has passed.
    fn drop_quote(&mut self, now: UnixTime) {
        self.held = Held::Nothing;
        if now > self.payment.budget.deadline {
            // Polling ends it.
            return;
        }
        // Another invoice has another payment hash: both could be paid.
        if self.preimage.is_none() && self.payment.ask_anew(None) {
            self.payment.schedule.restart(0, now);
        } else {
            self.payment.phase = Phase::Ended(EndReason::QuoteExpired);
        }
    }

    /// The transport says that what was sent with this reply path cannot get there: the next way is tried at once
    /// (EXC-5).
    pub fn unreachable(&mut self, reply_path_id: &PathId, now: UnixTime) {
        let token = self.payment.payer.notice(reply_path_id).filter(|token| token.id == self.payment.id.0);
        match (token, &mut self.held) {
            (Some(token), Held::Paying(served, going)) if going.generation() == token.generation => {
                let ways = served.invoice.message_paths().map_or(0, |paths| paths.count());
                going.schedule.unreachable(token.position.into(), ways, |_| true, now);
            }
            (None, Held::Nothing) => self.payment.unreachable(reply_path_id, now),
            _ => {}
        }
    }

    /// The transport says that what is asked for cannot be sent at all, over any way: ends the payment, unless there is an
    /// invoice already. Returns whether it has ended because of this.
    pub fn unsendable(&mut self) -> bool {
        matches!(self.held, Held::Nothing) && self.payment.unsendable()
    }
}

/// Tells the payee that a payment is held for it, if it is time.
fn notify(payment: &Payment, served: &Served, going: &mut Going, now: UnixTime) -> Action {
    // More than a path id can count are not needed.
    let paths = || served.invoice.message_paths().into_iter().flatten().take(u8::MAX.into());
    let way = going.schedule.next(paths().count(), |_| true, now);
    let next = way.and_then(|way| Some((u8::try_from(way).ok()?, paths().nth(way)?.into_owned())));
    let Some((position, path)) = next else {
        return Action::WaitUntil(going.schedule.next_at().min(going.until.next_second()));
    };
    let token = Token { id: payment.id.0, generation: going.generation(), position };
    Action::Send(Box::new(OutgoingMessage {
        message: OffersMessage::HeldHtlcAvailable,
        destination: Destination::Path(path),
        reply_path_id: Some(payment.payer.notice_path_id(token)),
    }))
}

impl Going {
    /// What the path ids of its notices say.
    pub(super) fn generation(&self) -> u8 {
        // Attempts come back to the same number after 256 failures.
        let [.., generation] = self.attempt.0.to_be_bytes();
        generation
    }
}
