//! What is checked: the crate's own values, and what is done with them.

use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Action, Attempt, EndReason, FeeLimit, IncomingMessage, Limit, Objection, OutgoingMessage, PathId, Payer, Payment,
    State, Subscription, SubscriptionEnd, SubscriptionState,
};
use bolt12::{Error, Msat, Preimage, Rate, UnixTime};

/// A payment or a subscription.
#[derive(Debug)]
pub(crate) enum Subject {
    Payment(Box<Payment>),
    Subscription(Box<Subscription>),
}

/// Why something was not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Why {
    Deadline,
    Refused,
    Price,
    Restored,
    QuoteExpired,
    Declined,
    Other,
}

impl Why {
    fn of(reason: &EndReason) -> Self {
        match reason {
            EndReason::Deadline => Self::Deadline,
            EndReason::Refused(_) => Self::Refused,
            EndReason::TooExpensive { .. } | EndReason::OffPrice { .. } | EndReason::FeeTooHigh { .. } => Self::Price,
            EndReason::Restored => Self::Restored,
            EndReason::QuoteExpired => Self::QuoteExpired,
            EndReason::Declined => Self::Declined,
            _ => Self::Other,
        }
    }
}

/// What speaks against an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Against {
    Limit,
    Price,
    Fee,
}

/// How a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Over {
    Cancelled,
    Completed,
    NotStarted,
    Missed,
    Overflow,
}

/// Where it stands. `I` is how invoices are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum View<I> {
    Asking,
    Quoted(I),
    NeedsApproval(I, Against),
    Paying(I, u32),
    Paid(I),
    Ended(Why),
    /// The rest are of subscriptions only.
    Waiting,
    Overdue,
    Stopped(Why),
    Over(Over),
}

impl<I> View<I> {
    pub(crate) fn map<J>(self, name: impl FnOnce(I) -> J) -> View<J> {
        match self {
            Self::Asking => View::Asking,
            Self::Quoted(invoice) => View::Quoted(name(invoice)),
            Self::NeedsApproval(invoice, against) => View::NeedsApproval(name(invoice), against),
            Self::Paying(invoice, attempt) => View::Paying(name(invoice), attempt),
            Self::Paid(invoice) => View::Paid(name(invoice)),
            Self::Ended(why) => View::Ended(why),
            Self::Waiting => View::Waiting,
            Self::Overdue => View::Overdue,
            Self::Stopped(why) => View::Stopped(why),
            Self::Over(over) => View::Over(over),
        }
    }

    /// Who or what it waits for; nobody if it is over.
    pub(crate) fn waits_for(&self) -> Option<&'static str> {
        match self {
            Self::Asking => Some("payee"),
            Self::Quoted(_) | Self::NeedsApproval(..) | Self::Stopped(_) => Some("owner"),
            Self::Paying(..) => Some("node"),
            Self::Waiting | Self::Overdue => Some("time"),
            Self::Paid(_) | Self::Ended(_) | Self::Over(_) => None,
        }
    }
}

/// What is done. Numbers name messages, requests and invoices; `M`, `R` and `I` are what they stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call<M, R, I> {
    Poll,
    Receive(M),
    Unreachable(R),
    Unsendable,
    Begin(I),
    Failed(u32),
    Paid(I),
    Decline,
    /// The owner allows so many millisatoshi; of a subscription, this once.
    Allow(u64),
    AllowFee,
    TryAgain,
    CatchUp,
    Cancel,
    Restore,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Heard {
    Done,
    Refused,
    Send(Box<OutgoingMessage>),
    Wait(UnixTime),
    Nothing,
    Begun,
}

fn of_payment(payment: &Payment) -> View<sha256::Hash> {
    match payment.state() {
        State::Asking { .. } => View::Asking,
        State::Quoted(quote) => View::Quoted(quote.payment_hash()),
        State::NeedsApproval { quote, objection } => View::NeedsApproval(
            quote.payment_hash(),
            match objection {
                Objection::AboveLimit { .. } => Against::Limit,
                Objection::OffPrice { .. } => Against::Price,
                _ => Against::Fee,
            },
        ),
        State::Paying(paying) => View::Paying(paying.payment_hash(), paying.attempt().0),
        State::Paid(receipt) => View::Paid(receipt.preimage().payment_hash()),
        State::Ended(reason) => View::Ended(Why::of(reason)),
    }
}

impl Subject {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Payment(payment) => payment.to_bytes(),
            Self::Subscription(subscription) => subscription.to_bytes(),
        }
    }

    pub(crate) fn load(payer: &Payer, is_payment: bool, bytes: &[u8]) -> Result<Self, Error> {
        if is_payment {
            payer.load(bytes).map(|payment| Self::Payment(Box::new(payment)))
        } else {
            payer.load_subscription(bytes).map(|subscription| Self::Subscription(Box::new(subscription)))
        }
    }

    pub(crate) fn restore(payer: &Payer, is_payment: bool, bytes: &[u8]) -> Result<Self, Error> {
        if is_payment {
            payer.restore(bytes).map(|payment| Self::Payment(Box::new(payment)))
        } else {
            payer.restore_subscription(bytes).map(|subscription| Self::Subscription(Box::new(subscription)))
        }
    }

    /// Where it stands, and how many payments were made before.
    pub(crate) fn look(&self, now: UnixTime) -> (View<sha256::Hash>, u32) {
        match self {
            Self::Payment(payment) => (of_payment(payment), 0),
            Self::Subscription(subscription) => {
                let view = match subscription.state(now) {
                    SubscriptionState::Waiting(_) => View::Waiting,
                    SubscriptionState::Open(payment) => of_payment(payment),
                    SubscriptionState::Overdue { .. } => View::Overdue,
                    SubscriptionState::Stopped(_, reason) => View::Stopped(Why::of(reason)),
                    SubscriptionState::Ended(end) => View::Over(match end {
                        SubscriptionEnd::Cancelled => Over::Cancelled,
                        SubscriptionEnd::Completed => Over::Completed,
                        SubscriptionEnd::NotStarted => Over::NotStarted,
                        SubscriptionEnd::Missed(_) => Over::Missed,
                        _ => Over::Overflow,
                    }),
                };
                (view, subscription.payments_made())
            }
        }
    }

    /// The payment hashes of all invoices that were quoted.
    pub(crate) fn quoted(&self) -> Vec<sha256::Hash> {
        let payment = match self {
            Self::Payment(payment) => Some(payment.as_ref()),
            Self::Subscription(subscription) => subscription.payment(),
        };
        payment.into_iter().flat_map(Payment::quotes).map(|quote| quote.payment_hash()).collect()
    }

    /// The payment hash of the receipt that is shown.
    pub(crate) fn receipt(&self) -> Option<sha256::Hash> {
        let payment = match self {
            Self::Payment(payment) => Some(payment.as_ref()),
            Self::Subscription(subscription) => subscription.payment(),
        };
        match payment?.state() {
            State::Paid(receipt) => Some(receipt.preimage().payment_hash()),
            _ => None,
        }
    }

    /// When the next payment of a subscription is due, and how long its period is.
    pub(crate) fn due(&self, now: UnixTime) -> Option<(u64, u64)> {
        let Self::Subscription(subscription) = self else { return None };
        let due = subscription.next_payments(now, 1).into_iter().next()?;
        Some((due.due_at.0, due.period.end.0 - due.period.start.0))
    }

    /// Until when at most it waits for anything but its owner.
    pub(crate) fn deadline(&self, now: UnixTime) -> u64 {
        match self {
            Self::Payment(payment) => payment.deadline().0,
            Self::Subscription(subscription) => {
                subscription.next_payments(now, 1).first().map_or(0, |due| due.window.end().0)
            }
        }
    }

    /// Does something.
    pub(crate) fn call(
        &mut self,
        call: Call<IncomingMessage, PathId, Preimage>,
        now: UnixTime,
        rate: Option<Rate>,
        deadline: UnixTime,
    ) -> Heard {
        match self {
            Self::Payment(payment) => call_payment(payment, call, now, rate, deadline),
            Self::Subscription(subscription) => call_subscription(subscription, call, now, rate),
        }
    }
}

fn done<T, E>(result: Result<T, E>) -> Heard {
    if result.is_ok() { Heard::Done } else { Heard::Refused }
}

fn begun(result: Result<Attempt, Error>) -> Heard {
    if result.is_ok() { Heard::Begun } else { Heard::Refused }
}

fn acted(action: Result<Action, Error>) -> Heard {
    match action {
        Ok(Action::Send(message)) => Heard::Send(message),
        Ok(Action::WaitUntil(at)) => Heard::Wait(at),
        Ok(Action::Nothing | Action::Sign) => Heard::Nothing,
        Err(_) => Heard::Refused,
    }
}

/// What the owner allows in fees where asked.
const ANY_FEE: FeeLimit = FeeLimit { base: Msat(100_000_000), basis_points: 0, max_cltv_expiry_delta: 1_008 };

fn call_payment(
    payment: &mut Payment,
    call: Call<IncomingMessage, PathId, Preimage>,
    now: UnixTime,
    rate: Option<Rate>,
    deadline: UnixTime,
) -> Heard {
    match call {
        Call::Poll => {
            if rate.is_some_and(|rate| payment.set_rate(rate).is_err()) {
                return Heard::Refused;
            }
            acted(payment.poll(now))
        }
        Call::Receive(message) => done(payment.receive(message, now)),
        Call::Unreachable(path_id) => {
            payment.unreachable(&path_id, now);
            Heard::Done
        }
        Call::Unsendable => {
            payment.unsendable();
            Heard::Done
        }
        Call::Begin(preimage) => begun(payment.begin(preimage.payment_hash(), now, rate)),
        Call::Failed(attempt) => done(payment.failed(Attempt(attempt))),
        Call::Paid(preimage) => done(payment.paid(preimage)),
        Call::Decline => done(payment.decline()),
        Call::Allow(max) => done(payment.allow(Limit::AtMost(Msat(max)), now, deadline)),
        Call::AllowFee => done(payment.allow_fee(ANY_FEE, now, deadline)),
        Call::TryAgain | Call::CatchUp | Call::Cancel | Call::Restore => Heard::Refused,
    }
}

fn call_subscription(
    subscription: &mut Subscription,
    call: Call<IncomingMessage, PathId, Preimage>,
    now: UnixTime,
    rate: Option<Rate>,
) -> Heard {
    match call {
        Call::Poll => acted(subscription.poll(now, rate)),
        Call::Receive(message) => done(subscription.receive(message, now)),
        Call::Unreachable(path_id) => {
            subscription.unreachable(&path_id, now);
            Heard::Done
        }
        Call::Unsendable => {
            subscription.unsendable();
            Heard::Done
        }
        Call::Begin(_) => begun(subscription.begin(now, rate)),
        Call::Failed(attempt) => done(subscription.failed(Attempt(attempt))),
        Call::Paid(preimage) => done(subscription.paid(preimage)),
        Call::Decline | Call::AllowFee | Call::Restore => Heard::Refused,
        Call::Allow(max) => done(subscription.allow_once(subscription.payments_made(), Msat(max))),
        Call::TryAgain => {
            subscription.try_again();
            Heard::Done
        }
        Call::CatchUp => {
            subscription.catch_up();
            Heard::Done
        }
        Call::Cancel => {
            subscription.cancel();
            Heard::Done
        }
    }
}
