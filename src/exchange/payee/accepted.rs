//! A request that will be answered with an invoice.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use bitcoin::hashes::sha256;
use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::message::{OffersMessage, OutgoingMessage};
use crate::exchange::payee::expected::ExpectedPayment;
use crate::exchange::payee::keys::Payee;
use crate::exchange::payee::received::ReceivedRequest;
use crate::exchange::payee::sale::{MAX_SALE_DATA, Sale};
use crate::exchange::payee::terms::{MaxAmount, Terms};
use crate::exchange::recurring::Period;
use crate::exchange::refused::Refused;
use crate::exchange::saved::{Kind, Reader, Writer};
use crate::invoice::{DEFAULT_RELATIVE_EXPIRY, Invoice, InvoiceBuilder, InvoiceFields};
use crate::invoice_error::InvoiceError;
use crate::invoice_request::{self, AcceptedRequest, InvoiceRequest};
use crate::signed::Unsigned;
use crate::units::{Msat, UnixTime};

/// The default lifetime of an invoice for an offer in another currency than bitcoin. The issuer bears the risk of a
/// moving rate for that time.
pub const CURRENCY_RELATIVE_EXPIRY: Duration = Duration::from_secs(600);

/// A request that will be answered with an invoice for a fixed amount.
///
/// This is the state *accepted*: get a payment hash and payment paths, and make the [invoice](Self::invoice).
#[derive(Clone, Debug)]
#[must_use]
pub struct Accepted {
    received: ReceivedRequest,
    amount: Msat,
    due: Option<Msat>,
    node_id: PublicKey,
    created_at: UnixTime,
    relative_expiry: Duration,
    /// Of a request that belongs to a subscription.
    period: Option<Period>,
    /// What is to come back with the payment.
    data: Vec<u8>,
    /// Whether a payer that says who it is need not be told apart by more than its secret.
    #[cfg(feature = "contacts")]
    pub(super) payer_is_known: bool,
}

impl ReceivedRequest {
    /// Checks what depends on the time, the chain and the amount, and fixes the amount (IVW-2).
    ///
    /// # Errors
    ///
    /// A refusal for `Expired` (OFR-9), `UnsupportedChain` (RQR-13), and for RQR-9 `RateNeeded`, `WrongCurrency`,
    /// `Overflow`, `AmountTooLow` and `AmountTooHigh`. The answer to the last two suggests an amount that would be
    /// accepted. `IsRecurring` (REC-7) for a request of a subscription: see `accept_recurring`, with the feature
    /// `recurrence`.
    pub fn accept(self, terms: &Terms<'_>) -> Result<Accepted, Box<Refused>> {
        self.accept_with(terms, |request, own| Ok((request.accept_own(own)?, None)))
    }

    pub(crate) fn accept_with(
        self,
        terms: &Terms<'_>,
        accept: impl for<'r> FnOnce(
            &'r InvoiceRequest,
            &invoice_request::Terms<'_>,
        ) -> Result<(AcceptedRequest<'r>, Option<Period>), Error>,
    ) -> Result<Accepted, Box<Refused>> {
        let due = self.request.due(terms.rate).ok().flatten();
        let max_amount = match (terms.max_amount, due) {
            (MaxAmount::Msat(max), _) => Some(max),
            // What exceeds 64 bits limits nothing.
            (MaxAmount::TimesPrice(times), Some(due)) => due.checked_mul(times),
            (MaxAmount::Any, _) | (MaxAmount::TimesPrice(_), None) => None,
        };
        // EXC-9: a wrong price is worse than none.
        if self.currency().is_some() && terms.rate.is_some() && terms.rate_age > terms.max_rate_age {
            let max_age = terms.max_rate_age.as_secs();
            let error = Error::of(Field::OFFER_AMOUNT, ErrorKind::StaleRate { max_age }, Rule::Exc9);
            let told = InvoiceError::new("the exchange rate is not known right now: please try again later").ok();
            return Err(Refused::telling(error, told, self.reply_path));
        }
        let Terms { now, chains, rate, .. } = *terms;
        let own = invoice_request::Terms { arrival: self.arrival, now, chains, rate, max_amount };
        let accepted = accept(&self.request, &own);
        match accepted.map(|(accepted, period)| (accepted.amount(), accepted.node_id(), period)) {
            Ok((amount, node_id, period)) => {
                let relative_expiry = match self.currency() {
                    Some(_) => CURRENCY_RELATIVE_EXPIRY,
                    None => DEFAULT_RELATIVE_EXPIRY,
                };
                let due = period.as_ref().map_or(due, Period::due);
                let (created_at, data) = (terms.now, Vec::new());
                Ok(Accepted {
                    received: self,
                    amount,
                    due,
                    node_id,
                    created_at,
                    relative_expiry,
                    period,
                    data,
                    #[cfg(feature = "contacts")]
                    payer_is_known: false,
                })
            }
            Err(error) => {
                let told = InvoiceError::answering(&error);
                let told = match (error.kind(), due) {
                    // The limit is not told, but the price is no secret.
                    (ErrorKind::AmountTooHigh { max }, Some(due))
                        if error.field() == Some(Field::INVREQ_AMOUNT) && due <= *max =>
                    {
                        told.map(|told| told.clone().suggest_amount(due).unwrap_or(told))
                    }
                    _ => told,
                };
                Err(Refused::telling(error, told, self.reply_path))
            }
        }
    }
}

impl Accepted {
    /// The request.
    pub fn request(&self) -> &InvoiceRequest {
        self.received.request()
    }

    /// The amount of the invoice (IVW-2).
    pub fn amount(&self) -> Msat {
        self.amount
    }

    /// The price of all items at the rate of the [terms](Terms::rate), if the offer has one. For a subscription whose
    /// period has partly passed, it is the rest of the price. If the amount is higher, the surplus is a tip.
    pub fn due(&self) -> Option<Msat> {
        self.due
    }

    /// The key that signs the invoice (IVW-3).
    pub fn node_id(&self) -> PublicKey {
        self.node_id
    }

    /// The time when the request was accepted, which is also the creation time of the invoice.
    pub fn created_at(&self) -> UnixTime {
        self.created_at
    }

    /// The lifetime of the invoice, in whole seconds. The default is two hours, or [`CURRENCY_RELATIVE_EXPIRY`] for an
    /// offer in another currency. An invoice of a subscription expires at the end of its pay window at the latest
    /// (REC-10).
    pub fn relative_expiry(mut self, expiry: Duration) -> Self {
        self.relative_expiry = expiry;
        self
    }

    fn expiry(&self) -> Duration {
        match &self.period {
            Some(period) => period.limit(self.created_at, self.relative_expiry),
            None => self.relative_expiry,
        }
    }

    /// What comes back with the payment of what the payer said of itself (CON-7, CON-8).
    #[cfg(feature = "contacts")]
    fn introduction(&self) -> Option<crate::invoice_request::Introduction> {
        let mut introduction = self.request().introduction()?;
        introduction.payer = introduction.payer.filter(|_| !self.payer_is_known);
        Some(introduction)
    }

    #[cfg(feature = "recurrence")]
    pub(crate) fn period(&self) -> Option<&Period> {
        self.period.as_ref()
    }

    /// Data of your own that come back with the payment, at most [`MAX_SALE_DATA`] bytes: for example an order number.
    ///
    /// # Errors
    ///
    /// `TooLong`.
    pub fn sale_data(mut self, data: &[u8]) -> Result<Self, Error> {
        if data.len() > MAX_SALE_DATA {
            let kind = ErrorKind::TooLong { len: data.len(), max: MAX_SALE_DATA };
            return Err(Error::new(kind, Rule::Exc22));
        }
        self.data = data.to_vec();
        Ok(self)
    }

    /// A payment hash and a path id for the invoice, if your node does not create them. Neither has to be stored.
    pub fn expected_payment(&self) -> ExpectedPayment {
        let period = self.period.as_ref().map(|period| period.sold(self.request(), self.created_at));
        let sale = Sale {
            period: period.flatten(),
            data: self.data.clone(),
            #[cfg(feature = "contacts")]
            introduction: self.introduction(),
            ..Sale::of(&self.received.issuer, self.request(), self.request().payer_id(), self.created_at)
        };
        let expires_at = self.created_at.saturating_add(self.expiry());
        ExpectedPayment::new(&self.received.issuer, sale, self.amount, expires_at)
    }

    /// A builder for the invoice. It needs at least one [path](InvoiceBuilder::add_path).
    pub fn invoice(&self, payment_hash: sha256::Hash) -> InvoiceBuilder<'_> {
        let mut request = AcceptedRequest::new(self.request(), self.amount, self.node_id);
        if let Some(period) = &self.period {
            request = period.accept(request);
        }
        InvoiceBuilder::new(request, self.created_at, payment_hash).relative_expiry(self.expiry())
    }

    /// Signs the invoice with the key that was made for the offer.
    ///
    /// That is one of three cases. [`node_id`](Self::node_id) returns the key that has to sign:
    ///
    /// | the offer was made with | its invoices are signed with |
    /// | --- | --- |
    /// | [`NewOffer::issuer_id`](crate::exchange::NewOffer::issuer_id) | this function |
    /// | another issuer id, for example the node's | [`Unsigned::sign`] or [`Unsigned::complete`], by the holder of that key |
    /// | no issuer id | `Unsigned::sign`, with the key of the path that was used (PTH-3), which comes out of the onion |
    ///
    /// The last key is not part of a saved state. If the invoice is not made at once, keep the key with
    /// [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    ///
    /// `Differs` and `AmountMismatch` for the invoice of another request, `TimeMismatch` for another
    /// [expiry](Self::relative_expiry), `WrongKey` (IVW-6), `TooLong` (D7).
    pub fn sign(&self, invoice: Unsigned<Invoice>) -> Result<Invoice, Error> {
        self.check(&invoice)?;
        let keypair = self.received.nonce.map(|nonce| self.received.issuer.offer_keypair(&nonce));
        match keypair.filter(|keypair| invoice.signer() == Some(keypair.public_key())) {
            Some(keypair) => invoice.sign(&keypair),
            None => Err(Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Ivw6)),
        }
    }

    /// The message that carries the invoice to the payer (MSG-3).
    ///
    /// # Errors
    ///
    /// As for [`sign`](Self::sign): an invoice goes only to the sender of its own request.
    pub fn answer(&self, invoice: Invoice) -> Result<OutgoingMessage, Error> {
        self.check(&invoice)?;
        let reply_path = self.received.reply_path.clone().ok_or(Error::new(ErrorKind::NoReplyPath, Rule::Msg3))?;
        Ok(OutgoingMessage::answer(OffersMessage::Invoice(invoice), reply_path))
    }

    /// IVW-1, IVW-2
    fn check(&self, invoice: &InvoiceFields) -> Result<(), Error> {
        invoice.check_repeats(self.request())?;
        if let Some(period) = &self.period {
            period.check(invoice, self.created_at)?;
        }
        check_expiry(invoice, self.created_at.saturating_add(self.expiry()))?;
        // IVW-3
        if invoice.node_id() != Some(self.node_id) {
            return Err(Error::of(Field::INVOICE_NODE_ID, ErrorKind::WrongKey, Rule::Ivw6));
        }
        if invoice.amount() == Some(self.amount) {
            Ok(())
        } else {
            let kind = ErrorKind::AmountMismatch { expected: self.amount };
            Err(Error::of(Field::INVOICE_AMOUNT, kind, Rule::Ivr11))
        }
    }

    /// Refuses after all, for example because there is no payment path now.
    #[must_use]
    pub fn refuse(self, why: InvoiceError) -> Option<OutgoingMessage> {
        self.received.refuse(why)
    }

    /// The state as bytes, which [`Payee::load_accepted`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new(Kind::Accepted);
        self.received.write(&mut out);
        out.number(self.amount.0);
        out.optional_number(self.due.map(|due| due.0));
        out.array(self.node_id.serialize());
        out.number(self.created_at.0);
        out.number(self.relative_expiry.as_secs());
        out.bytes(&self.data);
        if let Some(period) = &self.period {
            period.write(&mut out);
        }
        #[cfg(feature = "contacts")]
        if self.request().contact_secret().is_some() {
            out.flag(self.payer_is_known);
        }
        out.finish(self.received.issuer.states())
    }
}

/// Checks that an invoice expires when its path ids say so.
pub(crate) fn check_expiry(invoice: &InvoiceFields, expected: UnixTime) -> Result<(), Error> {
    if invoice.expires_at() == Some(expected) {
        Ok(())
    } else {
        Err(Error::of(Field::INVOICE_RELATIVE_EXPIRY, ErrorKind::TimeMismatch { expected }, Rule::Ivr4))
    }
}

impl Payee {
    /// Loads what [`Accepted::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// As for [`Payer::load`](crate::exchange::Payer::load).
    pub fn load_accepted(&self, bytes: &[u8]) -> Result<Accepted, Error> {
        Reader::load(bytes, Kind::Accepted, self.states(), |reader| {
            let received = ReceivedRequest::read(reader, self)?;
            let amount = Msat(reader.number()?);
            let due = reader.optional_number()?.map(Msat);
            let node_id = reader.array()?;
            let node_id = reader.point(node_id)?.public_key()?;
            let created_at = UnixTime(reader.number()?);
            let relative_expiry = Duration::from_secs(reader.number()?);
            let data = reader.bytes()?.to_vec();
            let period = Period::read(reader, received.request(), due)?;
            Ok(Accepted {
                #[cfg(feature = "contacts")]
                payer_is_known: received.request().contact_secret().is_some() && reader.flag()?,
                received,
                amount,
                due,
                node_id,
                created_at,
                relative_expiry,
                period,
                data,
            })
        })
    }
}
