//! Makes invoice requests (RQW-1 to RQW-8).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use bitcoin::constants::ChainHash;
use secp256k1::{Keypair, PublicKey};

use super::{InvoiceRequest, RequestFields, UNSIGNED};
use crate::builder::{CustomFields, check_amount, check_metadata, seal};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{Features, HumanReadableName, Rate};
use crate::message::{Keys, Structure};
use crate::offer::UsableOffer;
use crate::recurrence;
use crate::signature::SIGNATURE_TYPES;
use crate::signed::Unsigned;
use crate::units::Msat;

/// Makes an [`InvoiceRequest`] that answers an offer.
///
/// ```
/// use bolt12::secp256k1::{Keypair, Secp256k1};
/// use bolt12::{ChainHash, InvoiceRequestBuilder, Msat, Offer, UnixTime};
///
/// let offer: Offer = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese".parse()?;
/// let usable = offer.usable(UnixTime(1_800_000_000), &[ChainHash::BITCOIN])?;
///
/// // A key for this request alone, and metadata from which it can be found again.
/// let payer = Keypair::from_seckey_slice(&Secp256k1::new(), &[0x42; 32])?;
/// let metadata = [0x24; 16];
///
/// let request = InvoiceRequestBuilder::new(usable, payer.public_key(), metadata)
///     .amount(Msat(10_000))
///     .payer_note("for the coffee")
///     .build()?
///     .sign(&payer)?;
/// assert!(request.to_string().starts_with("lnr1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct InvoiceRequestBuilder<'a> {
    offer: UsableOffer<'a>,
    payer_id: PublicKey,
    metadata: Vec<u8>,
    amount: Option<Msat>,
    rate: Option<Rate>,
    compares: bool,
    features: Features<'static>,
    quantity: Option<u64>,
    payer_note: String,
    name: Option<HumanReadableName<'a>>,
    pub(super) custom: CustomFields,
}

impl<'a> InvoiceRequestBuilder<'a> {
    /// A request for an invoice of an offer that was checked, on the chain that was chosen.
    ///
    /// `payer_id` must be fresh (RQW-4) and `metadata` at least 16 unpredictable bytes (RQW-6), from
    /// which the payer can find the key again.
    pub fn new(offer: UsableOffer<'a>, payer_id: PublicKey, metadata: impl Into<Vec<u8>>) -> Self {
        Self {
            offer,
            payer_id,
            metadata: metadata.into(),
            amount: None,
            rate: None,
            compares: true,
            features: Features::from_bytes(&[]),
            quantity: None,
            payer_note: String::new(),
            name: None,
            custom: CustomFields::default(),
        }
    }

    /// What to pay. Needed if the offer has no price; otherwise at least the price (RQW-3).
    pub fn amount(mut self, amount: Msat) -> Self {
        self.amount = Some(amount);
        self
    }

    /// What the offer's currency is worth, so that an [amount](Self::amount) can be compared with the price
    /// (RQW-3). Not part of the request.
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Leaves it to the issuer to compare the amount with a price in another currency (RQW-3).
    pub(crate) fn without_rate(mut self) -> Self {
        self.compares = false;
        self
    }

    /// How many items, exactly if the offer has a maximum quantity (RQW-5).
    pub fn quantity(mut self, quantity: u64) -> Self {
        self.quantity = Some(quantity);
        self
    }

    /// Features of the request; compulsory ones must be known by whoever read the offer.
    pub fn features(mut self, features: Features<'static>) -> Self {
        self.features = features;
        self
    }

    /// Something to say to the issuer. An empty note is left out.
    pub fn payer_note(mut self, note: &str) -> Self {
        self.payer_note = note.to_owned();
        self
    }

    /// The BIP 353 name that led to the offer (RQW-8).
    pub fn bip_353_name(mut self, name: HumanReadableName<'a>) -> Self {
        self.name = Some(name);
        self
    }

    /// Adds a field of the experimental range 2000000000 to 2999999999. Its number must be odd.
    pub fn custom_field(mut self, number: u64, value: impl Into<Vec<u8>>) -> Self {
        self.custom.add(number, value.into());
        self
    }

    /// Checks everything, and makes the request that is to be signed.
    ///
    /// # Errors
    ///
    /// A rule of RQW-2 to RQW-8 or RQR-1 to RQR-14, `RateNeeded` and `WrongCurrency` for an amount without the
    /// [rate](Self::rate) of the offer's currency (RQW-3), `AmountTooHigh` (D3), `TooLong` (D7).
    pub fn build(mut self) -> Result<Unsigned<InvoiceRequest>, Error> {
        let bytes = self.write()?;
        self.finish(bytes)
    }

    /// The same, and completes metadata of 32 bytes with a MAC over all other records, which it is given in two parts.
    /// A name of the payer's is signed for with the key, and that signature is not covered.
    pub(crate) fn build_sealed(
        mut self,
        name_key: Option<&Keypair>,
        mac: impl FnOnce([&[u8]; 2]) -> [u8; 16],
    ) -> Result<Unsigned<InvoiceRequest>, Error> {
        let mut bytes = self.write()?;
        match name_key {
            #[cfg(feature = "contacts")]
            Some(key) if self.is_named() => bytes = super::named::seal_and_sign(bytes, key, mac)?,
            _ => seal(&mut bytes, |records| mac([records, &[]])),
        }
        self.finish(bytes)
    }

    pub(super) fn write(&mut self) -> Result<Vec<u8>, Error> {
        check_metadata(&self.metadata)?;
        if let Some(amount) = self.amount {
            check_amount(amount, Field::INVREQ_AMOUNT, Rule::Rqw3)?;
        }
        let offer = self.offer.offer();
        let custom = self.custom.sorted(2_000_000_000..=2_999_999_999)?;
        // RQW-1: all records of the offer, as they stand.
        let len = [self.metadata.len(), self.payer_note.len()].iter().sum();
        let mut writer = offer.message.tlvs.repeat(SIGNATURE_TYPES, custom, len);
        writer.bytes(0, &self.metadata);
        // RQW-2
        if self.offer.chain() != ChainHash::BITCOIN {
            writer.bytes(80, self.offer.chain().as_ref());
        }
        if let Some(amount) = self.amount {
            writer.number(82, amount.0);
        }
        if !self.features.minimal().is_empty() {
            writer.bytes(84, self.features.minimal());
        }
        if let Some(quantity) = self.quantity {
            writer.number(86, quantity);
        }
        writer.bytes(88, &self.payer_id.serialize());
        if !self.payer_note.is_empty() {
            writer.bytes(89, self.payer_note.as_bytes());
        }
        if let Some(name) = &self.name {
            writer.prefixed(91, name.parts().map(str::as_bytes));
        }
        Ok(writer.finish())
    }

    pub(super) fn finish(&self, bytes: Vec<u8>) -> Result<Unsigned<InvoiceRequest>, Error> {
        let offer = self.offer.offer();
        let keys = Keys { payer_id: Some(self.payer_id), ..*offer.message.keys() };
        let unsigned =
            Unsigned::<InvoiceRequest>::new(Structure::to_sign(&UNSIGNED, bytes, offer.message.known)?.with_keys(keys));
        self.check_price(&unsigned)?;
        // CON-2, CON-3
        #[cfg(feature = "contacts")]
        super::named::check_written(unsigned.tlvs())?;
        Ok(unsigned)
    }

    /// RQW-3, where the price is in another currency; in bitcoin, RQR-9 says the same to readers. D3: a price
    /// times a quantity may exceed what the price alone did not.
    fn check_price(&self, request: &RequestFields) -> Result<(), Error> {
        // Whoever leaves the amount to the issuer needs no rate.
        let compares = self.compares && self.amount.is_some() || self.rate.is_some();
        if !compares && request.offer().currency().is_some() {
            return Ok(());
        }
        let Some(due) = request.due(self.rate).map_err(|error| error.against(Rule::Rqw3))? else { return Ok(()) };
        let field = if self.quantity.is_some() { Field::INVREQ_QUANTITY } else { Field::OFFER_AMOUNT };
        check_amount(due, field, Rule::Rqw3)?;
        match self.amount {
            // How much of a period is over (REC-8), only a clock can tell.
            Some(amount) if amount < due && !recurrence::is_proportional(request.tlvs()) => {
                Err(Error::of(Field::INVREQ_AMOUNT, ErrorKind::AmountTooLow { min: due }, Rule::Rqw3))
            }
            _ => Ok(()),
        }
    }
}
