//! Whole lives of wallets and shops.

use super::network::{FAULTS, Fault, Faults};
use super::world::{Outcome, Setup, World};

fn calm(seed: u64) -> Setup {
    Setup { seed, parties: 3, faults: Faults::NONE, broken: 0, crashes: 0, unwilling: 0 }
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
