//! A URI to text, and making one.

use core::fmt::{self, Display};

use alloc::string::String;

use bitcoin::address::NetworkUnchecked;

use super::{BitcoinUri, Instruction, ProofOfPayment};
use crate::error::{Error, ErrorKind, LinkFault, Rule};
use crate::names::percent::Encoded;
use crate::offer::Offer;
use crate::units::Msat;

/// Makes a [`BitcoinUri`] (URI-9).
///
/// ```
/// use bolt12::{BitcoinUriBuilder, Offer};
/// let offer: Offer = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese".parse()?;
/// let uri = BitcoinUriBuilder::new().offer(offer).label("Café & co").build()?;
/// assert_eq!(
///     uri.to_string(),
///     "bitcoin:?label=Caf%C3%A9%20%26%20co&lno=lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese"
/// );
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct BitcoinUriBuilder {
    uri: BitcoinUri,
}

impl Default for BitcoinUriBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BitcoinUriBuilder {
    /// A URI with nothing in it.
    pub const fn new() -> Self {
        Self { uri: BitcoinUri::EMPTY }
    }

    /// Adds an offer: alternatives stand in the order in which they are preferred.
    pub fn offer(mut self, offer: Offer) -> Self {
        self.uri.instructions.push(Instruction::Offer(offer.into()));
        self
    }

    /// Adds an on-chain address, for whoever cannot pay offers.
    pub fn address(mut self, address: bitcoin::Address<NetworkUnchecked>) -> Self {
        self.uri.address = Some(address);
        self
    }

    /// Adds a BOLT 11 invoice, as text, after what was added before. It is not looked at.
    pub fn bolt11(mut self, invoice: impl Into<String>) -> Self {
        self.uri.instructions.push(Instruction::Lightning(invoice.into()));
        self
    }

    /// What to pay, in whole satoshi, where no offer has a price.
    pub const fn amount(mut self, amount: Msat) -> Self {
        self.uri.amount = Some(amount);
        self
    }

    /// Whom the payment is to.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.uri.label = Some(label.into());
        self
    }

    /// What it is for.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.uri.message = Some(message.into());
        self
    }

    /// A URI of an application on the payer's device, to open after paying.
    pub fn proof_of_payment(mut self, uri: impl Into<String>) -> Self {
        self.uri.pop = Some(ProofOfPayment { uri: uri.into(), is_required: false });
        self
    }

    /// Makes the URI.
    ///
    /// # Errors
    ///
    /// [`NoOffer`](LinkFault::NoOffer) with neither offer nor address nor invoice;
    /// [`NeedlessAmount`](LinkFault::NeedlessAmount) beside an offer that has a price;
    /// [`InvalidUriAmount`](LinkFault::InvalidUriAmount) for an amount that is not in whole satoshi, or more than there
    /// is (URI-9, URI-5).
    pub fn build(self) -> Result<BitcoinUri, Error> {
        let uri = self.uri;
        if uri.address.is_none() && uri.instructions.is_empty() {
            return Err(Error::new(ErrorKind::Link(LinkFault::NoOffer), Rule::Uri9));
        }
        if uri.amount.is_some_and(|amount| amount.0 % 1_000 != 0 || amount > Msat::MAX_MONEY) {
            return Err(Error::new(ErrorKind::Link(LinkFault::InvalidUriAmount), Rule::Uri5));
        }
        if uri.amount.is_some() && uri.offers().any(|offer| offer.amount().is_some()) {
            return Err(Error::new(ErrorKind::Link(LinkFault::NeedlessAmount), Rule::Uri9));
        }
        Ok(uri)
    }
}

/// The whole URI; `{:#}` in upper case, except for what would then be something else: addresses in base58, texts, and
/// the values of unknown keys.
impl fmt::Display for BitcoinUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parameters = Parameters { f, separator: '?' };
        parameters.start(self.address.as_ref())?;
        if let Some(amount) = self.amount {
            parameters.put("amount", &Bitcoin(amount))?;
        }
        if let Some(label) = &self.label {
            parameters.put("label", &Encoded(label))?;
        }
        if let Some(message) = &self.message {
            parameters.put("message", &Encoded(message))?;
        }
        for instruction in &self.instructions {
            match instruction {
                Instruction::Offer(offer) => parameters.put("lno", offer)?,
                Instruction::UnreadableOffer { text, .. } => parameters.put("lno", &Encoded(text))?,
                Instruction::Lightning(text) => parameters.put_text("lightning", text)?,
                Instruction::SilentPayment(text) => parameters.put_text("sp", text)?,
                Instruction::PrivatePayment(text) => parameters.put("pay", &Encoded(text))?,
                Instruction::Address { key, address } => parameters.put_text(key, address)?,
            }
        }
        if let Some(pop) = &self.pop {
            parameters.put(if pop.is_required { "req-pop" } else { "pop" }, &Encoded(&pop.uri))?;
        }
        for (key, value) in &self.ignored {
            parameters.put(key, &Encoded(value))?;
        }
        Ok(())
    }
}

struct Parameters<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    separator: char,
}

impl Parameters<'_, '_> {
    fn start(&mut self, address: Option<&bitcoin::Address<NetworkUnchecked>>) -> fmt::Result {
        self.f.write_str(if self.f.alternate() { "BITCOIN:" } else { "bitcoin:" })?;
        address.map_or(Ok(()), |address| Display::fmt(address.assume_checked_ref(), self.f))
    }

    /// A key and a value, which is shown in upper case if it knows how.
    fn put(&mut self, key: &str, value: &dyn Display) -> fmt::Result {
        let key = if self.f.alternate() { key.to_ascii_uppercase() } else { key.into() };
        write!(self.f, "{}{}=", self.separator, Encoded(&key))?;
        self.separator = '&';
        value.fmt(self.f)
    }

    /// A value in the letters of bech32, which mean the same in either case.
    fn put_text(&mut self, key: &str, value: &str) -> fmt::Result {
        let is_bech32 = value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        match self.f.alternate() && is_bech32 {
            true => self.put(key, &Encoded(&value.to_ascii_uppercase())),
            false => self.put(key, &Encoded(value)),
        }
    }
}

/// An amount as a URI has it: in bitcoin.
struct Bitcoin(Msat);

impl fmt::Display for Bitcoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sat = self.0.0 / 1_000;
        let (whole, fraction) = (sat / 100_000_000, sat % 100_000_000);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let digits = alloc::format!("{fraction:08}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}
