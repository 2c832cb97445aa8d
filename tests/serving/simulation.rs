//! Static invoice servers, phones that sleep and wake, and payers who ask them: among loss, duplicates, old messages that
//! come again, messages that come over other paths, crashes, and saves that fail (STA-8, STA-9).

use super::long;
use super::world::{Counts, Setup, World};

const CALM: Setup =
    Setup { seed: 0, servers: 1, phones: 2, days: 12, faults: 0, broken: 0, crashes: 0, strangers: 0, asks: 8 };

fn run(setups: impl IntoIterator<Item = Setup>) -> Counts {
    let mut all = Counts::default();
    let mut worlds = 0;
    for setup in setups {
        all += World::new(setup).run();
        worlds += 1;
    }
    println!("{worlds} worlds: {all:?}");
    all
}

/// STA-8, STA-9: where nothing goes wrong, everybody is served all the time, and everybody is paid.
#[test]
fn in_a_calm_world_every_offer_is_served_and_paid() {
    for seed in long::seeds(0..20, 1) {
        let counts = run([Setup { seed, ..CALM }]);
        assert_eq!((counts.lost, counts.failed_saves, counts.crashes, counts.given_up), (0, 0, 0, 0), "{counts:?}");
        assert_eq!(counts.paid_held + counts.paid_itself, counts.asked, "{counts:?}");
        assert!(counts.followed >= 2 && counts.renewed > 15 && counts.asked > 80, "{counts:?}");
        assert!(counts.paid_held > 20 && counts.paid_itself > 3, "{counts:?}");
    }
}

/// STA-8, STA-9, EXC-15: whatever happens, nothing is confirmed that is not stored, nobody gets the static invoice of
/// another, what is stored is bounded, and everything ends.
#[test]
fn in_a_wild_world_nothing_unsaved_is_confirmed() {
    let setups = long::seeds(100..200, 3).map(|seed| Setup {
        seed,
        servers: 2,
        phones: 3,
        faults: 80,
        broken: if seed % 2 == 0 { 0 } else { 150 },
        crashes: 20,
        strangers: 60,
        ..CALM
    });
    let counts = run(setups);
    // Enough of everything happened.
    assert!(counts.asked > 200 && counts.paid_held > 30 && counts.paid_itself > 10, "{counts:?}");
    assert!(counts.lost > 100 && counts.repeated > 100 && counts.replayed > 50 && counts.astray > 50, "{counts:?}");
    assert!(counts.failed_saves > 30 && counts.crashes > 50 && counts.strangers > 50, "{counts:?}");
    assert!(counts.refused > 300 && counts.renewed > 60 && counts.followed > 3 && counts.confirmed > 60, "{counts:?}");
}
