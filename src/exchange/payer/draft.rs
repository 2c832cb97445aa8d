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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Need {
    /// The number of items, because the offer sells several (RQW-5).
    Quantity(Quantity),
    /// The amount, because the offer has no price (RQW-3).
    Amount,
    /// A limit, because the price is in this currency: an amount in bitcoin, or a tolerance around a rate (EXC-7).
    Limit(CurrencyCode),
    /// The rate of this currency, for a tolerance or a chosen amount.
    Rate(CurrencyCode),
}

/// A phrase for the user, for example "how much to pay".
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

/// A payment that is being prepared: what it will cost, what it will reveal, and what is missing.
///
/// It borrows nothing, so a program can keep it while the user fills in a form.
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
/// let draft = draft.rate(Rate::per_bitcoin(usd, "100000.00")?).limit(Limit::Tolerance { basis_points: 200 });
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
    /// Prepares a payment for an offer that has not expired, on one of the payer's chains. List the chains in order of
    /// preference.
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

    /// Has requests signed with this key by a remote signer, for example a hardware wallet. Without it, each request is
    /// signed with a key of its own that follows from the payer's secret. Do not use this key for anything else: anyone
    /// who sees it twice knows that the requests come from one payer. When a request needs a signature, the payment
    /// returns [`Action::Sign`](crate::exchange::Action::Sign). One signature is enough for all paths of an offer, and
    /// each renewal of a quote needs another. A [proof](crate::exchange::Receipt::proof) of the payment is signed with
    /// this key too.
    pub fn signer(mut self, payer_id: PublicKey) -> Self {
        self.choices.signer = Some(payer_id.into());
        self
    }

    /// The amount to pay. It is required if the offer has no price. Otherwise it must be at least the price, and can
    /// include a tip.
    pub fn amount(mut self, amount: Msat) -> Self {
        self.choices.amount = Some(amount);
        self
    }

    /// The number of items, exactly if the offer has a maximum quantity.
    pub fn quantity(mut self, quantity: u64) -> Self {
        self.choices.quantity = Some(quantity);
        self
    }

    /// A note to the issuer.
    pub fn payer_note(mut self, note: &str) -> Self {
        self.choices.payer_note = note.to_owned();
        self
    }

    /// The BIP 353 name that led to the offer. The issuer will see it (RQW-8). For a name that was looked up, use
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

    /// The payer's exchange rate for the currency of the offer. The issuer does not see it.
    pub fn rate(mut self, rate: Rate) -> Self {
        self.choices.rate = Some(rate);
        self
    }

    /// The limit on the amount of the invoice. Without one it is the price, if that is in bitcoin, or the
    /// [amount](Self::amount) that was set.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The limit on the fees and the delay of the payee's paths: by default 50 sat and 1 % of the amount, and a week
    /// (EXC-10).
    pub fn fee_limit(mut self, limit: FeeLimit) -> Self {
        self.fees = limit;
        self
    }

    /// The delays between requests.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The price of all items in the currency of the offer. `None` if it has no price, or if the
    /// [quantity](Self::quantity) is not known yet.
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

    /// The cost of the payment (OFR-10): the [amount](Self::amount) if one was set, else the price, converted at the
    /// payer's own rate if it is in another currency. `None` if too little is known.
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

    /// What is still missing before the payment can start.
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

    /// Checks all that [`start`](Self::start) does, except for the deadline, for example to show errors in a form.
    /// Costs as much as making a request.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn check(&self) -> Result<(), Error> {
        self.asked(UnixTime(0)).check(&self.payer)?;
        self.max().map(drop)
    }

    /// The limit on the [note](Self::payer_note) in bytes (not characters), given the other choices, for a form. Costs
    /// as much as making a request.
    ///
    /// # Errors
    ///
    /// The errors of [`InvoiceRequestBuilder::build`](crate::InvoiceRequestBuilder::build) as long as something is
    /// [needed](Self::needs), and `TooLong` if the request is too long even without a note.
    pub fn max_note_len(&self) -> Result<usize, Error> {
        self.asked(UnixTime(0)).max_note_len(&self.payer)
    }

    /// The fields that the issuer will see besides its own offer. The [metadata](Field::INVREQ_METADATA) mean nothing
    /// to it, and the [payer id](Field::INVREQ_PAYER_ID) is new every time, so neither identifies the payer. The reply
    /// path may identify it: the sender of the request makes it (with the feature `onion`, see `Route`).
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

    /// Which of the [needs](Self::needs) it is without which nobody knows how much the payment may cost. That the
    /// request itself lacks nothing was checked before.
    fn lacking(&self) -> Error {
        let kind = self.offer.currency().map_or(ErrorKind::Missing, |currency| match self.limit {
            Some(_) => ErrorKind::RateNeeded { currency },
            None => ErrorKind::LimitNeeded { currency },
        });
        Error::of(self.amount_field(), kind, Rule::Exc7)
    }
}
