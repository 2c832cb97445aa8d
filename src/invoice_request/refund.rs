//! Refunds and withdrawals: requests that answer no offer, with which a merchant pays a user.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use bitcoin::constants::ChainHash;
use secp256k1::{PublicKey, schnorr};

use super::{RequestFields, rules, schema};
use crate::builder::{CustomFields, check_amount, check_metadata, seal};
use crate::contacts;
use crate::error::{Error, Field, Rule};
use crate::field::{BlindedPath, Features, KnownFeatures};
use crate::message::{Keys, Message, Schema, Structure, View, message_traits};
use crate::signature::Tag;
use crate::signed::{self, Sealed, SignedMessage, Unsigned, Unverified};
use crate::tlv::Writer;
use crate::units::{Msat, UnixTime};

static SCHEMA: Schema = schema(rules::check_refund);

/// A request for an invoice that answers no offer: anyone who publishes it will pay the invoice (RQW-9).
///
/// It need not be signed; if it is, the signature is valid (D1). What is paid for stands in the
/// description of [`offer`](RequestFields::offer).
#[derive(Clone)]
pub struct Refund {
    fields: RequestFields,
    amount: Msat,
    payer_id: PublicKey,
}

impl Refund {
    /// Reads a refund, knowing more features than the default ones.
    ///
    /// # Errors
    ///
    /// Any rule of RQR-1 to RQR-4, RQR-11, RQR-14, and TLV-1 to TLV-7.
    pub fn read(bytes: Vec<u8>, known: &'static KnownFeatures) -> Result<Self, Error> {
        Unverified::read(bytes, known)?.verify()
    }

    /// Reads text, knowing more features than the default ones.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read), and TXT-1 to TXT-8.
    pub fn read_text(text: &str, known: &'static KnownFeatures) -> Result<Self, Error> {
        SCHEMA.read_text(text, |bytes| Self::read(bytes, known))
    }

    /// `invreq_amount` (TLV 82)
    ///
    /// What will be paid.
    pub fn amount(&self) -> Msat {
        self.amount
    }

    /// `invreq_payer_id` (TLV 88)
    ///
    /// The key of the payer. The invoice goes to this node if the refund has no paths (RQR-12).
    pub fn payer_id(&self) -> PublicKey {
        self.payer_id
    }

    /// `signature` (TLV 240)
    pub fn signature(&self) -> Option<schnorr::Signature> {
        signed::signature(self.tlvs(), Field::SIGNATURE)
    }
}

impl SignedMessage for Refund {}

impl Sealed for Refund {
    type Fields = RequestFields;

    const SCHEMA: &'static Schema = &SCHEMA;
    const UNSIGNED: &'static Schema = &SCHEMA;
    const TAG: Tag = Tag::INVOICE_REQUEST;
    const RULE: Rule = Rule::D1;
    const SIGNER: Field = Field::INVREQ_PAYER_ID;
    const NEEDS_SIGNATURE: bool = false;

    fn signer(message: &Message) -> Option<PublicKey> {
        message.keys().payer_id
    }

    /// CON-4
    fn verify_more(message: &Message) -> Result<(), Error> {
        contacts::verify(&message.tlvs)
    }

    fn finish(message: Message) -> Result<Self, Error> {
        let payer_id = message.keys().payer_id.ok_or(Error::missing(Field::INVREQ_PAYER_ID, Rule::Rqr1))?;
        let fields = RequestFields::of(message);
        let amount = fields.amount().ok_or(Error::missing(Field::INVREQ_AMOUNT, Rule::Rqr11))?;
        Ok(Self { fields, amount, payer_id })
    }
}

impl TryFrom<Vec<u8>> for Refund {
    type Error = Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::read(bytes, KnownFeatures::default_ref())
    }
}

message_traits!(Refund, RequestFields, SCHEMA);

/// Makes a [`Refund`].
///
/// ```
/// use bolt12::{Msat, RefundBuilder};
///
/// let payer_id = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
/// let refund = RefundBuilder::new("a cup that broke", Msat(5_000_000), payer_id, [0x24; 16]).build()?;
/// assert_eq!(refund.offer().description().unwrap().to_string(), "a cup that broke");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RefundBuilder {
    metadata: Vec<u8>,
    description: String,
    absolute_expiry: Option<UnixTime>,
    issuer: String,
    chain: ChainHash,
    amount: Msat,
    features: Features<'static>,
    payer_id: PublicKey,
    payer_note: String,
    paths: Vec<BlindedPath<'static>>,
    custom: CustomFields,
    known: &'static KnownFeatures,
}

impl RefundBuilder {
    /// A refund of an amount, for what the description says.
    ///
    /// `payer_id` must be fresh (RQW-4) and `metadata` at least 16 unpredictable bytes (RQW-6), from
    /// which the payer can find the key again.
    pub fn new(description: &str, amount: Msat, payer_id: PublicKey, metadata: impl Into<Vec<u8>>) -> Self {
        Self {
            metadata: metadata.into(),
            description: description.to_owned(),
            absolute_expiry: None,
            issuer: String::new(),
            chain: ChainHash::BITCOIN,
            amount,
            features: Features::from_bytes(&[]),
            payer_id,
            payer_note: String::new(),
            paths: Vec::new(),
            custom: CustomFields::default(),
            known: KnownFeatures::default_ref(),
        }
    }

    /// The last second at which an invoice is accepted.
    pub fn absolute_expiry(mut self, expiry: UnixTime) -> Self {
        self.absolute_expiry = Some(expiry);
        self
    }

    /// Who pays, for people. An empty name is left out.
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.issuer = issuer.to_owned();
        self
    }

    /// The chain to be paid on, if it is not bitcoin.
    pub fn chain(mut self, chain: ChainHash) -> Self {
        self.chain = chain;
        self
    }

    /// Features of the refund; compulsory ones must be [known](Self::knowing).
    pub fn features(mut self, features: Features<'static>) -> Self {
        self.features = features;
        self
    }

    /// Something to say to the payee. An empty note is left out.
    pub fn payer_note(mut self, note: &str) -> Self {
        self.payer_note = note.to_owned();
        self
    }

    /// Adds a blinded path over which the invoice is to come. Without one it comes to the node whose
    /// key `payer_id` is (RQR-12).
    pub fn add_path(mut self, path: BlindedPath<'static>) -> Self {
        self.paths.push(path);
        self
    }

    /// Adds a field of one of the experimental ranges from 1000000000 to 2999999999. Its number must
    /// be odd.
    pub fn custom_field(mut self, number: u64, value: impl Into<Vec<u8>>) -> Self {
        self.custom.add(number, value.into());
        self
    }

    /// Names the compulsory features that the application knows.
    pub fn knowing(mut self, known: &'static KnownFeatures) -> Self {
        self.known = known;
        self
    }

    /// Checks everything, and makes a refund without a signature, as the specification has it (RQW-10).
    ///
    /// # Errors
    ///
    /// `Missing` for an empty description (RQW-9), `Zero` and `AmountTooHigh` (D3) for the amount,
    /// `TooShort` for the metadata (RQW-6), and any rule of RQR-1 to RQR-11.
    pub fn build(self) -> Result<Refund, Error> {
        Refund::finish(self.message(|_| ())?)
    }

    /// The same, with a key for this refund alone, and metadata of 32 bytes that ends with a MAC over all other
    /// records.
    pub(crate) fn build_sealed(
        mut self,
        payer_id: PublicKey,
        metadata: [u8; 32],
        mac: impl FnOnce(&[u8]) -> [u8; 16],
    ) -> Result<Refund, Error> {
        self.payer_id = payer_id;
        self.metadata = metadata.to_vec();
        Refund::finish(self.message(|bytes| seal(bytes, mac))?)
    }

    /// The same for readers who insist on a signature with `payer_id` (D1).
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn build_to_sign(self) -> Result<Unsigned<Refund>, Error> {
        self.message(|_| ()).map(Unsigned::new)
    }

    /// RQW-9. What RQW-10 forbids has no place here.
    fn message(mut self, change: impl FnOnce(&mut [u8])) -> Result<Message, Error> {
        check_metadata(&self.metadata)?;
        check_amount(self.amount, Field::INVREQ_AMOUNT, Rule::Rqw9)?;
        if self.description.is_empty() {
            return Err(Error::missing(Field::OFFER_DESCRIPTION, Rule::Rqw9));
        }
        let custom = self.custom.sorted(1_000_000_000..=2_999_999_999)?;
        let paths: usize = self.paths.iter().map(|path| path.as_bytes().len()).sum();
        let texts = [self.description.len(), self.issuer.len(), self.payer_note.len()];
        let len = [self.metadata.len(), paths].iter().chain(&texts).sum();
        let mut writer = Writer::new(custom, len);
        writer.bytes(0, &self.metadata);
        writer.bytes(10, self.description.as_bytes());
        if let Some(expiry) = self.absolute_expiry {
            writer.number(14, expiry.0);
        }
        if !self.issuer.is_empty() {
            writer.bytes(18, self.issuer.as_bytes());
        }
        if self.chain != ChainHash::BITCOIN {
            writer.bytes(80, self.chain.as_ref());
        }
        writer.number(82, self.amount.0);
        if !self.features.minimal().is_empty() {
            writer.bytes(84, self.features.minimal());
        }
        writer.bytes(88, &self.payer_id.serialize());
        if !self.payer_note.is_empty() {
            writer.bytes(89, self.payer_note.as_bytes());
        }
        if !self.paths.is_empty() {
            writer.concat(90, self.paths.iter().map(BlindedPath::as_bytes));
        }
        let keys = Keys { payer_id: Some(self.payer_id), ..Keys::default() };
        let mut bytes = writer.finish();
        change(&mut bytes);
        let message = Structure::read(&SCHEMA, bytes, self.known)?.with_keys(keys);
        // CON-4: a field may have been added by number.
        contacts::verify(&message.tlvs)?;
        Ok(message)
    }
}
