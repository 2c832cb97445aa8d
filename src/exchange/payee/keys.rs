//! What a payee derives from its secret, and recognises.

use alloc::sync::Arc;

use secp256k1::Keypair;
use zeroize::Zeroizing;

use crate::exchange::secret::{MacKey, Nonce, Seal, ShortSeal, offer_records};
use crate::field::KnownFeatures;
use crate::offer::Offer;
use crate::tlv::TlvStream;

/// A payee. It makes offers, and answers requests for them. It needs a secret but no storage, unless it sells
/// subscriptions: see `ReceivedRequest::accept_recurring`, with the feature `recurrence`.
///
/// Everything follows from the secret. All replicas with the same secret recognise each other's offers, sign with the
/// same keys and give the same answers (EXC-2). Anyone who learns the secret can sign invoices for these offers.
///
/// ```
/// # use bolt12::{BlindedPath, Error, Msat, Offer, OfferBuilder};
/// use bolt12::exchange::{Payee, PathId};
///
/// # fn make_offer(make_path: impl Fn(PathId) -> BlindedPath<'static>) -> Result<Offer, Error> {
/// let issuer = Payee::new([0x42; 32]); // a secret of your own
/// let new = issuer.new_offer([7; 16]); // fresh randomness
/// let path = make_path(new.path_id(0)); // a blinded path to your node that holds this path id
/// let offer = OfferBuilder::new(new.issuer_id()).description("tea").amount_msat(Msat(9_000)).add_path(path);
/// let offer = new.build(offer)?;
/// assert!(issuer.is_own(&offer));
/// # Ok(offer)
/// # }
/// ```
///
/// Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Payee {
    pub(crate) keys: Arc<Keys>,
    pub(crate) known: &'static KnownFeatures,
}

/// One key for each purpose.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) offers: MacKey,
    pub(crate) offer_paths: MacKey,
    offer_keys: MacKey,
    preimages: MacKey,
    refund_keys: MacKey,
    payment_ids: MacKey,
    sales: MacKey,
    sale_stream: MacKey,
    claims: MacKey,
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    pub(crate) forward_paths: MacKey,
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    pub(crate) held_paths: MacKey,
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    pub(crate) recipients: MacKey,
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    pub(crate) recipient_paths: MacKey,
    states: MacKey,
}

impl Payee {
    /// A payee with this secret. The secret must be unpredictable, and serve no other purpose.
    pub fn new(secret: [u8; 32]) -> Self {
        let secret = Zeroizing::new(secret);
        let key = |purpose| MacKey::derive(&secret, purpose);
        let keys = Keys {
            offers: key("issuer offer"),
            offer_paths: key("issuer offer path"),
            offer_keys: key("issuer offer key"),
            preimages: key("issuer preimage"),
            refund_keys: key("issuer refund key"),
            payment_ids: key("issuer payment"),
            sales: key("issuer sale"),
            sale_stream: key("issuer sale stream"),
            claims: key("issuer claim"),
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            forward_paths: key("issuer forward path"),
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            held_paths: key("issuer held path"),
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            recipients: key("issuer recipient"),
            #[cfg(all(feature = "async_payments", feature = "onion"))]
            recipient_paths: key("issuer recipient path"),
            states: key("issuer state"),
        };
        Self { keys: Arc::new(keys), known: KnownFeatures::default_ref() }
    }

    /// Declares the compulsory features that the application knows.
    #[must_use]
    pub fn knowing(mut self, known: &'static KnownFeatures) -> Self {
        self.known = known;
        self
    }

    pub(crate) fn known(&self) -> &'static KnownFeatures {
        self.known
    }

    pub(crate) fn states(&self) -> &MacKey {
        &self.keys.states
    }

    pub(crate) fn payment_ids(&self) -> &MacKey {
        &self.keys.payment_ids
    }

    pub(crate) fn sales(&self) -> &MacKey {
        &self.keys.sales
    }

    pub(crate) fn sale_stream(&self) -> &MacKey {
        &self.keys.sale_stream
    }

    pub(crate) fn preimages(&self) -> &MacKey {
        &self.keys.preimages
    }

    pub(crate) fn claims(&self) -> &MacKey {
        &self.keys.claims
    }

    /// Whether this payee made the offer, and nobody has changed it. Costs a MAC.
    pub fn is_own(&self, offer: &Offer) -> bool {
        self.seal(offer.tlvs()).is_some()
    }

    /// The nonce of an offer, wherever it stands, if it is ours and all the rest is as it was.
    pub(crate) fn seal(&self, tlvs: &TlvStream) -> Option<Nonce> {
        let metadata = tlvs.value(4)?;
        let [first, middle, last] = offer_records(tlvs);
        if let Some(seal) = ShortSeal::read(metadata) {
            let parts = [&seal.nonce()[..], first, middle, last];
            return self.keys.offers.verifies_short(&parts, &seal.tag).then(|| seal.nonce());
        }
        let seal = Seal::read(metadata)?;
        self.keys.offers.verifies(&[&seal.nonce, first, middle, last], &seal.tag).then_some(seal.nonce)
    }

    /// The key pair of an offer that this issuer began with the nonce.
    pub(crate) fn offer_keypair(&self, nonce: &Nonce) -> Keypair {
        self.keys.offer_keys.keypair(&[nonce])
    }

    /// The key pair that claims a refund.
    pub(crate) fn refund_keypair(&self, refund: &[u8]) -> Keypair {
        self.keys.refund_keys.keypair(&[refund])
    }
}
