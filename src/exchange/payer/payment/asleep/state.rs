//! Where a payment stands whose payee may be asleep.

use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;
use secp256k1::{PublicKey, schnorr};

use crate::error::{Error, ErrorKind, Rule};
use crate::exchange::payer::budget::Objection;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::limit::FeeLimit;
use crate::exchange::payer::purpose::Purpose;
use crate::exchange::payer::state::{Attempt, State};
use crate::exchange::secret::Token;
use crate::field::{BlindedPath, PayInfo};
use crate::invoice::{MultiPart, PathLimits};
use crate::invoice_request::InvoiceRequest;
use crate::payer_proof::Preimage;
use crate::static_invoice::{PayableStaticInvoice, StaticInvoice};
use crate::units::{Msat, UnixTime};

/// Where a payment stands whose payee may be asleep.
#[derive(Clone, Copy, Debug)]
pub enum AsyncState<'a> {
    /// No static invoice has come: it is a payment like any other, also once the payee has answered itself.
    AsUsual(State<'a>),
    /// The payee is asleep, and its static invoice may be paid:
    /// [begin](crate::exchange::AsyncPayment::begin_held), or [decline](crate::exchange::AsyncPayment::decline). Until
    /// then the payee may still answer itself, which is better.
    Quoted(AsyncQuote<'a>),
    /// The same, but it is not paid unless whoever owns the money [allows](crate::exchange::AsyncPayment::allow) it.
    NeedsApproval {
        /// The static invoice.
        quote: AsyncQuote<'a>,
        /// What speaks against it.
        objection: Objection,
    },
    /// Being paid, perhaps: this is what the node needs, and whether it may [release](AsyncPaying::release) the payment.
    /// After a crash, ask the node first what became of this payment hash.
    Paying(AsyncPaying<'a>),
    /// Paid. No receipt proves it (STA-6).
    Paid(AsyncPaid<'a>),
}

/// What a static invoice asks for, to be shown to whoever decides.
///
/// `Display` gives a sentence for a person, about what it is that is quoted.
#[derive(Clone, Copy, Debug)]
pub struct AsyncQuote<'a> {
    invoice: &'a StaticInvoice,
    amount: Option<Msat>,
    fees: FeeLimit,
}

/// "the payee is asleep; no receipt will prove this payment"
impl fmt::Display for AsyncQuote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payee is asleep; no receipt will prove this payment")
    }
}

impl<'a> AsyncQuote<'a> {
    pub(super) fn new(invoice: &'a StaticInvoice, amount: Option<Msat>, fees: FeeLimit) -> Self {
        Self { invoice, amount, fees }
    }

    /// What the payee is to get (STA-5). Nothing if the price is in a currency whose rate is not known yet: see
    /// [`set_rate`](crate::exchange::AsyncPayment::set_rate).
    pub fn amount(&self) -> Option<Msat> {
        self.amount
    }

    /// The least and the most that the payee's paths ask for on top, among those within the limit (EXC-10): as
    /// [`Quote::fees`](crate::exchange::Quote::fees).
    pub fn fees(&self) -> Option<RangeInclusive<Msat>> {
        let amount = self.amount?;
        let paths = PayableStaticInvoice::again(self.invoice, amount).paths_within(&self.fees.of(amount)).ok()?;
        let fee = |payinfo: &PayInfo<'_>| payinfo.fee(payinfo.share(amount)?);
        let fees = || paths.iter().filter_map(|(_, payinfo)| fee(payinfo));
        Some(fees().min()?..=fees().max()?)
    }

    /// The static invoice, to be shown.
    pub fn invoice(&self) -> &'a StaticInvoice {
        self.invoice
    }

    /// The last second at which it may be paid (STA-3).
    pub fn expires_at(&self) -> UnixTime {
        self.invoice.expires_at()
    }

    /// The key that signed the static invoice (STA-2).
    pub fn node_id(&self) -> PublicKey {
        self.invoice.node_id()
    }
}

/// What the node that holds a payment may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Release {
    /// Hold it: the payee has not asked for it. A node that is always online sends nothing yet.
    Hold,
    /// Let it go to the payee, who is awake.
    Release,
    /// Give it up, and say that it has [failed](crate::exchange::AsyncPayment::failed): the payee did not wake in time.
    GiveUp,
}

/// What it takes to pay a static invoice.
#[derive(Clone, Copy, Debug)]
pub struct AsyncPaying<'a> {
    pub(super) payer: &'a Payer,
    pub(super) purpose: &'a Purpose,
    pub(super) token: Token,
    pub(super) signature: Option<&'a schnorr::Signature>,
    pub(super) payable: PayableStaticInvoice<'a>,
    pub(super) preimage: Preimage,
    pub(super) attempt: Attempt,
    pub(super) limits: PathLimits,
    pub(super) until: UnixTime,
    pub(super) release: Release,
}

impl<'a> AsyncPaying<'a> {
    /// What the node may do now. It changes once at most: [save](crate::exchange::AsyncPayment::to_bytes) that before it
    /// is acted on.
    pub fn release(&self) -> Release {
        self.release
    }

    /// The last second in which the payee may ask for the payment.
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// Which attempt this is: what [`AsyncPayment::failed`](crate::exchange::AsyncPayment::failed) takes.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// The static invoice.
    pub fn invoice(&self) -> &'a StaticInvoice {
        self.payable.invoice()
    }

    /// The request that the static invoice answers, made again: it goes into the payment onion, as
    /// [`PAYMENT_INVOICE_REQUEST_TLV`](crate::PAYMENT_INVOICE_REQUEST_TLV) of the last hop, so that the payee knows what
    /// is paid for.
    ///
    /// # Errors
    ///
    /// What [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) refuses, which was not when it was sent.
    pub fn request(&self) -> Result<InvoiceRequest, Error> {
        // Nobody is asked for the invoice of a refund.
        let offer = self.purpose.offer().ok_or(Error::new(ErrorKind::IsRefund, Rule::Ofr7))?;
        offer.request(self.payer, self.token, self.signature)
    }

    /// What the payer made up (STA-6): it goes into the payment onion, as
    /// [`PAYMENT_PREIMAGE_TLV`](crate::PAYMENT_PREIMAGE_TLV) of the last hop. Whoever knows it can take the payment on its
    /// way, and nobody proves anything with it.
    pub fn preimage(&self) -> Preimage {
        self.preimage
    }

    /// The hash of the preimage.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.preimage.payment_hash()
    }

    /// What the payee is to get.
    pub fn amount(&self) -> Msat {
        self.payable.amount()
    }

    /// The chain to pay on.
    pub fn chain(&self) -> ChainHash {
        self.payable.chain()
    }

    /// Whether the payment may be split (IVR-14).
    pub fn multi_part(&self) -> MultiPart {
        self.payable.multi_part()
    }

    /// The most that the paths may cost in all, and delay any part (EXC-10).
    pub fn limits(&self) -> PathLimits {
        self.limits
    }

    /// The paths that can carry the amount, or their share of it, within the [limits](Self::limits), cheapest first:
    /// see [`PayableStaticInvoice::paths_within`]. There is at least one.
    pub fn paths(&self) -> Vec<(BlindedPath<'a>, PayInfo<'a>)> {
        self.payable.paths_within(&self.limits).unwrap_or_default()
    }
}

/// What was paid for a static invoice.
///
/// The payer made the preimage, so nothing proves that anybody was paid (STA-6): there is neither a
/// [receipt](crate::exchange::Receipt) nor a payer proof.
#[derive(Clone, Copy, Debug)]
pub struct AsyncPaid<'a> {
    invoice: &'a StaticInvoice,
    amount: Msat,
    payment_hash: sha256::Hash,
}

impl<'a> AsyncPaid<'a> {
    pub(super) fn new(invoice: &'a StaticInvoice, amount: Msat, payment_hash: sha256::Hash) -> Self {
        Self { invoice, amount, payment_hash }
    }

    /// The static invoice that was paid.
    pub fn invoice(&self) -> &'a StaticInvoice {
        self.invoice
    }

    /// What the payee got.
    pub fn amount(&self) -> Msat {
        self.amount
    }

    /// The hash under which the node knows the payment.
    pub fn payment_hash(&self) -> sha256::Hash {
        self.payment_hash
    }
}
