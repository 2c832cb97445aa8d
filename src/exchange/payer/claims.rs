//! A refund that was published, and the claims of it that came.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payer::keys::Payer;
use crate::exchange::refused::Refused;
use crate::exchange::saved::{Reader, Writer, saved_key};
use crate::invoice::{Arrival, Invoice, RefundContext};
use crate::invoice_request::Refund;
use crate::tlv::TlvStream;
use crate::units::UnixTime;

/// How many claims of a refund are kept side by side. A further one takes the place of the oldest; anyone who is honest
/// sends its claim again.
pub const MAX_CLAIMS: usize = 16;

/// How long a claim is kept at most, whatever it says of its expiry: somebody's quote for ever blocks nothing.
const CLAIM_LIFE: Duration = Duration::from_secs(7_200);

/// How many keys that were declined are remembered; the oldest are forgotten first.
const MAX_DECLINED: usize = 100;

/// How many claims are looked at one after the other; after that one in [`CLAIM_INTERVAL`] seconds (EXC-20).
const CLAIMS_AT_ONCE: u64 = 16;

/// After how many seconds one more is looked at.
const CLAIM_INTERVAL: u64 = 60;

/// How many claims are looked at: each can cost a signature, a save and somebody's attention, and keys cost nothing, so
/// that no count of keys would be an end. It is kept in memory alone, since what is refused saves nothing.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    left: u64,
    /// From when on the next one is gained.
    since: UnixTime,
}

impl Allowance {
    const FULL: Self = Self { left: CLAIMS_AT_ONCE, since: UnixTime(0) };

    fn take(&mut self, now: UnixTime) -> Result<(), Error> {
        // A clock that was set back does not stop it.
        let passed = now.0.saturating_sub(self.since.min(now).0);
        let gained = passed.checked_div(CLAIM_INTERVAL).unwrap_or(0);
        self.left = self.left.saturating_add(gained).min(CLAIMS_AT_ONCE);
        let rest = passed.checked_rem(CLAIM_INTERVAL).unwrap_or(0);
        self.since = UnixTime(now.0.saturating_sub(if self.left == CLAIMS_AT_ONCE { 0 } else { rest }));
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let seconds = CLAIM_INTERVAL.saturating_sub(rest);
                Err(Error::new(ErrorKind::TooManyClaims { seconds }, Rule::Exc20))
            }
        }
    }
}

/// An invoice that claims the refund.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) invoice: Invoice,
    /// The last second at which it is kept.
    pub(crate) until: UnixTime,
}

/// A refund, and who may claim it.
#[derive(Clone, Debug)]
pub(crate) struct PublishedRefund {
    pub(crate) refund: Refund,
    /// Who was confirmed in another way (IVR-9).
    payee: Option<PublicKey>,
    /// Who was found to be the wrong one.
    declined: Vec<PublicKey>,
    /// One for each key, in the order in which they came.
    pub(crate) claims: Vec<Claimed>,
    allowance: Allowance,
}

impl PublishedRefund {
    pub(crate) fn new(refund: Refund) -> Self {
        Self { refund, payee: None, declined: Vec::new(), claims: Vec::new(), allowance: Allowance::FULL }
    }

    /// Whether an invoice can be paid for the refund.
    pub(crate) fn check(&self, invoice: &Invoice, now: UnixTime) -> Result<(), Error> {
        let (refund, arrival, chains) = (&self.refund, Arrival::OwnPath, &[self.refund.chain()]);
        invoice.check_refund(&RefundContext { refund, arrival, now, chains, payee: self.payee }).map(drop)?;
        match self.declined.contains(&invoice.node_id()) {
            true => Err(wrong_key()),
            false => Ok(()),
        }
    }

    /// Before a claim is verified (EXC-1): whether it is looked at. What is there already, or comes from somebody else
    /// than was confirmed, costs nothing and takes nobody's turn. Once somebody was confirmed, claims in that name are
    /// all looked at, since others cannot sign them: see [`kept`](Self::kept).
    pub(crate) fn admit(&mut self, claim: &TlvStream, now: UnixTime) -> Result<(), Box<Refused>> {
        if self.claims.iter().any(|before| before.invoice.as_bytes() == claim.as_bytes()) {
            return Err(Refused::late());
        }
        let node_id = claim.value(Field::INVOICE_NODE_ID.number()).unwrap_or_default();
        match self.payee {
            Some(payee) if payee.serialize() == node_id => Ok(()),
            Some(_) => Err(wrong_key().into()),
            None => self.allowance.take(now).map_err(Into::into),
        }
    }

    /// After a claim was found to be right: whether it is kept, where that was not decided before.
    pub(crate) fn kept(&mut self, now: UnixTime) -> Result<(), Box<Refused>> {
        if self.payee.is_some() { self.allowance.take(now).map_err(Into::into) } else { Ok(()) }
    }

    /// Keeps a claim, in the place of an earlier one of the same key.
    pub(crate) fn add(&mut self, invoice: Invoice, now: UnixTime) {
        let until = invoice.expires_at().min(now.saturating_add(CLAIM_LIFE));
        let node_id = invoice.node_id();
        self.claims.retain(|claim| claim.invoice.node_id() != node_id);
        if self.claims.len() >= MAX_CLAIMS {
            self.claims.remove(0);
        }
        self.claims.push(Claimed { invoice, until });
    }

    /// Forgets the claims whose time has ended.
    pub(crate) fn drop_old(&mut self, now: UnixTime) {
        // A clock that was set back does not keep them longer.
        let latest = now.saturating_add(CLAIM_LIFE);
        self.claims.retain(|claim| now <= claim.until && claim.until <= latest);
    }

    pub(crate) fn decline(&mut self, node_id: PublicKey) {
        self.claims.retain(|claim| claim.invoice.node_id() != node_id);
        if !self.declined.contains(&node_id) {
            if self.declined.len() >= MAX_DECLINED {
                self.declined.remove(0);
            }
            self.declined.push(node_id);
        }
    }

    pub(crate) fn expect_payee(&mut self, node_id: PublicKey) {
        self.declined.retain(|declined| *declined != node_id);
        self.claims.retain(|claim| claim.invoice.node_id() == node_id);
        self.payee = Some(node_id);
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.bytes(self.refund.as_bytes());
        out.optional(self.payee.map(|payee| payee.serialize()));
        out.number(self.declined.len() as u64);
        self.declined.iter().for_each(|declined| out.array(declined.serialize()));
        out.number(self.claims.len() as u64);
        for claim in &self.claims {
            out.bytes(claim.invoice.as_bytes());
            out.number(claim.until.0);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, payer: &Payer) -> Result<Self, Error> {
        let refund = Refund::read(reader.bytes()?.to_vec(), payer.known())?;
        let payee = reader.optional()?.map(saved_key).transpose()?;
        let (mut declined, mut claims) = (Vec::new(), Vec::new());
        for _ in 0..reader.number()? {
            declined.push(saved_key(reader.array()?)?);
        }
        for _ in 0..reader.number()? {
            let invoice = Invoice::read(reader.bytes()?.to_vec(), payer.known())?;
            claims.push(Claimed { invoice, until: UnixTime(reader.number()?) });
        }
        Ok(Self { refund, payee, declined, claims, allowance: Allowance::FULL })
    }
}

fn wrong_key() -> Error {
    Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Ivr9)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        // EXC-20: sixteen at once, and one more after each minute, whatever second it begins in and however often one is
        // refused; and whoever is refused hears when.
        #[test]
        fn one_claim_in_a_minute_is_looked_at_after_sixteen(
            start in 0..=u64::MAX / 2,
            pauses in prop::collection::vec(prop_oneof![4 => 0..5u64, 1 => 0..200u64, 1 => 900..2_000u64], 1..120),
        ) {
            let (mut allowance, mut now) = (Allowance::FULL, start);
            // For so many seconds claims are looked at.
            let mut left = 16 * 60;
            for pause in pauses {
                now += pause;
                left = (left + pause).min(16 * 60);
                match allowance.take(UnixTime(now)) {
                    Ok(()) => {
                        prop_assert!(left >= 60);
                        left -= 60;
                    }
                    Err(error) => prop_assert_eq!(error.kind(), &ErrorKind::TooManyClaims { seconds: 60 - left }),
                }
            }
        }
    }
}
