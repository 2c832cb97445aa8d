//! Whose messages are opened, and which wait or are dropped, where there is not room for all (EXC-20).

use std::time::Duration;

use super::town::{ISSUER, STRANGERS, Town, id, know};
use bolt12::peers::{Budget, Limits, Standing};

/// How long a request is that wants no answer.
const LEN: usize = 1_403;

const KNOWN: u16 = 900;
const ONE: u16 = STRANGERS;
const OTHER: u16 = STRANGERS + 1;
const THIRD: u16 = STRANGERS + 2;

/// An issuer with these limits, to which these came.
fn visited(limits: Limits, strangers: &[u16]) -> Town {
    let mut town = Town::new(1, limits, false);
    strangers.iter().for_each(|stranger| town.comes(*stranger, ISSUER));
    town
}

/// Somebody asks so many times.
fn asks(town: &mut Town, from: u16, times: usize) {
    let offer = town.node(ISSUER).offer.clone();
    for _ in 0..times {
        let request = town.request(&offer, None);
        assert_eq!(request.as_bytes().len(), LEN);
        town.hand(from, ISSUER, request);
    }
}

/// How many messages of each are opened.
fn opened<const N: usize>(town: &mut Town, from: [u16; N]) -> [usize; N] {
    town.hear(ISSUER);
    let brought = std::mem::take(&mut town.node(ISSUER).brought);
    from.map(|from| brought.iter().filter(|other| **other == id(from)).count())
}

#[test]
fn whom_we_know_is_heard_first() {
    let mut town = visited(Limits::default(), &[ONE, KNOWN]);
    know(&mut town, ISSUER, KNOWN, Standing::Kept);
    asks(&mut town, ONE, 2);
    asks(&mut town, KNOWN, 2);
    town.hear(ISSUER);
    assert_eq!(town.node(ISSUER).brought, [KNOWN, KNOWN, ONE, ONE].map(id));
}

/// EXC-20: one has all of the memory, down to the last byte, and another takes its share of it: the half.
#[test]
fn memory_is_shared_down_to_the_last_byte() {
    let mut town = visited(Limits { unopened_bytes: 4 * LEN, ..Limits::default() }, &[ONE, OTHER]);
    let too_many = |town: &mut Town| town.node(ISSUER).peers.counts().too_many;
    asks(&mut town, ONE, 4);
    assert_eq!(too_many(&mut town), 0);
    asks(&mut town, ONE, 1);
    assert_eq!(too_many(&mut town), 1);
    asks(&mut town, OTHER, 3);
    assert_eq!(too_many(&mut town), 4);
    assert_eq!(opened(&mut town, [ONE, OTHER]), [2, 2]);
}

/// EXC-20: after a minute, nobody has to wait for those who are new.
#[test]
fn newcomers_are_held_up_for_a_minute() {
    let newcomers = Budget { burst: 2, per_second: 0 };
    let mut town = visited(Limits { newcomers, ..Limits::default() }, &[ONE]);
    asks(&mut town, ONE, 3);
    let start = town.now;
    for (after, expected) in [(0, 1), (1, 0), (59_999, 0), (60_000, 2)] {
        town.now = start + Duration::from_millis(after);
        assert_eq!(opened(&mut town, [ONE]), [expected], "{after}");
        // Whoever sleeps until there is something to do is woken then.
        let waits = (after < 60_000).then_some(start + Duration::from_secs(60));
        assert_eq!(town.node(ISSUER).peers.wake_at(), waits, "{after}");
    }
}

/// EXC-20: whom we know waits for nobody's budget but its own, and whoever sleeps until then is woken.
#[test]
fn whom_we_know_has_only_its_own_budget() {
    let none = Budget { burst: 0, per_second: 0 };
    let peer = Budget { burst: 2, per_second: 2 };
    let limits = Limits { peer, newcomers: none, all_strangers: none, ..Limits::default() };
    for standing in [Standing::Kept, Standing::Chosen] {
        let mut town = visited(limits, &[ONE, KNOWN]);
        know(&mut town, ISSUER, KNOWN, standing);
        asks(&mut town, ONE, 1);
        asks(&mut town, KNOWN, 2);
        let start = town.now;
        for (after, expected) in [(0, 1), (999, 0), (1_000, 1)] {
            town.now = start + Duration::from_millis(after);
            assert_eq!(opened(&mut town, [KNOWN, ONE]), [expected, 0], "{after}");
            let waits = (after < 1_000).then_some(start + Duration::from_secs(1));
            assert_eq!(town.node(ISSUER).peers.wake_at(), waits, "{after}");
        }
    }
}

/// EXC-20: where all that are heard have something waiting, the one that has the most makes room for who says
/// something. Where each has one message, nobody does.
#[test]
fn who_has_the_most_waiting_makes_room() {
    for (waiting, expected) in [([1, 1], [1, 1, 0]), ([2, 1], [0, 1, 1]), ([2, 3], [2, 0, 1]), ([3, 2], [0, 2, 1])] {
        let mut town = visited(Limits { strangers: 2, ..Limits::default() }, &[ONE, OTHER, THIRD]);
        asks(&mut town, ONE, waiting[0]);
        asks(&mut town, OTHER, waiting[1]);
        asks(&mut town, THIRD, 1);
        assert_eq!(opened(&mut town, [ONE, OTHER, THIRD]), expected, "{waiting:?}");
    }
}

/// EXC-20: who becomes known leaves place and memory to strangers, and keeps what it sent; who is known no longer is
/// counted among them.
#[test]
fn who_becomes_known_takes_no_place_of_strangers() {
    let limits = Limits { strangers: 1, unopened_bytes: 2 * LEN, ..Limits::default() };
    for standing in [Standing::Kept, Standing::Chosen] {
        let mut town = visited(limits, &[ONE]);
        asks(&mut town, ONE, 2);
        know(&mut town, ISSUER, ONE, standing);
        town.comes(OTHER, ISSUER);
        asks(&mut town, OTHER, 2);
        assert_eq!(opened(&mut town, [ONE, OTHER]), [2, 2]);

        let mut town = visited(limits, &[]);
        know(&mut town, ISSUER, KNOWN, standing);
        town.comes(KNOWN, ISSUER);
        // It asks only now: a message is longer than the share of anyone that we know.
        know(&mut town, ISSUER, KNOWN, Standing::Stranger);
        asks(&mut town, KNOWN, 1);
        town.comes(OTHER, ISSUER);
        asks(&mut town, OTHER, 1);
        assert_eq!(opened(&mut town, [KNOWN, OTHER]), [1, 0]);
    }
}
