//! What a payer says in its requests.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use secp256k1::PublicKey;

use crate::error::Error;
use crate::exchange::saved::{Reader, Writer, saved_key};
use crate::field::{HumanReadableName, Rate};
use crate::invoice_request::InvoiceRequestBuilder;
use crate::offer::UsableOffer;
use crate::units::{MinorUnits, Msat};

/// What a payer says in its requests: kept, since a request is made anew for every path and every try.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Choices {
    pub(crate) amount: Option<Msat>,
    pub(crate) quantity: Option<u64>,
    pub(crate) payer_note: String,
    pub(crate) name: Option<Box<HumanReadableName<'static>>>,
    pub(crate) rate: Option<Rate>,
    pub(crate) custom: Vec<(u64, Vec<u8>)>,
    /// Whether the amount is one that the issuer suggested, who knows the rate.
    pub(crate) suggested: bool,
    /// Whose signature is made elsewhere.
    pub(crate) signer: Option<Box<PublicKey>>,
}

impl Choices {
    /// The same with an amount that the issuer suggested (ERR-2).
    pub(crate) fn with_suggested(&self, amount: Msat) -> Self {
        Self { amount: Some(amount), suggested: true, ..self.clone() }
    }

    pub(crate) fn quantity(&self) -> Option<u64> {
        self.quantity
    }

    pub(crate) fn payer_note(&self) -> &str {
        &self.payer_note
    }

    /// A builder that has them all.
    pub(crate) fn request<'a>(
        &'a self,
        offer: UsableOffer<'a>,
        payer_id: PublicKey,
        metadata: [u8; 32],
    ) -> InvoiceRequestBuilder<'a> {
        let mut request = InvoiceRequestBuilder::new(offer, payer_id, metadata).payer_note(&self.payer_note);
        if let Some(amount) = self.amount {
            request = request.amount(amount);
        }
        if let Some(quantity) = self.quantity {
            request = request.quantity(quantity);
        }
        // RQW-8
        if let Some(name) = &self.name {
            request = request.bip_353_name(name.by_ref());
        }
        request = match self.rate {
            // RQW-3: whoever suggested the amount has compared it with the price.
            _ if self.suggested => request.without_rate(),
            Some(rate) => request.rate(rate),
            None => request,
        };
        self.custom.iter().fold(request, |request, (number, value)| request.custom_field(*number, value.clone()))
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.optional_number(self.amount.map(|amount| amount.0));
        out.optional_number(self.quantity);
        out.bytes(self.payer_note.as_bytes());
        let (user, domain) = self.name.as_ref().map_or(("", ""), |name| (name.user(), name.domain()));
        out.bytes(user.as_bytes());
        out.bytes(domain.as_bytes());
        out.flag(self.rate.is_some());
        if let Some((currency, minor_units, msat)) = self.rate.as_ref().map(Rate::parts) {
            out.bytes(currency.as_str().as_bytes());
            out.number(minor_units.0);
            out.number(msat.0);
        }
        out.number(self.custom.len() as u64);
        for (number, value) in &self.custom {
            out.number(*number);
            out.bytes(value);
        }
        out.flag(self.suggested);
        out.optional(self.signer.as_ref().map(|signer| signer.serialize()));
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let amount = reader.optional_number()?.map(Msat);
        let quantity = reader.optional_number()?;
        let payer_note = reader.text()?.to_owned();
        let (user, domain) = (reader.text()?, reader.text()?);
        let name = match user.is_empty() && domain.is_empty() {
            true => None,
            // What is not written into a request is not saved either.
            false => Some(Box::new(HumanReadableName::new(user, domain)?.into_owned())),
        };
        let rate = match reader.flag()? {
            false => None,
            true => {
                let currency = reader.text()?.parse()?;
                Some(Rate::new(currency, MinorUnits(reader.number()?), Msat(reader.number()?))?)
            }
        };
        let mut custom = Vec::new();
        for _ in 0..reader.number()? {
            custom.push((reader.number()?, reader.bytes()?.to_vec()));
        }
        let suggested = reader.flag()?;
        let signer = reader.optional()?.map(saved_key).transpose()?.map(Box::new);
        Ok(Self { amount, quantity, payer_note, name, rate, custom, suggested, signer })
    }
}
