//! How much there may be.

use bolt12::exchange::{ManagerError, ManagerLimits};

use super::messages::NOW;
use super::wallet::*;

#[test]
fn there_are_no_more_than_there_may_be() {
    let limits = ManagerLimits { payments: 2, ..ManagerLimits::default() };
    let mut wallet = Wallet::with(limits);
    let id = wallet.manager.add_payment(payment(1), NOW).unwrap();
    assert_eq!(wallet.manager.add_payment(payment(1), NOW), Err(ManagerError::Exists(id.into())));
    wallet.manager.add_payment(payment(2), NOW).unwrap();
    assert_eq!(wallet.manager.add_payment(payment(3), NOW), Err(ManagerError::TooMany { limit: 2 }));
    wallet.save();
    wallet.manager.decline(id, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    wallet.manager.remove(id).unwrap();
    wallet.manager.add_payment(payment(3), NOW).unwrap();
}

/// A wallet that is full of one kind has room for the others.
#[test]
fn each_kind_has_a_limit_of_its_own() {
    let mut wallet = Wallet::with(ManagerLimits { payments: 1, claims: 1, subscriptions: 1 });
    wallet.manager.add_payment(payment(1), NOW).unwrap();
    super::refunds::claimed(&mut wallet);
    #[cfg(feature = "recurrence")]
    super::subscriptions::subscribe(
        &mut wallet,
        &super::subscriptions::podcast(|offer| offer.amount_msat(bolt12::Msat(1_000))),
        1,
    );
    assert_eq!(wallet.manager.add_payment(payment(2), NOW), Err(ManagerError::TooMany { limit: 1 }));
}

/// EXC-20: whoever answers with wrong invoices is not told without end.
#[test]
fn wrong_invoices_are_answered_a_few_times() {
    let mut wallet = Wallet::new();
    let (_, asked) = wallet.ask(payment(1), NOW);
    let (mut answer, _) = answer(&asked, NOW);
    answer.reply_path = Some(super::messages::path(2));
    // A signature that is none: the last record.
    let last = answer.bytes.len() - 1;
    answer.bytes[last] ^= 1;
    let mut told = 0;
    for _ in 0..100 {
        assert!(!wallet.manager.receive(answer.clone(), NOW).unwrap_err().is_cheap());
        told += wallet.sent().len();
    }
    assert_eq!(told, 8);
    assert!(wallet.manager.next_save().is_none());
}

/// What each mistake says.
#[test]
fn errors_say_what_to_do() {
    let id = payment(1).id().into();
    for (error, text) in [
        (ManagerError::Unknown(id), "is unknown: load it"),
        (ManagerError::Exists(id), "already exists"),
        (ManagerError::Unsaved(id), "save and confirm it first"),
        (ManagerError::Open(id), "has not ended"),
        (ManagerError::TooMany { limit: 5 }, "the limit of 5 conversations"),
    ] {
        assert!(error.to_string().contains(text), "{error}");
    }
    let mut wallet = Wallet::new();
    let (id, _) = wallet.ask(payment(1), NOW);
    let hash = bolt12::Preimage([1; 32]).payment_hash();
    let refused = wallet.manager.begin(id, hash, NOW).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the payment is waiting for an invoice: poll it, and try again once there is a quote"
    );
}

/// It can stand behind a lock, or move to another thread.
#[test]
fn it_can_be_shared() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<bolt12::exchange::OffersManager>();
    is_shared::<bolt12::exchange::ToSend>();
}
