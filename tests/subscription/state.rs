//! Saved states of subscriptions.

use std::sync::OnceLock;

use bolt12::ErrorKind;
use bolt12::exchange::Limit;
use proptest::prelude::*;

use super::long::is_long;
use super::messages::NOW;
use super::shop::*;
use super::sides::{each_byte_resealed, reseal};

/// States of all kinds.
fn states() -> &'static [Vec<u8>] {
    static STATES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    STATES.get_or_init(make_states)
}

fn make_states() -> Vec<Vec<u8>> {
    let mut states = Vec::new();
    for recurrence in [daily(), based(limited(daily(), 5), NOW, true)] {
        let mut shop = Shop::new(recurrence);
        let draft = shop.subscribe(NOW).payments(4).until(later(9 * DAY)).limit(Limit::AtMost(PRICE)).payer_note("hi");
        let mut subscription = draft.start(ENTROPY, NOW, later(600)).unwrap();
        let mut keep = |subscription: &bolt12::exchange::Subscription| states.push(reload(subscription).to_bytes());
        keep(&subscription);
        asks(&mut subscription, NOW, None);
        keep(&subscription);
        quoted(&mut subscription, &mut shop, later(30));
        keep(&subscription);
        subscription.begin(later(30), None).unwrap();
        keep(&subscription);
        let hash = *shop.bills.keys().next().unwrap();
        subscription.paid(shop.is_paid(hash)).unwrap();
        keep(&subscription);
        allow_once(&mut subscription, PRICE).unwrap();
        subscription.catch_up();
        keep(&subscription);
        quoted(&mut subscription, &mut shop, later(DAY + 60));
        subscription.begin(later(DAY + 60), None).unwrap();
        fails(&mut subscription);
        keep(&subscription);
        subscription.poll(later(DAY + 9000), None).unwrap();
        subscription.try_again();
        keep(&subscription);
        asks(&mut subscription, later(DAY + 9000), None);
        keep(&subscription);
        subscription.cancel();
        keep(&subscription);
        asks(&mut subscription, later(DAY + 9000), None);
        keep(&subscription);
        let backup = payer().restore_subscription(&subscription.to_bytes()).unwrap();
        keep(&backup);
    }
    states
}

#[test]
fn what_was_damaged_is_not_loaded() {
    // One in sixteen bytes of each state, other ones in the next; the first and the last of all.
    let step = if is_long() { 1 } else { 16 };
    for (number, state) in states().iter().enumerate() {
        assert!(payer().load_subscription(state).is_ok());
        let chosen = (number % step..state.len()).step_by(step);
        for at in chosen.chain([0, 1, 2, state.len() - 16, state.len() - 1]) {
            let mut damaged = state.clone();
            damaged[at] ^= 1;
            assert_eq!(payer().load_subscription(&damaged).unwrap_err().kind(), &ErrorKind::InvalidState);
            assert_eq!(payer().load_subscription(&state[..at]).unwrap_err().kind(), &ErrorKind::InvalidState);
        }
    }
    let newer = reseal(PAYER, "payer state", &states()[0], |state| state[0] += 1);
    assert_eq!(payer().load_subscription(&newer).unwrap_err().kind(), &ErrorKind::UnknownVersion);
}

// EXC-4: whatever byte is another, a state is refused, or is what it says.
#[test]
fn a_subscription_is_what_its_state_says() {
    // One that was just begun, with a base and without.
    for state in [&states()[0], &states()[states().len() / 2]] {
        for (at, changed) in each_byte_resealed(PAYER, "payer state", state, &[1, 0xff]) {
            match payer().load_subscription(&changed) {
                Ok(loaded) => assert_eq!(loaded.to_bytes(), changed, "byte {at}"),
                Err(error) => {
                    let kind = if at == 0 { ErrorKind::UnknownVersion } else { ErrorKind::InvalidState };
                    assert_eq!(error.kind(), &kind, "byte {at}");
                }
            }
        }
    }
}

proptest! {
    /// Whatever a state says that has the right MAC, it is what it says, and no step panics.
    #[test]
    fn what_is_loaded_goes_on(state in 0..24usize, at in any::<prop::sample::Index>(), bit in 0..8u8, now in any::<u64>()) {
        let state = &states()[state];
        let changed = reseal(PAYER, "payer state", state, |state| {
            let at = at.index(state.len());
            state[at] ^= 1u8 << bit;
        });
        if let Ok(mut subscription) = payer().load_subscription(&changed) {
            prop_assert_eq!(subscription.to_bytes(), &changed[..]);
            for now in [NOW, later(DAY), super::shop::at(now), super::shop::at(u64::MAX)] {
                let _ = (subscription.state(now), subscription.next_payments(now, 3));
                let _ = subscription.poll(now, None);
                let _ = subscription.begin(now, None);
                prop_assert!(payer().load_subscription(&subscription.to_bytes()).is_ok());
            }
            let _ = subscription.failed(bolt12::exchange::Attempt(1));
            subscription.try_again();
            subscription.cancel();
            let _ = subscription.poll(NOW, None);
            prop_assert!(payer().load_subscription(&subscription.to_bytes()).is_ok());
        }
    }
}
