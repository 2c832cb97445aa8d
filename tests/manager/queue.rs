//! EXC-16: what is due comes when it is due, and not before; and no clock makes it spin.

use bolt12::UnixTime;
use bolt12::exchange::{Action, ConversationId, Event, PaymentId};

use super::messages::NOW;
use super::network::Random;
use super::wallet::*;

/// Checks by every conversation alone that the queue is not late.
pub(crate) fn check_not_late(wallet: &Wallet, now: UnixTime) {
    let mut first = None::<UnixTime>;
    for (id, state) in &wallet.disk {
        let ConversationId::Payment(_) = id else { continue };
        match payer().load(state).unwrap().poll(now).unwrap() {
            Action::Send(_) => panic!("{id} has something to send"),
            Action::WaitUntil(at) => first = Some(first.map_or(at, |first| first.min(at))),
            Action::Sign | Action::Nothing => {}
        }
    }
    let wake_at = wallet.manager.wake_at();
    assert!(first.is_none_or(|first| wake_at.is_some_and(|at| at <= first)), "{wake_at:?} is later than {first:?}");
}

// EXC-5, EXC-16
#[test]
fn the_queue_is_never_late_and_never_spins() {
    let mut wallet = Wallet::new();
    let mut now = NOW;
    for number in 0..20 {
        wallet.manager.add_payment(payment(number), now).unwrap();
        wallet.save();
    }
    let (mut rounds, mut sent) = (0, 0);
    while let Some(at) = wallet.manager.wake_at() {
        now = now.max(at);
        wallet.go_on(now);
        sent += wallet.sent().len();
        check_not_late(&wallet, now);
        rounds += 1;
        assert!(rounds < 2_000);
    }
    // Ten minutes with delays of up to one and a half.
    assert!(sent > 20 * 10 && sent < 20 * 40, "{sent}");
    assert!(now > DEADLINE && wallet.told().len() == 20);
    // What is over costs nothing.
    assert_eq!(wallet.manager.wake_at(), None);
}

// EXC-5, EXC-8
#[test]
fn whatever_the_clock_says_every_loop_ends() {
    let mut wallet = Wallet::new();
    for number in 0..5 {
        wallet.manager.add_payment(payment(number), NOW).unwrap();
    }
    wallet.save();
    let mut random = Random::new(3);
    for _ in 0..300 {
        let now = UnixTime(random.below(DEADLINE.0 + 1));
        wallet.go_on(now);
        wallet.sent();
        check_not_late(&wallet, now);
    }
    wallet.go_on(UnixTime(u64::MAX));
    assert_eq!(wallet.manager.wake_at(), None);
}

#[test]
fn a_poll_does_as_much_as_it_is_asked_for() {
    let mut wallet = Wallet::new();
    for number in 0..25 {
        wallet.manager.add_payment(payment(number), NOW).unwrap();
    }
    wallet.save();
    let mut sent = 0;
    for round in 0..3 {
        assert_eq!(wallet.manager.poll(NOW, 10), round < 2);
        wallet.save();
        let now = wallet.sent().len();
        assert!(now <= 10);
        sent += now;
    }
    assert_eq!(sent, 25);
    assert!(!wallet.manager.poll(NOW, 10) && wallet.manager.poll(later(100), 0));
}

// EXC-5
#[test]
fn what_cannot_get_there_goes_another_way_at_once() {
    let mut wallet = Wallet::new();
    let (id, first) = wallet.ask(payment(1), NOW);
    wallet.manager.unreachable(&first, NOW);
    assert!(wallet.manager.wake_at().is_none());
    wallet.save();
    wallet.go_on(NOW);
    let second = wallet.sent().remove(0);
    assert_ne!(first.destination, second.destination);
    // After the last of all ways, the delay holds.
    wallet.manager.unreachable(&second, NOW);
    wallet.go_on(NOW);
    assert!(wallet.sent().is_empty());
    wallet.manager.unsendable(&second, NOW);
    wallet.save();
    assert_eq!(wallet.told(), [bolt12::exchange::Event::Ended(id.into())]);
}

/// A clock that is corrected by a minute has nothing looked at again; by more, everything.
#[test]
fn everything_is_looked_at_again_after_a_minute_back() {
    let ahead = later(100);
    for (seconds, is_looked_at) in [(0, false), (59, false), (60, false), (61, true), (100, true)] {
        let mut wallet = Wallet::new();
        wallet.ask(payment(1), ahead);
        let due = wallet.manager.wake_at().unwrap();
        let now = UnixTime(ahead.0 - seconds);
        assert_eq!(wallet.manager.poll(now, 0), is_looked_at);
        assert_eq!(wallet.manager.wake_at(), Some(if is_looked_at { now } else { due }));
    }
}

/// Whoever says an earlier time first has everything looked at again, not only a poll.
#[test]
fn a_clock_that_was_set_back_is_noticed_whatever_happens_then() {
    let mut elsewhere = Wallet::new();
    let (ended, _) = elsewhere.ask(payment(3), NOW);
    elsewhere.manager.decline(ended, NOW).unwrap();
    elsewhere.save();
    let states = &elsewhere.disk;
    type Happening<'a> = &'a dyn Fn(&mut Wallet, PaymentId);
    let happens: [Happening<'_>; 4] = [
        &|wallet, _| assert!(wallet.manager.add_payment(payment(3), NOW).is_ok()),
        &|wallet, _| assert_eq!(wallet.manager.load(states.clone(), NOW).count, 1),
        &|wallet, _| assert_eq!(wallet.manager.restore(states.clone(), NOW).count, 1),
        &|wallet, id| wallet.manager.decline(id, NOW).unwrap(),
    ];
    for happens in happens {
        let mut wallet = Wallet::new();
        let ahead = later(300);
        wallet.ask(payment(1), ahead);
        let (other, _) = wallet.ask(payment(2), ahead);
        assert!(wallet.manager.wake_at().unwrap() > ahead);
        // What this is about has nothing to do by itself before it is saved, or at all.
        happens(&mut wallet, other);
        assert_eq!(wallet.manager.wake_at(), Some(NOW));
    }
}

/// What is over is not looked at again when the clock is set back, also while that it is over is being saved.
#[test]
fn what_is_over_stays_so_whatever_the_clock_says() {
    let mut wallet = Wallet::new();
    let (id, _) = wallet.ask(payment(1), NOW);
    wallet.manager.decline(id, NOW).unwrap();
    let earlier = UnixTime(NOW.0 - 3_600);
    assert!(!wallet.manager.poll(earlier, 10));
    wallet.save();
    assert_eq!(wallet.manager.wake_at(), None);
    assert_eq!(wallet.told(), [Event::Ended(id.into())]);
}
