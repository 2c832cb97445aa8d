//! What a payment may cost, and what it should cost at the payer's own rate (EXC-7, EXC-9, EXC-10).

use core::fmt;

use crate::builder::check_amount;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::end::EndReason;
use crate::exchange::payer::limit::{FeeLimit, Limit, is_off};
use crate::exchange::saved::{Reader, Writer};
use crate::field::{CurrencyCode, OfferAmount, Rate};
use crate::invoice::{Invoice, PathLimits, PayableInvoice};
use crate::units::{MinorUnits, Msat, UnixTime};

/// How far the rate may move after a quote, in basis points, where the limit is not a tolerance.
const DRIFT: u32 = 100;

/// Why an invoice that is right otherwise is not paid unless the owner allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Objection {
    /// It asks for more than this (EXC-7).
    AboveLimit {
        /// The authorised limit.
        max: Msat,
    },
    /// It is off the price at the payer's rate by more than the tolerance (EXC-9).
    OffPrice {
        /// The price at that rate.
        estimate: Msat,
    },
    /// None of its paths is within the limit of fee and delay (EXC-10).
    FeeAboveLimit {
        /// What was authorised.
        limits: PathLimits,
    },
}

/// A sentence for a person.
impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AboveLimit { max } => write!(f, "the invoice asks for more than your limit of {max}"),
            Self::OffPrice { estimate } => {
                write!(f, "the invoice is too far from the price, which is {estimate} at the current rate")
            }
            Self::FeeAboveLimit { limits } => write!(
                f,
                "the fees exceed {}, or the delay exceeds {} blocks",
                limits.max_fee, limits.max_cltv_expiry_delta
            ),
        }
    }
}

impl Objection {
    /// How a payment ends because of it.
    pub(crate) fn end(&self, amount: Msat) -> EndReason {
        match self {
            Self::AboveLimit { .. } => EndReason::TooExpensive { amount },
            Self::OffPrice { .. } => EndReason::OffPrice { amount },
            Self::FeeAboveLimit { .. } => EndReason::FeeTooHigh { amount },
        }
    }

    pub(crate) fn error(&self) -> Error {
        match *self {
            Self::AboveLimit { max } => Error::of(Field::INVOICE_AMOUNT, ErrorKind::AmountTooHigh { max }, Rule::Exc7),
            Self::OffPrice { estimate } => {
                Error::of(Field::INVOICE_AMOUNT, ErrorKind::OffPrice { estimate }, Rule::Exc9)
            }
            Self::FeeAboveLimit { limits: PathLimits { max_fee, max_cltv_expiry_delta } } => {
                let kind = ErrorKind::NoPathWithin { max_fee, max_cltv_expiry_delta };
                Error::of(Field::INVOICE_BLINDEDPAY, kind, Rule::Exc10)
            }
        }
    }
}

/// The price of all items in a currency.
pub(crate) type Price = (CurrencyCode, MinorUnits);

/// What was authorised, and what is known of the price.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) limit: Limit,
    /// The most that the limit comes to now.
    pub(crate) max: Msat,
    /// The price at the payer's latest rate, or what was chosen.
    pub(crate) estimate: Option<Msat>,
    /// What a quote has to match, where the issuer converts it.
    pub(crate) price: Option<Price>,
    /// Whether less is due later, because part of a subscription's period has ended.
    pub(crate) falls: bool,
    /// The estimate at the time of the present quote.
    pub(crate) quoted_at: Option<Msat>,
    pub(crate) fees: FeeLimit,
    pub(crate) deadline: UnixTime,
}

impl Budget {
    /// Compares with another rate from now on. What is not priced in a currency has none.
    pub(crate) fn set_rate(&mut self, rate: Rate) -> Result<(), Error> {
        let Some((currency, amount)) = self.price else { return Ok(()) };
        let estimate = rate.convert(OfferAmount::Currency { currency, amount })?;
        let max = self.limit.max(Some(estimate))?.unwrap_or(self.max);
        check_amount(max, Field::OFFER_AMOUNT, Rule::Exc7)?;
        (self.estimate, self.max) = (Some(estimate), max);
        Ok(())
    }

    /// Authorises something else.
    pub(crate) fn set_limit(&mut self, limit: Limit) -> Result<(), Error> {
        let missing = self.price.map_or(ErrorKind::Missing, |(currency, _)| ErrorKind::RateNeeded { currency });
        let max = limit.max(self.estimate)?.ok_or(Error::of(Field::OFFER_AMOUNT, missing, Rule::Exc7))?;
        check_amount(max, Field::INVOICE_AMOUNT, Rule::Exc7)?;
        (self.limit, self.max) = (limit, max);
        // Who names an amount has seen what it is for.
        self.quoted_at = self.estimate;
        Ok(())
    }

    /// Whether another quote can be another amount: the issuer converts a price, or less is due later.
    pub(crate) fn can_change(&self) -> bool {
        self.price.is_some() || self.falls
    }

    /// What is wrong with paying this invoice without asking its owner.
    pub(crate) fn objection(&self, invoice: &Invoice) -> Option<Objection> {
        self.objection_at(invoice.amount(), |limits| PayableInvoice::again(invoice).paths_within(limits).is_ok())
    }

    /// The same for an amount, where something says whether paths are within a limit.
    pub(crate) fn objection_at(&self, amount: Msat, is_within: impl FnOnce(&PathLimits) -> bool) -> Option<Objection> {
        if amount > self.max {
            return Some(Objection::AboveLimit { max: self.max });
        }
        if let Some(estimate) = self.estimate.filter(|estimate| self.price.is_some() && self.is_off(amount, *estimate))
        {
            return Some(Objection::OffPrice { estimate });
        }
        let limits = self.fees.of(amount);
        (!is_within(&limits)).then_some(Objection::FeeAboveLimit { limits })
    }

    /// EXC-9: off the price where a tolerance was authorised; where an amount was, off what the price was then.
    fn is_off(&self, amount: Msat, estimate: Msat) -> bool {
        match (self.limit, self.quoted_at) {
            (Limit::Tolerance { basis_points }, _) => is_off(amount, estimate, basis_points),
            (Limit::AtMost(_), Some(then)) => is_off(then, estimate, DRIFT),
            (Limit::AtMost(_), None) => false,
        }
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        self.limit.write(out);
        out.number(self.max.0);
        out.optional_number(self.estimate.map(|estimate| estimate.0));
        out.flag(self.price.is_some());
        if let Some((currency, amount)) = self.price {
            out.bytes(currency.as_str().as_bytes());
            out.number(amount.0);
        }
        out.flag(self.falls);
        out.optional_number(self.quoted_at.map(|estimate| estimate.0));
        self.fees.write(out);
        out.number(self.deadline.0);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let (limit, max) = (Limit::read(reader)?, Msat(reader.number()?));
        let estimate = reader.optional_number()?.map(Msat);
        let price = if reader.flag()? { Some((reader.text()?.parse()?, MinorUnits(reader.number()?))) } else { None };
        let falls = reader.flag()?;
        let quoted_at = reader.optional_number()?.map(Msat);
        let (fees, deadline) = (FeeLimit::read(reader)?, UnixTime(reader.number()?));
        Ok(Self { limit, max, estimate, price, falls, quoted_at, fees, deadline })
    }
}
