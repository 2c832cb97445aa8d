//! A refund that was published, and the claims of it that came.

use alloc::vec::Vec;
use core::time::Duration;

use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payer::keys::Payer;
use crate::exchange::saved::{Reader, Writer, invalid};
use crate::invoice::{Arrival, Invoice, RefundContext};
use crate::invoice_request::Refund;
use crate::units::UnixTime;

/// How many claims of a refund are kept side by side. A further one takes the place of the oldest; whoever is honest
/// sends its claim again.
pub const MAX_CLAIMS: usize = 16;

/// How long a claim is kept at most, whatever it says of its expiry: somebody's quote for ever blocks nothing.
const CLAIM_LIFE: Duration = Duration::from_secs(7_200);

/// How many keys that were declined are remembered; the oldest are forgotten first.
const MAX_DECLINED: usize = 100;

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
}

impl PublishedRefund {
    pub(crate) fn new(refund: Refund) -> Self {
        Self { refund, payee: None, declined: Vec::new(), claims: Vec::new() }
    }

    /// Whether an invoice can be paid for the refund.
    pub(crate) fn check(&self, invoice: &Invoice, now: UnixTime) -> Result<(), Error> {
        let (refund, arrival, chains) = (&self.refund, Arrival::OwnPath, &[self.refund.chain()]);
        invoice.check_refund(&RefundContext { refund, arrival, now, chains, payee: self.payee }).map(drop)?;
        match self.declined.contains(&invoice.node_id()) {
            true => Err(Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Ivr9)),
            false => Ok(()),
        }
    }

    pub(crate) fn has(&self, invoice: &Invoice) -> bool {
        self.claims.iter().any(|claim| claim.invoice == *invoice)
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

    /// Forgets the claims whose time is over.
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
        Ok(Self { refund, payee, declined, claims })
    }
}

fn saved_key(bytes: [u8; 33]) -> Result<PublicKey, Error> {
    PublicKey::from_slice(&bytes).map_err(|_| invalid())
}
