//! Subscriptions whose requests are signed elsewhere, how long their notes may be, and who introduces himself.

use bolt12::exchange::{
    Action, IncomingMessage, Limit, MessageArrival, OffersMessageKind, OutgoingMessage, Progress, State,
    SubscriptionDraft, SubscriptionState,
};
use bolt12::secp256k1::{Keypair, Message, Secp256k1, schnorr};
use bolt12::{ErrorKind, Field, InvoiceError, InvoiceRequest, Msat, RecurrenceRequest, UnixTime, Unsigned};

use super::messages::{NOW, key};
use super::shop::*;
use super::sides::{deliver, reseal};

fn device() -> Keypair {
    key(0x77)
}

fn signed(unsigned: &Unsigned<InvoiceRequest>) -> schnorr::Signature {
    Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(unsigned.digest()), &device())
}

fn draft(shop: &Shop) -> SubscriptionDraft {
    shop.subscribe(NOW).payments(5).signer(device().public_key()).payer_note("no ads")
}

/// Signs what is to be signed, and comes back from the disk before and after.
#[track_caller]
fn sign(subscription: &mut bolt12::exchange::Subscription, now: UnixTime) -> RecurrenceRequest {
    assert_eq!(subscription.poll(now, None).unwrap(), Action::Sign);
    let shown = subscription.to_sign().unwrap().as_bytes().to_vec();
    *subscription = reload(subscription);
    // At the device.
    let seen = Unsigned::<InvoiceRequest>::try_from(shown).unwrap();
    assert_eq!(seen.as_bytes(), subscription.to_sign().unwrap().as_bytes());
    assert_eq!((seen.payer_note().unwrap().as_raw(), seen.signer()), ("no ads", Some(device().public_key())));
    subscription.sign(&signed(&seen)).unwrap();
    assert!(subscription.to_sign().is_none());
    assert_eq!(subscription.sign(&signed(&seen)).unwrap_err().kind().code(), "wrong_state");
    *subscription = reload(subscription);
    seen.recurrence().unwrap()
}

// RQW-7, REC-3, REC-11: a signature for each period, and one for the end.
#[test]
fn a_period_needs_one_signature_and_so_does_a_cancellation() {
    let mut shop = Shop::new(daily());
    let mut subscription = draft(&shop).start(ENTROPY, NOW, later(DAY)).unwrap();
    for counter in 0..2 {
        let now = later(u64::from(counter) * DAY + 60);
        assert_eq!(sign(&mut subscription, now), RecurrenceRequest { counter, start: None, cancel: false });
        let invoice = pay(&mut subscription, &mut shop, now);
        assert_eq!(invoice.payer_id(), device().public_key());
        assert!(matches!(subscription.poll(now, None).unwrap(), Action::WaitUntil(_)));
    }
    subscription.cancel();
    let now = later(DAY + 100);
    assert_eq!(sign(&mut subscription, now), RecurrenceRequest { counter: 2, start: None, cancel: true });
    // The same over the other way, if there is none over the first.
    let first = asks(&mut subscription, now, None);
    subscription.unreachable(&first.reply_path_id.unwrap(), now);
    subscription = reload(&subscription);
    let second = asks(&mut subscription, now, None);
    assert_eq!(first.message, second.message);
    assert_ne!(first.destination, second.destination);
    assert!(shop.answer(deliver(&second, 0x70), now).unwrap().is_none());
    assert_eq!(shop.cancelled.len(), 1);
    assert_eq!(subscription.poll(now, None).unwrap(), Action::Nothing);
}

// EXC-4: before anything is asked for, there is nothing to sign.
#[test]
fn nothing_is_signed_before_it_is_due() {
    let mut subscription = draft(&Shop::new(daily())).start(ENTROPY, NOW, later(DAY)).unwrap();
    let before = subscription.to_bytes();
    assert!(subscription.to_sign().is_none());
    let signature = schnorr::Signature::from_slice(&[1; 64]).unwrap();
    assert_eq!(subscription.sign(&signature).unwrap_err().kind().code(), "wrong_state");
    assert_eq!(subscription.to_bytes(), before);
}

// EXC-5: whatever is asked for again is asked for with the same bytes.
#[test]
fn a_signature_is_good_for_every_way_try_and_renewal() {
    let mut shop = Shop::new(daily());
    let mut subscription = draft(&shop).start(ENTROPY, NOW, later(DAY)).unwrap();
    sign(&mut subscription, NOW);
    let first = asks(&mut subscription, NOW, None);
    subscription.unreachable(&first.reply_path_id.unwrap(), NOW);
    let second = asks(&mut subscription, NOW, None);
    assert_eq!(first.message, second.message);
    let answer = deliver(&shop.answer(deliver(&second, 0x70), NOW).unwrap().unwrap(), 0x60);
    let _ = subscription.receive(answer, NOW).unwrap();
    // The quote expires, and another is asked for.
    let now = later(DAY - 100);
    subscription = reload(&subscription);
    let third = asks(&mut subscription, now, None);
    assert_eq!(first.message, third.message);
    assert_ne!(first.reply_path_id, third.reply_path_id);
    // All ways refuse, and it is tried again.
    let mut asked = Some(third);
    while let Some(message) = asked {
        subscription.receive(refusal(&message, &InvoiceError::new("not now").unwrap()), now).unwrap();
        asked = subscription.poll(now, None).ok().and_then(sent);
    }
    assert!(matches!(subscription.state(now), SubscriptionState::Stopped(..)));
    subscription.try_again();
    subscription = reload(&subscription);
    let fourth = asks(&mut subscription, now, None);
    assert_eq!(first.message, fourth.message);
}

fn sent(action: Action) -> Option<OutgoingMessage> {
    match action {
        Action::Send(message) => Some(*message),
        _ => None,
    }
}

/// An error in answer to a request.
fn refusal(asked: &OutgoingMessage, error: &InvoiceError) -> IncomingMessage {
    let (kind, bytes) = (OffersMessageKind::InvoiceError, error.as_bytes().to_vec());
    let arrival = MessageArrival::Path(asked.reply_path_id.unwrap());
    IncomingMessage { kind, bytes, arrival, reply_path: None }
}

// ERR-2, RQW-7: an amount that the issuer suggests needs a signature of its own, and so does what is asked for after it,
// as it was before.
#[test]
fn a_request_with_another_amount_needs_another_signature() {
    let shop = Shop::in_dollars(daily(), 300, dollars(100_000));
    let draft = draft(&shop).limit(Limit::AtMost(Msat(4_000_000))).rate(dollars(100_000));
    let mut subscription = draft.start(ENTROPY, NOW, later(DAY)).unwrap();
    sign(&mut subscription, NOW);
    let first = asks(&mut subscription, NOW, None);
    let suggested = 3_600_000_u64.to_be_bytes();
    let more = InvoiceError::new("the rate moved").unwrap().about(Field::INVREQ_AMOUNT, Some(&suggested[5..])).unwrap();
    assert_eq!(subscription.receive(refusal(&first, &more), NOW).unwrap(), Progress::AskingAgain(None));
    sign(&mut subscription, NOW);
    let mut asked = Some(asks(&mut subscription, NOW, None));
    while let Some(message) = asked {
        assert_eq!(request(&message).amount(), Some(Msat(3_600_000)));
        subscription.receive(refusal(&message, &InvoiceError::new("not now").unwrap()), NOW).unwrap();
        asked = subscription.poll(NOW, None).ok().and_then(sent);
    }
    assert!(matches!(subscription.state(NOW), SubscriptionState::Stopped(..)));
    subscription.try_again();
    sign(&mut subscription, NOW);
    assert_eq!(request(&asks(&mut subscription, NOW, None)).amount(), None);
}

// REC-3, REC-11: the signature of one period is none for the next, nor for what cancels.
#[test]
fn the_signature_of_another_period_is_refused() {
    let mut shop = Shop::new(daily());
    let mut subscription = draft(&shop).start(ENTROPY, NOW, later(DAY)).unwrap();
    assert!(subscription.to_sign().is_none(), "nothing is asked for yet");
    assert_eq!(subscription.poll(NOW, None).unwrap(), Action::Sign);
    let first = signed(&subscription.to_sign().unwrap());
    subscription.sign(&first).unwrap();
    pay(&mut subscription, &mut shop, NOW);
    let now = later(DAY + 60);
    for cancels in [false, true] {
        if cancels {
            subscription.cancel();
        }
        assert_eq!(subscription.poll(now, None).unwrap(), Action::Sign);
        let before = subscription.to_bytes();
        assert_eq!(subscription.to_sign().unwrap().recurrence().unwrap().cancel, cancels);
        assert_eq!(subscription.sign(&first).unwrap_err().kind(), &ErrorKind::InvalidSignature);
        assert_eq!(subscription.to_bytes(), before);
    }
}

// REC-11: what turns out to be paid after all changes which period is cancelled, and that has another signature.
#[test]
fn a_late_payment_changes_what_cancels() {
    let mut shop = Shop::new(daily());
    let mut subscription = draft(&shop).start(ENTROPY, NOW, later(DAY)).unwrap();
    sign(&mut subscription, NOW);
    pay(&mut subscription, &mut shop, NOW);
    let now = later(DAY + 60);
    sign(&mut subscription, now);
    quoted(&mut subscription, &mut shop, now);
    subscription.begin(now, None).unwrap();
    let State::Paying(paying) = subscription.payment().unwrap().state() else { panic!() };
    let hash = paying.payment_hash();
    fails(&mut subscription);
    subscription.cancel();
    assert_eq!(sign(&mut subscription, now), RecurrenceRequest { counter: 1, start: None, cancel: true });
    subscription.paid(shop.is_paid(hash)).unwrap();
    assert_eq!(sign(&mut subscription, now), RecurrenceRequest { counter: 2, start: None, cancel: true });
    let said = asks(&mut subscription, now, None);
    assert!(shop.answer(deliver(&said, 0x70), now).unwrap().is_none());
    assert_eq!(shop.cancelled.len(), 1);
}

// REC-7, REC-11: the end of a subscription is told as long as it matters.
#[test]
fn a_cancellation_that_nobody_signs_is_given_up() {
    let mut shop = Shop::new(daily());
    let mut subscription = draft(&shop).start(ENTROPY, NOW, later(DAY)).unwrap();
    sign(&mut subscription, NOW);
    pay(&mut subscription, &mut shop, NOW);
    subscription.cancel();
    for now in [later(60), later(DAY)] {
        assert_eq!(subscription.poll(now, None).unwrap(), Action::Sign);
    }
    assert_eq!(subscription.poll(later(4 * DAY), None).unwrap(), Action::Nothing);
    assert!(subscription.to_sign().is_none());
    // Of what was never paid, nothing is told, and nothing is to be signed.
    let mut other = draft(&shop).start([4; 32], NOW, later(DAY)).unwrap();
    assert_eq!(other.poll(NOW, None).unwrap(), Action::Sign);
    other.cancel();
    assert!(other.to_sign().is_none());
    assert_eq!(other.poll(NOW, None).unwrap(), Action::Nothing);
}

// EXC-1: the note is in all requests, and the last is longer than the first.
#[test]
fn the_longest_note_fits_into_every_request() {
    for (recurrence, payments) in [(daily(), None), (daily(), Some(300)), (based(limited(daily(), 5), NOW, true), None)]
    {
        let shop = Shop::new(recurrence);
        let draft = shop.subscribe(NOW).custom_field(2_000_000_001, vec![7; 3_000]);
        let draft = payments.into_iter().fold(draft, |draft, payments| draft.payments(payments));
        let max = draft.max_note_len().unwrap();
        assert!((800..1_000).contains(&max), "{max}");
        let start = |len| draft.clone().payer_note(&"x".repeat(len)).start(ENTROPY, NOW, later(DAY));
        let _ = start(max).unwrap();
        let error = start(max + 1).unwrap_err();
        assert_eq!(
            (error.kind(), error.field()),
            (&ErrorKind::TooLong { len: max + 1, max }, Some(Field::INVREQ_PAYER_NOTE))
        );
        assert_eq!(draft.clone().signer(device().public_key()).max_note_len(), Ok(max));
    }
}

// EXC-1, REC-11: the longest request is the one that cancels as late as can be, and the issuer takes it.
#[test]
fn a_cancellation_fits_beside_the_longest_note() {
    for recurrence in [daily(), based(daily(), NOW, false)] {
        let mut shop = Shop::new(recurrence);
        let draft = shop.subscribe(NOW).payments(1).custom_field(2_000_000_001, vec![7; 3_000]);
        let note = "x".repeat(draft.max_note_len().unwrap());
        let mut subscription = draft.payer_note(&note).start(ENTROPY, NOW, later(DAY)).unwrap();
        pay(&mut subscription, &mut shop, NOW);
        subscription.cancel();
        let said = asks(&mut subscription, NOW, None);
        assert!(request(&said).recurrence().unwrap().cancel);
        assert!(shop.answer(deliver(&said, 0x70), NOW).unwrap().is_none());
        assert_eq!(shop.cancelled.len(), 1);
    }
}

// EXC-4: there is no signature of a cancellation where nothing is cancelled.
#[test]
fn a_signature_of_nothing_is_not_loaded() {
    let mut shop = Shop::new(daily());
    let mut subscription = draft(&shop).start(ENTROPY, NOW, later(DAY)).unwrap();
    sign(&mut subscription, NOW);
    pay(&mut subscription, &mut shop, NOW);
    subscription.cancel();
    assert_eq!(subscription.poll(NOW, None).unwrap(), Action::Sign);
    let signature = signed(&subscription.to_sign().unwrap());
    subscription.sign(&signature).unwrap();
    let state = subscription.to_bytes();
    let at = state.windows(64).position(|bytes| bytes == signature.serialize()).unwrap();
    let without = reseal(PAYER, "payer state", &state, |state| state[at - 2] &= 0x80);
    assert_ne!(without, state);
    assert_eq!(payer().load_subscription(&without).unwrap_err().kind(), &ErrorKind::InvalidState);
}

// CON-1, CON-2
#[cfg(feature = "contacts")]
#[test]
fn a_subscriber_can_introduce_himself() {
    use bolt12::exchange::Contact;
    use bolt12::{ContactSecret, PayerIdentity};

    let mut shop = Shop::new(daily());
    let secret = ContactSecret::from_byte_array([7; 32]);
    let contact = Contact::new(secret, shop.offer.clone());
    let own = PayerIdentity::from(super::messages::offer());
    let plain = shop.subscribe(NOW);
    assert!(!plain.reveals().contains(&Field::INVREQ_CONTACT_SECRET));
    let other = Contact::new(secret, super::messages::offer());
    assert_eq!(plain.clone().introduce(&other, &own).unwrap_err().kind(), &ErrorKind::Unexpected);
    let draft = plain.introduce(&contact, &own).unwrap();
    for field in [Field::INVREQ_CONTACT_SECRET, Field::INVREQ_PAYER_OFFER] {
        assert!(draft.reveals().contains(&field));
    }
    let mut subscription = draft.start(ENTROPY, NOW, later(DAY)).unwrap();
    for now in [NOW, later(DAY + 60)] {
        let invoice = pay(&mut subscription, &mut shop, now);
        let told = invoice.request().introduction().unwrap();
        assert_eq!((told.secret, told.payer), (secret, Some(own.clone())));
    }
}
