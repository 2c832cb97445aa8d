//! Hundreds of whole subscriptions, from the first request to the end, or the first of them (see `long.rs`).

use super::long::{is_long, seeds};
use super::network::{FAULTS, Fault, Faults};
use super::world::{Outcome, Setup, World};

fn run(setups: impl Iterator<Item = Setup>) -> Outcome {
    let outcome = setups.fold(Outcome::default(), |mut sum, setup| {
        sum.add(&World::new(setup).run());
        sum
    });
    println!("{outcome:?}");
    outcome
}

// REC-3 to REC-13: without faults, everything is paid.
#[test]
fn in_a_calm_world_everything_is_paid() {
    let seeds = seeds(0..150, 50);
    let worlds = seeds.end - seeds.start;
    let outcome = run(seeds.map(Setup::new));
    assert_eq!((outcome.worlds, outcome.completed), (worlds, worlds));
    assert!(outcome.payments > 4 * worlds && outcome.failed_transfers > worlds / 2, "{outcome:?}");
}

// EXC-4, EXC-5: with lost messages and crashes at any point, nothing is paid twice and everything is paid in the end.
#[test]
fn losses_and_crashes_stop_nothing() {
    let faults = Faults::all(60).with(Fault::Drop, 300).with(Fault::Reorder, 0);
    let setup = |seed| Setup { faults, crashes: 30, ..Setup::new(seed) };
    let seeds = seeds(1000..1150, 40);
    let worlds = seeds.end - seeds.start;
    let outcome = run(seeds.map(setup));
    assert_eq!((outcome.worlds, outcome.completed), (worlds, worlds));
    assert!(outcome.crashes > worlds && outcome.late > worlds / 2, "{outcome:?}");
    for fault in FAULTS {
        assert!(outcome.faults.of(fault) > 0, "{fault:?}");
    }
}

// REC-12: whatever happens, including clocks that jump both ways, rates that run away and customers who cancel: no
// period is paid twice, none is skipped, none costs more than was allowed, and how it ended is said.
#[test]
fn in_a_hostile_world_nothing_goes_wrong_unseen() {
    let faults = Faults::all(40).with(Fault::Reorder, 0);
    let setup = |seed| Setup { faults, willing: false, crashes: 20, jumps: seed % 5, seed };
    let outcome = run(seeds(2000..2400, 80).map(setup));
    let Outcome { completed, missed, cancelled, not_started, too_expensive, jumps, cancels_heard, .. } = outcome;
    let seen = [completed, missed, cancelled, not_started, too_expensive, jumps, cancels_heard];
    let seen = [&seen[..], &[outcome.overdue, outcome.backups]].concat();
    assert!(seen.iter().all(|count| *count > if is_long() { 10 } else { 2 }), "{outcome:?}");
    assert_eq!(outcome.worlds, completed + missed + cancelled + not_started);
}

/// The same ten thousand times, in worlds of every kind.
#[test]
#[ignore = "takes many minutes"]
fn in_ten_thousand_worlds_nothing_goes_wrong_unseen() {
    let setup = |seed: u64| {
        let faults = Faults::all([0, 20, 40, 80][seed as usize % 4]).with(Fault::Reorder, 0);
        Setup { faults, willing: false, crashes: [0, 20, 40][seed as usize % 3], jumps: seed % 5, seed }
    };
    let outcome = run((10_000..20_000).map(setup));
    assert_eq!(outcome.worlds, 10_000);
}
