//! What somebody who means ill can try, and why it fails.

use bolt12::exchange::{
    IncomingMessage, MessageArrival, Objection, OffersMessageKind, Payer, Progress, State, Subscription,
    SubscriptionState,
};
use bolt12::secp256k1::Keypair;
use bolt12::{
    ErrorKind, Invoice, InvoiceRequestBuilder, Msat, Offer, PaidPeriod, PayWindow, Recurrence, RecurrenceContext,
    RecurrenceRequest, Rule,
};

use super::messages::{NOW, key, path, payinfo};
use super::shop::*;
use super::sides::{CHAINS, arrival, deliver, path_with};

/// A request of somebody else's making.
pub(super) fn forged(offer: &Offer, key: &Keypair, metadata: &[u8], recurrence: RecurrenceRequest) -> IncomingMessage {
    let usable = offer.usable(NOW, CHAINS).unwrap();
    let request = InvoiceRequestBuilder::new(usable, key.public_key(), metadata).recurrence(recurrence);
    let request = request.build().unwrap().sign(key).unwrap();
    let first = offer.paths().unwrap().iter().next().unwrap().into_owned();
    let arrival = arrival(&bolt12::exchange::Destination::Path(first));
    let reply_path = Some(path_with(0x70, bolt12::exchange::PathId([7; 32])));
    IncomingMessage { kind: OffersMessageKind::InvoiceRequest, bytes: request.into_bytes(), arrival, reply_path }
}

fn nth(counter: u32) -> RecurrenceRequest {
    RecurrenceRequest { counter, start: None, cancel: false }
}

// REC-7: a payer who skips a period is refused, and so is one who was never there.
#[test]
fn a_period_is_skipped() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let paying = payer().keypair(&shop.requests[0]).unwrap();
    let metadata = shop.requests[0].metadata().unwrap().to_vec();
    for (key, counter) in [(&paying, 2), (&paying, 40), (&key(9), 1)] {
        let skips = forged(&shop.offer, key, &metadata, nth(counter));
        let refused = assert_refused(shop.answer(skips, later(2 * DAY)), ErrorKind::PreviousUnpaid);
        assert!(refused.answer().is_some());
    }
    // REC-4: and one who says that it began elsewhere.
    let mut shop = Shop::new(based(daily(), NOW, false));
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let key = payer().keypair(&shop.requests[0]).unwrap();
    let elsewhere = RecurrenceRequest { counter: 1, start: Some(1), cancel: false };
    let elsewhere = forged(&shop.offer, &key, &metadata, elsewhere);
    assert_refused(shop.answer(elsewhere, later(2 * DAY)), ErrorKind::Differs);
}

// REC-3, IVR-8: the invoice of an earlier payment does not answer a later one, nor the other way round.
#[test]
fn a_counter_is_replayed() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    let first = invoiced(&mut subscription, &mut shop, NOW);
    assert_eq!(subscription.receive(first.clone(), NOW).unwrap(), Progress::Quoted);
    subscription.begin(NOW, None).unwrap();
    let hash = *shop.bills.keys().next().unwrap();
    subscription.paid(shop.is_paid(hash)).unwrap();
    // Before the second is asked for, and then over its very reply path.
    assert_refused(subscription.receive(first.clone(), NOW), ErrorKind::AlreadyAnswered);
    let now = later(DAY);
    let asked = asks(&mut subscription, now, None);
    assert_refused(subscription.receive(first.clone(), now), ErrorKind::WrongArrival);
    let over = IncomingMessage { arrival: MessageArrival::Path(asked.reply_path_id.unwrap()), ..first };
    let before = subscription.to_bytes();
    let refused = assert_refused(subscription.receive(over, now), ErrorKind::Differs);
    assert_eq!((refused.error().rule(), refused.is_cheap()), (Rule::Ivr8, true));
    assert_eq!(subscription.to_bytes(), before);
    // The first payment is asked for again by somebody who saw the request: it is not billed, and the payer's next
    // request is answered all the same.
    let again = IncomingMessage {
        kind: OffersMessageKind::InvoiceRequest,
        bytes: shop.requests[0].as_bytes().to_vec(),
        arrival: arrival(&asked.destination),
        reply_path: Some(path_with(0x70, bolt12::exchange::PathId([7; 32]))),
    };
    assert_refused(shop.answer(again, now), ErrorKind::AlreadyPaid);
    let answer = shop.answer(deliver(&asked, 0x70), now).unwrap().unwrap();
    assert_eq!(subscription.receive(deliver(&answer, 0x60), now).unwrap(), Progress::Quoted);
}

// EXC-4: an invoice of this period with the payment hash of the last one's, whose preimage is known on the way.
#[test]
fn a_payment_hash_is_used_again() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    let first = pay(&mut subscription, &mut shop, NOW).payment_hash();
    let now = later(DAY);
    let asked = asks(&mut subscription, now, None);
    let received = shop.issuer.receive(deliver(&asked, 0x70)).unwrap();
    let context = shop.context(&received);
    let accepted = received.accept_recurring(&shop.terms(now), &context).unwrap();
    let invoice = accepted.invoice(first).add_path(path(2), &payinfo()).build().unwrap();
    let answer = accepted.answer(accepted.sign(invoice).unwrap()).unwrap();
    let before = subscription.to_bytes();
    assert_refused(subscription.receive(deliver(&answer, 0x60), now), ErrorKind::AlreadyAnswered);
    assert_eq!(subscription.to_bytes(), before);
    // Also after a restart; another hash is as good as ever.
    let mut subscription = reload(&subscription);
    assert_refused(subscription.receive(deliver(&answer, 0x60), now), ErrorKind::AlreadyAnswered);
    let answer = shop.answer(deliver(&asked, 0x70), now).unwrap().unwrap();
    assert_eq!(subscription.receive(deliver(&answer, 0x60), now).unwrap(), Progress::Quoted);
}

/// An invoice of the shop's for what is asked for now, with a period 0 as the shop likes.
fn with_basetime(
    shop: &mut Shop,
    asked: &bolt12::exchange::OutgoingMessage,
    context: RecurrenceContext,
    now: u64,
) -> IncomingMessage {
    let received = shop.issuer.receive(deliver(asked, 0x70)).unwrap();
    let accepted = received.accept_recurring(&shop.terms(at(now)), &context).unwrap();
    let expected = accepted.expected_payment();
    let invoice = accepted.invoice(expected.payment_hash()).add_path(path(2), &payinfo());
    let invoice: Invoice = accepted.sign(invoice.build().unwrap()).unwrap();
    deliver(&accepted.answer(invoice).unwrap(), 0x60)
}

// REC-9: periods do not move.
#[test]
fn the_basetime_is_changed() {
    for recurrence in [monthly(), based(monthly(), at(NOW.0 - DAY), false)] {
        let mut shop = Shop::new(recurrence);
        let mut subscription = shop.start(NOW);
        let basetime = pay(&mut subscription, &mut shop, NOW).recurrence_basetime().unwrap();
        let now = waits(&mut subscription, NOW);
        let asked = asks(&mut subscription, now, None);
        let start = request(&asked).recurrence().unwrap().start;
        // The shop says that it began half a month earlier, so that the next payments come sooner.
        let previous = Some(PaidPeriod { basetime: at(NOW.0 - 15 * DAY), start });
        let context = RecurrenceContext { previous, is_paid: false, is_cancelled: false };
        let answer = with_basetime(&mut shop, &asked, context, now.0);
        if recurrence.base.is_some() {
            // The offer's is in every invoice.
            assert_eq!(subscription.receive(answer, now).unwrap(), Progress::Quoted);
            continue;
        }
        let before = subscription.to_bytes();
        let refused = subscription.receive(answer, now).unwrap_err();
        assert_eq!(refused.error().kind(), &ErrorKind::TimeMismatch { expected: basetime });
        assert_eq!(refused.error().rule(), Rule::Rec9);
        assert_eq!(subscription.to_bytes(), before);
    }
}

// REC-9: whoever makes the first invoice as if it were a year old would have twelve payments be due today.
#[test]
fn the_basetime_is_long_ago() {
    let day = DAY as i64;
    for (recurrence, shift, is_taken) in [
        (monthly(), -365 * day, false),
        (monthly(), -3601, false),
        (monthly(), -3600, true),
        (monthly(), 3600, true),
        (monthly(), 3601, false),
        (every(300, bolt12::TimeUnit::Seconds), 30, true),
        (every(300, bolt12::TimeUnit::Seconds), 31, false),
        (every(300, bolt12::TimeUnit::Seconds), -30, true),
        (every(300, bolt12::TimeUnit::Seconds), -31, false),
        (every(60, bolt12::TimeUnit::Seconds), -6, true),
        (every(60, bolt12::TimeUnit::Seconds), -7, false),
    ] {
        let shop = Shop::new(recurrence);
        let mut subscription = shop.start(NOW);
        let asked = asks(&mut subscription, NOW, None);
        let context = NOTHING;
        let then = NOW.0.checked_add_signed(shift).unwrap();
        let received = shop.issuer.receive(deliver(&asked, 0x70)).unwrap();
        let accepted = received.accept_recurring(&shop.terms(at(then)), &context).unwrap();
        // So that it has not expired.
        let accepted = accepted.relative_expiry(std::time::Duration::from_secs(1 << 31));
        let invoice = accepted.invoice(accepted.expected_payment().payment_hash()).add_path(path(2), &payinfo());
        let answer = accepted.answer(accepted.sign(invoice.build().unwrap()).unwrap()).unwrap();
        let received = subscription.receive(deliver(&answer, 0x60), NOW);
        match received {
            Ok(progress) => assert!(is_taken && progress == Progress::Quoted, "{shift}"),
            Err(refused) => {
                assert!(!is_taken, "{shift}");
                assert_eq!(refused.error().kind(), &ErrorKind::TimeMismatch { expected: NOW });
            }
        }
    }
}

// REC-12: the same offer at a higher price.
#[test]
fn the_price_is_raised() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let now = later(DAY);
    let asked = asks(&mut subscription, now, None);
    // An issuer of its own making, which asks for 1 msat more.
    let received = shop.issuer.receive(deliver(&asked, 0x70)).unwrap();
    let context = shop.context(&received);
    let accepted = received.accept_recurring(&shop.terms(now), &context).unwrap();
    let dearer = |state: &mut Vec<u8>| {
        let at = state.windows(8).rposition(|bytes| bytes == PRICE.0.to_be_bytes()).unwrap();
        let amount = state.windows(8).position(|bytes| bytes == PRICE.0.to_be_bytes()).unwrap();
        assert!(amount < at);
        state[amount..amount + 8].copy_from_slice(&(PRICE.0 + 1).to_be_bytes());
    };
    let state = super::sides::reseal([1; 32], "issuer state", &accepted.to_bytes(), dearer);
    let accepted = shop.issuer.load_accepted(&state).unwrap();
    assert_eq!(accepted.amount(), Msat(PRICE.0 + 1));
    let invoice = accepted.invoice(accepted.expected_payment().payment_hash()).add_path(path(2), &payinfo());
    let answer = accepted.answer(accepted.sign(invoice.build().unwrap()).unwrap()).unwrap();
    // The other path is asked first, and says the same.
    assert!(matches!(subscription.receive(deliver(&answer, 0x60), now).unwrap(), Progress::AskingAgain(Some(_))));
    assert_eq!(subscription.begin(now, None).unwrap_err().kind().code(), "wrong_state");
    let asked = asks(&mut subscription, now, None);
    let invoice = super::sides::sent_invoice(&answer).clone();
    let over = MessageArrival::Path(asked.reply_path_id.unwrap());
    let again = IncomingMessage {
        kind: OffersMessageKind::Invoice,
        bytes: invoice.into_bytes(),
        arrival: over,
        reply_path: None,
    };
    let progress = subscription.receive(again, now);
    assert_eq!(progress.unwrap(), Progress::NeedsApproval);
    let SubscriptionState::Open(payment) = subscription.state(now) else { panic!() };
    let State::NeedsApproval { quote, objection } = payment.state() else { panic!() };
    assert_eq!((quote.amount(), objection), (Msat(PRICE.0 + 1), Objection::AboveLimit { max: PRICE }));
    for _ in 0..2 {
        assert_eq!(subscription.begin(now, None).unwrap_err().kind(), &ErrorKind::AmountTooHigh { max: PRICE });
        subscription.poll(now, None).unwrap();
    }
}

// REC-11: nobody else cancels.
#[test]
fn somebody_else_cancels() {
    let mut shop = Shop::new(daily());
    let mut subscription = shop.start(NOW);
    pay(&mut subscription, &mut shop, NOW);
    let (metadata, payer_id) = (shop.requests[0].metadata().unwrap().to_vec(), shop.requests[0].payer_id());
    let cancel = RecurrenceRequest { counter: 1, start: None, cancel: true };
    // With another key it cancels another subscription.
    assert!(shop.answer(forged(&shop.offer.clone(), &key(9), &metadata, cancel), NOW).unwrap().is_none());
    assert!(shop.cancelled.is_empty());
    // With the payer's id, it is not signed by the payer.
    let mut other = forged(&shop.offer, &key(9), &metadata, cancel);
    let id = key(9).public_key().serialize();
    let position = other.bytes.windows(33).position(|bytes| bytes == id).unwrap();
    other.bytes[position..position + 33].copy_from_slice(&payer_id.serialize());
    assert_refused(shop.answer(other, NOW), ErrorKind::InvalidSignature);
    // Nor does the payer's own request become a cancellation.
    let asked = asks(&mut subscription, later(DAY), None);
    pay(&mut reload(&subscription), &mut shop.clone(), later(DAY + 5_400));
    subscription.cancel();
    let said = asks(&mut subscription, later(DAY), None);
    assert_ne!(asked.reply_path_id, said.reply_path_id);
    // The real one does, and no later request is answered, not even with an error.
    assert!(shop.answer(deliver(&said, 0x70), later(DAY)).unwrap().is_none());
    assert_eq!(shop.cancelled.iter().map(|key| key.payer_id).collect::<Vec<_>>(), [payer_id]);
    let refused = assert_refused(shop.answer(deliver(&asked, 0x70), later(DAY)), ErrorKind::Cancelled);
    assert!(refused.answer().is_none());
    // What comes back over the reply path of the cancellation is not listened to.
    let over = IncomingMessage {
        kind: OffersMessageKind::InvoiceError,
        bytes: bolt12::InvoiceError::new("stay").unwrap().into_bytes(),
        arrival: MessageArrival::Path(said.reply_path_id.unwrap()),
        reply_path: None,
    };
    assert_refused(subscription.receive(over, later(DAY)), ErrorKind::WrongArrival);
}

// EXC-6, IVR-13: what comes over the reply path of one subscription is nothing to another.
#[test]
fn subscriptions_do_not_mix() {
    let mut shop = Shop::new(daily());
    let mut first = shop.start(NOW);
    let mut second = shop.subscribe(NOW).start([4; 32], NOW, later(600)).unwrap();
    assert_ne!(first.id(), second.id());
    let answer = invoiced(&mut first, &mut shop, NOW);
    assert_refused(second.receive(answer.clone(), NOW), ErrorKind::WrongArrival);
    invoiced(&mut second, &mut shop, NOW);
    assert_ne!(shop.requests[0].payer_id(), shop.requests[1].payer_id());
    assert_refused(second.receive(answer.clone(), NOW), ErrorKind::WrongArrival);
    let tea = super::messages::offer();
    let mut stranger = payer().draft(&tea, NOW, CHAINS).unwrap().start([5; 32], NOW, later(60)).unwrap();
    assert_refused(stranger.receive(answer, NOW), ErrorKind::WrongArrival);
    // Nobody else loads it, and nothing else is one.
    assert_eq!(Payer::new([8; 32]).load_subscription(&first.to_bytes()).unwrap_err().kind(), &ErrorKind::InvalidState);
    assert_eq!(payer().load(&first.to_bytes()).unwrap_err().kind(), &ErrorKind::InvalidState);
    let payment = first.payment().unwrap().to_bytes();
    assert_eq!(payer().load_subscription(&payment).unwrap_err().kind(), &ErrorKind::InvalidState);
    // Its payment can be kept by itself.
    assert!(matches!(payer().load(&payment).unwrap().state(), State::Asking { .. }));
}

// REC-9: an invoice that is paid when its period 0 is long over would make all periods since be due at once.
#[test]
fn the_first_invoice_is_late() {
    let paywindow = Some(PayWindow { seconds_before: 0, seconds_after: 60 * DAY as u32 });
    let mut shop = Shop::new(Recurrence { paywindow, ..daily() });
    let invoice = |shop: &mut Shop, subscription: &mut Subscription, created_at: u64| {
        let asked = asks(subscription, NOW, None);
        let received = shop.issuer.receive(deliver(&asked, 0x70)).unwrap();
        let accepted = received.accept_recurring(&shop.terms(at(created_at)), &NOTHING).unwrap();
        let accepted = accepted.relative_expiry(std::time::Duration::from_secs(40 * DAY));
        let invoice = accepted.invoice(accepted.expected_payment().payment_hash()).add_path(path(2), &payinfo());
        let invoice = accepted.sign(invoice.build().unwrap()).unwrap();
        assert!(invoice.expires_at() >= later(39 * DAY));
        deliver(&accepted.answer(invoice).unwrap(), 0x60)
    };
    let start = |shop: &Shop| shop.subscribe(NOW).start(ENTROPY, NOW, later(30 * DAY)).unwrap();
    // It comes late, ...
    let mut subscription = start(&shop);
    let answer = invoice(&mut shop, &mut subscription, NOW.0 - 3600);
    let until = later(DAY - 3601);
    for now in [at(until.0 + 1), later(29 * DAY)] {
        let before = subscription.to_bytes();
        let refused = assert_refused(subscription.receive(answer.clone(), now), ErrorKind::TooLate { until });
        assert_eq!(refused.error().rule(), Rule::Rec9);
        assert_eq!(subscription.to_bytes(), before);
    }
    assert_eq!(subscription.receive(answer, until).unwrap(), Progress::Quoted);
    // ... or comes in time, and is begun late: then another one is asked for, whose period 0 starts now.
    let mut subscription = reload(&subscription);
    let error = subscription.begin(at(until.0 + 1), None).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Expired { at: until }, Rule::Ivr4));
    let now = later(29 * DAY);
    assert!(subscription.begin(now, None).is_err());
    pay(&mut subscription, &mut shop, now);
    let due = subscription.next_payments(now, 60).into_iter().filter(|due| due.due_at <= now).count();
    assert_eq!((due, subscription.basetime()), (0, Some(now)));
    // In time is in time.
    shop.paid.clear();
    let mut subscription = start(&shop);
    let answer = invoice(&mut shop, &mut subscription, NOW.0);
    assert_eq!(subscription.receive(answer, NOW).unwrap(), Progress::Quoted);
    subscription.begin(later(DAY - 1), None).unwrap();
}

// REC-9: a period of a second leaves a minute.
#[test]
fn the_first_period_is_tiny() {
    for (wait, is_in_time) in [(0, true), (60, true), (61, false)] {
        let mut shop = Shop::new(every(1, bolt12::TimeUnit::Seconds));
        let mut subscription = shop.start(NOW);
        quoted(&mut subscription, &mut shop, NOW);
        assert_eq!(subscription.begin(later(wait), None).is_ok(), is_in_time, "{wait}");
    }
}
