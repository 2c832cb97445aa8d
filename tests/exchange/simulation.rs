//! Ten thousand exchanges in worlds where more and more goes wrong, or the first two thousand of them (see `long.rs`).
//! What must never happen is checked in the world itself; here is what must happen, so that no run is empty.

use super::long::{is_long, seeds};
use super::network::{FAULTS, Fault, Faults};
use super::plan::Setup;
use super::world::{Outcome, World};

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
    let seeds = seeds(0..700, 140);
    let worlds = seeds.end - seeds.start;
    let outcome = run(seeds.map(Setup::new));
    assert_eq!((outcome.begun, outcome.paid), (4 * worlds, 4 * worlds), "{outcome:?}");
    assert_eq!((outcome.refunds_paid, outcome.claims_paid), (worlds, worlds), "{outcome:?}");
    assert_eq!(outcome.crashes, 0);
    assert!(outcome.failed_transfers > worlds / 7, "{outcome:?}");
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
    let seeds = seeds(1000..1400, 80);
    let worlds = seeds.end - seeds.start;
    let outcome = run(seeds.map(|seed| Setup { faults, crashes: 10, ..Setup::new(seed) }));
    assert_eq!((outcome.begun, outcome.paid), (4 * worlds, 4 * worlds), "{outcome:?}");
    let counts = [outcome.late, outcome.crashes, outcome.faults.of(Fault::Reorder)];
    assert!(counts.iter().all(|count| *count > worlds / 4), "{outcome:?}");
}

/// EXC-1, EXC-4, EXC-6, EXC-7: whoever sits between both sides can delay and prevent, and nothing else.
#[test]
fn in_a_hostile_world_nothing_bad_happens() {
    let faults = |seed: u64| Faults::all([20, 80, 200][seed as usize % 3]);
    let outcome = run(seeds(2000..2720, 150).map(|seed| Setup {
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
    let outcome = run(seeds(4000..4200, 40).map(|seed| Setup {
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
    assert!(outcome.paid * 2 > outcome.begun && outcome.refunds_paid > 20, "{outcome:?}");
    for count in [outcome.deadline, outcome.refused, outcome.too_expensive, outcome.declined, outcome.asked_again] {
        assert!(count > 1, "{outcome:?}");
    }
    // EXC-9, EXC-13: what was off the price was asked for again, and sometimes allowed.
    assert!(outcome.renewed > 5 && outcome.backups > 20 && (outcome.allowed > 5 || !is_long()), "{outcome:?}");
    for count in [outcome.probes, outcome.late, outcome.crashes, outcome.failed_transfers] {
        assert!(count > 20, "{outcome:?}");
    }
    for fault in FAULTS {
        assert!(outcome.faults.of(fault) > 20, "{fault:?}: {outcome:?}");
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
