//! What an app shows below a spinner.

use bolt12::exchange::{Activity, EndReason, WaitsFor};

use super::messages::NOW;
use super::wallet::*;

#[test]
fn a_payment_says_what_it_waits_for() {
    let mut wallet = Wallet::new();
    let sentence = |wallet: &Wallet, id, now| wallet.manager.status(id, now).unwrap().sentence(now);
    let id = wallet.manager.add_payment(payment(1), NOW).unwrap();
    assert_eq!(sentence(&wallet, id, NOW), "this is being saved; waiting for the storage");
    wallet.save();
    assert!(sentence(&wallet, id, NOW).starts_with("an invoice is about to be requested; waiting for the payee"));
    wallet.go_on(NOW);
    let asked = wallet.sent().remove(0);
    let status = wallet.manager.status(id, later(3)).unwrap();
    assert_eq!(status.sentence(later(3)), "an invoice request was sent; waiting for the payee, for at most 10 minutes");
    assert_eq!((status.since, status.until), (NOW, Some(DEADLINE)));
    assert!(super::sides::is_about(status.next.unwrap(), NOW, 5));
    let (answer, preimage) = answer(&asked, NOW);
    wallet.manager.receive(answer, later(4)).unwrap();
    wallet.save();
    wallet.go_on(later(4));
    let status = wallet.manager.status(id, later(4)).unwrap();
    assert_eq!(
        status.sentence(later(4)),
        "there is an invoice for 9 sat; waiting for your decision, for at most 10 minutes"
    );
    assert_eq!(status.since, later(4));
    wallet.manager.begin(id, preimage.payment_hash(), later(5)).unwrap();
    wallet.save();
    wallet.go_on(later(5));
    assert_eq!(sentence(&wallet, id, later(5)), "9 sat is being paid; waiting for the Lightning network");
    wallet.manager.paid(preimage, later(6)).unwrap();
    wallet.save();
    wallet.go_on(later(6));
    assert_eq!(sentence(&wallet, id, later(6)), "the payment has been made");
    let status = wallet.manager.status(id, later(6)).unwrap();
    assert_eq!((status.activity.waits_for(), status.next, status.until), (None, None, None));
    // Also after a start, but for since when.
    wallet.restart(later(50));
    assert_eq!(sentence(&wallet, id, later(60)), "the payment has been made");
    let (id, _) = wallet.ask(payment(2), NOW);
    wallet.manager.decline(id, NOW).unwrap();
    wallet.save();
    let activity = wallet.manager.status(id, NOW).unwrap().activity;
    assert_eq!(activity, Activity::Ended(EndReason::Declined));
    assert_eq!(Activity::Stopped(EndReason::Deadline).waits_for(), Some(WaitsFor::Owner));
}

// REC-12: a payment that is not due yet comes by itself, and is not waited for by anybody.
#[cfg(feature = "recurrence")]
#[test]
fn a_subscription_says_when_its_next_payment_is_due() {
    let mut wallet = Wallet::new();
    let (id, _) = super::subscriptions::paid_once(&mut wallet);
    let mut status = wallet.manager.status(id, NOW).unwrap();
    assert_eq!(status.activity, Activity::NotDue { number: 2 });
    status.until = Some(later(86_400));
    assert_eq!(status.sentence(NOW), "payment 2 is not due yet; waiting for its due date, in 24 hours");
}

/// A wait is said in the unit that a person would use, and is never said to be shorter than it is.
#[test]
fn times_are_said_as_a_person_would() {
    let mut wallet = Wallet::new();
    let (id, _) = wallet.ask(payment(1), NOW);
    let mut status = wallet.manager.status(id, NOW).unwrap();
    for (seconds, text) in [
        (0, "0 seconds"),
        (1, "1 second"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (120, "2 minutes"),
        (121, "3 minutes"),
        (5_399, "90 minutes"),
        (5_400, "2 hours"),
        (7_201, "3 hours"),
        (129_599, "36 hours"),
        (129_600, "2 days"),
        (172_801, "3 days"),
    ] {
        status.until = Some(later(seconds));
        let sentence = format!("an invoice request was sent; waiting for the payee, for at most {text}");
        assert_eq!(status.sentence(NOW), sentence);
    }
}
