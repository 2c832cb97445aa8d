//! Ten thousand exchanges in worlds where more and more goes wrong. What must never happen is checked in the world
//! itself; here is what must happen, so that no run is empty.

use super::network::{FAULTS, Fault, Faults};
use super::world::{Outcome, Setup, World};

fn run(setups: impl Iterator<Item = Setup>) -> Outcome {
    setups.fold(Outcome::default(), |mut sum, setup| {
        sum.add(&World::new(setup).run().outcome);
        sum
    })
}

/// Everything that was begun has an end.
fn ends(outcome: &Outcome) -> u64 {
    let Outcome { paid, deadline, refused, too_expensive, quote_expired, declined, offer_expired, .. } = *outcome;
    paid + deadline + refused + too_expensive + quote_expired + declined + offer_expired
}

/// EXC-5: without faults, all that can succeed does.
#[test]
fn in_a_calm_world_everything_succeeds() {
    let outcome = run((0..700).map(Setup::new));
    assert_eq!((outcome.begun, outcome.paid), (2800, 2800), "{outcome:?}");
    assert_eq!((outcome.refunds_paid, outcome.claims_paid), (700, 700), "{outcome:?}");
    assert_eq!(outcome.crashes, 0);
    assert!(outcome.failed_transfers > 100, "{outcome:?}");
}

/// EXC-5: what is lost, late, doubled or sent into the void delays a payment, and prevents none.
#[test]
fn in_an_unreliable_world_everything_succeeds_later() {
    let faults = Faults::NONE
        .with(Fault::Unreachable, 200)
        .with(Fault::Drop, 200)
        .with(Fault::Delay, 200)
        .with(Fault::Duplicate, 200)
        .with(Fault::Replay, 100);
    let outcome = run((1000..1400).map(|seed| Setup { faults, crashes: 10, ..Setup::new(seed) }));
    assert_eq!((outcome.begun, outcome.paid), (1600, 1600), "{outcome:?}");
    assert!(outcome.late > 100 && outcome.crashes > 100, "{outcome:?}");
    assert!(outcome.faults.of(Fault::Reorder) > 100, "{outcome:?}");
}

/// EXC-1, EXC-4, EXC-6, EXC-7: whoever sits between both sides can delay and prevent, and nothing else.
#[test]
fn in_a_hostile_world_nothing_bad_happens() {
    let faults = |seed: u64| Faults::all([20, 80, 200][seed as usize % 3]);
    let outcome = run((2000..2720).map(|seed| Setup {
        faults: faults(seed),
        purchases: 4,
        crashes: 5,
        willing: false,
        ..Setup::new(seed)
    }));
    hostile(&outcome);
}

/// The same with more going on at once, and crashes all the time.
#[test]
fn in_a_crowded_and_crashing_world_nothing_bad_happens() {
    let outcome = run((4000..4200).map(|seed| Setup {
        faults: Faults::all(50),
        purchases: 9,
        crashes: 20,
        willing: false,
        ..Setup::new(seed)
    }));
    hostile(&outcome);
}

fn hostile(outcome: &Outcome) {
    assert_eq!(outcome.begun, ends(outcome), "{outcome:?}");
    assert!(outcome.claims_paid == outcome.refunds_paid, "{outcome:?}");
    // Most succeed all the same, and every other end is met.
    assert!(outcome.paid * 2 > outcome.begun && outcome.refunds_paid > 100, "{outcome:?}");
    for count in [outcome.deadline, outcome.refused, outcome.too_expensive, outcome.declined, outcome.asked_again] {
        assert!(count > 5, "{outcome:?}");
    }
    // EXC-9, EXC-13: what was off the price was asked for again, and sometimes allowed.
    assert!(outcome.renewed > 5 && outcome.allowed > 5 && outcome.backups > 50, "{outcome:?}");
    for count in [outcome.probes, outcome.late, outcome.crashes, outcome.failed_transfers] {
        assert!(count > 50, "{outcome:?}");
    }
    for fault in FAULTS {
        assert!(outcome.faults.of(fault) > 100, "{fault:?}: {outcome:?}");
    }
}

/// The same ten thousand times, in worlds of every kind.
#[test]
#[ignore = "takes many minutes"]
fn in_ten_thousand_worlds_nothing_bad_happens() {
    let outcome = run((10_000..20_000).map(|seed| Setup {
        faults: Faults::all([0, 20, 50, 80, 200][seed as usize % 5]),
        purchases: 3 + seed as usize % 7,
        crashes: [0, 5, 20][seed as usize % 3],
        willing: false,
        ..Setup::new(seed)
    }));
    println!("{outcome:?}");
    assert_eq!(outcome.begun, ends(&outcome));
}
