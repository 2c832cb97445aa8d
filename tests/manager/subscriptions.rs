//! Subscriptions in a manager.

use bolt12::bitcoin::hashes::sha256;
use bolt12::exchange::{
    Accepted, Activity, EndReason, Event, IncomingMessage, Limit, ManagerError, OutgoingMessage, Payee, State,
    SubscriptionEnd, SubscriptionId,
};
use bolt12::{
    ErrorKind, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, PaidPeriod, PayWindow, Preimage, Rate, Recurrence,
    RecurrenceContext, TimeUnit, UnixTime,
};

use super::messages::{NOW, path, payinfo};
use super::sides::{self, CHAINS, deliver, own_offer};
use super::wallet::*;

const DAY: u64 = 86_400;

pub(crate) fn podcast(fill: impl FnOnce(OfferBuilder) -> OfferBuilder) -> Offer {
    let recurrence = Recurrence::every(1, TimeUnit::Days).unwrap();
    own_offer(&shop(), 2, |offer| fill(offer.description("a podcast").recurrence(recurrence)))
}

pub(crate) fn subscribe(wallet: &mut Wallet, offer: &Offer, number: u8) -> SubscriptionId {
    let draft = payer().subscribe(offer, NOW, CHAINS).unwrap().payments(3);
    let subscription = draft.start([number; 32], NOW, later(DAY)).unwrap();
    wallet.manager.add_subscription(subscription, NOW).unwrap()
}

/// What the shop accepts, with the period before.
fn accepted(asked: &OutgoingMessage, now: UnixTime, rate: Option<Rate>, previous: Option<PaidPeriod>) -> Accepted {
    let received = Payee::new([1; 32]).receive(deliver(asked, 0x70)).unwrap();
    let context = RecurrenceContext { previous, is_paid: false, is_cancelled: false };
    received.accept_recurring(&sides::terms(now, rate), &context).unwrap()
}

/// Its answer, to be paid with this payment hash.
fn answer_with(accepted: &Accepted, payment_hash: sha256::Hash) -> IncomingMessage {
    let invoice = accepted.invoice(payment_hash).add_path(path(2), &payinfo()).build().unwrap();
    deliver(&accepted.answer(accepted.sign(invoice).unwrap()).unwrap(), 0x60)
}

/// The shop's answer, with the period before.
pub(crate) fn answer(
    asked: &OutgoingMessage,
    now: UnixTime,
    rate: Option<Rate>,
    previous: Option<PaidPeriod>,
) -> (IncomingMessage, Preimage, Option<PaidPeriod>) {
    let accepted = accepted(asked, now, rate, previous);
    let preimage = accepted.expected_payment().preimage;
    (answer_with(&accepted, preimage.payment_hash()), preimage, accepted.paid_period())
}

/// A subscription whose first payment was made, and its invoice.
pub(crate) fn paid_once(wallet: &mut Wallet) -> (SubscriptionId, IncomingMessage) {
    let offer = podcast(|offer| offer.amount_msat(Msat(9_000)));
    let id = subscribe(wallet, &offer, 1);
    let (invoice, ..) = pay(wallet, NOW, None);
    (id, invoice)
}

/// The payment that is due, asked for and made.
fn pay(
    wallet: &mut Wallet,
    now: UnixTime,
    previous: Option<PaidPeriod>,
) -> (IncomingMessage, Preimage, Option<PaidPeriod>) {
    wallet.save();
    wallet.go_on(now);
    let (invoice, preimage, period) = answer(&wallet.sent()[0], now, None, previous);
    wallet.manager.receive(invoice.clone(), now).unwrap();
    wallet.save();
    wallet.manager.paid(preimage, now).unwrap();
    wallet.save();
    (invoice, preimage, period)
}

/// A whole subscription, with a start after every step: what was authorised is payable without a decision.
#[test]
fn a_subscription_is_paid_until_it_is_complete() {
    for restarts in [false, true] {
        let mut wallet = Wallet::new();
        let offer = podcast(|offer| offer.amount_msat(Msat(9_000)));
        let id = subscribe(&mut wallet, &offer, 1);
        wallet.save();
        let (mut now, mut period) = (NOW, None);
        let start = |wallet: &mut Wallet, now| {
            if restarts {
                wallet.restart(now)
            }
        };
        for number in 1..=3 {
            wallet.go_on(now);
            start(&mut wallet, now);
            let mut sent = wallet.sent();
            if restarts {
                // What was not sent before the end is sent with the next try.
                assert!(sent.is_empty());
                wallet.go_on(now);
                now = wallet.manager.wake_at().unwrap();
                wallet.go_on(now);
                sent = wallet.sent();
            }
            assert_eq!(sent.len(), 1);
            let (answer, preimage, paid) = answer(&sent[0], now, None, period);
            period = paid;
            wallet.manager.receive(answer, now).unwrap();
            // One save for the quote and its beginning.
            let saves = wallet.saves;
            wallet.save();
            assert_eq!(wallet.saves, saves + 1);
            assert_eq!(wallet.told(), [Event::Payable(id.into())]);
            start(&mut wallet, now);
            assert_eq!(wallet.manager.paid(preimage, now), Ok(id.into()));
            wallet.save();
            start(&mut wallet, now);
            wallet.go_on(now);
            if !restarts {
                let end = if number == 3 { vec![Event::Ended(id.into())] } else { vec![] };
                assert_eq!(wallet.told(), [vec![Event::Paid(id.into())], end].concat());
            }
            assert_eq!(wallet.manager.subscription(id, |it| it.payments_made()).unwrap(), number);
            if number < 3 {
                let status = wallet.manager.status(id, now).unwrap();
                assert_eq!(status.activity, Activity::NotDue { number: u64::from(number) + 1 });
                let due = wallet.manager.wake_at().unwrap();
                assert_eq!((status.until, status.next), (Some(due), Some(due)));
                // In its period, and not at its very start.
                assert!(
                    due.0 > NOW.0 + DAY * u64::from(number) - DAY
                        && due.0 <= NOW.0 + DAY * u64::from(number) + 2 * 3_600
                );
                now = due;
            }
        }
        assert_eq!(wallet.manager.wake_at(), None);
        let status = wallet.manager.status(id, now).unwrap();
        assert_eq!((status.activity, status.until), (Activity::Over(SubscriptionEnd::Completed), None));
        wallet.manager.archive(id).unwrap();
    }
}

/// EXC-16: due times of subscribers to one offer differ.
#[test]
fn subscribers_do_not_ask_in_the_same_second() {
    let offer = podcast(|offer| offer.amount_msat(Msat(9_000)));
    let mut wallet = Wallet::new();
    let mut due = Vec::new();
    for number in 0..20 {
        let id = subscribe(&mut wallet, &offer, number);
        pay(&mut wallet, NOW, None);
        wallet.go_on(NOW);
        due.push(wallet.manager.status(id, NOW).unwrap().next.unwrap());
    }
    assert!(due.iter().all(|due| due.0 >= NOW.0 + DAY / 4 && due.0 <= NOW.0 + DAY + 7_200), "{due:?}");
    due.sort();
    due.dedup();
    assert!(due.len() > 15);
}

/// EXC-16: so many due times keep no payment from being made early in its window, however short that is.
#[test]
fn a_delay_is_at_most_a_quarter_of_what_is_left() {
    let mut wallet = Wallet::new();
    for seconds in [600, 3_600, 86_400] {
        let recurrence = Recurrence::every(seconds, TimeUnit::Seconds).unwrap();
        let fill = |offer: OfferBuilder| offer.description("news").amount_msat(Msat(9_000)).recurrence(recurrence);
        let offer = own_offer(&shop(), 2, fill);
        let mut latest = 0;
        for number in 0..20 {
            let id = subscribe(&mut wallet, &offer, number);
            pay(&mut wallet, NOW, None);
            wallet.manager.poll(NOW, 100);
            let asked_at = wallet.manager.status(id, NOW).unwrap().next.unwrap();
            let due = wallet.manager.subscription(id, |it| it.next_payments(NOW, 1).remove(0)).unwrap();
            let most = ((due.window.end().0 - due.due_at.0) / 4).min(3_600);
            let delay = asked_at.0 - due.due_at.0;
            assert!(delay <= most, "{delay} of {most}");
            latest = latest.max(delay * 100 / most);
        }
        assert!(latest > 75, "{latest} %");
    }
}

/// A rate that is missing is asked for once, and what waits for it goes on when it comes.
#[test]
fn payments_wait_for_a_rate() {
    let usd = "USD".parse().unwrap();
    let rate = Rate::new(usd, MinorUnits(10_000_000), Msat(100_000_000_000)).unwrap();
    let offer = podcast(|offer| offer.amount(OfferAmount::Currency { currency: usd, amount: MinorUnits(300) }));
    let mut wallet = Wallet::new();
    let mut ids = Vec::new();
    for number in 0..3 {
        let draft = payer().subscribe(&offer, NOW, CHAINS).unwrap();
        let draft = draft.rate(rate).limit(Limit::Tolerance { basis_points: 100 });
        let subscription = draft.start([number; 32], NOW, later(DAY)).unwrap();
        ids.push(wallet.manager.add_subscription(subscription, NOW).unwrap());
    }
    wallet.save();
    wallet.go_on(NOW);
    assert_eq!(wallet.told(), [Event::RateNeeded(usd)]);
    assert_eq!(wallet.manager.rates_needed().collect::<Vec<_>>(), [usd]);
    assert_eq!(wallet.manager.status(ids[0], NOW).unwrap().activity, Activity::RateNeeded);
    assert!(wallet.sent().is_empty());
    wallet.manager.set_rate(rate, later(5));
    assert!(wallet.manager.wake_at().unwrap() <= later(5));
    wallet.go_on(later(5));
    assert_eq!((wallet.sent().len(), wallet.manager.rates_needed().count()), (3, 0));
    assert!(wallet.told().is_empty());
}

/// A rate that is missing is looked for every hour, and asked for once; and once more when the one that came grew old
/// before anybody looked.
#[test]
fn a_rate_is_asked_for_again_when_it_came_to_nothing() {
    let usd = "USD".parse().unwrap();
    let rate = Rate::new(usd, MinorUnits(10_000_000), Msat(100_000_000_000)).unwrap();
    let offer = podcast(|offer| offer.amount(OfferAmount::Currency { currency: usd, amount: MinorUnits(300) }));
    let mut wallet = Wallet::new();
    let draft = payer().subscribe(&offer, NOW, CHAINS).unwrap().rate(rate);
    let draft = draft.limit(Limit::Tolerance { basis_points: 100 });
    wallet.manager.add_subscription(draft.start([1; 32], NOW, later(DAY)).unwrap(), NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    assert_eq!(wallet.told(), [Event::RateNeeded(usd)]);
    for hour in 1..3 {
        wallet.go_on(later(3_600 * hour));
        assert_eq!((wallet.told(), wallet.manager.rates_needed().count()), (vec![], 1));
    }
    wallet.manager.set_rate(rate, later(7_200));
    assert_eq!(wallet.manager.rates_needed().count(), 0);
    wallet.go_on(later(10_801));
    assert_eq!((wallet.told(), wallet.sent().len()), (vec![Event::RateNeeded(usd)], 0));
    assert_eq!(wallet.manager.rates_needed().collect::<Vec<_>>(), [usd]);
    wallet.manager.set_rate(rate, later(10_801));
    wallet.go_on(later(10_801));
    assert_eq!((wallet.told(), wallet.sent().len()), (vec![], 1));
}

/// REC-11: it is said once that a subscription is cancelled, after that is saved; answers to that are for nobody.
#[test]
fn a_subscription_is_cancelled() {
    let mut wallet = Wallet::new();
    let (id, invoice) = paid_once(&mut wallet);
    wallet.go_on(NOW);
    wallet.told();
    wallet.manager.cancel(id, later(60)).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Ended(id.into())]);
    assert!(wallet.manager.archive(id).is_err());
    wallet.go_on(later(60));
    let sent = wallet.sent();
    assert_eq!(sent.len(), 1);
    // What cannot be sent one way goes the next.
    wallet.manager.unreachable(&sent[0], later(60));
    wallet.save();
    wallet.go_on(later(60));
    assert_eq!(wallet.sent().len(), 1);
    assert!(wallet.manager.receive(invoice, later(61)).is_err());
    wallet.manager.remove(id).unwrap();
    wallet.save();
    assert!(wallet.disk.is_empty());
}

/// REC-11: a wallet that stops between the decision and the message says it when it starts.
#[test]
fn what_was_cancelled_before_a_start_is_said_after_it() {
    let mut wallet = Wallet::new();
    let (id, _) = paid_once(&mut wallet);
    wallet.manager.cancel(id, later(60)).unwrap();
    wallet.save();
    wallet.sent();
    wallet.restart(later(120));
    wallet.go_on(later(120));
    assert_eq!(wallet.sent().len(), 1);
}

/// After a failure, whether to try again is for somebody to say.
#[test]
fn what_failed_is_not_begun_by_itself() {
    let offer = podcast(|offer| offer.amount_msat(Msat(9_000)));
    let mut wallet = Wallet::new();
    let id = subscribe(&mut wallet, &offer, 1);
    wallet.save();
    wallet.go_on(NOW);
    let (answer, preimage, _) = answer(&wallet.sent()[0], NOW, None, None);
    wallet.manager.receive(answer, NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Payable(id.into())]);
    wallet.manager.failed(preimage.payment_hash(), FIRST, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    // Whoever decides on another quote does not decide on this one.
    assert!(wallet.manager.begin(id, Preimage([9; 32]).payment_hash(), NOW).is_err());
    assert!(wallet.manager.next_save().is_none());
    wallet.manager.begin(id, preimage.payment_hash(), NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Payable(id.into())]);
}

/// A subscription can end while the wallet is off, or while it cannot save: that is told.
#[test]
fn what_ended_while_nobody_looked_is_told() {
    let mut wallet = Wallet::new();
    let (id, _) = paid_once(&mut wallet);
    wallet.go_on(NOW);
    wallet.told();
    // Nothing was paid in the second period.
    let disk = wallet.disk.clone();
    let late = later(10 * DAY);
    wallet.restart(late);
    assert_eq!(wallet.told(), [Event::Ended(id.into())]);
    wallet.go_on(late);
    assert_eq!(wallet.told(), []);
    wallet.manager.archive(id).unwrap();
    // The same, where the last thing that happened could not be saved.
    wallet.disk = disk;
    wallet.restart(NOW);
    let due = later(DAY + 7_200);
    wallet.manager.poll(due, 10);
    let save = wallet.manager.next_save().unwrap();
    wallet.manager.save_failed(save.number, late);
    assert_eq!(wallet.told(), [Event::NotSaved { id: id.into(), is_gone: false }, Event::Ended(id.into())]);
}

/// EXC-17: after 200 days without a phone, one payment a day is made, and one more at once if its owner says so.
#[test]
fn what_is_overdue_is_told_and_caught_up_with() {
    let recurrence = Recurrence::every(1, TimeUnit::Days).unwrap();
    let paywindow = Some(PayWindow { seconds_before: 0, seconds_after: 365 * DAY as u32 });
    let recurrence = Recurrence { paywindow, ..recurrence };
    let offer =
        own_offer(&shop(), 1, |offer| offer.description("a podcast").amount_msat(Msat(9_000)).recurrence(recurrence));
    let mut wallet = Wallet::new();
    let draft = payer().subscribe(&offer, NOW, CHAINS).unwrap();
    let subscription = draft.start([1; 32], NOW, later(DAY)).unwrap();
    let id = wallet.manager.add_subscription(subscription, NOW).unwrap();
    wallet.save();
    let (mut now, mut period) = (NOW, None);
    let pay = |wallet: &mut Wallet, now: UnixTime, period: &mut Option<PaidPeriod>| {
        wallet.go_on(now);
        let sent = wallet.sent();
        assert_eq!(sent.len(), 1, "{:?}", wallet.manager.status(id, now));
        let (answer, preimage, paid) = answer(&sent[0], now, None, *period);
        *period = paid;
        wallet.manager.receive(answer, now).unwrap();
        wallet.save();
        assert_eq!(wallet.told(), [Event::Payable(id.into())]);
        wallet.manager.paid(preimage, now).unwrap();
        wallet.save();
        let told = wallet.told();
        wallet.go_on(now);
        (told, wallet.told())
    };
    assert_eq!(pay(&mut wallet, now, &mut period), (vec![Event::Paid(id.into())], vec![]));
    now = later(200 * DAY);
    let (paid, then) = pay(&mut wallet, now, &mut period);
    assert_eq!([paid, then].concat(), [Event::Paid(id.into()), Event::Overdue(id.into())]);
    assert!(matches!(wallet.manager.status(id, now).unwrap().activity, Activity::Overdue { number: 3 }));
    // It is said again after a start, and nothing is sent by itself.
    wallet.restart(now);
    assert_eq!(wallet.told(), [Event::Overdue(id.into())]);
    wallet.go_on(now);
    assert!(wallet.sent().is_empty());
    // At once means at once: not after the delay that keeps subscribers apart.
    now.0 += 60;
    wallet.manager.catch_up(id, now).unwrap();
    wallet.save();
    let (paid, then) = pay(&mut wallet, now, &mut period);
    assert_eq!([paid, then].concat(), [Event::Paid(id.into()), Event::Overdue(id.into())]);
    // Then by itself, a day later.
    let next = wallet.manager.wake_at().unwrap();
    assert!(next.0 > now.0 + DAY - 700 && next.0 <= now.0 + DAY, "{}", next.0 - now.0);
}

/// A limit in bitcoin needs no rate; and who is gone, or has ended, waits for none.
#[test]
fn who_needs_no_rate_waits_for_none() {
    let usd = "USD".parse().unwrap();
    let rate = Rate::new(usd, MinorUnits(10_000_000), Msat(100_000_000_000)).unwrap();
    let offer = podcast(|offer| offer.amount(OfferAmount::Currency { currency: usd, amount: MinorUnits(300) }));
    let mut wallet = Wallet::new();
    let start = |limit, number| {
        let draft = payer().subscribe(&offer, NOW, CHAINS).unwrap().rate(rate).limit(limit);
        draft.start([number; 32], NOW, later(DAY)).unwrap()
    };
    let id = wallet.manager.add_subscription(start(Limit::AtMost(Msat(4_000_000)), 1), NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.manager.status(id, NOW).unwrap().activity, Activity::Asking { requests: 0 });
    wallet.go_on(NOW);
    assert_eq!((wallet.told(), wallet.sent().len()), (vec![], 1));
    let waiting = [2, 3].map(|number| {
        let subscription = start(Limit::Tolerance { basis_points: 100 }, number);
        wallet.manager.add_subscription(subscription, NOW).unwrap()
    });
    wallet.save();
    wallet.go_on(NOW);
    assert_eq!((wallet.told(), wallet.sent().len()), (vec![Event::RateNeeded(usd)], 0));
    for (number, id) in waiting.into_iter().enumerate() {
        assert_eq!(wallet.manager.rates_needed().count(), 1);
        wallet.manager.cancel(id, later(1)).unwrap();
        wallet.save();
        assert_eq!(wallet.told(), [Event::Ended(id.into())]);
        if number == 0 {
            wallet.manager.remove(id).unwrap();
        }
    }
    assert_eq!(wallet.manager.rates_needed().count(), 0);
}

/// RQW-7, REC-11: whatever is to be signed elsewhere is said, and waits, also over a restart.
#[test]
fn subscriptions_are_signed_elsewhere() {
    let device = super::messages::key(0x77);
    let mut wallet = Wallet::new();
    let offer = podcast(|offer| offer.amount_msat(Msat(9_000)));
    let draft = payer().subscribe(&offer, NOW, CHAINS).unwrap().signer(device.public_key());
    let subscription = draft.start([1; 32], NOW, later(DAY)).unwrap();
    let id = wallet.manager.add_subscription(subscription, NOW).unwrap();
    wallet.save();
    let sign = |wallet: &mut Wallet, now: UnixTime| {
        wallet.go_on(now);
        let needed = [Event::SignatureNeeded(id.into())];
        assert_eq!((wallet.told(), wallet.sent().len()), (needed.to_vec(), 0));
        assert_eq!(wallet.manager.status(id, now).unwrap().activity, Activity::Signing);
        wallet.restart(now);
        wallet.go_on(now);
        assert_eq!((wallet.told(), wallet.sent().len()), (needed.to_vec(), 0));
        let digest = wallet.manager.subscription(id, |it| it.to_sign().unwrap().digest()).unwrap();
        let message = bolt12::secp256k1::Message::from_digest(digest);
        let signature = bolt12::secp256k1::Secp256k1::new().sign_schnorr_no_aux_rand(&message, &device);
        wallet.manager.sign(id, &signature, now).unwrap();
        wallet.save();
        assert!(wallet.manager.sign(id, &signature, now).is_err());
        wallet.go_on(now);
        let mut sent = wallet.sent();
        assert_eq!(sent.len(), 1);
        sent.remove(0)
    };
    let asked = sign(&mut wallet, NOW);
    let (answer, preimage, _) = answer(&asked, NOW, None, None);
    wallet.manager.receive(answer, NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Payable(id.into())]);
    wallet.manager.paid(preimage, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    assert_eq!(wallet.told(), [Event::Paid(id.into())]);
    let due = wallet.manager.wake_at().unwrap();
    wallet.go_on(due);
    assert_eq!(wallet.told(), [Event::SignatureNeeded(id.into())]);
    // It is cancelled instead, which is to be signed as well.
    wallet.manager.cancel(id, due).unwrap();
    wallet.save();
    let cancelled = sign(&mut wallet, due);
    let received = shop().receive(deliver(&cancelled, 0x70)).unwrap();
    assert!(received.cancels());
    assert_eq!(wallet.told(), [Event::Ended(id.into())]);
    assert_eq!(wallet.manager.wake_at(), None);
    wallet.manager.archive(id).unwrap();
}

/// EXC-4: what is authorised is not begun by itself with the payment hash of another payment. Whoever claims with it
/// pays nothing.
#[test]
fn what_is_authorised_is_begun_with_a_hash_of_its_own() {
    let offer = podcast(|offer| offer.amount_msat(Msat(9_000)));
    let mut wallet = Wallet::new();
    let (other, paying, _) = wallet.begin(payment(1), NOW);
    let (_, claimed) = super::refunds::claimed(&mut wallet);
    wallet.save();
    wallet.go_on(NOW);
    wallet.sent();
    for (number, hash, by) in [(1, claimed.payment_hash(), None), (2, paying, Some(other.into()))] {
        let id = subscribe(&mut wallet, &offer, number);
        wallet.save();
        wallet.go_on(NOW);
        let mut answer = answer_with(&accepted(&wallet.sent()[0], NOW, None, None), hash);
        wallet.manager.receive(answer.clone(), NOW).unwrap();
        wallet.save();
        let Some(by) = by else {
            assert_eq!(wallet.told(), [Event::Payable(id.into())]);
            continue;
        };
        assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
        let in_use = ManagerError::HashInUse { payment_hash: hash, by };
        assert_eq!(wallet.manager.begin(id, hash, NOW), Err(in_use));
        // Once the other is gone, whatever happens next begins it, also a message that is refused. That is saved first
        // (EXC-15).
        wallet.manager.failed(hash, FIRST, NOW).unwrap();
        wallet.save();
        wallet.manager.decline(other, NOW).unwrap();
        wallet.save();
        wallet.manager.archive(other).unwrap();
        wallet.told();
        answer.bytes = vec![0];
        assert!(wallet.manager.receive(answer, NOW).is_err());
        assert!(wallet.told().is_empty());
        wallet.save();
        assert_eq!(wallet.told(), [Event::Payable(id.into())]);
    }
}

/// EXC-12: news of what was paid in the period before, whatever attempt they name, end nothing that is being paid.
#[test]
fn news_of_the_period_before_change_nothing() {
    let mut wallet = Wallet::new();
    let id = subscribe(&mut wallet, &podcast(|offer| offer.amount_msat(Msat(9_000))), 1);
    let (_, first, period) = pay(&mut wallet, NOW, None);
    wallet.go_on(NOW);
    let due = wallet.manager.wake_at().unwrap();
    wallet.go_on(due);
    let (answer, second, _) = answer(&wallet.sent()[0], due, None, period);
    wallet.manager.receive(answer, due).unwrap();
    wallet.save();
    let paying = |wallet: &Wallet| {
        let paying = wallet.manager.subscription(id, |it| match it.payment()?.state() {
            State::Paying(paying) => Some((paying.payment_hash(), paying.attempt())),
            _ => None,
        });
        paying.unwrap()
    };
    let (hash, present) = paying(&wallet).unwrap();
    assert_eq!(hash, second.payment_hash());
    for attempt in [FIRST, present] {
        assert_eq!(wallet.manager.failed(first.payment_hash(), attempt, due), Ok(id.into()));
        assert!(wallet.manager.next_save().is_none());
        assert_eq!(paying(&wallet), Some((hash, present)));
    }
    assert_eq!(wallet.manager.failed(hash, present, due), Ok(id.into()));
    wallet.save();
    assert_eq!(paying(&wallet), None);
}

/// EXC-13: whether more was paid since a backup is for its owner to say.
#[test]
fn a_backup_of_a_subscription_waits_for_its_owner() {
    let mut before = Wallet::new();
    let (id, _) = paid_once(&mut before);
    let due = later(DAY + 7_200);
    let mut wallet = Wallet::new();
    let loaded = wallet.manager.restore(before.disk.clone(), NOW);
    assert_eq!((loaded.count, loaded.ask_node, loaded.failed), (1, vec![], vec![]));
    assert!(wallet.told().is_empty());
    wallet.save();
    for restarts in [false, true] {
        if restarts {
            wallet.restart(NOW);
        }
        assert_eq!(wallet.told(), [Event::Stopped(id.into())]);
        let activity = wallet.manager.status(id, NOW).unwrap().activity;
        assert_eq!(activity, Activity::Stopped(EndReason::Restored));
        wallet.go_on(due);
        assert!(wallet.sent().is_empty() && wallet.told().is_empty());
    }
    wallet.manager.try_again(id, due).unwrap();
    wallet.save();
    wallet.go_on(due);
    assert_eq!(wallet.sent().len(), 1);
}

/// EXC-5: a payment that nobody can be asked for stops, and goes on when its owner says so.
#[test]
fn a_subscription_that_reaches_nobody_stops() {
    let mut wallet = Wallet::new();
    let id = subscribe(&mut wallet, &podcast(|offer| offer.amount_msat(Msat(9_000))), 1);
    wallet.save();
    wallet.go_on(NOW);
    let sent = wallet.sent().remove(0);
    wallet.manager.unsendable(&sent, NOW);
    wallet.save();
    assert_eq!(wallet.told(), [Event::Stopped(id.into())]);
    let activity = wallet.manager.status(id, NOW).unwrap().activity;
    assert_eq!(activity, Activity::Stopped(EndReason::Unsendable));
    wallet.go_on(later(3_600));
    assert!(wallet.sent().is_empty());
    wallet.manager.try_again(id, later(3_600)).unwrap();
    wallet.save();
    wallet.go_on(later(3_600));
    assert_eq!(wallet.sent().len(), 1);
}

/// EXC-8: what ended by a clock that was ahead goes on when that is right again.
#[test]
fn what_was_missed_by_a_wrong_clock_was_not() {
    let mut wallet = Wallet::new();
    let (id, _) = paid_once(&mut wallet);
    wallet.go_on(NOW);
    let due = wallet.manager.wake_at();
    assert!(due.is_some());
    wallet.told();
    wallet.go_on(later(10 * DAY));
    assert_eq!(wallet.told(), [Event::Ended(id.into())]);
    assert_eq!(wallet.manager.wake_at(), None);
    wallet.go_on(later(60));
    assert_eq!(wallet.manager.wake_at(), due);
    assert_eq!(wallet.manager.status(id, later(60)).unwrap().activity, Activity::NotDue { number: 2 });
    wallet.go_on(due.unwrap());
    assert_eq!(wallet.sent().len(), 1);
}

/// REC-12: a rate at which nothing can be computed is not a rate that is missing: nothing is asked for, and an hour
/// later it is tried again.
#[test]
fn who_cannot_compute_a_limit_says_so() {
    let usd = "USD".parse().unwrap();
    let good = Rate::new(usd, MinorUnits(10_000_000), Msat(100_000_000_000)).unwrap();
    let offer = podcast(|offer| offer.amount(OfferAmount::Currency { currency: usd, amount: MinorUnits(300) }));
    let mut wallet = Wallet::new();
    let draft = payer().subscribe(&offer, NOW, CHAINS).unwrap().rate(good);
    let draft = draft.limit(Limit::Tolerance { basis_points: 100 });
    let id = wallet.manager.add_subscription(draft.start([1; 32], NOW, later(DAY)).unwrap(), NOW).unwrap();
    wallet.save();
    wallet.manager.set_rate(Rate::new(usd, MinorUnits(1), Msat(u64::MAX)).unwrap(), NOW);
    wallet.go_on(NOW);
    let told = wallet.told();
    let [Event::Stuck { id: stuck, error }] = &told[..] else { panic!("{told:?}") };
    assert_eq!((*stuck, error.kind()), (id.into(), &ErrorKind::Overflow));
    assert_eq!((wallet.sent().len(), wallet.manager.rates_needed().count()), (0, 0));
    let again = wallet.manager.wake_at().unwrap();
    assert_eq!(again, later(3_600));
    wallet.manager.set_rate(good, again);
    wallet.go_on(again);
    assert_eq!((wallet.told(), wallet.sent().len()), (vec![], 1));
}
