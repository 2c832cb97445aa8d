//! What a payer decides before anything is sent.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::vec::Vec;

use bitcoin::constants::ChainHash;
use secp256k1::PublicKey;

use crate::builder::check_amount;
use crate::contacts::FIELDS;
use crate::error::{Error, ErrorKind, Field, LinkFault, Rule};
use crate::exchange::payer::budget::{Budget, Price};
use crate::exchange::payer::choices::Choices;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::limit::{FeeLimit, Limit};
use crate::exchange::payer::purpose::OfferPurpose;
use crate::exchange::recurring::Series;
use crate::exchange::schedule::Retry;
use crate::field::{CurrencyCode, HumanReadableName, OfferAmount, Quantity, Rate, named};
use crate::names::ResolvedName;
use crate::names::resolved::check_fresh;
use crate::offer::{Offer, UsableOffer};
use crate::units::{Msat, UnixTime};

/// Something that a draft lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// The offer sells several items: how many? (RQW-5)
    Quantity(Quantity),
    /// The offer has no price: how much? (RQW-3)
    Amount,
    /// The price is in this currency: how much at most, in bitcoin, or how far from which rate? (EXC-7)
    Limit(CurrencyCode),
    /// The rate of this currency, which a tolerance or an amount is compared with.
    Rate(CurrencyCode),
}

/// For a person, for example "how much to pay".
impl core::fmt::Display for Need {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Quantity(Quantity::AtMost(max)) => write!(f, "how many, from 1 to {max}"),
            Self::Quantity(_) => f.write_str("how many"),
            Self::Amount => f.write_str("how much to pay"),
            Self::Limit(currency) => write!(f, "a limit in bitcoin, because the payee converts from {currency}"),
            Self::Rate(currency) => write!(f, "the current exchange rate for {currency}"),
        }
    }
}

/// A payment for an offer in the making: what it will cost, what it will reveal, and what is missing.
///
/// It borrows nothing, so that a program can keep it while somebody fills in a form.
///
/// ```
/// use bolt12::exchange::{Limit, Need, Payer};
/// use bolt12::{ChainHash, MinorUnits, Msat, OfferAmount, OfferBuilder, Rate, UnixTime};
///
/// # let usd = "USD".parse()?;
/// # let issuer_id = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse()?;
/// let offer = OfferBuilder::new(issuer_id)
///     .amount(OfferAmount::Currency { currency: usd, amount: MinorUnits(350) })
///     .description("coffee")
///     .build()?;
/// let now = UnixTime(1_800_000_000);
/// let payer = Payer::new([0x42; 32]); // a secret of your own
///
/// let draft = payer.draft(&offer, now, &[ChainHash::BITCOIN])?;
/// assert_eq!(draft.needs(), [Need::Limit(usd)]);
/// let draft = draft.rate(Rate::per_bitcoin(usd, "100000.00", 2)?).limit(Limit::Tolerance { basis_points: 200 });
/// assert_eq!(draft.cost()?, Some(Msat(3_500_000)));
/// assert!(draft.needs().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Draft {
    pub(crate) payer: Payer,
    pub(crate) offer: Offer,
    pub(crate) chain: ChainHash,
    pub(crate) choices: Choices,
    pub(crate) limit: Option<Limit>,
    pub(crate) fees: FeeLimit,
    pub(crate) retry: Retry,
    /// Until when what the name stands for may be used, if it was looked up.
    pub(crate) name_until: Option<UnixTime>,
}

impl Payer {
    /// Begins a payment for an offer, which has not expired, and on one of the payer's chains, which are given in
    /// the order of preference.
    ///
    /// # Errors
    ///
    /// `UnsupportedChain` (OFR-3), `Expired` (OFR-9), `IsRecurring` (REC-3) for an offer that asks for a subscription:
    /// see `subscribe`, with the feature `recurrence`.
    pub fn draft(&self, offer: &Offer, now: UnixTime, chains: &[ChainHash]) -> Result<Draft, Error> {
        crate::recurrence::check_paid_once(offer.tlvs())?;
        Ok(Draft::new(self.clone(), offer.usable(now, chains)?))
    }
}

impl Draft {
    pub(crate) fn new(payer: Payer, offer: UsableOffer<'_>) -> Self {
        let retry = Retry::default();
        let (offer, chain) = (offer.offer().clone(), offer.chain());
        let (choices, fees) = (Choices::default(), FeeLimit::default());
        Self { payer, offer, chain, choices, limit: None, fees, retry, name_until: None }
    }

    /// Has requests be signed elsewhere, with this key: at a hardware wallet, for example. Without it, each is signed with a
    /// key of its own that follows from the payer's secret. Let this key, too, serve nothing else: whoever sees it twice
    /// knows that one payer asked. The payment then says when it lacks a signature
    /// ([`Action::Sign`](crate::exchange::Action::Sign)): one suffices for all of an offer's paths, and each renewal of a quote
    /// needs another. A [proof](crate::exchange::Receipt::proof) of the payment is signed with this key.
    pub fn signer(mut self, payer_id: PublicKey) -> Self {
        self.choices.signer = Some(payer_id.into());
        self
    }

    /// What to pay: needed if the offer has no price; otherwise at least the price, for example with a tip.
    pub fn amount(mut self, amount: Msat) -> Self {
        self.choices.amount = Some(amount);
        self
    }

    /// How many items, exactly if the offer has a maximum quantity.
    pub fn quantity(mut self, quantity: u64) -> Self {
        self.choices.quantity = Some(quantity);
        self
    }

    /// Something to say to the issuer.
    pub fn payer_note(mut self, note: &str) -> Self {
        self.choices.payer_note = note.to_owned();
        self
    }

    /// The BIP 353 name that led to the offer, which the issuer then sees (RQW-8). One that was looked up goes into
    /// [`resolved`](Self::resolved).
    pub fn bip_353_name(mut self, name: HumanReadableName<'_>) -> Self {
        self.choices.name = Some(name.into_owned().into());
        self.name_until = None;
        self
    }

    /// The name that was looked up and led to the offer: the issuer sees it (NAM-9), and the payment is not begun once
    /// the name has to be looked up again (NAM-8). A payment that was begun goes on.
    ///
    /// The URI's amount, if it has one, is for [`amount`](Self::amount): see
    /// [`BitcoinUri::amount_for`](crate::BitcoinUri::amount_for).
    ///
    /// # Errors
    ///
    /// [`StaleName`](crate::LinkFault::StaleName) (NAM-8); [`OtherOffer`](crate::LinkFault::OtherOffer) for a name that
    /// does not stand for this offer; what is wrong with its URI.
    pub fn resolved(mut self, name: &ResolvedName, now: UnixTime) -> Result<Self, Error> {
        check_fresh(name.keep_until(), now)?;
        if !name.uri()?.offers().any(|offer| *offer == self.offer) {
            return Err(Error::new(ErrorKind::Link(LinkFault::OtherOffer), Rule::Nam9));
        }
        self = self.bip_353_name(name.name().by_ref());
        self.name_until = Some(name.keep_until());
        Ok(self)
    }

    /// Adds a field to the request: see
    /// [`InvoiceRequestBuilder::custom_field`](crate::InvoiceRequestBuilder::custom_field).
    pub fn custom_field(mut self, number: u64, value: impl Into<Vec<u8>>) -> Self {
        self.choices.custom.push((number, value.into()));
        self
    }

    /// What the payer takes the offer's currency to be worth. The issuer does not see it.
    pub fn rate(mut self, rate: Rate) -> Self {
        self.choices.rate = Some(rate);
        self
    }

    /// The most that the invoice may ask for. Without one it is the price if that is in bitcoin, or the
    /// [amount](Self::amount) if that is given.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The most that the payee's paths may cost on top, and delay the payment: 50 sat and 1 %, and a week, if not set
    /// (EXC-10).
    pub fn fee_limit(mut self, limit: FeeLimit) -> Self {
        self.fees = limit;
        self
    }

    /// How long to wait for answers.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The price of all items as the offer states it, if it has one; nothing before it is known [how
    /// many](Self::quantity).
    ///
    /// # Errors
    ///
    /// `Overflow` (RQR-9).
    pub fn price(&self) -> Result<Option<OfferAmount>, Error> {
        let quantity = match (self.choices.quantity, self.offer.quantity_max()) {
            (Some(quantity), _) => quantity,
            (None, Quantity::One) => 1,
            (None, _) => return Ok(None),
        };
        let overflow = Error::of(Field::INVREQ_QUANTITY, ErrorKind::Overflow, Rule::Rqr9);
        let price = match self.offer.amount() {
            None => return Ok(None),
            Some(OfferAmount::Bitcoin(amount)) => amount.checked_mul(quantity).map(OfferAmount::Bitcoin),
            Some(OfferAmount::Currency { currency, amount }) => {
                amount.checked_mul(quantity).map(|amount| OfferAmount::Currency { currency, amount })
            }
        };
        price.map(Some).ok_or(overflow)
    }

    /// What the payment will cost, at the payer's own rate if the price is in another currency (OFR-10): the
    /// [amount](Self::amount) if it was chosen, else the price. Nothing if too little is known.
    ///
    /// # Errors
    ///
    /// `Overflow` (RQR-9), `WrongCurrency` for the rate of another currency.
    pub fn cost(&self) -> Result<Option<Msat>, Error> {
        match self.choices.amount {
            Some(amount) => Ok(Some(amount)),
            None => self.due(),
        }
    }

    /// The price in bitcoin, as far as it is known.
    fn due(&self) -> Result<Option<Msat>, Error> {
        match (self.price()?, self.choices.rate) {
            (Some(OfferAmount::Bitcoin(price)), _) => Ok(Some(price)),
            (Some(price), Some(rate)) => rate.convert(price).map(Some),
            _ => Ok(None),
        }
    }

    /// What is missing before the payment can begin.
    pub fn needs(&self) -> Vec<Need> {
        let offer = &self.offer;
        let mut needs = Vec::new();
        if self.choices.quantity.is_none() && offer.quantity_max() != Quantity::One {
            needs.push(Need::Quantity(offer.quantity_max()));
        }
        match (offer.amount(), self.choices.amount) {
            (None, None) => needs.push(Need::Amount),
            (Some(OfferAmount::Currency { currency, .. }), amount) => {
                if amount.is_none() && self.limit.is_none() {
                    needs.push(Need::Limit(currency));
                }
                let compares = amount.is_some() || matches!(self.limit, Some(Limit::Tolerance { .. }));
                let rate = self.choices.rate.filter(|rate| rate.currency() == currency);
                if compares && rate.is_none() {
                    needs.push(Need::Rate(currency));
                }
            }
            _ => {}
        }
        needs
    }

    /// Checks all that [`start`](Self::start) does, but for the deadline: what a form shows beside what was typed in.
    /// Costs as much as a request.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn check(&self) -> Result<(), Error> {
        self.asked(UnixTime(0)).check(&self.payer)?;
        self.max().map(drop)
    }

    /// The most bytes (not characters) that fit into the [note](Self::payer_note) beside what else was chosen, for whoever
    /// types it in. Costs as much as a request.
    ///
    /// # Errors
    ///
    /// What [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) refuses as long as something is
    /// [needed](Self::needs), and `TooLong` if even without a note it is.
    pub fn max_note_len(&self) -> Result<usize, Error> {
        self.asked(UnixTime(0)).max_note_len(&self.payer)
    }

    /// The fields that the issuer will see beside its own offer. The [metadata](Field::INVREQ_METADATA) mean
    /// nothing to it, and the [payer id](Field::INVREQ_PAYER_ID) is new every time: neither says who pays. The reply path
    /// may: it is made by whoever sends the request (with the feature `onion`, see `Route`).
    pub fn reveals(&self) -> Vec<Field> {
        let choices = &self.choices;
        let mut fields = Vec::from([Field::INVREQ_METADATA]);
        let chosen = [
            (self.chain != ChainHash::BITCOIN, Field::INVREQ_CHAIN),
            (choices.amount.is_some(), Field::INVREQ_AMOUNT),
            (choices.quantity.is_some(), Field::INVREQ_QUANTITY),
            (true, Field::INVREQ_PAYER_ID),
            (!choices.payer_note.is_empty(), Field::INVREQ_PAYER_NOTE),
            (choices.name.is_some(), Field::INVREQ_BIP_353_NAME),
        ];
        fields.extend(chosen.into_iter().filter(|(is_there, _)| *is_there).map(|(_, field)| field));
        fields.extend(choices.custom.iter().map(|(number, _)| named(&[FIELDS], *number)));
        fields
    }

    /// NAM-8
    pub(crate) fn check_name(&self, now: UnixTime) -> Result<(), Error> {
        self.name_until.map_or(Ok(()), |until| check_fresh(until, now))
    }

    pub(crate) fn asked(&self, now: UnixTime) -> OfferPurpose {
        let (offer, chain) = (self.offer.clone(), self.chain);
        OfferPurpose { chain, series: Series::once(&offer, now).map(Box::new), choices: self.choices.clone(), offer }
    }

    /// What is authorised.
    pub(crate) fn budget(&self, deadline: UnixTime) -> Result<Budget, Error> {
        let (max, estimate) = (self.max()?, self.cost()?);
        // Without a limit it is the price.
        let limit = self.limit.unwrap_or(Limit::AtMost(max));
        Ok(Budget {
            limit,
            max,
            estimate,
            price: self.converted()?,
            falls: false,
            quoted_at: None,
            fees: self.fees,
            deadline,
        })
    }

    /// The price of all items, where the issuer makes an amount of it.
    pub(crate) fn converted(&self) -> Result<Option<Price>, Error> {
        Ok(match (self.choices.amount, self.price()?) {
            (None, Some(OfferAmount::Currency { currency, amount })) => Some((currency, amount)),
            _ => None,
        })
    }

    /// The most the payment may cost, which is not less than it is expected to.
    pub(crate) fn max(&self) -> Result<Msat, Error> {
        let (max, field) = (self.ceiling()?, self.amount_field());
        match self.cost()? {
            Some(cost) if cost > max => Err(Error::of(field, ErrorKind::AmountTooHigh { max }, Rule::Exc7)),
            _ => Ok(max),
        }
    }

    /// What decides how much it costs.
    fn amount_field(&self) -> Field {
        match (self.choices.amount, self.offer.amount()) {
            (None, Some(_)) => Field::OFFER_AMOUNT,
            _ => Field::INVREQ_AMOUNT,
        }
    }

    /// The most the payment may cost.
    pub(crate) fn ceiling(&self) -> Result<Msat, Error> {
        let cost = self.cost()?;
        let max = match self.limit {
            Some(limit) => limit.max(cost)?,
            // What another currency is worth is for the issuer to say, so its price alone is no limit.
            None if self.choices.amount.is_none() && self.offer.currency().is_some() => None,
            None => cost,
        };
        let max = max.ok_or_else(|| self.lacking())?;
        check_amount(max, self.amount_field(), Rule::Exc7)?;
        Ok(max)
    }

    /// The first of the [needs](Self::needs), without which it is not known how much the payment may cost.
    fn lacking(&self) -> Error {
        let priced = |kind| Error::of(self.amount_field(), kind, Rule::Exc7);
        match self.needs().first() {
            Some(Need::Quantity(_)) => Error::missing(Field::INVREQ_QUANTITY, Rule::Rqr8),
            Some(Need::Limit(currency)) => priced(ErrorKind::LimitNeeded { currency: *currency }),
            Some(Need::Rate(currency)) => priced(ErrorKind::RateNeeded { currency: *currency }),
            Some(Need::Amount) | None => Error::missing(Field::INVREQ_AMOUNT, Rule::Rqw3),
        }
    }
}
