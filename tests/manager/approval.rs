//! What the owner decides about quotes, what rates do to them, and what becomes of backups.

use bolt12::exchange::{
    Activity, AskNode, Attempt, EndReason, Event, IncomingMessage, Limit, ManagerError, Objection, OutgoingMessage,
    PaymentId, State, WaitsFor,
};
use bolt12::{MinorUnits, Msat, OfferAmount, Preimage, Rate, UnixTime};

use super::messages::NOW;
use super::sides::{self, CHAINS, deliver, own_offer};
use super::wallet::*;

/// So many dollars for a bitcoin.
fn rate(dollars: u64) -> Rate {
    Rate::new("USD".parse().unwrap(), MinorUnits(dollars * 100), Msat(100_000_000_000)).unwrap()
}

/// A payment of three dollars, at 100,000 dollars and with this limit.
fn ask_dollars(wallet: &mut Wallet, limit: Limit) -> (PaymentId, OutgoingMessage) {
    let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(300) };
    let offer = own_offer(&shop(), 1, |offer| offer.description("tea").amount(price));
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap().rate(rate(100_000)).limit(limit);
    wallet.ask(draft.start([7; 32], NOW, DEADLINE).unwrap(), NOW)
}

/// The shop's answer at its rate.
fn answer_at(asked: &OutgoingMessage, dollars: u64, now: UnixTime) -> (IncomingMessage, Preimage) {
    let received = shop().receive(deliver(asked, 0x70)).unwrap();
    let accepted = received.accept(&sides::terms(now, Some(rate(dollars)))).unwrap();
    let (preimage, invoice) = sides::invoice(&accepted);
    (deliver(&accepted.answer(invoice).unwrap(), 0x60), preimage)
}

// EXC-7: what is above the limit is told with the reason, and goes on when it is allowed.
#[test]
fn what_needs_approval_waits_for_its_owner() {
    let mut wallet = Wallet::new();
    let (id, asked) = ask_dollars(&mut wallet, Limit::AtMost(Msat(3_000_000)));
    let (answer, preimage) = answer_at(&asked, 90_000, NOW);
    wallet.manager.receive(answer, NOW).unwrap();
    assert!(wallet.told().is_empty());
    wallet.save();
    let objection = Objection::AboveLimit { max: Msat(3_000_000) };
    assert_eq!(wallet.told(), [Event::NeedsApproval { id: id.into(), objection }]);
    let Activity::NeedsApproval { amount, .. } = wallet.manager.status(id, NOW).unwrap().activity else { panic!() };
    assert_eq!(wallet.manager.status(id, NOW).unwrap().activity.waits_for(), Some(WaitsFor::Owner));
    let hash = preimage.payment_hash();
    assert!(matches!(wallet.manager.begin(id, hash, NOW), Err(ManagerError::Refused(_))));
    wallet.restart(NOW);
    assert_eq!(wallet.told(), [Event::NeedsApproval { id: id.into(), objection }]);
    wallet.manager.allow(id, Limit::AtMost(amount), NOW, DEADLINE).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    assert_eq!(wallet.manager.begin(id, hash, NOW), Ok(Attempt(1)));
    wallet.save();
    assert_eq!(wallet.told(), [Event::Payable(id.into())]);
}

// EXC-9: that the rate has moved a little more is nothing new for whoever has to decide.
#[test]
fn who_has_to_decide_is_told_once() {
    let mut wallet = Wallet::new();
    let (id, asked) = ask_dollars(&mut wallet, Limit::Tolerance { basis_points: 100 });
    wallet.manager.receive(answer_at(&asked, 90_000, NOW).0, NOW).unwrap();
    wallet.save();
    let mut before = Objection::AboveLimit { max: Msat(3_030_000) };
    assert_eq!(wallet.told(), [Event::NeedsApproval { id: id.into(), objection: before }]);
    for second in 1..5 {
        wallet.manager.set_rate(rate(100_000 + 100 * second), later(second));
        wallet.go_on(later(second));
        let Activity::NeedsApproval { objection, .. } = wallet.manager.status(id, NOW).unwrap().activity else {
            panic!()
        };
        assert_ne!(objection, before);
        before = objection;
        assert!(wallet.told().is_empty() && wallet.sent().is_empty());
    }
}

// EXC-9, EXC-16: a rate is compared with quotes in its currency, and with nothing else.
#[test]
fn a_rate_that_moves_makes_a_quote_be_asked_for_again() {
    let mut wallet = Wallet::new();
    let (id, asked) = ask_dollars(&mut wallet, Limit::Tolerance { basis_points: 100 });
    let (other, _, _) = wallet.quote(payment(1), NOW);
    wallet.manager.receive(answer_at(&asked, 100_000, NOW).0, NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    wallet.go_on(later(20));
    let others = wallet.disk[&other.into()].clone();
    wallet.manager.set_rate(rate(150_000), later(30));
    assert!(wallet.manager.wake_at().unwrap() <= later(30));
    wallet.go_on(later(30));
    let sent = wallet.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(wallet.disk[&other.into()], others);
    let (answer, preimage) = answer_at(&sent[0], 150_000, later(31));
    wallet.manager.receive(answer, later(31)).unwrap();
    wallet.save();
    assert!(wallet.told().contains(&Event::Quoted(id.into())));
    // What is begun is compared no more.
    wallet.manager.begin(id, preimage.payment_hash(), later(32)).unwrap();
    wallet.save();
    wallet.go_on(later(32));
    wallet.manager.set_rate(rate(10_000), later(40));
    assert!(wallet.manager.wake_at().unwrap() > later(40));
    wallet.go_on(later(40));
    assert!(wallet.sent().is_empty());
    assert!(wallet.manager.payment(id, |payment| matches!(payment.state(), State::Paying(_))).unwrap());
}

// EXC-9: nobody is told of a quote that the rate speaks against by the time it comes.
#[test]
fn what_comes_is_compared_with_the_rate_of_that_moment() {
    let mut wallet = Wallet::new();
    let (id, asked) = ask_dollars(&mut wallet, Limit::Tolerance { basis_points: 100 });
    wallet.manager.set_rate(rate(150_000), later(1));
    wallet.manager.receive(answer_at(&asked, 100_000, later(1)).0, later(1)).unwrap();
    wallet.save();
    let objection = Objection::AboveLimit { max: Msat(2_020_000) };
    assert_eq!(wallet.told(), [Event::NeedsApproval { id: id.into(), objection }]);
}

/// A rate concerns nothing that was taken out since it came.
#[test]
fn what_is_archived_is_not_compared_with_a_rate() {
    let mut wallet = Wallet::new();
    let (id, asked) = ask_dollars(&mut wallet, Limit::Tolerance { basis_points: 100 });
    wallet.manager.receive(answer_at(&asked, 100_000, NOW).0, NOW).unwrap();
    wallet.save();
    wallet.manager.set_rate(rate(100_000), NOW);
    wallet.manager.decline(id, NOW).unwrap();
    wallet.save();
    wallet.manager.archive(id).unwrap();
    assert_eq!(wallet.manager.wake_at(), None);
}

// EXC-12
#[test]
fn news_of_an_earlier_attempt_changes_nothing() {
    let mut wallet = Wallet::new();
    let (id, hash, preimage) = wallet.begin(payment(1), NOW);
    wallet.manager.failed(hash, FIRST, NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.manager.begin(id, hash, NOW), Ok(Attempt(2)));
    wallet.save();
    assert!(matches!(wallet.manager.failed(hash, FIRST, NOW), Err(ManagerError::Refused(_))));
    assert!(wallet.manager.next_save().is_none());
    assert_eq!(wallet.manager.paid(preimage, NOW), Ok(id.into()));
}

// EXC-13: a backup pays nothing that was not begun, and is saved as what it has become.
#[test]
fn a_backup_is_restored() {
    let mut wallet = Wallet::new();
    let (quoted, ..) = wallet.quote(payment(1), NOW);
    let (paying, hash, preimage) = wallet.begin(payment(2), NOW);
    let mut again = Wallet::new();
    let loaded = again.manager.restore(wallet.disk.clone(), NOW);
    let ask = AskNode { id: paying.into(), payment_hashes: vec![hash], attempt: Some(FIRST) };
    assert_eq!((loaded.count, loaded.ask_node), (2, vec![ask]));
    assert!(again.told().is_empty());
    again.save();
    assert_eq!(again.told(), [Event::Ended(quoted.into())]);
    let activity = again.manager.status(quoted, NOW).unwrap().activity;
    assert_eq!(activity, Activity::Ended(EndReason::Restored));
    assert_eq!(again.manager.paid(preimage, NOW), Ok(paying.into()));
    again.save();
    // As the store has it now, also after a start.
    again.restart(NOW);
    let activity = again.manager.status(quoted, NOW).unwrap().activity;
    assert_eq!(activity, Activity::Ended(EndReason::Restored));
    // What is here is the later state.
    assert_eq!(again.manager.restore(wallet.disk.clone(), NOW).count, 0);
}

/// A rate that comes while something is being saved is compared with it afterwards, and so is everything if the clock
/// is set back.
#[test]
fn what_is_being_saved_forgets_neither_rate_nor_clock() {
    let mut wallet = Wallet::new();
    let (id, asked) = ask_dollars(&mut wallet, Limit::Tolerance { basis_points: 100 });
    wallet.manager.receive(answer_at(&asked, 100_000, NOW).0, NOW).unwrap();
    let save = wallet.manager.next_save().unwrap();
    wallet.manager.set_rate(rate(150_000), later(20));
    while wallet.manager.poll(later(20), 10) {}
    assert!(wallet.manager.saved(save.number));
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    assert!(wallet.manager.wake_at().unwrap() <= later(20));
    wallet.go_on(later(20));
    assert_eq!(wallet.sent().len(), 1);
    // The clock was an hour ahead: what waits for a time then goes on at once.
    let mut wallet = Wallet::new();
    let ahead = later(300);
    let (_, asked) = wallet.ask(payment(1), ahead);
    wallet.manager.unreachable(&asked, ahead);
    let save = wallet.manager.next_save().unwrap();
    while wallet.manager.poll(NOW, 10) {}
    wallet.manager.saved(save.number);
    assert!(wallet.manager.wake_at().unwrap() <= NOW);
}

/// A rate from a clock that was ahead is not used for longer than others.
#[test]
fn a_rate_of_tomorrow_is_not_used_today() {
    let mut wallet = Wallet::new();
    let (id, asked) = ask_dollars(&mut wallet, Limit::Tolerance { basis_points: 100 });
    wallet.manager.receive(answer_at(&asked, 100_000, NOW).0, NOW).unwrap();
    wallet.save();
    let hash = wallet.manager.payment(id, |payment| match payment.state() {
        State::Quoted(quote) => Some(quote.payment_hash()),
        _ => None,
    });
    let hash = hash.unwrap().unwrap();
    // It would be off the price by that.
    wallet.manager.set_rate(rate(150_000), later(86_400));
    wallet.manager.begin(id, hash, NOW).unwrap();
}

/// EXC-16: a rate that concerns many holds up nothing that is due.
#[test]
fn rates_hold_up_nothing_that_is_due() {
    let mut wallet = Wallet::new();
    for number in 0..40 {
        let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(300) };
        let offer = own_offer(&shop(), 1, |offer| offer.description("tea").amount(price));
        let limit = Limit::Tolerance { basis_points: 100 };
        let draft = payer().draft(&offer, NOW, CHAINS).unwrap().rate(rate(100_000)).limit(limit);
        let (_, asked) = wallet.ask(draft.start([number; 32], NOW, DEADLINE).unwrap(), NOW);
        wallet.manager.receive(answer_at(&asked, 100_000, NOW).0, NOW).unwrap();
        wallet.save();
        wallet.go_on(NOW);
    }
    let (_, _) = wallet.ask(payment(1), NOW);
    let due = wallet.manager.wake_at().unwrap();
    for second in 0..5 {
        wallet.manager.set_rate(rate(100_000), UnixTime(due.0 + second));
        wallet.manager.poll(UnixTime(due.0 + second), 4);
        wallet.save();
    }
    assert_eq!(wallet.sent().len(), 1);
}
