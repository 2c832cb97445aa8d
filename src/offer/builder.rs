//! Makes offers (OFW-1 to OFW-6).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use bitcoin::constants::ChainHash;
use secp256k1::PublicKey;

use super::{Offer, OfferFields, SCHEMA};
use crate::builder::{self, CustomFields};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, CurrencyCode, Features, KnownFeatures, OfferAmount, Quantity};
use crate::message::{Keys, Structure, View};
use crate::tlv::Writer;
use crate::units::{Msat, UnixTime};

/// Makes an [`Offer`].
///
/// ```
/// use bolt12::{MinorUnits, OfferAmount, OfferBuilder};
///
/// let issuer_id = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
/// let offer = OfferBuilder::new(issuer_id)
///     .description("a cup of coffee")
///     .amount(OfferAmount::Currency { currency: "USD".parse()?, amount: MinorUnits(350) })
///     .build()?;
/// assert!(offer.to_string().starts_with("lno1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OfferBuilder {
    chains: Vec<ChainHash>,
    metadata: Vec<u8>,
    amount: Option<OfferAmount>,
    description: String,
    features: Features<'static>,
    absolute_expiry: Option<UnixTime>,
    paths: Vec<BlindedPath<'static>>,
    issuer: String,
    quantity: Quantity,
    issuer_id: Option<PublicKey>,
    pub(super) custom: CustomFields,
    known: &'static KnownFeatures,
}

impl OfferBuilder {
    /// An offer whose invoices are signed with a key that everybody sees.
    pub fn new(issuer_id: PublicKey) -> Self {
        Self { issuer_id: Some(issuer_id), ..Self::empty() }
    }

    /// An offer that hides its issuer: requests come over one of the paths, preferred ones first, and
    /// invoices are signed with the last blinded key of that path (IVW-3).
    pub fn with_paths(paths: impl IntoIterator<Item = BlindedPath<'static>>) -> Self {
        Self { paths: paths.into_iter().collect(), ..Self::empty() }
    }

    fn empty() -> Self {
        Self {
            chains: Vec::new(),
            metadata: Vec::new(),
            amount: None,
            description: String::new(),
            features: Features::from_bytes(&[]),
            absolute_expiry: None,
            paths: Vec::new(),
            issuer: String::new(),
            quantity: Quantity::One,
            issuer_id: None,
            custom: CustomFields::default(),
            known: KnownFeatures::default_ref(),
        }
    }

    /// Adds a chain on which the offer can be paid, unless it was added before. Without any it is bitcoin; a list of
    /// bitcoin alone is left out (OFW-1).
    pub fn add_chain(mut self, chain: ChainHash) -> Self {
        if !self.chains.contains(&chain) {
            self.chains.push(chain);
        }
        self
    }

    /// Bytes that come back with every request, for example to recognise the offer. Empty ones are
    /// left out (OFW-6).
    pub fn metadata(mut self, metadata: impl Into<Vec<u8>>) -> Self {
        self.metadata = metadata.into();
        self
    }

    /// The price of one item. Without one, the payer chooses. Needs a description (OFW-2).
    pub fn amount(mut self, amount: OfferAmount) -> Self {
        self.amount = Some(amount);
        self
    }

    /// The price of one item in bitcoin.
    pub fn amount_msat(self, amount: Msat) -> Self {
        self.amount(OfferAmount::Bitcoin(amount))
    }

    /// What is offered, for people. An empty description is left out (OFW-6).
    pub fn description(mut self, description: &str) -> Self {
        self.description = description.to_owned();
        self
    }

    /// Features a payer needs; compulsory ones must be [known](Self::knowing).
    pub fn features(mut self, features: Features<'static>) -> Self {
        self.features = features;
        self
    }

    /// The last second at which the offer may be used.
    pub fn absolute_expiry(mut self, expiry: UnixTime) -> Self {
        self.absolute_expiry = Some(expiry);
        self
    }

    /// Adds a blinded path to the issuer. With paths, requests must come over one of them (RQR-7).
    pub fn add_path(mut self, path: BlindedPath<'static>) -> Self {
        self.paths.push(path);
        self
    }

    /// Who makes the offer, for people. An empty name is left out (OFW-6).
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.issuer = issuer.to_owned();
        self
    }

    /// How many items can be asked for at once (OFW-5).
    pub fn quantity_max(mut self, quantity: Quantity) -> Self {
        self.quantity = quantity;
        self
    }

    /// Adds a field of the experimental range 1000000000 to 1999999999. Its number must be odd, so
    /// that readers who do not know it can ignore it.
    pub fn custom_field(mut self, number: u64, value: impl Into<Vec<u8>>) -> Self {
        self.custom.add(number, value.into());
        self
    }

    /// Names the compulsory features that the application knows.
    pub fn knowing(mut self, known: &'static KnownFeatures) -> Self {
        self.known = known;
        self
    }

    /// How many letters the text of the offer will have: for a QR code, ask while the description can still be changed.
    /// What an exchange adds, [`NewOffer::text_len`](crate::exchange::NewOffer::text_len) counts too.
    ///
    /// ```
    /// # use bolt12::OfferBuilder;
    /// # let key = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
    /// let offer = OfferBuilder::new(key).description("tea");
    /// assert_eq!(offer.text_len()?, 68);
    /// assert_eq!(offer.build()?.to_string().len(), 68);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub fn text_len(&self) -> Result<usize, Error> {
        self.clone().build().map(|offer| offer.text_len())
    }

    /// Checks everything, and makes the offer.
    ///
    /// # Errors
    ///
    /// A rule of OFW-1 to OFW-6 or OFR-2 to OFR-8, `AmountTooHigh` above all the bitcoin there is
    /// (D3), `TooLong` (D7), `OutOfRange` or `UnknownEvenField` for a custom field.
    pub fn build(mut self) -> Result<Offer, Error> {
        // OFW-2
        match self.amount {
            Some(OfferAmount::Bitcoin(amount)) => builder::check_amount(amount, Field::OFFER_AMOUNT, Rule::Ofw2)?,
            Some(OfferAmount::Currency { amount, .. }) if amount.0 == 0 => {
                return Err(Error::of(Field::OFFER_AMOUNT, ErrorKind::Zero, Rule::Ofw2));
            }
            _ => {}
        }
        // OFW-4
        if self.paths.is_empty() && self.issuer_id.is_none() {
            return Err(Error::missing(Field::OFFER_PATHS, Rule::Ofw4));
        }
        let custom = self.custom.sorted(1_000_000_000..=1_999_999_999)?;
        let paths: usize = self.paths.iter().map(|path| path.as_bytes().len()).sum();
        let len = [self.metadata.len(), self.description.len(), self.issuer.len(), paths].iter().sum();
        let mut writer = Writer::new(custom, len);
        // OFW-1
        if self.chains.iter().any(|chain| *chain != ChainHash::BITCOIN) {
            writer.concat(2, self.chains.iter().map(|chain| chain.as_ref()));
        }
        // OFW-6
        if !self.metadata.is_empty() {
            writer.bytes(4, &self.metadata);
        }
        // OFW-3: a currency comes with an amount, since the two are one value.
        match &self.amount {
            Some(OfferAmount::Bitcoin(amount)) => writer.number(8, amount.0),
            Some(OfferAmount::Currency { currency, amount }) => {
                writer.bytes(6, CurrencyCode::as_bytes(currency));
                writer.number(8, amount.0);
            }
            None => {}
        }
        if !self.description.is_empty() {
            writer.bytes(10, self.description.as_bytes());
        }
        if !self.features.minimal().is_empty() {
            writer.bytes(12, self.features.minimal());
        }
        if let Some(expiry) = self.absolute_expiry {
            writer.number(14, expiry.0);
        }
        // OFW-4: a list of no paths is not written.
        if !self.paths.is_empty() {
            writer.concat(16, self.paths.iter().map(BlindedPath::as_bytes));
        }
        if !self.issuer.is_empty() {
            writer.bytes(18, self.issuer.as_bytes());
        }
        // OFW-5
        if let Some(max) = self.quantity.to_field() {
            writer.number(20, max);
        }
        if let Some(key) = &self.issuer_id {
            writer.bytes(22, &key.serialize());
        }
        let message = Structure::read(&SCHEMA, writer.finish(), self.known)?.with_keys(Keys::default());
        Ok(Offer { fields: OfferFields::of(message) })
    }
}
