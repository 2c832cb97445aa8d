//! The worlds that are explored.

use bolt12::exchange::Limit;
use bolt12::{Msat, PayWindow, Recurrence, RecurrenceBase, TimeUnit, UnixTime};

use crate::setup::{Bounds, Letter, Price, Setup, Wish};
use crate::shop::NOW;

use Letter::{
    Crossed, Dear, Direct, Fee, Forged, Misled, MisledRefusal, Old, Refusal, Right, Second, StrayRefusal, Suggestion,
};

/// A payment of a price in bitcoin.
const PAYMENT: Setup = Setup {
    name: "a payment",
    wish: Wish::Payment,
    price: Price::Bitcoin(Msat(1_000_000)),
    limit: None,
    ways: 1,
    letters: &[Right, Second, Dear, Refusal, Forged, Direct, Misled, Crossed, StrayRefusal, MisledRefusal],
    instants: &[0, 70, 301],
    deadline: 300,
    expiry: 60,
    // Half of it more or less is drawn: due again at the next instant.
    retry: 40,
    remembered: 3,
    bounds: Bounds { unsaved: 1, backups: 1, allows: 1, declines: 1, ..Bounds::NONE },
};

/// A payment of a price in dollars, while the rates of both sides move.
const DOLLARS: Setup = Setup {
    name: "a payment in dollars",
    price: Price::Cents(350),
    limit: Some(Limit::Tolerance { basis_points: 200 }),
    letters: &[Right, Second],
    remembered: 2,
    bounds: Bounds { begins: 2, failures: 1, ..Bounds::NONE },
    ..PAYMENT
};

/// The same, with an issuer that wants more, and an owner who allows it.
const DEAR_DOLLARS: Setup = Setup {
    name: "a payment in dollars that are dear",
    letters: &[Dear, Suggestion],
    instants: &[0, 301],
    bounds: Bounds { begins: 1, failures: 0, allows: 1, ..Bounds::NONE },
    ..DOLLARS
};

/// The same, where so much was authorised that the rate can move within it.
const DOLLARS_AT_MOST: Setup = Setup {
    name: "a payment in dollars, of a fixed amount at most",
    limit: Some(Limit::AtMost(Msat(4_000_000))),
    letters: &[Right],
    instants: &[0, 301],
    bounds: Bounds { allows: 1, ..Bounds::NONE },
    ..DOLLARS
};

/// An offer with two paths, one of which leads to trouble.
const TWO_WAYS: Setup = Setup {
    name: "a payment over two ways",
    ways: 2,
    letters: &[Right, Dear, Fee, Refusal, Crossed],
    instants: &[0, 100, 301],
    bounds: Bounds { begins: 1, failures: 0, ..Bounds::NONE },
    ..PAYMENT
};

/// An invoice whose paths cost too much, and an owner who allows it.
const FEES: Setup = Setup {
    name: "a payment over paths that are dear",
    letters: &[Right, Fee],
    expiry: 600,
    bounds: Bounds { allows: 1, ..Bounds::NONE },
    ..PAYMENT
};

/// A node that says that it failed to pay, and did not.
const WRONG_NODE: Setup = Setup {
    name: "a payment by a node that is wrong",
    letters: &[Right, Second],
    bounds: Bounds { mistakes: 1, allows: 1, ..Bounds::NONE },
    ..PAYMENT
};

/// A store that says that it failed, and did not; a clock that is set back.
const BROKEN_STORE: Setup = Setup {
    name: "a payment with a broken store",
    letters: &[Right, Second],
    bounds: Bounds { lies: 1, unsaved: 1, set_back: 1, ..Bounds::NONE },
    ..PAYMENT
};

/// A refund that two claim.
const REFUND: Setup =
    Setup { name: "a refund", wish: Wish::Refund, letters: &[Right, Second, Dear, Forged, Direct, Misled], ..PAYMENT };

/// Every hour, from the time at which it is first paid.
const HOURLY: Recurrence = Recurrence {
    time_unit: TimeUnit::Seconds,
    period: match std::num::NonZeroU32::new(3_600) {
        Some(period) => period,
        None => unreachable!(),
    },
    base: None,
    limit: None,
    paywindow: None,
    is_compulsory: true,
};

/// A subscription of a price in bitcoin, and a backup of it.
const SUBSCRIPTION: Setup = Setup {
    name: "a subscription",
    wish: Wish::Subscription(HOURLY),
    letters: &[Right, Forged, Crossed],
    instants: &[0, 301, 3_700, 7_300],
    expiry: 600,
    remembered: 2,
    bounds: Bounds { begins: 3, failures: 1, backups: 1, ..Bounds::NONE },
    ..PAYMENT
};

/// A subscription whose issuer wants more, and whose owner allows it once.
const DEAR_SUBSCRIPTION: Setup = Setup {
    name: "a subscription that is dear",
    letters: &[Right, Dear],
    instants: &[0, 3_700, 5_000, 6_500, 7_300],
    bounds: Bounds { allows: 1, mistakes: 1, ..Bounds::NONE },
    ..SUBSCRIPTION
};

/// A subscription whose issuer refuses, and whose owner cancels.
const CANCELLED: Setup = Setup {
    name: "a subscription that is cancelled",
    letters: &[Right, Refusal],
    instants: &[0, 3_700, 7_300],
    bounds: Bounds { declines: 1, failures: 0, ..Bounds::NONE },
    ..SUBSCRIPTION
};

/// A subscription that is not saved at once.
const UNSAVED_SUBSCRIPTION: Setup = Setup {
    name: "a subscription with a slow store",
    letters: &[Right],
    instants: &[0, 3_700, 7_300],
    bounds: Bounds { unsaved: 1, ..Bounds::NONE },
    ..SUBSCRIPTION
};

/// The same in dollars.
const SUBSCRIPTION_DOLLARS: Setup = Setup {
    name: "a subscription in dollars",
    price: Price::Cents(350),
    limit: Some(Limit::Tolerance { basis_points: 200 }),
    letters: &[Right],
    instants: &[0, 3_700],
    bounds: Bounds { begins: 2, failures: 0, allows: 1, ..Bounds::NONE },
    ..SUBSCRIPTION
};

/// A subscription two periods of which can be open at once.
const OVERDUE: Setup = Setup {
    name: "a subscription that is overdue",
    wish: Wish::Subscription(Recurrence {
        base: Some(RecurrenceBase { proportional_amount: false, basetime: UnixTime(NOW.0 - 100) }),
        paywindow: Some(PayWindow { seconds_before: 600, seconds_after: 7_200 }),
        ..HOURLY
    }),
    letters: &[Right],
    instants: &[0, 4_000, 7_500, 14_400],
    deadline: 7_000,
    bounds: Bounds { begins: 3, failures: 1, ..Bounds::NONE },
    ..SUBSCRIPTION
};

/// A subscription whose payment fails, and whose node is asked no more.
const FAILED: Setup = Setup {
    name: "a subscription that could not be paid",
    letters: &[Right],
    instants: &[0, 3_700, 5_000, 6_500, 7_300],
    bounds: Bounds { begins: 3, ..Bounds::NONE },
    ..SUBSCRIPTION
};

/// A subscription whose clock is set back before the window of the payment that it asks for.
const SET_BACK: Setup = Setup {
    name: "a subscription whose clock is set back",
    letters: &[Right, Old],
    instants: &[0, 700, 3_600, 14_400],
    remembered: 1,
    bounds: Bounds { failures: 0, set_back: 1, tries: 0, ..Bounds::NONE },
    ..OVERDUE
};

/// A subscription that begins later, and that nobody answers.
const UNANSWERED: Setup = Setup {
    name: "a subscription that nobody answers",
    wish: Wish::Subscription(Recurrence {
        base: Some(RecurrenceBase { proportional_amount: false, basetime: UnixTime(NOW.0 + 1_000) }),
        paywindow: Some(PayWindow { seconds_before: 0, seconds_after: 7_200 }),
        ..HOURLY
    }),
    letters: &[],
    instants: &[0, 4_000, 4_400, 4_800, 5_200, 5_600, 6_000, 6_400, 12_000],
    deadline: 8_200,
    bounds: Bounds::NONE,
    ..SUBSCRIPTION
};

/// What is explored in every run of the tests: the small ones first.
pub const BOUNDED: &[Setup] = &[
    UNANSWERED,
    SET_BACK,
    FAILED,
    FEES,
    WRONG_NODE,
    BROKEN_STORE,
    DEAR_SUBSCRIPTION,
    UNSAVED_SUBSCRIPTION,
    CANCELLED,
    SUBSCRIPTION,
    OVERDUE,
    DEAR_DOLLARS,
    DOLLARS_AT_MOST,
    TWO_WAYS,
    REFUND,
    SUBSCRIPTION_DOLLARS,
    DOLLARS,
    PAYMENT,
];

/// What takes minutes: the same worlds, in which more goes wrong.
pub const FULL: &[Setup] = &[
    Setup {
        bounds: Bounds { begins: 3, failures: 2, unsaved: 2, lies: 1, set_back: 1, ..PAYMENT.bounds },
        letters: &[Right, Second, Dear, Refusal],
        ..PAYMENT
    },
    Setup {
        letters: &[Right, Second, Dear, Suggestion],
        bounds: Bounds { allows: 1, declines: 1, unsaved: 1, ..Bounds::NONE },
        ..DOLLARS
    },
    Setup { letters: &[Right, Second, Dear], bounds: Bounds { allows: 1, ..Bounds::NONE }, ..DOLLARS_AT_MOST },
    Setup { letters: &[Right, Dear, Fee, Refusal, Crossed], bounds: Bounds { allows: 1, ..Bounds::NONE }, ..TWO_WAYS },
    Setup { bounds: Bounds { unsaved: 2, lies: 1, set_back: 1, ..REFUND.bounds }, ..REFUND },
    Setup {
        letters: &[Right, Dear, Refusal, Forged, Crossed],
        bounds: Bounds { unsaved: 1, allows: 1, declines: 1, ..SUBSCRIPTION.bounds },
        ..SUBSCRIPTION
    },
    Setup {
        letters: &[Right, Second],
        instants: &[0, 3_700, 7_300],
        bounds: Bounds { begins: 3, failures: 1, allows: 1, ..Bounds::NONE },
        ..SUBSCRIPTION_DOLLARS
    },
    Setup { bounds: Bounds { unsaved: 1, backups: 1, ..OVERDUE.bounds }, ..OVERDUE },
];
