//! Ten thousand exchanges in a world where everything goes wrong.

use super::network::{FAULTS, Fault, Faults};
use super::world::{Outcome, Setup, World};

fn run(setups: impl Iterator<Item = Setup>) -> Outcome {
    setups.fold(Outcome::default(), |mut sum, setup| {
        sum.add(&World::new(setup).run().outcome);
        sum
    })
}

/// EXC-5: without faults, all that can succeed does.
#[test]
fn in_a_calm_world_everything_succeeds() {
    let outcome = run((0..300).map(Setup::new));
    assert_eq!((outcome.begun, outcome.paid), (1200, 1200), "{outcome:?}");
    assert_eq!((outcome.refunds_paid, outcome.claims_paid), (300, 300), "{outcome:?}");
    assert_eq!(outcome.crashes, 0);
    println!("{outcome:?}");
}
