//! What people in the world want: offers of all kinds, purchases, refunds, and a market that moves.

use std::num::NonZeroU64;

use bolt12::exchange::{Limit, MessageArrival, Payee, Payer, Payment, Retry};
use bolt12::{ChainHash, CurrencyCode, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, Quantity, Rate, UnixTime};

use super::messages::key;
use super::naive::{self, Record};
use super::network::{Faults, Random};
use super::sides::{CHAINS, last_key, path_with};

/// What a world is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) faults: Faults,
    /// How many payments customers begin, beside one refund.
    pub(crate) purchases: usize,
    /// Whether everybody does all to succeed: nobody declines or is too slow, prices stay within limits, the bank
    /// finds a way in the end.
    pub(crate) willing: bool,
    /// Out of 1000 places where a crash can happen.
    pub(crate) crashes: u16,
    /// The one place where a crash happens for sure.
    pub(crate) crash_at: Option<u64>,
}

impl Setup {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, faults: Faults::NONE, purchases: 3, willing: true, crashes: 0, crash_at: None }
    }
}

/// The bytes of all records in some ranges.
pub(crate) fn records(found: &[Record], ranges: &[std::ops::RangeInclusive<u64>]) -> Vec<u8> {
    let wanted = found.iter().filter(|record| ranges.iter().any(|range| range.contains(&record.number)));
    wanted.flat_map(|record| record.bytes.clone()).collect()
}

pub(crate) fn usd() -> CurrencyCode {
    "USD".parse().unwrap()
}

/// What dollars are worth: another number each minute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Market {
    seed: u64,
    /// How far it goes up and down, in hundredths of a per cent.
    swing: u64,
}

/// Cents for a bitcoin, before it moves.
const CENTS: u64 = 10_000_000;

impl Market {
    pub(crate) fn new(seed: u64, swing: u64) -> Self {
        Self { seed, swing }
    }

    fn cents(&self, now: UnixTime) -> u64 {
        let moved = Random::new(self.seed ^ (now.0 / 60)).below(2 * self.swing + 1);
        CENTS * (10_000 + moved - self.swing) / 10_000
    }

    pub(crate) fn rate(&self, now: UnixTime) -> Rate {
        Rate::new(usd(), MinorUnits(self.cents(now)), Msat(100_000_000_000)).unwrap()
    }
}

/// Who signs invoices for an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The key that was made for the offer.
    Derived,
    /// The node, whose id the offer shows.
    Node,
    /// The blinded key at the end of the path that the request came over.
    Blinded,
}

/// An offer of the shop's, and what the checks know of it.
#[derive(Clone, Debug)]
pub(crate) struct ShopOffer {
    pub(crate) offer: Offer,
    pub(crate) records: Vec<u8>,
    /// How requests may come.
    pub(crate) ways: Vec<MessageArrival>,
    pub(crate) signer: Signer,
}

impl ShopOffer {
    pub(crate) fn make(issuer: &Payee, node: u8, random: &mut Random, setup: &Setup) -> Self {
        let new = issuer.new_offer(random.bytes());
        let count = random.index(4);
        let ids: Vec<_> = (0..count).map(|position| new.path_id(position as u8)).collect();
        let signer = match (count, random.below(3)) {
            (0, _) | (_, 0) => Signer::Node,
            (_, 1) => Signer::Derived,
            _ => Signer::Blinded,
        };
        let paths = ids.iter().map(|id| path_with(node, *id));
        let mut builder = match signer {
            Signer::Node => paths.fold(OfferBuilder::new(key(node).public_key()), OfferBuilder::add_path),
            Signer::Derived => paths.fold(OfferBuilder::new(new.issuer_id()), OfferBuilder::add_path),
            Signer::Blinded => OfferBuilder::with_paths(paths),
        };
        builder = builder.description("tea");
        builder = match random.below(3) {
            0 => builder,
            1 => builder.amount_msat(Msat(1 + random.below(1_000_000_000))),
            _ => {
                let amount = MinorUnits(1 + random.below(100_000));
                builder.amount(OfferAmount::Currency { currency: usd(), amount })
            }
        };
        builder = match random.below(3) {
            0 => builder.quantity_max(Quantity::Unlimited),
            1 => builder.quantity_max(Quantity::AtMost(NonZeroU64::new(1 + random.below(9)).unwrap())),
            _ => builder,
        };
        if random.chance(300) {
            builder = builder.custom_field(1_000_000_101 + 2 * random.below(99), random.bytes::<12>());
        }
        if random.chance(200) {
            builder = builder.add_chain(ChainHash::TESTNET3).add_chain(ChainHash::BITCOIN);
        }
        if random.chance(200) {
            let seconds = if setup.willing { 3600 } else { 100 + random.below(400) };
            builder = builder.absolute_expiry(UnixTime(super::messages::NOW.0 + seconds));
        }
        let offer = new.build(builder).unwrap();
        assert!(signer != Signer::Blinded || last_key(node, ids[0]).public_key() != key(node).public_key());
        let records = records(&naive::parse(offer.as_bytes()).unwrap(), &[0..=u64::MAX]);
        let ways = if ids.is_empty() {
            vec![MessageArrival::Direct]
        } else {
            ids.into_iter().map(MessageArrival::Path).collect()
        };
        Self { offer, records, ways, signer }
    }
}

/// What a payment is for.
#[derive(Clone, Debug)]
enum For {
    /// One of the shop's offers, so many items, for so much if the payer chooses.
    Offer {
        offer: usize,
        quantity: Option<u64>,
        amount: Amount,
        limit: Option<Limit>,
    },
    Refund {
        amount: Msat,
        paths: u8,
        entropy: [u8; 32],
    },
}

#[derive(Clone, Copy, Debug)]
enum Amount {
    Price,
    /// So much, where there is no price.
    Free(Msat),
    /// The price, and so many hundredths of a per cent as a tip.
    Tip(u64),
}

/// Somebody wants to pay.
#[derive(Clone, Debug)]
pub(crate) struct Purchase {
    pub(crate) party: usize,
    what: For,
    deadline: UnixTime,
    retry: Retry,
    /// How long a quote is looked at, at most.
    pub(crate) hesitation: u64,
    pub(crate) declines: bool,
    /// What it has to cost, if that is known beforehand.
    exact: Option<Msat>,
    /// What the owner of the money would be content with, computed here.
    most: Msat,
    /// What the owner agreed to later.
    allowed: Option<Msat>,
}

impl Purchase {
    fn new(party: usize, what: For, random: &mut Random, setup: &Setup, at: UnixTime) -> Self {
        let seconds = if setup.willing { 1500 } else { 60 + random.below(2000) };
        let first = std::time::Duration::from_secs(random.below(20));
        let retry = Retry { first, max: std::time::Duration::from_secs(random.below(90)) };
        let hesitation = if !setup.willing && random.chance(150) { 3000 } else { 20 };
        let declines = !setup.willing && random.chance(30);
        let deadline = UnixTime(at.0 + seconds);
        Self { party, what, deadline, retry, hesitation, declines, exact: None, most: Msat(0), allowed: None }
    }

    pub(crate) fn of_offer(shop: &[ShopOffer], random: &mut Random, setup: &Setup, at: UnixTime) -> Self {
        let offer = random.index(shop.len());
        let quantity = match shop[offer].offer.quantity_max() {
            Quantity::One => None,
            Quantity::Unlimited => Some(1 + random.below(1000)),
            Quantity::AtMost(max) => Some(1 + random.below(max.get())),
        };
        let tip = Amount::Tip(random.below(2000));
        let (amount, limit) = match shop[offer].offer.amount() {
            None => (Amount::Free(Msat(1 + random.below(1_000_000_000))), None),
            Some(OfferAmount::Bitcoin(_)) => (if random.chance(500) { Amount::Price } else { tip }, None),
            Some(_) if !setup.willing && random.chance(300) => (Amount::Tip(random.below(200)), None),
            // The market moves by at most two swings.
            Some(_) if setup.willing => (Amount::Price, Some(Limit::Tolerance { basis_points: 250 })),
            Some(_) => {
                let basis_points = random.below(300) as u32;
                (Amount::Price, Some(Limit::Tolerance { basis_points }))
            }
        };
        let what = For::Offer { offer, quantity, amount, limit };
        let party = 1 + random.index(2);
        Self::new(party, what, random, setup, at)
    }

    pub(crate) fn of_refund(party: usize, random: &mut Random, setup: &Setup, at: UnixTime) -> Self {
        let (amount, paths) = (Msat(1 + random.below(1_000_000_000)), 1 + random.index(3) as u8);
        let what = For::Refund { amount, paths, entropy: random.bytes() };
        Self::new(party, what, random, setup, at)
    }

    /// Which of the shop's offers it is for, unless it is a refund.
    pub(crate) fn offer(&self) -> Option<usize> {
        match self.what {
            For::Offer { offer, .. } => Some(offer),
            For::Refund { .. } => None,
        }
    }

    pub(crate) fn refund_path_id(&self, payer: &Payer, position: u8) -> bolt12::exchange::PathId {
        let For::Refund { entropy, .. } = self.what else { panic!("no refund") };
        payer.new_refund(entropy).path_id(position)
    }

    pub(crate) fn begin(
        &mut self,
        payer: &Payer,
        shop: &[ShopOffer],
        market: &Market,
        random: &mut Random,
        now: UnixTime,
    ) -> Payment {
        match self.what.clone() {
            For::Refund { amount, paths, entropy } => {
                let new = payer.new_refund(entropy);
                let builder = new.builder("a cup that broke", amount).absolute_expiry(self.deadline);
                let node = [0x60, 0x70, 0x71][self.party];
                let add =
                    |builder: bolt12::RefundBuilder, position| builder.add_path(path_with(node, new.path_id(position)));
                let builder = (0..paths).fold(builder, add);
                (self.exact, self.most) = (Some(amount), amount);
                new.publish(builder, now).unwrap()
            }
            For::Offer { offer, quantity, amount, limit } => {
                let offer = &shop[offer].offer;
                let mut draft = payer.draft(offer, now, CHAINS).unwrap().retry(self.retry);
                let times = u128::from(quantity.unwrap_or(1));
                // In msat, rounded up, from the numbers.
                let price = match offer.amount() {
                    None => None,
                    Some(OfferAmount::Bitcoin(price)) => Some(u128::from(price.0) * times),
                    Some(OfferAmount::Currency { amount, .. }) => {
                        draft = draft.rate(market.rate(now));
                        let product = u128::from(amount.0) * times * 100_000_000_000;
                        Some(product.div_ceil(u128::from(market.cents(now))))
                    }
                };
                let in_bitcoin = matches!(offer.amount(), Some(OfferAmount::Bitcoin(_)));
                let price = price.map(|price| u64::try_from(price).unwrap());
                let chosen = match (amount, price) {
                    (Amount::Price, _) => None,
                    (Amount::Free(amount), _) => Some(amount.0),
                    (Amount::Tip(tip), price) => {
                        let price = price.unwrap();
                        Some(price + u64::try_from(u128::from(price) * u128::from(tip) / 10_000).unwrap())
                    }
                };
                if let Some(quantity) = quantity {
                    draft = draft.quantity(quantity);
                }
                if let Some(amount) = chosen {
                    draft = draft.amount(Msat(amount));
                }
                if let Some(limit) = limit {
                    draft = draft.limit(limit);
                }
                if random.chance(200) {
                    draft = draft.payer_note("please \u{202e} hurry");
                }
                if random.chance(200) {
                    draft = draft.custom_field(2_000_000_001, *b"custom");
                }
                assert!(draft.needs().is_empty(), "{:?}", draft.needs());
                let cost = chosen.or(price).unwrap();
                assert_eq!(draft.cost().unwrap(), Some(Msat(cost)), "OFR-10");
                self.most = match limit {
                    Some(Limit::Tolerance { basis_points }) => {
                        let most = u128::from(price.unwrap()) * u128::from(10_000 + basis_points) / 10_000;
                        Msat(u64::try_from(most).unwrap())
                    }
                    Some(Limit::AtMost(max)) => max,
                    None => Msat(cost),
                };
                if in_bitcoin || chosen.is_some() {
                    self.exact = Some(Msat(cost));
                }
                draft.start(random.bytes(), now, self.deadline).unwrap()
            }
        }
    }

    /// Its owner agrees to this, whatever it was to be.
    pub(crate) fn allow(&mut self, amount: Msat) {
        self.allowed = Some(amount);
    }

    /// EXC-7, IVR-11: exactly what was agreed, or at most what was authorised.
    pub(crate) fn check_amount(&self, paid: Msat, max: Msat) {
        if let Some(allowed) = self.allowed {
            assert_eq!(max, allowed);
        }
        assert!(paid.0 > 0 && paid <= max);
        assert!(self.exact.is_none_or(|exact| exact == paid));
    }

    /// EXC-7, EXC-9: the price at the rate of the moment at which it was begun, within the tolerance, from the numbers.
    pub(crate) fn check_price(&self, paid: Msat, shop: &[ShopOffer], market: &Market, begun: UnixTime) {
        let For::Offer { offer, quantity, limit, .. } = self.what else { return assert!(paid <= self.most) };
        let (Some(Limit::Tolerance { basis_points }), None) = (limit, self.allowed) else {
            return assert!(paid <= self.allowed.unwrap_or(self.most));
        };
        let Some(OfferAmount::Currency { amount, .. }) = shop[offer].offer.amount() else { return };
        let product = u128::from(amount.0) * u128::from(quantity.unwrap_or(1)) * 100_000_000_000;
        let price = product.div_ceil(u128::from(market.cents(begun)));
        assert!(u128::from(paid.0).abs_diff(price) * 10_000 <= price * u128::from(basis_points), "{paid} for {price}");
    }
}
