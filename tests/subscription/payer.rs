//! What a payer does with a subscription: when it asks, for what, and what it never does.

use bolt12::exchange::{
    Action, Attempt, EndReason, Limit, Need, Objection, Progress, Retry, State, Subscription, SubscriptionEnd,
    SubscriptionState, Timing,
};
use bolt12::{
    ErrorKind, Field, InvoiceError, Msat, OfferAmount, PayWindow, Recurrence, RecurrenceRequest, Rule, TimeUnit,
    UnixTime,
};

use super::messages::NOW;
use super::pace::backdated;
use super::shop::*;
use super::sides::{CHAINS, deliver};

// REC-3, REC-9: a year, in which every request has the same payer id and the next counter, and each period is paid
// once.
#[test]
fn a_year_is_paid_month_by_month() {
    let mut shop = Shop::new(monthly());
    let mut subscription = shop.subscribe(NOW).payments(12).start(ENTROPY, NOW, later(600)).unwrap();
    let first = pay(&mut subscription, &mut shop, NOW);
    assert_eq!(first.recurrence_basetime(), Some(NOW));
    assert_eq!(subscription.basetime(), Some(NOW));
    let mut now = NOW;
    for counter in 1..12 {
        let SubscriptionState::Waiting(due) = subscription.state(now) else { panic!() };
        assert_eq!((due.counter, due.period_index, due.amount), (counter, counter.into(), Some(PRICE)));
        assert_eq!(due.period.start, shop.offer.recurrence().unwrap().period_start(NOW, counter.into()).unwrap());
        assert_eq!((due.timing(now), waits(&mut subscription, now)), (Timing::Early, due.period.start));
        // Not a second sooner.
        assert_eq!(waits(&mut subscription, at(due.due_at.0 - 1)), due.due_at);
        now = due.due_at;
        let invoice = pay(&mut subscription, &mut shop, now);
        assert_eq!(invoice.request().recurrence().unwrap().counter, counter);
        assert_eq!(invoice.recurrence_basetime(), Some(NOW));
    }
    assert_eq!(ended(&mut subscription, now), SubscriptionEnd::Completed);
    assert_eq!((subscription.payments_made(), shop.paid.len(), shop.requests.len()), (12, 12, 12));
    let ids: std::collections::BTreeSet<_> = shop.requests.iter().map(|it| it.payer_id()).collect();
    assert_eq!(ids.len(), 1);
    // EXC-3: the key of all of them, found again in any.
    for request in &shop.requests {
        assert_eq!(payer().keypair(request).unwrap().public_key(), request.payer_id());
    }
}

// EXC-5, REC-3: a request is the same, to the byte, over both paths, later, and after its quote has expired.
#[test]
fn the_request_for_a_payment_is_always_the_same() {
    let mut shop = Shop::new(monthly());
    let mut subscription = shop.start(NOW);
    let mut sent = vec![asks(&mut subscription, NOW, None)];
    for minute in 1..9 {
        sent.push(asks(&mut subscription, later(60 * minute), None));
    }
    subscription = reload(&subscription);
    let answer = shop.answer(deliver(&sent[8], 0x70), later(540)).unwrap().unwrap();
    assert_eq!(subscription.receive(deliver(&answer, 0x60), later(540)).unwrap(), Progress::Quoted);
    // The quote lasts for two hours.
    sent.push(asks(&mut subscription, later(540 + 7201), None));
    let first = request(&sent[0]).as_bytes();
    assert!(sent.iter().all(|outgoing| request(outgoing).as_bytes() == first));
    let destinations: std::collections::HashSet<_> = sent.iter().map(|outgoing| &outgoing.destination).collect();
    let reply_paths: std::collections::HashSet<_> = sent.iter().map(|outgoing| outgoing.reply_path_id).collect();
    assert_eq!((destinations.len(), reply_paths.len()), (2, 3));
    // Each payment has its own id.
    let id = subscription.payment().unwrap().id();
    let arrival = bolt12::exchange::MessageArrival::Path(sent[9].reply_path_id.unwrap());
    assert_eq!(payer().payment_of(&arrival), Some(id));
    let other = shop.subscribe(NOW).start([8; 32], NOW, later(600)).unwrap();
    assert!(
        subscription.is_for(&arrival)
            && !other.is_for(&arrival)
            && !subscription.is_for(&bolt12::exchange::MessageArrival::Direct)
    );
}

// REC-6: with a pay window, a payment is asked for from its first minute to its last second.
#[test]
fn a_payment_is_asked_for_in_its_window() {
    let hour = 3600;
    // Before, after, and when it is due, all from the start of the period.
    let cases: [(u64, u64, i64); 6] = [
        (3 * DAY, 7 * DAY, 0),
        (3 * DAY, 0, -(DAY as i64)),
        (DAY, DAY / 2, -(DAY as i64) / 4),
        (0, hour, 60),
        (0, 0, 0),
        (hour, hour, 0),
    ];
    for (before, after, due) in cases {
        let paywindow = Some(PayWindow { seconds_before: before as u32, seconds_after: after as u32 });
        let mut shop = Shop::new(Recurrence { paywindow, ..monthly() });
        let mut subscription = shop.start(NOW);
        pay(&mut subscription, &mut shop, NOW);
        let start = shop.offer.recurrence().unwrap().period_start(NOW, 1).unwrap();
        let due_at = at(start.0.checked_add_signed(due).unwrap());
        assert_eq!(waits(&mut subscription, NOW), due_at);
        let SubscriptionState::Waiting(next) = subscription.state(NOW) else { panic!() };
        assert_eq!(next.window, at(start.0 - before)..=at(start.0 + after));
        assert_eq!(waits(&mut reload(&subscription), at(due_at.0 - 1)), due_at);
        let end = at(start.0 + after);
        asks(&mut reload(&subscription), end, None);
        pay(&mut reload(&subscription), &mut shop.clone(), due_at);
        let mut late = reload(&subscription);
        assert_eq!(ended(&mut late, at(end.0 + 1)), SubscriptionEnd::Missed(next));
    }
}

// REC-6: without a pay window, the period before would do; the payment is made when its own starts.
#[test]
fn without_a_window_a_payment_is_made_when_its_period_starts() {
    for recurrence in [every(60, TimeUnit::Seconds), every(3600, TimeUnit::Seconds), daily(), monthly()] {
        let mut shop = Shop::new(recurrence);
        let mut subscription = shop.start(NOW);
        pay(&mut subscription, &mut shop, NOW);
        let period = recurrence.period_at(NOW, 1).unwrap();
        let due_at = waits(&mut subscription, NOW);
        assert!(period.start.0 - due_at.0 <= 1, "{} is not {}", due_at, period.start);
        let SubscriptionState::Waiting(due) = subscription.state(NOW) else { panic!() };
        assert_eq!(due.window, NOW..=at(period.end.0 - 1));
    }
}

// REC-4: with a base, the period that lasts is paid first, or the next, if it is too late for that.
#[test]
fn a_subscription_starts_with_the_period_that_lasts() {
    let start = |recurrence: Recurrence, now: UnixTime| {
        let shop = Shop::new(recurrence);
        let mut subscription = shop.subscribe(now).start(ENTROPY, now, at(now.0 + 99 * DAY)).unwrap();
        let SubscriptionState::Waiting(due) = subscription.state(now) else { panic!() };
        let recurrence = match subscription.poll(now, None).unwrap() {
            Action::Send(outgoing) => request(&outgoing).recurrence(),
            _ => None,
        };
        (due.period_index, due.due_at, recurrence)
    };
    let first = |start| Some(RecurrenceRequest { counter: 0, start: Some(start), cancel: false });
    let based_on_march = based(monthly(), MARCH, false);
    let april = at(MARCH.0 + 31 * DAY);
    assert_eq!(start(based_on_march, MARCH), (0, MARCH, first(0)));
    assert_eq!(start(based_on_march, at(april.0 - 1)), (0, at(april.0 - 1), first(0)));
    assert_eq!(start(based_on_march, april), (1, april, first(1)));
    // Before there is anything, it can be paid already, unless a window says otherwise.
    let soon = at(MARCH.0 - DAY);
    assert_eq!(start(based_on_march, soon), (0, soon, first(0)));
    let window = |before, after| Recurrence {
        paywindow: Some(PayWindow { seconds_before: before, seconds_after: after }),
        ..based_on_march
    };
    // (A minute after it opens, for clocks that differ.)
    assert_eq!(start(window(3600, 7200), soon), (0, at(MARCH.0 - 3600 + 60), None));
    assert_eq!(start(window(3600, 7200), at(MARCH.0 + 7200)), (0, at(MARCH.0 + 7200), first(0)));
    assert_eq!(start(window(3600, 7200), at(MARCH.0 + 7201)), (1, at(april.0 - 3600 + 60), None));
}

// REC-4: the period to start with can be chosen, and stays the same; without a base, there is nothing to choose.
#[test]
fn the_first_period_can_be_chosen() {
    let mut shop = Shop::new(limited(based(monthly(), MARCH, false), 3));
    let april = at(MARCH.0 + 31 * DAY);
    let begin = |shop: &Shop, index| shop.subscribe(MARCH).first_period(index).start(ENTROPY, MARCH, at(april.0 + DAY));
    let mut subscription = begin(&shop, 1).unwrap();
    // Without a pay window, it can be paid in the period before.
    for (counter, now) in [(0, MARCH), (1, at(MARCH.0 + 61 * DAY))] {
        let invoice = pay(&mut subscription, &mut shop, now);
        assert_eq!(
            invoice.request().recurrence().unwrap(),
            RecurrenceRequest { counter, start: Some(1), cancel: false }
        );
    }
    let error = begin(&shop, 4).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::NoSuchPeriod { max: 3 }, Rule::Rec5));
    let late = shop.subscribe(april).first_period(0).start(ENTROPY, april, at(april.0 + DAY)).unwrap_err();
    assert_eq!((late.kind(), late.rule()), (&ErrorKind::TooLate { until: at(april.0 - 1) }, Rule::Rec6));
    let shop = Shop::new(based(every(5000 * 12, TimeUnit::Months), MARCH, false));
    let error = begin(&shop, 1).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Overflow, Rule::Rec4));
    let shop = Shop::new(monthly());
    let error = shop.subscribe(NOW).first_period(1).start(ENTROPY, NOW, later(60)).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Unexpected, Rule::Rec4));
}

// REC-5, REC-12: no period after the offer's last, after so many payments, or from the end of the authorisation on.
#[test]
fn it_ends_with_the_offer_or_with_what_was_authorised() {
    let paid = |shop: &mut Shop,
                draft: fn(bolt12::exchange::SubscriptionDraft) -> bolt12::exchange::SubscriptionDraft| {
        let mut subscription = draft(shop.subscribe(NOW)).start(ENTROPY, NOW, later(60)).unwrap();
        let (mut now, mut count) = (NOW, 0);
        assert_eq!(
            subscription.next_payments(now, 12).len(),
            draft(shop.subscribe(NOW)).next_payments(12).unwrap().len()
        );
        let all = subscription.next_payments(now, 12).len();
        loop {
            pay(&mut subscription, shop, now);
            count += 1;
            match subscription.state(now) {
                SubscriptionState::Waiting(due) => now = due.due_at,
                state => {
                    assert!(matches!(state, SubscriptionState::Ended(SubscriptionEnd::Completed)));
                    assert_eq!(subscription.next_payments(now, 12), []);
                    assert_eq!(count, all);
                    return count;
                }
            }
        }
    };
    assert_eq!(paid(&mut Shop::new(limited(daily(), 4)), |draft| draft), 5);
    assert_eq!(paid(&mut Shop::new(limited(daily(), 4)), |draft| draft.payments(3)), 3);
    assert_eq!(paid(&mut Shop::new(daily()), |draft| draft.payments(1)), 1);
    // The third period starts two days later.
    assert_eq!(paid(&mut Shop::new(daily()), |draft| draft.until(later(2 * DAY))), 2);
    assert_eq!(paid(&mut Shop::new(daily()), |draft| draft.until(later(2 * DAY + 1))), 3);

    let shop = Shop::new(daily());
    let error = shop.subscribe(NOW).payments(0).start(ENTROPY, NOW, later(60)).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Zero, Rule::Rec12));
    let error = shop.subscribe(NOW).until(NOW).start(ENTROPY, NOW, later(60)).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Expired { at: NOW }, Rule::Rec12));
    let error = shop.subscribe(NOW).start(ENTROPY, NOW, at(NOW.0 - 1)).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooLate { until: at(NOW.0 - 1) });
    let paywindow = Some(PayWindow { seconds_before: 0, seconds_after: 0 });
    let shop = Shop::new(Recurrence { paywindow, ..based(daily(), NOW, false) });
    let error = shop.subscribe(later(1)).start(ENTROPY, later(1), later(DAY - 1)).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::TooEarly { from: later(DAY) }, Rule::Rec6));
}

// EXC-4: the network may bring an invoice again when all was paid.
#[test]
fn an_invoice_that_comes_after_the_end_changes_nothing() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.subscribe(NOW).payments(1).start(ENTROPY, NOW, later(60)).unwrap();
    let answer = invoiced(&mut subscription, &mut shop, NOW);
    assert_eq!(subscription.receive(answer.clone(), NOW).unwrap(), Progress::Quoted);
    subscription.begin(NOW, None).unwrap();
    let hash = *shop.bills.keys().next().unwrap();
    subscription.paid(shop.is_paid(hash)).unwrap();
    assert_eq!(ended(&mut subscription, NOW), SubscriptionEnd::Completed);
    let before = subscription.to_bytes();
    let refused = subscription.receive(answer, NOW).unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::AlreadyAnswered, Rule::Exc4));
    assert_eq!(subscription.to_bytes(), before);
}

// REC-6, REC-7: what was not paid in its window is said to be missed, and nothing after it is asked for.
#[test]
fn what_was_missed_is_said() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let SubscriptionState::Waiting(due) = subscription.state(NOW) else { panic!() };
    assert_eq!(due.timing(at(due.due_at.0 - 1)), Timing::Early);
    assert_eq!(due.timing(due.due_at), Timing::Due);
    assert_eq!(due.timing(at(due.due_at.0 + DAY / 2)), Timing::Late);
    // Nobody answers.
    let mut now = due.due_at;
    let mut asked = 0;
    while now <= *due.window.end() {
        match subscription.poll(now, None).unwrap() {
            Action::Send(_) => asked += 1,
            Action::WaitUntil(time) => now = time,
            Action::Sign | Action::Nothing => panic!(),
        }
        subscription = reload(&subscription);
    }
    // Nobody is pestered (EXC-17).
    assert_eq!(asked, 5);
    assert_eq!(due.timing(now), Timing::Missed);
    let end = ended(&mut subscription, now);
    assert_eq!(end, SubscriptionEnd::Missed(due.clone()));
    assert_eq!(end.to_string(), "payment 2 was not made in time, so the subscription has ended");
    assert_eq!(subscription.next_payments(now, 3), []);
    for days in [2, 3, 400] {
        assert_eq!(ended(&mut subscription, later(days * DAY)), SubscriptionEnd::Missed(due.clone()));
    }
    // Had it been the clock, it would go on.
    let now = at(due.due_at.0 + 5);
    pay(&mut subscription, &mut shop, now);
    assert_eq!(subscription.payments_made(), 2);
}

// REC-6: if nothing ever answers, nothing was begun.
#[test]
fn a_subscription_that_nobody_answers_does_not_begin() {
    let shop = Shop::new(monthly());
    let mut subscription = shop.subscribe(NOW).start(ENTROPY, NOW, later(60)).unwrap();
    asks(&mut subscription, NOW, None);
    assert_eq!(ended(&mut subscription, later(61)), SubscriptionEnd::NotStarted);
    assert_eq!(ended(&mut reload(&subscription), later(61)), SubscriptionEnd::NotStarted);
}

// REC-13: an offer that has expired can be continued, but not started.
#[test]
fn an_offer_expires_for_those_who_have_not_started() {
    let expiry = later(DAY / 2);
    let mut shop = Shop::with(daily(), |offer| offer.description("tea").amount_msat(PRICE).absolute_expiry(expiry));
    let draft = shop.subscribe(NOW);
    assert_eq!(*draft.next_payments(1).unwrap()[0].window.end(), expiry);
    let mut subscription = shop.start(NOW);
    let mut late = shop.subscribe(NOW).start([4; 32], NOW, later(9 * DAY)).unwrap();
    for now in [NOW, later(DAY), later(2 * DAY)] {
        pay(&mut subscription, &mut shop, now);
    }
    assert_eq!(ended(&mut late, at(expiry.0 + 1)), SubscriptionEnd::NotStarted);
    let error = payer().subscribe(&shop.offer, at(expiry.0 + 1), CHAINS).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Expired { at: expiry });
}

// REC-8: what is left of the first period is shown, and an invoice for all of it is not paid.
#[test]
fn a_first_period_that_has_begun_costs_the_rest() {
    let mut shop = Shop::new(based(monthly(), MARCH, true));
    // Ten of 31 days are over.
    let now = at(MARCH.0 + 10 * DAY);
    let dues = shop.subscribe(now).next_payments(3).unwrap();
    let rest = Msat(PRICE.0 * 21 / 31);
    assert_eq!(dues[0].amount, Some(rest));
    assert_eq!(dues.iter().map(|due| due.full_amount).collect::<Vec<_>>(), [Some(PRICE); 3]);
    assert_eq!((dues[1].amount, dues[2].amount), (Some(PRICE), Some(PRICE)));
    let mut subscription = shop.start(now);
    let fresh = reload(&subscription);
    assert_eq!(pay(&mut subscription, &mut shop, now).amount(), rest);
    let bill = shop.bills.values().next().unwrap();
    assert_eq!(bill.amount, rest);
    let april = at(MARCH.0 + 31 * DAY);
    assert_eq!(waits(&mut subscription, now), april);
    assert_eq!(pay(&mut subscription, &mut shop, april).amount(), PRICE);

    // An issuer that takes it to be the first of March takes too much, however long its invoice is good for, ...
    shop.paid.clear();
    let mut subscription = fresh;
    for progress in [None, Some(Progress::NeedsApproval)] {
        let asked = asks(&mut subscription, now, None);
        let answer = backdated(&mut shop, &asked, MARCH);
        let received = subscription.receive(answer, now).unwrap();
        assert!(progress.is_none_or(|progress| progress == received), "{received:?}");
    }
    let State::NeedsApproval { quote, objection } = subscription.payment().unwrap().state() else { panic!() };
    // (An hour is for clocks that differ.)
    let most = Msat(PRICE.0 * (21 * 24 + 1) / (31 * 24));
    assert!(matches!(objection, Objection::AboveLimit { max } if rest <= max && max <= Msat(most.0 + 1)));
    assert_eq!(quote.amount(), PRICE);
    assert_eq!(subscription.begin(now, None).unwrap_err().kind().code(), "amount_too_high");
    // ... and one whose clock is half an hour slow does not.
    let mut subscription = shop.start(now);
    let asked = asks(&mut subscription, now, None);
    let answer = shop.answer(deliver(&asked, 0x70), at(now.0 - 1800)).unwrap().unwrap();
    assert_eq!(subscription.receive(deliver(&answer, 0x60), now).unwrap(), Progress::Quoted);
}

/// The issuer refuses over all ways.
#[track_caller]
pub(super) fn is_refused(subscription: &mut Subscription, now: UnixTime) {
    let ways = subscription.offer().paths().unwrap().iter().count() as u64;
    for way in 0..ways {
        let asked = asks(subscription, at(now.0 + way), None);
        let told = InvoiceError::new("no coffee").unwrap().into_bytes();
        let arrival = bolt12::exchange::MessageArrival::Path(asked.reply_path_id.unwrap());
        let incoming = bolt12::exchange::IncomingMessage {
            kind: bolt12::exchange::OffersMessageKind::InvoiceError,
            bytes: told,
            arrival,
            reply_path: None,
        };
        let progress = subscription.receive(incoming, at(now.0 + way)).unwrap();
        assert_eq!(progress == Progress::Ended, way + 1 == ways);
    }
    *subscription = reload(subscription);
    assert!(matches!(subscription.state(at(now.0 + 1)), SubscriptionState::Stopped(_, EndReason::Refused(_))));
}

/// Somebody can decide at once.
#[test]
fn what_was_refused_can_be_tried_again() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let now = later(DAY);
    is_refused(&mut subscription, now);
    let SubscriptionState::Stopped(due, _) = subscription.state(now) else { panic!() };
    assert_eq!(due.counter, 1);
    let first = subscription.payment().unwrap().id();
    subscription.try_again();
    subscription = reload(&subscription);
    let invoice = pay(&mut subscription, &mut shop, at(now.0 + 60));
    assert_ne!(subscription.payment().unwrap().id(), first);
    assert_eq!(invoice.request().recurrence().unwrap().counter, 1);
}

/// Nobody has to look: it is tried after one hour, two, four, and so on up to a day, or half of what is left, but not
/// more than five times a day.
#[test]
fn what_may_pass_is_tried_again() {
    let mut shop = Shop::with_one_path(monthly());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let mut now = waits(&mut subscription, NOW);
    let (mut delays, mut sent) = (Vec::new(), Vec::new());
    let window = loop {
        // The issuer may be asked later than it is tried.
        while let Action::WaitUntil(time) = reload(&subscription).poll(now, None).unwrap() {
            subscription.poll(now, None).unwrap();
            now = time;
        }
        if !matches!(
            subscription.state(now),
            SubscriptionState::Open(_) | SubscriptionState::Waiting(_) | SubscriptionState::Stopped(..)
        ) {
            break sent;
        }
        is_refused(&mut subscription, now);
        sent.push(now.0);
        now.0 += 1;
        let SubscriptionState::Stopped(due, _) = subscription.state(now) else { panic!() };
        let again = waits(&mut subscription, now);
        if again > *due.window.end() {
            assert_eq!(again, after(*due.window.end()));
            break sent;
        }
        // Looking again does not put it off, nor does a clock that is wrong for a while.
        assert_eq!(waits(&mut subscription, at(now.0 + 30)), again);
        let past = at(now.0 - 600);
        assert!((past..=again).contains(&waits(&mut reload(&subscription), past)));
        subscription = reload(&subscription);
        assert_eq!(waits(&mut subscription, at(again.0 - 1)), again);
        delays.push(again.0 - now.0);
        now = again;
    };
    assert_eq!(delays[..6], [1, 2, 4, 8, 16, 24].map(|hours| hours * 3600));
    // A day, as long as there are two; and then half of what is left.
    assert!(delays[5..].is_sorted_by(|sooner, later| sooner >= later) && delays.len() < 50, "{delays:?}");
    assert!(window.windows(6).all(|six| six[5] - six[0] >= DAY), "{window:?}");
    let end = *shop.offer.recurrence().unwrap().pay_window(NOW, 1).unwrap().end();
    assert!(end.0 - window.last().unwrap() < DAY, "{window:?}");
    assert!(matches!(ended(&mut subscription, after(end)), SubscriptionEnd::Missed(_)));
}

fn after(time: UnixTime) -> UnixTime {
    at(time.0 + 1)
}

/// What somebody should look at waits for that: the first payment, one that may have been made, one that is too dear.
#[test]
fn what_somebody_should_look_at_is_not_tried_again() {
    let mut shop = Shop::new(daily());
    // Somebody is there when it begins at once.
    let mut first = shop.start(NOW);
    is_refused(&mut first, NOW);
    assert_eq!(waits(&mut first, later(1)), later(DAY + 1));

    let mut failed = shop.start(NOW);
    pay(&mut failed, &mut shop, NOW);
    let now = later(DAY);
    let mut dear = reload(&failed);
    quoted(&mut failed, &mut shop, now);
    failed.begin(now, None).unwrap();
    fails(&mut failed);
    let later = at(now.0 + 7201);
    let closes = after(*shop.offer.recurrence().unwrap().pay_window(NOW, 1).unwrap().end());
    assert_eq!(waits(&mut failed, later), closes);
    assert!(matches!(failed.state(later), SubscriptionState::Stopped(_, EndReason::QuoteExpired)));

    // What it may cost has nothing to do with it.
    failed.set_limit(Limit::AtMost(PRICE)).unwrap();
    allow_once(&mut failed, PRICE).unwrap();
    assert_eq!(waits(&mut failed, later), closes);

    quoted(&mut dear, &mut shop, now);
    dear.set_limit(Limit::AtMost(Msat(1))).unwrap();
    // What is priced in bitcoin costs no less later: only the quote has an end.
    assert_eq!(waits(&mut dear, now), at(now.0 + 7201));
    let SubscriptionState::Open(payment) = dear.state(now) else { panic!() };
    assert!(matches!(payment.state(), State::NeedsApproval { objection: Objection::AboveLimit { .. }, .. }));
}

/// The delays grow to a day and stay there, however long the window.
#[test]
fn delays_do_not_shrink() {
    let mut shop = Shop::with_one_path(every(12, TimeUnit::Months));
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let mut now = waits(&mut subscription, NOW);
    let mut delays = Vec::new();
    for _ in 0..100 {
        is_refused(&mut subscription, now);
        now.0 += 1;
        let again = waits(&mut subscription, now);
        delays.push(again.0 - now.0);
        now = again;
    }
    assert!(delays.is_sorted() && delays[99] == DAY, "{delays:?}");
}

/// A first payment that is due in a month is one that nobody looks at.
#[test]
fn a_first_payment_in_a_month_is_tried_again() {
    let paywindow = Some(PayWindow { seconds_before: 3600, seconds_after: 5 * DAY as u32 });
    let shop = Shop::new(Recurrence { paywindow, ..based(monthly(), MARCH, false) });
    let now = at(MARCH.0 - 30 * DAY);
    let mut subscription = shop.subscribe(now).start(ENTROPY, now, at(MARCH.0 + 4 * DAY)).unwrap();
    let due_at = waits(&mut subscription, now);
    is_refused(&mut subscription, due_at);
    assert_eq!(waits(&mut subscription, after(due_at)), at(due_at.0 + 1 + 3600));
}

// REC-6: a first period that is still to come is paid when its window has opened for clocks that are a minute slow.
#[test]
fn a_first_window_opens_for_every_clock() {
    let paywindow = Some(PayWindow { seconds_before: 3600, seconds_after: 3600 });
    let mut shop = Shop::new(Recurrence { paywindow, ..based(monthly(), MARCH, false) });
    let now = at(MARCH.0 - DAY);
    let mut subscription = shop.subscribe(now).start(ENTROPY, now, at(MARCH.0 + DAY)).unwrap();
    let opens = at(MARCH.0 - 3600);
    let due_at = waits(&mut subscription, now);
    assert_eq!(due_at.0, opens.0 + 60);
    assert_eq!(waits(&mut subscription, opens), due_at);
    let asked = asks(&mut subscription, due_at, None);
    // The issuer's clock.
    shop.answer(deliver(&asked, 0x70), opens).unwrap().unwrap();
    let answer = shop.answer(deliver(&asked, 0x70), at(opens.0 - 1));
    assert_refused(answer, ErrorKind::TooEarly { from: opens });
}

// EXC-4: a payment that failed is tried with another invoice only if somebody says so, and counts once.
#[test]
fn a_payment_that_failed_can_be_tried_again() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    quoted(&mut subscription, &mut shop, NOW);
    subscription.begin(NOW, None).unwrap();
    let State::Paying(payable) = subscription.payment().unwrap().state() else { panic!() };
    let first = payable.payment_hash();
    subscription.try_again();
    assert!(matches!(subscription.state(NOW), SubscriptionState::Open(_)), "it is being paid");
    fails(&mut subscription);
    let now = later(7201);
    assert!(matches!(subscription.poll(now, None).unwrap(), Action::WaitUntil(_)));
    assert!(matches!(subscription.state(now), SubscriptionState::Stopped(_, EndReason::QuoteExpired)));
    subscription.try_again();
    quoted(&mut subscription, &mut shop, now);
    // It had not failed after all: then the other one is not paid.
    let mut other = reload(&subscription);
    other.paid(shop.is_paid(first)).unwrap();
    assert_eq!((other.payments_made(), other.basetime()), (1, Some(NOW)));
    assert_eq!(other.begin(now, None).unwrap_err().kind().code(), "wrong_state");
    subscription.begin(now, None).unwrap();
    let State::Paying(payable) = subscription.payment().unwrap().state() else { panic!() };
    let second = payable.payment_hash();
    assert_ne!(first, second);
    subscription.paid(shop.is_paid(second)).unwrap();
    assert_eq!((subscription.payments_made(), subscription.basetime()), (1, Some(now)));
}

// REC-11: one request, with the next counter, and nothing after it.
#[test]
fn cancelling_is_said_once() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    subscription.cancel();
    subscription.cancel();
    subscription = reload(&subscription);
    assert!(subscription.is_cancelled());
    assert!(matches!(subscription.state(NOW), SubscriptionState::Ended(SubscriptionEnd::Cancelled)));
    let said = asks(&mut subscription, NOW, None);
    let cancel = RecurrenceRequest { counter: 1, start: None, cancel: true };
    assert_eq!(request(&said).recurrence(), Some(cancel));
    assert_eq!(request(&said).payer_id(), shop.requests[0].payer_id());
    for days in [0, 1, 2, 30] {
        subscription.cancel();
        assert_eq!(ended(&mut subscription, later(days * DAY)), SubscriptionEnd::Cancelled);
        subscription = reload(&subscription);
    }
    assert!(shop.answer(deliver(&said, 0x70), NOW).unwrap().is_none());
    assert_eq!(shop.cancelled.len(), 1);

    // Over the next path, if the first leads nowhere; then no more.
    let mut subscription = shop.clone().start(NOW);
    let mut shop = Shop::new(daily());
    pay(&mut subscription, &mut shop, NOW);
    subscription.cancel();
    let first = asks(&mut subscription, NOW, None);
    subscription.unreachable(&first.reply_path_id.unwrap(), NOW);
    let second = asks(&mut reload(&subscription), NOW, None);
    asks(&mut subscription, NOW, None);
    assert_ne!(first.destination, second.destination);
    assert_eq!(first.message, second.message);
    subscription.unreachable(&first.reply_path_id.unwrap(), NOW);
    subscription.unreachable(&second.reply_path_id.unwrap(), NOW);
    assert_eq!(ended(&mut subscription, NOW), SubscriptionEnd::Cancelled);
}

// REC-11: before the first payment and after the last there is nothing to cancel; a payment on its way is waited for.
#[test]
fn cancelling_waits_for_what_is_being_paid() {
    let mut shop = Shop::new(limited(daily(), 1));
    let mut subscription = shop.start(NOW);
    asks(&mut subscription, NOW, None);
    subscription.cancel();
    assert_eq!(ended(&mut subscription, NOW), SubscriptionEnd::Cancelled);
    assert!(matches!(subscription.payment().unwrap().state(), State::Ended(EndReason::Declined)));

    let begin = |shop: &mut Shop| {
        shop.paid.clear();
        let mut subscription = shop.start(NOW);
        pay(&mut subscription, shop, NOW);
        quoted(&mut subscription, shop, later(DAY));
        subscription.begin(later(DAY), None).unwrap();
        subscription.cancel();
        subscription = reload(&subscription);
        assert!(matches!(subscription.state(later(DAY)), SubscriptionState::Open(_)));
        assert_eq!(subscription.poll(later(9 * DAY), None).unwrap(), Action::Nothing);
        subscription
    };
    // It was paid, and was the last.
    let mut subscription = begin(&mut shop);
    let State::Paying(payable) = subscription.payment().unwrap().state() else { panic!() };
    let preimage = shop.is_paid(payable.payment_hash());
    subscription.paid(preimage).unwrap();
    assert_eq!(ended(&mut subscription, later(DAY)), SubscriptionEnd::Cancelled);
    assert_eq!(subscription.payments_made(), 2);
    // It was not the last.
    let mut shop = Shop::new(daily());
    let mut subscription = begin(&mut shop);
    let State::Paying(payable) = subscription.payment().unwrap().state() else { panic!() };
    subscription.paid(shop.is_paid(payable.payment_hash())).unwrap();
    assert_eq!(request(&asks(&mut subscription, later(DAY), None)).recurrence().unwrap().counter, 2);
    // It failed, so it is the one that is cancelled.
    let mut subscription = begin(&mut shop);
    fails(&mut subscription);
    let said = asks(&mut subscription, later(DAY), None);
    assert_eq!(request(&said).recurrence(), Some(RecurrenceRequest { counter: 1, start: None, cancel: true }));
}

// REC-12: clocks that jump ahead and back again lose nothing and pay nothing twice.
#[test]
fn clocks_jump() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    // A year ahead: all is missed, and nothing is asked for. Back again, it goes on.
    assert!(matches!(ended(&mut subscription, later(365 * DAY)), SubscriptionEnd::Missed(_)));
    assert_eq!(waits(&mut subscription, NOW), later(DAY));
    // A day ahead: the issuer does not know that day yet.
    let asked = asks(&mut subscription, later(2 * DAY - 2), None);
    assert_refused(shop.answer(deliver(&asked, 0x70), at(NOW.0 - 1)), ErrorKind::TooEarly { from: NOW });
    // A year back: nothing is due.
    assert_eq!(waits(&mut subscription, at(NOW.0 - 365 * DAY)), later(DAY));
    assert!(matches!(subscription.state(at(0)), SubscriptionState::Waiting(_)));
    pay(&mut subscription, &mut shop, later(DAY));
    assert_eq!((subscription.payments_made(), shop.paid.len()), (2, 2));
    // The first payment, with a clock that is set back by a year right after the start.
    let mut subscription = shop.subscribe(NOW).start([9; 32], NOW, later(60)).unwrap();
    let past = at(NOW.0 - 365 * DAY);
    pay(&mut subscription, &mut shop, past);
    assert_eq!(subscription.basetime(), Some(past));
}

// EXC-17: a clock that is set back to before the window, with a quote at hand, sends nothing early, and the next
// payment is due when it would have been.
#[test]
fn a_clock_is_set_back_before_the_window_with_a_quote_at_hand() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let due = waits(&mut subscription, NOW);
    assert_eq!(quoted(&mut subscription, &mut shop, due), PRICE);
    for before in [at(due.0 - DAY), NOW, at(0)] {
        let mut subscription = reload(&subscription);
        assert!(waits(&mut subscription, before) > before);
        // What was quoted when it was due may be paid, once.
        let attempt = subscription.begin(before, None).unwrap();
        let State::Paying(payable) = subscription.payment().unwrap().state() else { panic!() };
        assert_eq!(payable.attempt(), attempt);
        let preimage = shop.is_paid(payable.invoice().payment_hash());
        subscription.paid(preimage).unwrap();
        let SubscriptionState::Waiting(next) = reload(&subscription).state(before) else { panic!() };
        assert_eq!(next.counter, 2);
        assert!(next.due_at >= later(2 * DAY) && waits(&mut subscription, before) >= later(2 * DAY));
    }
}

// REC-6, EXC-9: nor does it ask for another invoice because of the price before the window opens.
#[test]
fn a_clock_that_is_set_back_asks_for_no_other_quote() {
    let mut shop = Shop::in_dollars(daily(), 300, dollars(100_000));
    let draft = shop.subscribe(NOW).limit(Limit::AtMost(Msat(4_000_000))).rate(dollars(100_000));
    let mut subscription = draft.start(ENTROPY, NOW, later(600)).unwrap();
    pay(&mut subscription, &mut shop, NOW);
    let SubscriptionState::Waiting(due) = subscription.state(NOW) else { panic!() };
    let opens = *due.window.start();
    assert_eq!(quoted(&mut subscription, &mut shop, due.due_at), PRICE);
    let moved = Some(dollars(102_000));
    assert_eq!(subscription.poll(at(opens.0 - 1), moved).unwrap(), Action::WaitUntil(opens));
    asks(&mut subscription, opens, moved);
}

/// What is missing and what is shown is known before anything begins.
#[test]
fn a_draft_shows_what_it_lacks_and_reveals() {
    let shop = Shop::in_dollars(based(monthly(), MARCH, false), 300, dollars(100_000));
    let draft = shop.subscribe(NOW);
    assert_eq!(draft.needs(), [Need::Limit(usd())]);
    assert_eq!(draft.price().unwrap(), shop.offer.amount());
    let without = draft.clone().start(ENTROPY, NOW, later(60)).unwrap_err();
    assert_eq!((without.kind(), without.rule()), (&ErrorKind::LimitNeeded { currency: usd() }, Rule::Exc7));
    assert_eq!(draft.check(), Err(without));
    let draft = draft.limit(Limit::Tolerance { basis_points: 100 });
    assert_eq!(draft.needs(), [Need::Rate(usd())]);
    assert_eq!(draft.next_payments(2).unwrap()[1].amount, None);
    let draft = draft.rate(dollars(100_000)).payer_note("hi").custom_field(2_000_000_001, [1]);
    assert_eq!((draft.needs(), draft.cost().unwrap()), (vec![], Some(PRICE)));
    assert_eq!(draft.recurrence().base.unwrap().basetime, MARCH);
    let revealed = draft.reveals();
    draft.check().unwrap();
    let subscription = draft.start(ENTROPY, NOW, later(60)).unwrap();
    assert_eq!(subscription.currency(), Some(usd()));
    assert_eq!(
        (subscription.limit(), subscription.offer()),
        (Some(Limit::Tolerance { basis_points: 100 }), &shop.offer)
    );
    let mut subscription = reload(&subscription);
    let asked = asks(&mut subscription, NOW, Some(dollars(100_000)));
    for field in &revealed {
        assert!(request(&asked).tlvs().contains(field.number()), "{field}");
    }
    for field in [Field::INVREQ_RECURRENCE_COUNTER, Field::INVREQ_RECURRENCE_START] {
        assert!(revealed.contains(&field), "{field}");
    }

    // A donation, for as much as one likes.
    let mut shop = Shop::with(daily(), |offer| offer.description("rain").quantity_max(bolt12::Quantity::Unlimited));
    let draft = shop.subscribe(NOW);
    assert_eq!(draft.needs(), [Need::Quantity(bolt12::Quantity::Unlimited), Need::Amount]);
    let draft = draft.amount(Msat(7_000)).quantity(2).retry(Retry::default());
    assert_eq!(shop.offer.amount(), None::<OfferAmount>);
    let mut subscription = draft.start(ENTROPY, NOW, later(60)).unwrap();
    assert_eq!(pay(&mut subscription, &mut shop, NOW).amount(), Msat(7_000));
    // What is no subscription.
    let offer = super::messages::offer();
    let error = payer().subscribe(&offer, NOW, CHAINS).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::IsNotRecurring, Rule::Rec3));
}

/// An offer whose recurrence is optional can be subscribed to, or paid once.
#[test]
fn optional_recurrence() {
    let mut shop = Shop::new(Recurrence { is_compulsory: false, ..daily() });
    let mut subscription = shop.start(NOW);
    for day in 0..3 {
        pay(&mut subscription, &mut shop, later(day * DAY));
    }
    let mut once = payer().draft(&shop.offer, NOW, CHAINS).unwrap().start(ENTROPY, NOW, later(60)).unwrap();
    let Action::Send(asked) = once.poll(NOW).unwrap() else { panic!() };
    let received = shop.issuer.receive(deliver(&asked, 0x70)).unwrap();
    // As a subscription's first payment, which nothing follows.
    let first = RecurrenceRequest { counter: 0, start: None, cancel: false };
    assert_eq!((received.recurrence(), received.cancels()), (Some(first), false));
    let context = shop.context(&received);
    // REC-3: where it is compulsory, it cannot.
    let compulsory = Shop::new(daily());
    let error = payer().draft(&compulsory.offer, NOW, CHAINS).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::IsRecurring, Rule::Rec3));
    assert_refused(received.clone().accept(&shop.terms(NOW)), ErrorKind::IsRecurring);
    let accepted = received.accept_recurring(&shop.terms(NOW), &context).unwrap();
    assert!(accepted.paid_period().is_some());
}

/// EXC-12: each payment counted its attempts from 1, so that the failure of an earlier payment's attempt, which nodes say
/// again, was taken for one of the present payment.
#[test]
fn attempts_are_counted_on_from_payment_to_payment() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    quoted(&mut subscription, &mut shop, NOW);
    assert_eq!(subscription.begin(NOW, None).unwrap(), Attempt(1));
    subscription.failed(Attempt(1)).unwrap();
    pay_again(&mut subscription, &mut shop, NOW, Attempt(2));
    let tomorrow = later(DAY + 60);
    quoted(&mut subscription, &mut shop, tomorrow);
    assert_eq!(subscription.begin(tomorrow, None).unwrap(), Attempt(3));
    let before = subscription.to_bytes();
    for earlier in [Attempt(1), Attempt(2)] {
        let error = subscription.failed(earlier).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::OtherAttempt { attempt: earlier.0, present: 3 });
    }
    assert_eq!(subscription.to_bytes(), before);
}

/// EXC-12: so it was for an invoice in place of one that failed and expired.
#[test]
fn attempts_are_counted_on_from_invoice_to_invoice() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    quoted(&mut subscription, &mut shop, NOW);
    assert_eq!(subscription.begin(NOW, None).unwrap(), Attempt(1));
    subscription.failed(Attempt(1)).unwrap();
    let now = later(7_300);
    subscription.poll(now, None).unwrap();
    subscription.try_again();
    quoted(&mut subscription, &mut shop, now);
    assert_eq!(subscription.begin(now, None).unwrap(), Attempt(2));
    let mut subscription = reload(&subscription);
    let error = subscription.failed(Attempt(1)).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::OtherAttempt { attempt: 1, present: 2 });
}

/// Begins what failed once more, and pays it.
fn pay_again(subscription: &mut Subscription, shop: &mut Shop, now: UnixTime, attempt: Attempt) {
    assert_eq!(subscription.begin(now, None).unwrap(), attempt);
    let State::Paying(paying) = subscription.payment().unwrap().state() else { panic!() };
    let preimage = shop.is_paid(paying.payment_hash());
    subscription.paid(preimage).unwrap();
    *subscription = reload(subscription);
}
