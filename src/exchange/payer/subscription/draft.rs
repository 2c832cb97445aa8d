//! What a payer authorises before a subscription begins (REC-12).

use alloc::vec::Vec;

use bitcoin::constants::ChainHash;
use secp256k1::PublicKey;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payer::draft::{Draft, Need};
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::limit::{FeeLimit, Limit};
use crate::exchange::payer::subscription::Subscription;
use crate::exchange::payer::subscription::due::Due;
use crate::exchange::payer::subscription::plan::{Plan, RETRY};
use crate::exchange::schedule::Retry;
use crate::field::{HumanReadableName, OfferAmount, Rate};
use crate::names::ResolvedName;
use crate::offer::{Offer, UsableOffer};
use crate::recurrence::Recurrence;
use crate::units::{Msat, UnixTime};

/// A subscription in the making: what it will cost and when, what it will reveal, what is missing, and how much of it
/// is authorised.
///
/// All that is said here holds for every payment. It borrows nothing, so that a program can keep it while somebody
/// fills in a form.
#[derive(Clone, Debug)]
#[must_use]
pub struct SubscriptionDraft {
    pub(crate) draft: Draft,
    recurrence: Recurrence,
    now: UnixTime,
    first_period: Option<u32>,
    payments: Option<u32>,
    until: Option<UnixTime>,
}

/// As far as open periods are counted.
const MOST_COUNTED: u64 = 10_000;

impl Payer {
    /// Begins a subscription to an offer that recurs, has not expired, and is on one of the payer's chains, which are
    /// given in the order of preference.
    ///
    /// # Errors
    ///
    /// `UnsupportedChain` (OFR-3), `Expired` (OFR-9), `IsNotRecurring` (REC-3).
    pub fn subscribe(&self, offer: &Offer, now: UnixTime, chains: &[ChainHash]) -> Result<SubscriptionDraft, Error> {
        SubscriptionDraft::new(self.clone(), offer.usable(now, chains)?, now)
    }
}

impl SubscriptionDraft {
    pub(crate) fn new(payer: Payer, offer: UsableOffer<'_>, now: UnixTime) -> Result<Self, Error> {
        let recurrence = offer.offer().recurrence();
        let recurrence = recurrence.ok_or(Error::new(ErrorKind::IsNotRecurring, Rule::Rec3))?;
        let draft = Draft::new(payer, offer).retry(RETRY);
        Ok(Self { draft, recurrence, now, first_period: None, payments: None, until: None })
    }

    /// What to pay for each period: see [`Draft::amount`]. Anyone who chooses an amount pays all of it, however much of
    /// a period has ended.
    pub fn amount(mut self, amount: Msat) -> Self {
        self.draft = self.draft.amount(amount);
        self
    }

    /// How many items: see [`Draft::quantity`].
    pub fn quantity(mut self, quantity: u64) -> Self {
        self.draft = self.draft.quantity(quantity);
        self
    }

    /// Has all requests of the subscription signed with this key by a remote signer: see [`Draft::signer`]. Each period
    /// needs one signature, for all paths, repetitions and tries, and so does a cancellation:
    /// [`poll`](crate::exchange::Subscription::poll) then returns [`Action::Sign`](crate::exchange::Action::Sign). The
    /// signer has to answer while the [pay window](Due::window) is open. Use a key for one subscription only.
    pub fn signer(mut self, payer_id: PublicKey) -> Self {
        self.draft = self.draft.signer(payer_id);
        self
    }

    /// Something to say to the issuer, with every payment.
    pub fn payer_note(mut self, note: &str) -> Self {
        self.draft = self.draft.payer_note(note);
        self
    }

    /// The BIP 353 name that led to the offer, which the issuer then sees (RQW-8).
    pub fn bip_353_name(mut self, name: HumanReadableName<'_>) -> Self {
        self.draft = self.draft.bip_353_name(name);
        self
    }

    /// The name that was looked up and led to the offer: see [`Draft::resolved`].
    ///
    /// # Errors
    ///
    /// As for [`Draft::resolved`].
    pub fn resolved(mut self, name: &ResolvedName, now: UnixTime) -> Result<Self, Error> {
        self.draft = self.draft.resolved(name, now)?;
        Ok(self)
    }

    /// Adds a field to all requests: see [`Draft::custom_field`].
    pub fn custom_field(mut self, number: u64, value: impl Into<Vec<u8>>) -> Self {
        self.draft = self.draft.custom_field(number, value);
        self
    }

    /// What the payer takes the offer's currency to be worth now. Later rates are given to
    /// [`Subscription::poll`](crate::exchange::Subscription::poll).
    pub fn rate(mut self, rate: Rate) -> Self {
        self.draft = self.draft.rate(rate);
        self
    }

    /// The most that the invoice for a period may ask for (REC-12). A [tolerance](Limit::Tolerance) is counted from
    /// the rate of the day on which the period is paid. Without a limit it is the price, if that is in bitcoin, or the
    /// [amount](Self::amount) if that is given.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.draft = self.draft.limit(limit);
        self
    }

    /// The most that the payee's paths may cost on top of each payment: see [`Draft::fee_limit`].
    pub fn fee_limit(mut self, limit: FeeLimit) -> Self {
        self.draft = self.draft.fee_limit(limit);
        self
    }

    /// How many payments are authorised, at least one (REC-12). Without a number, there is no such limit.
    pub fn payments(mut self, payments: u32) -> Self {
        self.payments = Some(payments);
        self
    }

    /// The end of the authorisation (REC-12): no period is paid that starts then or later.
    pub fn until(mut self, until: UnixTime) -> Self {
        self.until = Some(until);
        self
    }

    /// With which period to start, if the offer has a base (REC-4): if not set, with the one that lasts now, or the
    /// next, if it is too late for that one.
    pub fn first_period(mut self, index: u32) -> Self {
        self.first_period = Some(index);
        self
    }

    /// How long to wait for answers. If not set, 5 seconds, growing to an hour.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.draft = self.draft.retry(retry);
        self
    }

    /// How the offer recurs.
    pub fn recurrence(&self) -> &Recurrence {
        &self.recurrence
    }

    /// The price of all items for a period, as the offer states it.
    ///
    /// # Errors
    ///
    /// `Overflow` (RQR-9).
    pub fn price(&self) -> Result<Option<OfferAmount>, Error> {
        self.draft.price()
    }

    /// What a whole period will cost: see [`Draft::cost`].
    ///
    /// # Errors
    ///
    /// As for [`Draft::cost`].
    pub fn cost(&self) -> Result<Option<Msat>, Error> {
        self.draft.cost()
    }

    /// How many periods can be open for payment at one time, which is the most that could be caught up with if nothing
    /// was paid for long: 2 where the offer has no pay window. One payment is made by itself in the length of a period;
    /// those beyond wait for [`catch_up`](crate::exchange::Subscription::catch_up) (EXC-17).
    pub fn most_overdue(&self) -> u64 {
        let base = self.recurrence.base.map_or(self.now, |base| base.basetime);
        // The first period of an offer without base has no window of its own.
        let Ok(window) = self.recurrence.pay_window(base, 1) else { return 1 };
        let opens = |index| self.recurrence.pay_window(base, index).is_ok_and(|later| later.start() <= window.end());
        let later = (2..=MOST_COUNTED).take_while(|index| opens(*index)).count() as u64;
        later.saturating_add(1)
    }

    /// What is missing before the subscription can begin.
    pub fn needs(&self) -> Vec<Need> {
        self.draft.needs()
    }

    /// The limit on the [note](Self::payer_note) in bytes (not characters), given the other choices: see
    /// [`Draft::max_note_len`]. The note is in all requests, so it must fit into the longest. Costs as much as two
    /// requests.
    ///
    /// # Errors
    ///
    /// As for [`Draft::max_note_len`], and `Unexpected` for a first period of an offer without base (REC-4).
    pub fn max_note_len(&self) -> Result<usize, Error> {
        Subscription::max_note_len(&self.draft.payer, &self.plan(self.now, UnixTime(u64::MAX))?)
    }

    /// Checks all that [`start`](Self::start) does, but for the deadline. Costs as much as two requests.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start).
    pub fn check(&self) -> Result<(), Error> {
        self.clone().start([0; 32], self.now, UnixTime(u64::MAX)).map(drop)
    }

    /// The fields that the issuer will see beside its own offer. The [payer id](Field::INVREQ_PAYER_ID) is new, and
    /// the same in all requests of this subscription: the issuer sees that they come from one payer, but not from
    /// whom.
    pub fn reveals(&self) -> Vec<Field> {
        let mut fields = self.draft.reveals();
        fields.push(Field::INVREQ_RECURRENCE_COUNTER);
        if self.recurrence.base.is_some() {
            fields.push(Field::INVREQ_RECURRENCE_START);
        }
        fields
    }

    /// What will be paid, so far as it is known: the first so many payments of those that are authorised. If it begins
    /// within a period of an offer with a proportional amount, the first shows what is left of it (REC-8).
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start), if there is no first payment.
    pub fn next_payments(&self, count: usize) -> Result<Vec<Due>, Error> {
        let plan = self.plan(self.now, UnixTime(u64::MAX))?;
        plan.check(&self.draft.payer, self.now)?;
        Ok(plan.next_payments(&self.draft.payer, 0, plan.base(), self.now, count))
    }

    pub(crate) fn plan(&self, now: UnixTime, deadline: UnixTime) -> Result<Plan, Error> {
        let Self { draft, recurrence, payments, until, .. } = self;
        let start = match (recurrence.base, self.first_period) {
            (Some(_), Some(index)) => Some(index),
            (Some(base), None) => Some(self.current_period(base.basetime, now)?),
            (None, None) => None,
            (None, Some(_)) => {
                return Err(Error::of(Field::INVREQ_RECURRENCE_START, ErrorKind::Unexpected, Rule::Rec4));
            }
        };
        Ok(Plan {
            offer: draft.offer.clone(),
            chain: draft.chain,
            choices: draft.choices.clone(),
            limit: draft.limit,
            fees: draft.fees,
            retry: draft.retry,
            recurrence: *recurrence,
            start,
            payments: *payments,
            until: *until,
            since: now,
            deadline,
        })
    }

    /// The period that lasts now, or else the next one.
    fn current_period(&self, basetime: UnixTime, now: UnixTime) -> Result<u32, Error> {
        let index = self.recurrence.period_index(basetime, now)?.unwrap_or(0);
        let is_late = now > *self.recurrence.pay_window(basetime, index)?.end();
        let overflow = Error::of(Field::INVREQ_RECURRENCE_START, ErrorKind::Overflow, Rule::Rec4);
        index.checked_add(is_late.into()).and_then(|index| u32::try_from(index).ok()).ok_or(overflow)
    }
}
