//! What is explored: who wants what, what can go wrong, and how often.

use bolt12::exchange::{Action, Limit, PathId, Payer, Retry, SubscriptionDraft};
use bolt12::{CurrencyCode, MinorUnits, Msat, Offer, OfferAmount, Preimage, Rate, Recurrence, UnixTime};

use crate::shop::{self, Bill, CHAINS, NOW, Signer};
use crate::subject::Subject;

/// What can answer a request, each as often as the network likes, and whenever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Letter {
    /// The invoice; where the price is in dollars, at the first rate.
    Right,
    /// Another invoice for the same request; where the price is in dollars, at the second rate.
    Second,
    /// The right invoice, by a clock that stands at the start.
    Old,
    /// An invoice for twice the price.
    Dear,
    /// An invoice over a path that costs too much.
    Fee,
    /// An invoice error.
    Refusal,
    /// An invoice error that suggests a higher amount.
    Suggestion,
    /// The right invoice, with another signature.
    Forged,
    /// The right invoice over no path.
    Direct,
    /// The right invoice over the reply path of another payment of the same payer.
    Misled,
    /// An invoice for another request, over this one's reply path.
    Crossed,
    /// An invoice error over no reply path.
    StrayRefusal,
    /// An invoice error over the reply path of another payment of the same payer.
    MisledRefusal,
}

impl Letter {
    /// Whether it has to be refused, and to change nothing.
    pub(crate) fn is_foreign(self) -> bool {
        let is_stray = matches!(self, Self::StrayRefusal | Self::MisledRefusal);
        is_stray || matches!(self, Self::Forged | Self::Direct | Self::Misled | Self::Crossed)
    }

    pub(crate) fn is_error(self) -> bool {
        matches!(self, Self::Refusal | Self::Suggestion | Self::StrayRefusal | Self::MisledRefusal)
    }
}

/// What the payer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To pay an offer once.
    Payment,
    /// To pay whoever claims a refund.
    Refund,
    /// To pay an offer in two periods.
    Subscription(Recurrence),
}

/// What the offer costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Price {
    Bitcoin(Msat),
    Cents(u64),
}

/// How often something can go wrong, or be done, on one way through the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// How often paying is begun.
    pub(crate) begins: u8,
    /// How often the node fails to pay.
    pub(crate) failures: u8,
    /// How many steps in a row are not saved. Each can be lost by a crash, or by a save that fails.
    pub(crate) unsaved: u8,
    /// How often a step is saved, and said not to be.
    pub(crate) lies: u8,
    /// How often a backup is made and restored.
    pub(crate) backups: u8,
    /// How often the owner allows more.
    pub(crate) allows: u8,
    /// How often the clock is set back to the beginning.
    pub(crate) set_back: u8,
    /// How often the owner cancels a subscription, or declines a payment, or nothing can be sent.
    pub(crate) declines: u8,
    /// How often the owner has a subscription try again.
    pub(crate) tries: u8,
    /// How often the node says that it failed to pay, and did not.
    pub(crate) mistakes: u8,
}

impl Bounds {
    pub(crate) const NONE: Self = Self {
        begins: 2,
        failures: 1,
        unsaved: 0,
        lies: 0,
        backups: 0,
        allows: 0,
        set_back: 0,
        declines: 0,
        tries: 2,
        mistakes: 0,
    };
}

/// A world to explore.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How it is called.
    pub name: &'static str,
    pub(crate) wish: Wish,
    pub(crate) price: Price,
    pub(crate) limit: Option<Limit>,
    /// How many paths the offer has.
    pub(crate) ways: u8,
    pub(crate) letters: &'static [Letter],
    /// The times at which anything happens, in seconds from the start.
    pub(crate) instants: &'static [u64],
    pub(crate) deadline: u64,
    /// How long an invoice can be paid.
    pub(crate) expiry: u32,
    pub(crate) retry: u64,
    /// How many requests the network remembers: answers to earlier ones do not come any more.
    pub(crate) remembered: u32,
    pub(crate) bounds: Bounds,
}

/// The first rate of the market, and the second, in dollars for a bitcoin: ten per cent apart.
const RATES: [u64; 2] = [100_000, 110_000];

impl Setup {
    /// How many rates there are.
    pub(crate) fn rates(&self) -> u8 {
        if self.currency().is_some() { 2 } else { 1 }
    }

    pub(crate) fn currency(&self) -> Option<CurrencyCode> {
        match self.price {
            Price::Bitcoin(_) => None,
            Price::Cents(_) => Some("USD".parse().expect("a code of three letters")),
        }
    }

    pub(crate) fn rate(&self, number: u8) -> Option<Rate> {
        let minor_units = MinorUnits(RATES[usize::from(number)] * 100);
        self.currency().map(|usd| Rate::new(usd, minor_units, Msat(100_000_000_000)).expect("a rate above zero"))
    }

    fn amount(&self) -> OfferAmount {
        match (self.price, self.currency()) {
            (Price::Cents(cents), Some(currency)) => OfferAmount::Currency { currency, amount: MinorUnits(cents) },
            (Price::Bitcoin(amount), _) => OfferAmount::Bitcoin(amount),
            (Price::Cents(_), None) => unreachable!("cents are in a currency"),
        }
    }

    /// When period 0 starts, if the offer says so.
    pub(crate) fn basetime(&self) -> Option<UnixTime> {
        match self.wish {
            Wish::Subscription(recurrence) => recurrence.base.map(|base| base.basetime),
            _ => None,
        }
    }

    /// The price at a rate.
    pub(crate) fn cost(&self, rate: u8) -> Msat {
        match (self.price, self.rate(rate)) {
            (Price::Bitcoin(amount), _) => amount,
            (_, Some(rate)) => rate.convert(self.amount()).expect("a few dollars"),
            (_, None) => unreachable!("a price in dollars has a rate"),
        }
    }

    pub(crate) fn at(&self, instant: u8) -> UnixTime {
        UnixTime(NOW.0 + self.instants[usize::from(instant)])
    }

    /// Whether everything is over at the last instant.
    pub(crate) fn is_whole(&self) -> bool {
        let last = self.instants.last().copied().unwrap_or(0);
        !matches!(self.wish, Wish::Subscription(_)) || last >= 7_300
    }

    pub(crate) fn deadline(&self) -> UnixTime {
        UnixTime(NOW.0 + self.deadline)
    }

    /// The deadline that comes with what the owner allows.
    pub(crate) fn later_deadline(&self) -> UnixTime {
        UnixTime(NOW.0 + self.deadline + 300)
    }

    fn offer(&self) -> Offer {
        let offer = shop::offer(self.ways).amount(self.amount());
        match self.wish {
            Wish::Subscription(recurrence) => offer.recurrence(recurrence),
            _ => offer,
        }
        .build()
        .expect("an offer")
    }

    fn retries(&self) -> Retry {
        let seconds = std::time::Duration::from_secs;
        Retry { first: seconds(self.retry), max: seconds(self.retry * 4) }
    }

    /// What is explored, as it begins.
    pub(crate) fn start(&self, payer: &Payer) -> Subject {
        let (entropy, deadline) = ([3; 32], self.deadline());
        match self.wish {
            Wish::Payment => {
                let mut draft = payer.draft(&self.offer(), NOW, CHAINS).expect("an offer for us");
                if let Some(rate) = self.rate(0) {
                    draft = draft.rate(rate);
                }
                if let Some(limit) = self.limit {
                    draft = draft.limit(limit);
                }
                let payment = draft.retry(self.retries()).start(entropy, NOW, deadline);
                Subject::Payment(Box::new(payment.expect("a payment that can begin")))
            }
            Wish::Refund => {
                let new = payer.new_refund(entropy);
                let refund = new.builder("a cup that broke", self.cost(0)).absolute_expiry(deadline);
                let refund = refund.add_path(shop::path(0x70, &new.path_id(0).0));
                Subject::Payment(Box::new(new.publish(refund, NOW).expect("a refund")))
            }
            Wish::Subscription(_) => {
                let draft: SubscriptionDraft =
                    payer.subscribe(&self.offer(), NOW, CHAINS).expect("an offer that recurs").payments(2);
                let draft = self.limit.into_iter().fold(draft, SubscriptionDraft::limit);
                let draft = self.rate(0).into_iter().fold(draft, SubscriptionDraft::rate);
                let subscription = draft.retry(self.retries()).start(entropy, NOW, deadline);
                Subject::Subscription(Box::new(subscription.expect("a subscription that can begin")))
            }
        }
    }

    /// What an invoice says that answers a request at a time.
    pub(crate) fn bill(&self, letter: Letter, seed: [u8; 32], instant: u8, basetime: Option<UnixTime>) -> Bill {
        let amount = match letter {
            Letter::Second => self.cost(self.rates() - 1),
            Letter::Dear => Msat(self.cost(0).0 * 2),
            _ => self.cost(0),
        };
        let signer = match letter {
            Letter::Second if self.wish == Wish::Refund => Signer::Other,
            _ => Signer::Issuer,
        };
        let created_at = self.at(if letter == Letter::Old { 0 } else { instant });
        let basetime = matches!(self.wish, Wish::Subscription(_)).then(|| basetime.unwrap_or(created_at));
        let fee = if letter == Letter::Fee { 10_000_000 } else { 1_000 };
        // What is for another request is not to be refused for its age.
        let expiry = if letter == Letter::Crossed { 100_000 } else { self.expiry };
        Bill { amount, fee, created_at, expiry, basetime, preimage: Preimage(seed), signer }
    }

    /// The path id of another payment of the same payer.
    pub(crate) fn other_path_id(&self, payer: &Payer) -> PathId {
        if self.wish == Wish::Refund {
            return payer.new_refund([9; 32]).path_id(0);
        }
        let other = shop::offer(1).amount(OfferAmount::Bitcoin(Msat(5_000))).build().expect("an offer");
        let draft = payer.draft(&other, NOW, CHAINS).expect("an offer for us");
        let mut payment = draft.start([9; 32], NOW, self.deadline()).expect("a payment that can begin");
        match payment.poll(NOW) {
            Ok(Action::Send(message)) => message.reply_path_id.expect("a request wants an answer"),
            other => unreachable!("a payment begins by asking: {other:?}"),
        }
    }
}
