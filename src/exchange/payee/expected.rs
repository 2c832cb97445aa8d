//! What a payee expects to be paid, found again without having stored it.

use core::time::Duration;

use bitcoin::hashes::sha256;

use crate::exchange::ids::PathId;
use crate::exchange::payee::keys::Payee;
use crate::payer_proof::Preimage;
use crate::units::{Msat, UnixTime};

/// A payment that an invoice asks for.
///
/// All of it follows from the request, the amount and the time, so that replicas agree on it (EXC-2). Whoever has
/// the issuer's secret finds it again when the payment comes, from the payment hash and from the path id of the
/// blinded path that it comes over: see [`Payee::expected_payment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedPayment {
    /// The path id for the blinded paths of the invoice. It says how much is due, and until when.
    pub path_id: PathId,
    /// What is due.
    pub amount: Msat,
    /// The last second at which it may be paid.
    pub expires_at: UnixTime,
    /// What the payer gets in exchange, and must not be known to anybody before.
    pub preimage: Preimage,
}

impl ExpectedPayment {
    /// The invoice's payment hash.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.preimage.payment_hash()
    }
}

impl Payee {
    /// The payment for an invoice that answers a request or refund.
    pub(crate) fn payment_for(
        &self,
        request: &[u8],
        amount: Msat,
        created_at: UnixTime,
        relative_expiry: Duration,
    ) -> ExpectedPayment {
        let expires_at = created_at.saturating_add(relative_expiry);
        let [due, until] = [amount.0, expires_at.0].map(u64::to_be_bytes);
        let id: [u8; 16] = self.payment_ids().short(&[&due, &until, request]);
        let mut path_id = [0; 32];
        let parts = due.iter().chain(&until).chain(&id);
        path_id.iter_mut().zip(parts).for_each(|(slot, part)| *slot = *part);
        ExpectedPayment { path_id: PathId(path_id), amount, expires_at, preimage: self.preimage(&path_id) }
    }

    /// Finds out which payment has arrived: over a path of an invoice, with a payment hash and the path id in the
    /// path's last hop. Take it if all its parts come to at least the [amount](ExpectedPayment::amount), and at most
    /// twice that, if it is not too late, and if it was not taken before: after that, the nodes on the way know the
    /// preimage, and could keep what is sent again. So payment hashes that were taken are to be remembered, until they
    /// expire.
    ///
    /// Nothing if the invoice was not made with the [`ExpectedPayment`] of this issuer.
    pub fn expected_payment(&self, payment_hash: sha256::Hash, path_id: &PathId) -> Option<ExpectedPayment> {
        let number =
            |at: usize| path_id.0.get(at..).and_then(|rest| rest.first_chunk()).map(|b| u64::from_be_bytes(*b));
        let (amount, expires_at) = (Msat(number(0)?), UnixTime(number(8)?));
        // Nobody else knows a preimage for a path id, so the hash that was paid proves every byte of it.
        let preimage = self.preimage(&path_id.0);
        let expected = ExpectedPayment { path_id: *path_id, amount, expires_at, preimage };
        (expected.payment_hash() == payment_hash).then_some(expected)
    }

    fn preimage(&self, path_id: &[u8; 32]) -> Preimage {
        Preimage(self.preimages().mac(&[path_id]))
    }
}
