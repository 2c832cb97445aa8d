//! When subscriptions ask and are told, among others: again, at once, and while somebody looks on.

use bolt12::exchange::{Activity, Limit};
use bolt12::{Msat, OfferBuilder, PayWindow, Recurrence, TimeUnit};

use super::messages::NOW;
use super::sides::{CHAINS, own_offer};
use super::subscriptions::{answer, podcast, subscribe};
use super::wallet::*;

const DAY: u64 = 86_400;

/// EXC-4: nodes say again what they said before, also when the next payment has been asked for.
#[test]
fn what_is_said_again_is_of_the_payment_before() {
    let mut wallet = Wallet::new();
    let id = subscribe(&mut wallet, &podcast(|offer| offer.amount_msat(Msat(9_000))), 1);
    wallet.save();
    wallet.go_on(NOW);
    let (invoice, preimage, _) = answer(&wallet.sent()[0], NOW, None, None);
    wallet.manager.receive(invoice, NOW).unwrap();
    wallet.save();
    wallet.manager.paid(preimage, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    let due = wallet.manager.wake_at().unwrap();
    wallet.go_on(due);
    assert_eq!(wallet.sent().len(), 1);
    for restarts in [false, true] {
        if restarts {
            wallet.restart(due);
        }
        assert_eq!(wallet.manager.paid(preimage, due), Ok(id.into()));
        assert!(wallet.manager.next_save().is_none(), "it is no news");
    }
    assert_eq!(wallet.manager.subscription(id, |it| it.payments_made()).unwrap(), 1);
}

/// EXC-17: a payment that its owner hurries does not wait for the time that keeps subscribers apart.
#[test]
fn what_is_hurried_is_asked_for_at_once() {
    let paywindow = Some(PayWindow { seconds_before: 0, seconds_after: 365 * DAY as u32 });
    let recurrence = Recurrence { paywindow, ..Recurrence::every(1, TimeUnit::Days).unwrap() };
    let fill = |offer: OfferBuilder| offer.description("a podcast").amount_msat(Msat(9_000)).recurrence(recurrence);
    let offer = own_offer(&shop(), 1, fill);
    for number in 1..=3 {
        let mut wallet = Wallet::new();
        let draft = payer().subscribe(&offer, NOW, CHAINS).unwrap();
        let subscription = draft.start([number; 32], NOW, later(DAY)).unwrap();
        let id = wallet.manager.add_subscription(subscription, NOW).unwrap();
        wallet.save();
        // The second is made just when the third is due.
        let (mut period, mut now) = (None, NOW);
        for at in [NOW, later(2 * DAY + 61)] {
            now = at;
            wallet.go_on(now);
            let (invoice, preimage, paid) = answer(&wallet.sent()[0], now, None, period);
            period = paid;
            wallet.manager.receive(invoice, now).unwrap();
            wallet.save();
            wallet.manager.paid(preimage, now).unwrap();
            wallet.save();
        }
        wallet.go_on(now);
        assert!(matches!(wallet.manager.status(id, now).unwrap().activity, Activity::Overdue { number: 3 }));
        assert!(wallet.sent().is_empty());
        wallet.manager.catch_up(id, now).unwrap();
        wallet.save();
        wallet.go_on(now);
        assert_eq!(wallet.sent().len(), 1);
    }
}

/// EXC-17: whoever has just subscribed looks on, so it is asked for more often than nobody would.
#[test]
fn a_first_payment_is_asked_for_while_somebody_looks_on() {
    let mut wallet = Wallet::new();
    let _ = subscribe(&mut wallet, &podcast(|offer| offer.amount_msat(Msat(9_000))), 1);
    wallet.save();
    let (mut now, mut sent) = (NOW, 0);
    while now < later(600) {
        wallet.go_on(now);
        sent += wallet.sent().len();
        now = wallet.manager.wake_at().unwrap();
    }
    assert!(sent > 5, "{sent}");
}

/// EXC-15: what changes and changes back is not saved, and keeps nothing waiting.
#[test]
fn what_changes_and_changes_back_is_not_saved() {
    let mut wallet = Wallet::new();
    let id = subscribe(&mut wallet, &podcast(|offer| offer.amount_msat(Msat(9_000))), 1);
    let set = |wallet: &mut Wallet, max| wallet.manager.set_limit(id, Limit::AtMost(Msat(max)), NOW).unwrap();
    set(&mut wallet, 20_000);
    wallet.save();
    set(&mut wallet, 10_000);
    set(&mut wallet, 20_000);
    assert!(wallet.manager.next_save().is_none());
    wallet.go_on(NOW);
    assert_eq!(wallet.sent().len(), 1);
    set(&mut wallet, 10_000);
    assert!(wallet.manager.next_save().is_some());
}
