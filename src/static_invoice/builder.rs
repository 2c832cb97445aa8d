//! Makes static invoices (STA-1, STA-2, STA-7).

use alloc::vec::Vec;
use core::time::Duration;

use secp256k1::PublicKey;

use super::{StaticInvoice, UNSIGNED};
use crate::async_payments::DEFAULT_RELATIVE_EXPIRY;
use crate::builder::CustomFields;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, Fallback, Features, OfferAmount, PayInfo, PayInfos};
use crate::invoice::{self, MultiPart, capacity};
use crate::message::{Keys, Structure, View};
use crate::offer::Offer;
use crate::signed::Unsigned;
use crate::tlv::Writer;
use crate::units::UnixTime;

/// How many message paths a writer gives at least (STA-1).
const MIN_MESSAGE_PATHS: usize = 2;

/// Makes a [`StaticInvoice`], which answers every request for an offer while the payee sleeps.
///
/// ```
/// use bolt12::{Msat, OfferBuilder, PayInfo, StaticInvoice, StaticInvoiceBuilder, UnixTime};
/// # use bolt12::BlindedPath;
/// # use bolt12::secp256k1::{Keypair, Secp256k1};
/// # let key = Keypair::from_seckey_slice(&Secp256k1::new(), &[7; 32])?;
/// # let path = || BlindedPath::new(key.public_key().into(), key.public_key(), [(key.public_key(), &[][..])]).unwrap();
/// # let (path_of_the_server, payment_path, message_path, other_message_path) = (path(), path(), path(), path());
///
/// // The offer's paths lead to whoever answers meanwhile.
/// let offer = OfferBuilder::new(key.public_key())
///     .description("tips for the busker")
///     .amount_msat(Msat(1_000))
///     .add_path(path_of_the_server)
///     .build()?;
/// let invoice = StaticInvoiceBuilder::new(&offer, UnixTime(1_800_000_000))
///     .add_path(payment_path, &PayInfo::new(1_000, 250, 144, 1, 50_000_000))
///     .add_message_path(message_path)
///     .add_message_path(other_message_path)
///     .build()?
///     .sign(&key)?;
/// assert_eq!(StaticInvoice::try_from(invoice.as_bytes())?, invoice);
/// assert_eq!(invoice.expires_at(), UnixTime(1_801_209_600)); // two weeks later
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct StaticInvoiceBuilder<'a> {
    offer: &'a Offer,
    created_at: UnixTime,
    node_id: Option<PublicKey>,
    paths: Vec<BlindedPath<'static>>,
    payinfos: Vec<u8>,
    message_paths: Vec<BlindedPath<'static>>,
    /// The first thing that went wrong, which `build` reports.
    refused: Option<Error>,
    relative_expiry: Duration,
    fallbacks: Vec<u8>,
    multi_part: MultiPart,
    custom: CustomFields,
}

impl<'a> StaticInvoiceBuilder<'a> {
    /// A static invoice for an offer, signed by its issuer id (STA-2).
    pub fn new(offer: &'a Offer, created_at: UnixTime) -> Self {
        Self {
            offer,
            created_at,
            node_id: None,
            paths: Vec::new(),
            payinfos: Vec::new(),
            message_paths: Vec::new(),
            refused: None,
            relative_expiry: DEFAULT_RELATIVE_EXPIRY,
            fallbacks: Vec::new(),
            multi_part: MultiPart::Forbidden,
            custom: CustomFields::default(),
        }
    }

    /// The key that signs where the offer has no issuer id: the last one of one of its paths (STA-2).
    ///
    /// Where those paths lead to somebody else, that one holds the key, and could sign invoices of its own: whoever
    /// has others answer for it gives its offers an issuer id.
    pub fn node_id(mut self, node_id: PublicKey) -> Self {
        self.node_id = Some(node_id);
        self
    }

    /// Adds a path to be paid over, with its fees and limits; preferred ones first. At least one is needed (STA-1).
    pub fn add_path(mut self, path: BlindedPath<'static>, payinfo: &PayInfo<'_>) -> Self {
        self.paths.push(path);
        payinfo.write(&mut self.payinfos);
        self
    }

    /// Adds a path over which a payer says that a payment is held; preferred ones first. At least two are needed
    /// (STA-1): one may fail, and nobody can ask for another.
    pub fn add_message_path(mut self, path: BlindedPath<'static>) -> Self {
        self.message_paths.push(path);
        self
    }

    /// How long the static invoice can be paid, in whole seconds; two weeks if not set (STA-3).
    pub fn relative_expiry(mut self, expiry: Duration) -> Self {
        self.relative_expiry = expiry;
        self
    }

    /// Adds an on-chain address to pay if Lightning fails (IVW-8), preferred ones first. Only what is a valid witness
    /// program for a bitcoin chain is taken.
    pub fn add_fallback(mut self, fallback: &Fallback<'_>) -> Self {
        let chains = self.offer.chains();
        let chain = chains.and_then(|chains| chains.iter().next()).unwrap_or(bitcoin::constants::ChainHash::BITCOIN);
        let written = invoice::write_fallback(fallback, chain, &mut self.fallbacks);
        self.note(written);
        self
    }

    /// Whether a payment may be split (IVW-7); not allowed unless set.
    pub fn multi_part(mut self, multi_part: MultiPart) -> Self {
        self.multi_part = multi_part;
        self
    }

    /// Adds a field of the experimental range 3000000000 to 3999999999. Its number must be odd.
    pub fn custom_field(mut self, number: u64, value: impl Into<Vec<u8>>) -> Self {
        self.custom.add(number, value.into());
        self
    }

    fn note(&mut self, result: Result<(), Error>) {
        if let Err(error) = result {
            self.refused.get_or_insert(error);
        }
    }

    /// Checks everything, and makes the static invoice that is to be signed.
    ///
    /// # Errors
    ///
    /// `Missing` without a path, or without two message paths (STA-1), without paths of the offer (STA-7), or without a
    /// key that signs (STA-2); `WrongKey` for one that the offer does not name (STA-2); `Unexpected` for an offer on
    /// several chains (STA-7); `CannotCarry` for paths that cannot carry the offer's price (EXC-11); `Expired` for an offer
    /// that has (OFR-9); `IsRecurring` (REC-3), `InvalidFallback` (IVW-8), `NumberTooLarge` for an expiry of more than
    /// 32 bits, `TooLong` (D7), and any other rule for readers.
    pub fn build(mut self) -> Result<Unsigned<StaticInvoice>, Error> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        self.offer.check_expiry(self.created_at)?;
        let node_id = match self.node_id {
            Some(node_id) => node_id,
            None => self.offer.issuer_key()?.ok_or(Error::missing(Field::INVOICE_NODE_ID, Rule::Sta2))?,
        };
        if self.paths.is_empty() {
            return Err(Error::missing(Field::INVOICE_PATHS, Rule::Sta1));
        }
        if self.message_paths.len() < MIN_MESSAGE_PATHS {
            return Err(Error::missing(Field::STATIC_INVOICE_MESSAGE_PATHS, Rule::Sta1));
        }
        let message = self.offer.message();
        // EXC-11: nobody pays less than the price.
        if let Some(OfferAmount::Bitcoin(price)) = self.offer.amount() {
            let payinfos = PayInfos::checked(&self.payinfos);
            capacity::check(payinfos.iter(), price, self.multi_part, message.known.payinfo)?;
        }
        let expiry = u32::try_from(self.relative_expiry.as_secs())
            .map_err(|_| Error::of(Field::INVOICE_RELATIVE_EXPIRY, ErrorKind::NumberTooLarge, Rule::Tlv2))?;
        let custom = self.custom.sorted(3_000_000_000..=3_999_999_999)?;
        let paths = self.paths.iter().chain(&self.message_paths).map(|path| path.as_bytes().len());
        let len =
            [self.offer.as_bytes().len(), self.payinfos.len(), self.fallbacks.len()].into_iter().chain(paths).sum();
        let mut writer = Writer::over(self.offer.records(), custom, len);
        writer.concat(Field::INVOICE_PATHS.number(), self.paths.iter().map(BlindedPath::as_bytes));
        writer.bytes(Field::INVOICE_BLINDEDPAY.number(), &self.payinfos);
        writer.number(Field::INVOICE_CREATED_AT.number(), self.created_at.0);
        // STA-3
        if self.relative_expiry.as_secs() != DEFAULT_RELATIVE_EXPIRY.as_secs() {
            writer.number(Field::INVOICE_RELATIVE_EXPIRY.number(), expiry.into());
        }
        if !self.fallbacks.is_empty() {
            writer.bytes(Field::INVOICE_FALLBACKS.number(), &self.fallbacks);
        }
        if let Some(feature) = invoice::multi_part_feature(self.multi_part) {
            writer.bytes(Field::INVOICE_FEATURES.number(), Features::new([feature])?.as_bytes());
        }
        writer.bytes(Field::INVOICE_NODE_ID.number(), &node_id.serialize());
        let message_paths = self.message_paths.iter().map(BlindedPath::as_bytes);
        writer.concat(Field::STATIC_INVOICE_MESSAGE_PATHS.number(), message_paths);
        let keys = Keys { invoice_signer: Some(node_id), ..*message.keys() };
        Ok(Unsigned::new(Structure::to_sign(&UNSIGNED, writer.finish(), message.known)?.with_keys(keys)))
    }
}
