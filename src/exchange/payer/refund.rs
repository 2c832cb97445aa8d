//! Refunds and withdrawals: a payment that the payer publishes, and the payee claims.

use alloc::boxed::Box;

use crate::error::{Error, Field, Rule};
use crate::exchange::ids::{PathId, PaymentId};
use crate::exchange::payer::budget::Budget;
use crate::exchange::payer::claims::PublishedRefund;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::limit::{FeeLimit, Limit};
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::purpose::Purpose;
use crate::exchange::schedule::{Retry, Schedule};
use crate::exchange::secret::{Seal, Token};
use crate::invoice_request::RefundBuilder;
use crate::units::{Msat, UnixTime};

/// A refund that is being prepared: its key and path ids, which are needed before its paths and fields.
///
/// ```
/// # use bolt12::{BlindedPath, Error, Msat, UnixTime};
/// use bolt12::exchange::{PathId, Payer};
///
/// # fn publish(make_path: impl Fn(PathId) -> BlindedPath<'static>) -> Result<(), Error> {
/// let payer = Payer::new([0x42; 32]); // a secret of your own
/// let new = payer.new_refund([7; 32]); // fresh randomness
/// let path = make_path(new.path_id(0)); // a blinded path to your node that holds this path id
/// let refund = new.builder("a cup that broke", Msat(5_000_000)).add_path(path);
/// let payment = new.publish(refund, UnixTime(1_800_000_000))?;
/// println!("{}", payment.refund().unwrap()); // lnr1…
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct NewRefund {
    payer: Payer,
    id: PaymentId,
}

impl Payer {
    /// Prepares a refund or withdrawal: a payment that somebody else claims. The entropy must be new. Two refunds with
    /// the same entropy could not be told apart.
    pub fn new_refund(&self, entropy: [u8; 32]) -> NewRefund {
        NewRefund::new(self.clone(), self.payment_id(&entropy, b"refund"))
    }
}

impl NewRefund {
    pub(crate) fn new(payer: Payer, id: PaymentId) -> Self {
        Self { payer, id }
    }

    /// The path id of the refund's path at this position, counted from 0.
    pub fn path_id(&self, position: u8) -> PathId {
        self.payer.refund_path_id(Token { id: self.id.0, generation: 0, position })
    }

    /// A builder with a key for this refund alone.
    pub fn builder(&self, description: &str, amount: Msat) -> RefundBuilder {
        let nonce = self.payer.refund_nonce(self.id);
        RefundBuilder::new(description, amount, self.payer.request_keypair(&nonce).public_key(), nonce)
    }

    /// Finishes the refund, and waits for claims until it expires. The metadata authenticate all its other fields.
    ///
    /// # Errors
    ///
    /// `Missing` without a path: the refund's key is not the id of a node, so only a path leads here (RQR-12).
    /// `Expired`, and the errors of [`RefundBuilder::build`].
    pub fn publish(self, refund: RefundBuilder, now: UnixTime) -> Result<Payment, Error> {
        let nonce = self.payer.refund_nonce(self.id);
        let metadata = Seal { nonce, tag: [0; 16] }.to_bytes();
        let payer_id = self.payer.request_keypair(&nonce).public_key();
        let refund = refund.knowing(self.payer.known());
        let refund =
            refund.build_sealed(payer_id, metadata, |records| self.payer.request_tag(&nonce, [records, &[]]))?;
        if refund.paths().is_none() {
            return Err(Error::missing(Field::INVREQ_PATHS, Rule::Rqr12));
        }
        refund.offer().check_expiry(now)?;
        let budget = Budget {
            limit: Limit::AtMost(refund.amount()),
            max: refund.amount(),
            estimate: Some(refund.amount()),
            price: None,
            falls: false,
            quoted_at: None,
            fees: FeeLimit::default(),
            deadline: refund.offer().absolute_expiry().unwrap_or(UnixTime(u64::MAX)),
        };
        let schedule = Schedule::new(Retry::default(), now);
        let purpose = Purpose::Refund(Box::new(PublishedRefund::new(refund)));
        Ok(Payment::new(self.payer, self.id, purpose, budget, schedule))
    }
}
