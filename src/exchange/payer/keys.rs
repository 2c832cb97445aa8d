//! What a payer derives from its secret, and recognises.

use alloc::sync::Arc;

use bitcoin::constants::ChainHash;
use secp256k1::Keypair;
use zeroize::Zeroizing;

#[cfg(feature = "contacts")]
use crate::exchange::contacts::key::OfferKey;
use crate::exchange::ids::{PathId, PaymentId};
use crate::exchange::message::MessageArrival;
use crate::exchange::secret::{MacKey, Nonce, Seal, Token, request_records};
use crate::field::KnownFeatures;
use crate::invoice_request::RequestFields;
#[cfg(feature = "async_payments")]
use crate::payer_proof::Preimage;
use crate::tlv::TlvStream;
use crate::units::Msat;

/// A payer. Everything that is needed to pay, and to prove a payment later, follows from one secret and from the
/// messages themselves (EXC-3).
///
/// Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Payer {
    keys: Arc<Keys>,
    known: &'static KnownFeatures,
    /// What signs for the payer's name.
    #[cfg(feature = "contacts")]
    name_key: Option<Arc<OfferKey>>,
}

/// One key for each purpose.
#[derive(Debug)]
struct Keys {
    ids: MacKey,
    nonces: MacKey,
    refund_nonces: MacKey,
    requests: MacKey,
    request_keys: MacKey,
    reply_paths: MacKey,
    refund_paths: MacKey,
    #[cfg(feature = "onion")]
    lookup_ids: MacKey,
    #[cfg(feature = "onion")]
    lookup_paths: MacKey,
    delays: MacKey,
    #[cfg(feature = "recurrence")]
    subscriptions: MacKey,
    #[cfg(feature = "async_payments")]
    notices: MacKey,
    #[cfg(feature = "async_payments")]
    preimages: MacKey,
    states: MacKey,
}

impl Payer {
    /// A payer with this secret. The secret must be unpredictable, and serve no other purpose.
    pub fn new(secret: [u8; 32]) -> Self {
        let secret = Zeroizing::new(secret);
        let key = |purpose| MacKey::derive(&secret, purpose);
        let keys = Keys {
            ids: key("payer payment id"),
            nonces: key("payer nonce"),
            refund_nonces: key("payer refund nonce"),
            requests: key("payer request"),
            request_keys: key("payer request key"),
            reply_paths: key("payer reply path"),
            refund_paths: key("payer refund path"),
            #[cfg(feature = "onion")]
            lookup_ids: key("payer lookup id"),
            #[cfg(feature = "onion")]
            lookup_paths: key("payer lookup path"),
            delays: key("payer delay"),
            #[cfg(feature = "recurrence")]
            subscriptions: key("payer subscription"),
            #[cfg(feature = "async_payments")]
            notices: key("payer notice path"),
            #[cfg(feature = "async_payments")]
            preimages: key("payer preimage"),
            states: key("payer state"),
        };
        Self {
            keys: Arc::new(keys),
            known: KnownFeatures::default_ref(),
            #[cfg(feature = "contacts")]
            name_key: None,
        }
    }

    /// Declares the compulsory features that the application knows.
    #[must_use]
    pub fn knowing(mut self, known: &'static KnownFeatures) -> Self {
        self.known = known;
        self
    }

    /// The payment that a message belongs to, if it arrived over a reply path or over the path of a refund. Costs a
    /// MAC.
    ///
    /// `None` if it arrived in any other way: then it belongs to no payment.
    pub fn payment_of(&self, arrival: &MessageArrival) -> Option<PaymentId> {
        let MessageArrival::Path(path_id) = arrival else { return None };
        let token = self.reply(path_id).or_else(|| self.refund_path(path_id));
        token.map(|token| PaymentId(token.id))
    }

    /// The same for an [`AsyncPayment`](crate::exchange::AsyncPayment), to which a message also belongs that came over the
    /// reply path of a notice. Costs two MACs.
    #[cfg(feature = "async_payments")]
    pub fn async_payment_of(&self, arrival: &MessageArrival) -> Option<PaymentId> {
        let MessageArrival::Path(path_id) = arrival else { return None };
        let token = self.reply(path_id).or_else(|| self.notice(path_id));
        token.map(|token| PaymentId(token.id))
    }

    /// Whether an invoice answers one of our requests or refunds, and repeats it unchanged, no matter who signed the
    /// invoice. Costs a MAC.
    pub fn is_own(&self, message: &TlvStream) -> bool {
        self.seal(message).is_some()
    }

    /// The key that signed one of our requests, derived from the request, or from an invoice that answers it (EXC-3). A
    /// payer proof needs this key. `None` if the request is not ours, was changed, or was signed
    /// [elsewhere](crate::exchange::Draft::signer).
    pub fn keypair(&self, request: &RequestFields) -> Option<Keypair> {
        let keypair = self.seal(request.tlvs()).map(|seal| self.request_keypair(&seal.nonce));
        keypair.filter(|keypair| request.payer_id().is_none_or(|payer_id| payer_id == keypair.public_key()))
    }

    /// Gives the key of the offer that the payer's BIP 353 name leads to: what signs for the name where a contact is
    /// told it ([`PayerIdentity::Name`](crate::PayerIdentity), CON-3). It is needed again where a payment is loaded
    /// that goes on.
    #[cfg(feature = "contacts")]
    #[must_use]
    pub fn named_by(mut self, key: OfferKey) -> Self {
        self.name_key = Some(Arc::new(key));
        self
    }

    /// What signs for the payer's name.
    pub(crate) fn name_key(&self) -> Option<&Keypair> {
        #[cfg(feature = "contacts")]
        let key = self.name_key.as_deref().map(OfferKey::keypair);
        #[cfg(not(feature = "contacts"))]
        let key = None;
        key
    }

    pub(crate) fn known(&self) -> &'static KnownFeatures {
        self.known
    }

    pub(crate) fn states(&self) -> &MacKey {
        &self.keys.states
    }

    /// What everything about subscriptions is derived with.
    #[cfg(feature = "recurrence")]
    pub(crate) fn subscriptions(&self) -> &MacKey {
        &self.keys.subscriptions
    }

    /// The id of a payment. That it depends on what is asked for as well keeps two payments for offers apart whose
    /// caller was wrong about its randomness.
    pub(crate) fn payment_id(&self, entropy: &[u8; 32], what: &[u8]) -> PaymentId {
        PaymentId(self.keys.ids.short(&[entropy, what]))
    }

    /// What a payment's delays are drawn with.
    pub(crate) fn delays(&self, id: PaymentId) -> u64 {
        u64::from_be_bytes(self.keys.delays.short(&[&id.0]))
    }

    /// The nonce of a request: unpredictable for everybody else (RQW-6), and no two are the same.
    pub(crate) fn nonce(&self, token: Token, chain: ChainHash, amount: Option<Msat>) -> Nonce {
        token.nonce(&self.keys.nonces, chain, amount)
    }

    /// The nonce of a refund, which is published once.
    pub(crate) fn refund_nonce(&self, id: PaymentId) -> Nonce {
        self.keys.refund_nonces.short(&[&id.0])
    }

    /// RQW-4
    pub(crate) fn request_keypair(&self, nonce: &Nonce) -> Keypair {
        self.keys.request_keys.keypair(&[nonce])
    }

    /// What completes the metadata of a request with a nonce.
    pub(crate) fn request_tag(&self, nonce: &Nonce, [first, second]: [&[u8]; 2]) -> [u8; 16] {
        self.keys.requests.short(&[nonce, first, second])
    }

    /// The metadata of a request of ours, wherever it stands, if all the rest of it is as it was.
    pub(crate) fn seal(&self, tlvs: &TlvStream) -> Option<Seal> {
        let seal = Seal::read(tlvs.value(0)?)?;
        let [low, high, rest] = request_records(tlvs);
        self.keys.requests.verifies(&[&seal.nonce, low, high, rest], &seal.tag).then_some(seal)
    }

    pub(crate) fn reply_path_id(&self, token: Token) -> PathId {
        token.path_id(&self.keys.reply_paths)
    }

    pub(crate) fn refund_path_id(&self, token: Token) -> PathId {
        token.path_id(&self.keys.refund_paths)
    }

    /// What everything about looking up a name is derived with: its id, and the path ids of its queries.
    #[cfg(feature = "onion")]
    pub(crate) fn lookups(&self) -> [&MacKey; 2] {
        [&self.keys.lookup_ids, &self.keys.lookup_paths]
    }

    #[cfg(feature = "async_payments")]
    pub(crate) fn notice_path_id(&self, token: Token) -> PathId {
        token.path_id(&self.keys.notices)
    }

    #[cfg(feature = "async_payments")]
    pub(crate) fn notice(&self, path_id: &PathId) -> Option<Token> {
        Token::read(&self.keys.notices, path_id)
    }

    /// STA-6: as unpredictable as the randomness or the secret, whichever is more.
    #[cfg(feature = "async_payments")]
    pub(crate) fn preimage(&self, randomness: &[u8; 32], id: PaymentId) -> Preimage {
        Preimage(self.keys.preimages.mac(&[randomness, &id.0]))
    }

    pub(crate) fn reply(&self, path_id: &PathId) -> Option<Token> {
        Token::read(&self.keys.reply_paths, path_id)
    }

    pub(crate) fn refund_path(&self, path_id: &PathId) -> Option<Token> {
        Token::read(&self.keys.refund_paths, path_id)
    }
}
