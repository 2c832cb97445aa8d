//! A subscription as bytes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::hashes::{Hash as _, sha256};
use secp256k1::schnorr;

use crate::error::Error;
use crate::exchange::ids::SubscriptionId;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::series::small;
use crate::exchange::payer::state::State;
use crate::exchange::payer::subscription::pace::Pace;
use crate::exchange::payer::subscription::plan::Plan;
use crate::exchange::payer::subscription::{Cancel, Subscription};
use crate::exchange::saved::{Kind, Reader, Writer, invalid};
use crate::units::{Msat, UnixTime};

/// Whether the signature of a cancellation follows.
const SIGNED: u8 = 0x80;

impl Payer {
    /// Loads what [`Subscription::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn load_subscription(&self, bytes: &[u8]) -> Result<Subscription, Error> {
        Reader::load(bytes, Kind::Subscription, self.states(), |reader| Subscription::read(reader, self))
    }

    /// Loads a backup of a subscription, when it is not known whether that was its last state (EXC-13): it has
    /// [stopped](crate::exchange::SubscriptionState::Stopped) until its owner
    /// [says](crate::exchange::Subscription::try_again) that the next payment was not made since. What was being paid
    /// still is.
    ///
    /// Attempts that were begun since the backup have numbers that come again: take news of a failure only with its
    /// payment hash (EXC-12).
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn restore_subscription(&self, bytes: &[u8]) -> Result<Subscription, Error> {
        let mut subscription = self.load_subscription(bytes)?;
        if let Some(payment) = &mut subscription.payment {
            payment.end_restored();
        }
        subscription.pace.restored = true;
        Ok(subscription)
    }

    /// Loads a state that was kept in memory.
    pub(crate) fn reload_subscription(&self, fields: &[u8]) -> Result<Subscription, Error> {
        Reader::reload(fields, Kind::Subscription, |reader| Subscription::read(reader, self))
    }
}

impl Subscription {
    /// The state as bytes, which [`Payer::load_subscription`] reads. The payment that was begun last is in it, with the
    /// preimage if it was made; no other secret.
    ///
    /// Save after every step that changed something, and before anything is acted upon: before sending, so that
    /// answers find the payment; before paying, so that no period is paid twice. An older state than the last one is a
    /// backup, which nothing in it can tell: [restore](Payer::restore_subscription) it.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.state_fields().finish(self.payer.states())
    }

    pub(crate) fn state_fields(&self) -> Writer {
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
        self.pace.write(&mut out);
        let (cancel, way) = match self.cancel {
            Cancel::No => (0, 0),
            Cancel::Wanted(way) => (1, way),
            Cancel::Sent(way) => (2, way),
        };
        match &self.cancel_signature {
            None => out.array([cancel, way]),
            Some(signature) => {
                out.array([cancel | SIGNED, way]);
                out.array(signature.serialize());
            }
        }
        out.flag(self.payment.is_some());
        if let Some(payment) = &self.payment {
            payment.write(&mut out);
        }
        out
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
        let pace = Pace::read(reader)?;
        let (how, way) = (reader.byte()?, reader.byte()?);
        let cancel = match (how & !SIGNED, way) {
            (0, 0) if how == 0 => Cancel::No,
            (1, way) => Cancel::Wanted(way),
            (2, way) => Cancel::Sent(way),
            _ => return Err(invalid()),
        };
        let cancel_signature = match how & SIGNED {
            0 => None,
            _ => Some(Box::new(schnorr::Signature::from_slice(&reader.array::<64>()?).map_err(|_| invalid())?)),
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
            pace,
            cancel,
            cancel_signature,
        };
        if loaded.is_consistent() { Ok(loaded) } else { Err(invalid()) }
    }

    /// What holds of every state that was saved: the start of period 0 is known from the offer or the first payment,
    /// and the payment is the next one or the last one.
    fn is_consistent(&self) -> bool {
        let knows_basetime = match self.plan.base() {
            Some(base) => self.basetime == Some(base),
            None => self.basetime.is_some() == (self.counter > 0),
        };
        let has_signer = self.cancel_signature.is_none() || self.plan.choices.signer.is_some();
        knows_basetime && has_signer && self.payment.as_ref().is_none_or(|payment| self.is_own(payment))
    }

    fn is_own(&self, payment: &Payment) -> bool {
        let Some(series) = payment.series() else { return false };
        let counter = series.request.counter;
        let is_paid = matches!(payment.state(), State::Paid(_));
        let is_next = if is_paid { counter.checked_add(1) == Some(self.counter) } else { counter == self.counter };
        // How often it took, nobody asks once it is paid.
        let is_its_id = is_paid || payment.id() == self.payer.series_payment_id(self.id, counter, self.attempt);
        is_next && is_its_id && series.nonce == Some(self.payer.series_nonce(self.id))
    }
}
