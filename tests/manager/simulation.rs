//! Whole lives of wallets and shops.

use super::network::{FAULTS, Fault, Faults};
use super::world::{Outcome, Setup, World};

fn calm(seed: u64) -> Setup {
    let (parties, shops, seconds, strangers) = (3, 3, 1, 0);
    Setup { seed, parties, shops, seconds, strangers, faults: Faults::NONE, broken: 0, crashes: 0, unwilling: 0 }
}

#[test]
fn in_a_calm_world_everything_is_paid() {
    for seed in 0..5 {
        let outcome = World::new(calm(seed)).run(10);
        assert_eq!((outcome.failed_transfers, outcome.crashes), (0, 0));
        assert!(outcome.paid >= 10, "{seed}: {outcome:?}");
    }
}

/// EXC-15, EXC-16: whatever happens to messages, stores and memories, nothing is paid twice, nothing comes before its
/// save, everything ends, and what was paid is known to be.
#[test]
fn in_a_wild_world_nothing_is_paid_twice() {
    let mut all = Outcome::default();
    for seed in 100..124 {
        let wild = Setup {
            parties: 4,
            shops: 4,
            strangers: 20,
            faults: Faults::all(60),
            broken: if seed % 2 == 0 { 0 } else { 150 },
            crashes: 10,
            unwilling: 150,
            ..calm(seed)
        };
        let outcome = World::new(wild).run(12);
        all.paid += outcome.paid;
        all.ended += outcome.ended;
        all.crashes += outcome.crashes;
        all.failed_saves += outcome.failed_saves;
        all.claims += outcome.claims;
        all.failed_transfers += outcome.failed_transfers;
        all.faults.add(&outcome.faults);
    }
    // Enough of everything happened.
    assert!(all.paid > 60 && all.ended > 30 && all.crashes > 50, "{all:?}");
    assert!(all.failed_saves > 100 && all.claims > 5 && all.failed_transfers > 10, "{all:?}");
    for fault in FAULTS.into_iter().filter(|fault| *fault != Fault::Swap) {
        assert!(all.faults.of(fault) > 5, "{fault:?}: {all:?}");
    }
}

/// A day of many wallets and some shops.
fn a_day(wallets: u16, shops: u16, purchases: usize) -> Outcome {
    let wild = Setup {
        parties: wallets + shops,
        shops,
        seconds: 86_400,
        strangers: 50,
        faults: Faults::all(30),
        broken: 50,
        crashes: 5,
        unwilling: 50,
        ..calm(7)
    };
    let outcome = World::new(wild).run(purchases);
    println!("{wallets} wallets, {shops} shops: {outcome:?}");
    outcome
}

/// The same as below, in small.
#[test]
fn a_day_of_a_few() {
    let all = a_day(50, 5, 100);
    assert!(all.paid > 50 && all.crashes > 5 && all.failed_saves > 20 && all.strangers > 50, "{all:?}");
}

/// EXC-15, EXC-16, EXC-20: a day of a thousand wallets and a hundred shops, with loss, duplicates, crashes, saves that
/// fail, and strangers.
#[test]
#[ignore = "takes half a minute"]
fn a_day_of_a_thousand_wallets() {
    let all = a_day(1_000, 100, 3_000);
    assert!(all.paid > 2_000 && all.crashes > 300 && all.failed_saves > 1_000 && all.strangers > 2_000, "{all:?}");
}
